package report

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

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
	nodes   []int
	metrics []string
	lines   map[int][]*line
}

// A line is one configuration.
type line struct {
	label string
	rows  map[string]*result.Row // by metric
}

func newSheet(f *result.File) *sheet {
	s := &sheet{lines: make(map[int][]*line)}
	byConfig := make(map[string]*line)
	for i := range f.Rows {
		r := &f.Rows[i]
		if !slices.Contains(s.metrics, r.Metric) {
			s.metrics = append(s.metrics, r.Metric)
		}
		if !slices.Contains(s.nodes, r.Nodes) {
			s.nodes = append(s.nodes, r.Nodes)
		}
		l := byConfig[r.Config()]
		if l == nil {
			l = &line{label: label(r), rows: make(map[string]*result.Row)}
			byConfig[r.Config()] = l
			s.lines[r.Nodes] = append(s.lines[r.Nodes], l)
		}
		l.rows[r.Metric] = r
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

// needless returns the needless moves of a line over all changes, and whether
// any were counted.
func (l *line) needless() (sum float64, ok bool) {
	for metric, r := range l.rows {
		if strings.HasPrefix(metric, "needless-") {
			sum, ok = sum+r.Value, true
		}
	}
	return sum, ok
}
