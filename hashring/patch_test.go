package hashring_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"testing"

	"github.com/clusterluck/clusterluck/hashring"
)

// Snapshots share pages and lines with those before and after them, and with
// those of clones. Every one must go on to answer as a ring that was built of
// its nodes and shares nothing.
func TestHeldSnapshotsKeepTheirOwners(t *testing.T) {
	tests := []struct {
		name  string
		nodes int
		opts  hashring.Options
	}{
		{"one probe", 200, hashring.Options{}},
		{"two probes", 200, hashring.Options{Probes: 2}},
		{"mostly empty buckets", 8, hashring.Options{Points: 1}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(1, 1))
			main, err := hashring.New(tt.opts, weighted(tt.nodes)...)
			if err != nil {
				t.Fatal(err)
			}
			rings := []*hashring.Ring{main}
			var held []*hashring.Snapshot
			for range 40 {
				r := rings[rnd.IntN(len(rings))]
				if len(rings) < 4 && rnd.IntN(8) == 0 {
					rings = append(rings, r.Clone())
				}
				changeOne(t, r, tt.nodes, rnd)
				held = append(held, r.Snapshot())
			}
			for i, s := range held {
				fresh, err := hashring.New(s.Options(), slices.Collect(s.Nodes())...)
				if err != nil {
					t.Fatal(err)
				}
				checkEqualReads(t, fmt.Sprintf("snapshot %d", i), s, fresh.Snapshot(), rnd)
			}
		})
	}
}

// weighted returns n nodes of weights 1 to 3.
func weighted(n int) []hashring.Node {
	nodes := make([]hashring.Node, n)
	for i := range nodes {
		nodes[i] = hashring.Node{ID: fmt.Sprintf("w%d", i), Weight: 1 + i%3}
	}
	return nodes
}

// changeOne adds, removes or reweights one of about n nodes, so few points that
// the update patches the table.
func changeOne(t *testing.T, r *hashring.Ring, n int, rnd *rand.Rand) {
	t.Helper()
	id := fmt.Sprintf("w%d", rnd.IntN(n+n/4))
	if rnd.IntN(3) == 0 && r.Remove(id) {
		return
	}
	if err := r.Set(hashring.Node{ID: id, Weight: 1 + rnd.IntN(3)}); err != nil {
		t.Fatal(err)
	}
}

// checkEqualReads compares what two snapshots of equal nodes answer.
func checkEqualReads(t *testing.T, name string, got, want *hashring.Snapshot, rnd *rand.Rand) {
	t.Helper()
	for range 2000 {
		h := rnd.Uint64()
		key := strconv.FormatUint(h, 36)
		if g, _ := got.Owner(key); g != want.AppendOwners(nil, key, 17)[0] {
			t.Fatalf("%s: %s belongs to %q, want %q", name, key, g, want.AppendOwners(nil, key, 17)[0])
		}
		g, _ := got.OwnerHash(h)
		w, _ := want.OwnerHash(h)
		if g != w {
			t.Fatalf("%s: hash %016x belongs to %q, want %q", name, h, g, w)
		}
		if g, w := got.AppendOwnersHash(nil, h, 3), want.AppendOwnersHash(nil, h, 3); !slices.Equal(g, w) {
			t.Fatalf("%s: the owners of hash %016x are %q, want %q", name, h, g, w)
		}
	}
	if !slices.Equal(slices.Collect(got.All()), slices.Collect(want.All())) {
		t.Fatalf("%s: its points differ from those of a new ring", name)
	}
}

// Readers beside updates that patch, for the race detector: what a snapshot
// shares is never written again.
func TestReadersBesidePatches(t *testing.T) {
	r, err := hashring.New(hashring.Options{}, weighted(200)...)
	if err != nil {
		t.Fatal(err)
	}
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for g := range 3 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			rnd := rand.New(rand.NewPCG(2, uint64(g)))
			for {
				select {
				case <-stop:
					return
				default:
				}
				s, h := r.Snapshot(), rnd.Uint64()
				owner, ok := s.OwnerHash(h)
				owners := s.AppendOwnersHash(nil, h, 20) // by points alone
				if !ok || owners[0] != owner || s.AppendOwnersHash(nil, h, 3)[2] != owners[2] {
					t.Errorf("hash %016x belongs to %q by lines and to %q by points", h, owner, owners[0])
					return
				}
			}
		}()
	}
	rnd := rand.New(rand.NewPCG(3, 0))
	for range 300 {
		changeOne(t, r, 200, rnd)
	}
	close(stop)
	wg.Wait()
}
