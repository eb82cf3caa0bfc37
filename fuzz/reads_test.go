package fuzz_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/clusterluck/clusterluck/hashring"
	"github.com/leanovate/gopter"
	"github.com/leanovate/gopter/gen"
	"github.com/leanovate/gopter/prop"
)

// faulty tells what is wrong with a list of n nodes of a ring: it must hold as
// many as there are, each once.
func faulty(r *hashring.Ring, list []string, n int) string {
	if want := max(0, min(n, r.Len())); len(list) != want {
		return fmt.Sprintf("%d of %d nodes: %v", len(list), want, list)
	}
	for i, id := range list {
		if slices.Contains(list[:i], id) || !r.Has(id) {
			return fmt.Sprintf("%q of %v is there twice, or not of the ring", id, list)
		}
	}
	return ""
}

// Copies belong on distinct nodes, the owner first, and a longer list must only
// add to a shorter one, or more copies would mean to move those there are.
func TestOwnersAreDistinctAndGrow(t *testing.T) {
	props := gopter.NewProperties(lawful(500, 9))
	for _, read := range []struct {
		name string
		list func(r *hashring.Ring, dst []string, key string, n int) []string
	}{
		{"AppendOwners", (*hashring.Ring).AppendOwners},
		{"AppendZoneOwners", (*hashring.Ring).AppendZoneOwners},
		{"AppendPreceding", (*hashring.Ring).AppendPreceding},
		{"AppendOwnersHash", func(r *hashring.Ring, dst []string, key string, n int) []string {
			return r.AppendOwnersHash(dst, r.Hash(key), n)
		}},
	} {
		props.Property(read.name, prop.ForAll(
			func(o hashring.Options, x []hashring.Node, salt uint16) string {
				r := ring(o, x)
				for _, key := range salted(salt)[:20] {
					owner, ok := r.Owner(key)
					shorter := []string{"kept"}
					for n := -1; n < 9; n++ {
						longer := read.list(r, []string{"kept"}, key, n)
						if len(longer) < len(shorter) || !slices.Equal(longer[:len(shorter)], shorter) {
							return fmt.Sprintf("%d nodes for %q are %v, one less is %v", n, key, longer, shorter)
						}
						if fault := faulty(r, longer[1:], n); fault != "" {
							return fault
						}
						if n > 0 && ok && read.name != "AppendPreceding" && longer[1] != owner {
							return fmt.Sprintf("%v for %q do not begin with the owner %q", longer[1:], key, owner)
						}
						shorter = longer
					}
				}
				return ""
			}, genOptions(), genNodes(), genSalt()))
	}
	props.TestingRun(t)
}

// Zones must be spread as far as they go and no further: first the nodes that
// each add a zone, in the order of preference, then those passed over. More
// copies than zones are no fault.
func TestZonesAreSpread(t *testing.T) {
	props := gopter.NewProperties(lawful(1000, 9))
	props.Property("distinct zones first", prop.ForAll(
		func(o hashring.Options, x []hashring.Node, salt uint16, n int) string {
			r := ring(o, x)
			for _, key := range salted(salt)[:20] {
				var spread, passed []string
				zones := make(map[string]bool)
				for node := range r.Successors(key) {
					if zones[node.Zone] {
						passed = append(passed, node.ID)
						continue
					}
					zones[node.Zone] = true
					spread = append(spread, node.ID)
				}
				want := append(spread, passed...)
				want = want[:max(0, min(n, len(want)))]
				if got := r.AppendZoneOwners(nil, key, n); !slices.Equal(got, want) {
					return fmt.Sprintf("%d nodes for %q are %v, want %v", n, key, got, want)
				}
			}
			return ""
		}, genOptions(), genNodes(), genSalt(), gen.IntRange(-1, 9)))
	props.TestingRun(t)
}

// A walk around the circle must come by every node once, and where it can be
// asked for in two ways, the ways must agree.
func TestWalksVisitEachNodeOnce(t *testing.T) {
	props := gopter.NewProperties(lawful(500, 9))
	props.Property("from a key", prop.ForAll(
		func(o hashring.Options, x []hashring.Node, salt uint16, stop int) string {
			r := ring(o, x)
			for _, key := range salted(salt)[:20] {
				var after, before, few []string
				for n := range r.Successors(key) {
					if got, ok := r.Get(n.ID); !ok || got != n {
						return fmt.Sprintf("Successors yields %v, the ring has %v", n, got)
					}
					after = append(after, n.ID)
				}
				for n := range r.Predecessors(key) {
					before = append(before, n.ID)
				}
				for n := range r.Successors(key) {
					if len(few) == stop {
						break
					}
					few = append(few, n.ID)
				}
				if fault := faulty(r, after, r.Len()) + faulty(r, before, r.Len()); fault != "" {
					return fault
				}
				if !slices.Equal(after, r.AppendOwners(nil, key, r.Len())) || !slices.Equal(few, after[:min(stop, len(after))]) {
					return fmt.Sprintf("Successors are %v, or the first %v; AppendOwners differs", after, few)
				}
				if !slices.Equal(before, r.AppendPreceding(nil, key, r.Len())) {
					return fmt.Sprintf("Predecessors are %v, AppendPreceding differs", before)
				}
			}
			return ""
		}, genOptions(), genNodes(), genSalt(), gen.IntRange(0, 8)))
	props.Property("from a node", prop.ForAll(
		func(o hashring.Options, x []hashring.Node, n int) string {
			r := ring(o, x)
			for id := range r.Weights() {
				next, prev := r.Next(id, n), r.Prev(id, n)
				if slices.Contains(next, id) || slices.Contains(prev, id) {
					return fmt.Sprintf("%q is its own neighbor: %v, %v", id, next, prev)
				}
				others := ring(o, slices.DeleteFunc(distinct(x), func(n hashring.Node) bool { return n.ID == id }))
				if fault := faulty(others, next, n) + faulty(others, prev, n); fault != "" {
					return fault
				}
			}
			if next, prev := r.Next("stranger", n), r.Prev("stranger", n); next != nil || prev != nil {
				return fmt.Sprintf("a stranger has neighbors %v, %v", next, prev)
			}
			return ""
		}, genOptions(), genNodes(), gen.IntRange(-1, 9)))
	props.TestingRun(t)
}

// Shares must cover the circle, each key's node must be the one whose ranges hold
// it, and Diff must be the difference of two Ownerships where one node comes.
func TestSharesAddUp(t *testing.T) {
	const rounding = 1e-9
	props := gopter.NewProperties(lawful(500, 8))
	props.Property("ownership", prop.ForAll(
		func(o hashring.Options, x []hashring.Node) string {
			r := ring(o, x)
			sum := 0.0
			for _, share := range r.Ownership() {
				sum += share.Fraction
			}
			if want := float64(min(1, r.Len())); sum < want-rounding || sum > want+rounding {
				return fmt.Sprintf("shares sum to %v", sum)
			}
			return ""
		}, genOptions(), genNodes()))
	props.Property("diff", prop.ForAll(
		func(o hashring.Options, x []hashring.Node, n hashring.Node) string {
			r := ring(o, x)
			before := r.Snapshot()
			n.ID = "stranger"
			if err := r.Add(n); err != nil {
				return err.Error()
			}
			d, gained := must(hashring.Diff(before, r.Snapshot())), 0.0
			for _, share := range r.Ownership() {
				if share.ID == n.ID {
					gained = share.Fraction
				}
			}
			if d.Moved < gained-rounding || d.Moved > gained+rounding || !d.Exact {
				return fmt.Sprintf("%v moved (exact: %v), the new node has %v", d.Moved, d.Exact, gained)
			}
			return ""
		}, genOptions(), genNodes(), genNode()))
	props.TestingRun(t)
}
