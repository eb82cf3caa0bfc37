package peer_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/clusterluck/clusterluck/bench/internal/keys"
	"github.com/clusterluck/clusterluck/bench/internal/measure"
	"github.com/clusterluck/clusterluck/bench/internal/peer"
)

const points = 160

func build(t *testing.T, p peer.Peer, nodes []string) peer.Placement {
	t.Helper()
	pl, err := p.New(nodes, points, peer.Clock{})
	if err != nil {
		t.Fatalf("%s: build of %d nodes: %v", p.Name, len(nodes), err)
	}
	return pl
}

// Two builds must agree, or a rival's samples would not be of one thing.
func TestPeersAreDeterministic(t *testing.T) {
	nodes, ks := keys.Nodes(10), keys.Mixed(2000, 1)
	for _, p := range peer.All() {
		t.Run(p.Name, func(t *testing.T) {
			a, b := build(t, p, nodes), build(t, p, nodes)
			for _, k := range ks {
				if x, y := a.Owner(k), b.Owner(k); x != y {
					t.Fatalf("key %q belongs to %q in one build and to %q in another", k, x, y)
				}
			}
		})
	}
}

// Every node must own keys, and only nodes may. 20 nodes share 20,000 keys; the
// bound is far from what an even placement gives, and catches an adapter that
// hashes the wrong thing or builds with one point a node. lafikl has 10 points a
// node, hence its bound.
func TestPeersSpreadKeysOverAllNodes(t *testing.T) {
	nodes, ks := keys.Nodes(20), keys.Mixed(20_000, 1)
	for _, p := range peer.All() {
		t.Run(p.Name, func(t *testing.T) {
			pl := build(t, p, nodes)
			load := make(map[string]int)
			for _, k := range ks {
				load[pl.Owner(k)]++
			}
			for id, n := range load {
				if !slices.Contains(nodes, id) {
					t.Fatalf("%d keys belong to %q, which is no node", n, id)
				}
			}
			most := 1.6
			if p.Name == "lafikl" {
				most = 3
			}
			mean := float64(len(ks)) / float64(len(nodes))
			for _, id := range nodes {
				if r := float64(load[id]) / mean; r == 0 || r > most {
					t.Errorf("%s owns %.2f times the mean, want some and at most %.1f", id, r, most)
				}
			}
		})
	}
}

// The loop that is timed must do the lookups that Owner does.
func TestTimedLoopsLookEveryKeyUp(t *testing.T) {
	// Ids of different lengths, so that a sum of lengths tells owners apart.
	nodes := []string{"a", "bbbb", "cccccccccccccccc", "dddddddddddddddddddddddddddddddddddddddddd"}
	ks := keys.Mixed(3000, 1)
	for _, p := range peer.All() {
		t.Run(p.Name, func(t *testing.T) {
			pl, want := build(t, p, nodes), 0
			for _, k := range ks {
				want += len(pl.Owner(k))
			}
			if got := pl.Owners(ks); got != want {
				t.Errorf("Owners adds up to %d, want %d", got, want)
			}
		})
	}
}

func TestTopIsDistinctAndStartsWithTheOwner(t *testing.T) {
	nodes, ks := keys.Nodes(10), keys.Mixed(500, 1)
	for _, p := range peer.All() {
		pl := build(t, p, nodes)
		r, ok := pl.(peer.Replicated)
		if !ok {
			continue
		}
		t.Run(p.Name, func(t *testing.T) {
			for _, k := range ks {
				ids := slices.Clone(r.Top(k, 3))
				if len(ids) != 3 || ids[0] != pl.Owner(k) {
					t.Fatalf("top 3 of %q is %q, want 3 nodes and first %q", k, ids, pl.Owner(k))
				}
				slices.Sort(ids)
				if len(slices.Compact(ids)) != 3 {
					t.Fatalf("top 3 of %q holds a node twice", k)
				}
			}
			if got := r.Tops(ks, 3); got != 3*len(ks) {
				t.Errorf("Tops of %d keys counts %d nodes, want %d", len(ks), got, 3*len(ks))
			}
		})
	}
}

// An added node must own keys, and after it is gone a ring must be as it was:
// otherwise the update goals would time something else. The others move keys
// needlessly, which is their nature and not the adapter's.
func TestAddAndRemoveTakeEffect(t *testing.T) {
	nodes, ks := keys.Nodes(10), keys.Mixed(3000, 1)
	for _, p := range peer.All() {
		pl := build(t, p, nodes)
		adder, ok := pl.(peer.Adder)
		if !ok {
			continue
		}
		t.Run(p.Name, func(t *testing.T) {
			before := make([]string, len(ks))
			for i, k := range ks {
				before[i] = pl.Owner(k)
			}
			if err := adder.Add("late"); err != nil {
				t.Fatal(err)
			}
			gained := 0
			for _, k := range ks {
				if pl.Owner(k) == "late" {
					gained++
				}
			}
			if mean := len(ks) / 11; gained < mean/4 || gained > mean*4 {
				t.Errorf("the added node owns %d keys, want about %d", gained, mean)
			}
			remover, ok := pl.(peer.Remover)
			if !ok {
				return
			}
			if err := remover.Remove("late"); err != nil {
				t.Fatal(err)
			}
			for i, k := range ks {
				if got := pl.Owner(k); got == "late" || p.Kind != peer.Other && got != before[i] {
					t.Fatalf("key %q belongs to %q after a node came and went, was %q", k, got, before[i])
				}
			}
		})
	}
}

// A lookup in our ring must allocate nothing, in the loops that are timed.
func TestOursAllocatesNothing(t *testing.T) {
	ks := keys.Mixed(1000, 1)
	for _, p := range peer.Rings() {
		if p.Kind != peer.Ours {
			continue
		}
		pl := build(t, p, keys.Nodes(100))
		if got := measure.Allocs(len(ks), func() { measure.Keep(pl.Owners(ks)) }); got != 0 {
			t.Errorf("Owners: %v allocations a key, want 0", got)
		}
		// Tops itself makes its slice once, over all keys.
		r := pl.(peer.Replicated)
		if got := measure.Allocs(1, func() { measure.Keep(r.Tops(ks, 3)) }); got > 1 {
			t.Errorf("Tops: %v allocations for %d keys, want 1 at most", got, len(ks))
		}
	}
}

// A build that is over time must stop and say how far it came.
func TestSlowBuildsStop(t *testing.T) {
	for _, p := range peer.Rings() {
		if p.Bulk {
			continue
		}
		_, err := p.New(keys.Nodes(5000), points, peer.Within(time.Millisecond))
		var slow *peer.SlowError
		if !errors.As(err, &slow) {
			t.Errorf("%s: 5000 nodes in a millisecond: error %v, want a SlowError", p.Name, err)
			continue
		}
		if slow.Done == 0 || slow.Done >= 5000 || slow.Took < time.Millisecond {
			t.Errorf("%s: %v, want some of 5000 nodes in at least 1 ms", p.Name, slow)
		}
	}
}
