package ring

import (
	"fmt"
	"time"

	"github.com/clusterluck/clusterluck/bench/internal/measure"
	"github.com/clusterluck/clusterluck/bench/internal/peer"
	"github.com/clusterluck/clusterluck/bench/internal/report"
	"github.com/clusterluck/clusterluck/hashring"
)

// build compares laying out 1000 nodes at once.
func (b *bench) build(times float64) report.Work {
	const name, n = "bulk build, 1000 nodes", 1000
	run := func() ([]report.Row, error) {
		f, err := b.of(n)
		if err != nil {
			return nil, err
		}
		var as []measure.Action
		var of []*member
		for _, m := range f.members {
			if m.pl != nil && m.Bulk && (m.Kind != peer.Other || m.Module == "") {
				as, of = append(as, measure.Action{Name: m.Name, Run: func() error {
					_, err := m.New(f.nodes, points, peer.Clock{})
					return err
				}}), append(of, m)
			}
		}
		all, err := measure.Actions(b.env.Count, as)
		if err != nil {
			return nil, err
		}
		row := report.NewRow(name, "ms")
		o := judge(&row, of, all)
		row.Against(times, o.ours, o.rivals)
		return []report.Row{row}, nil
	}
	return report.Work{Name: name, Run: run, Goals: []string{fmt.Sprintf("rival/ours >= %gx", times)}}
}

// nodewise compares our bulk build with the rivals that can only be built node
// by node. Each of those is built once, since it takes up to a minute.
func (b *bench) nodewise(times float64) report.Work {
	const name, n = "build, rivals node by node, 1000 nodes", 1000
	run := func() ([]report.Row, error) {
		f, err := b.of(n)
		if err != nil {
			return nil, err
		}
		ours, err := measure.Actions(b.env.Count, []measure.Action{{Name: "hashring", Run: func() error {
			_, err := peer.NewHashring(f.nodes, hashring.Options{Points: points})
			return err
		}}})
		if err != nil {
			return nil, err
		}
		row := report.NewRow(name, "ms")
		row.Add("ours", "", ours[0])
		var rivals []measure.Series
		guessed := make(map[string]bool)
		for _, m := range f.members {
			if m.Kind != peer.Ring || m.Bulk {
				continue
			}
			took, stopped := m.nodewise()
			note := "measured once"
			if stopped {
				guessed[m.Name] = true
				note = m.why + "; extrapolated linearly, which is too low"
			}
			// The same sample stands for every round.
			s := measure.Series{Name: m.Name}
			for range ours[0].Samples {
				s.Samples = append(s.Samples, float64(took.Nanoseconds()))
			}
			row.Add("ring", note, s)
			rivals = append(rivals, s)
		}
		row.Against(times, ours[0], rivals)
		row.Note = "rivals that have a bulk call are not counted; a rival is built once"
		if row.Status == report.Missed && guessed[row.Rival] {
			// The guess is a lower bound: it can show that the goal is met, not
			// that it is missed.
			row.Status = report.Skipped
			row.Note += "; the best was stopped early, and what is known of it does not reach the goal"
		}
		return []report.Row{row}, nil
	}
	return report.Work{Name: name, Run: run, Goals: []string{fmt.Sprintf("rival/ours >= %gx", times)}}
}

// decode times reading a ring of 1000 nodes and the first lookup in it.
func (b *bench) decode() report.Work {
	const name, n, limit = "decode and first lookup, 1000 nodes", 1000, 5
	run := func() ([]report.Row, error) {
		f, err := b.of(n)
		if err != nil {
			return nil, err
		}
		data, err := f.ours().R.MarshalBinary()
		if err != nil {
			return nil, err
		}
		key := b.keys()[0]
		want := f.ours().Owner(key)
		all, err := measure.Actions(3*b.env.Count, []measure.Action{{Name: "hashring", Run: func() error {
			var r hashring.Ring
			if err := r.UnmarshalBinary(data); err != nil {
				return err
			}
			if got, _ := r.Owner(key); got != want {
				return fmt.Errorf("key %q belongs to %q after decoding, was %q", key, got, want)
			}
			return nil
		}}})
		if err != nil {
			return nil, err
		}
		row := report.NewRow(name, "ms")
		row.Add("ours", "", all[0])
		row.Below(limit, all[0].Median()/float64(time.Millisecond))
		row.Note = fmt.Sprintf("%d bytes; no rival writes its ring down", len(data))
		return []report.Row{row}, nil
	}
	return report.Work{Name: name, Run: run, Goals: []string{fmt.Sprintf("ours <= %d ms", limit)}}
}
