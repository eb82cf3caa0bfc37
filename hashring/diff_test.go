package hashring_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"github.com/clusterluck/clusterluck/hashring"
)

// delta is Diff of two rings that can be compared.
func delta(t *testing.T, before, after *hashring.Snapshot) *hashring.Delta {
	t.Helper()
	d, err := hashring.Diff(before, after)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// someChange returns a ring that follows s: of nodes that come, go or change
// their weight, or of other nodes altogether.
func someChange(t *testing.T, rng *rand.Rand, s *hashring.Snapshot) *hashring.Snapshot {
	o := s.Options()
	switch nodes := slices.Collect(s.Nodes()); rng.IntN(5) {
	case 0: // one node of another weight
		if len(nodes) > 0 {
			nodes[0].Weight = 1 + nodes[0].Weight%3
		}
		return coarseRing(t, o, nodes...)
	case 1: // one node more
		return coarseRing(t, o, append(nodes, hashring.Node{ID: "new"})...)
	case 2: // no node
		return coarseRing(t, o)
	case 3: // disjoint
		return coarseRing(t, o, hashring.Node{ID: "x"}, hashring.Node{ID: "y"})
	default: // other points, weights and nodes, some shared
		o.Points = 1 + rng.IntN(8)
		return coarseRing(t, o, someNodes(rng, 1+rng.IntN(8))...)
	}
}

// A Delta says that it is exact, so each of its figures must be what comes of
// asking both rings for the owner of every position.
func TestDiffCountsPositions(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 7))
	wraps, none, all := 0, 0, 0
	eachCoarseRing(t, func(before *hashring.Snapshot) {
		after := someChange(t, rng, before)
		olds, news := coarseOwners(before), coarseOwners(after)
		flows, moved := make(map[hashring.Flow]int), 0
		for p := range olds {
			if olds[p] != news[p] {
				flows[hashring.Flow{From: olds[p], To: news[p]}]++
				moved++
			}
		}
		d := delta(t, before, after)
		if want := float64(moved) / coarse; d.Moved != want || !d.Exact {
			t.Fatalf("%v: %v of the keys move, exact %v, want %v", before.Options().Layout, d.Moved, d.Exact, want)
		}
		checkFlows(t, d.Flows, flows)
		moves, err := d.Moves()
		if err != nil {
			t.Fatal(err)
		}
		checkMoves(t, moves, olds, news)
		if len(moves) > 0 && moves[len(moves)-1].First > moves[len(moves)-1].Last {
			wraps++
		}
		switch moved {
		case 0:
			none++
		case coarse:
			all++
		}
		checkInverse(t, d, delta(t, after, before))
	})
	if wraps == 0 || none == 0 || all == 0 {
		t.Errorf("%d deltas have a move that wraps, %d move nothing and %d all, want some of each", wraps, none, all)
	}
}

// checkFlows compares flows with counts of positions.
func checkFlows(t *testing.T, flows []hashring.Flow, counts map[hashring.Flow]int) {
	t.Helper()
	if len(flows) != len(counts) {
		t.Fatalf("%d flows %v, want %v", len(flows), flows, counts)
	}
	for i, f := range flows {
		want := float64(counts[hashring.Flow{From: f.From, To: f.To}]) / coarse
		if f.Fraction != want {
			t.Fatalf("flow %+v, want %v", f, want)
		}
		if i > 0 && flows[i-1].Fraction < f.Fraction {
			t.Fatalf("flow %+v stands before the larger %+v", flows[i-1], f)
		}
	}
}

// checkMoves compares moves with the owners of all positions.
func checkMoves(t *testing.T, moves []hashring.Move, olds, news []string) {
	t.Helper()
	for i, m := range moves {
		next := moves[(i+1)%len(moves)]
		if len(moves) > 1 && (m.Last+1)%(1<<hashring.PositionBits) == next.First && m.From == next.From && m.To == next.To {
			t.Fatalf("%+v goes on in %+v and is not joined to it", m, next)
		}
		if last := i == len(moves)-1; !last && (m.First > m.Last || m.Last >= next.First) {
			t.Fatalf("%+v is not before %+v", m, next)
		}
	}
	for p := range olds {
		at, in := uint64(p)<<coarseClear, 0
		for _, m := range moves {
			if !m.Contains(at) {
				continue
			}
			in++
			if m.From != olds[p] || m.To != news[p] {
				t.Fatalf("position %d goes from %q to %q, and is in %+v", p, olds[p], news[p], m)
			}
		}
		if in > 1 || (in == 1) != (olds[p] != news[p]) {
			t.Fatalf("position %d from %q to %q is in %d moves", p, olds[p], news[p], in)
		}
	}
}

// checkInverse checks that the way back moves the same keys.
func checkInverse(t *testing.T, there, back *hashring.Delta) {
	t.Helper()
	if there.Moved != back.Moved || there.Exact != back.Exact || len(there.Flows) != len(back.Flows) {
		t.Fatalf("there %+v, back %+v", there, back)
	}
	for _, f := range there.Flows {
		if !slices.Contains(back.Flows, hashring.Flow{From: f.To, To: f.From, Fraction: f.Fraction}) {
			t.Fatalf("%+v has no inverse in %v", f, back.Flows)
		}
	}
}

func TestDiff(t *testing.T) {
	a, b := hashring.Node{ID: "a"}, hashring.Node{ID: "b"}
	tests := []struct {
		name          string
		before, after []hashring.Node
		moved         float64
		flows         []hashring.Flow
	}{
		{"both empty", nil, nil, 0, nil},
		{"first node", nil, []hashring.Node{a}, 1, []hashring.Flow{{From: "", To: "a", Fraction: 1}}},
		{"last node", []hashring.Node{a}, nil, 1, []hashring.Flow{{From: "a", To: "", Fraction: 1}}},
		{"same node", []hashring.Node{a}, []hashring.Node{a}, 0, nil},
		{"heavier, but alone", []hashring.Node{a}, []hashring.Node{{ID: "a", Weight: 9}}, 0, nil},
		{"other zone and metadata", []hashring.Node{a, b}, []hashring.Node{{ID: "a", Zone: "z"}, {ID: "b", Meta: "m"}}, 0, nil},
		{"replaced", []hashring.Node{a}, []hashring.Node{b}, 1, []hashring.Flow{{From: "a", To: "b", Fraction: 1}}},
	}
	for _, tt := range tests {
		for _, o := range []hashring.Options{{}, {Layout: hashring.Clusterluck}, {Probes: 2}} {
			t.Run(tt.name+"/"+o.Layout.String()+"/probes="+strconv.Itoa(o.Probes), func(t *testing.T) {
				before, after := snapshotOf(t, o, tt.before...), snapshotOf(t, o, tt.after...)
				d := delta(t, before, after)
				wrong := !slices.Equal(d.Flows, tt.flows)
				if o.Probes > 1 { // where a node that stays alone gets heavier, an estimate is 0 too
					wrong = d.Flows != nil
				}
				if wrong || math.Abs(d.Moved-tt.moved) > 1e-12 {
					t.Errorf("Diff = %+v, want %v moved in flows %v", d, tt.moved, tt.flows)
				}
				checkInverse(t, d, delta(t, after, before))
			})
		}
	}
}

func snapshotOf(t *testing.T, o hashring.Options, nodes ...hashring.Node) *hashring.Snapshot {
	t.Helper()
	r, err := hashring.New(o, nodes...)
	if err != nil {
		t.Fatal(err)
	}
	return r.Snapshot()
}

func TestDiffErrors(t *testing.T) {
	tests := []struct {
		name          string
		before, after hashring.Options
		want          error
	}{
		{"equal", hashring.Options{}, hashring.Options{Points: hashring.DefaultPoints, Probes: 1}, nil},
		{"points", hashring.Options{}, hashring.Options{Points: 7}, nil},
		{"layout", hashring.Options{}, hashring.Options{Layout: hashring.Clusterluck}, hashring.ErrOptions},
		{"probes", hashring.Options{}, hashring.Options{Probes: 2}, hashring.ErrOptions},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			before, after := snapshotOf(t, tt.before), snapshotOf(t, tt.after)
			if _, err := hashring.Diff(before, after); !errors.Is(err, tt.want) {
				t.Errorf("Diff of %+v and %+v: %v, want %v", tt.before, tt.after, err, tt.want)
			}
			if _, err := hashring.Diff(after, before); !errors.Is(err, tt.want) {
				t.Errorf("Diff of %+v and %+v: %v, want %v", tt.after, tt.before, err, tt.want)
			}
		})
	}
	var zero hashring.Snapshot
	d := delta(t, &zero, snapshotOf(t, hashring.Options{}, hashring.Node{ID: "a"}))
	if moves, err := d.Moves(); d.Moved != 1 || err != nil || len(moves) != 1 || moves[0].Len() != 1<<hashring.PositionBits {
		t.Errorf("from a zero snapshot %v moves in %v, %v, want all", d.Moved, moves, err)
	}
	d = delta(t, snapshotOf(t, hashring.Options{Probes: 2}), snapshotOf(t, hashring.Options{Probes: 2}))
	if moves, err := d.Moves(); !errors.Is(err, hashring.ErrProbes) || moves != nil {
		t.Errorf("Moves with 2 probes = %v, %v, want ErrProbes", moves, err)
	}
}

// With probes the share that moves is computed from the lengths of gaps. While
// nodes only come and go it must be what comes of going through all the places
// where the probes may be; the tolerance is for rounding alone.
func TestDiffWithProbesIsExact(t *testing.T) {
	const tolerance = 1e-12
	rng := rand.New(rand.NewPCG(8, 9))
	for range 80 {
		probes := 2 + rng.IntN(2)
		o := hashring.Truncated(hashring.Options{Points: 1 << rng.IntN(3), Probes: probes}, probeClear)
		var olds, news []hashring.Node
		for i := range 5 {
			n := hashring.Node{ID: "n" + strconv.Itoa(i), Weight: 1 + rng.IntN(2)}
			if rng.IntN(3) > 0 {
				olds = append(olds, n)
			}
			if rng.IntN(3) > 0 {
				news = append(news, n)
			}
		}
		before, after := snapshotOf(t, o, olds...), snapshotOf(t, o, news...)
		was, now := newProbeCircle(before), newProbeCircle(after)
		moved := 0
		was.each(probes, func(places []int) {
			if was.winner(places) != now.winner(places) {
				moved++
			}
		})
		want := float64(moved) / math.Pow(float64(was.size), float64(probes))
		d := delta(t, before, after)
		if math.Abs(d.Moved-want) > tolerance || !d.Exact || d.Flows != nil {
			t.Fatalf("%d probes, from %v to %v: %+v, want %v moved", probes, olds, news, d, want)
		}
	}
}

// Moved must foretell how many keys move, with several probes too. The tolerance
// is five standard deviations of a binomial count and, where Moved is an
// estimate, five of what that neglects: it takes it that a node that owns the
// share s of one ring owns there just s of the keys that its own points win in
// the other. Which nodes follow those n points is a draw. With weights that are
// spread as gaps are, exponentially, its share is off by sqrt(2s(1-s)/n); it
// counts where the same probe wins in both rings, which one in probes does.
func TestDiffForetellsKeys(t *testing.T) {
	const keys, nodes, weight, points = 100_000, 4, 2, 1000
	tests := []struct {
		name   string
		change func(*hashring.Tx) error
		differ float64 // points of a node with another weight, added or removed
	}{
		{"nothing", func(*hashring.Tx) error { return nil }, 0},
		{"add", func(tx *hashring.Tx) error { return tx.Add(hashring.Node{ID: "new", Weight: 3}) }, 0},
		{"remove", func(tx *hashring.Tx) error { tx.Remove("n1"); return nil }, 0},
		{"add and remove", func(tx *hashring.Tx) error { tx.Remove("n1"); return tx.Add(hashring.Node{ID: "new"}) }, 0},
		{"zone", func(tx *hashring.Tx) error { return tx.Set(hashring.Node{ID: "n1", Weight: weight, Zone: "z"}) }, 0},
		{"heavier", func(tx *hashring.Tx) error { return tx.Reweight("n1", weight+2) }, 2 * points},
		{"lighter", func(tx *hashring.Tx) error { return tx.Reweight("n1", weight-1) }, points},
		{"add and lighter", func(tx *hashring.Tx) error {
			return errors.Join(tx.Add(hashring.Node{ID: "new"}), tx.Reweight("n1", weight-1))
		}, points},
	}
	for _, tt := range tests {
		for _, probes := range []int{1, 2, 3} {
			t.Run(tt.name+"/probes="+strconv.Itoa(probes), func(t *testing.T) {
				r, err := hashring.New(hashring.Options{Points: points, Probes: probes})
				if err != nil {
					t.Fatal(err)
				}
				for i := range nodes {
					if err := r.Set(hashring.Node{ID: "n" + strconv.Itoa(i), Weight: weight}); err != nil {
						t.Fatal(err)
					}
				}
				before := r.Snapshot()
				if err := r.Update(tt.change); err != nil {
					t.Fatal(err)
				}
				d := delta(t, before, r.Snapshot())
				if want := probes == 1 || tt.differ == 0; d.Exact != want {
					t.Errorf("Exact = %v, want %v", d.Exact, want)
				}
				rng, moved := rand.New(rand.NewPCG(10, uint64(probes))), 0
				for range keys {
					h := rng.Uint64()
					was, _ := before.OwnerHash(h)
					now, _ := r.OwnerHash(h)
					if was != now {
						moved++
					}
				}
				limit := binomialLimit(keys, d.Moved)
				if !d.Exact {
					const s = 0.4 // the largest share that n1 has in any case
					won := tt.differ / float64(max(before.Points(), r.Points()))
					limit += 5 * keys * won * math.Sqrt(2*s*(1-s)/tt.differ) / float64(probes)
				}
				if want := d.Moved * keys; math.Abs(float64(moved)-want) > limit {
					t.Errorf("%d of %d keys move, want %.0f +- %.0f", moved, keys, want, limit)
				}
			})
		}
	}
}
