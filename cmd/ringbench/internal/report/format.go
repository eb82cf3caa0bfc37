package report

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/result"
)

// Duration formats nanoseconds with three significant digits.
func Duration(ns float64) string {
	for _, u := range []struct {
		unit string
		size float64
	}{{"s", 1e9}, {"ms", 1e6}, {"us", 1e3}} {
		if ns >= u.size*0.9995 {
			return digits(ns/u.size) + " " + u.unit
		}
	}
	return digits(ns) + " ns"
}

// digits formats a number with three significant digits and no exponent.
func digits(v float64) string {
	switch a := math.Abs(v); {
	case a >= 99.95:
		return strconv.FormatFloat(v, 'f', 0, 64)
	case a >= 9.995:
		return strconv.FormatFloat(v, 'f', 1, 64)
	default:
		return strconv.FormatFloat(v, 'f', 2, 64)
	}
}

// Bytes formats a number of bytes.
func Bytes(v float64) string {
	for _, u := range []struct {
		unit string
		size float64
	}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}} {
		if v >= u.size {
			return digits(v/u.size) + " " + u.unit
		}
	}
	return strconv.FormatFloat(v, 'f', 0, 64) + " B"
}

// Value formats a number of a unit, with the unit where it is one of time or
// memory.
func Value(v float64, unit string) string {
	switch unit {
	case "ns/op":
		return Duration(v)
	case "B":
		return Bytes(v)
	case "keys", "allocs/op":
		return group(v)
	case "x mean", "x optimum":
		return strconv.FormatFloat(v, 'f', 2, 64)
	case "ratio":
		return strconv.FormatFloat(v, 'f', 3, 64)
	default:
		return digits(v)
	}
}

// group formats a whole number with a comma every three digits.
func group(v float64) string {
	s := strconv.FormatFloat(math.Round(v), 'f', 0, 64)
	start := 0
	if strings.HasPrefix(s, "-") {
		start = 1
	}
	for i := len(s) - 3; i > start; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// Percent formats a fraction.
func Percent(v float64) string {
	switch p := 100 * v; {
	case p != 0 && math.Abs(p) < 0.1:
		return "<0.1 %"
	case math.Abs(p) < 9.95:
		return strconv.FormatFloat(p, 'f', 1, 64) + " %"
	default:
		return strconv.FormatFloat(p, 'f', 0, 64) + " %"
	}
}

// Wrap breaks a text into lines of at most width columns.
func Wrap(text string, width int) string {
	if width < 40 {
		width = 100
	}
	var b strings.Builder
	used := 0
	for i, word := range strings.Fields(text) {
		n := utf8.RuneCountInString(word)
		switch {
		case i == 0:
		case used+1+n > width:
			b.WriteByte('\n')
			used = 0
		default:
			b.WriteByte(' ')
			used++
		}
		b.WriteString(word)
		used += n
	}
	return b.String()
}

// label names a configuration in few letters.
func label(r *result.Row) string {
	s := r.Algo
	if r.Points > 0 {
		s += " " + strconv.Itoa(r.Points)
	}
	if r.Probes > 1 {
		s += fmt.Sprintf(" x%d", r.Probes)
	}
	return s
}

// A sheet is a result as tables: one for each number of nodes, with a line for
// each configuration and a column for each metric.
type sheet struct {
	nodes   []int  // or entries
	sized   string // what nodes counts: nodes or entries
	metrics []string
	timed   bool // any row is a time
	lines   map[int][]*line
}

// A line is one configuration.
type line struct {
	label string
	rows  map[string]*result.Row // by metric
}

func newSheet(f *result.File) *sheet {
	s := &sheet{sized: "nodes", lines: make(map[int][]*line)}
	byConfig := make(map[string]*line)
	for i := range f.Rows {
		r := &f.Rows[i]
		if !slices.Contains(s.metrics, r.Metric) {
			s.metrics = append(s.metrics, r.Metric)
		}
		s.sized = r.Sized()
		if !slices.Contains(s.nodes, r.Size()) {
			s.nodes = append(s.nodes, r.Size())
		}
		l := byConfig[r.Config()]
		if l == nil {
			l = &line{label: label(r), rows: make(map[string]*result.Row)}
			byConfig[r.Config()] = l
			s.lines[r.Size()] = append(s.lines[r.Size()], l)
		}
		l.rows[r.Metric] = r
		s.timed = s.timed || r.Timed()
	}
	slices.Sort(s.nodes)
	return s
}

// find returns the lines of a number of nodes that have a metric.
func (s *sheet) find(nodes int, metric string) []*line {
	var out []*line
	for _, l := range s.lines[nodes] {
		if l.rows[metric] != nil {
			out = append(out, l)
		}
	}
	return out
}

// A needless is the needless moves of a line over all changes and trials.
type needless struct {
	sum    float64
	asked  float64 // keys that were looked at, times trials; 0 if the file does not say
	sample float64 // keys that were looked at in a trial
	trials float64 // of the change that had the most
}

// needless adds the needless moves of a line up, and reports whether any were
// counted. How many keys were looked at stands beside the keys moved.
func (l *line) needless() (n needless, ok bool) {
	for metric, r := range l.rows {
		kind, found := strings.CutPrefix(metric, "needless-")
		if !found {
			continue
		}
		n.sum, ok = n.sum+r.Value, true
		if moved := l.rows["moved-"+kind]; moved != nil {
			n.asked += moved.Detail["keys"] * moved.Detail["trials"]
			n.sample = max(n.sample, moved.Detail["keys"])
			n.trials = max(n.trials, moved.Detail["trials"])
		}
	}
	return n, ok
}

// share is the share of the keys that could have moved, behind a comma, "" if
// the file does not say.
func (n needless) share() string {
	if n.asked <= 0 {
		return ""
	}
	return ", " + Percent(n.sum/n.asked)
}
