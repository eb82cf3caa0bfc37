package plan_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/keys"
	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/plan"
	"github.com/clusterluck/clusterluck/hashring"
)

func snapshot(t *testing.T, o hashring.Options, nodes ...hashring.Node) *hashring.Snapshot {
	t.Helper()
	r, err := hashring.New(o, nodes...)
	if err != nil {
		t.Fatal(err)
	}
	return r.Snapshot()
}

func node(id string, weight int) hashring.Node { return hashring.Node{ID: id, Weight: weight} }

func load(t *testing.T, spec string, seed uint64, text string) *keys.Set {
	t.Helper()
	format, err := keys.ParseFormat("", "")
	if err != nil {
		t.Fatal(err)
	}
	s, err := keys.Parse(spec, format)
	if err != nil {
		t.Fatal(err)
	}
	set, err := s.Load(t.Context(), keys.Config{Seed: seed, Stdin: strings.NewReader(text)})
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func mustMake(t *testing.T, from, to *hashring.Snapshot, set *keys.Set) *plan.Plan {
	t.Helper()
	p, err := plan.Make(t.Context(), from, to, "from", "to", set, 10, nil)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

var changes = []struct {
	name     string
	from, to []hashring.Node
	optimum  float64
}{
	{"add", []hashring.Node{node("a", 1), node("b", 1), node("c", 1)}, []hashring.Node{node("a", 1), node("b", 1), node("c", 1), node("d", 1)}, 0.25},
	{"remove", []hashring.Node{node("a", 1), node("b", 1), node("c", 2)}, []hashring.Node{node("a", 1), node("b", 1)}, 0.5},
	{"weight", []hashring.Node{node("a", 1), node("b", 1)}, []hashring.Node{node("a", 3), node("b", 1)}, 0.25},
	{"replace", []hashring.Node{node("a", 1), node("b", 3)}, []hashring.Node{node("a", 1), node("c", 3)}, 0.75},
	{"scale", []hashring.Node{node("a", 1), node("b", 1)}, []hashring.Node{node("a", 2), node("b", 2)}, 0},
	{"nothing", []hashring.Node{node("a", 1), node("b", 2)}, []hashring.Node{node("b", 2), node("a", 1)}, 0},
}

// The plan must state what hashring.Diff computes, no more and no less, and the
// optimum by hand.
func TestPlanStatesTheExactShare(t *testing.T) {
	for _, tt := range changes {
		for _, o := range []hashring.Options{{}, {Probes: 2}, {Layout: hashring.Clusterluck, Points: 20}} {
			t.Run(fmt.Sprintf("%s/%v/%d", tt.name, o.Layout, o.Probes), func(t *testing.T) {
				from, to := snapshot(t, o, tt.from...), snapshot(t, o, tt.to...)
				delta, err := hashring.Diff(from, to)
				if err != nil {
					t.Fatal(err)
				}
				p := mustMake(t, from, to, nil)
				if p.Moved != delta.Moved || p.Exact != delta.Exact || len(p.Flows) != len(delta.Flows) {
					t.Errorf("moved %v (exact %v) in %d flows; Diff says %v, %v, %d", p.Moved, p.Exact, len(p.Flows), delta.Moved, delta.Exact, len(delta.Flows))
				}
				if math.Abs(p.Optimum-tt.optimum) > 1e-12 {
					t.Errorf("optimum %v, want %v", p.Optimum, tt.optimum)
				}
				if tt.optimum > 0 && p.Ratio != p.Moved/p.Optimum {
					t.Errorf("ratio %v, want %v", p.Ratio, p.Moved/p.Optimum)
				}
				if (p.Needless == nil) != (o.Probes > 1) || (p.Needless != nil && *p.Needless != 0) {
					t.Errorf("needless moves %v, want 0, or none stated with several probes", p.Needless)
				}
			})
		}
	}
}

// The number of keys that move must agree with the exact share in every layout.
// The bound is four standard errors, so a sound plan fails it once in 16,000;
// the keys are fixed by their seed.
func TestKeysAgreeWithTheExactShare(t *testing.T) {
	var sets []*keys.Set
	for _, spec := range []string{"access", "uuid:n=1e4", "zipf:n=2e4,s=0.8,distinct=1e4"} {
		sets = append(sets, load(t, spec, 1, ""))
	}
	for _, tt := range changes {
		for _, o := range []hashring.Options{{}, {Layout: hashring.Clusterluck, Points: 20}, {Probes: 2}} {
			for _, set := range sets {
				from, to := snapshot(t, o, tt.from...), snapshot(t, o, tt.to...)
				k := mustMake(t, from, to, set).Keys
				if !k.DistinctCheck.Agrees || !k.TotalCheck.Agrees || k.Needless != 0 {
					if o.Probes > 1 && tt.name != "add" && tt.name != "remove" && tt.name != "nothing" {
						continue // Diff states an estimate there
					}
					t.Errorf("%s, %v, %d probes, %s: distinct %+v, all %+v, %d needless", tt.name, o.Layout, o.Probes, set.Source(), k.DistinctCheck, k.TotalCheck, k.Needless)
				}
			}
		}
	}
}

func TestKeysAreCountedOneByOne(t *testing.T) {
	from := snapshot(t, hashring.Options{}, node("a", 1), node("b", 1))
	to := snapshot(t, hashring.Options{}, node("a", 1), node("b", 1), node("c", 1))
	set := load(t, "zipf:n=5000,s=1,distinct=300", 2, "")
	p := mustMake(t, from, to, set)
	moved, total := 0, 0
	for i := range set.Distinct() {
		was, _ := from.Owner(set.Key(i))
		now, _ := to.Owner(set.Key(i))
		if was != now {
			moved++
			total += set.Count(i)
		}
	}
	if p.Keys.Moved != moved || p.Keys.MovedTotal != total {
		t.Errorf("%d distinct keys and %d in all move, want %d and %d", p.Keys.Moved, p.Keys.MovedTotal, moved, total)
	}
	if len(p.Keys.Hot) != 10 || p.Keys.Hot[0].Key != "key-1" || p.Keys.Hot[0].Count < p.Keys.Hot[9].Count {
		t.Errorf("hot keys %+v, want 10, key-1 first", p.Keys.Hot)
	}
	for _, h := range p.Keys.Hot {
		was, _ := from.Owner(h.Key)
		now, _ := to.Owner(h.Key)
		if h.From != was || h.To != now || h.Moves != (was != now) {
			t.Errorf("hot key %+v goes from %s to %s", h, was, now)
		}
	}
}

// Keys picked so that all of them move are no even sample, and the check must
// say so: it is there to find that out.
func TestCheckFindsAnUnevenSample(t *testing.T) {
	from := snapshot(t, hashring.Options{}, node("a", 1), node("b", 1))
	to := snapshot(t, hashring.Options{}, node("a", 1), node("b", 1), node("c", 1))
	var picked strings.Builder
	for i := range 1000 {
		key := fmt.Sprintf("key-%d", i)
		if owner, _ := to.Owner(key); owner == "c" {
			fmt.Fprintln(&picked, key)
		}
	}
	k := mustMake(t, from, to, load(t, "-", 1, picked.String())).Keys
	if k.DistinctCheck.Agrees {
		t.Errorf("every key moves, yet the check agrees: %+v", k.DistinctCheck)
	}
}

// One key in half the requests makes their share uncertain, and the bound must
// widen to say so.
func TestHotKeysWidenTheBound(t *testing.T) {
	from := snapshot(t, hashring.Options{}, node("a", 1), node("b", 1))
	to := snapshot(t, hashring.Options{}, node("a", 1), node("b", 1), node("c", 1))
	k := mustMake(t, from, to, load(t, "hotspot:n=1e5,hot=1,share=0.5,distinct=1e4", 1, "")).Keys
	if k.Effective > 4.1 || k.TotalCheck.Bound < 20*k.DistinctCheck.Bound {
		t.Errorf("effective %v keys, bound %v for all and %v for distinct keys; want about 4, and far wider", k.Effective, k.TotalCheck.Bound, k.DistinctCheck.Bound)
	}
	if !k.TotalCheck.Agrees {
		t.Errorf("the check disagrees: %+v", k.TotalCheck)
	}
}

// No ring moves a key between two nodes that did not change, so the rule that
// would find such a move is tested by itself.
func TestMovesNeedAReason(t *testing.T) {
	tests := []struct {
		name                                     string
		fromBefore, fromAfter, toBefore, toAfter int
		want                                     bool
	}{
		{"to a new node", 160, 160, 0, 160, true},
		{"to one that grew", 160, 160, 160, 320, true},
		{"from one that left", 160, 0, 160, 160, true},
		{"from one that shrank", 320, 160, 160, 160, true},
		{"neither changed", 160, 160, 160, 160, false},
		{"from one that grew to one that shrank", 160, 320, 320, 160, false},
	}
	for _, tt := range tests {
		if got := plan.Needed(tt.fromBefore, tt.fromAfter, tt.toBefore, tt.toAfter); got != tt.want {
			t.Errorf("%s: needed is %v, want %v", tt.name, got, tt.want)
		}
	}
}

// The unit of weight is no change: 40 points are 40 points.
func TestUnitsOfWeightMoveNothing(t *testing.T) {
	from := snapshot(t, hashring.Options{Points: 1}, node("a", 40), node("b", 40))
	to := snapshot(t, hashring.Options{Points: 40}, node("a", 1), node("b", 1))
	if p := mustMake(t, from, to, nil); *p.Needless != 0 || p.Moved != 0 || p.Optimum != 0 {
		t.Errorf("moved %v, needless %v, optimum %v; want none", p.Moved, *p.Needless, p.Optimum)
	}
}

func TestPlanListsAllNodesOfBothSides(t *testing.T) {
	from := snapshot(t, hashring.Options{}, node("c", 2), node("a", 1))
	to := snapshot(t, hashring.Options{}, node("b", 4), node("c", 3))
	p := mustMake(t, from, to, nil)
	var got []string
	for _, n := range p.Nodes {
		got = append(got, fmt.Sprintf("%s %d->%d", n.ID, n.WeightFrom, n.WeightTo))
	}
	if want := "a 1->0, b 0->4, c 2->3"; strings.Join(got, ", ") != want {
		t.Errorf("got %s, want %s", strings.Join(got, ", "), want)
	}
	sum := 0.0
	for _, n := range p.Nodes {
		sum += n.ShareTo - n.ShareFrom
	}
	if math.Abs(sum) > 1e-9 {
		t.Errorf("the changes of the shares add up to %v, want 0", sum)
	}
}

func TestPlanRefusesRingsThatCannotBeCompared(t *testing.T) {
	v1, old := snapshot(t, hashring.Options{}, node("a", 1)), snapshot(t, hashring.Options{Layout: hashring.Clusterluck}, node("a", 1))
	if _, err := plan.Make(t.Context(), v1, old, "", "", nil, 1, nil); !errors.Is(err, hashring.ErrOptions) {
		t.Errorf("got error %v, want ErrOptions", err)
	}
}

func TestPlanStopsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s := snapshot(t, hashring.Options{}, node("a", 1))
	if _, err := plan.Make(ctx, s, s, "", "", load(t, "seq:n=10", 1, ""), 1, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("got error %v, want context.Canceled", err)
	}
}

// The time left is estimated from the keys placed: together they must be all.
func TestMakeTellsOfEveryKey(t *testing.T) {
	r, err := hashring.New(hashring.Options{}, hashring.Node{ID: "a", Weight: 1})
	if err != nil {
		t.Fatal(err)
	}
	for _, spec := range []string{"seq:n=1", "seq:n=4096", "seq:n=10000"} {
		set, told := load(t, spec, 1, ""), int64(0)
		if _, err := plan.Make(t.Context(), r.Snapshot(), r.Snapshot(), "", "", set, 1, func(n int64) { told += n }); err != nil {
			t.Fatal(err)
		}
		if told != int64(set.Distinct()) {
			t.Errorf("%s: told of %d keys of %d", spec, told, set.Distinct())
		}
	}
}
