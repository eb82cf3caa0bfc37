// Package vectorclocktest holds the laws of vector clocks as checks that any
// implementation can be put to: that of package vectorclock, a wrapper of it, or
// another.
package vectorclocktest

import (
	"fmt"
	"math/rand/v2"

	"github.com/clusterluck/clusterluck/vectorclock"
)

// An Implementation is a clock type under test. Its functions must not change
// their arguments, but for Increment, which changes and returns the clock.
type Implementation[C any] struct {
	// New returns a clock that has seen nothing.
	New func() C
	// Clone returns a clock that is equal and changes on its own.
	Clone func(C) C
	// Increment counts one event of an actor.
	Increment func(C, string) C
	// Merge returns a clock that has seen what both have.
	Merge func(a, b C) C
	// Compare says how a stands to b.
	Compare func(a, b C) vectorclock.Ordering
	// Encode and Decode are there and back; nil if there is no encoding.
	Encode func(C) ([]byte, error)
	Decode func([]byte) (C, error)
}

// A Failer is a test: [testing.T] is one.
type Failer interface {
	Helper()
	Errorf(format string, args ...any)
}

// Check runs programs of random increments, merges and clones over a few actors,
// beside a model that counts in a map, and reports the first law that each
// program breaks. Programs of equal seeds are equal.
func Check[C any](t Failer, impl Implementation[C], seed uint64, programs int) {
	t.Helper()
	for i := range programs {
		rnd := rand.New(rand.NewPCG(seed, uint64(i)))
		if law := program(impl, rnd); law != "" {
			t.Errorf("seed %d, program %d: %s", seed, i, law)
			return
		}
	}
}

// A pair is a clock and what it should have counted.
type pair[C any] struct {
	clock C
	model map[string]uint64
}

var actors = []string{"a", "b", "c", "d"}

// program makes a few clocks that know of each other and checks the laws over
// all of them. It returns the law that was broken, if any.
func program[C any](impl Implementation[C], rnd *rand.Rand) (broken string) {
	clocks := []pair[C]{{impl.New(), map[string]uint64{}}}
	for range 4 + rnd.IntN(8) {
		p := clocks[rnd.IntN(len(clocks))]
		q := clocks[rnd.IntN(len(clocks))]
		next := pair[C]{model: make(map[string]uint64)}
		for a, n := range p.model {
			next.model[a] = n
		}
		switch rnd.IntN(3) {
		case 0:
			for a, n := range q.model {
				next.model[a] = max(next.model[a], n)
			}
			next.clock = impl.Merge(p.clock, q.clock)
		default:
			a := actors[rnd.IntN(len(actors))]
			next.model[a]++
			next.clock = impl.Increment(impl.Clone(p.clock), a)
			if got := impl.Compare(next.clock, p.clock); got != vectorclock.After {
				return fmt.Sprintf("increment: %v is %v %v, want after", next.model, got, p.model)
			}
		}
		clocks = append(clocks, next)
	}
	for _, p := range clocks {
		for _, q := range clocks {
			if broken := laws(impl, p, q, clocks[rnd.IntN(len(clocks))]); broken != "" {
				return broken
			}
		}
	}
	return ""
}

// laws checks what holds of any three clocks.
func laws[C any](impl Implementation[C], p, q, r pair[C]) (broken string) {
	want := compareModels(p.model, q.model)
	if got := impl.Compare(p.clock, q.clock); got != want {
		return fmt.Sprintf("order: %v is %v %v, want %v", p.model, got, q.model, want)
	}
	if got := impl.Compare(q.clock, p.clock); got != want.Reverse() {
		return fmt.Sprintf("mirror: %v is %v %v, and the other way %v", p.model, want, q.model, got)
	}
	pq, qp := impl.Merge(p.clock, q.clock), impl.Merge(q.clock, p.clock)
	if impl.Compare(pq, qp) != vectorclock.Equal {
		return fmt.Sprintf("merge commutes: %v and %v", p.model, q.model)
	}
	for _, one := range []pair[C]{p, q} {
		if o := impl.Compare(pq, one.clock); o != vectorclock.After && o != vectorclock.Equal {
			return fmt.Sprintf("merge is an upper bound: of %v and %v it is %v %v", p.model, q.model, o, one.model)
		}
		if impl.Compare(impl.Merge(pq, one.clock), pq) != vectorclock.Equal {
			return fmt.Sprintf("merge absorbs: %v and %v", p.model, q.model)
		}
	}
	if o := compareModels(r.model, p.model); o == vectorclock.After || o == vectorclock.Equal {
		if o := compareModels(r.model, q.model); o == vectorclock.After || o == vectorclock.Equal {
			if o := impl.Compare(r.clock, pq); o != vectorclock.After && o != vectorclock.Equal {
				return fmt.Sprintf("merge is the least upper bound: of %v and %v, against %v", p.model, q.model, r.model)
			}
		}
	}
	left, right := impl.Merge(pq, r.clock), impl.Merge(p.clock, impl.Merge(q.clock, r.clock))
	if impl.Compare(left, right) != vectorclock.Equal {
		return fmt.Sprintf("merge associates: %v, %v and %v", p.model, q.model, r.model)
	}
	if impl.Compare(impl.Merge(p.clock, p.clock), p.clock) != vectorclock.Equal {
		return fmt.Sprintf("merge is idempotent: %v", p.model)
	}
	if got := impl.Compare(p.clock, q.clock); got != want {
		return fmt.Sprintf("merge leaves its arguments: %v and %v are %v, were %v", p.model, q.model, got, want)
	}
	return encodings(impl, p)
}

// encodings checks that a clock survives its encoding.
func encodings[C any](impl Implementation[C], p pair[C]) (broken string) {
	if impl.Encode == nil || impl.Decode == nil {
		return ""
	}
	data, err := impl.Encode(p.clock)
	if err != nil {
		return fmt.Sprintf("encode: %v: %v", p.model, err)
	}
	back, err := impl.Decode(data)
	if err != nil {
		return fmt.Sprintf("decode: %v: %v", p.model, err)
	}
	if impl.Compare(back, p.clock) != vectorclock.Equal {
		return fmt.Sprintf("round trip: %v", p.model)
	}
	return ""
}

// compareModels is the order by definition.
func compareModels(a, b map[string]uint64) vectorclock.Ordering {
	ahead, behind := false, false
	for _, actor := range actors {
		ahead = ahead || a[actor] > b[actor]
		behind = behind || a[actor] < b[actor]
	}
	switch {
	case ahead && behind:
		return vectorclock.Concurrent
	case ahead:
		return vectorclock.After
	case behind:
		return vectorclock.Before
	}
	return vectorclock.Equal
}
