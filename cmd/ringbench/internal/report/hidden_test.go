package report_test

import (
	"bytes"
	"regexp"
	"strings"
	"testing"

	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/report"
	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/result"
)

// A column that does not fit must not be gone without a word, and one that is
// there must not be called missing.
func TestTableNamesWhatItDoesNotShow(t *testing.T) {
	row := func(metric, unit string, probes int) result.Row {
		return result.Row{Algo: "ring", Nodes: 10, Points: 160, Probes: probes, Metric: metric, Unit: unit, Better: "lower", Value: 3, Exact: true}
	}
	f := &result.File{Rows: []result.Row{
		row("peak", "x mean", 1), row("cv", "ratio", 1), row("needless-add", "keys", 1), row("needless-remove", "keys", 1),
		row("chi2", "x freedom", 1), row("bytes", "B", 1), row("build", "ns/op", 1), row("peak", "x mean", 2),
	}}
	for width, want := range map[int]string{
		120: "Not shown: chi2; --output md or ringbench report -o x.html has all.",
		40:  "Not shown: chi2, bytes, build; --output md or ringbench report -o x.html has all.",
	} {
		var b bytes.Buffer
		if err := report.Write(&b, "table", []report.Named{{File: f}}, report.Style{Width: width}); err != nil {
			t.Fatal(err)
		}
		text := strings.Join(strings.Fields(b.String()), " ")
		if got := regexp.MustCompile(`Not shown:.*? has all\.`).FindString(text); got != want {
			t.Errorf("width %d: says %q, want %q in\n%s", width, got, want, b.String())
		}
		if !strings.Contains(text, "ring 160 x2") || !strings.Contains(text, "x2: 2 probes of a lookup") {
			t.Errorf("width %d: x2 is not explained in\n%s", width, b.String())
		}
	}
	f.Rows = f.Rows[:1]
	f.Rows[0].Points = 0
	var b bytes.Buffer
	if err := report.Write(&b, "table", []report.Named{{File: f}}, report.Style{Width: 100}); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(b.String(), "Not shown") || strings.Contains(b.String(), "x2") || strings.Contains(b.String(), "placement:") {
		t.Errorf("explains what is not there:\n%s", b.String())
	}
}
