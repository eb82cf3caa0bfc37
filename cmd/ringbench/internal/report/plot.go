package report

import (
	"fmt"
	"image/color"
	"io"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgsvg"
)

// ink is the colour of text and axes. A page replaces it by its own.
var ink = color.RGBA{0x01, 0x02, 0x03, 0xff}

// faint is the colour of the grid. A page replaces it by its own.
var faint = color.RGBA{0xd0, 0xd1, 0xd2, 0xff}

// hues tell series apart, together with the shapes of dots. They are those
// of Okabe and Ito, which people with any colour vision can tell apart, darkened
// or lightened until they stand out from white and from black.
func hues() []color.RGBA {
	return []color.RGBA{
		{0x00, 0x72, 0xb2, 0xff}, {0xd5, 0x5e, 0x00, 0xff}, {0x00, 0x9e, 0x73, 0xff}, {0xcc, 0x79, 0xa7, 0xff},
		{0xb3, 0x86, 0x00, 0xff}, {0x3a, 0x9b, 0xdc, 0xff}, {0x8c, 0x6b, 0xd1, 0xff}, {0x80, 0x80, 0x80, 0xff},
	}
}

func hue(i int) color.RGBA { return hues()[i%len(hues())] }

// shape returns which of n shapes a series has: those that share a hue differ in
// shape.
func shape(i, n int) int { return (i + i/len(hues())) % n }

// dots is the shape of the dots of a series.
func dots(i int) draw.GlyphDrawer {
	shapes := []draw.GlyphDrawer{
		draw.CircleGlyph{}, draw.BoxGlyph{}, draw.PyramidGlyph{}, draw.RingGlyph{},
		draw.SquareGlyph{}, draw.TriangleGlyph{}, draw.CrossGlyph{}, draw.PlusGlyph{},
	}
	return shapes[shape(i, len(shapes))]
}

// WritePlot writes the plot of a metric as svg or png, one under the other if
// several files have it.
func WritePlot(w io.Writer, format, metric string, files []Named) error {
	var all []*chart
	for _, f := range files {
		s := newSheet(f.File)
		title := metric
		for _, t := range chartTitles(s) {
			if t[0] == metric {
				title = t[1]
			}
		}
		c := s.chart(metric, title)
		if c == nil || !c.drawable() {
			continue
		}
		if len(files) > 1 {
			c.title += " (" + f.Name + ")"
		}
		all = append(all, c)
	}
	const width, height, margin = 680, 400, 12
	var canvas vg.CanvasWriterTo
	total := vg.Length(height * len(all))
	if format == "png" {
		canvas = vgimg.PngCanvas{Canvas: vgimg.NewWith(vgimg.UseWH(width, total), vgimg.UseDPI(144))}
	} else {
		canvas = vgsvg.New(width, total)
	}
	whole := draw.NewCanvas(canvas, width, total)
	whole.FillPolygon(color.White, []vg.Point{whole.Min, {X: whole.Max.X, Y: whole.Min.Y}, whole.Max, {X: whole.Min.X, Y: whole.Max.Y}})
	for i, c := range all {
		top := vg.Length(height * i)
		part := draw.Crop(whole, margin, -margin, total-top-height+margin, -top-margin)
		if err := c.draw(part, 11, true); err != nil {
			return err
		}
	}
	_, err := canvas.WriteTo(w)
	return err
}

// svg returns the plot as an element of a page, in colours that the page
// decides, at a size at which its text is as large as the text of the page.
func (c *chart) svg(width, height vg.Length) (string, error) {
	canvas := vgsvg.New(width, height)
	// The page shows texts at 12 pixels: the room that is left is for fonts that
	// are wider than the one that the plot was laid out with.
	if err := c.draw(draw.NewCanvas(canvas, width, height), 13.5, false); err != nil {
		return "", err
	}
	var b strings.Builder
	if _, err := canvas.WriteTo(&b); err != nil {
		return "", err
	}
	s := b.String()
	start, end := strings.Index(s, "<svg"), strings.Index(s, ">\n<g")
	if start < 0 || end < start {
		return "", fmt.Errorf("plot of %s: the drawing is not as expected", c.metric)
	}
	body := s[end+2:]
	replace := []string{hex(ink), "currentColor", hex(faint), "var(--grid)"}
	for i, h := range hues() {
		replace = append(replace, hex(h), fmt.Sprintf("var(--c%d)", i))
	}
	body = strings.NewReplacer(replace...).Replace(body)
	return fmt.Sprintf("<svg viewBox=\"0 0 %d %d\" aria-hidden=\"true\" focusable=\"false\">\n%s", int(width), int(height), body), nil
}

func hex(c color.RGBA) string { return fmt.Sprintf("#%02X%02X%02X", c.R, c.G, c.B) }

// draw draws the chart: a line for each series, or bars if there is one number
// of nodes.
func (c *chart) draw(canvas draw.Canvas, size font.Length, legend bool) error {
	p := plot.New()
	p.BackgroundColor = nil
	for _, style := range []*draw.TextStyle{
		&p.Title.TextStyle, &p.X.Label.TextStyle, &p.Y.Label.TextStyle, &p.X.Tick.Label, &p.Y.Tick.Label, &p.Legend.TextStyle,
	} {
		style.Color = ink
		style.Font = font.From(font.Font{Typeface: "Liberation", Variant: "Sans"}, size)
	}
	for _, axis := range []*plot.Axis{&p.X, &p.Y} {
		axis.LineStyle.Color, axis.Tick.LineStyle.Color = ink, ink
		axis.LineStyle.Width, axis.Tick.LineStyle.Width = 0.75, 0.75
	}
	if legend {
		p.Title.Text = c.title
		p.Title.Padding = size
	}
	if len(c.nodes) == 1 {
		if err := c.bars(p); err != nil {
			return err
		}
		p.Draw(canvas)
		return nil
	}
	if err := c.lines(p); err != nil {
		return err
	}
	key := p.Legend
	p.Legend = plot.NewLegend() // drawn inside, it would cover lines
	if !legend {
		p.Draw(canvas)
		return nil
	}
	const side = 130
	p.Draw(draw.Crop(canvas, 0, -side, 0, 0))
	key.Top, key.Left = true, true
	key.Padding = size / 3
	key.Draw(draw.Crop(canvas, canvas.Max.X-canvas.Min.X-side+8, 0, 0, -3*size))
	return nil
}

// lines draws the values over the number of nodes or entries.
func (c *chart) lines(p *plot.Plot) error {
	p.X.Label.Text = c.sized
	p.X.Scale = plot.LogScale{}
	p.X.Tick.Marker = plot.ConstantTicks(nodeTicks(c.nodes))
	p.X.Min, p.X.Max = float64(c.nodes[0])/1.15, float64(c.nodes[len(c.nodes)-1])*1.15
	c.scale(&p.Y)
	grid := plotter.NewGrid()
	grid.Horizontal.Color, grid.Vertical.Color = faint, faint
	grid.Horizontal.Width, grid.Vertical.Width = 0.5, 0.5
	p.Add(grid)
	low, high := p.Y.Min, p.Y.Max
	for i, s := range c.series {
		pts := newErrorPoints(s)
		line, points, err := plotter.NewLinePoints(pts.XYs)
		if err != nil {
			return err
		}
		line.Color, line.Width = hue(i), 1.5
		if i >= len(hues()) {
			line.Dashes = []vg.Length{5, 3}
		}
		points.Shape, points.Color, points.Radius = dots(i), hue(i), 3.5
		bars, err := plotter.NewYErrorBars(pts)
		if err != nil {
			return err
		}
		bars.Color, bars.Width = hue(i), 1
		p.Add(line, bars, points)
		p.Legend.Add(s.label, line, points)
	}
	p.Y.Min, p.Y.Max = low, high // the plotters stretched them
	return nil
}

// errorPoints is the data of a series for the plotter.
type errorPoints struct {
	plotter.XYs
	plotter.YErrors
}

func newErrorPoints(s series) errorPoints {
	var pts errorPoints
	for _, d := range s.points {
		pts.XYs = append(pts.XYs, plotter.XY{X: float64(d.nodes), Y: d.value})
		low, high := d.off()
		pts.YErrors = append(pts.YErrors, struct{ Low, High float64 }{low, high})
	}
	return pts
}

// off returns what a number may be off to either side. The plotter takes the one
// from the other again: near the whole value, 0 would be left by rounding, which
// has no logarithm.
func (d dot) off() (low, high float64) {
	const most = 1 - 1e-9
	return min(d.value-d.low, most*d.value), d.high - d.value
}

// scale sets the range and the ticks of the axis of values.
func (c *chart) scale(axis *plot.Axis) {
	low, high := c.span()
	axis.Tick.Marker = valueTicks{unit: c.unit}
	if c.logarithmic() {
		axis.Scale = plot.LogScale{}
		axis.Tick.Marker = valueTicks{unit: c.unit, log: true}
		axis.Min, axis.Max = low/1.3, high*1.3
		return
	}
	axis.Min, axis.Max = 0, high*1.08
	if c.unit == "x mean" || c.unit == "x optimum" {
		axis.Min = min(low, 1) - 0.02
		axis.Max = max(high, 1) + 0.05*(high-axis.Min)
	}
	if axis.Max <= axis.Min {
		axis.Max = axis.Min + 1
	}
}

// bars draws one bar for each series, the first on top.
func (c *chart) bars(p *plot.Plot) error {
	n := len(c.series)
	names := make([]string, n)
	c.scale(&p.X)
	low, high := p.X.Min, p.X.Max
	if !c.logarithmic() {
		low = 0
	}
	for i, s := range c.series {
		at := n - 1 - i
		names[at] = s.label
		bar, err := plotter.NewPolygon(plotter.XYs{
			{X: low, Y: float64(at) - 0.32}, {X: s.points[0].value, Y: float64(at) - 0.32},
			{X: s.points[0].value, Y: float64(at) + 0.32}, {X: low, Y: float64(at) + 0.32},
		})
		if err != nil {
			return err
		}
		bar.Color, bar.LineStyle.Width = hue(i), 0
		p.Add(bar)
		if d := s.points[0]; d.high > d.low {
			below, above := d.off()
			bars, err := plotter.NewXErrorBars(struct {
				plotter.XYs
				plotter.XErrors
			}{plotter.XYs{{X: d.value, Y: float64(at)}}, plotter.XErrors{{Low: below, High: above}}})
			if err != nil {
				return err
			}
			bars.Color = ink
			p.Add(bars)
		}
	}
	p.NominalY(names...)
	p.Y.Tick.Label.XAlign = draw.XRight
	p.Y.Padding = 8
	p.Y.Min, p.Y.Max = -0.6, float64(n)-0.4
	p.X.Min, p.X.Max = low, high
	return nil
}

func nodeTicks(nodes []int) []plot.Tick {
	ticks := make([]plot.Tick, len(nodes))
	for i, n := range nodes {
		ticks[i] = plot.Tick{Value: float64(n), Label: group(float64(n))}
	}
	return ticks
}

// valueTicks labels an axis with values and their units.
type valueTicks struct {
	unit string
	log  bool
}

// Ticks returns about five labelled ticks between two values.
func (v valueTicks) Ticks(low, high float64) []plot.Tick {
	var at []float64
	switch {
	case v.log && v.unit == "B":
		at = powerTicks(low, high)
	case v.log:
		at = logTicks(low, high)
	default:
		at = evenTicks(low, high)
	}
	ticks := make([]plot.Tick, len(at))
	for i, value := range at {
		ticks[i] = plot.Tick{Value: value, Label: v.label(value)}
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
