package measure

import (
	"slices"

	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/algo"
	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/result"
	"github.com/clusterluck/clusterluck/hashring"
	"github.com/clusterluck/clusterluck/vectorclock"
)

// A ClockTurn is what one turn of an operation on clocks works on and makes.
type ClockTurn struct {
	Own        string
	A, B, Kept vectorclock.Clock
	Bytes      []byte
}

// ClockRun does n operations of a metric and returns what they work on as it was
// before and as it is then, and the sum of what they returned.
func ClockRun(metric string, entries int, seed uint64, n int) (before, after []ClockTurn, sum int, err error) {
	pairs, err := clockPairs(entries, seed)
	if err != nil {
		return nil, nil, 0, err
	}
	all := clockOps()
	op := &all[slices.IndexFunc(all, func(o clockOp) bool { return o.metric() == metric })]
	var works [2]*clockWork
	for i := range works {
		if works[i], err = newClockWork(op, pairs); err != nil {
			return nil, nil, 0, err
		}
	}
	if sum, err = op.loop(works[1], n); err != nil {
		return nil, nil, 0, err
	}
	for i, out := range []*[]ClockTurn{&before, &after} {
		for k := range works[i].turns {
			t := &works[i].turns[k]
			*out = append(*out, ClockTurn{t.own, t.a, t.b, t.kept, t.keptBytes})
		}
	}
	return before, after, sum, nil
}

// Medians returns the medians of instances from (pass, twin, ns, quiet) rows.
func Medians(batches [][4]float64, least int) (samples []float64, passes []int) {
	var all []batch
	for _, b := range batches {
		all = append(all, batch{pass: int(b[0]), twin: int(b[1]), ns: b[2], reference: b[3]})
	}
	samples, ids := medians(all, func(b batch) bool { return b.reference == 1 }, least)
	for _, id := range ids {
		passes = append(passes, id.pass)
	}
	return samples, passes
}

// SpreadOf returns the spread of twins that alternate, two a pass.
func SpreadOf(samples []float64) *result.Spread {
	var ids []sampleID
	for i := range samples {
		ids = append(ids, sampleID{pass: i / 2, twin: i % 2})
	}
	return spread(samples, ids)
}

// Quiet feeds a reference with times and asks it about one.
func Quiet(times []float64, ns float64) bool {
	r := &reference{}
	for _, t := range times {
		r.note(t)
	}
	return r.quiet(ns)
}

// ReferenceRun runs the reference and returns how often it was noted.
func ReferenceRun(n int) (times []float64, best float64) {
	r := newReference()
	for range n {
		r.run()
	}
	return r.all, r.best()
}

// A SimulatedBatch is one batch as a machine would time it.
type SimulatedBatch struct {
	Pass, Twin    int
	Ns, Reference float64
}

// Simulated returns the result of a run whose batches are given, by row; memory
// is what the placement of a row needs.
func Simulated(passes, visits int, rows [][]SimulatedBatch, memory func(row int) int) *result.File {
	t := &timer{pace: &pace{passes: passes}, reference: &reference{}, passes: passes}
	f := &result.File{Schema: result.Schema}
	for i, batches := range rows {
		r := &row{source: &subject{algo: &algo.Algorithm{Name: "simulated"}, nodes: make([]hashring.Node, i+1)}, metric: "lookup", batches: 1, visits: visits, bytes: memory(i)}
		for _, b := range batches {
			t.reference.note(b.Reference)
			r.samples = append(r.samples, batch{pass: b.Pass, twin: b.Twin, ns: b.Ns, reference: b.Reference})
		}
		t.rows = append(t.rows, r)
	}
	f.Reference = t.summary()
	for _, r := range t.rows {
		f.Rows = append(f.Rows, t.result(r))
	}
	return f
}
