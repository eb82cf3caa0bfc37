package report_test

import (
	"bytes"
	"encoding/csv"
	"strings"
	"testing"
	"time"

	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/report"
	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/result"
)

// clocked is a time of a clock; allocated is what it allocates.
func clocked(entries int, op string, ns float64) result.Row {
	r := timed("vectorclock", 0, "clock-"+op, ns)
	r.Entries = entries
	return r
}

// loose is a time that may be off by a fifth.
func loose(entries int, ns float64) result.Row {
	r := clocked(entries, "clone", ns)
	r.Low, r.High = 0.8*ns, 1.2*ns
	return r
}

func counted(entries int, metric, unit string, value float64) result.Row {
	r := exact("vectorclock", 0, "clock-"+metric, unit, value)
	r.Entries = entries
	return r
}

func clocksOf(rows ...result.Row) *result.File {
	f := file(rows...)
	f.Keys = result.Keys{}
	f.Clocks = &result.Clocks{Actors: "UUID", CountMax: 1_000_000, Span: 24 * time.Hour, Digest: "d"}
	f.Machine.Seed = 5
	f.Words = report.Words(f)
	return f
}

func sampleClocks() *result.File {
	return clocksOf(
		counted(3, "bytes", "B/entry", 39.88), counted(1200, "bytes", "B/entry", 27.25),
		clocked(3, "increment", 10), clocked(3, "encode", 50), clocked(3, "merge-others", 300), clocked(3, "clone", 2),
		clocked(1200, "increment", 11), clocked(1200, "encode", 5000), clocked(1200, "merge-others", 200_000), clocked(1200, "clone", 2),
		counted(3, "increment-allocs", "allocs/op", 0), counted(3, "merge-others-allocs", "allocs/op", 4), counted(3, "encode-allocs", "allocs/op", 0),
		counted(1200, "increment-allocs", "allocs/op", 0), counted(1200, "merge-others-allocs", "allocs/op", 5), counted(1200, "encode-allocs", "allocs/op", 0),
	)
}

// The closing lines must follow the numbers: each case names what must be said
// and what must not.
func TestClockWords(t *testing.T) {
	few, busy := clocked(3, "encode", 50), clocked(3, "encode", 50)
	few.Few, few.Samples, few.Passes = true, few.Samples[:2], few.Passes[:2]
	busy.Busy = true
	noisy := sampleClocks()
	noisy.Reference.Quiet = 60
	noisy.Rows[3].Spread.Halves = 0.2 // of encode
	tests := []struct {
		name     string
		f        *result.File
		say, not string
	}{
		{"dearest and cheapest", sampleClocks(), "At 1,200 entries the dearest operation is merge-others (200 us), then encode (5.00 us); the cheapest is clone (2.00 ns).", ""},
		{"what cannot be told apart", clocksOf(clocked(10, "encode", 50), clocked(10, "decode", 50.01)), "the dearest operation is decode (50.0 ns), not distinguishable from encode (50.0 ns).", "cheapest"},
		{"one operation is not ranked", clocksOf(clocked(10, "encode", 50)), "", "dearest"},
		{"one size has no growth", clocksOf(clocked(10, "encode", 50), clocked(10, "decode", 90)), "", "grows"},
		{"growth", sampleClocks(), "From 3 to 1,200 entries, 400 times as many, the time stays about the same for clone, increment; it is 100 times as long for encode, 667 times as long for merge-others. It grows faster than the entries for merge-others.", ""},
		{"nothing grows", clocksOf(clocked(1, "clone", 2), clocked(10, "clone", 2)), "From 1 to 10 entries, 10.0 times as many, the time stays about the same for clone.", "grows"},
		{"everything grows", clocksOf(clocked(1, "clone", 2), clocked(10, "clone", 8)), "the time is 4.00 times as long for clone.", "stays"},
		{"growth within what times may be off", clocksOf(loose(1, 10), loose(10, 13)), "the time cannot be told apart for clone.", "as long"},
		{"flat by the medians alone", clocksOf(loose(1, 10), loose(10, 10)), "the time cannot be told apart for clone.", "about the same"},
		{"perhaps faster than the entries", clocksOf(loose(1, 10), loose(2, 22)), "the time is 2.20 times as long for clone.", "grows faster"},
		{"cheapest within what times may be off", clocksOf(clocked(10, "encode", 50), clocked(10, "clone", 2), clocked(10, "increment", 2.001)), "; the cheapest is clone (2.00 ns), which cannot be told apart from increment (2.00 ns).", ""},
		{"what allocates", sampleClocks(), "Nothing is allocated by increment, encode. Allocations of one operation: merge-others 4 to 5.", ""},
		{"all allocate", clocksOf(clocked(1, "clone", 2), counted(1, "clone-allocs", "allocs/op", 3)), "Allocations of one operation: clone 3.", "Nothing is allocated"},
		{"bytes", sampleClocks(), "In the encoding an entry takes 39.9 bytes at 3 entries, 27.2 bytes at 1,200 entries. This is exact for these clocks.", ""},
		{"bytes of one size", clocksOf(counted(1, "bytes", "B/entry", 50)), "an entry takes 50.0 bytes at 1 entry. This", ""},
		{"a quiet machine is not called noisy", sampleClocks(), "", "noisy"},
		{"a noisy machine is", noisy, "something else slowed it down during 70 % of the batches", ""},
		{"the spread is named", noisy, "20 % at worst (encode, 3 entries)", "nodes"},
		{"few samples", clocksOf(few, clocked(30, "encode", 60), clocked(30, "clone", 5), clocked(3, "clone", 5)), "Of too few undisturbed samples to be sure: encode.", "All of this"},
		{"few samples everywhere", clocksOf(few, clocked(30, "encode", 60)), "All of this is of too few undisturbed samples to be sure.", ""},
		{"few samples are marked", clocksOf(few, clocked(30, "encode", 60)), "1 of the times come from fewer than three samples", ""},
		{"too few to rank what is far apart", clocksOf(few, clocked(3, "decode", 60), clocked(3, "merge-others", 90)), "; the cheapest is encode (50.0 ns).", ""},
		{"busy rows are named", clocksOf(busy, clocked(30, "encode", 60)), "do not rely on them (encode at 3 entries).", ""},
		{"busy rows are not ranked", clocksOf(busy, clocked(3, "decode", 60)), "decode (60.0 ns), then encode (50.0 ns; too few undisturbed samples to be sure)", "not distinguishable"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := strings.Join(report.Words(tt.f), "\n")
			if !strings.Contains(got, tt.say) {
				t.Errorf("it does not say %q:\n%s", tt.say, got)
			}
			if tt.not != "" && strings.Contains(got, tt.not) {
				t.Errorf("it says %q:\n%s", tt.not, got)
			}
			if strings.Contains(got, "placement") || strings.Contains(got, "lookup") {
				t.Errorf("it speaks of placements:\n%s", got)
			}
		})
	}
}

// table writes a table of a width.
func table(t *testing.T, f *result.File, style report.Style) string {
	t.Helper()
	var b bytes.Buffer
	if err := report.Write(&b, "table", []report.Named{{File: f}}, style); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// The table has a line for each operation and a column for each number of entries,
// and all of them at any width.
func TestClockTable(t *testing.T) {
	f := sampleClocks()
	got := table(t, f, report.Style{Width: 100})
	for _, want := range []string{
		"clocks    actors are UUIDs, counts up to 1,000,000, times within 24 hours (seed 5)\n",
		"operation       3 entries  1,200 entries     +-  allocs\n",
		"increment         10.0 ns        11.0 ns  1.0 %       0  ###\n",
		"encode            50.0 ns        5.00 us  1.0 %       0  ########\n",
		"merge-others       300 ns         200 us  1.0 %  4 to 5  ############\n",
		"clone             2.00 ns        2.00 ns  1.0 %          #\n",
		"bytes an entry       39.9           27.2\n",
		"Less is better in every column.\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("the table lacks %q:\n%s", want, got)
		}
	}
	if strings.Contains(got, "nodes") || strings.Contains(got, "\x1b") || strings.Contains(got, "question mark") {
		t.Errorf("the table speaks of nodes, of marks, or is coloured:\n%s", got)
	}
	if strings.Index(got, "\nbytes an entry") < strings.Index(got, "\nclone ") {
		t.Errorf("the bytes stand among the operations:\n%s", got)
	}
	narrow := table(t, f, report.Style{Width: 40})
	for line := range strings.Lines(narrow) {
		if len(strings.TrimRight(line, "\n")) > 40 && !strings.HasPrefix(line, "clocks ") && !strings.HasPrefix(line, "machine ") {
			t.Errorf("the line %q is too long", line)
		}
	}
	if strings.Contains(narrow, "#") {
		t.Errorf("bars take the room of a table of their own:\n%s", narrow)
	}
	for _, want := range []string{"3 entries", "1,200 entries", "+-", "allocs", "200 us", "4 to 5", "27.2"} {
		if !strings.Contains(narrow, want) {
			t.Errorf("the narrow table lacks %q:\n%s", want, narrow)
		}
	}
	f.Rows[2].Busy, f.Rows[3].Few = true, true // increment and encode
	if marked := table(t, f, report.Style{Width: 100, Color: true}); !strings.Contains(marked, "10.0 ns?") || !strings.Contains(marked, "50.0 ns!") ||
		!strings.Contains(marked, "A question mark means") || !strings.Contains(marked, "\x1b[1mby the number of entries") {
		t.Errorf("marks or colours are missing:\n%s", marked)
	}
}

// Every format says entries where it says nodes of placements.
func TestClockFormats(t *testing.T) {
	f := sampleClocks()
	for format, wants := range map[string][]string{
		"md": {
			"- clocks: actors are UUIDs", "## Time of an operation", "| operation | 3 entries | 3 p99 | 1,200 entries | 1,200 p99 |",
			"| encode | 50.0 ns +- 1.0 % | 150 ns | 5.00 us +- 1.0 % | 15.0 us |",
			"## Allocations of an operation", "| merge-others | 4 | 5 |", "| bytes an entry | 39.9 | 27.2 |", "Nothing is allocated by",
		},
		"html": {
			"<title>ringbench: clocks</title>", "<dt>Clocks</dt>", "<h3>Increment and compare</h3>", "<h3>Merge and clone</h3>",
			"<h3>Encode and decode</h3>", "<h3>Bytes an entry</h3>", `<th scope="col">1,200 entries</th>`,
			"Merge and clone for 2 operations at 3, 1,200 entries. At 1,200 entries the least is 2.00 ns (clone) and the most 200 us (merge-others).",
			"<caption>Allocations of an operation</caption>", ">entries</text>",
		},
		"bench": {
			"pkg: github.com/clusterluck/clusterluck/vectorclock\n", "clocks: actors are", "Unit B/entry better=lower assume=exact\n",
			"BenchmarkClockMergeOthers/algo=vectorclock/entries=1200 10 ", "BenchmarkClockBytes/algo=vectorclock/entries=3 1 39.88 B/entry\n",
			"BenchmarkClockEncodeAllocs/algo=vectorclock/entries=3 1 0 allocs/op\n",
		},
		"json": {`"entries": 1200`, `"clocks": {`},
	} {
		got := write(t, format, f)
		for _, want := range wants {
			if !strings.Contains(got, want) {
				t.Errorf("%s lacks %q:\n%.3000s", format, want, got)
			}
		}
		for _, not := range []string{" nodes", "nodes=", `"nodes"`, "placement", "keys: "} {
			if strings.Contains(got, not) {
				t.Errorf("%s of clocks says %q", format, not)
			}
		}
	}
	rows, err := csv.NewReader(strings.NewReader(write(t, "csv", f))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	last := len(rows[0]) - 1
	if rows[0][last] != "entries" || rows[1][last] != "3" || rows[2][last] != "1200" || rows[1][2] != "" {
		t.Errorf("CSV has the rows %q", rows[:6])
	}
	if rows, err = csv.NewReader(strings.NewReader(write(t, "csv", sample()))).ReadAll(); err != nil || rows[1][2] != "10" || rows[1][last] != "" {
		t.Errorf("CSV of placements has the row %q, %v", rows[1], err)
	}
}

// A single plot shows one operation over the entries.
func TestClockPlot(t *testing.T) {
	files := []report.Named{{Name: "c.json", File: sampleClocks()}}
	if err := report.CheckPlot("clock-encode", files); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := report.WritePlot(&b, "svg", "clock-encode", files); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{">entries</text>", ">1,200</text>", ">vectorclock</text>"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("the plot lacks %q", want)
		}
	}
	if err, want := report.CheckPlot("lookup", files), "use clock-bytes, clock-increment, clock-encode, clock-merge-others, clock-clone, clock-merge-others-allocs"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("CheckPlot of lookups = %v, want %q", err, want)
	}
	for want, f := range map[string]*result.File{
		"clock-encode": sampleClocks(), "clock-clone": clocksOf(clocked(3, "clone", 2), clocked(3, "merge-others", 9)), "lookup": sample(),
	} {
		if got := report.DefaultPlot([]report.Named{{File: f}}); got != want {
			t.Errorf("the plot by default is of %q, want %q", got, want)
		}
	}
}

// Two kinds of clocks in a file are told apart.
func TestSeveralKindsOfClocks(t *testing.T) {
	other := clocked(3, "clone", 7)
	other.Algo = "other-clock"
	f := clocksOf(clocked(3, "clone", 2), other)
	got := table(t, f, report.Style{Width: 100})
	for _, want := range []string{"vectorclock clone    2.00 ns", "other-clock clone    7.00 ns"} {
		if !strings.Contains(got, want) {
			t.Errorf("the table lacks %q:\n%s", want, got)
		}
	}
	if got := write(t, "html", f); !strings.Contains(got, "Merge and clone for 2 operations") {
		t.Error("the page does not plot both")
	}
}
