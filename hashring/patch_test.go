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
	updates := 40
	if testing.Short() {
		updates = 16
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
			for range updates {
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

// Of the lines no more than one in twelve may be stale, or lookups get slow for
// good; what is not stale must be as in a new table.
func TestFewLinesAreStale(t *testing.T) {
	for _, opts := range []hashring.Options{{}, {Points: 1}, {Probes: 2, Points: 20}} {
		r, err := hashring.New(opts, weighted(300)...)
		if err != nil {
			t.Fatal(err)
		}
		rnd, most := rand.New(rand.NewPCG(4, 0)), 0
		for range 150 {
			changeOne(t, r, 300, rnd)
			stales, lines, set := r.Snapshot().Stale()
			if stales != set || stales > lines/12 {
				t.Fatalf("%v: %d lines are stale, %d marked so, of %d", opts, stales, set, lines)
			}
			most = max(most, stales)
		}
		if most == 0 && opts.Points == 0 {
			t.Errorf("%v: no line was ever stale: every update copies all", opts)
		}
	}
}

// A batch that is better laid out anew must end as the same changes one by one.
func TestLargeBatches(t *testing.T) {
	rnd := rand.New(rand.NewPCG(5, 0))
	for range 40 {
		r, err := hashring.New(hashring.Options{Points: 3}, weighted(rnd.IntN(60))...)
		if err != nil {
			t.Fatal(err)
		}
		single := r.Clone()
		err = r.Update(func(tx *hashring.Tx) error {
			for range 1 + rnd.IntN(80) {
				id := fmt.Sprintf("w%d", rnd.IntN(90))
				if rnd.IntN(2) == 0 {
					tx.Remove(id)
					single.Remove(id)
					continue
				}
				n := hashring.Node{ID: id, Weight: 1 + rnd.IntN(4)}
				if err := tx.Set(n); err != nil {
					return err
				}
				if err := single.Set(n); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if !r.Equal(single) {
			t.Fatal("a batch and its changes one by one give different rings")
		}
		checkEqualReads(t, "the batch", r.Snapshot(), single.Snapshot(), rnd)
	}
}

// All points in one bucket of eight: the walk back from the first goes around
// the circle.
func TestOneBucketHasAllPoints(t *testing.T) {
	var nodes []hashring.Node
	for i := 0; len(nodes) < 6; i++ {
		id := fmt.Sprintf("w%d", i)
		alone, err := hashring.New(hashring.Options{Points: 1}, hashring.Node{ID: id})
		if err != nil {
			t.Fatal(err)
		}
		for p := range alone.All() {
			if p.Position>>(hashring.PositionBits-3) == 5 {
				nodes = append(nodes, hashring.Node{ID: id})
			}
		}
	}
	r, err := hashring.New(hashring.Options{Points: 1}, nodes[:5]...)
	if err != nil {
		t.Fatal(err)
	}
	rnd := rand.New(rand.NewPCG(6, 0))
	for _, n := range nodes {
		before := r.Clone()
		r.Remove(n.ID)
		for _, changed := range []*hashring.Ring{r, before} {
			if err := changed.Set(hashring.Node{ID: nodes[5].ID, Meta: "m"}); err != nil {
				t.Fatal(err)
			}
			fresh, err := hashring.New(changed.Options(), slices.Collect(changed.Nodes())...)
			if err != nil {
				t.Fatal(err)
			}
			checkEqualReads(t, "without "+n.ID, changed.Snapshot(), fresh.Snapshot(), rnd)
		}
		if err := r.Set(n); err != nil {
			t.Fatal(err)
		}
	}
}
