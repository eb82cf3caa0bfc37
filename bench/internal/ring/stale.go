package ring

import (
	"fmt"

	"github.com/clusterluck/clusterluck/bench/internal/measure"
	"github.com/clusterluck/clusterluck/bench/internal/peer"
	"github.com/clusterluck/clusterluck/bench/internal/report"
	"github.com/clusterluck/clusterluck/hashring"
)

// stale shows what lookups cost while nodes come and go: updates leave lines
// stale until one of them packs all anew. All other figures are of new rings. It
// has no goal.
func (b *bench) stale() report.Work {
	const name, n = "owner after nodes were added, 1000 nodes", 1000
	run := func() ([]report.Row, error) {
		f, err := b.of(n)
		if err != nil {
			return nil, err
		}
		var cs []measure.Contender
		for _, adds := range []int{0, 4, 7} {
			r := f.ours().R.Clone()
			for i := range adds {
				if err := r.Set(hashring.Node{ID: fmt.Sprintf("added-%d", i)}); err != nil {
					return nil, err
				}
			}
			cs = append(cs, measure.Contender{Name: fmt.Sprintf("%d added", adds), Run: (&peer.Hashring{R: r}).Owners})
		}
		all := measure.Lookups(b.lookups(), b.keys(), cs)
		row := report.NewRow(name, "ns")
		for i := range all {
			row.Add("ours", "Ring.Owner", all[i])
		}
		last := all[len(all)-1]
		row.SetOurs(last)
		row.SetRatio("7 added/none", last.Ratio(all[0]))
		row.Note = "an eighth node would make all lines new again"
		return []report.Row{row}, nil
	}
	return report.Work{Name: name, Run: run, Goals: []string{"none, shown"}}
}
