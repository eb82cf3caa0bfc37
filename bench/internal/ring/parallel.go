package ring

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/clusterluck/clusterluck/bench/internal/measure"
	"github.com/clusterluck/clusterluck/bench/internal/peer"
	"github.com/clusterluck/clusterluck/bench/internal/report"
	"github.com/clusterluck/clusterluck/hashring"
)

// halves runs both halves of the keys at once.
func halves(run func([]string) int) func([]string) int {
	return func(keys []string) int {
		var sum atomic.Int64
		var wg sync.WaitGroup
		mid := len(keys) / 2
		for _, half := range [][]string{keys[:mid], keys[mid:]} {
			wg.Go(func() { sum.Add(int64(run(half))) })
		}
		wg.Wait()
		return int(sum.Load())
	}
}

// parallel compares two goroutines that look up at once: wall time over the
// number of keys of both.
func (b *bench) parallel(times float64) report.Work {
	const name, n = "owner, 2 goroutines, 100 nodes", 100
	run := func() ([]report.Row, error) {
		f, err := b.of(n)
		if err != nil {
			return nil, err
		}
		cs, of := f.contenders(func(m *member) func([]string) int {
			if m.Kind == peer.Other {
				return nil
			}
			return halves(m.pl.Owners)
		})
		for i := range cs {
			cs[i].Clock = measure.Wall
		}
		row := report.NewRow(name, "ns")
		o := judge(&row, of, measure.Lookups(b.lookups(), b.keys(), cs))
		row.Against(times, o.ours, o.rivals)
		row.Note = "wall time over the keys of both"
		return []report.Row{row}, nil
	}
	return report.Work{Name: name, Run: run, Goals: []string{fmt.Sprintf("rival/ours >= %gx", times)}}
}

// writerTimes is how much slower a reader may get beside a writer.
const writerTimes = 1.1

// writer compares a reader beside a writer with a reader alone, for one reader
// and for two; the floor, which shares nothing, shows what the machine itself
// loses when two goroutines run.
func (b *bench) writer() report.Work {
	const name, n, rate = "owner beside a writer, 100 nodes", 100, 100
	run := func() ([]report.Row, error) {
		f, err := b.of(n)
		if err != nil {
			return nil, err
		}
		hot, err := hotBytes(f.ours().R.Snapshot())
		if err != nil {
			return nil, err
		}
		ours, floor, ks := f.ours(), measure.NewFloor(hot), b.keys()
		passes := 12 // some 250 ms, so that a sample sees 25 updates
		if b.env.Quick {
			passes = 3
		}
		action := func(name string, run func([]string) int, written bool) measure.Action {
			return measure.Action{Name: name, Clock: measure.Wall, Run: func() error {
				if written {
					defer write(ours.R, rate)()
				}
				for range passes {
					measure.Keep(run(ks))
				}
				return nil
			}}
		}
		all, err := measure.Actions(2*b.env.Count, []measure.Action{
			action("1 reader", ours.Owners, false),
			action("1 reader beside a writer", ours.Owners, true),
			action("2 readers", halves(ours.Owners), false),
			action("2 readers beside a writer", halves(ours.Owners), true),
			action("floor, 1 goroutine", floor.Owners, false),
			action("floor, 2 goroutines", halves(floor.Owners), false),
		})
		if err != nil {
			return nil, err
		}
		row := report.NewRow(name, "ns")
		for i := range all {
			for j := range all[i].Samples {
				all[i].Samples[j] /= float64(passes * len(ks))
			}
			kind := "ours"
			if i >= 4 {
				kind = "floor"
			}
			row.Add(kind, "wall time over all keys", all[i])
		}
		row.AtMost(writerTimes, "serial", all[1], all[0])
		two := report.NewRow("owner, 2 goroutines beside a writer, 100 nodes", "ns")
		two.AtMost(writerTimes, "2 goroutines alone", all[3], all[2])
		two.Note = fmt.Sprintf("2 goroutines take %.2f of the wall time of one; the floor, which shares nothing, %.2f",
			all[2].Ratio(all[0]).Median(), all[5].Ratio(all[4]).Median())
		return []report.Row{row, two}, nil
	}
	return report.Work{Name: name, Run: run, Goals: []string{fmt.Sprintf("ours/serial <= %gx", writerTimes)}}
}

// write changes the ring at a rate, in updates a second, until the returned
// function is called, which waits for the last update.
func write(r *hashring.Ring, rate int) (stop func()) {
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		tick := time.NewTicker(time.Second / time.Duration(rate))
		defer tick.Stop()
		for {
			select {
			case <-done:
				r.Remove("late")
				return
			case <-tick.C:
				if !r.Remove("late") {
					// The ring has room and lacks the node: this cannot fail.
					_ = r.Add(hashring.Node{ID: "late"})
				}
			}
		}
	})
	return func() {
		close(done)
		wg.Wait()
	}
}
