package report

import (
	"math"
	"slices"
	"strings"

	gochart "github.com/wcharczuk/go-chart/v2"
)

// An axis is what go-chart calls a range: it says where values are, and which have
// ticks. The logarithmic range of go-chart begins at 1 and is of no use here.
type axis struct {
	gochart.ContinuousRange // of the logarithms of values if log
	log                     bool
	across                  bool // labels stand side by side
	ticks                   []gochart.Tick
}

// part returns where on the axis a value is: 0 at its begin, 1 at its end.
func (a *axis) part(value float64) float64 {
	if a.log {
		value = math.Log10(value)
	}
	return (value - a.Min) / (a.Max - a.Min)
}

// Translate returns how many pixels a value is from the begin of the axis.
func (a *axis) Translate(value float64) int {
	return int(math.Round(a.part(value) * float64(a.Domain)))
}

// GetTicks returns the ticks. Those whose labels would touch that of the tick
// before have none.
func (a *axis) GetTicks(r gochart.Renderer, _ gochart.Style, _ gochart.ValueFormatter) []gochart.Tick {
	if !a.across {
		return a.ticks
	}
	const between = 6
	ticks := slices.Clone(a.ticks)
	end := math.MinInt
	for i := range ticks {
		at, half := a.Translate(ticks[i].Value), (r.MeasureText(ticks[i].Label).Width()+1)/2
		if at-half < end {
			ticks[i].Label = ""
			continue
		}
		end = at + half + between
	}
	return ticks
}

// grid returns a line for every tick but one at the begin, where the other axis is.
func (a *axis) grid() []gochart.GridLine {
	var lines []gochart.GridLine
	for _, t := range a.ticks {
		if a.part(t.Value) > 1e-9 {
			lines = append(lines, gochart.GridLine{Value: t.Value})
		}
	}
	return lines
}

// sizes returns the axis of numbers of nodes or entries.
func (c *chart) sizes() *axis {
	a := &axis{log: true, across: true}
	a.Min = math.Log10(float64(slices.Min(c.nodes)) / 1.15)
	a.Max = math.Log10(float64(slices.Max(c.nodes)) * 1.15)
	for _, n := range c.nodes {
		a.ticks = append(a.ticks, gochart.Tick{Value: float64(n), Label: group(float64(n))})
	}
	return a
}

// names returns the axis of the names of series, the first on top.
func (c *chart) names(name func(string) string) *axis {
	a := &axis{}
	a.Min, a.Max = -0.6, float64(len(c.series))-0.4
	for i, s := range c.series {
		a.ticks = append(a.ticks, gochart.Tick{Value: float64(len(c.series) - 1 - i), Label: name(s.label)})
	}
	return a
}

// values returns the axis of values, of which one at least is above 0. That of
// bars begins at 0 unless it is logarithmic: their lengths are compared.
func (c *chart) values(bars bool) *axis {
	low, high := c.span()
	a := &axis{log: c.logarithmic(), across: bars}
	if a.log {
		low, high = low/1.3, high*1.3
		a.Min, a.Max = math.Log10(low), math.Log10(high)
		a.ticks = valueTicks{unit: c.unit, log: true}.ticks(low, high)
		return a
	}
	a.Max = high * 1.08
	if c.unit == "x mean" || c.unit == "x optimum" {
		a.Min = min(low, 1) - 0.02
		a.Max = max(high, 1) + 0.05*(high-a.Min)
	}
	if bars {
		a.Min = 0
	}
	a.ticks = valueTicks{unit: c.unit}.ticks(a.Min, a.Max)
	return a
}

// valueTicks labels an axis with values and their units.
type valueTicks struct {
	unit string
	log  bool
}

// ticks returns about five labelled ticks between two values.
func (v valueTicks) ticks(low, high float64) []gochart.Tick {
	var at []float64
	switch {
	case v.log && v.unit == "B":
		at = powerTicks(low, high)
	case v.log:
		at = logTicks(low, high)
	default:
		at = evenTicks(low, high)
	}
	ticks := make([]gochart.Tick, len(at))
	for i, value := range at {
		ticks[i] = gochart.Tick{Value: value, Label: v.label(value)}
	}
	return ticks
}

// label formats a tick without digits that say nothing.
func (v valueTicks) label(value float64) string {
	s := Value(value, v.unit)
	number, unit, _ := strings.Cut(s, " ")
	if strings.Contains(number, ".") {
		number = strings.TrimRight(strings.TrimRight(number, "0"), ".")
	}
	return strings.TrimSpace(number + " " + unit)
}

// logTicks returns 1, 2 and 5 times powers of ten, or the powers alone if those
// are many.
func logTicks(low, high float64) []float64 {
	steps := []float64{1, 2, 5}
	if high > low*1000 {
		steps = []float64{1}
	}
	var out []float64
	for power := math.Floor(math.Log10(low)); power <= math.Ceil(math.Log10(high)); power++ {
		for _, step := range steps {
			if v := step * math.Pow(10, power); v >= low && v <= high {
				out = append(out, v)
			}
		}
	}
	return out
}

// powerTicks returns powers of two that are round in bytes, KiB and MiB.
func powerTicks(low, high float64) []float64 {
	step := 4.0
	for math.Pow(step, 7) < high/low {
		step *= 4
	}
	var out []float64
	for v := 1.0; v <= high; v *= step {
		if v >= low {
			out = append(out, v)
		}
	}
	return out
}

// evenTicks returns about five round values.
func evenTicks(low, high float64) []float64 {
	rough := (high - low) / 5
	unit := math.Pow(10, math.Floor(math.Log10(rough)))
	step := unit * 10
	for _, s := range []float64{1, 2, 5} {
		if s*unit >= rough {
			step = s * unit
			break
		}
	}
	var out []float64
	for v := math.Ceil(low/step) * step; v <= high+step/1e6; v += step {
		out = append(out, v)
	}
	return slices.Clip(out)
}
