package hashring_test

import (
	"errors"
	"math"
	"math/bits"
	"slices"
	"strings"
	"testing"

	"github.com/clusterluck/clusterluck/hashring"
)

// An anchorTwin is AnchorHash as its paper introduces it, with the list of the
// nodes that were left kept for each node that left.
type anchorTwin struct {
	capacity int
	present  []int
	left     map[int][]int
	order    []int // of leaving
}

func newAnchorTwin(capacity, n int) *anchorTwin {
	twin := &anchorTwin{capacity: capacity, left: make(map[int][]int)}
	for i := range capacity {
		twin.present = append(twin.present, i)
	}
	for i := capacity - 1; i >= n; i-- {
		twin.remove(i)
	}
	return twin
}

// remove puts the last node in the place of node i.
func (a *anchorTwin) remove(i int) {
	end := len(a.present) - 1
	a.present[slices.Index(a.present, i)] = a.present[end]
	a.present = a.present[:end]
	a.left[i] = slices.Clone(a.present)
	a.order = append(a.order, i)
}

// add takes back the last removal: it replays all others.
func (a *anchorTwin) add() int {
	end := len(a.order) - 1
	i := a.order[end]
	replay := newAnchorTwin(a.capacity, a.capacity)
	for _, other := range a.order[:end] {
		replay.remove(other)
	}
	*a = *replay
	return i
}

func (a *anchorTwin) locate(hash uint64) int {
	if len(a.present) == 0 {
		return -1
	}
	at, _ := bits.Mul64(hash, uint64(a.capacity))
	for {
		left, absent := a.left[int(at)]
		if !absent {
			return int(at)
		}
		place, _ := bits.Mul64(splitMixFinish(hash+at*splitMixStep), uint64(len(left)))
		at = uint64(left[place])
	}
}

// Random changes between no node and all nodes must leave the Anchor and its
// twin in agreement, and move no key that need not move.
func TestAnchorAgreesWithTwin(t *testing.T) {
	tests := []struct{ capacity, n, steps int }{
		{1, 1, 20}, {1, 0, 20}, {2, 1, 100}, {5, 5, 300}, {8, 0, 300}, {30, 20, 300}, {200, 100, 300},
	}
	for _, tt := range tests {
		anchor, err := hashring.NewAnchor(tt.capacity, tt.n)
		if err != nil {
			t.Fatal(err)
		}
		twin, before := newAnchorTwin(tt.capacity, tt.n), anchorOwners(anchor)
		for step := range uint64(tt.steps) {
			// A long run of one kind, so that the extremes are reached.
			add := step/uint64(tt.capacity+1)%2 == 0
			if splitMix(50, step)%4 == 0 {
				add = !add
			}
			changed := -1
			switch {
			case add && anchor.Len() < tt.capacity:
				if changed, err = anchor.Add(); err != nil || changed != twin.add() {
					t.Fatalf("capacity %d, step %d: Add() = %d, %v", tt.capacity, step, changed, err)
				}
			case !add && anchor.Len() > 0:
				changed = twin.present[splitMix(51, step)%uint64(len(twin.present))]
				twin.remove(changed)
				if err := anchor.Remove(changed); err != nil {
					t.Fatal(err)
				}
			}
			after := anchorOwners(anchor)
			for i, now := range after {
				if want := twin.locate(splitMix(52, uint64(i))); now != want {
					t.Fatalf("capacity %d, step %d: key %d is of node %d, of node %d by the paper", tt.capacity, step, i, now, want)
				}
				if was := before[i]; was != now && (add && now != changed || !add && was != changed) {
					t.Fatalf("capacity %d, step %d: key %d moved from %d to %d when node %d changed", tt.capacity, step, i, was, now, changed)
				}
			}
			before = after
			for i := -1; i <= tt.capacity; i++ {
				if got, want := anchor.Has(i), slices.Contains(twin.present, i); got != want {
					t.Fatalf("capacity %d, step %d: Has(%d) = %t, want %t", tt.capacity, step, i, got, want)
				}
			}
			if got, want := anchor.Len(), len(twin.present); got != want {
				t.Fatalf("capacity %d, step %d: Len() = %d, want %d", tt.capacity, step, got, want)
			}
		}
	}
}

func anchorOwners(a *hashring.Anchor) []int {
	owners := make([]int, 500)
	for i := range owners {
		owners[i] = a.Locate(splitMix(52, uint64(i)))
	}
	return owners
}

func TestAnchorBalanceAfterRemovals(t *testing.T) {
	const capacity, keys = 64, 200_000
	anchor, err := hashring.NewAnchor(capacity, capacity)
	if err != nil {
		t.Fatal(err)
	}
	for i := 1; i < capacity; i += 2 {
		if err := anchor.Remove(i * 37 % capacity); err != nil {
			t.Fatal(err)
		}
	}
	counts := make([]int, capacity)
	for i := range uint64(keys) {
		counts[anchor.Locate(splitMix(53, i))]++
	}
	// Counts are binomial; 5 standard deviations are exceeded once in 1.7
	// million counts.
	share := 1.0 / float64(anchor.Len())
	limit := 5 * math.Sqrt(keys*share*(1-share))
	for i, count := range counts {
		want := 0.0
		if anchor.Has(i) {
			want = keys * share
		}
		if math.Abs(float64(count)-want) > limit || want == 0 && count > 0 {
			t.Errorf("node %d has %d keys, want %.0f +- %.0f", i, count, want, limit)
		}
	}
}

func TestAnchorRefusesBadChanges(t *testing.T) {
	anchor, err := hashring.NewAnchor(4, 3)
	if err != nil {
		t.Fatal(err)
	}
	before := anchorOwners(anchor)
	for _, i := range []int{-1, 3, 4, math.MaxInt32, math.MinInt32} {
		if err := anchor.Remove(i); !errors.Is(err, hashring.ErrUnknown) || !strings.Contains(err.Error(), "not present") {
			t.Errorf("Remove(%d) returned %v, want ErrUnknown", i, err)
		}
	}
	if !slices.Equal(anchorOwners(anchor), before) {
		t.Error("a Remove that was refused moved keys")
	}
	if i, err := anchor.Add(); i != 3 || err != nil {
		t.Fatalf("Add() = %d, %v, want node 3", i, err)
	}
	if i, err := anchor.Add(); i != -1 || !errors.Is(err, hashring.ErrTooManyNodes) {
		t.Errorf("Add() at the capacity = %d, %v, want ErrTooManyNodes", i, err)
	}
	var zero hashring.Anchor
	if _, err := zero.Add(); !errors.Is(err, hashring.ErrTooManyNodes) {
		t.Errorf("Add() on the zero Anchor returned %v, want ErrTooManyNodes", err)
	}
	if err := zero.Remove(0); !errors.Is(err, hashring.ErrUnknown) {
		t.Errorf("Remove(0) on the zero Anchor returned %v, want ErrUnknown", err)
	}
}

// An Anchor must go on as if its clone did not exist, and a clone as if the
// original did not: each is compared with one that saw the same changes alone.
func TestAnchorCloneIsIndependent(t *testing.T) {
	const capacity = 20
	anchors := make([]*hashring.Anchor, 4) // original, clone, each one's like
	for i := range anchors {
		if i == 1 {
			anchors[i] = anchors[0].Clone()
			continue
		}
		a, err := hashring.NewAnchor(capacity, 10)
		if err != nil {
			t.Fatal(err)
		}
		for _, gone := range []int{4, 7, 2} {
			if err := a.Remove(gone); err != nil {
				t.Fatal(err)
			}
		}
		anchors[i] = a
	}
	for step := range uint64(300) {
		for i, a := range anchors {
			draw := splitMix(54+uint64(i%2), step)
			if node := int(draw % capacity); a.Has(node) && a.Len() > 3 {
				if err := a.Remove(node); err != nil {
					t.Fatal(err)
				}
			} else if a.Len() < capacity {
				if _, err := a.Add(); err != nil {
					t.Fatal(err)
				}
			}
		}
		for i, name := range []string{"original", "clone"} {
			if !slices.Equal(anchorOwners(anchors[i]), anchorOwners(anchors[i+2])) {
				t.Fatalf("step %d: the %s answers otherwise than one that saw its changes alone", step, name)
			}
		}
	}
}
