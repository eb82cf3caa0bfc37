package report

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/result"
)

// ofClocks reports whether a result is of clocks. A result is of one kind.
func ofClocks(f *result.File) bool { return len(f.Rows) > 0 && f.Rows[0].Entries > 0 }

// operation names the operation of a row of clocks: "encode".
func operation(r *result.Row) string {
	name := strings.TrimPrefix(strings.TrimSuffix(r.Metric, allocsOf), "clock-")
	if name == "bytes" {
		return "bytes an entry"
	}
	return name
}

// allocsOf ends the metrics that count allocations.
const allocsOf = "-allocs"

// A clockSheet is a result of clocks as a table: a line for each operation and a
// column for each number of entries.
type clockSheet struct {
	sizes []int
	lines []*clockLine
}

// A clockLine is one operation, or another number.
type clockLine struct {
	name   string
	timed  bool
	rows   map[int]*result.Row // by entries
	allocs map[int]*result.Row
}

func newClockSheet(f *result.File) *clockSheet {
	s := &clockSheet{}
	several := slices.ContainsFunc(f.Rows, func(r result.Row) bool { return label(&r) != label(&f.Rows[0]) })
	for i := range f.Rows {
		r := &f.Rows[i]
		if !slices.Contains(s.sizes, r.Entries) {
			s.sizes = append(s.sizes, r.Entries)
		}
		name := operation(r)
		if several {
			name = label(r) + " " + name
		}
		l := s.line(name)
		if strings.HasSuffix(r.Metric, allocsOf) {
			l.allocs[r.Entries] = r
			continue
		}
		l.rows[r.Entries] = r
		l.timed = l.timed || r.Timed()
	}
	slices.Sort(s.sizes)
	// Numbers that are no times come last.
	slices.SortStableFunc(s.lines, func(a, b *clockLine) int { return rank(a) - rank(b) })
	return s
}

func rank(l *clockLine) int {
	if l.timed || len(l.rows) == 0 {
		return 0
	}
	return 1
}

// line returns the line of a name, which it makes if there is none.
func (s *clockSheet) line(name string) *clockLine {
	if l := s.find(name); l != nil {
		return l
	}
	l := &clockLine{name: name, rows: make(map[int]*result.Row), allocs: make(map[int]*result.Row)}
	s.lines = append(s.lines, l)
	return l
}

func (s *clockSheet) find(name string) *clockLine {
	i := slices.IndexFunc(s.lines, func(l *clockLine) bool { return l.name == name })
	if i < 0 {
		return nil
	}
	return s.lines[i]
}

// clockTable writes a result of clocks for a terminal: as many columns beside each
// other as fit, and the others below.
func clockTable(w io.Writer, f *result.File, style Style) error {
	s := newClockSheet(f)
	for _, g := range s.grids(style.Width) {
		if _, err := fmt.Fprintf(w, "\n%s\n", bold("by the number of entries of a clock", style)); err != nil {
			return err
		}
		if err := g.Write(w); err != nil {
			return err
		}
	}
	legend := []string{
		"Times are medians. +-: what the least certain of a line may be off. allocs: allocations of one operation.",
		"Bars are of the most entries, and grow by logarithm if times differ over 20 times.",
		"ringbench list metrics says what each operation is.",
		"Less is better in every column.",
	}
	if words := marks(f); words != "" {
		legend = append(legend, words)
	}
	for i := range legend {
		legend[i] = Wrap(legend[i], style.Width)
	}
	_, err := fmt.Fprintf(w, "\n%s\n", strings.Join(legend, "\n"))
	return err
}

// grids lays the lines out within a width.
func (s *clockSheet) grids(width int) []*Grid {
	if width < 40 {
		width = 100
	}
	names := []string{"operation"}
	for _, l := range s.lines {
		names = append(names, l.name)
	}
	var all []*Grid
	var g *Grid
	used := 0
	for _, c := range s.columns() {
		wide := 0
		for _, text := range c.cells {
			wide = max(wide, utf8.RuneCountInString(text))
		}
		if strings.Join(c.cells[1:], "") == "" || c.optional && used+2+wide > width {
			continue
		}
		if g == nil || used+2+wide > width {
			g = &Grid{Align: "l"}
			all = append(all, g)
			used = 0
			for _, name := range names {
				g.Add(name)
				used = max(used, utf8.RuneCountInString(name))
			}
		}
		used += 2 + wide
		g.Align += c.align
		for i := range g.Rows {
			g.Rows[i] = append(g.Rows[i], c.cells[i])
		}
	}
	return all
}

// A clockColumn is a column of the table of a terminal, its title first.
type clockColumn struct {
	align    string
	cells    []string
	optional bool // left out where there is no room
}

func (s *clockSheet) columns() []clockColumn {
	var cols []clockColumn
	add := func(align, title string, optional bool, cell func(l *clockLine) string) {
		c := clockColumn{align, []string{title}, optional}
		for _, l := range s.lines {
			c.cells = append(c.cells, cell(l))
		}
		cols = append(cols, c)
	}
	for _, n := range s.sizes {
		add("r", sizeText(n), false, func(l *clockLine) string {
			if r := l.rows[n]; r != nil {
				return Value(r.Value, r.Unit) + mark(r)
			}
			return ""
		})
	}
	add("r", "+-", false, func(l *clockLine) string {
		most := 0.0
		for _, r := range l.rows {
			most = max(most, off(r))
		}
		if most == 0 {
			return ""
		}
		return Percent(most)
	})
	last := s.sizes[len(s.sizes)-1]
	var times []*result.Row
	for _, l := range s.lines {
		if r := l.rows[last]; r != nil && r.Timed() {
			times = append(times, r)
		}
	}
	bar := barsOf(times)
	add("r", "allocs", false, (*clockLine).allocations)
	add("l", "", true, func(l *clockLine) string { return bar(l.rows[last]) })
	return cols
}

func sizeText(n int) string {
	if n == 1 {
		return "1 entry"
	}
	return group(float64(n)) + " entries"
}

// allocations returns the allocations of an operation: "1", or "1 to 2" if they
// differ with the entries.
func (l *clockLine) allocations() string {
	var counts []float64
	for _, r := range l.allocs {
		counts = append(counts, r.Value)
	}
	if len(counts) == 0 {
		return ""
	}
	least, most := slices.Min(counts), slices.Max(counts)
	if least == most {
		return group(least)
	}
	return group(least) + " to " + group(most)
}

// tables lays out every number of the clocks.
func (s *clockSheet) tables() []captioned {
	var out []captioned
	add := func(caption, what string, tails bool, rowsOf func(l *clockLine) map[int]*result.Row) {
		g := &Grid{Align: "l", Rows: [][]string{{what}}}
		for _, n := range s.sizes {
			g.Align += "r"
			g.Rows[0] = append(g.Rows[0], sizeText(n))
			if tails {
				g.Align += "r"
				g.Rows[0] = append(g.Rows[0], group(float64(n))+" p99")
			}
		}
		for _, l := range s.lines {
			rows := rowsOf(l)
			if len(rows) == 0 {
				continue
			}
			cells := []string{l.name}
			for _, n := range s.sizes {
				value, tail := cellsOf(rows[n])
				cells = append(cells, value)
				if tails {
					cells = append(cells, tail)
				}
			}
			g.Add(cells...)
		}
		if len(g.Rows) > 1 {
			out = append(out, captioned{caption, g})
		}
	}
	add("Time of an operation", "operation", true, func(l *clockLine) map[int]*result.Row {
		if l.timed {
			return l.rows
		}
		return nil
	})
	add("Allocations of an operation", "operation", false, func(l *clockLine) map[int]*result.Row { return l.allocs })
	add("Other numbers", "number", false, func(l *clockLine) map[int]*result.Row {
		if !l.timed {
			return l.rows
		}
		return nil
	})
	return out
}

// cellsOf returns the number of a row with what it may be off, and the 99th
// percentile of its batches.
func cellsOf(r *result.Row) (value, tail string) {
	if r == nil {
		return "", ""
	}
	value = Value(r.Value, r.Unit) + mark(r)
	if r.Timed() {
		value += " +- " + plusMinus(r)
		tail = Value(r.Batch.P99, r.Unit)
	}
	return value, tail
}

// clockCharts returns the plots of a result of clocks.
func clockCharts(f *result.File) []chart {
	s := newClockSheet(f)
	var out []chart
	for _, group := range []struct {
		title, means string
		names        []string
	}{
		{"Increment and compare", "time of an operation that makes no clock", []string{"increment", "compare-equal", "compare-ahead", "compare-concurrent"}},
		{"Merge and clone", "time of an operation; merge-others and clone-write make a clock", []string{"merge-nothing", "merge-others", "clone", "clone-write"}},
		{"Encode and decode", "time of an operation", []string{"encode", "decode"}},
		{"Bytes an entry", "length of the encoding over the number of entries", []string{"bytes an entry"}},
	} {
		c := chart{title: group.title, means: group.means, nodes: s.sizes, sized: "entries", thing: "operation"}
		for _, l := range s.lines {
			at := slices.IndexFunc(group.names, func(name string) bool { return l.name == name || strings.HasSuffix(l.name, " "+name) })
			if at < 0 || len(l.rows) == 0 {
				continue
			}
			one := series{label: l.name}
			for _, n := range s.sizes {
				if r := l.rows[n]; r != nil {
					one.points = append(one.points, newDot(r))
					c.unit = r.Unit
				}
			}
			c.series = append(c.series, one)
		}
		if len(c.series) > 0 {
			out = append(out, c)
		}
	}
	return out
}
