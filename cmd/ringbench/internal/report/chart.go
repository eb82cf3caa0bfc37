package report

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/measure"
	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/result"
)

// A chart is one metric of one result, as a plot shows it.
type chart struct {
	metric string
	title  string
	means  string
	unit   string
	nodes  []int  // or entries
	sized  string // what nodes counts: nodes or entries
	thing  string // what a series is of
	series []series
}

// A series is one configuration over numbers of nodes.
type series struct {
	label  string
	points []dot
}

// A dot is one number with what it may be off.
type dot struct {
	nodes            int
	value, low, high float64
	row              *result.Row
}

// chartTitles are the metrics that are plotted, in order.
func chartTitles(s *sheet) [][2]string {
	titles := [][2]string{{"lookup", "Lookup"}}
	if top := s.top(); top != "" {
		titles = append(titles, [2]string{top, "First " + strings.TrimPrefix(top, "top") + " nodes of a key"})
	}
	return append(titles,
		[2]string{"peak", "Fullest node"},
		[2]string{"moved-add", "Keys moved when a node joins"},
		[2]string{"bytes", "Memory"},
		[2]string{"build", "Build"},
		[2]string{"add", "Add a node"},
		[2]string{"remove", "Remove a node"},
	)
}

// charts returns the plots of a result.
func charts(f *result.File) []chart {
	if ofClocks(f) {
		return clockCharts(f)
	}
	s := newSheet(f)
	var out []chart
	for _, t := range chartTitles(s) {
		if c := s.chart(t[0], t[1]); c != nil {
			out = append(out, *c)
		}
	}
	return out
}

// chart returns the plot of a metric, nil if no row has it.
func (s *sheet) chart(metric, title string) *chart {
	c := &chart{metric: metric, title: title, means: means(metric), sized: s.sized, thing: "placement"}
	if s.sized == "entries" {
		c.thing = "clock"
	}
	index := make(map[string]int)
	for _, nodes := range s.nodes {
		for _, l := range s.find(nodes, metric) {
			r := l.rows[metric]
			c.unit = r.Unit
			if !slices.Contains(c.nodes, nodes) {
				c.nodes = append(c.nodes, nodes)
			}
			i, ok := index[l.label]
			if !ok {
				i = len(c.series)
				index[l.label] = i
				c.series = append(c.series, series{label: l.label})
			}
			c.series[i].points = append(c.series[i].points, newDot(r))
		}
	}
	if len(c.series) == 0 {
		return nil
	}
	return c
}

func newDot(r *result.Row) dot {
	d := dot{nodes: r.Size(), value: r.Value, low: r.Value, high: r.Value, row: r}
	if r.Timed() {
		d.low, d.high = r.Low, r.High
	}
	return d
}

// drawable reports whether a plot of c would show anything.
func (c *chart) drawable() bool {
	for _, s := range c.series {
		for _, d := range s.points {
			if d.value > 0 {
				return true
			}
		}
	}
	return false
}

// logarithmic reports whether the values span so much that a plot must show
// them by logarithm.
func (c *chart) logarithmic() bool {
	low, high := c.span()
	return low > 0 && high > 10*low
}

// span returns the smallest and the largest value of what is drawn.
func (c *chart) span() (low, high float64) {
	low, high = math.Inf(1), 0
	for _, s := range c.series {
		for _, d := range s.points {
			low, high = min(low, d.low), max(high, d.high)
		}
	}
	return low, high
}

// describe says in one sentence what a plot shows, for those who cannot see it.
func (c *chart) describe() string {
	nodes := c.nodes[len(c.nodes)-1]
	var best, worst *dot
	var bestLabel, worstLabel string
	for _, s := range c.series {
		for i := range s.points {
			d := &s.points[i]
			if d.nodes != nodes {
				continue
			}
			if best == nil || d.value < best.value {
				best, bestLabel = d, s.label
			}
			if worst == nil || d.value > worst.value {
				worst, worstLabel = d, s.label
			}
		}
	}
	what := fmt.Sprintf("%s for %d %ss at %s %s", c.title, len(c.series), c.thing, joinCounts(c.nodes), c.sized)
	if best == nil {
		return what + "."
	}
	return fmt.Sprintf("%s. At %s %s the least is %s (%s) and the most %s (%s).", what, group(float64(nodes)), c.sized,
		Value(best.value, c.unit), bestLabel, Value(worst.value, c.unit), worstLabel)
}

func joinCounts(nodes []int) string {
	parts := make([]string, len(nodes))
	for i, n := range nodes {
		parts[i] = group(float64(n))
	}
	return strings.Join(parts, ", ")
}

// means returns what a metric means.
func means(metric string) string {
	m, _ := measure.Describe(metric)
	return m.Means
}
