package measure

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/result"
)

// A ClockConfig says which clocks to measure and how thoroughly.
type ClockConfig struct {
	Entries  []int   // of clocks: 1 to [ClockEntriesMax], ascending
	Groups   []Group // of [ClockGroups]
	Passes   int
	Time     time.Duration // of each number of entries, over all passes
	Patience time.Duration // how long to repeat passes that were disturbed
	Seed     uint64

	// Begin and Step, where set, are told the number of steps and each step.
	Begin func(what string, steps int64)
	Step  func(steps int64)
}

// ClockAlgo is the algorithm of rows of clocks.
const ClockAlgo = "vectorclock"

const (
	repeatMax = 1 << 18 // operations on clocks of a batch, at most

	// As many operations are made to count allocations, less of large clocks: so
	// many that their entries come to countedEntries, but no fewer than countedMin,
	// lest an allocation of another goroutine show.
	countedMin, countedMax = 4, 2000
	countedEntries         = 200_000
)

// A clockSubject is clocks of one number of entries.
type clockSubject struct {
	entries int
	ops     []clockOp
	pairs   []clockPair
}

// Clocks measures vector clocks. It returns an error if ctx ends.
func Clocks(ctx context.Context, c ClockConfig) (*Measured, error) {
	p := &pace{passes: c.Passes, time: c.Time, patience: c.Patience, seed: c.Seed, told: c.Begin, stepped: c.Step}
	out := &Measured{}
	var rows []*row
	steps := 0
	for _, n := range c.Entries {
		steps += len(c.ops(n))
	}
	p.begin("count", steps)
	for _, n := range c.Entries {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		s, err := c.subject(n)
		if err != nil {
			return nil, err
		}
		for i := range s.ops {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			if err := s.count(&s.ops[i], out); err != nil {
				return nil, err
			}
			p.step()
		}
		rows = append(rows, s.rows()...)
	}
	if err := newTimer(p, rows).time(ctx, out); err != nil {
		return nil, err
	}
	result.Sort(out.Rows, clockOrder())
	return out, nil
}

// ops returns the operations that clocks of n entries have entries enough for.
func (c *ClockConfig) ops(n int) []clockOp {
	return slices.DeleteFunc(clockOps(), func(op clockOp) bool {
		return !slices.Contains(c.Groups, op.group) || n < op.least
	})
}

// subject returns the clocks of n entries and their operations.
func (c *ClockConfig) subject(n int) (*clockSubject, error) {
	s := &clockSubject{entries: n, ops: c.ops(n)}
	var err error
	if s.pairs, err = clockPairs(n, c.Seed); err != nil {
		return nil, fmt.Errorf("%s: %w", s.title(), err)
	}
	return s, nil
}

// row returns a row of the clocks without its number.
func (s *clockSubject) row(metric string) result.Row {
	m := describe(metric)
	return result.Row{Algo: ClockAlgo, Entries: s.entries, Metric: metric, Unit: m.Unit, Better: m.Better}
}

// title names the clocks in errors.
func (s *clockSubject) title() string { return fmt.Sprintf("clocks of %d entries", s.entries) }

// rows lists the timed rows.
func (s *clockSubject) rows() []*row {
	var all []*row
	for i := range s.ops {
		all = append(all, &row{source: s, metric: s.ops[i].metric(), kind: repeating, limit: repeatMax, share: 1, open: true})
	}
	shareOut(all)
	return all
}

// build makes nothing that rows share: operations that write need clocks of their
// own.
func (s *clockSubject) build(t *timer, _ []string) (func(r *row) (*instance, error), error) {
	return func(r *row) (*instance, error) {
		op := &s.ops[slices.IndexFunc(s.ops, func(o clockOp) bool { return o.metric() == r.metric })]
		w, err := newClockWork(op, s.pairs)
		if err != nil {
			return nil, fmt.Errorf("%s: %s: %w", s.title(), r.metric, err)
		}
		r.bytes = w.bytes(s.entries)
		return &instance{row: r, run: w.timed(op, &t.sum)}, nil
	}, nil
}

// entryBytes is about what an entry of a clock needs: a count and two times of 8
// bytes, and a name of 36 with the 16 that point to it.
const entryBytes = 3*8 + 36 + 16

// bytes returns about how much memory the clocks need.
func (w *clockWork) bytes(entries int) int {
	clocks := 0
	for i := range w.turns {
		t := &w.turns[i]
		clocks += 1 + btoi(t.b.Len() > 0)
	}
	return clocks * entries * entryBytes
}

// count takes the numbers of an operation that are the same in every run.
func (s *clockSubject) count(op *clockOp, out *Measured) error {
	w, err := newClockWork(op, s.pairs)
	if err != nil {
		return err
	}
	n := min(max(countedEntries/s.entries, countedMin), countedMax)
	allocs := allocationsOf(n, func() {
		if _, failed := op.loop(w, n); failed != nil {
			err = failed
		}
	})
	if err != nil {
		return fmt.Errorf("%s: %s: %w", s.title(), op.metric(), err)
	}
	out.Rows = append(out.Rows, exactly(s, op.metric()+"-allocs", allocs))
	if op.group == Encodes {
		size := 0
		for i := range s.pairs {
			size += len(s.pairs[i].mine)
		}
		out.Rows = append(out.Rows, exactly(s, clockBytes, float64(size)/float64(len(s.pairs)*s.entries)))
	}
	return nil
}

// clockOrder returns the metrics in the order of rows.
func clockOrder() []string {
	var order []string
	for _, m := range ClockMetrics() {
		order = append(order, m.Name)
	}
	return order
}
