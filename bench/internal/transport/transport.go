// Package transport compares package transport and its servers with other ways
// for two processes to talk.
//
// Every contender is two processes on loopback: this one calls, a child of it
// serves. All pairs stay up, and their samples take turns round by round, each
// round starting with another pair; a ratio is the median over the rounds of the
// ratios within a round. Everything is wall time, since a message costs both
// processes; the collector runs as it does by default, since garbage is part of
// what a message costs.
//
// Ours encrypts; so do the rivals that count, where they can. The plain ones are
// shown beside them, with their ratio.
package transport

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/clusterluck/clusterluck/bench/internal/measure"
	"github.com/clusterluck/clusterluck/bench/internal/report"
	"github.com/clusterluck/clusterluck/bench/internal/system"
)

// Group returns the transport's comparisons.
func Group() report.Group {
	b := new(bench)
	return report.Group{Name: "transport", Works: b.works, Done: b.close, Caveats: caveats}
}

const caveats = `Caveats:

- The machine is virtual and shared. Absolute numbers move by tens of percent from
  run to run; ratios, each the median over rounds in which all contenders ran
  one after another, move less. The range is the lowest and the highest round.
- Times are wall time. Client and server share the cores of one machine, so that a
  system that uses less of them answers sooner than it would on two machines.
- Ours encrypts; so do the rivals that count, where they can: those named "tls", with TLS
  1.3 and AES-GCM, for which Go takes a key of 128 bits, ours has one of 256. Erlang
  counts as it is, plain. The same rivals without encryption are of kind "plain": they
  count for no goal between processes, and the notes have the ratio to the best of them.
- The floors are plain. Within a process nothing is encrypted, and plain ones count.
- A goal that is met by less than its range may be missed in the next run.
- "Best rival" is the rival that counts with the best median. Contenders of kind
  "floor" and "apart" count for no goal; rivals that the goal does not name neither.
- "Floor" is calls that share a TCP connection, told apart by ids, with no encoding
  and no names; for local work, a goroutine behind a channel.
- A rate of casts is of those that arrived.
- CPU is that of client and server together, what other processes take not included. It
  moves less than the rates do.
`

// bench is what the works share.
type bench struct {
	env  report.Env
	rigs []*rig
}

func (b *bench) works(env report.Env) []report.Work {
	b.env = env
	return []report.Work{
		b.local(),
		b.latency(),
		b.rate(64, 3), b.rate(1024, 5),
		b.oneWay("64 B", 64, 2.5), b.oneWay("1 KiB", 1<<10, 1),
		b.beside(), b.flood(), b.idle(),
		b.oneWay("64 KiB", 64<<10, 1),
	}
}

// rounds returns how often each contender is sampled.
func (b *bench) rounds() int {
	if b.env.Quick {
		return 1
	}
	return b.env.Count
}

// sample returns how long a sample takes.
func (b *bench) sample() time.Duration {
	if b.env.Quick {
		return 40 * time.Millisecond
	}
	return 250 * time.Millisecond
}

// all returns the rigs, which are made when they are first asked for.
func (b *bench) all() []*rig {
	if b.rigs == nil {
		b.rigs = rigs()
	}
	return b.rigs
}

// close ends all processes.
func (b *bench) close() {
	for _, r := range b.rigs {
		r.stop()
	}
}

// turns samples the rigs, one after the other, round by round. A rig that fails is
// out, and its result says why; if it is ours, turns returns the error. take
// returns the numbers of a sample, always as many.
func (b *bench) turns(rigs []*rig, take func(*rig) ([]float64, error)) ([]*result, error) {
	results := make([]*result, len(rigs))
	for i, r := range rigs {
		results[i] = &result{rig: r}
	}
	for round := range b.rounds() {
		for i := range results {
			res := results[(i+round)%len(results)]
			if res.err != nil {
				continue
			}
			runtime.GC()
			xs, err := take(res.rig)
			if err != nil {
				res.err = err
				b.env.Logf("  %s is out: %v", res.rig.name, err)
				if res.rig.kind == system.Ours {
					return nil, err
				}
				continue
			}
			res.samples = append(res.samples, xs)
		}
	}
	return results, nil
}

// result is what turns found of a rig.
type result struct {
	rig     *rig
	samples [][]float64 // by round
	err     error
}

// series returns the n-th number of each sample. A rig that is out has none.
func (r *result) series(n int) measure.Series {
	s := measure.Series{Name: r.rig.name}
	if r.err == nil {
		for _, xs := range r.samples {
			s.Samples = append(s.Samples, xs[n])
		}
	}
	return s
}

// A table is a row in the making: the series of every contender, and which of
// them count.
type table struct {
	row    report.Row
	ours   measure.Series
	floor  measure.Series
	rivals []measure.Series
	plain  []measure.Series // of the same rivals without encryption
}

// fill adds the n-th number of each result to a new row. counts says which rivals
// count, floor names the contender below which nothing can go.
func fill(work, unit string, results []*result, n int, floor string, counts func(*rig) bool) *table {
	t := &table{row: report.NewRow(work, unit)}
	var out []string
	for _, r := range results {
		s, note := r.series(n), r.rig.note
		if r.err != nil {
			note = "not measured: " + strings.ReplaceAll(r.err.Error(), "\n", "; ")
			if counts(r.rig) {
				out = append(out, r.rig.name)
			}
		}
		t.row.Add(string(r.rig.kind), note, s)
		switch {
		case r.rig.kind == system.Ours:
			t.ours = s
		case r.rig.name == floor:
			t.floor = s
		case counts(r.rig):
			t.rivals = append(t.rivals, s)
		case r.rig.twin != nil && counts(r.rig.twin):
			t.plain = append(t.plain, s)
		}
	}
	if len(t.ours.Samples) > 0 {
		t.row.SetOurs(t.ours)
	}
	if len(t.floor.Samples) > 0 {
		t.row.SetFloor(t.floor)
	}
	t.row.Without(out)
	return t
}

// faster judges rates, of which the higher are better: ours must be at least
// times the best of the rivals.
func (t *table) faster(times float64) {
	t.row.Goal = fmt.Sprintf("ours/rival >= %gx", times)
	best, ok := highest(t.rivals)
	if !ok || len(t.ours.Samples) == 0 {
		t.row.Status = report.Skipped
		return
	}
	t.row.Rival, t.row.RivalValue = best.Name, report.Num(best.Median())
	t.row.SetRatio("ours/rival", t.ours.Ratio(best))
	t.row.Judge(float64(t.row.Ratio) >= times)
	if best, ok := highest(t.plain); ok {
		t.notePlain("ours/rival", best, t.ours.Ratio(best))
	}
}

// sooner judges times, of which the lower are better: the best of the rivals must
// take at least times as long as ours.
func (t *table) sooner(times float64) {
	t.row.Against(times, t.ours, t.rivals)
	if best, ok := measure.Best(t.plain); ok {
		t.notePlain("rival/ours", best, best.Ratio(t.ours))
	}
}

// notePlain notes how ours stands to the best rival that does not encrypt.
func (t *table) notePlain(of string, best, ratio measure.Series) {
	addNote(&t.row, fmt.Sprintf("of plain %s, the best without encryption, %s is %sx (%s-%s)", best.Name, of,
		report.Number(report.Num(ratio.Median())), report.Number(report.Num(ratio.Low())), report.Number(report.Num(ratio.High()))))
}

// addNote adds to what a row's note says.
func addNote(row *report.Row, notes ...string) {
	if row.Note != "" {
		notes = append([]string{row.Note}, notes...)
	}
	row.Note = strings.Join(notes, "; ")
}

// highest returns the series with the highest median; ok is false if none has a
// sample.
func highest(all []measure.Series) (best measure.Series, ok bool) {
	for _, s := range all {
		if len(s.Samples) > 0 && (!ok || s.Median() > best.Median()) {
			best, ok = s, true
		}
	}
	return best, ok
}

// done logs the ratios of the rounds and returns the row.
func (b *bench) done(t *table) report.Row {
	if len(t.row.Ratios) > 0 {
		var all strings.Builder
		for _, r := range t.row.Ratios {
			all.WriteString(" " + report.Number(r))
		}
		b.env.Logf("  %s: %s by round:%s; median %s, %s", t.row.Work, t.row.RatioOf, all.String(), report.Number(t.row.Ratio), t.row.Status)
	}
	return t.row
}

// rivals says that every rival counts.
func rivals(r *rig) bool { return r.kind == system.Rival }

// none says that no rival counts.
func none(*rig) bool { return false }

// named says that the named contenders count.
func named(names ...string) func(*rig) bool {
	return func(r *rig) bool { return slices.Contains(names, r.name) }
}
