package fuzz_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/clusterluck/clusterluck/hashring"
	"github.com/leanovate/gopter"
	"github.com/leanovate/gopter/gen"
	"github.com/leanovate/gopter/prop"
)

// hashes returns 100 hashes of keys.
func hashes(salt uint16) []uint64 {
	rng := rand.New(rand.NewPCG(uint64(salt), 0))
	hashes := make([]uint64, 100)
	for i := range hashes {
		hashes[i] = rng.Uint64()
	}
	return hashes
}

// A named placement answers with an index into a list of nodes.
type named struct {
	hashring.Placement
	nodes []hashring.Node
}

// owner returns the id of a key's node, "" if there is none.
func (p named) owner(hash uint64) string {
	i := p.Locate(hash)
	if (i < 0) != (len(p.nodes) == 0) || i >= len(p.nodes) || p.Len() != len(p.nodes) {
		panic(fmt.Sprintf("Locate = %d and Len = %d of %d nodes", i, p.Len(), len(p.nodes)))
	}
	if i < 0 {
		return ""
	}
	return p.nodes[i].ID
}

// byName are the placements that know nodes by their names.
func byName() []struct {
	name    string
	minimal bool // moves no key needlessly
	place   func([]hashring.Node) hashring.Placement
} {
	return []struct {
		name    string
		minimal bool
		place   func([]hashring.Node) hashring.Placement
	}{
		{"rendezvous", true, func(n []hashring.Node) hashring.Placement { return must(hashring.NewRendezvous(n)) }},
		{"multi-probe", true, func(n []hashring.Node) hashring.Placement { return must(hashring.NewMultiProbe(n, 0)) }},
		{"multi-probe of 1", true, func(n []hashring.Node) hashring.Placement { return must(hashring.NewMultiProbe(n, 1)) }},
		{"maglev", false, func(n []hashring.Node) hashring.Placement { return must(hashring.NewMaglev(n, 251)) }},
	}
}

// Placements by name promise what a ring does: no key moves but from a node that
// left or got lighter, or to one that came or got heavier. Maglev alone does not.
func TestPlacementsMoveOnlyWhereNeeded(t *testing.T) {
	props := gopter.NewProperties(lawful(400, 8))
	for _, p := range byName() {
		if !p.minimal {
			continue
		}
		props.Property(p.name, prop.ForAll(
			func(x []hashring.Node, changes []change, salt uint16) string {
				r := ring(hashring.Options{Points: 1}, x)
				was := named{p.place(distinct(x)), distinct(x)}
				before := r.Snapshot()
				applyEach(r, changes)
				nodes := slices.Collect(r.Nodes())
				now := named{p.place(nodes), nodes}
				for _, h := range hashes(salt) {
					from, to := was.owner(h), now.owner(h)
					if from != to && weight(r.Snapshot(), from) >= weight(before, from) && weight(r.Snapshot(), to) <= weight(before, to) {
						return fmt.Sprintf("hash %x moved from %q to %q without need", h, from, to)
					}
				}
				return ""
			}, genNodes(), genChanges(), genSalt()))
	}
	props.TestingRun(t)
}

// Answers go by the ids of the nodes, not by their order in the list.
func TestPlacementsIgnoreOrder(t *testing.T) {
	props := gopter.NewProperties(lawful(200, 8))
	for _, p := range byName() {
		props.Property(p.name, prop.ForAll(
			func(x []hashring.Node, order uint64, salt uint16) string {
				nodes := distinct(x)
				sorted := named{p.place(nodes), slices.Clone(nodes)}
				rng := rand.New(rand.NewPCG(order, 0))
				rng.Shuffle(len(nodes), func(i, j int) { nodes[i], nodes[j] = nodes[j], nodes[i] })
				shuffled := named{p.place(nodes), nodes}
				for _, h := range hashes(salt) {
					if a, b := sorted.owner(h), shuffled.owner(h); a != b {
						return fmt.Sprintf("hash %x is of %q in one order of nodes and of %q in another", h, a, b)
					}
				}
				return ""
			}, genNodes(), gen.UInt64(), genSalt()))
	}
	props.TestingRun(t)
}

// Another node takes keys from all, and no other key moves.
func TestJumpMovesOnlyToTheNewNode(t *testing.T) {
	props := gopter.NewProperties(lawful(1000, 1))
	props.Property("jump", prop.ForAll(
		func(n int, salt uint16) string {
			was, now := must(hashring.NewJump(n)), must(hashring.NewJump(n+1))
			for _, h := range hashes(salt) {
				from, to := was.Locate(h), now.Locate(h)
				if from != to && to != n || from >= n || (from < 0) != (n == 0) {
					return fmt.Sprintf("hash %x moved from %d to %d", h, from, to)
				}
			}
			return ""
		}, gen.IntRange(0, 300), genSalt()))
	props.TestingRun(t)
}

// An Anchor lets any node go and the last that went return: no other key may
// move, and what is undone leaves no trace.
func TestAnchorMovesOnlyWhereNeeded(t *testing.T) {
	props := gopter.NewProperties(lawful(500, 30))
	props.Property("anchor", prop.ForAll(
		func(capacity, nodes int, removals []int, salt uint16) string {
			a := must(hashring.NewAnchor(capacity, min(capacity, nodes)))
			for _, i := range removals {
				was := a.Clone()
				changed, there := i, a.Has(i)
				var err error
				if i < 0 {
					changed, err = a.Add()
					there = was.Len() < capacity
				} else {
					err = a.Remove(i)
				}
				if (err == nil) != there {
					return fmt.Sprintf("change %d: %v, with %d nodes of %d", i, err, was.Len(), capacity)
				}
				if err != nil && !errors.Is(err, hashring.ErrUnknown) && !errors.Is(err, hashring.ErrTooManyNodes) {
					return err.Error()
				}
				for _, h := range hashes(salt) {
					from, to := was.Locate(h), a.Locate(h)
					if from != to && (err != nil || i < 0 && to != changed || i >= 0 && from != changed) {
						return fmt.Sprintf("hash %x moved from %d to %d at change %d", h, from, to, i)
					}
					if (to < 0) != (a.Len() == 0) || to >= 0 && !a.Has(to) {
						return fmt.Sprintf("hash %x is of node %d, which is not there", h, to)
					}
				}
			}
			return ""
		}, gen.IntRange(1, 12), gen.IntRange(0, 12), gen.SliceOf(gen.IntRange(-6, 12)), genSalt()))
	props.Property("add undoes remove", prop.ForAll(
		func(capacity int, removals []int, salt uint16) string {
			a := must(hashring.NewAnchor(capacity, capacity))
			states := []*hashring.Anchor{a.Clone()}
			var gone []int
			for _, i := range removals {
				if a.Remove(i) == nil {
					states, gone = append(states, a.Clone()), append(gone, i)
				}
			}
			for at := len(gone) - 1; at >= 0; at-- {
				if i, err := a.Add(); i != gone[at] || err != nil {
					return fmt.Sprintf("Add = %d, %v, want %d, the last that left", i, err, gone[at])
				}
				for _, h := range hashes(salt) {
					if got, want := a.Locate(h), states[at].Locate(h); got != want {
						return fmt.Sprintf("hash %x is of %d, and was of %d before %v left", h, got, want, gone[at:])
					}
				}
			}
			return ""
		}, gen.IntRange(1, 12), gen.SliceOf(gen.IntRange(0, 11)), genSalt()))
	props.TestingRun(t)
}
