package report

import (
	"fmt"
	"image/color"
	"io"

	gochart "github.com/wcharczuk/go-chart/v2"
	"github.com/wcharczuk/go-chart/v2/drawing"
)

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
	const width, height, size = 680, 400, 11
	total := height * len(all)
	p, err := newPen(format, width, total, size, 1)
	if err != nil {
		return err
	}
	gochart.Draw.Box(p, gochart.Box{Right: width, Bottom: total}, gochart.Style{FillColor: drawing.ColorWhite})
	for i, c := range all {
		const margin = 12
		top := height * i
		box := gochart.Box{Left: margin, Right: width - margin, Top: top + margin, Bottom: top + height - margin}
		if err := c.draw(p, width, total, box, true); err != nil {
			return err
		}
	}
	if format == "png" {
		return p.Renderer.Save(w)
	}
	text, err := p.svg(fmt.Sprintf(`xmlns="http://www.w3.org/2000/svg" width="%dpt" height="%dpt"`, width, total), hex)
	if err != nil {
		return err
	}
	_, err = io.WriteString(w, text+"\n")
	return err
}

// svg returns the plot as an element of a page, in colours that the page
// decides, at a size at which its text is as large as the text of the page.
func (c *chart) svg(width, height int) (string, error) {
	// The page has fonts of its own: the room that is left is for those that are
	// wider than the one that the plot is laid out with.
	p, err := newPen("svg", width, height, 12, 1.1)
	if err != nil {
		return "", err
	}
	const margin = 3
	box := gochart.Box{Left: margin, Right: width - margin, Top: 2 * margin, Bottom: height - margin}
	if err := c.draw(p, width, height, box, false); err != nil {
		return "", err
	}
	names := map[color.RGBA]string{ink: "currentColor", faint: "var(--grid)"}
	for i, h := range hues() {
		names[h] = fmt.Sprintf("var(--c%d)", i)
	}
	return p.svg(`aria-hidden="true" focusable="false"`, func(c color.RGBA) string { return names[c] })
}

// draw draws the chart in a box of a canvas: a line for each series, or bars if
// there is one number of nodes.
func (c *chart) draw(p *pen, width, height int, box gochart.Box, titled bool) error {
	g := c.frame(p)
	g.Width, g.Height = width, height
	if titled {
		g.Title = p.fit(c.title, box.Width())
		g.TitleStyle = gochart.Style{FontSize: p.size, FontColor: drawing.Color(ink), Padding: gochart.Box{IsSet: true, Top: box.Top}}
		box.Top += 2*int(p.size) + 4
	}
	if len(c.nodes) == 1 {
		c.bars(p, g, box.Width()/2)
	} else {
		c.lines(p, g)
		if titled {
			box.Right -= c.legend(p, g, box)
		}
	}
	g.Background.Padding = gochart.Box{IsSet: true, Left: box.Left, Top: box.Top, Right: width - box.Right, Bottom: height - box.Bottom}
	return g.Render(func(int, int) (gochart.Renderer, error) { return p, nil }, io.Discard)
}

// frame returns what all charts have in common.
func (c *chart) frame(p *pen) *gochart.Chart {
	clear := gochart.Style{FillColor: drawing.ColorTransparent, StrokeColor: drawing.ColorTransparent}
	text := gochart.Style{FontSize: p.size, FontColor: drawing.Color(ink), StrokeColor: drawing.Color(ink), StrokeWidth: 0.75}
	return &gochart.Chart{
		DPI: 72, Background: clear, Canvas: clear,
		XAxis: gochart.XAxis{Style: text, NameStyle: text, GridMajorStyle: gochart.Hidden(), GridMinorStyle: gochart.Hidden()},
		// go-chart has its first axis of y on the right. It is not drawn, and refused
		// without a range.
		YAxis: gochart.YAxis{Style: gochart.Hidden(), Range: &gochart.ContinuousRange{Max: 1}},
		YAxisSecondary: gochart.YAxis{
			Style: text, GridMajorStyle: gochart.Hidden(), GridMinorStyle: gochart.Hidden(),
			Zero: gochart.GridLine{Style: gochart.Hidden()},
		},
	}
}

// lines draws the values over the number of nodes or entries.
func (c *chart) lines(p *pen, g *gochart.Chart) {
	x, y := c.sizes(), c.values(false)
	g.XAxis.Name, g.XAxis.Range, g.YAxisSecondary.Range = c.sized, x, y
	grid := gochart.Style{StrokeColor: drawing.Color(faint), StrokeWidth: 0.5}
	g.XAxis.GridLines, g.XAxis.GridMajorStyle = x.grid(), grid
	g.YAxisSecondary.GridLines, g.YAxisSecondary.GridMajorStyle = y.grid(), grid
	g.Series = []gochart.Series{layer(func(box gochart.Box) {
		for i, s := range c.series {
			var points []point
			for _, d := range s.points {
				at := float64(box.Left + x.Translate(float64(d.nodes)))
				height := func(value float64) float64 { return float64(box.Bottom) - y.part(value)*float64(box.Height()) }
				points = append(points, point{at, height(d.value)})
				if d.high > d.low {
					p.errorBar(gochart.Style{StrokeColor: hue(i), StrokeWidth: 1}, point{at, height(d.low)}, point{at, height(d.high)})
				}
			}
			p.line(lineStyle(i), points...)
			for _, at := range points {
				p.dot(i, at)
			}
		}
	})}
}

// lineStyle is the style of the line of a series. Series that share a hue differ
// in dashes.
func lineStyle(i int) gochart.Style {
	style := gochart.Style{StrokeColor: hue(i), StrokeWidth: 1.5}
	if i >= len(hues()) {
		style.StrokeDashArray = []float64{5, 3}
	}
	return style
}

// legend draws the names of lines beside the plot: inside they would cover lines.
// It returns the width that it takes of a box.
func (c *chart) legend(p *pen, g *gochart.Chart, box gochart.Box) int {
	const gap, sign, space = 16, 20, 5
	names, wide := make([]string, len(c.series)), 0
	for i, s := range c.series {
		names[i] = p.fit(s.label, box.Width()/3)
		wide = max(wide, p.MeasureText(names[i]).Width())
	}
	g.Elements = append(g.Elements, func(r gochart.Renderer, plot gochart.Box, defaults gochart.Style) {
		step := min(1.25*p.size, float64(box.Height())/float64(len(names)))
		for i, name := range names {
			y := float64(plot.Top) + (float64(i)+0.5)*step
			left, right := float64(plot.Right+gap), float64(plot.Right+gap+sign)
			p.line(lineStyle(i), point{left, y}, point{right, y})
			p.dot(i, point{(left + right) / 2, y})
			style := gochart.Style{FontSize: p.size, FontColor: drawing.Color(ink), Font: defaults.Font}
			gochart.Draw.Text(r, name, plot.Right+gap+sign+space, int(y)+p.MeasureText(name).Height()/2, style)
		}
	})
	return gap + sign + space + wide
}

// bars draws one bar for each series, the first on top, with names that are at
// most so wide.
func (c *chart) bars(p *pen, g *gochart.Chart, wide int) {
	x, y := c.values(true), c.names(func(s string) string { return p.fit(s, wide) })
	g.XAxis.Range, g.YAxisSecondary.Range = x, y
	g.YAxisSecondary.Style.StrokeColor = drawing.ColorTransparent
	g.Series = []gochart.Series{layer(func(box gochart.Box) {
		for i, s := range c.series {
			d := s.points[0]
			at := func(value, place float64) point {
				return point{
					float64(box.Left) + x.part(value)*float64(box.Width()),
					float64(box.Bottom) - y.part(float64(len(c.series)-1-i)+place)*float64(box.Height()),
				}
			}
			const half = 0.32
			upper, lower := at(d.value, half), at(d.value, -half)
			left := float64(box.Left)
			p.shape(gochart.Style{FillColor: hue(i)}, point{left, lower.y}, lower, upper, point{left, upper.y})
			if d.high > d.low {
				p.errorBar(gochart.Style{StrokeColor: drawing.Color(ink), StrokeWidth: 0.75}, at(d.low, 0), at(d.high, 0))
			}
		}
	})}
}

// A layer is what is drawn in the box that the axes leave. It makes a series of
// go-chart out of a function.
type layer func(box gochart.Box)

// GetName returns no name: the legend of go-chart is not used.
func (layer) GetName() string { return "" }

// GetYAxis returns the axis on the left.
func (layer) GetYAxis() gochart.YAxisType { return gochart.YAxisSecondary }

// GetStyle returns no style.
func (layer) GetStyle() gochart.Style { return gochart.Style{} }

// Validate returns nil.
func (layer) Validate() error { return nil }

// Render draws the layer.
func (l layer) Render(_ gochart.Renderer, box gochart.Box, _, _ gochart.Range, _ gochart.Style) {
	l(box)
}
