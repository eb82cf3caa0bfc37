package ring

import (
	"fmt"
	"strconv"

	"github.com/clusterluck/clusterluck/bench/internal/keys"
	"github.com/clusterluck/clusterluck/bench/internal/measure"
	"github.com/clusterluck/clusterluck/bench/internal/peer"
	"github.com/clusterluck/clusterluck/bench/internal/report"
	"github.com/clusterluck/clusterluck/hashring"
)

// bounded compares taking and giving back a node under bounded loads with a
// plain lookup in the same ring: with nothing else held, which is the goal, and
// with 1000 leases held all the time, ten a node where 13 is the most, so that
// many keys' owners are full.
func (b *bench) bounded() report.Work {
	const name, n, times, bound, held = "bounded load, acquire + release, 100 nodes", 100, 3, 1.25, 1000
	run := func() ([]report.Row, error) {
		f, err := b.of(n)
		if err != nil {
			return nil, err
		}
		ks := b.keys()
		rounds := func(b peer.Bounder) func([]string) int {
			return func(keys []string) int { b.Rounds(keys); return 0 }
		}
		cs := []measure.Contender{{Name: "hashring, Owner", Run: f.ours().Owners}}
		for _, window := range []int{1, held} {
			ours, err := peer.NewBoundedHashring(f.ours(), bound, window, ks)
			if err != nil {
				return nil, err
			}
			cs = append(cs, measure.Contender{Name: "hashring", Run: rounds(ours)},
				measure.Contender{Name: "lafikl", Run: rounds(peer.NewBoundedLafikl(f.nodes, window, ks))})
		}
		all := measure.Lookups(b.lookups(), ks, cs)
		row := func(work string, i int) report.Row {
			r := report.NewRow(work, "ns")
			r.Add("ours", "the plain lookup", all[0])
			r.Add("ours", "", all[i])
			r.Add("other", "10 points a node", all[i+1])
			r.AtMost(times, "Owner", all[i], all[0])
			r.Rival, r.RivalValue = all[i+1].Name, report.Num(all[i+1].Median())
			return r
		}
		idle, busy := row(name, 1), row(name+", 1000 leases held", 3)
		busy.Goal, busy.Status = "", report.Shown
		busy.Note = fmt.Sprintf("bound %g: ten leases a node, of which it may have 13", bound)
		return []report.Row{idle, busy}, nil
	}
	return report.Work{Name: name, Run: run, Goals: []string{fmt.Sprintf("ours/Owner <= %dx", times)}}
}

// balance states how even the load is: the largest share over the mean. That
// hangs on the ids by chance, so it is the median over nine sets of ids. Ours is
// computed exactly from the ring; the rivals' is of one set and counted over
// keys, which by chance alone adds to it.
func (b *bench) balance() report.Work {
	const name, n, limit, probes, sets = "max/mean load, 1000 nodes, 2 probes", 1000, 1.17, 2, 9
	run := func() ([]report.Row, error) {
		f, err := b.of(n)
		if err != nil {
			return nil, err
		}
		row := report.NewRow(name, "")
		var last measure.Series
		for _, p := range []int{1, probes} {
			s := measure.Series{Name: fmt.Sprintf("hashring, Probes %d", p)}
			for set := range sets {
				h, err := peer.NewHashring(keys.Nodes(sets * n)[set*n:][:n], hashring.Options{Points: points, Probes: p})
				if err != nil {
					return nil, err
				}
				most := 0.0
				for _, share := range h.R.Snapshot().Ownership() {
					most = max(most, share.Fraction*n)
				}
				s.Samples = append(s.Samples, most)
			}
			row.Add("ours", fmt.Sprintf("exact, %d sets of ids", sets), s)
			last = s
		}
		if !b.env.Quick {
			b.counted(f, &row)
		}
		row.Below(limit, last.Median())
		row.Note = fmt.Sprintf("median over %d sets of ids, from Ownership, %s to %s; the rivals' is of one set, counted over 2^20 keys, by which chance adds some 0.02",
			sets, report.Number(report.Num(last.Low())), report.Number(report.Num(last.High())))
		return []report.Row{row}, nil
	}
	return report.Work{Name: name, Run: run, Goals: []string{fmt.Sprintf("ours <= %g", limit)}}
}

// counted adds what the keys of a million users give for each contender.
func (b *bench) counted(f *fleet, row *report.Row) {
	least := report.None()
	for _, m := range f.members {
		if m.pl == nil || m.Kind == peer.Other && m.Module != "" {
			continue
		}
		b.env.Logf("counting the load of %s", m.Name)
		load, most := make(map[string]int, len(f.nodes)), 0
		const count = 1 << 20
		for i := range count {
			load[m.pl.Owner("key-"+strconv.Itoa(i))]++
		}
		for _, l := range load {
			most = max(most, l)
		}
		v := report.Num(float64(most) / count * float64(len(f.nodes)))
		row.Peers = append(row.Peers, report.Value{
			Name: m.Name, Kind: m.Kind.String(), Value: v, Low: report.None(), High: report.None(), Note: "counted"})
		if m.Kind == peer.Ring && (least.None() || v < least) {
			row.Rival, row.RivalValue, least = m.Name, v, v
		}
	}
}
