package transport

import (
	"fmt"
	"time"

	"github.com/clusterluck/clusterluck/bench/internal/load"
	"github.com/clusterluck/clusterluck/bench/internal/report"
)

const (
	cpuOf      = ", CPU of both sides for a "
	floorName  = "tcp multiplexed"
	floorTimes = 1.3 // how much longer than the floor a call may take
)

// latency compares the time of a call while there is no other.
func (b *bench) latency() report.Work {
	const name = "call, 1 outstanding"
	run := func() ([]report.Row, error) {
		results, err := b.turns(b.remote(1), func(r *rig) ([]float64, error) {
			var t load.Times
			err := r.use(func(l loader) (err error) {
				t, err = l.Latency(b.sample())
				return err
			})
			return []float64{t.P50, t.P99}, err
		})
		if err != nil {
			return nil, err
		}
		p50 := fill(name+", p50", "us", results, 0, floorName, rivals)
		p50.sooner(1)
		over := &table{row: report.NewRow(name+", p50, over the floor", "us")}
		over.row.SetFloor(p50.floor)
		over.row.AtMost(floorTimes, "floor", p50.ours, p50.floor)
		p99 := fill(name+", p99", "us", results, 1, floorName, rivals)
		return []report.Row{b.done(p50), b.done(over), b.done(p99)}, nil
	}
	return report.Work{Name: name, Run: run, Goals: []string{
		"p50: rival/ours >= 1x", fmt.Sprintf("p50: ours/floor <= %gx", floorTimes)}}
}

// rate compares how many calls are answered in a second while so many are
// outstanding.
func (b *bench) rate(outstanding int, times float64) report.Work {
	name := fmt.Sprintf("calls, %d outstanding", outstanding)
	run := func() ([]report.Row, error) {
		results, err := b.turns(b.remote(outstanding), func(r *rig) ([]float64, error) {
			var calls load.Calls
			var busy time.Duration
			err := r.use(func(l loader) (err error) {
				busy, err = cpu(l, func() (err error) {
					calls, err = l.Rate(outstanding, b.sample())
					return err
				})
				return err
			})
			return []float64{calls.Rate() / 1e3, float64(busy) / float64(calls.Calls+calls.Warm)}, err
		})
		if err != nil {
			return nil, err
		}
		t := fill(name, "k/s", results, 0, floorName, named("grpc stream tls", "nats tls", "protoactor tls"))
		t.faster(times)
		return []report.Row{b.done(t), b.done(fill(name+cpuOf+"call", "us", results, 1, floorName, none))}, nil
	}
	return report.Work{Name: name, Run: run, Goals: []string{
		fmt.Sprintf("ours/rival >= %gx, of grpc stream, nats and protoactor, encrypted", times)}}
}
