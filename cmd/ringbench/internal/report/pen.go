package report

import (
	"fmt"
	"html"
	"image/color"
	"io"
	"math"
	"sort"
	"strings"
	"unicode/utf8"

	gochart "github.com/wcharczuk/go-chart/v2"
	"github.com/wcharczuk/go-chart/v2/drawing"
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

func hue(i int) drawing.Color { return drawing.Color(hues()[i%len(hues())]) }

func hex(c color.RGBA) string { return fmt.Sprintf("#%02X%02X%02X", c.R, c.G, c.B) }

// shapes is the number of shapes of dots.
const shapes = 8

// shape returns which shape a series has: those that share a hue differ in shape.
func shape(i int) int { return (i + i/len(hues())) % shapes }

// A pen draws on a renderer of go-chart. A renderer takes whole numbers, so it is
// given units smaller than the pixels that the pen takes. Its SVG renderer writes
// texts as they are, so the pen escapes them.
type pen struct {
	gochart.Renderer
	ruler gochart.Renderer // measures texts for every format, so that all are laid out alike
	png   bool
	units int     // of a pixel
	size  float64 // of texts, in pixels
}

// Units of a pixel. All widths of lines are whole numbers of them in SVG, which
// has them cut to that.
const (
	unitsSVG = 4
	unitsPNG = 2
)

// newPen returns a pen for svg or png. Texts have a size, and are given the room
// of a size that is room times as large.
func newPen(format string, width, height int, size, room float64) (*pen, error) {
	p := &pen{units: unitsSVG, size: size, png: format == "png"}
	provider := gochart.SVG
	if p.png {
		p.units, provider = unitsPNG, gochart.PNG
	}
	font, err := gochart.GetDefaultFont()
	if err != nil {
		return nil, err
	}
	if p.Renderer, err = provider(width*p.units, height*p.units); err != nil {
		return nil, err
	}
	if p.ruler, err = gochart.SVG(0, 0); err != nil {
		return nil, err
	}
	p.ruler.SetDPI(72)
	p.ruler.SetFont(font)
	p.ruler.SetFontSize(size * room)
	return p, nil
}

// SetDPI sets how many pixels an inch has. The renderer of PNG takes an inch for 64
// points where that of SVG takes it for 72.
func (p *pen) SetDPI(dpi float64) {
	if p.png {
		dpi *= 64.0 / 72
	}
	p.Renderer.SetDPI(dpi * float64(p.units))
}

// SetStrokeWidth sets the width of lines.
func (p *pen) SetStrokeWidth(width float64) { p.Renderer.SetStrokeWidth(width * float64(p.units)) }

// SetStrokeDashArray sets the lengths of dashes and of what is between them.
func (p *pen) SetStrokeDashArray(lengths []float64) {
	var scaled []float64
	for _, l := range lengths {
		scaled = append(scaled, l*float64(p.units))
	}
	p.Renderer.SetStrokeDashArray(scaled)
}

// MoveTo begins a path.
func (p *pen) MoveTo(x, y int) { p.Renderer.MoveTo(x*p.units, y*p.units) }

// LineTo goes on with a path.
func (p *pen) LineTo(x, y int) { p.Renderer.LineTo(x*p.units, y*p.units) }

// Text writes a text. An element without text would be in the way of readers.
func (p *pen) Text(body string, x, y int) {
	if body == "" {
		return
	}
	if !p.png {
		body = escapeXML(body)
	}
	p.Renderer.Text(body, x*p.units, y*p.units)
}

// MeasureText returns the room of a text. Its height is that of capitals: axes put
// the middle of it beside a tick.
func (p *pen) MeasureText(body string) gochart.Box {
	const capitals = 0.72
	return gochart.Box{Right: p.ruler.MeasureText(body).Width(), Bottom: int(math.Round(capitals * p.size))}
}

// Save does nothing: several charts share a pen.
func (p *pen) Save(io.Writer) error { return nil }

// fit returns as much of a text as a width has room for.
func (p *pen) fit(text string, width int) string {
	runes := []rune(text)
	// No letter is narrower than a pixel.
	if len(runes) <= width && p.MeasureText(text).Width() <= width {
		return text
	}
	cut := func(n int) string { return string(runes[:n]) + "..." }
	most := sort.Search(min(len(runes), max(width, 0)), func(n int) bool { return p.MeasureText(cut(n+1)).Width() > width })
	return cut(most)
}

// A point is a place in pixels.
type point struct{ x, y float64 }

// move returns a place on the renderer.
func (p *pen) move(at point) (x, y int) {
	return int(math.Round(at.x * float64(p.units))), int(math.Round(at.y * float64(p.units)))
}

// line draws a line.
func (p *pen) line(style gochart.Style, points ...point) {
	style.WriteDrawingOptionsToRenderer(p)
	p.path(points)
	p.Stroke()
}

// shape draws a closed line, filled if the style has something to fill it with.
func (p *pen) shape(style gochart.Style, points ...point) {
	style.WriteDrawingOptionsToRenderer(p)
	p.path(points)
	p.Close()
	p.finish(style)
}

func (p *pen) path(points []point) {
	for i, at := range points {
		x, y := p.move(at)
		if i == 0 {
			p.Renderer.MoveTo(x, y)
		} else {
			p.Renderer.LineTo(x, y)
		}
	}
}

// circle draws a circle. Circles of the renderer of PNG are none.
func (p *pen) circle(style gochart.Style, at point, radius float64) {
	style.WriteDrawingOptionsToRenderer(p)
	x, y := p.move(at)
	radius *= float64(p.units)
	for half := range 2 {
		p.ArcTo(x, y, radius, radius, float64(half)*math.Pi, math.Pi)
	}
	p.Close()
	p.finish(style)
}

func (p *pen) finish(style gochart.Style) {
	if style.ShouldDrawFill() {
		p.Fill()
		return
	}
	p.Stroke()
}

// dot draws a dot of a series.
func (p *pen) dot(series int, at point) {
	const radius = 3.5
	full, hollow := gochart.Style{FillColor: hue(series)}, gochart.Style{StrokeColor: hue(series), StrokeWidth: 1}
	corners := func(size float64, units ...point) []point {
		for i, u := range units {
			units[i] = point{at.x + size*u.x, at.y + size*u.y}
		}
		return units
	}
	square := corners(0.86*radius, point{-1, -1}, point{1, -1}, point{1, 1}, point{-1, 1})
	triangle := corners(1.25*radius, point{0, -1}, point{0.866, 0.5}, point{-0.866, 0.5})
	plus := corners(1.1*radius, point{-1, 0}, point{1, 0}, point{0, -1}, point{0, 1})
	switch shape(series) {
	case 0:
		p.circle(full, at, radius)
	case 1:
		p.shape(full, square...)
	case 2:
		p.shape(full, triangle...)
	case 3:
		p.circle(hollow, at, radius)
	case 4:
		p.shape(hollow, square...)
	case 5:
		p.shape(hollow, triangle...)
	case 6:
		p.line(hollow, square[0], square[2])
		p.line(hollow, square[1], square[3])
	default:
		p.line(hollow, plus[:2]...)
		p.line(hollow, plus[2:]...)
	}
}

// errorBar draws what a number may be off, from one place to another that is
// beside or above it.
func (p *pen) errorBar(style gochart.Style, from, to point) {
	const reach = 2.5
	across := point{reach, 0}
	if from.y == to.y {
		across = point{0, reach}
	}
	p.line(style, from, to)
	for _, end := range []point{from, to} {
		p.line(style, point{end.x - across.x, end.y - across.y}, point{end.x + across.x, end.y + across.y})
	}
}

// svg returns the drawing as an element with the given attributes, in colours that
// are given for those of the renderer.
func (p *pen) svg(attributes string, colors func(color.RGBA) string) (string, error) {
	var b strings.Builder
	if err := p.Renderer.Save(&b); err != nil {
		return "", err
	}
	head, body, found := strings.Cut(b.String(), ">")
	_, box, found2 := strings.Cut(head, `viewBox="`)
	if !found || !found2 {
		return "", fmt.Errorf("go-chart drew %.60q, which is no SVG", b.String())
	}
	replace := []string{
		drawing.ColorTransparent.String(), "none",
		"font-family:'Roboto Medium',sans-serif", "font-family:Arial,'Liberation Sans',Helvetica,sans-serif",
	}
	for _, c := range append(hues(), ink, faint, color.RGBA(drawing.ColorWhite)) {
		replace = append(replace, drawing.Color(c).String(), colors(c))
	}
	return fmt.Sprintf(`<svg viewBox="%s %s>%s`, box, attributes, strings.NewReplacer(replace...).Replace(body)), nil
}

// escapeXML returns a text as XML has it. What XML has no way to say becomes a
// replacement character. encoding/xml would do the same, but nothing else needs it
// and it takes about as long to compile as this package.
func escapeXML(text string) string {
	return html.EscapeString(strings.Map(func(r rune) rune {
		if r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == 0xfffe || r == 0xffff {
			return utf8.RuneError
		}
		return r
	}, text))
}
