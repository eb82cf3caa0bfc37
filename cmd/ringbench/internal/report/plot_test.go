package report_test

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"image"
	"image/png"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/report"
	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/result"
)

// plotted is a drawing as XML has it.
type plotted struct {
	ViewBox string `xml:"viewBox,attr"`
	Texts   []struct {
		X    float64 `xml:"x,attr"`
		Y    float64 `xml:"y,attr"`
		Text string  `xml:",chardata"`
	} `xml:"text"`
	Paths  []path `xml:"path"`
	Others []struct {
		XMLName xml.Name
	} `xml:",any"`
}

type path struct {
	D     string `xml:"d,attr"`
	Style string `xml:"style,attr"`
	Dash  string `xml:"stroke-dasharray,attr"`
}

func plot(t *testing.T, format, metric, name string, f *result.File) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := report.WritePlot(&b, format, metric, []report.Named{{Name: name, File: f}, {Name: name, File: f}}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func plotSVG(t *testing.T, metric, name string, f *result.File) plotted {
	t.Helper()
	data := plot(t, "svg", metric, name, f)
	var p plotted
	if err := xml.Unmarshal(data, &p); err != nil {
		t.Fatalf("%v in %.400s", err, data)
	}
	if len(p.Others) > 0 {
		t.Errorf("the drawing holds %v, want texts and paths alone", p.Others)
	}
	return p
}

func (p plotted) texts() []string {
	var texts []string
	for _, text := range p.Texts {
		texts = append(texts, text.Text)
	}
	return texts
}

// height returns where the text of a tick stands.
func (p plotted) height(t *testing.T, text string) float64 {
	t.Helper()
	at := slices.Index(p.texts(), text)
	if at < 0 {
		t.Fatalf("no text %q in %q", text, p.texts())
	}
	return p.Texts[at].Y
}

// The library writes names into SVG as they are.
func TestPlotsKeepNamesText(t *testing.T) {
	const evil = `<script>alert(1)</script>"'|*&`
	for shape, f := range map[string]*result.File{"lines": hostile(), "bars": file(timed(evil, 10, "lookup", 20))} {
		texts := plotSVG(t, "lookup", "<b>&amp;\x00\x1f\uffff\xff", f).texts()
		for _, want := range []string{evil, "Lookup (<b>&amp;\uFFFD\uFFFD\uFFFD\uFFFD)"} {
			if !slices.Contains(texts, want) {
				t.Errorf("%s: no text %q in %q", shape, want, texts)
			}
		}
	}
}

// A logarithmic axis must put a value where the tick of the value is, and decades
// as far from each other as any others.
func TestPlotsAreLogarithmic(t *testing.T) {
	f := file(exact("ring", 10, "lookup", "ns/op", 10), exact("ring", 100, "lookup", "ns/op", 100), exact("ring", 1000, "lookup", "ns/op", 10_000))
	p := plotSVG(t, "lookup", "a", f)
	first, second, last := p.height(t, "10 ns"), p.height(t, "100 ns"), p.height(t, "10 us")
	const pixel = 4 // units of the drawing
	if off := math.Abs((second - last) - 2*(first-second)); first <= second || off > 3*pixel {
		t.Errorf("ticks of 10, 100 and 10,000 stand at %v, %v and %v", first, second, last)
	}
	for _, path := range p.Paths {
		if !strings.Contains(path.Style, "stroke:#0072B2") || strings.Count(path.D, "L") != 2 {
			continue
		}
		corners := numbers(path.D)
		rises := []float64{corners[1] - corners[3], corners[3] - corners[5]}
		if math.Abs(rises[0]-(first-second)) > 2*pixel || math.Abs(rises[1]-(second-last)) > 2*pixel {
			t.Errorf("the line %q rises by %v, the ticks by %v and %v", path.D, rises, first-second, second-last)
		}
		return
	}
	t.Error("no line of three points")
}

func numbers(path string) []float64 {
	var out []float64
	for _, s := range regexp.MustCompile(`-?[0-9.]+`).FindAllString(path, -1) {
		n, err := strconv.ParseFloat(s, 64)
		if err != nil {
			return []float64{math.NaN()}
		}
		out = append(out, n)
	}
	return out
}

// Whatever numbers and names a result has, its plot stays on the canvas.
func TestPlotsStayOnTheCanvas(t *testing.T) {
	long := strings.Repeat("long", 2000)
	crowd := []result.Row{}
	for i := range 70 {
		crowd = append(crowd, timed(fmt.Sprint("algo", i), 10, "lookup", float64(i+1)), timed(fmt.Sprint("algo", i), 11, "lookup", 1))
	}
	broad := timed("ring", 10, "lookup", 5)
	broad.Low, broad.High = 1e-30, 1e18
	for name, f := range map[string]*result.File{
		"from least to most":         file(timed("ring", 1, "lookup", 1e-30), timed("ring", 2, "lookup", 1e18)),
		"bars from least to most":    file(timed("ring", 1, "lookup", 1e-30), timed("jump", 1, "lookup", 1e18)),
		"off by all there is":        file(broad, timed("ring", 20, "lookup", 5)),
		"bar off by all there is":    file(broad),
		"least":                      file(exact("ring", 1, "lookup", "x mean", 1e-30)),
		"zero and a number":          file(exact("ring", 1, "lookup", "ns/op", 0), exact("ring", 2, "lookup", "ns/op", 3)),
		"all the same":               file(exact("ring", 1, "lookup", "x mean", 1), exact("ring", 2, "lookup", "x mean", 1)),
		"long names":                 file(timed(long, 1, "lookup", 1), timed(long, 2, "lookup", 1)),
		"long names of bars":         file(timed(long, 1, "lookup", 1)),
		"many series that are close": file(crowd...),
		"most nodes":                 file(timed("ring", 1, "lookup", 1), timed("ring", math.MaxInt32, "lookup", 1)),
	} {
		t.Run(name, func(t *testing.T) {
			p := plotSVG(t, "lookup", long, f)
			box := numbers(p.ViewBox)
			inside := func(x, y float64) bool { return x >= 0 && y >= 0 && x <= box[2] && y <= box[3] }
			for _, text := range p.Texts {
				if !inside(text.X, text.Y) {
					t.Errorf("text %.20q stands at %v, %v", text.Text, text.X, text.Y)
				}
			}
			for _, path := range p.Paths {
				at := numbers(regexp.MustCompile(`A \d+ \d+ \S+ \d \d `).ReplaceAllString(path.D, ""))
				for i := 0; i+1 < len(at); i += 2 {
					if !inside(at[i], at[i+1]) {
						t.Fatalf("%q leaves the canvas of %v", path.D, box)
					}
				}
			}
			img, err := png.Decode(bytes.NewReader(plot(t, "png", "lookup", long, f)))
			if err != nil {
				t.Fatal(err)
			}
			if x, ok := margin(img); !ok {
				t.Errorf("the margin of the picture is not white at column %d", x)
			}
		})
	}
}

// margin reports whether the margins of a picture are white: a text that is
// larger than it was measured reaches into them.
func margin(img image.Image) (int, bool) {
	const wide = 20 // of 24, for the last pixel of a letter
	size := img.Bounds()
	for y := range size.Dy() {
		for x := range wide {
			for _, at := range []int{x, size.Dx() - 1 - x} {
				if r, g, b, _ := img.At(at, y).RGBA(); r+g+b != 3*0xffff {
					return at, false
				}
			}
		}
	}
	return 0, true
}

// A line says from where to where a number may be.
func TestPlotsShowWhatNumbersMayBeOff(t *testing.T) {
	row := timed("ring", 10, "lookup", 100)
	row.Low, row.High = 80, 130
	lines := plotSVG(t, "lookup", "a", file(row, timed("ring", 20, "lookup", 100)))
	bars := plotSVG(t, "lookup", "a", file(row))
	x := func(text string) float64 { return bars.Texts[slices.Index(bars.texts(), text)].X }
	const room = 16 // the labels of ticks differ in width
	for name, tt := range map[string]struct {
		p         plotted
		style     string
		at        int // of the number that differs
		want, off float64
	}{
		"lines": {lines, "stroke-width:4;stroke:#0072B2", 1, (lines.height(t, "50 ns") - lines.height(t, "100 ns")), 4},
		"bars":  {bars, "stroke-width:3;stroke:#010203", 0, x("100 ns") - x("50 ns"), room},
	} {
		found := false
		for _, path := range tt.p.Paths {
			ends := numbers(path.D)
			if strings.HasPrefix(path.Style, tt.style) && len(ends) == 4 && ends[1-tt.at] == ends[3-tt.at] {
				found = found || math.Abs(math.Abs(ends[tt.at]-ends[2+tt.at])-tt.want) <= tt.off
			}
		}
		if !found {
			t.Errorf("%s: no line is as long as 50 ns, %v", name, tt.want)
		}
	}
}

// A page has colours of its own, by day and by night.
func TestPagesDecideColors(t *testing.T) {
	_, drawing, _ := strings.Cut(write(t, "html", sample()), `<svg viewBox="0 0 2480`)
	drawing, _, _ = strings.Cut(drawing, "</svg>")
	seen := make(map[string]bool)
	for _, c := range regexp.MustCompile(`(?:stroke|fill):([^;"]*)`).FindAllStringSubmatch(drawing, -1) {
		seen[c[1]] = true
	}
	for _, want := range []string{"none", "currentColor", "var(--grid)", "var(--c0)", "var(--c1)", "var(--c2)"} {
		if !seen[want] {
			t.Errorf("nothing is drawn in %s", want)
		}
		delete(seen, want)
	}
	if len(seen) > 0 {
		t.Errorf("a drawing of a page has the colours %v", seen)
	}
}

// Series that share a hue must differ in what remains to those who see no hues.
func TestPlotsTellSeriesApart(t *testing.T) {
	var rows []result.Row
	const series = 16
	for i := range series {
		name := fmt.Sprint("algo", i)
		rows = append(rows, exact(name, 10, "lookup", "ns/op", 1), exact(name, 20, "lookup", "ns/op", 2))
	}
	p := plotSVG(t, "lookup", "a", file(rows...))
	dashes := 0
	forms := make(map[string]bool) // by style and form
	for _, path := range p.Paths {
		if path.Dash != "" {
			dashes++
		}
		form := path.Style + regexp.MustCompile(`[0-9.\s]+`).ReplaceAllString(path.D, "")
		if strings.HasPrefix(path.Style, "stroke-width:0;stroke:none;fill:#") && !strings.Contains(path.Style, "#FFFFFF") {
			forms[form] = true
		}
	}
	if !slices.ContainsFunc(p.Paths, func(p path) bool { return strings.Count(p.D, "A") == 2 }) {
		t.Error("no dot is a circle of two halves")
	}
	if want := 2 * 2 * series / 2; dashes != want {
		t.Errorf("%d dashed lines, want those of half of %d series and their marks in the legend, twice: %d", dashes, series, want)
	}
	// Three of eight shapes are filled: of 16 series 6, no two of which may be alike.
	if len(forms) != 6 {
		t.Errorf("%d dots are filled and differ, want 6", len(forms))
	}
}

// Labels of an axis must not run into each other.
func TestPlotsLeaveOutLabelsThatTouch(t *testing.T) {
	var rows []result.Row
	for n := 1000; n < 1040; n++ {
		rows = append(rows, exact("ring", n, "lookup", "ns/op", float64(n)))
	}
	p := plotSVG(t, "lookup", "a", file(rows...))
	texts := p.texts()
	if !slices.Contains(texts, "1,000") || slices.Contains(texts, "1,001") || slices.Contains(texts, "") {
		t.Errorf("texts %q: want 1,000, not 1,001, and none that is empty", texts)
	}
}
