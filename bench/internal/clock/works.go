package clock

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"github.com/clusterluck/clusterluck/bench/internal/measure"
	"github.com/clusterluck/clusterluck/bench/internal/report"
	"github.com/clusterluck/clusterluck/vectorclock"
)

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
		ws = append(ws, first(env, n), allocations(n), bytesOf(n, bytesMax[i]))
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

// first shows what the first comparison of two lists of actors costs: it finds
// out that they are the same, which those that are timed above know. It has no
// goal.
func first(env report.Env, n int) report.Work {
	const pairs = 64
	name := fmt.Sprintf("compare, equal, the first time, %d entries", n)
	run := func() ([]report.Row, error) {
		data, err := (&oursCalls{}).load(entries(n, rand.New(rand.NewPCG(seed, uint64(n))))).MarshalBinary()
		if err != nil {
			return nil, err
		}
		var clocks [2 * pairs]vectorclock.Clock
		all, err := measure.Actions(env.Count, []measure.Action{{
			Name: "vectorclock",
			Prepare: func() error {
				for i := range clocks { // each with a list of its own
					if err := clocks[i].UnmarshalBinary(data); err != nil {
						return err
					}
				}
				return nil
			},
			Run: func() error {
				for i := range pairs {
					measure.Keep(int(clocks[2*i].Compare(&clocks[2*i+1])))
				}
				return nil
			},
		}})
		if err != nil {
			return nil, err
		}
		for i := range all[0].Samples {
			all[0].Samples[i] /= pairs
		}
		row := report.NewRow(name, "ns")
		row.Add(ours, "", all[0])
		row.SetOurs(all[0])
		return []report.Row{row}, nil
	}
	return report.Work{Name: name, Run: run, Goals: []string{"none, shown"}}
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
