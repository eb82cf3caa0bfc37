package report

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"path"
	"strings"
)

//go:embed page.html
var pageText string

// A page is what the template of the HTML report shows.
type page struct {
	Title  string
	Colors []string
	Files  []pageFile
}

type pageFile struct {
	Name    string
	Anchor  string
	Facts   []fact
	Words   []string
	Reading string // how to read the numbers
	Figures []figure
	Tables  []pageTable
	Tail    string // what p99 is, "" without times
}

type fact struct{ Name, Text string }

type figure struct {
	Title, Means, Describe string
	Wide, Narrow           template.HTML
	Log                    bool
	Unit                   string
	Table                  pageTable
}

type pageTable struct {
	Caption string
	Head    []string
	Rows    []pageRow
	Named   bool // rows begin with the mark of their series
}

type pageRow struct {
	Mark  template.HTML
	Cells []cell
}

type cell struct{ Text, Small string }

// sign stands before what a number may be off.
const sign = "\u00b1"

// writeHTML writes one page that needs nothing else.
func writeHTML(w io.Writer, files []Named) error {
	tmpl, err := template.New("page").Parse(pageText)
	if err != nil {
		return err
	}
	p := page{Title: "ringbench"}
	for _, h := range hues() {
		p.Colors = append(p.Colors, hex(h))
	}
	for i, f := range files {
		pf, err := newPageFile(f, i)
		if err != nil {
			return err
		}
		p.Files = append(p.Files, *pf)
	}
	if len(files) == 1 {
		p.Title = "ringbench: " + files[0].File.Keys.Source
		if ofClocks(files[0].File) {
			p.Title = "ringbench: clocks"
		}
	}
	return tmpl.Execute(w, p)
}

func newPageFile(f Named, i int) (*pageFile, error) {
	pf := &pageFile{Name: path.Base(f.Name), Anchor: fmt.Sprintf("result-%d", i+1), Words: f.File.Words}
	m := f.File.Machine
	commit := ""
	if m.Commit != "" {
		commit = ", commit " + m.Commit
	}
	name, text := subjectText(f.File)
	pf.Facts = []fact{
		{strings.ToUpper(name[:1]) + name[1:], text},
		{"Machine", machineText(f.File)},
		{"Command", strings.Join(m.Command, " ")},
		{"Seed", fmt.Sprint(m.Seed)},
		{"Made", f.File.Created.Format("2006-01-02 15:04 MST") + " by ringbench " + f.File.Version + commit},
	}
	if f.File.Reference.Batches > 0 {
		pf.Facts = append(pf.Facts, fact{"Disturbed", fmt.Sprintf("%.0f %% of %s batches were left out because something else slowed the processor down",
			100*f.File.Reference.Busy(), group(float64(f.File.Reference.Batches)))})
	}
	for _, c := range charts(f.File) {
		if !c.drawable() {
			continue
		}
		fig, err := c.figure()
		if err != nil {
			return nil, err
		}
		pf.Figures = append(pf.Figures, *fig)
	}
	s := newSheet(f.File)
	pf.Reading = s.direction("plot and table") + " Times are medians; " + sign + " is what they may be off."
	if words := marks(f.File); words != "" {
		pf.Reading += " " + words
	}
	if s.timed {
		pf.Tail = tailText
	}
	for _, t := range tables(f.File) {
		pf.Tables = append(pf.Tables, newPageTable(t.caption, t.grid))
	}
	return pf, nil
}

// figure draws the chart for wide and for narrow pages.
func (c *chart) figure() (*figure, error) {
	f := &figure{Title: c.title, Means: c.means, Describe: c.describe(), Log: c.logarithmic(), Unit: c.unit, Table: c.table()}
	for _, size := range []struct {
		width int
		to    *template.HTML
	}{{620, &f.Wide}, {328, &f.Narrow}} {
		height := 320
		if len(c.nodes) == 1 {
			height = 60 + 28*len(c.series)
		}
		s, err := c.svg(size.width, height)
		if err != nil {
			return nil, err
		}
		// The drawing escapes every text that it holds.
		*size.to = template.HTML(s)
	}
	return f, nil
}

// table is the numbers of the chart.
func (c *chart) table() pageTable {
	t := pageTable{Caption: c.title, Head: []string{c.thing}, Named: true}
	for _, n := range c.nodes {
		t.Head = append(t.Head, group(float64(n))+" "+c.sized)
	}
	for i, s := range c.series {
		row := pageRow{Mark: glyph(i), Cells: []cell{{Text: s.label}}}
		for _, n := range c.nodes {
			var cl cell
			for _, d := range s.points {
				if d.nodes == n {
					cl.Text = Value(d.value, c.unit) + mark(d.row)
					if d.row.Timed() {
						cl.Small = sign + plusMinus(d.row)
					}
				}
			}
			row.Cells = append(row.Cells, cl)
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

func newPageTable(caption string, g *Grid) pageTable {
	t := pageTable{Caption: caption, Head: g.Rows[0]}
	for _, cells := range g.Rows[1:] {
		var row pageRow
		for _, text := range cells {
			value, small, _ := strings.Cut(text, " +- ")
			if small != "" {
				small = sign + small
			}
			row.Cells = append(row.Cells, cell{value, small})
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// glyph is the mark of a series as it is in the plot, for tables.
func glyph(i int) template.HTML {
	forms := [shapes]string{
		`<circle cx="6" cy="6" r="4" class="f"/>`,
		`<rect x="2" y="2" width="8" height="8" class="f"/>`,
		`<path d="M6 1.5 10.5 10h-9z" class="f"/>`,
		`<circle cx="6" cy="6" r="3.5"/>`,
		`<rect x="2.5" y="2.5" width="7" height="7"/>`,
		`<path d="M6 2 10 9.5H2z"/>`,
		`<path d="M2.5 2.5l7 7m0-7l-7 7"/>`,
		`<path d="M6 1.5v9M1.5 6h9"/>`,
	}
	// Only numbers are put into this text.
	return template.HTML(fmt.Sprintf(`<svg class="m" viewBox="0 0 12 12" aria-hidden="true" style="color:var(--c%d)">%s</svg>`,
		i%len(hues()), forms[shape(i)]))
}
