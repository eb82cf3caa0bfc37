package transport

import (
	"errors"
	"fmt"
	"math"
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
	enough      = 0.9  // of the attempts must come through, or nothing is judged
	settle      = 100 * time.Millisecond
)

// harass samples our pair beside a flooding process. The memory of what the pair
// did before would hide what it grows by, so that it is a new one.
func (b *bench) harass(take func(goPair, *flood.Flooder) ([]float64, error)) ([]*result, error) {
	var ours []*rig
	for _, r := range b.remote(1) {
		if r.kind == system.Ours {
			r.stop()
			ours = append(ours, r)
		}
	}
	f, err := flood.Start()
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return b.turns(ours, func(r *rig) (xs []float64, err error) {
		err = r.use(func(l loader) error {
			xs, err = take(l.(goPair), f)
			return err
		})
		return xs, err
	})
}

// address returns where our server listens.
func address(p goPair) string {
	addr, _, _ := strings.Cut(p.Addr, "/")
	return addr
}

// floods is what became of attempts in all rounds, and the least that came
// through in one.
type floods struct {
	flood.Count
	least float64
}

func (s *floods) add(c flood.Count, came float64) {
	if s.Count == (flood.Count{}) {
		s.least = math.Inf(1)
	}
	s.Count, s.least = s.Plus(c), min(s.least, came)
}

// flood measures our calls while strangers knock with a wrong cookie.
func (b *bench) flood() report.Work {
	name := fmt.Sprintf("call under %d wrong cookies a second", knocks)
	run := func() ([]report.Row, error) {
		hello, err := flood.Hello()
		if err != nil {
			return nil, fmt.Errorf("record a handshake: %w", err)
		}
		var sum floods
		results, err := b.harass(func(p goPair, f *flood.Flooder) ([]float64, error) { return b.knocked(p, f, hello, &sum) })
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
func (b *bench) knocked(p goPair, f *flood.Flooder, hello []byte, sum *floods) ([]float64, error) {
	idle, err := p.Latency(b.sample())
	if err != nil {
		return nil, err
	}
	elsewhere, _, err := b.under(p, f, "", hello)
	if err != nil {
		return nil, err
	}
	memory := watchGrowth(p.PID())
	busy, c, err := b.under(p, f, address(p), hello)
	if err != nil {
		return nil, err
	}
	sum.add(c, c.Rate())
	return []float64{busy.P50, busy.P99, idle.P50, idle.P99, elsewhere.P99, memory.most()}, nil
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
func (b *bench) floodRows(name string, results []*result, sum floods) []report.Row {
	at := func(what, unit string, n int) *table { return fill(name+what, unit, results, n, "", none) }
	p50, p99, memory := at(", p50", "us", 0), at(", p99", "us", 1), at(", memory", "MiB", 5)
	elsewhere := at(", p99, while they knock elsewhere", "us", 4)
	p50.row.SetRatio("ours/idle", p50.ours.Ratio(at("", "us", 2).ours))
	p99.row.AtMost(floodOver, "idle", p99.ours, at("", "us", 3).ours)
	addNote(&p99.row, fmt.Sprintf("%.0f attempts a second came through in the round that had fewest; %d of %d were left out, since too many were open",
		sum.least, sum.Skipped, sum.Skipped+sum.Tried))
	elsewhere.row.SetRatio("ours/idle", elsewhere.ours.Ratio(at("", "us", 3).ours))
	elsewhere.row.Note = "as many connections to a listener of another process: what the strangers cost a machine that they share"
	memory.grewAtMost(floodMemory)
	answered := report.NewRow(name+", answered", "")
	answered.Below(0, float64(sum.Answered))
	answered.Note = fmt.Sprintf("of %d attempts %d were closed without a byte, %d were still open after 6 s, %d could not connect",
		sum.Tried, sum.Closed, sum.Open, sum.Failed)
	unlessEnough(sum.least, knocks, "attempts a second", &p99.row, &answered, &memory.row)
	return []report.Row{b.done(p50), b.done(p99), b.done(elsewhere), answered, b.done(memory)}
}

// unlessEnough takes back what was judged of a flood that was too small, but not
// that something happened which must not happen at all.
func unlessEnough(came, want float64, what string, rows ...*report.Row) {
	if came >= enough*want {
		return
	}
	for _, r := range rows {
		if never := r.Unit == ""; !never || r.Status != report.Missed {
			unjudged(r, fmt.Sprintf("only %.0f of %.0f %s came through", came, want, what))
		}
	}
}

// unjudged takes back what a row was judged.
func unjudged(row *report.Row, why string) {
	row.Status = report.Skipped
	addNote(row, "not measured: "+why)
}
