package ring

import (
	"errors"
	"fmt"
	"reflect"

	"github.com/clusterluck/clusterluck/bench/internal/peer"
	"github.com/clusterluck/clusterluck/bench/internal/report"
	"github.com/clusterluck/clusterluck/hashring"
)

// line is the size of what a lookup reads of a bucket: one cache line.
const line = 64

// hotBytes returns the size of the part of a snapshot that lookups read: the
// lines of its buckets and the bits that say which are stale. The package has no
// call for it, so this looks at the snapshot's layout, and fails if that has
// changed.
func hotBytes(s *hashring.Snapshot) (int, error) {
	table := reflect.ValueOf(s).Elem().FieldByName("t")
	if !table.IsValid() {
		return 0, errors.New("hashring.Snapshot has no field t any more: adapt hotBytes")
	}
	lit, set := table.FieldByName("lit"), table.FieldByName("lines")
	if !lit.IsValid() || lit.Kind() != reflect.Slice || !set.IsValid() || !set.FieldByName("stale").IsValid() {
		return 0, errors.New("the table of hashring.Snapshot has no lit or lines.stale any more: adapt hotBytes")
	}
	if lit.Len() == 0 {
		return 0, errors.New("the ring has no lines: its lookups read all of it")
	}
	stale := set.FieldByName("stale")
	return lit.Len()*int(lit.Type().Elem().Size()) + stale.Len()*int(stale.Type().Elem().Size()), nil
}

// memory compares the heap that a built ring holds, for each point, and states
// how much of ours lookups touch.
func (b *bench) memory() report.Work {
	const name, n, limit, hotLimit = "memory of a point, 1000 nodes", 1000, 15, 7
	run := func() ([]report.Row, error) {
		f, err := b.of(n)
		if err != nil {
			return nil, err
		}
		snap := f.ours().R.Snapshot()
		row := report.NewRow(name, "B")
		least := report.None()
		for _, m := range f.members {
			if m.pl == nil {
				continue
			}
			v := report.Num(float64(m.bytes) / (n * points))
			row.Peers = append(row.Peers, report.Value{Name: m.Name, Kind: m.Kind.String(), Value: v, Low: report.None(), High: report.None(), Note: m.Note})
			switch {
			case m.Kind == peer.Ours:
				row.Below(limit, float64(v))
			case m.Kind == peer.Ring && (least.None() || v < least):
				row.Rival, row.RivalValue, least = m.Name, v, v
			}
		}
		row.Note = fmt.Sprintf("live heap after building less before, two collections each, ids not counted; Snapshot.Bytes says %.1f B",
			float64(snap.Bytes())/float64(snap.Points()))

		hot, err := hotBytes(snap)
		if err != nil {
			return nil, err
		}
		part := report.NewRow("hot memory of a point, 1000 nodes", "B")
		part.Below(hotLimit, float64(hot)/float64(snap.Points()))
		part.Note = "what a lookup may touch besides the node ids"
		return []report.Row{row, part}, nil
	}
	return report.Work{Name: name, Run: run, Goals: []string{
		fmt.Sprintf("ours <= %d B", limit), fmt.Sprintf("hot part <= %d B", hotLimit)}}
}
