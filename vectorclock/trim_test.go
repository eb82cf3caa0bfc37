package vectorclock_test

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/clusterluck/clusterluck/vectorclock"
)

// A replica has a clock that it trims, and one that it does not, which is the
// truth.
type replica struct{ trimmed, whole vectorclock.Clock }

func (r *replica) clone() replica { return replica{r.trimmed.Clone(), r.whole.Clone()} }

// trimOps are the operations that are put to the laws of trimming.
type trimOps struct {
	trim    func(c *vectorclock.Clock, now int64, p vectorclock.Policy) []vectorclock.Removed
	compare func(a, b *vectorclock.Clock) (order vectorclock.Ordering, exact bool)
}

func ourTrim() trimOps {
	return trimOps{(*vectorclock.Clock).Trim, (*vectorclock.Clock).CompareTrimmed}
}

// The laws of trimming.
const (
	lawOnlyRemoves   = "trim only removes"
	lawReports       = "trim reports what went"
	lawBounds        = "trim keeps its bounds, and removes all that they let go"
	lawOldest        = "trim takes the oldest first, and of one age by actor"
	lawDeterministic = "trim depends on what the clock holds, not on how it came to"
	lawTrimAgain     = "trim is idempotent"
	lawMirrors       = "the order of trimmed clocks mirrors"
	lawExact         = "what is exact is the order of the clocks untrimmed"
	lawDominance     = "an older clock is never after a newer one that was trimmed"
)

// A tally counts the verdicts on pairs.
type tally struct {
	pairs, exacts    int
	conflicts, plain int // conflicts that are none, as told, and by the plain order
	concurrent       int // pairs that are
	hidden           int // of those, pairs that are told to be in order, not exactly
}

// trimLaws runs random histories of increments, merges and trims. It returns how
// each law that breaks breaks first.
func trimLaws(t *testing.T, ops trimOps, histories int) (broken map[string]string, sum tally) {
	t.Helper()
	broken = make(map[string]string)
	breaks := func(law, format string, args ...any) {
		if _, ok := broken[law]; !ok {
			broken[law] = fmt.Sprintf(format, args...)
		}
	}
	for seed := range histories {
		rnd := rand.New(rand.NewPCG(uint64(seed), 7))
		policy := vectorclock.Policy{
			Lower: rnd.IntN(4), Upper: 1 + rnd.IntN(8), Young: rnd.Int64N(60), Old: rnd.Int64N(400),
		}
		replicas := make([]replica, 2+rnd.IntN(4))
		var states []replica
		actors, now, skew := 1+rnd.IntN(6), int64(0), int64(0)
		if seed%2 > 0 {
			skew = 50 // between the wall clocks of two replicas
		}
		for range 60 {
			now += rnd.Int64N(20)
			at := rnd.IntN(len(replicas))
			r := &replicas[at]
			switch rnd.IntN(10) {
			case 0, 1:
				o := replicas[rnd.IntN(len(replicas))]
				r.trimmed.Merge(&o.trimmed)
				r.whole.Merge(&o.whole)
			case 2, 3:
				checkTrim(t, ops, &r.trimmed, now, policy, breaks)
			case 4: // an entry that counts nothing
				insert(t, r, fmt.Sprintf("actor%d", rnd.IntN(actors*len(replicas))), now)
			case 5: // compacted against an earlier state, trimmed, and expanded again
				if base := states[:]; len(base) > 0 {
					compacted(t, ops, r, &base[rnd.IntN(len(base))].whole, now, policy)
				}
			default:
				// An actor counts at one replica, or its events would not be one.
				tick(t, r, rnd.IntN(actors)*len(replicas)+at, now+skew*int64(at))
			}
			states = append(states, r.clone())
		}
		for range 300 {
			a, b := &states[rnd.IntN(len(states))], &states[rnd.IntN(len(states))]
			truth := a.whole.Compare(&b.whole)
			got, exact := ops.compare(&a.trimmed, &b.trimmed)
			back, exactBack := ops.compare(&b.trimmed, &a.trimmed)
			if back != got.Reverse() || exact != exactBack {
				breaks(lawMirrors, "seed %d: %v %v, and the other way %v %v", seed, got, exact, back, exactBack)
			}
			if exact && got != truth {
				breaks(lawExact, "seed %d: %v, and the truth is %v\n%v\n%v", seed, got, truth, text(&a.trimmed), text(&b.trimmed))
			}
			if truth != vectorclock.Concurrent && truth != vectorclock.Equal && got == truth.Reverse() {
				breaks(lawDominance, "seed %d: %v is %v %v", seed, text(&a.trimmed), got, text(&b.trimmed))
			}
			sum.count(truth, got, a.trimmed.Compare(&b.trimmed), exact)
		}
	}
	return broken, sum
}

func (s *tally) count(truth, got, plain vectorclock.Ordering, exact bool) {
	s.pairs++
	if exact {
		s.exacts++
	}
	if truth == vectorclock.Concurrent {
		s.concurrent++
		if got != truth {
			s.hidden++
		}
	} else {
		if got == vectorclock.Concurrent {
			s.conflicts++
		}
		if plain == vectorclock.Concurrent {
			s.plain++
		}
	}
}

// checkTrim trims a clock and looks at what went.
func checkTrim(t *testing.T, ops trimOps, c *vectorclock.Clock, now int64, p vectorclock.Policy, breaks func(law, format string, args ...any)) {
	t.Helper()
	before, twin := maps.Collect(c.All()), c.Clone()
	other := rebuilt(t, &twin)
	gone := ops.trim(c, now, p)
	if again := ops.trim(other, now, p); !slices.Equal(gone, again) {
		breaks(lawDeterministic, "%v goes, and of the same clock made in another way %v", gone, again)
	}
	all := maps.Collect(c.All())
	for actor, e := range all {
		if before[actor] != e {
			breaks(lawOnlyRemoves, "%s has %v, and had %v", actor, e, before[actor])
		}
	}
	left := len(before)
	for _, r := range gone {
		age := now - r.Entry.Updated
		if left <= p.Lower || age <= p.Young || left <= p.Upper && age <= p.Old {
			breaks(lawBounds, "%v goes, %d us old and one of %d, by %v", r, age, left, p)
		}
		left--
		all[r.Actor] = r.Entry
	}
	if !maps.Equal(all, before) {
		breaks(lawReports, "it had %v, and has, with what it reports, %v", before, all)
	}
	for _, e := range maps.Collect(c.All()) {
		if age := now - e.Updated; left > p.Lower && age > p.Young && (left > p.Upper || age > p.Old) && left == c.Len() {
			breaks(lawBounds, "%v stays, %d us old and one of %d, by %v", e, age, left, p)
		}
	}
	if !slices.IsSortedFunc(gone, func(a, b vectorclock.Removed) int {
		return cmp.Or(cmp.Compare(a.Entry.Updated, b.Entry.Updated), cmp.Compare(a.Actor, b.Actor))
	}) {
		breaks(lawOldest, "%v goes", gone)
	}
	for _, r := range gone {
		for actor, e := range c.All() {
			if e.Updated < r.Entry.Updated || e.Updated == r.Entry.Updated && actor < r.Actor {
				breaks(lawOldest, "%v goes, and %s stays with %v", r, actor, e)
			}
		}
	}
	if again := ops.trim(c, now, p); len(again) > 0 {
		breaks(lawTrimAgain, "%v goes the second time", again)
	}
}

// rebuilt returns a clock with the same entries, made in descending order.
func rebuilt(t *testing.T, c *vectorclock.Clock) *vectorclock.Clock {
	t.Helper()
	made := new(vectorclock.Clock)
	actors := slices.Collect(c.Actors())
	for _, actor := range slices.Backward(actors) {
		e, _ := c.Entry(actor)
		if _, err := made.Set(actor, e.Count, e.Updated, e.Inserted); err != nil {
			t.Fatal(err)
		}
	}
	return made
}

// Trimmed clocks stand beside clocks that nobody trims. Conflicts that are none
// must be fewer than the plain order finds.
func TestTrimmedClocksAgainstTrueHistories(t *testing.T) {
	histories := 400
	if testing.Short() {
		histories = 60
	}
	broken, sum := trimLaws(t, ourTrim(), histories)
	for law, how := range broken {
		t.Errorf("%s: %s", law, how)
	}
	t.Logf("%d pairs, %d exact; false conflicts: %d, by the plain order %d; of %d concurrent pairs %d told to be in order, not exactly",
		sum.pairs, sum.exacts, sum.conflicts, sum.plain, sum.concurrent, sum.hidden)
	if sum.exacts == 0 || sum.conflicts >= sum.plain {
		t.Errorf("%d exact verdicts; %d false conflicts, by the plain order %d: want fewer", sum.exacts, sum.conflicts, sum.plain)
	}
	if sum.pairs < 100_000 && !testing.Short() {
		t.Errorf("%d pairs, want 100,000", sum.pairs)
	}
}

// Each law must be able to fail.
func TestEachTrimLawFindsItsMutant(t *testing.T) {
	type (
		clock   = vectorclock.Clock
		policy  = vectorclock.Policy
		removed = []vectorclock.Removed
	)
	trim := (*clock).Trim
	odd := false
	for law, breakIt := range map[string]func(*trimOps){
		lawOnlyRemoves: func(o *trimOps) {
			o.trim = func(c *clock, now int64, p policy) removed {
				gone := trim(c, now, p)
				if len(gone) > 0 {
					for actor := range c.Actors() {
						if _, err := c.Increment(actor, now); err != nil {
							t.Fatal(err)
						}
						break
					}
				}
				return gone
			}
		},
		lawReports: func(o *trimOps) {
			o.trim = func(c *clock, now int64, p policy) removed {
				gone := trim(c, now, p)
				return gone[:len(gone)/2]
			}
		},
		lawBounds: func(o *trimOps) {
			o.trim = func(c *clock, now int64, p policy) removed {
				p.Young = 0 // as the original, which looks at the age of the oldest alone
				return trim(c, now, p)
			}
		},
		lawOldest: func(o *trimOps) {
			o.trim = func(c *clock, now int64, p policy) removed {
				gone := trim(c, now, p)
				slices.Reverse(gone)
				return gone
			}
		},
		lawDeterministic: func(o *trimOps) {
			o.trim = func(c *clock, now int64, p policy) removed {
				if odd = !odd; odd {
					return nil
				}
				return trim(c, now, p)
			}
		},
		lawTrimAgain: func(o *trimOps) {
			o.trim = func(c *clock, now int64, p policy) removed {
				p.Lower = max(p.Lower, c.Len()-1) // one at a time
				return trim(c, now, p)
			}
		},
		lawMirrors: func(o *trimOps) {
			o.compare = func(a, b *clock) (vectorclock.Ordering, bool) {
				order, exact := a.CompareTrimmed(b)
				if !exact {
					order = vectorclock.After
				}
				return order, exact
			}
		},
		lawExact: func(o *trimOps) {
			o.compare = func(a, b *clock) (vectorclock.Ordering, bool) {
				order, _ := a.CompareTrimmed(b)
				return order, true
			}
		},
		lawDominance: func(o *trimOps) {
			o.compare = func(a, b *clock) (vectorclock.Ordering, bool) { return a.Compare(b), false }
		},
	} {
		broken := ourTrim()
		breakIt(&broken)
		if got, _ := trimLaws(t, broken, 40); got[law] == "" {
			t.Errorf("%s: its mutant keeps it, and breaks %v", law, got)
		}
	}
}

func insert(t *testing.T, r *replica, actor string, now int64) {
	t.Helper()
	if err := errors.Join(r.trimmed.Insert(actor, now), r.whole.Insert(actor, now)); err != nil {
		t.Fatal(err)
	}
}

// compacted trims the replica's clock while it is compacted, if it has seen what
// the base has.
func compacted(t *testing.T, ops trimOps, r *replica, base *vectorclock.Clock, now int64, p vectorclock.Policy) {
	t.Helper()
	err := r.trimmed.Compact(base)
	switch {
	case errors.Is(err, vectorclock.ErrBase):
		return
	case err != nil:
		t.Fatal(err)
	}
	ops.trim(&r.trimmed, now, p)
	r.trimmed.Expand(base)
}

// tick counts an event of an actor. It goes by the untrimmed clock, as an actor
// that lost its memory must by a floor.
func tick(t *testing.T, r *replica, actor int, now int64) {
	t.Helper()
	name := fmt.Sprintf("actor%d", actor)
	d, err := r.whole.Increment(name, now)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.trimmed.Witness(d, now); err != nil {
		t.Fatal(err)
	}
}

func text(c *vectorclock.Clock) string {
	data, err := c.MarshalJSON()
	if err != nil {
		return err.Error()
	}
	return string(data)
}

func TestTrimIsIdempotentAndOrdersTies(t *testing.T) {
	var c vectorclock.Clock
	for _, actor := range []string{"c", "a", "d", "b"} {
		if _, err := c.Increment(actor, 5); err != nil {
			t.Fatal(err)
		}
	}
	policy := vectorclock.Policy{Lower: 1, Upper: 2, Young: 0, Old: 1000}
	var gone []string
	for _, r := range c.Trim(10, policy) {
		gone = append(gone, r.Actor)
	}
	if want := []string{"a", "b"}; !slices.Equal(gone, want) {
		t.Errorf("of four of one age %q go, want %q", gone, want)
	}
	if again := c.Trim(10, policy); again != nil {
		t.Errorf("trimmed again at the same time: %v goes", again)
	}
}
