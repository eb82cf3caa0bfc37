package transport

import (
	"fmt"
	"slices"

	"github.com/clusterluck/clusterluck/bench/internal/load"
	"github.com/clusterluck/clusterluck/bench/internal/report"
	"github.com/clusterluck/clusterluck/bench/internal/system"
)

const (
	bulk       = 64 << 20 // bytes of a transfer
	besideOver = 3        // how much longer than idle the slowest calls may take
)

// beside measures calls while bytes are transferred on the same pair. Rivals are
// shown and count for nothing, so that the plain ones are left out.
func (b *bench) beside() report.Work {
	const name = "call beside a transfer of 64 MiB"
	run := func() ([]report.Row, error) {
		rigs := slices.DeleteFunc(b.remote(2), func(r *rig) bool { return r.kind == system.Plain })
		results, err := b.turns(rigs, func(r *rig) (xs []float64, err error) {
			err = r.use(func(l loader) error {
				idle, err := l.Latency(b.sample())
				if err != nil {
					return err
				}
				var busy load.Times
				var rate float64
				busy, rate, err = l.Beside(bulk, b.sample())
				xs = []float64{busy.P50, busy.P99, busy.P50 / idle.P50, busy.P99 / idle.P99, rate / 1e6, idle.P99}
				return err
			})
			return xs, err
		})
		if err != nil {
			return nil, err
		}
		p50 := fill(name+", p50", "us", results, 0, floorName, none)
		p99 := fill(name+", p99", "us", results, 1, floorName, none)
		idle := fill("", "us", results, 5, floorName, none)
		if len(p99.ours.Samples) > 0 {
			p99.row.AtMost(besideOver, "idle", p99.ours, idle.ours)
		}
		rows := []report.Row{b.done(p50), b.done(p99)}
		for i, what := range []struct{ name, unit string }{
			{name + ", p50 over idle", "x"}, {name + ", p99 over idle", "x"}, {"bytes of that transfer", "MB/s"},
		} {
			rows = append(rows, b.done(fill(what.name, what.unit, results, 2+i, floorName, none)))
		}
		return rows, nil
	}
	return report.Work{Name: name, Run: run, Goals: []string{fmt.Sprintf("p99: ours/idle <= %gx", float64(besideOver))}}
}
