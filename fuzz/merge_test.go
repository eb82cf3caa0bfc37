package fuzz_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/clusterluck/clusterluck/hashring"
	"github.com/leanovate/gopter"
	"github.com/leanovate/gopter/prop"
)

func merge(a, b *hashring.Ring) *hashring.Ring     { return must(a.Merge(b)) }
func intersect(a, b *hashring.Ring) *hashring.Ring { return must(a.Intersect(b)) }

// Merge and Intersect must be the join and the meet of a lattice, or processes
// that merge the same rings in different orders, or twice, would disagree for
// ever.
func TestMergeAndIntersectAreALattice(t *testing.T) {
	props := gopter.NewProperties(lawful(200, 8))
	for _, operation := range []struct {
		name string
		op   func(a, b *hashring.Ring) *hashring.Ring
	}{{"merge", merge}, {"intersect", intersect}} {
		name, op := operation.name, operation.op
		props.Property(name+" is commutative", prop.ForAll(
			func(o hashring.Options, x, y []hashring.Node) string {
				a, b := ring(o, x), ring(o, y)
				return same(op(a, b), op(b, a))
			}, genOptions(), genNodes(), genNodes()))
		props.Property(name+" is associative", prop.ForAll(
			func(o hashring.Options, x, y, z []hashring.Node) string {
				a, b, c := ring(o, x), ring(o, y), ring(o, z)
				return same(op(op(a, b), c), op(a, op(b, c)))
			}, genOptions(), genNodes(), genNodes(), genNodes()))
		props.Property(name+" is idempotent", prop.ForAll(
			func(o hashring.Options, x []hashring.Node) string {
				a := ring(o, x)
				return same(op(a, a), a) + same(op(a, ring(o, x)), a)
			}, genOptions(), genNodes()))
		props.Property(name+" leaves its operands alone", prop.ForAll(
			func(o hashring.Options, x, y []hashring.Node) string {
				a, b := ring(o, x), ring(o, y)
				op(a, b).Remove("b")
				return same(a, ring(o, x)) + same(b, ring(o, y))
			}, genOptions(), genNodes(), genNodes()))
	}
	props.Property("absorption", prop.ForAll(
		func(o hashring.Options, x, y []hashring.Node) string {
			a, b := ring(o, x), ring(o, y)
			return same(merge(a, intersect(a, b)), a) + same(intersect(a, merge(a, b)), a)
		}, genOptions(), genNodes(), genNodes()))
	props.Property("distribution", prop.ForAll(
		func(o hashring.Options, x, y, z []hashring.Node) string {
			a, b, c := ring(o, x), ring(o, y), ring(o, z)
			return same(intersect(a, merge(b, c)), merge(intersect(a, b), intersect(a, c)))
		}, genOptions(), genNodes(), genNodes(), genNodes()))
	props.Property("the empty ring is the bottom", prop.ForAll(
		func(o hashring.Options, x []hashring.Node) string {
			a, none := ring(o, x), ring(o, nil)
			return same(merge(a, none), a) + same(intersect(a, none), none)
		}, genOptions(), genNodes()))
	props.TestingRun(t)
}

// weighs orders nodes of one id as the documentation of Merge does.
func weighs(a, b hashring.Node) bool {
	if a.Weight != b.Weight {
		return a.Weight > b.Weight
	}
	if a.Zone != b.Zone {
		return a.Zone > b.Zone
	}
	return a.Meta > b.Meta
}

// A lattice law cannot tell a merge from an intersection. Merge must be the least
// upper bound of both rings, Intersect the greatest lower one: each node is one
// of the operands' and is not outweighed, or does not outweigh, the other.
func TestMergeIsTheLeastUpperBound(t *testing.T) {
	props := gopter.NewProperties(lawful(400, 8))
	props.Property("merge", prop.ForAll(
		func(o hashring.Options, x, y []hashring.Node) string {
			a, b := ring(o, x), ring(o, y)
			m := merge(a, b)
			for _, n := range append(distinct(x), distinct(y)...) {
				if got, ok := m.Get(n.ID); !ok || weighs(n, got) {
					return fmt.Sprintf("of %v the merge has %v, %v", n, got, ok)
				}
			}
			return bothHave(m, a, b, true)
		}, genOptions(), genNodes(), genNodes()))
	props.Property("intersect", prop.ForAll(
		func(o hashring.Options, x, y []hashring.Node) string {
			a, b := ring(o, x), ring(o, y)
			m := intersect(a, b)
			for n := range a.Nodes() {
				other, both := b.Get(n.ID)
				if got, ok := m.Get(n.ID); ok != both || ok && (weighs(got, n) || weighs(got, other)) {
					return fmt.Sprintf("of %v and %v the intersection has %v, %v", n, other, got, ok)
				}
			}
			return bothHave(m, a, b, false)
		}, genOptions(), genNodes(), genNodes()))
	props.Property("other options are refused", prop.ForAll(
		func(o, p hashring.Options, x, y []hashring.Node) bool {
			a, b := ring(o, x), ring(p, y)
			_, merged := a.Merge(b)
			_, intersected := a.Intersect(b)
			return (merged == nil) == (o == p) && (intersected == nil) == (o == p)
		}, genOptions(), genOptions(), genNodes(), genNodes()))
	props.TestingRun(t)
}

// bothHave tells of a node of m that neither a nor b has just so.
func bothHave(m, a, b *hashring.Ring, either bool) string {
	for n := range m.Nodes() {
		x, inA := a.Get(n.ID)
		y, inB := b.Get(n.ID)
		if !(inA && x == n || inB && y == n) || !either && !(inA && inB) {
			return fmt.Sprintf("%v is of neither %v nor %v", n, x, y)
		}
	}
	return ""
}

// Fingerprints stand for rings on the wire, so they must agree just if the rings
// are equal. Two nodes at most make equal rings common.
func TestFingerprintsAgreeWithEqual(t *testing.T) {
	equal, unequal := 0, 0
	props := gopter.NewProperties(lawful(3000, 3))
	props.Property("equal rings, equal fingerprints, and no others", prop.ForAll(
		func(o, p hashring.Options, x, y []hashring.Node) string {
			if len(x) > 0 && len(y) > 0 {
				y = slices.Clone(y)
				y[0].ID, y[0].Zone = x[0].ID, x[0].Zone
			}
			a, b := ring(o, x), ring(p, y)
			want := o == p && slices.Equal(distinct(x), distinct(y))
			if want {
				equal++
			} else {
				unequal++
			}
			if got := a.Equal(b); got != want || b.Equal(a) != want {
				return fmt.Sprintf("Equal = %v, want %v", got, want)
			}
			if got := a.Fingerprint() == b.Fingerprint(); got != want {
				return fmt.Sprintf("fingerprints are equal: %v, want %v", got, want)
			}
			return ""
		}, genOptions(), genOptions(), genNodes(), genNodes()))
	props.TestingRun(t)
	if equal < 50 || unequal < 50 {
		t.Errorf("%d cases were equal and %d were not, want at least 50 of each", equal, unequal)
	}
}
