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

// What is undone must leave no trace, or a ring would depend on its history.
func TestChangesCanBeUndone(t *testing.T) {
	props := gopter.NewProperties(lawful(400, 8))
	stranger := func(n hashring.Node) hashring.Node { n.ID = "stranger"; return n }
	props.Property("add, then remove", prop.ForAll(
		func(o hashring.Options, x []hashring.Node, n hashring.Node) string {
			r := ring(o, x)
			if err := r.Add(stranger(n)); err != nil || !r.Remove("stranger") {
				return fmt.Sprintf("add %v or remove", err)
			}
			return same(r, ring(o, x))
		}, genOptions(), genNodes(), genNode()))
	props.Property("remove, then add", prop.ForAll(
		func(o hashring.Options, x []hashring.Node, n hashring.Node) string {
			x = append(x, n)
			r := ring(o, x)
			if !r.Remove(n.ID) {
				return "nothing to remove"
			}
			if err := r.Add(n); err != nil {
				return err.Error()
			}
			return same(r, ring(o, x))
		}, genOptions(), genNodes(), genNode()))
	props.Property("another weight, then the same", prop.ForAll(
		func(o hashring.Options, x []hashring.Node, n hashring.Node, w int) string {
			x = append(x, n)
			r := ring(o, x)
			if err := errors.Join(r.SetWeight(n.ID, w), r.SetWeight(n.ID, n.Weight)); err != nil {
				return err.Error()
			}
			return same(r, ring(o, x))
		}, genOptions(), genNodes(), genNode(), gen.IntRange(1, 9)))
	props.Property("all removed", prop.ForAll(
		func(o hashring.Options, x []hashring.Node) string {
			r := ring(o, x)
			for _, n := range distinct(x) {
				r.Remove(n.ID)
			}
			return same(r, ring(o, nil))
		}, genOptions(), genNodes()))
	props.TestingRun(t)
}

// The points of a weight must be some of those of the next, or a node that gets
// heavier would give keys away. Nobody else's points may change.
func TestWeightAddsPoints(t *testing.T) {
	props := gopter.NewProperties(lawful(400, 6))
	props.Property("prefix", prop.ForAll(
		func(o hashring.Options, x []hashring.Node, n hashring.Node) string {
			x = append(x, n)
			r := ring(o, x)
			lighter := slices.Collect(r.All())
			if err := r.SetWeight(n.ID, n.Weight+1); err != nil {
				return err.Error()
			}
			mine := 0
			for p := range r.All() {
				if len(lighter) > 0 && p == lighter[0] {
					lighter = lighter[1:]
					continue
				}
				if mine++; p.Node != n.ID {
					return fmt.Sprintf("%v came with more weight of %q", p, n.ID)
				}
			}
			if len(lighter) > 0 || mine != r.Options().Points {
				return fmt.Sprintf("%v went with more weight of %q, and %d came", lighter, n.ID, mine)
			}
			n.Weight++
			return same(r, ring(o, append(x, n)))
		}, genOptions(), genNodes(), genNode()))
	props.TestingRun(t)
}

// Processes learn of nodes in different orders, and must agree.
func TestOrderDoesNotMatter(t *testing.T) {
	props := gopter.NewProperties(lawful(300, 8))
	props.Property("insertion order", prop.ForAll(
		func(o hashring.Options, x []hashring.Node, order uint64) string {
			nodes, r := distinct(x), ring(o, nil)
			rng := rand.New(rand.NewPCG(order, 0))
			rng.Shuffle(len(nodes), func(i, j int) { nodes[i], nodes[j] = nodes[j], nodes[i] })
			for _, n := range nodes {
				if err := r.Add(n); err != nil {
					return err.Error()
				}
			}
			return same(r, ring(o, x)) + same(must(hashring.New(o, nodes...)), r)
		}, genOptions(), genNodes(), gen.UInt64()))
	props.Property("history", prop.ForAll(
		func(o hashring.Options, x []hashring.Node, changes []change) string {
			r := ring(o, x)
			applyEach(r, changes)
			return same(r, ring(o, slices.Collect(r.Nodes())))
		}, genOptions(), genNodes(), genChanges()))
	props.TestingRun(t)
}

// An Update must do what its calls would do one by one, answer as they would,
// and do nothing at all if it fails.
func TestUpdateIsItsChanges(t *testing.T) {
	props := gopter.NewProperties(lawful(400, 9))
	props.Property("one by one", prop.ForAll(
		func(o hashring.Options, x []hashring.Node, changes []change) string {
			single, batch := ring(o, x), ring(o, x)
			fault := ""
			err := batch.Update(func(tx *hashring.Tx) error {
				for i, c := range changes {
					one, all := c.apply(single, single.SetWeight), c.apply(tx, tx.Reweight)
					if fmt.Sprint(one) != fmt.Sprint(all) {
						fault = fmt.Sprintf("change %d: %v in an update, %v alone", i, all, one)
					}
					n, ok := tx.Get(c.Node.ID)
					want, has := single.Get(c.Node.ID)
					if n != want || ok != has || tx.Has(c.Node.ID) != has || tx.Len() != single.Len() {
						fault = fmt.Sprintf("after change %d the update reads %v and %d nodes, the ring %v and %d",
							i, n, tx.Len(), want, single.Len())
					}
				}
				return nil
			})
			if err != nil {
				return err.Error()
			}
			return fault + same(single, batch)
		}, genOptions(), genNodes(), genChanges()))
	props.Property("all or nothing", prop.ForAll(
		func(o hashring.Options, x []hashring.Node, changes []change) string {
			r, failed := ring(o, x), errors.New("changed my mind")
			err := r.Update(func(tx *hashring.Tx) error {
				for _, c := range changes {
					_ = c.apply(tx, tx.Reweight) // some are meant to fail
				}
				return failed
			})
			if !errors.Is(err, failed) {
				return fmt.Sprintf("Update = %v, want the error of its function", err)
			}
			return same(r, ring(o, x))
		}, genOptions(), genNodes(), genChanges()))
	props.TestingRun(t)
}

// A snapshot and a clone share pages with their ring and must not share its
// changes, nor it theirs.
func TestClonesAreApart(t *testing.T) {
	props := gopter.NewProperties(lawful(400, 14))
	props.Property("isolation", prop.ForAll(isolation,
		genOptions(), genNodes(), genChanges(), genChanges(), genChanges()))
	// Light nodes that only come and go take the places of one another.
	props.Property("isolation of places", prop.ForAll(
		func(o hashring.Options, x []hashring.Node, before, first, second []change) string {
			light := slices.Clone(x)
			for i := range light {
				light[i].Weight = 1
			}
			for _, changes := range [][]change{before, first, second} {
				for i := range changes {
					changes[i].Kind, changes[i].Node.Weight = changes[i].Kind%2*3, 1
				}
			}
			return isolation(o, light, before, first, second)
		}, genOptions(), genNodes(), genChanges(), genChanges(), genChanges()))
	props.TestingRun(t)
}

// isolation changes a ring, then it and its clone each in another way, and tells
// what either did to the other, or to a snapshot of both.
func isolation(o hashring.Options, x []hashring.Node, before, first, second []change) string {
	r := ring(o, x)
	applyEach(r, before)
	now := slices.Collect(r.Nodes())
	snapshot, clone := r.Snapshot(), r.Clone()
	applyEach(r, first)
	if diff := same(clone, ring(o, now)); diff != "" {
		return "the clone changed: " + diff
	}
	applyEach(clone, second)
	for _, got := range []struct {
		name    string
		ring    *hashring.Ring
		changes []change
	}{{"ring", r, first}, {"clone", clone, second}} {
		alone := ring(o, now)
		applyEach(alone, got.changes)
		for _, r := range []*hashring.Ring{got.ring, alone} { // it may take a place that the other has taken
			if err := r.Set(hashring.Node{ID: "last"}); err != nil {
				return err.Error()
			}
		}
		if diff := same(got.ring, alone); diff != "" {
			return "the " + got.name + " did not change as it does alone: " + diff
		}
	}
	old := ring(o, now).Snapshot()
	if snapshot.Fingerprint() != old.Fingerprint() || !slices.Equal(slices.Collect(snapshot.All()), slices.Collect(old.All())) {
		return "the snapshot changed"
	}
	for _, key := range salted(1) {
		if !slices.Equal(snapshot.AppendOwners(nil, key, 99), old.AppendOwners(nil, key, 99)) {
			return fmt.Sprintf("the snapshot's owners of %q changed", key)
		}
	}
	return ""
}
