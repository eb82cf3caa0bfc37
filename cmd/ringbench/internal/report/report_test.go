package report_test

import (
	"bytes"
	"encoding/csv"
	"encoding/xml"
	"errors"
	"image/png"
	"io"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/report"
	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/result"
)

func timed(algo string, nodes int, metric string, ns float64) result.Row {
	r := result.Row{
		Algo: algo, Nodes: nodes, Metric: metric, Unit: "ns/op", Better: "lower", Value: ns,
		Low: ns * 0.99, High: ns * 1.01, Confidence: 0.95,
		Spread: &result.Spread{Twins: 0.002}, Batch: &result.Batch{Count: 200, Quiet: 190, P99: 3 * ns},
	}
	for i := range 20 {
		r.Samples = append(r.Samples, ns*(1+0.0005*(float64(i)-9.5)))
		r.Passes = append(r.Passes, i/2)
	}
	return r
}

func exact(algo string, nodes int, metric, unit string, value float64) result.Row {
	return result.Row{Algo: algo, Nodes: nodes, Metric: metric, Unit: unit, Better: "lower", Value: value, Exact: true}
}

func file(rows ...result.Row) *result.File {
	return &result.File{
		Schema: result.Schema, Rows: rows,
		Machine:   result.Machine{CPU: "test", OS: "linux", Arch: "amd64", Cores: 2, Command: []string{"ringbench", "run"}},
		Keys:      result.Keys{Source: "words", Count: 1000, Distinct: 1000},
		Reference: result.Reference{Best: 1.5, Batches: 200, Quiet: 190},
	}
}

func sample() *result.File {
	return file(
		timed("ring", 10, "lookup", 20), timed("jump", 10, "lookup", 40), timed("maglev", 10, "lookup", 20.01),
		timed("ring", 100, "lookup", 22), timed("jump", 100, "lookup", 60), timed("maglev", 100, "lookup", 12),
		exact("ring", 10, "peak", "x mean", 1.2), exact("jump", 10, "peak", "x mean", 1.02), exact("maglev", 10, "peak", "x mean", 1.01),
		exact("ring", 100, "peak", "x mean", 1.3), exact("jump", 100, "peak", "x mean", 1.1), exact("maglev", 100, "peak", "x mean", 1.2),
		exact("ring", 10, "needless-add", "keys", 0), exact("maglev", 10, "needless-add", "keys", 12),
	)
}

func write(t *testing.T, format string, files ...*result.File) string {
	t.Helper()
	var named []report.Named
	for i, f := range files {
		named = append(named, report.Named{Name: "r" + strconv.Itoa(i) + ".json", File: f})
	}
	var b bytes.Buffer
	if err := report.Write(&b, format, named, report.Style{Width: 100}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestNumbersHaveThreeDigitsAndAUnit(t *testing.T) {
	tests := []struct{ got, want string }{
		{report.Duration(18.44), "18.4 ns"},
		{report.Duration(9.999), "10.0 ns"},
		{report.Duration(999.4), "999 ns"},
		{report.Duration(999.9), "1.00 us"},
		{report.Duration(4_130_000), "4.13 ms"},
		{report.Duration(2.5e9), "2.50 s"},
		{report.Bytes(8), "8 B"},
		{report.Bytes(1536), "1.50 KiB"},
		{report.Bytes(5 << 20), "5.00 MiB"},
		{report.Value(1234567, "keys"), "1,234,567"},
		{report.Value(1.005, "x mean"), "1.00"},
		{report.Percent(0.00002), "<0.1 %"},
		{report.Percent(0), "0.0 %"},
		{report.Percent(0.0349), "3.5 %"},
		{report.Percent(0.349), "35 %"},
	}
	for _, tt := range tests {
		if tt.got != tt.want {
			t.Errorf("got %q, want %q", tt.got, tt.want)
		}
	}
}

func TestWrapKeepsWordsAndWidth(t *testing.T) {
	text := strings.Repeat("some words of a text ", 20)
	wrapped := report.Wrap(text, 50)
	for line := range strings.Lines(wrapped) {
		if len(strings.TrimRight(line, "\n")) > 50 {
			t.Errorf("line %q is too long", line)
		}
	}
	if strings.Join(strings.Fields(wrapped), " ") != strings.TrimSpace(text) {
		t.Error("words were lost")
	}
}

// The closing lines must follow the numbers: each case names what must be said
// and what must not.
func TestWords(t *testing.T) {
	busy := timed("ring", 10, "lookup", 20)
	busy.Busy = true
	brief := timed("ring", 10, "lookup", 20)
	brief.Few, brief.Samples, brief.Passes = true, brief.Samples[:2], brief.Passes[:2]
	noisy := sample()
	noisy.Reference.Quiet = 60
	load := 3.5
	noisy.Machine.LoadStart, noisy.Machine.LoadEnd = &load, &load
	noisy.Rows[0].Spread.Halves = 0.2
	weighted := exact("jump", 10, "peak", "x mean", 2)
	weighted.Weights = "1,2"
	few := exact("ring", 100, "peak", "x mean", 1.5)
	few.Detail = map[string]float64{"effective": 1000, "hottest_key": 0.02}
	tests := []struct {
		name     string
		f        *result.File
		say, not string
	}{
		{"fastest and by how much", sample(), `at 100 nodes maglev (12.0 ns), then ring (22.0 ns); jump takes 5 times as long`, ""},
		{"what cannot be told apart", sample(), `at 10 nodes ring (20.0 ns), not distinguishable from maglev`, ""},
		{"evenest", sample(), "over 100 nodes: jump, whose fullest node has 1.10 times its share; least even: ring with 1.30", ""},
		{"needless moves are named", sample(), "without need by maglev (12 keys at 10 nodes)", "No placement moved"},
		{"no needless moves", file(exact("ring", 10, "needless-add", "keys", 0)), "No placement moved a key without need", "by no other"},
		{"faults are named", file(exact("ring", 10, "replica-faults", "keys", 3)), "ring at 10 nodes (3 keys)", ""},
		{"a quiet machine is not called noisy", sample(), "", "noisy"},
		{"a noisy machine is", noisy, "something else slowed it down during 70 % of the batches, which were left out (load average 3.5 to 3.5 on 2 cores)", ""},
		{"the spread is named", noisy, "20 % at worst (ring lookup, 10 nodes)", ""},
		{"busy rows are named", file(busy, timed("jump", 10, "lookup", 40)), "1 of the times had too few undisturbed batches", ""},
		{"busy rows are not ranked", file(busy, timed("jump", 10, "lookup", 40)), "too few undisturbed samples to be sure", "not distinguishable"},
		{"few samples are not blamed on the machine", file(brief, timed("jump", 10, "lookup", 40)), "1 of the times come from fewer than three samples and are marked with an exclamation mark", "undisturbed"},
		{"times of few samples are not ranked", file(brief, timed("jump", 10, "lookup", 40)), "(40.0 ns; too few samples to be sure)", "not distinguishable"},
		{"all keys were counted", moved(1000, 4, 0), "This was counted on all 1,000 keys, in up to 4 trials of each change, which are summed.", "sample"},
		{"one trial", moved(1000, 1, 0), "on all 1,000 keys, in one trial of each change.", "summed"},
		{"a sample is called one", moved(200, 4, 0), "This was counted on a sample of 200 of the 1,000 keys", "all"},
		{"needless moves with their share", moved(200, 4, 80), "ring (80 keys at 10 nodes, 10 %)", ""},
		{"deaf to weights", file(weighted), "No weights are known to: jump", ""},
		{"few keys", file(few), "chance alone lifts the fullest to about 1.96", ""},
		{"a hot key", file(few), "The hottest key alone is 2.00 times the share", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := strings.Join(report.Words(tt.f), "\n")
			if !strings.Contains(got, tt.say) {
				t.Errorf("the words\n%s\ndo not say %q", got, tt.say)
			}
			if tt.not != "" && strings.Contains(got, tt.not) {
				t.Errorf("the words\n%s\nsay %q", got, tt.not)
			}
		})
	}
}

// What does not fit the terminal is left out, and never breaks a line.
func TestTableFitsItsWidth(t *testing.T) {
	f := sample()
	for _, width := range []int{44, 60, 120} {
		var b bytes.Buffer
		if err := report.Write(&b, "table", []report.Named{{File: f}}, report.Style{Width: width}); err != nil {
			t.Fatal(err)
		}
		_, table, _ := strings.Cut(b.String(), "nodes\n")
		table, _, _ = strings.Cut(table, "\n\n")
		for line := range strings.Lines(table) {
			if n := len(strings.TrimRight(line, "\n")); n > width {
				t.Errorf("width %d: %q has %d columns", width, line, n)
			}
		}
		if !strings.Contains(table, "lookup") {
			t.Errorf("width %d: no lookup column in\n%s", width, table)
		}
	}
}

func TestColorOnlyWhereAsked(t *testing.T) {
	for _, color := range []bool{false, true} {
		var b bytes.Buffer
		if err := report.Write(&b, "table", []report.Named{{File: sample()}}, report.Style{Color: color}); err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(b.String(), "\x1b["); got != color {
			t.Errorf("Color %v: escapes %v", color, got)
		}
	}
}

func TestCSVHoldsEveryRow(t *testing.T) {
	f := sample()
	rows, err := csv.NewReader(strings.NewReader(write(t, "csv", f, f))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 1+2*len(f.Rows) {
		t.Errorf("%d lines, want a header and %d twice", len(rows), len(f.Rows))
	}
	if rows[1][0] != "r0.json" || rows[1][6] != "lookup" || rows[1][7] != "20" || rows[1][8] != "ns/op" {
		t.Errorf("first row %q", rows[1])
	}
}

// benchLine is a line of the format that benchstat reads.
var benchLine = regexp.MustCompile(`^Benchmark[A-Z]\S*/algo=\S+ [1-9]\d* [-0-9.e+]+ \S+$`)

func TestBenchIsTheBenchmarkFormat(t *testing.T) {
	f := sample()
	lines := 0
	for line := range strings.Lines(write(t, "bench", f)) {
		line = strings.TrimSuffix(line, "\n")
		if !strings.HasPrefix(line, "Benchmark") {
			if !regexp.MustCompile(`^[a-z]+: .|^Unit \S+ better=lower assume=exact$`).MatchString(line) {
				t.Errorf("%q is no configuration line", line)
			}
			continue
		}
		lines++
		if !benchLine.MatchString(line) {
			t.Errorf("%q is no benchmark line", line)
		}
	}
	if want := 6*20 + 8; lines != want {
		t.Errorf("%d benchmark lines, want one a sample and one an exact number: %d", lines, want)
	}
}

// Names come from files that anybody may write: they must stay text.
func hostile() *result.File {
	f := sample()
	const evil = `<script>alert(1)</script>"'|*&`
	for i := range f.Rows {
		if f.Rows[i].Algo == "jump" {
			f.Rows[i].Algo = evil
		}
	}
	f.Words = []string{evil}
	f.Keys.Source, f.Machine.CPU, f.Machine.Command = evil, evil, []string{evil, "`rm`"}
	return f
}

func TestHTMLIsOnePageThatLoadsNothing(t *testing.T) {
	for name, f := range map[string]*result.File{
		"lines": sample(), "hostile names": hostile(),
		"one number of nodes": file(timed("ring", 10, "lookup", 20), timed("jump", 10, "lookup", 400)),
		"nothing to plot":     file(exact("ring", 10, "needless-add", "keys", 0)),
	} {
		t.Run(name, func(t *testing.T) {
			page := write(t, "html", f, f)
			for _, bad := range []string{"http:", "https:", "<script", "<link rel=\"stylesheet", "@import", "url(", "<img", "ZgotmplZ"} {
				if strings.Contains(strings.ReplaceAll(page, "http://www.w3.org/", ""), bad) {
					t.Errorf("the page has %q", bad)
				}
			}
			svgs := strings.Count(page, "<svg viewBox")
			figures := strings.Count(page, "<figure>")
			if marks := strings.Count(page, `<svg class="m"`); figures > 0 && (svgs != 2*figures || marks < figures) {
				t.Errorf("%d figures have %d drawings and %d marks, want two drawings each", figures, svgs, marks)
			}
			if n := strings.Count(page, `role="img" aria-label="`); n != figures {
				t.Errorf("%d figures, %d of them described", figures, n)
			}
			if n := strings.Count(page, "</table>"); n < figures {
				t.Errorf("%d figures, %d tables", figures, n)
			}
			if strings.Contains(page, "#000000") || strings.Contains(page, "#010203") {
				t.Error("a drawing has black lines or text, which nobody sees on a dark page")
			}
		})
	}
}

func TestSVGsAreWellFormed(t *testing.T) {
	page := write(t, "html", hostile())
	for i, part := range strings.Split(page, "<svg ")[1:] {
		part, _, _ = strings.Cut(part, "</svg>")
		dec := xml.NewDecoder(strings.NewReader("<svg " + part + "</svg>"))
		for {
			_, err := dec.Token()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatalf("drawing %d: %v", i, err)
			}
		}
	}
}

func TestMarkdownEscapes(t *testing.T) {
	md := write(t, "md", hostile())
	code := regexp.MustCompile("`[^`\n]*`") // what is code is text to every reader
	if strings.Contains(code.ReplaceAllString(md, ""), "<script") {
		t.Error("Markdown holds HTML")
	}
	for line := range strings.Lines(md) {
		if strings.HasPrefix(line, "| ") && strings.Count(strings.ReplaceAll(line, `\|`, ""), "|") != strings.Count(line, " | ")+2 {
			t.Errorf("the cells of %q are not what they were", line)
		}
	}
}

func TestPlots(t *testing.T) {
	f := sample()
	named := []report.Named{{Name: "a.json", File: f}, {Name: "b.json", File: f}}
	for _, metric := range []string{"lookup", "peak"} {
		if err := report.CheckPlot(metric, named); err != nil {
			t.Error(err)
		}
		var b bytes.Buffer
		if err := report.WritePlot(&b, "png", metric, named); err != nil {
			t.Fatal(err)
		}
		img, err := png.Decode(&b)
		if err != nil {
			t.Fatal(err)
		}
		if size := img.Bounds(); size.Dx() != 1360 || size.Dy() != 1600 {
			t.Errorf("the plot of two files has %v, want two of 1360 x 800", size)
		}
		b.Reset()
		if err := report.WritePlot(&b, "svg", metric, named); err != nil || !strings.Contains(b.String(), "</svg>") {
			t.Errorf("svg of %s: %v", metric, err)
		}
	}
	if err := report.CheckPlot("needless-add", []report.Named{{File: file(exact("ring", 10, "needless-add", "keys", 0))}}); err == nil {
		t.Error("a plot of zeros was promised")
	}
	if err := report.CheckPlot("latency", named); err == nil || !strings.Contains(err.Error(), "latency") {
		t.Errorf("CheckPlot of no metric = %v", err)
	}
}

// A disk that is full must be an error in every format.
func TestWriteErrorsAreReported(t *testing.T) {
	for _, format := range append(report.Formats(), "html") {
		err := report.Write(&full{room: 100}, format, []report.Named{{Name: "r", File: sample()}}, report.Style{})
		if !errors.Is(err, errFull) {
			t.Errorf("%s on a full disk = %v", format, err)
		}
	}
	if err := report.Write(io.Discard, "pdf", nil, report.Style{}); err == nil {
		t.Error("an unknown format was written")
	}
}

var errFull = errors.New("no room")

type full struct{ room int }

func (f *full) Write(p []byte) (int, error) {
	if f.room -= len(p); f.room < 0 {
		return 0, errFull
	}
	return len(p), nil
}
