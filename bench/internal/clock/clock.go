// Package clock compares package vectorclock with other ways to hold a clock.
//
// No Go library of vector clocks could be had as a module where this was
// written, so the rivals are the two clocks that one writes by hand: a map, and a
// sorted slice. Both hold counts alone, where ours has two times for each as
// well. They keep the laws of package vectorclocktest, which a test holds them
// to; a library that breaks them would be no rival.
//
// Every operation is called through the dictionary of a generic loop, which costs
// a few nanoseconds, alike for all. It makes the ratio of what takes us as
// little, such as a clone, look smaller than it is.
package clock

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/clusterluck/clusterluck/vectorclock"
	"github.com/clusterluck/clusterluck/vectorclock/vectorclocktest"
)

const seed = 1

// An entry is what a clock is loaded with.
type entry struct {
	actor             string
	count             uint64
	inserted, updated int64
}

// entries returns n entries of actors that are UUIDs, ascending, with counts up
// to ten thousand, that were inserted within a day and updated within its last
// hour.
func entries(n int, rng *rand.Rand) []entry {
	const hour, day = 3600e6, 24 * 3600e6
	now := time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC).UnixMicro()
	out := make([]entry, n)
	for i := range out {
		a, b := rng.Uint64(), rng.Uint64()
		updated := now - rng.Int64N(hour)
		out[i] = entry{
			actor: fmt.Sprintf("%08x-%04x-4%03x-8%03x-%012x", uint32(a), uint16(a>>32), uint16(a>>52), uint16(b>>52), b&(1<<48-1)),
			count: 1 + rng.Uint64N(1e4), inserted: updated - rng.Int64N(day), updated: updated,
		}
	}
	slices.SortFunc(out, func(x, y entry) int {
		if x.actor < y.actor {
			return -1
		}
		return 1
	})
	return out
}

// apart returns entries whose names are the same and lie elsewhere, as those of
// a clock that came over a wire.
func apart(es []entry) []entry {
	out := slices.Clone(es)
	for i := range out {
		out[i].actor = strings.Clone(out[i].actor)
	}
	return out
}

// calls is a type of clock behind the calls that are timed. Increment and Merge
// change the clock, or return another.
type calls[C any] interface {
	load(es []entry) C
	clone(c C) C
	increment(c C, actor string, now int64) C
	merge(a, b C) (C, bool)
	compare(a, b C) vectorclock.Ordering
	count(c C, actor string) uint64
	appendTo(dst []byte, c C) []byte
	decode(data []byte) (C, error)
}

// A contender is a type of clock.
type contender struct {
	name, kind, note string
	// loop returns what does a work once for each key that it is given.
	loop func(work string, n int) func(keys []string) int
	// laws puts the type to the laws of clocks.
	laws func(t vectorclocktest.Failer, programs int)
}

const (
	ours  = "ours"
	rival = "rival"
)

func contenders() []contender {
	return []contender{
		contend("vectorclock", ours, "", &oursCalls{}, false),
		contend("map", rival, "map[string]uint64; JSON", mapCalls{}, true),
		contend("sorted slice", rival, "of name and count; lengths and counts as varints", sliceCalls{}, true),
	}
}

// contend makes a contender of a type. loose says that its decoder is not meant
// to refuse what its encoder cannot have written.
func contend[C any, P calls[C]](name, kind, note string, p P, loose bool) contender {
	return contender{
		name: name, kind: kind, note: note,
		loop: func(work string, n int) func([]string) int { return loop[C](p, work, n) },
		laws: func(t vectorclocktest.Failer, programs int) {
			vectorclocktest.Check(t, vectorclocktest.Implementation[C]{
				New:       func() C { return p.load(nil) },
				Clone:     p.clone,
				Increment: p.increment,
				Merge:     func(a, b C) (C, bool) { return p.merge(p.clone(a), b) },
				Compare:   p.compare,
				Count:     p.count,
				Encode:    func(c C) ([]byte, error) { return p.appendTo(nil, c), nil },
				Decode:    p.decode,
				Loose:     loose,
			}, seed, programs)
		},
	}
}

// The works, as rows of the table name them.
const (
	compareEqual      = "compare, equal"
	compareAhead      = "compare, one ahead"
	compareConcurrent = "compare, concurrent"
	incrementOwn      = "increment own actor"
	mergeNothing      = "merge, nothing new"
	mergeOthers       = "clone and merge other actors"
	cloneOnly         = "clone"
	cloneWrite        = "clone and one write"
	encode            = "encode"
	decode            = "decode"
)

// loop returns what does a work, on clocks of n entries, once for each key.
func loop[C any, P calls[C]](p P, work string, n int) func(keys []string) int {
	rng := rand.New(rand.NewPCG(seed, uint64(n)))
	es := entries(n, rng)
	a, b := p.load(es), p.load(apart(es))
	own := es[n/2].actor
	switch work {
	case compareAhead:
		a = p.increment(a, own, es[n/2].updated)
	case compareConcurrent:
		a = p.increment(a, es[n/3].actor, es[n/3].updated)
		b = p.increment(b, es[2*n/3].actor, es[2*n/3].updated)
	case mergeOthers:
		b = p.load(entries(n, rng))
	}
	switch work {
	case compareEqual, compareAhead, compareConcurrent:
		return func(keys []string) (sum int) {
			for range keys {
				sum += int(p.compare(a, b))
			}
			return sum
		}
	case incrementOwn:
		return func(keys []string) int {
			for i := range keys {
				a = p.increment(a, own, int64(i))
			}
			return int(p.count(a, own))
		}
	case mergeNothing:
		return func(keys []string) (sum int) {
			for range keys {
				var changed bool
				if a, changed = p.merge(a, b); changed {
					sum++
				}
			}
			return sum
		}
	case mergeOthers, cloneOnly, cloneWrite:
		return cloneLoop[C](p, work, a, b, own)
	case encode:
		var dst []byte
		return func(keys []string) (sum int) {
			for range keys {
				dst = p.appendTo(dst[:0], a)
				sum += len(dst)
			}
			return sum
		}
	}
	data := p.appendTo(nil, a)
	return func(keys []string) (sum int) {
		for range keys {
			c, err := p.decode(data)
			if err != nil {
				panic(err) // what was encoded is decoded: a test sees to it
			}
			a = c
			sum++
		}
		return sum
	}
}

// cloneLoop is loop of works that begin with a clone.
func cloneLoop[C any, P calls[C]](p P, work string, a, b C, own string) func(keys []string) int {
	kept := p.clone(a)
	switch work {
	case mergeOthers:
		return func(keys []string) (sum int) {
			for range keys {
				var changed bool
				if kept, changed = p.merge(p.clone(a), b); changed {
					sum++
				}
			}
			return sum
		}
	case cloneWrite:
		return func(keys []string) int {
			for i := range keys {
				kept = p.increment(p.clone(a), own, int64(i))
			}
			return int(p.count(kept, own))
		}
	}
	return func(keys []string) int {
		for range keys {
			kept = p.clone(a)
		}
		return int(p.count(kept, own))
	}
}
