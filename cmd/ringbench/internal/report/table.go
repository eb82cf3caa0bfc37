package report

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/result"
)

// A Grid is rows under aligned columns. Align has an l or an r for each column.
type Grid struct {
	Align string
	Rows  [][]string
}

// Add adds a row.
func (g *Grid) Add(cells ...string) { g.Rows = append(g.Rows, cells) }

// Write writes the rows with two spaces between columns.
func (g *Grid) Write(w io.Writer) error {
	widths := make([]int, len(g.Align))
	for _, row := range g.Rows {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	for _, row := range g.Rows {
		var b strings.Builder
		for i, cell := range row {
			if i > 0 {
				b.WriteString("  ")
			}
			pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			if g.Align[i] == 'r' {
				cell = pad + cell
			} else {
				cell += pad
			}
			b.WriteString(cell)
		}
		if _, err := fmt.Fprintln(w, strings.TrimRight(b.String(), " ")); err != nil {
			return err
		}
	}
	return nil
}

// table writes a result for a terminal.
func table(w io.Writer, f Named, style Style) error {
	if err := header(w, f); err != nil {
		return err
	}
	placed := placedTable
	if ofClocks(f.File) {
		placed = clockTable
	}
	if err := placed(w, f.File, style); err != nil {
		return err
	}
	for _, words := range f.File.Words {
		if _, err := fmt.Fprintf(w, "\n%s\n", Wrap(words, style.Width)); err != nil {
			return err
		}
	}
	return nil
}

// placedTable writes a result of placements: a table for each number of nodes.
func placedTable(w io.Writer, f *result.File, style Style) error {
	s := newSheet(f)
	missing := make(map[string]bool)
	for _, nodes := range s.nodes {
		if _, err := fmt.Fprintf(w, "\n%s\n", bold(fmt.Sprintf("%s nodes", group(float64(nodes))), style)); err != nil {
			return err
		}
		g, shown := s.grid(nodes, style.Width)
		for _, m := range s.metrics {
			missing[m] = missing[m] || len(s.find(nodes, m)) > 0 && !shown[m]
		}
		if err := g.Write(w); err != nil {
			return err
		}
	}
	if _, err := fmt.Fprintf(w, "\n%s\n", legend(s, f)); err != nil {
		return err
	}
	hidden := slices.DeleteFunc(slices.Clone(s.metrics), func(m string) bool { return !missing[m] })
	if len(hidden) > 0 {
		note := "Not shown: " + strings.Join(hidden, ", ") + "; --output md or ringbench report -o x.html has all."
		if _, err := fmt.Fprintln(w, Wrap(note, style.Width)); err != nil {
			return err
		}
	}
	return nil
}

func bold(s string, style Style) string {
	if !style.Color {
		return s
	}
	return "\x1b[1m" + s + "\x1b[0m"
}

// header says what was measured on what.
func header(w io.Writer, f Named) error {
	g := &Grid{Align: "ll"}
	if f.Name != "" {
		g.Add("result  ", f.Name)
	}
	name, text := subjectText(f.File)
	g.Add(fmt.Sprintf("%-8s", name), text)
	g.Add("machine ", machineText(f.File))
	return g.Write(w)
}

// subjectText says what was measured on, and what to call that.
func subjectText(f *result.File) (name, text string) {
	if c := f.Clocks; c != nil {
		return "clocks", fmt.Sprintf("actors are %ss, counts up to %s, times within %s hours (seed %d)",
			c.Actors, group(float64(c.CountMax)), strconv.FormatFloat(c.Span.Hours(), 'g', 4, 64), f.Machine.Seed)
	}
	return "keys", keysText(f)
}

func keysText(f *result.File) string {
	k := f.Keys
	name := k.Source
	if k.Format != "" && k.Format != "lines" {
		name += " (" + k.Format + ")"
	}
	s := fmt.Sprintf("%s: %s keys, %s distinct", name, group(float64(k.Count)), group(float64(k.Distinct)))
	if k.Skipped > 0 {
		s += fmt.Sprintf(", %s lines skipped", group(float64(k.Skipped)))
	}
	return s
}

func machineText(f *result.File) string {
	m := f.Machine
	s := fmt.Sprintf("%s, %d cores, %s/%s, %s", m.CPU, m.Cores, m.OS, m.Arch, m.Go)
	if m.LoadStart != nil && m.LoadEnd != nil {
		s += fmt.Sprintf(", load %.1f to %.1f", *m.LoadStart, *m.LoadEnd)
	}
	return s
}

const barWidth = 12

// grid lays out the configurations of one number of nodes. What does not fit
// the width is left to the other formats, last columns first. It returns the
// metrics that are in it.
func (s *sheet) grid(nodes, width int) (g *Grid, shown map[string]bool) {
	g, shown = &Grid{Align: "l"}, make(map[string]bool)
	lines := s.lines[nodes]
	cells := make([][]string, len(lines)+1)
	cells[0] = []string{"placement"}
	for i, l := range lines {
		cells[i+1] = []string{l.label}
	}
	used := widest(cells, 0)
	if width < 40 {
		width = 100
	}
	for _, c := range s.columns(nodes) {
		column := make([]string, len(lines)+1)
		column[0] = c.title
		wide := len(c.title)
		for i, l := range lines {
			column[i+1] = c.cell(l)
			wide = max(wide, utf8.RuneCountInString(column[i+1]))
		}
		if strings.Join(column[1:], "") == "" {
			continue
		}
		if used+2+wide > width {
			break
		}
		used += 2 + wide
		for _, m := range s.metrics {
			if m == c.metric || c.metric == allNeedless && strings.HasPrefix(m, allNeedless) {
				shown[m] = true
			}
		}
		g.Align += c.align
		for i := range cells {
			cells[i] = append(cells[i], column[i])
		}
	}
	g.Rows = cells
	return g, shown
}

func widest(rows [][]string, column int) int {
	wide := 0
	for _, row := range rows {
		wide = max(wide, utf8.RuneCountInString(row[column]))
	}
	return wide
}

// A column is one column of the table of a terminal.
type column struct {
	title  string
	align  string
	metric string // what it shows; "" for an addition to another column
	cell   func(l *line) string
}

// allNeedless begins the metrics that one column adds up.
const allNeedless = "needless-"

// columns returns the columns in order of importance.
func (s *sheet) columns(nodes int) []column {
	value := func(metric string) func(l *line) string {
		return func(l *line) string {
			r := l.rows[metric]
			if r == nil {
				return ""
			}
			return Value(r.Value, r.Unit) + mark(r)
		}
	}
	cols := []column{
		{"lookup", "r", "lookup", value("lookup")},
		{"+-", "r", "", func(l *line) string { return plusMinus(l.rows["lookup"]) }},
		{"", "l", "", s.bars(nodes, "lookup")},
		{"peak", "r", "peak", value("peak")},
		{"cv", "r", "cv", value("cv")},
		{"moved", "r", "moved-add", value("moved-add")},
		{"needless", "r", allNeedless, func(l *line) string {
			if n, ok := l.needless(); ok {
				return group(n.sum)
			}
			return ""
		}},
	}
	if top := s.top(); top != "" {
		cols = append(cols, column{top, "r", top, value(top)})
	}
	return append(cols,
		column{"memory", "r", "bytes", value("bytes")},
		column{"build", "r", "build", value("build")},
		column{"add", "r", "add", value("add")},
		column{"remove", "r", "remove", value("remove")},
		column{"faults", "r", "replica-faults", value("replica-faults")},
		column{"allocs", "r", "lookup-allocs", value("lookup-allocs")},
	)
}

// top returns the metric of preference lists, "" if there is none.
func (s *sheet) top() string {
	i := slices.IndexFunc(s.metrics, func(m string) bool {
		return strings.HasPrefix(m, "top") && !strings.HasSuffix(m, "-allocs")
	})
	if i < 0 {
		return ""
	}
	return s.metrics[i]
}

// mark marks a time that says little: "?" if it was measured on a busy machine
// only, "!" if it is of too few samples.
func mark(r *result.Row) string {
	switch {
	case r.Few:
		return "!"
	case r.Busy:
		return "?"
	}
	return ""
}

// marks explains the marks of a result, "" if there are none.
func marks(f *result.File) string {
	has := func(mine string) bool {
		return slices.ContainsFunc(f.Rows, func(r result.Row) bool { return mark(&r) == mine })
	}
	var parts []string
	if has("?") {
		parts = append(parts, "A question mark means that the machine was too busy to tell.")
	}
	if has("!") {
		parts = append(parts, "An exclamation mark means fewer than three samples, from which nothing can be told: use a larger --count.")
	}
	return strings.Join(parts, " ")
}

// direction says which numbers are better.
func (s *sheet) direction(where string) string {
	if slices.ContainsFunc(s.metrics, func(m string) bool { return strings.HasPrefix(m, "moved-") }) {
		return "Less is better in every " + where + " but those of keys moved: there 1.00 is perfect."
	}
	return "Less is better in every " + where + "."
}

// plusMinus is what a time may be off.
func plusMinus(r *result.Row) string {
	if r == nil || r.Value == 0 {
		return ""
	}
	return Percent(off(r))
}

// off is half the confidence interval, or what the same code differs from itself
// by if that is more. It is 0 for what is no time.
func off(r *result.Row) float64 {
	if r.Value == 0 {
		return 0
	}
	return max((r.High-r.Low)/2/r.Value, r.Spread.Max())
}

// bars draws a metric as bars from the fewest to the most, by logarithm if the
// most is over twenty times the fewest.
func (s *sheet) bars(nodes int, metric string) func(l *line) string {
	var rows []*result.Row
	for _, l := range s.find(nodes, metric) {
		rows = append(rows, l.rows[metric])
	}
	bar := barsOf(rows)
	return func(l *line) string { return bar(l.rows[metric]) }
}

// barsOf draws the rows of one number, or nothing for another.
func barsOf(rows []*result.Row) func(r *result.Row) string {
	most, fewest := 0.0, math.Inf(1)
	for _, r := range rows {
		most, fewest = max(most, r.Value), min(fewest, r.Value)
	}
	return func(r *result.Row) string {
		if r == nil || !slices.Contains(rows, r) || most <= 0 || fewest <= 0 {
			return ""
		}
		part := r.Value / most
		if most > 20*fewest {
			part = (1 + math.Log(r.Value/fewest)) / (1 + math.Log(most/fewest))
		}
		return strings.Repeat("#", max(1, int(math.Round(part*barWidth))))
	}
}

// legend explains the columns that are there.
func legend(s *sheet, f *result.File) string {
	text := map[string]string{
		"lookup":       "lookup: median time of a lookup, with what it may be off (+-); bars grow by logarithm if times differ over 20 times.",
		"peak":         "peak: load of the fullest node over its fair share. cv: deviation of load over the mean.",
		"moved-add":    "moved: keys moved when a node joins, over its fair share; 1.00 is perfect.",
		"needless-add": "needless: keys moved without need, summed over all trials.",
	}
	out := placements(f)
	for _, m := range s.metrics {
		if text[m] != "" {
			out = append(out, text[m])
		}
	}
	if words := marks(f); words != "" {
		out = append(out, words)
	}
	out = append(out, s.direction("column"))
	return strings.Join(out, "\n")
}

// placements explains the numbers behind the names of placements, if there are
// any.
func placements(f *result.File) []string {
	has := func(is func(r result.Row) bool) bool { return slices.ContainsFunc(f.Rows, is) }
	if !has(func(r result.Row) bool { return r.Points > 0 }) {
		return nil
	}
	if has(func(r result.Row) bool { return r.Probes > 1 }) {
		return []string{"placement: with points per unit of weight; x2: 2 probes of a lookup."}
	}
	return []string{"placement: with points per unit of weight."}
}
