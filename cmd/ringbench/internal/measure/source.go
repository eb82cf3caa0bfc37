package measure

import (
	"time"

	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/result"
)

// A source is what rows are measured of: a placement or a clock.
type source interface {
	// row returns a row of the source without its number.
	row(metric string) result.Row
	// title names the source in errors.
	title() string
	// build makes what the rows of one twin run on, on memory of its own, and
	// returns what makes an instance of a row. Keys are those to walk through.
	build(t *timer, keys []string) (func(r *row) (*instance, error), error)
}

// exactly returns a row of a number that is the same in every run.
func exactly(s source, metric string, value float64) result.Row {
	r := s.row(metric)
	r.Value, r.Exact = value, true
	return r
}

// A pace is how thoroughly to measure, and who is told.
type pace struct {
	passes         int
	time, patience time.Duration
	seed           uint64
	told           func(what string, steps int64) // or nil
	stepped        func(steps int64)              // or nil
}

func (p *pace) begin(what string, steps int) {
	if p.told != nil {
		p.told(what, int64(steps))
	}
}

func (p *pace) step() {
	if p.stepped != nil {
		p.stepped(1)
	}
}

// A kind is how a row is timed.
type kind int

const (
	walking   kind = iota // walks through keys, which bring the caches up before
	changing              // each operation makes something new, or changes a copy of its own
	repeating             // does the same again and again
)

// A row is a timed number of a source, over all instances.
type row struct {
	source  source
	metric  string
	kind    kind
	share   float64 // of the time of a source
	ops     int     // operations of a batch; 0 until the first instance sized it
	limit   int     // operations of a batch, at most
	batches int     // of a visit
	visits  int     // of an instance in a pass
	samples []batch
	bytes   int  // memory that it walks through
	open    bool // wants another pass
}

// A batch is the time of one batch of one instance.
type batch struct {
	pass, twin int
	ns         float64 // of one operation
	reference  float64 // of the slower of the references around it
}

// An instance is one row on what was built for this pass.
type instance struct {
	row  *row
	twin int
	walk func() // looks keys up to bring the caches up; nil if the row is no lookup
	// run does n operations and returns the time they took.
	run func(n int) (time.Duration, error)
}

// shareOut divides the time of each source among its rows.
func shareOut(rows []*row) {
	total := make(map[source]float64)
	for _, r := range rows {
		total[r.source] += r.share
	}
	for _, r := range rows {
		r.share /= total[r.source]
	}
}

// instances builds twins of every source with open rows. Each twin has memory and
// keys of its own.
func (t *timer) instances() ([]*instance, error) {
	var all []*instance
	for twin := range 2 {
		var keys []string
		if t.arena != nil {
			keys = t.arena.clone()
		}
		built := make(map[source]func(r *row) (*instance, error))
		for _, r := range t.rows {
			if !r.open {
				continue
			}
			instanceOf, ok := built[r.source]
			if !ok {
				var err error
				if instanceOf, err = r.source.build(t, keys); err != nil {
					return nil, err
				}
				built[r.source] = instanceOf
			}
			in, err := instanceOf(r)
			if err != nil {
				return nil, err
			}
			in.twin = twin
			all = append(all, in)
		}
	}
	return all, nil
}
