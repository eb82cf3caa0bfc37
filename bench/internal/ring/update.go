package ring

import (
	"fmt"

	"github.com/clusterluck/clusterluck/bench/internal/keys"
	"github.com/clusterluck/clusterluck/bench/internal/measure"
	"github.com/clusterluck/clusterluck/bench/internal/peer"
	"github.com/clusterluck/clusterluck/bench/internal/report"
)

// batch is how many changes of ours make one sample, since one alone is over
// before the caches are warm. A rival's change takes milliseconds and is one
// sample.
const batch = 16

// update compares adding or removing one node of 1000.
func (b *bench) update(what string, times float64) report.Work {
	const n = 1000
	name := what + " one node of 1000"
	run := func() ([]report.Row, error) {
		f, err := b.of(n)
		if err != nil {
			return nil, err
		}
		var as []measure.Action
		var of []*member
		var undos []func() error
		for _, m := range f.members {
			if m.pl == nil || m.Kind == peer.Other {
				continue
			}
			if a, undo, ok := change(m, what); ok {
				as, of, undos = append(as, a), append(of, m), append(undos, undo)
			}
		}
		all, err := measure.Actions(b.env.Count, as)
		if err != nil {
			return nil, err
		}
		for _, undo := range undos {
			if err := undo(); err != nil {
				return nil, err
			}
		}
		row := report.NewRow(name, "ms")
		o := judge(&row, of, all)
		var arrays []measure.Series
		for i, m := range of {
			if m.Array {
				arrays = append(arrays, all[i])
			}
		}
		row.Against(times, o.ours, arrays)
		row.Note = "counted are the rivals that keep points in an array; ringpop's tree is in the table of contenders"
		return []report.Row{row}, nil
	}
	return report.Work{Name: name, Run: run, Goals: []string{fmt.Sprintf("array rival/ours >= %gx", times)}}
}

// change returns the action of adding or removing nodes beyond those of the
// fleet. Whatever was added is removed before the next sample by the peers that
// can; the others grow by a node a round, half a percent in all. undo removes
// what the last round left.
func change(m *member, what string) (a measure.Action, undo func() error, ok bool) {
	adder, adds := m.pl.(peer.Adder)
	remover, removes := m.pl.(peer.Remover)
	if !adds || what == "remove" && !removes {
		return a, nil, false
	}
	a = measure.Action{Name: m.Name, Again: 1}
	if m.Kind == peer.Ours {
		a.Again = batch
	}
	next, present := 0, []string(nil)
	add := func() error {
		id := keys.Node(1_000_000 + next)
		next++
		if removes {
			present = append(present, id)
		}
		return adder.Add(id)
	}
	remove := func() error {
		id := present[len(present)-1]
		present = present[:len(present)-1]
		return remover.Remove(id)
	}
	rid := func() error {
		for len(present) > 0 {
			if err := remove(); err != nil {
				return err
			}
		}
		return nil
	}
	if what == "add" {
		a.Prepare, a.Run = rid, add
		return a, rid, true
	}
	a.Run = remove
	a.Prepare = func() error {
		for len(present) < a.Again {
			if err := add(); err != nil {
				return err
			}
		}
		return nil
	}
	return a, rid, true
}
