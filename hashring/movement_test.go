package hashring_test

import (
	"strconv"
	"testing"

	"github.com/clusterluck/clusterluck/hashring"
)

// Adding, removing or re-weighting a node must move that node's keys and no
// others: that is the whole promise of consistent hashing, so it is checked
// exactly, not statistically.
func TestChangeMovesOnlyItsKeys(t *testing.T) {
	const node = "n3"
	changes := []struct {
		name   string
		change func(*hashring.Ring) error
		from   bool // keys may leave the node
		to     bool // keys may come to the node
	}{
		{"add", func(r *hashring.Ring) error { return r.Add(hashring.Node{ID: "new"}) }, false, true},
		{"remove", func(r *hashring.Ring) error { r.Remove(node); return nil }, true, false},
		{"more weight", func(r *hashring.Ring) error { return r.SetWeight(node, 3) }, false, true},
		{"less weight", func(r *hashring.Ring) error { return r.SetWeight(node, 1) }, true, false},
		{"metadata", func(r *hashring.Ring) error { return r.Set(hashring.Node{ID: node, Weight: 2, Meta: "m"}) }, false, false},
	}
	for _, probes := range []int{1, 2} {
		for _, tt := range changes {
			t.Run(tt.name+"/probes="+strconv.Itoa(probes), func(t *testing.T) {
				r, err := hashring.New(hashring.Options{Probes: probes})
				if err != nil {
					t.Fatal(err)
				}
				for i := range 20 {
					if err := r.Set(hashring.Node{ID: "n" + strconv.Itoa(i), Weight: 2}); err != nil {
						t.Fatal(err)
					}
				}
				before := r.Snapshot()
				if err := tt.change(r); err != nil {
					t.Fatal(err)
				}
				changed, moved := node, 0
				if tt.name == "add" {
					changed = "new"
				}
				for i := range 50_000 {
					key := strconv.Itoa(i)
					was, _ := before.Owner(key)
					now, _ := r.Owner(key)
					if was == now {
						continue
					}
					moved++
					if !(tt.from && was == changed || tt.to && now == changed) {
						t.Fatalf("key %q moved from %s to %s without need", key, was, now)
					}
				}
				if (moved > 0) != (tt.from || tt.to) {
					t.Errorf("%d keys moved", moved)
				}
			})
		}
	}
}

// Two processes that learn of the same nodes in another order must agree on
// everything.
func TestOrderOfChangesDoesNotMatter(t *testing.T) {
	a, b := new(hashring.Ring), new(hashring.Ring)
	for i := range 60 {
		for r, j := range map[*hashring.Ring]int{a: i, b: 59 - i} {
			if err := r.Set(hashring.Node{ID: "n" + strconv.Itoa(j), Weight: 1 + j%4, Zone: strconv.Itoa(j % 3)}); err != nil {
				t.Fatal(err)
			}
		}
	}
	for i := 60; i < 80; i++ { // b takes a detour
		if err := b.Set(hashring.Node{ID: "n" + strconv.Itoa(i)}); err != nil {
			t.Fatal(err)
		}
	}
	if a.Equal(b) || a.Fingerprint() == b.Fingerprint() {
		t.Fatal("rings of 60 and 80 nodes are equal")
	}
	for i := 60; i < 80; i++ {
		b.Remove("n" + strconv.Itoa(i))
	}
	if !a.Equal(b) || a.Fingerprint() != b.Fingerprint() {
		t.Fatal("rings with the same nodes are not equal")
	}
	for i := range 20_000 {
		key := strconv.Itoa(i)
		x, _ := a.Owner(key)
		y, _ := b.Owner(key)
		if x != y {
			t.Fatalf("equal rings give %q to %q and %q", key, x, y)
		}
	}
}
