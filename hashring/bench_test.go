package hashring_test

import (
	"fmt"
	"testing"

	"github.com/clusterluck/clusterluck/hashring"
)

// benchKeys are many, so that no cache or branch predictor learns them.
func benchKeys() []string {
	keys := make([]string, 1<<16)
	for i := range keys {
		keys[i] = fmt.Sprintf("user:%d", uint64(i)*2654435761%(1<<32))
	}
	return keys
}

func BenchmarkRingOwner(b *testing.B) {
	keys := benchKeys()
	for _, nodes := range []int{10, 100, 1000, 10_000} {
		for _, probes := range []int{1, 2} {
			b.Run(fmt.Sprintf("nodes=%d/probes=%d", nodes, probes), func(b *testing.B) {
				r, err := hashring.New(hashring.Options{Probes: probes}, benchNodes(nodes)...)
				if err != nil {
					b.Fatal(err)
				}
				b.ReportAllocs()
				for i := 0; b.Loop(); i++ {
					r.Owner(keys[i%len(keys)])
				}
			})
		}
	}
}

func benchNodes(n int) []hashring.Node {
	nodes := make([]hashring.Node, n)
	for i := range nodes {
		nodes[i] = hashring.Node{ID: fmt.Sprintf("node-%d.example", i)}
	}
	return nodes
}

func BenchmarkRingAppendOwners(b *testing.B) {
	keys := benchKeys()
	for _, nodes := range []int{10, 100, 1000, 10_000} {
		b.Run(fmt.Sprintf("nodes=%d/n=3", nodes), func(b *testing.B) {
			r := ring(b, nodes, 1)
			dst := make([]string, 0, 3)
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				dst = r.AppendOwners(dst[:0], keys[i%len(keys)], 3)
			}
		})
	}
}

func BenchmarkNew(b *testing.B) {
	for _, nodes := range []int{10, 1000} {
		b.Run(fmt.Sprintf("nodes=%d", nodes), func(b *testing.B) {
			list := benchNodes(nodes)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := hashring.New(hashring.Options{}, list...); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// A clone shares the pages of its ring, so each round changes the same ring.
func BenchmarkRingUpdate(b *testing.B) {
	for _, nodes := range []int{10, 1000, 10_000} {
		r := ring(b, nodes, 1)
		for name, change := range map[string]func(*hashring.Ring) error{
			"add":    func(r *hashring.Ring) error { return r.Set(hashring.Node{ID: "new"}) },
			"remove": func(r *hashring.Ring) error { r.Remove("n7"); return nil },
		} {
			b.Run(fmt.Sprintf("nodes=%d/change=%s", nodes, name), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if err := change(r.Clone()); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

func BenchmarkBounded(b *testing.B) {
	keys := benchKeys()
	bounded, err := hashring.NewBounded(ring(b, 100, 1), 1.25)
	if err != nil {
		b.Fatal(err)
	}
	for i := range 1000 { // so that capacities are not all one
		if _, ok := bounded.Acquire(keys[i]); !ok {
			b.Fatal("no node")
		}
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		lease, _ := bounded.Acquire(keys[i%len(keys)])
		lease.Release()
	}
}

func BenchmarkDecode(b *testing.B) {
	data, err := ring(b, 1000, 1).MarshalBinary()
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := hashring.Decode(data, hashring.Limits{}); err != nil {
			b.Fatal(err)
		}
	}
}
