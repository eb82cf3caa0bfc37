// Package clock compares package vectorclock with other ways to hold a clock.
//
// No Go library of vector clocks could be had as a module where this was
// written, so the rivals are the two clocks that one writes by hand: a map, and a
// sorted slice. Both hold counts alone, where ours has two times for each as
// well. They keep the laws of package vectorclocktest, which a test holds them
// to; a library that breaks them would be no rival.
//
// Every operation is called through the dictionary of a generic loop, which costs
// a nanosecond or two, alike for all. It makes the ratio of what takes us as
// little, such as a clone, look smaller than it is.
package clock

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/clusterluck/clusterluck/bench/internal/measure"
	"github.com/clusterluck/clusterluck/bench/internal/report"
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
	a, b := p.load(es), p.load(es)
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

// Group returns the clock's comparisons.
func Group() report.Group { return report.Group{Name: "clock", Works: works} }

// goals is how many times as fast as the best rival each work shall be, at 3, 10,
// 100 and 1000 entries.
var goals = []struct {
	work  string
	times [4]float64
}{
	{compareEqual, [4]float64{2, 4, 10, 15}},
	{compareAhead, [4]float64{2, 4, 10, 15}},
	{compareConcurrent, [4]float64{1.5, 4, 6, 15}},
	{incrementOwn, [4]float64{1.5, 3, 4, 4}},
	{mergeNothing, [4]float64{0.8, 1, 3, 6}},
	{mergeOthers, [4]float64{0.8, 1, 3, 3}},
	{cloneOnly, [4]float64{10, 20, 100, 1000}},
	{cloneWrite, [4]float64{1.5, 1.2, 1.5, 8}},
	{encode, [4]float64{4, 6, 10, 15}},
	{decode, [4]float64{2, 2, 3, 4}},
}

var sizes = [4]int{3, 10, 100, 1000}

// bytesMax is how long the encoding of an entry may be.
var bytesMax = [4]float64{34, 29, 27.5, 27}

func works(env report.Env) []report.Work {
	var ws []report.Work
	for i, n := range sizes {
		for _, g := range goals {
			ws = append(ws, timed(env, g.work, n, g.times[i]))
		}
		ws = append(ws, allocations(n), bytesOf(n, bytesMax[i]))
	}
	return ws
}

// plan is how long and how often works are measured.
func plan(env report.Env) measure.Plan {
	p := measure.Plan{Rounds: 3 * env.Count, Sample: 10 * time.Millisecond}
	if env.Quick {
		p.Rounds, p.Sample = env.Count, time.Millisecond
	}
	return p
}

// operations is as many keys as a sample may take operations.
func operations() []string { return make([]string, 1<<20) }

// timed compares one work at one size.
func timed(env report.Env, work string, n int, times float64) report.Work {
	name := fmt.Sprintf("%s, %d entries", work, n)
	run := func() ([]report.Row, error) {
		all := contenders()
		var cs []measure.Contender
		for _, c := range all {
			cs = append(cs, measure.Contender{Name: c.name, Run: c.loop(work, n)})
		}
		row := report.NewRow(name, "ns")
		var mine measure.Series
		var rivals []measure.Series
		for i, s := range measure.Lookups(plan(env), operations(), cs) {
			row.Add(all[i].kind, all[i].note, s)
			if all[i].kind == ours {
				mine = s
			} else {
				rivals = append(rivals, s)
			}
		}
		row.Against(times, mine, rivals)
		if work == decode {
			row.Note = "our decoder has seen the actors before"
		}
		return []report.Row{row}, nil
	}
	return report.Work{Name: name, Run: run, Goals: []string{fmt.Sprintf("rival/ours >= %gx", times)}}
}

// allocations counts what the works of ours allocate that shall allocate
// nothing.
func allocations(n int) report.Work {
	name := fmt.Sprintf("allocations, %d entries", n)
	run := func() ([]report.Row, error) {
		row := report.NewRow(name, "")
		worst := 0.0
		for _, c := range contenders() {
			most := 0.0
			for _, work := range []string{compareEqual, compareConcurrent, incrementOwn, mergeNothing, cloneOnly, encode} {
				do := c.loop(work, n)
				keys := make([]string, 100)
				most = max(most, measure.Allocs(len(keys), func() { measure.Keep(do(keys)) }))
			}
			row.Peers = append(row.Peers, report.Value{Name: c.name, Kind: c.kind, Value: report.Num(most), Low: report.None(), High: report.None(), Note: c.note})
			if c.kind == ours {
				worst = most
			}
		}
		row.Below(0, worst)
		row.Note = "the worst of compare, increment, merge of nothing new, clone and encode"
		return []report.Row{row}, nil
	}
	return report.Work{Name: name, Run: run, Goals: []string{"ours <= 0"}}
}

// bytesOf states how long an encoding is, for each entry.
func bytesOf(n int, limit float64) report.Work {
	name := fmt.Sprintf("bytes of an entry, %d entries", n)
	run := func() ([]report.Row, error) {
		row := report.NewRow(name, "B")
		for _, c := range contenders() {
			size := float64(c.loop(encode, n)(make([]string, 1))) / float64(n)
			row.Peers = append(row.Peers, report.Value{Name: c.name, Kind: c.kind, Value: report.Num(size), Low: report.None(), High: report.None(), Note: c.note})
			if c.kind == ours {
				row.Below(limit, math.Round(10*size)/10)
			}
		}
		row.Note = "to a tenth; the rivals hold counts alone, ours two times for each as well"
		return []report.Row{row}, nil
	}
	return report.Work{Name: name, Run: run, Goals: []string{fmt.Sprintf("ours <= %g B", limit)}}
}
