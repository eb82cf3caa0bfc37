package transport

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/clusterluck/clusterluck/bench/internal/flood"
	"github.com/clusterluck/clusterluck/bench/internal/load"
	"github.com/clusterluck/clusterluck/bench/internal/report"
	"github.com/clusterluck/clusterluck/bench/internal/system"
)

const (
	knocks      = 1000 // attempts a second
	floodOver   = 2    // how much longer than idle the slowest calls may take
	floodMemory = 64   // MiB that the serving process may grow by
	settle      = 100 * time.Millisecond
)

// flood measures our calls while strangers knock with a wrong cookie.
func (b *bench) flood() report.Work {
	name := fmt.Sprintf("call under %d wrong cookies a second", knocks)
	run := func() ([]report.Row, error) {
		var ours []*rig
		for _, r := range b.remote(1) {
			if r.kind == system.Ours {
				r.stop() // the memory of what it did before would hide what it grows by
				ours = append(ours, r)
			}
		}
		if len(ours) == 0 {
			return nil, nil
		}
		hello, err := flood.Hello()
		if err != nil {
			return nil, fmt.Errorf("record a handshake: %w", err)
		}
		f, err := flood.Start()
		if err != nil {
			return nil, err
		}
		defer f.Close()
		var sum flood.Count
		results, err := b.turns(ours, func(r *rig) (xs []float64, err error) {
			err = r.use(func(l loader) error {
				xs, err = b.knocked(l.(goPair), f, hello, &sum)
				return err
			})
			return xs, err
		})
		if err != nil {
			return nil, err
		}
		return b.floodRows(name, results, sum), nil
	}
	return report.Work{Name: name, Run: run, Goals: []string{
		fmt.Sprintf("p99: ours/idle <= %gx", float64(floodOver)), "answered: ours <= 0", fmt.Sprintf("memory: ours <= %d MiB", floodMemory)}}
}

// knocked takes one sample: times without the flood, with as many connections to
// another listener, and with the flood, and the growth of the serving process in
// MiB.
func (b *bench) knocked(p goPair, f *flood.Flooder, hello []byte, sum *flood.Count) ([]float64, error) {
	idle, err := p.Latency(b.sample())
	if err != nil {
		return nil, err
	}
	elsewhere, _, err := b.under(p, f, "", hello)
	if err != nil {
		return nil, err
	}
	before := resident(p.PID())
	addr, _, _ := strings.Cut(p.Addr, "/")
	busy, c, err := b.under(p, f, addr, hello)
	if err != nil {
		return nil, err
	}
	sum.Tried, sum.Closed, sum.Answered = sum.Tried+c.Tried, sum.Closed+c.Closed, sum.Answered+c.Answered
	sum.Open, sum.Failed = sum.Open+c.Open, sum.Failed+c.Failed
	return []float64{busy.P50, busy.P99, idle.P50, idle.P99, elsewhere.P99, resident(p.PID()) - before}, nil
}

// under measures calls under a flood.
func (b *bench) under(p goPair, f *flood.Flooder, addr string, hello []byte) (load.Times, flood.Count, error) {
	if err := f.Begin(addr, hello, knocks); err != nil {
		return load.Times{}, flood.Count{}, err
	}
	time.Sleep(settle)
	t, err := p.Latency(b.sample())
	c, stopErr := f.End()
	return t, c, errors.Join(err, stopErr)
}

// floodRows makes rows of what was sampled.
func (b *bench) floodRows(name string, results []*result, sum flood.Count) []report.Row {
	at := func(what, unit string, n int) *table { return fill(name+what, unit, results, n, "", none) }
	p50, p99, memory := at(", p50", "us", 0), at(", p99", "us", 1), at(", memory", "MiB", 5)
	elsewhere := at(", p99, while they knock elsewhere", "us", 4)
	p50.row.SetRatio("ours/idle", p50.ours.Ratio(at("", "us", 2).ours))
	p99.row.AtMost(floodOver, "idle", p99.ours, at("", "us", 3).ours)
	elsewhere.row.SetRatio("ours/idle", elsewhere.ours.Ratio(at("", "us", 3).ours))
	elsewhere.row.Note = "as many connections to a listener of another process: what the strangers cost a machine that they share"
	memory.row.Below(floodMemory, memory.ours.High())
	memory.row.Note = "the most that the serving process grew by in a round"
	answered := report.NewRow(name+", answered", "")
	answered.Below(0, float64(sum.Answered))
	answered.Note = fmt.Sprintf("of %d attempts %d were closed without a byte, %d were still open after 6 s, %d could not connect",
		sum.Tried, sum.Closed, sum.Open, sum.Failed)
	return []report.Row{b.done(p50), b.done(p99), b.done(elsewhere), answered, b.done(memory)}
}

// resident returns the memory of a process in MiB, 0 where the system does not
// tell.
func resident(pid int) float64 {
	data, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "status"))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(data)) {
		if value, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kb, _ := strconv.ParseFloat(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 64)
			return kb / 1024
		}
	}
	return 0
}
