package fuzz_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/clusterluck/clusterluck/hashring"
	"github.com/leanovate/gopter"
	"github.com/leanovate/gopter/prop"
)

// A change must move only the keys that a node gains or loses: that is the whole
// promise of consistent hashing, so it is checked exactly. With several changes
// at once a key may move only from a node that left or got lighter, or to one
// that came or got heavier.
func TestKeysMoveOnlyWhereNeeded(t *testing.T) {
	moved, stayed := 0, 0
	props := gopter.NewProperties(lawful(1500, 8))
	movement := func(o hashring.Options, x []hashring.Node, changes []change, salt uint16) string {
		r := ring(o, x)
		before := r.Snapshot()
		applyEach(r, changes)
		for _, key := range salted(salt) {
			was, _ := before.Owner(key)
			now, _ := r.Owner(key)
			if was == now {
				stayed++
				continue
			}
			moved++
			if weight(r.Snapshot(), was) >= weight(before, was) && weight(r.Snapshot(), now) <= weight(before, now) {
				return fmt.Sprintf("key %q moved from %q to %q without need", key, was, now)
			}
		}
		return ""
	}
	props.Property("one change", prop.ForAll(
		func(o hashring.Options, x []hashring.Node, c []change, salt uint16) string {
			return movement(o, x, c[:min(1, len(c))], salt)
		}, genOptions(), genNodes(), genChanges(), genSalt()))
	props.Property("several changes", prop.ForAll(movement, genOptions(), genNodes(), genChanges(), genSalt()))
	props.TestingRun(t)
	if moved < 1000 || stayed < 1000 {
		t.Errorf("%d keys moved and %d stayed, want at least 1000 of each", moved, stayed)
	}
}

// weight returns the weight of a node, 0 if the ring lacks it. An empty ring has
// the owner "", of no weight.
func weight(s *hashring.Snapshot, id string) int {
	n, _ := s.Get(id)
	return n.Weight
}

// Copies of keys must not move needlessly either: where one node comes, goes or
// changes its weight, the others keep their order of preference. With several
// probes the order starts from the point that wins, so it is not held to that;
// the order of predecessors has no probes.
func TestPreferenceMovesOneNodeOnly(t *testing.T) {
	props := gopter.NewProperties(lawful(1000, 8))
	props.Property("order of the others", prop.ForAll(
		func(o hashring.Options, x []hashring.Node, c []change, salt uint16) string {
			if len(c) == 0 {
				return ""
			}
			r := ring(o, x)
			before := r.Snapshot()
			applyEach(r, c[:1])
			others := func(ids []string) []string {
				return slices.DeleteFunc(ids, func(id string) bool { return id == c[0].Node.ID })
			}
			for _, key := range salted(salt)[:20] {
				was, now := others(before.AppendOwners(nil, key, 9)), others(r.AppendOwners(nil, key, 9))
				if r.Options().Probes == 1 && !slices.Equal(was, now) {
					return fmt.Sprintf("key %q: the order of the others was %v and is %v", key, was, now)
				}
				was, now = others(before.AppendPreceding(nil, key, 9)), others(r.AppendPreceding(nil, key, 9))
				if !slices.Equal(was, now) {
					return fmt.Sprintf("key %q: the order before it was %v and is %v", key, was, now)
				}
			}
			return ""
		}, genOptions(), genNodes(), genChanges(), genSalt()))
	props.TestingRun(t)
}
