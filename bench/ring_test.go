package bench_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/clusterluck/clusterluck/bench/internal/keys"
	"github.com/clusterluck/clusterluck/bench/internal/measure"
	"github.com/clusterluck/clusterluck/bench/internal/peer"
)

const points = 160

// block is the number of keys of one operation: a benchmark calls the loop that
// an adapter has for its rival, so that no interface call is timed.
const block = 1024

// sizes returns the numbers of nodes with which a peer is built. Those that are
// built node by node need a minute for 1000 nodes.
func sizes(p peer.Peer) []int {
	switch {
	case p.Bulk && (p.NodesMax == 0 || p.NodesMax >= 1000):
		return []int{10, 100, 1000}
	}
	return []int{10, 100}
}

// each runs a benchmark for every contender that can do the work, and size.
func each(b *testing.B, can func(peer.Placement) bool, run func(b *testing.B, pl peer.Placement, ks []string)) {
	ks := keys.Mixed(1<<18, 1)
	for _, p := range peer.All() {
		if small, err := p.New(keys.Nodes(3), points, peer.Clock{}); err != nil || !can(small) {
			continue
		}
		for _, n := range sizes(p) {
			b.Run(fmt.Sprintf("peer=%s/nodes=%d", p.Name, n), func(b *testing.B) {
				pl, err := p.New(keys.Nodes(n), points, peer.Clock{})
				if err != nil {
					b.Fatal(err)
				}
				run(b, pl, ks)
			})
		}
	}
}

// lookups times a loop over blocks of keys.
func lookups(b *testing.B, ks []string, run func([]string) int) {
	b.ReportAllocs()
	start, n := time.Now(), 0
	for i := 0; b.Loop(); i++ {
		from := i * block % len(ks)
		measure.Keep(run(ks[from : from+block]))
		n += block
	}
	b.ReportMetric(float64(time.Since(start).Nanoseconds())/float64(n), "ns/key")
}

func BenchmarkOwner(b *testing.B) {
	each(b, func(peer.Placement) bool { return true }, func(b *testing.B, pl peer.Placement, ks []string) {
		lookups(b, ks, pl.Owners)
	})
}

func BenchmarkTop3(b *testing.B) {
	replicates := func(pl peer.Placement) bool { _, ok := pl.(peer.Replicated); return ok }
	each(b, replicates, func(b *testing.B, pl peer.Placement, ks []string) {
		lookups(b, ks, func(ks []string) int { return pl.(peer.Replicated).Tops(ks, 3) })
	})
}

// BenchmarkFloor is the hash of a key and one load from a table as large as the
// hot part of a ring, 6.4 bytes a point.
func BenchmarkFloor(b *testing.B) {
	ks := keys.Mixed(1<<18, 1)
	for _, n := range []int{10, 100, 1000} {
		b.Run(fmt.Sprintf("nodes=%d", n), func(b *testing.B) {
			lookups(b, ks, measure.NewFloor(n*points*64/10).Owners)
		})
	}
}

func BenchmarkBuild(b *testing.B) {
	for _, p := range peer.All() {
		for _, n := range sizes(p) {
			b.Run(fmt.Sprintf("peer=%s/nodes=%d", p.Name, n), func(b *testing.B) {
				nodes := keys.Nodes(n)
				b.ReportAllocs()
				for b.Loop() {
					if _, err := p.New(nodes, points, peer.Clock{}); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// BenchmarkAddRemove adds one node and removes it again.
func BenchmarkAddRemove(b *testing.B) {
	type changing interface {
		peer.Adder
		peer.Remover
	}
	changes := func(pl peer.Placement) bool { _, ok := pl.(changing); return ok }
	each(b, changes, func(b *testing.B, pl peer.Placement, _ []string) {
		b.ReportAllocs()
		for b.Loop() {
			if err := pl.(changing).Add("late"); err != nil {
				b.Fatal(err)
			}
			if err := pl.(changing).Remove("late"); err != nil {
				b.Fatal(err)
			}
		}
	})
}
