package ring

import (
	"fmt"

	"github.com/clusterluck/clusterluck/bench/internal/measure"
	"github.com/clusterluck/clusterluck/bench/internal/peer"
	"github.com/clusterluck/clusterluck/bench/internal/report"
)

// floorTimes is how many times the floor a lookup may cost.
const floorTimes = 1.5

// owner compares the lookup of one owner, and ours with the floor.
func (b *bench) owner(n int, times float64) report.Work {
	name := fmt.Sprintf("owner, %s nodes", size(n))
	run := func() ([]report.Row, error) {
		f, err := b.of(n)
		if err != nil {
			return nil, err
		}
		hot, err := hotBytes(f.ours().R.Snapshot())
		if err != nil {
			return nil, err
		}
		cs, of := f.contenders(func(m *member) func([]string) int { return m.pl.Owners })
		row := report.NewRow(name, "ns")
		o := judge(&row, of, measure.Lookups(b.lookups(), b.keys(), cs))
		f.absent(&row)
		row.Against(times, o.ours, o.rivals)

		// The floor is near, so that ours and the floor take turns alone.
		both := measure.Lookups(b.lookups(), b.keys(), []measure.Contender{
			{Name: "hashring", Run: f.ours().Owners},
			{Name: "floor", Run: measure.NewFloor(hot).Owners},
		})
		row.SetFloor(both[1])
		over := report.NewRow(name+", over the floor", "ns")
		over.Add("ours", "", both[0])
		over.Add("floor", fmt.Sprintf("xxh3 of the key and one load from %d KiB", hot>>10), both[1])
		over.SetFloor(both[1])
		over.AtMost(floorTimes, "floor", both[0], both[1])
		return []report.Row{row, over}, nil
	}
	return report.Work{Name: name, Run: run, Goals: []string{
		fmt.Sprintf("rival/ours >= %gx", times), fmt.Sprintf("ours/floor <= %gx", floorTimes)}}
}

// top compares the lookup of three distinct nodes.
func (b *bench) top(n int, times float64) report.Work {
	name := fmt.Sprintf("top 3, %s nodes", size(n))
	run := func() ([]report.Row, error) {
		f, err := b.of(n)
		if err != nil {
			return nil, err
		}
		cs, of := f.contenders(func(m *member) func([]string) int {
			r, ok := m.pl.(peer.Replicated)
			if !ok {
				return nil
			}
			return func(keys []string) int { return r.Tops(keys, 3) }
		})
		row := report.NewRow(name, "ns")
		o := judge(&row, of, measure.Lookups(b.lookups(), b.keys(), cs))
		f.absent(&row)
		row.Against(times, o.ours, o.rivals)
		return []report.Row{row}, nil
	}
	return report.Work{Name: name, Run: run, Goals: []string{fmt.Sprintf("rival/ours >= %gx", times)}}
}

// allocations counts what each lookup of ours allocates; the rivals' are shown.
func (b *bench) allocations() report.Work {
	const name, n = "allocations of a lookup", 1000
	run := func() ([]report.Row, error) {
		f, err := b.of(n)
		if err != nil {
			return nil, err
		}
		ks := b.keys()[:1000]
		count := func(run func([]string) int) float64 {
			return measure.Allocs(len(ks), func() { measure.Keep(run(ks)) })
		}
		row := report.NewRow(name, "")
		for _, m := range f.members {
			if m.pl != nil && m.Kind != peer.Ours {
				v := report.Num(count(m.pl.Owners))
				row.Peers = append(row.Peers, report.Value{Name: m.Name, Kind: m.Kind.String(), Value: v, Low: report.None(), High: report.None()})
			}
		}
		worst, s := 0.0, f.ours().R.Snapshot()
		dst, raw := make([]string, 0, 3), make([]byte, 0, 64)
		for _, l := range []func(string) int{
			func(k string) int { id, _ := s.Owner(k); return len(id) },
			func(k string) int { raw = append(raw[:0], k...); id, _ := s.OwnerBytes(raw); return len(id) },
			func(k string) int { id, _ := s.OwnerHash(s.Hash(k)); return len(id) },
			func(k string) int { dst = s.AppendOwners(dst[:0], k, 3); return len(dst) },
		} {
			worst = max(worst, count(func(keys []string) (sum int) {
				for _, k := range keys {
					sum += l(k)
				}
				return sum
			}))
		}
		row.Below(0, worst)
		row.Note = "the worst of Owner, OwnerBytes, OwnerHash and AppendOwners of 3 at 1000 nodes; the rivals' is of their lookup of one owner"
		return []report.Row{row}, nil
	}
	return report.Work{Name: name, Run: run, Goals: []string{"ours <= 0"}}
}
