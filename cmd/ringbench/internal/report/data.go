package report

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/result"
)

// writeJSON writes one file as it is stored, several as an array of them.
func writeJSON(w io.Writer, files []Named) error {
	if len(files) == 1 {
		return files[0].File.Write(w)
	}
	all := make([]*result.File, len(files))
	for i, f := range files {
		all[i] = f.File
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ")
	return enc.Encode(all)
}

// writeCSV writes a line for each row of each file.
func writeCSV(w io.Writer, files []Named) error {
	out := csv.NewWriter(w)
	// The writer keeps its first error for Error.
	_ = out.Write([]string{
		"file", "algo", "nodes", "points", "probes", "weights", "metric", "value", "unit", "better",
		"low", "high", "confidence", "samples", "spread", "busy", "exact", "few", "p99", "entries",
	})
	number := func(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }
	count := func(n int) string {
		if n == 0 {
			return ""
		}
		return strconv.Itoa(n)
	}
	for _, f := range files {
		for i := range f.File.Rows {
			r := &f.File.Rows[i]
			var low, high, confidence, spread, p99 string
			if r.Timed() {
				low, high, confidence, spread = number(r.Low), number(r.High), number(r.Confidence), number(r.Spread.Max())
				p99 = number(r.Batch.P99)
			}
			_ = out.Write([]string{
				f.Name, r.Algo, count(r.Nodes), count(r.Points), count(r.Probes), r.Weights, r.Metric,
				number(r.Value), r.Unit, r.Better, low, high, confidence, count(len(r.Samples)), spread,
				strconv.FormatBool(r.Busy), strconv.FormatBool(r.Exact), strconv.FormatBool(r.Few), p99, count(r.Entries),
			})
		}
	}
	out.Flush()
	return out.Error()
}

// writeMarkdown writes a table for each number of nodes and the closing lines.
func writeMarkdown(w io.Writer, files []Named) error {
	p := &printer{w: w}
	for i, f := range files {
		if i > 0 {
			p.line("")
		}
		title := "ringbench"
		if f.Name != "" {
			title = path.Base(f.Name)
		}
		p.line("# %s", markdown(title))
		p.line("")
		name, text := subjectText(f.File)
		p.line("- %s: %s", name, markdown(text))
		p.line("- machine: %s", markdown(machineText(f.File)))
		p.line("- command: `%s`", strings.NewReplacer("`", "'", "\n", " ").Replace(strings.Join(f.File.Machine.Command, " ")))
		p.line("- seed: %d", f.File.Machine.Seed)
		s := newSheet(f.File)
		for _, t := range tables(f.File) {
			p.line("")
			p.line("## %s", t.caption)
			p.line("")
			g := t.grid
			for j, row := range g.Rows {
				for k := range row {
					row[k] = markdown(row[k])
				}
				p.line("| %s |", strings.Join(row, " | "))
				if j == 0 {
					p.line("|%s", strings.NewReplacer("l", "---|", "r", "---:|").Replace(g.Align))
				}
			}
		}
		p.line("")
		p.line("%s Times are medians, with what they may be off.", s.direction("column"))
		if s.timed {
			p.line("%s", tailText)
		}
		if words := marks(f.File); words != "" {
			p.line("%s", words)
		}
		for _, words := range f.File.Words {
			p.line("")
			p.line("%s", markdown(words))
		}
	}
	return p.err
}

// A captioned is a table and what it is called.
type captioned struct {
	caption string
	grid    *Grid
}

// tables lays out every number of a result.
func tables(f *result.File) []captioned {
	if ofClocks(f) {
		return newClockSheet(f).tables()
	}
	s := newSheet(f)
	var out []captioned
	for _, nodes := range s.nodes {
		out = append(out, captioned{group(float64(nodes)) + " nodes", s.full(nodes)})
	}
	return out
}

// tailText explains the columns of p99.
const tailText = "p99 is the time for each operation that 99 of 100 batches stay within, disturbed ones included; a batch is many operations, so single ones may take longer."

// full lays out every metric of one number of nodes.
func (s *sheet) full(nodes int) *Grid {
	g := &Grid{Align: "l"}
	head := []string{"placement"}
	type field struct {
		metric string
		tail   bool // the 99th percentile of batches
	}
	var fields []field
	for _, m := range s.metrics {
		lines := s.find(nodes, m)
		if len(lines) == 0 {
			continue
		}
		fields = append(fields, field{metric: m})
		title := m
		switch unit := lines[0].rows[m].Unit; unit {
		case "ns/op", "B", "ratio", "keys":
		default:
			title += " (" + unit + ")"
		}
		head = append(head, title)
		g.Align += "r"
		if slices.ContainsFunc(lines, func(l *line) bool { return l.rows[m].Timed() }) {
			fields = append(fields, field{metric: m, tail: true})
			head = append(head, m+" p99")
			g.Align += "r"
		}
	}
	g.Rows = append(g.Rows, head)
	for _, l := range s.lines[nodes] {
		row := []string{l.label}
		for _, f := range fields {
			cell := ""
			switch r := l.rows[f.metric]; {
			case r == nil:
			case f.tail && r.Timed():
				cell = Value(r.Batch.P99, r.Unit)
			case !f.tail:
				cell = Value(r.Value, r.Unit) + mark(r)
				if r.Timed() {
					cell += " +- " + plusMinus(r)
				}
			}
			row = append(row, cell)
		}
		g.Rows = append(g.Rows, row)
	}
	return g
}

// markdown takes the meaning off characters that Markdown or HTML would read.
func markdown(s string) string {
	return strings.NewReplacer("|", "\\|", "<", "&lt;", "*", "\\*", "_", "\\_", "\n", " ").Replace(s)
}

// writeBench writes the benchmark format of Go: a line for each sample of a
// time, one for every other number. Several files follow each other, told apart
// by the key "file".
func writeBench(w io.Writer, files []Named) error {
	p := &printer{w: w}
	units := map[string]bool{}
	for _, f := range files {
		m := f.File.Machine
		p.line("goos: %s", m.OS)
		p.line("goarch: %s", m.Arch)
		p.line("cpu: %s", m.CPU)
		name, text := subjectText(f.File)
		p.line("pkg: github.com/clusterluck/clusterluck/%s", measuredPackage(f.File))
		p.line("%s: %s", name, text)
		if len(files) > 1 {
			p.line("file: %s", f.Name) // in one file alone, it would keep benchstat from comparing two
		}
		for i := range f.File.Rows {
			r := &f.File.Rows[i]
			unit := benchUnit(r)
			if r.Exact && !units[unit] {
				if r.Better == result.NearOne || strings.HasPrefix(r.Metric, "moved-") {
					p.line("Unit %s assume=exact", unit) // benchstat knows no such direction
				} else {
					p.line("Unit %s better=%s assume=exact", unit, r.Better)
				}
				units[unit] = true
			}
		}
		for i := range f.File.Rows {
			r := &f.File.Rows[i]
			name := benchName(r)
			if !r.Timed() {
				p.line("%s 1 %s %s", name, strconv.FormatFloat(r.Value, 'g', -1, 64), benchUnit(r))
				continue
			}
			for _, sample := range r.Samples {
				p.line("%s %d %s %s", name, max(r.Batch.Count/len(r.Samples), 1), strconv.FormatFloat(sample, 'g', -1, 64), r.Unit)
			}
		}
	}
	return p.err
}

// measuredPackage names the package that a result measures.
func measuredPackage(f *result.File) string {
	if ofClocks(f) {
		return "vectorclock"
	}
	return "hashring"
}

// benchName names a row as a Go benchmark: its metric, then key=value.
func benchName(r *result.Row) string {
	var b strings.Builder
	b.WriteString("Benchmark")
	for part := range strings.SplitSeq(r.Metric, "-") {
		b.WriteString(strings.ToUpper(part[:1]) + part[1:])
	}
	for part := range strings.SplitSeq(r.Config(), " ") {
		if !strings.Contains(part, "=") {
			part = "algo=" + part
		}
		b.WriteString("/" + part)
	}
	return b.String()
}

// benchUnit returns the unit of a row without spaces, which end a unit.
func benchUnit(r *result.Row) string {
	switch r.Unit {
	case "B":
		return "B/op" // benchstat scales this one
	case "ratio":
		return r.Metric
	default:
		return strings.ReplaceAll(r.Unit, " ", "-")
	}
}

// A printer writes lines until one fails, and keeps that error.
type printer struct {
	w   io.Writer
	err error
}

func (p *printer) line(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format+"\n", args...)
	}
}
