package transport

import (
	"errors"
	"fmt"

	"github.com/clusterluck/clusterluck/bench/internal/flood"
	"github.com/clusterluck/clusterluck/bench/internal/load"
	"github.com/clusterluck/clusterluck/bench/internal/report"
)

// sockets is how many connections strangers open that send nothing.
const sockets = 5000

// idle measures our calls while strangers hold connections that send nothing.
func (b *bench) idle() report.Work {
	name := fmt.Sprintf("call beside %d idle sockets", sockets)
	run := func() ([]report.Row, error) {
		var sum floods
		results, err := b.harass(func(p goPair, f *flood.Flooder) ([]float64, error) { return b.crowded(p, f, &sum) })
		if err != nil {
			return nil, err
		}
		return b.idleRows(name, results, sum), nil
	}
	return report.Work{Name: name, Run: run, Goals: []string{
		fmt.Sprintf("p99: ours/idle <= %gx", float64(floodOver)), "open after 6 s: ours <= 0", fmt.Sprintf("memory: ours <= %d MiB", floodMemory)}}
}

// crowded takes one sample: times without the sockets, while as many are opened to
// another listener, while they are opened, and while they are open, and the growth
// of the serving process in MiB. A quick run does not wait for their end.
func (b *bench) crowded(p goPair, f *flood.Flooder, sum *floods) ([]float64, error) {
	idle, err := p.Latency(b.sample())
	if err != nil {
		return nil, err
	}
	elsewhere, err := b.opening(p, f, "")
	if err != nil {
		return nil, err
	}
	if _, err := f.End(); err != nil {
		return nil, err
	}
	memory := watchGrowth(p.PID())
	opening, err := b.opening(p, f, address(p))
	if err != nil {
		return nil, err
	}
	busy, err := p.Latency(b.sample())
	if err != nil {
		return nil, err
	}
	during, err := f.Look()
	if err != nil {
		return nil, err
	}
	c := during
	if !b.env.Quick {
		if c, err = f.End(); err != nil {
			return nil, err
		}
		c.Held = during.Held
	}
	sum.add(c, float64(c.Came()))
	return []float64{busy.P50, busy.P99, idle.P50, idle.P99, opening.P99, memory.most(), elsewhere.P99}, nil
}

// opening measures calls while the sockets are opened, and returns when they are.
func (b *bench) opening(p goPair, f *flood.Flooder, addr string) (load.Times, error) {
	if err := f.Hold(addr, sockets); err != nil {
		return load.Times{}, err
	}
	t, err := p.Latency(b.sample())
	_, lookErr := f.Look()
	return t, errors.Join(err, lookErr)
}

// idleRows makes rows of what was sampled.
func (b *bench) idleRows(name string, results []*result, sum floods) []report.Row {
	at := func(what, unit string, n int) *table { return fill(name+what, unit, results, n, "", none) }
	p50, p99, memory := at(", p50", "us", 0), at(", p99", "us", 1), at(", memory", "MiB", 5)
	opening := at(", p99, while they are opened", "us", 4)
	p50.row.SetRatio("ours/idle", p50.ours.Ratio(at("", "us", 2).ours))
	p99.row.AtMost(floodOver, "idle", p99.ours, at("", "us", 3).ours)
	addNote(&p99.row, fmt.Sprintf("in all rounds %d sockets were opened, of which %d were still open when the calls had been made: the node closes the oldest of too many at once",
		sum.Came(), sum.Held))
	opening.row.SetRatio("ours/idle", opening.ours.Ratio(at("", "us", 3).ours))
	elsewhere := at(", p99, while they are opened elsewhere", "us", 6)
	elsewhere.row.SetRatio("ours/idle", elsewhere.ours.Ratio(at("", "us", 3).ours))
	elsewhere.row.Note = "as many connections to a listener of another process: what opening them costs a machine that is shared"
	memory.grewAtMost(floodMemory)
	open := report.NewRow(name+", open after 6 s", "")
	open.Below(0, float64(sum.Open))
	open.Note = fmt.Sprintf("of %d that were opened %d were closed without a byte and %d were answered; %d could not be opened",
		sum.Came(), sum.Closed, sum.Answered, sum.Failed)
	if b.env.Quick {
		unjudged(&open, "a quick run does not wait for their end")
	}
	unlessEnough(sum.least, sockets, "sockets", &p99.row, &open, &memory.row)
	return []report.Row{b.done(p50), b.done(p99), b.done(opening), b.done(elsewhere), open, b.done(memory)}
}
