package transport

import (
	"fmt"
	"math"
	"time"

	"github.com/clusterluck/clusterluck/bench/internal/erlang"
	"github.com/clusterluck/clusterluck/bench/internal/measure"
	"github.com/clusterluck/clusterluck/bench/internal/report"
	"github.com/clusterluck/clusterluck/bench/internal/system"
)

const (
	localFloor = "channel"
	localTimes = 1.3
	castTimes  = 3
)

// A localLoader calls and casts within a process, and says how long it took.
type localLoader interface {
	Calls(n int) (time.Duration, error)
	Casts(n int) (time.Duration, error)
	Close() error
}

// goLocal is the localLoader of a system that is written in Go.
type goLocal struct{ system.Local }

func (l goLocal) Calls(n int) (time.Duration, error) { return timed(n, l.Local.Calls) }
func (l goLocal) Casts(n int) (time.Duration, error) { return timed(n, l.Local.Casts) }

func (l goLocal) Close() error {
	l.Local.Close()
	return nil
}

func timed(n int, f func(int) error) (time.Duration, error) {
	start := time.Now()
	err := f(n)
	return time.Since(start), err
}

// erlangLocal is the localLoader of Erlang, whose processes are elsewhere.
type erlangLocal struct{ *erlang.Nodes }

// local compares calls and casts within a process.
func (b *bench) local() report.Work {
	const name = "local"
	run := func() ([]report.Row, error) {
		var rigs []*rig
		up := make(map[*rig]localLoader)
		defer func() {
			for _, l := range up {
				_ = l.Close()
			}
		}()
		for _, r := range b.all() {
			if r.local != nil {
				rigs = append(rigs, r)
			}
		}
		results, err := b.turns(rigs, func(r *rig) ([]float64, error) {
			l, ok := up[r]
			if !ok {
				var err error
				if l, err = r.local(); err != nil {
					return nil, err
				}
				up[r] = l
			}
			call, err := b.cost(l.Calls)
			if err != nil {
				return nil, err
			}
			cast, err := b.cost(l.Casts)
			return []float64{call, cast}, err
		})
		if err != nil {
			return nil, err
		}
		calls := fill("local call", "ns", results, 0, localFloor, none)
		calls.row.AtMost(localTimes, localFloor, calls.ours, calls.floor)
		casts := fill("local cast", "ns", results, 1, localFloor, named("protoactor"))
		casts.row.Against(castTimes, casts.ours, casts.rivals) // nothing is encrypted, so that the plain one counts
		rows := []report.Row{b.done(calls), b.done(casts)}
		return append(rows, allocations(rigs, up)...), nil
	}
	return report.Work{Name: name, Run: run, Goals: []string{
		fmt.Sprintf("call: ours/%s <= %gx", localFloor, localTimes),
		fmt.Sprintf("cast: rival/ours >= %gx, of protoactor", float64(castTimes)),
		"allocations of a call: ours <= 0", "allocations of a cast: ours <= 0"}}
}

// cost returns the nanoseconds of an operation, over about half the time of a
// sample and after some that do not count.
func (b *bench) cost(work func(int) (time.Duration, error)) (float64, error) {
	goal := b.sample() / 2
	for n := 256; ; n *= 4 {
		took, err := work(n)
		if err != nil {
			return 0, err
		}
		if took < goal/8 && n < 1<<20 {
			continue
		}
		n = max(int(float64(n)*goal.Seconds()/max(took.Seconds(), 1e-9)), 256)
		n = min(n, 4<<20)
		took, err = work(n)
		return float64(took.Nanoseconds()) / float64(n), err
	}
}

// allocations counts what calls and casts allocate, on both sides.
func allocations(rigs []*rig, up map[*rig]localLoader) []report.Row {
	var rows []report.Row
	for _, what := range []string{"call", "cast"} {
		count, size := report.NewRow("allocations of a local "+what, ""), report.NewRow("bytes allocated by a local "+what, "B")
		for _, r := range rigs {
			l, ok := up[r].(goLocal)
			if !ok {
				continue
			}
			work := l.Local.Calls
			if what == "cast" {
				work = l.Local.Casts
			}
			allocs, bytes, err := allocated(work)
			if err != nil {
				continue
			}
			for row, v := range map[*report.Row]float64{&count: allocs, &size: bytes} {
				row.Peers = append(row.Peers, report.Value{Name: r.name, Kind: string(r.kind), Value: report.Num(v), Low: report.None(), High: report.None()})
			}
			if r.kind == system.Ours {
				count.Below(0, allocs)
				size.Ours = report.Num(bytes)
			}
		}
		count.Note = "to a tenth, of both sides; what is allocated for many at once counts with its share, so that a chunk for 64 is 0 here and shows in the bytes"
		size.Note = "of both sides; what is allocated for many at once counts with its share"
		rows = append(rows, count, size)
	}
	return rows
}

// allocated returns the allocations of an operation, to a tenth, and the bytes.
func allocated(work func(int) error) (allocs, bytes float64, err error) {
	const n = 20_000
	allocs, bytes = measure.Allocated(n, func() {
		if e := work(n); e != nil {
			err = e
		}
	})
	return math.Round(10*allocs) / 10, bytes, err
}
