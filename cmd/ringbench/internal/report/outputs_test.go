package report_test

import (
	"encoding/csv"
	"slices"
	"strings"
	"testing"

	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/result"
)

// moved is a result that counted needless moves on keys of the 1000 that it has.
func moved(keys, trials, needless float64) *result.File {
	m := exact("ring", 10, "moved-add", "x optimum", 1)
	m.Better, m.Detail = result.NearOne, map[string]float64{"keys": keys, "trials": trials}
	return file(m, exact("ring", 10, "needless-add", "keys", needless))
}

// What is best of moved keys is said wherever the others are said to be better
// with less, and only there.
func TestOutputsSayWhichNumbersAreBetter(t *testing.T) {
	for format, where := range map[string]string{"table": "column", "md": "column", "html": "plot and table"} {
		plain := "Less is better in every " + where + "."
		but := "Less is better in every " + where + " but those of keys moved: there 1.00 is perfect."
		if got := write(t, format, sample()); !strings.Contains(got, plain) {
			t.Errorf("%s of no moves does not say %q", format, plain)
		}
		if got := write(t, format, moved(200, 4, 80)); !strings.Contains(got, but) || strings.Contains(got, plain) {
			t.Errorf("%s of moves does not say %q alone", format, but)
		}
	}
	if got := write(t, "bench", moved(200, 4, 80)); !strings.Contains(got, "Unit moved-add assume=exact\n") && !strings.Contains(got, "Unit x-optimum assume=exact\n") {
		t.Errorf("the benchmark format gives moved keys a direction:\n%s", got)
	}
}

// A mark is explained where there is one, and nowhere else.
func TestMarksAreExplained(t *testing.T) {
	few, busy := timed("ring", 10, "lookup", 20), timed("ring", 10, "lookup", 20)
	few.Few, busy.Busy = true, true
	for _, format := range []string{"table", "md", "html"} {
		for _, tt := range []struct {
			row  result.Row
			cell string
			says []bool // of the mark of few, of that of busy
		}{
			{timed("ring", 10, "lookup", 20), "20.0 ns", []bool{false, false}},
			{few, "20.0 ns!", []bool{true, false}},
			{busy, "20.0 ns?", []bool{false, true}},
		} {
			got := write(t, format, file(tt.row))
			for i, words := range []string{"An exclamation mark means fewer than three samples", "A question mark means that the machine was too busy"} {
				if strings.Contains(got, words) != tt.says[i] || !strings.Contains(got, tt.cell) {
					t.Errorf("%s: want the cell %q, and %q: %v, in\n%s", format, tt.cell, words, tt.says[i], got)
				}
			}
		}
	}
	rows, err := csv.NewReader(strings.NewReader(write(t, "csv", file(few)))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if at := slices.Index(rows[0], "few"); at < 0 || rows[1][at] != "true" {
		t.Errorf("CSV does not say that samples are few: %q", rows)
	}
}

// The 99th percentile of batches is in every output that has room for it.
func TestTailsOfBatches(t *testing.T) {
	f := sample()
	rows, err := csv.NewReader(strings.NewReader(write(t, "csv", f))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	at := slices.Index(rows[0], "p99")
	if at < 0 || rows[1][at] != "60" || rows[len(rows)-1][at] != "" {
		t.Errorf("CSV has no p99 of 60 for a time and none for a count: %q", rows)
	}
	for format, cells := range map[string][]string{
		"md":   {"| lookup | lookup p99 | peak", "| 20.0 ns +- 1.0 % | 60.0 ns | 1.20 |"},
		"html": {`<th scope="col">lookup p99</th>`, "<td>60.0 ns</td>"},
	} {
		got := write(t, format, f)
		for _, want := range append(cells, "p99 is the time for each operation that 99 of 100 batches stay within") {
			if !strings.Contains(got, want) {
				t.Errorf("%s lacks %q", format, want)
			}
		}
		if got := write(t, format, file(exact("ring", 10, "peak", "x mean", 1))); strings.Contains(got, "p99") {
			t.Errorf("%s explains p99 where there is none", format)
		}
	}
	if got := write(t, "table", f); strings.Contains(got, "p99") {
		t.Error("the table of a terminal has no room for p99")
	}
}
