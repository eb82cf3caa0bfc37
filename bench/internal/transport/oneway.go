package transport

import (
	"fmt"
	"time"

	"github.com/clusterluck/clusterluck/bench/internal/load"
	"github.com/clusterluck/clusterluck/bench/internal/report"
	"github.com/clusterluck/clusterluck/bench/internal/system"
)

// Bounds of a sample of casts.
const (
	castsMax  = 2 << 20
	bytesMax  = 256 << 20
	lossCasts = 64 << 20 // bytes that a system is sent which loses some
)

// oneWay compares how many casts arrive in a second, and counts those that do
// not.
func (b *bench) oneWay(label string, size int, times float64) report.Work {
	name := "one way, " + label
	run := func() ([]report.Row, error) {
		var flows []*flowSum
		byRig := make(map[*rig]*flowSum)
		for _, r := range b.remote(2) {
			byRig[r] = &flowSum{name: r.name}
			flows = append(flows, byRig[r])
		}
		results, err := b.turns(b.remote(2), func(r *rig) ([]float64, error) {
			n, err := b.casts(r, size)
			if err != nil {
				return nil, err
			}
			f, err := flow(r, size, n)
			if err != nil {
				return nil, err
			}
			byRig[r].add(f.Flow)
			return []float64{f.Rate() / 1e3, float64(f.Silent()), float64(f.cpu) / float64(f.Sent)}, nil
		})
		if err != nil {
			return nil, err
		}
		goRivals := func(r *rig) bool { return r.kind == system.Rival && r.name != erlangName }
		t := fill(name, "k/s", results, 0, floorName, goRivals)
		t.faster(times)
		addNote(&t.row, lossNotes(flows)...)
		lost := fill(name+", lost in silence", "", results, 1, "", goRivals)
		if n := len(lost.ours.Samples); n > 0 {
			lost.row.Below(0, lost.ours.High())
		}
		return []report.Row{b.done(t), b.done(fill(name+cpuOf+"message", "us", results, 2, floorName, none)), b.done(lost)}, nil
	}
	return report.Work{Name: name, Run: run, Goals: []string{
		fmt.Sprintf("ours/rival >= %gx, of those in Go", times), "lost in silence: ours <= 0"}}
}

// casts returns how many casts of a size take about the time of a sample. It is
// found out once for a rig, so that all rounds have the same number.
func (b *bench) casts(r *rig, size int) (int, error) {
	if n := r.counts[size]; n > 0 {
		return n, nil
	}
	most := min(castsMax, bytesMax/size)
	for n := 64; ; n *= 8 {
		n = min(n, most)
		f, err := flow(r, size, n)
		switch {
		case err != nil:
			return 0, err
		case f.Lost() > 0:
			n = min(most, lossCasts/size)
		case n < most && f.Took < b.sample()/8:
			continue
		default:
			n = min(int(f.Rate()*b.sample().Seconds()), most)
		}
		r.counts[size] = max(n, 64)
		return r.counts[size], nil
	}
}

// costly is a flow and the CPU time of both sides.
type costly struct {
	load.Flow
	cpu time.Duration
}

// flow sends casts to a rig. After a loss its processes are stopped, since some
// systems lose their connection with the messages.
func flow(r *rig, size, n int) (f costly, err error) {
	err = r.use(func(l loader) (err error) {
		f.cpu, err = cpu(l, func() (err error) {
			f.Flow, err = l.OneWay(size, n)
			return err
		})
		return err
	})
	if err == nil && f.Lost() > 0 {
		r.stop()
	}
	if err == nil && f.Took <= 0 {
		f.Took = time.Nanosecond // nothing arrived
	}
	return f, err
}

// flowSum is what became of all casts of a rig.
type flowSum struct {
	name                               string
	sent, refused, delivered, reported int
}

func (s *flowSum) add(f load.Flow) {
	s.sent, s.refused = s.sent+f.Sent, s.refused+f.Refused
	s.delivered, s.reported = s.delivered+f.Delivered, s.reported+f.Reported
}

// lossNotes says which rigs did not deliver all.
func lossNotes(all []*flowSum) (notes []string) {
	for _, s := range all {
		if s.sent != s.delivered {
			notes = append(notes, fmt.Sprintf("%s delivered %d of %d (%.1f %%)", s.name, s.delivered, s.sent, 100*float64(s.delivered)/float64(s.sent)))
		}
		if s.reported > 0 {
			notes = append(notes, fmt.Sprintf("%s reported %d as lost", s.name, s.reported))
		}
		if s.refused > 0 {
			notes = append(notes, fmt.Sprintf("%s refused %d more", s.name, s.refused))
		}
	}
	return notes
}
