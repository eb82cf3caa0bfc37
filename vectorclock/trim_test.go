package vectorclock_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/clusterluck/clusterluck/vectorclock"
)

// A replica has a clock that it trims, and one that it does not, which is the
// truth.
type replica struct{ trimmed, whole vectorclock.Clock }

func (r *replica) clone() replica { return replica{r.trimmed.Clone(), r.whole.Clone()} }

// Over random histories of increments, merges and trims: a verdict that is said
// to be exact is the one of the clocks that were not trimmed, an older clock is
// never after a newer one, and conflicts that are none are fewer than the plain
// order finds.
func TestTrimmedClocksAgainstTrueHistories(t *testing.T) {
	pairs, exacts, conflicts, plain := 0, 0, 0, 0
	histories := 400
	if testing.Short() {
		histories = 60
	}
	for seed := range histories {
		rnd := rand.New(rand.NewPCG(uint64(seed), 7))
		policy := vectorclock.Policy{
			Lower: rnd.IntN(4), Upper: 1 + rnd.IntN(8), Young: rnd.Int64N(60), Old: rnd.Int64N(400),
		}
		replicas := make([]replica, 2+rnd.IntN(4))
		var states []replica
		actors, now := 1+rnd.IntN(6), int64(0)
		for range 60 {
			now += rnd.Int64N(20)
			at := rnd.IntN(len(replicas))
			r := &replicas[at]
			switch rnd.IntN(4) {
			case 0:
				o := replicas[rnd.IntN(len(replicas))]
				r.trimmed.Merge(&o.trimmed)
				r.whole.Merge(&o.whole)
			case 1:
				for _, gone := range r.trimmed.Trim(now, policy) {
					if now-gone.Entry.Updated <= policy.Young {
						t.Fatalf("seed %d: %v was trimmed %d us young", seed, gone, now-gone.Entry.Updated)
					}
				}
			default:
				// An actor counts at one replica, or its events would not be one.
				tick(t, r, rnd.IntN(actors)*len(replicas)+at, now)
			}
			states = append(states, r.clone())
		}
		for range 300 {
			a, b := &states[rnd.IntN(len(states))], &states[rnd.IntN(len(states))]
			truth := a.whole.Compare(&b.whole)
			got, exact := a.trimmed.CompareTrimmed(&b.trimmed)
			back, exactBack := b.trimmed.CompareTrimmed(&a.trimmed)
			if back != got.Reverse() || exact != exactBack {
				t.Fatalf("seed %d: %v %v, and the other way %v %v", seed, got, exact, back, exactBack)
			}
			if exact && got != truth {
				t.Fatalf("seed %d: %v is said to be exact, and the truth is %v\n%v\n%v", seed, got, truth, text(&a.trimmed), text(&b.trimmed))
			}
			if truth == vectorclock.Before && got == vectorclock.After {
				t.Fatalf("seed %d: an older clock is after a newer one", seed)
			}
			pairs++
			if exact {
				exacts++
			}
			if truth != vectorclock.Concurrent {
				if got == vectorclock.Concurrent {
					conflicts++
				}
				if a.trimmed.Compare(&b.trimmed) == vectorclock.Concurrent {
					plain++
				}
			}
		}
	}
	t.Logf("%d pairs, %d exact; false conflicts: %d, by the plain order %d", pairs, exacts, conflicts, plain)
	if exacts == 0 || conflicts >= plain {
		t.Errorf("%d exact verdicts; %d false conflicts, by the plain order %d: want fewer", exacts, conflicts, plain)
	}
	if pairs < 100_000 && !testing.Short() {
		t.Errorf("%d pairs, want 100,000", pairs)
	}
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
