package result_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/result"
)

func file() *result.File {
	return &result.File{
		Schema:    result.Schema,
		Machine:   result.Machine{CPU: "test", Cores: 2, Command: []string{"ringbench", "run"}, Seed: 7},
		Reference: result.Reference{Best: 1.5, Median: 1.6, Batches: 10, Quiet: 9},
		Rows: []result.Row{
			{
				Algo: "ring", Nodes: 10, Points: 160, Probes: 1, Metric: "lookup", Unit: "ns/op", Better: "lower", Value: 20,
				Low: 19, High: 21, Confidence: 0.95, Samples: []float64{19, 20, 21}, Passes: []int{0, 0, 1},
				Spread: &result.Spread{Twins: 0.01, Halves: 0.02, Error: 0.03}, Batch: &result.Batch{Count: 30, Quiet: 30, P99: 25},
			},
			{Algo: "ring", Nodes: 10, Points: 160, Probes: 1, Metric: "peak", Unit: "x mean", Better: "lower", Value: 1.1, Exact: true},
		},
	}
}

// clocks is a result of ringbench clock.
func clocks() *result.File {
	f := file()
	f.Keys = result.Keys{}
	f.Clocks = &result.Clocks{Actors: "UUID", CountMax: 1000, Span: time.Hour, Digest: "d"}
	for i, metric := range []string{"clock-encode", "clock-encode-allocs"} {
		r := &f.Rows[i]
		r.Algo, r.Nodes, r.Points, r.Probes, r.Entries, r.Metric = "vectorclock", 0, 0, 0, 10, metric
	}
	return f
}

func written(t *testing.T, f *result.File) string {
	t.Helper()
	var b bytes.Buffer
	if err := f.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestReadReturnsWhatWriteWrote(t *testing.T) {
	for _, want := range []*result.File{file(), clocks()} {
		text := written(t, want)
		got, err := result.Read(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("read %+v, want %+v", got, want)
		}
		// Neither kind has fields of the other.
		if of := want.Clocks != nil; strings.Contains(text, `"entries"`) != of || strings.Contains(text, `"clocks"`) != of || strings.Contains(text, `"nodes"`) == of {
			t.Errorf("wrote %s", text)
		}
	}
}

// JSON only ever grows: a file of a later minor version must be read.
func TestReadAcceptsAddedFields(t *testing.T) {
	later := strings.Replace(written(t, file()), `"schema": "`+result.Schema+`"`, `"schema": "ringbench-result/1.9", "mood": "sunny"`, 1)
	if _, err := result.Read(strings.NewReader(later)); err != nil {
		t.Errorf("Read of a later minor version = %v", err)
	}
}

func TestReadRefuses(t *testing.T) {
	edit := func(change func(*result.File)) func(t *testing.T) string {
		return func(t *testing.T) string {
			f := file()
			change(f)
			return written(t, f)
		}
	}
	ofClocks := func(change func(*result.File)) func(t *testing.T) string {
		return func(t *testing.T) string {
			f := clocks()
			change(f)
			return written(t, f)
		}
	}
	verbatim := func(s string) func(*testing.T) string { return func(*testing.T) string { return s } }
	tests := []struct {
		name string
		text func(t *testing.T) string
		want error
		says string
	}{
		{"no JSON", verbatim("seed 1\n"), result.ErrCorrupt, "invalid character"},
		{"empty file", verbatim(""), result.ErrCorrupt, "unexpected end"},
		{"half a file", func(t *testing.T) string { return written(t, file())[:200] }, result.ErrCorrupt, "unexpected end"},
		{"another JSON", verbatim(`{"nodes": []}`), result.ErrCorrupt, `schema ""`},
		{"a later major version", edit(func(f *result.File) { f.Schema = "ringbench-result/2.0" }), result.ErrSchema, "this version reads ringbench-result/1.1"},
		{"a text for a number", verbatim(`{"schema": "ringbench-result/1.0", "rows": [{"value": "x"}]}`), result.ErrCorrupt, "cannot unmarshal"},
		{"the same row twice", edit(func(f *result.File) { f.Rows[1] = f.Rows[0] }), result.ErrCorrupt, "comes twice"},
		{"a row without a unit", edit(func(f *result.File) { f.Rows[0].Unit = "" }), result.ErrCorrupt, "row 1: unit is missing"},
		{"no direction", edit(func(f *result.File) { f.Rows[1].Better = "up" }), result.ErrCorrupt, `better is "up"`},
		{"samples without passes", edit(func(f *result.File) { f.Rows[0].Passes = nil }), result.ErrCorrupt, "3 samples of 0 passes"},
		{"a time of 0", edit(func(f *result.File) { f.Rows[0].Samples[1] = 0 }), result.ErrCorrupt, "a time is above 0"},
		{"a row of no nodes", edit(func(f *result.File) { f.Rows[1].Nodes = 0 }), result.ErrCorrupt, "row 2: nodes is 0"},
		{"negative entries", ofClocks(func(f *result.File) { f.Rows[1].Entries = -1 }), result.ErrCorrupt, "row 2: entries is -1"},
		{"a clock with nodes", ofClocks(func(f *result.File) { f.Rows[1].Nodes = 3 }), result.ErrCorrupt, "row 2: entries is 10 beside nodes"},
		{"a clock with points", ofClocks(func(f *result.File) { f.Rows[1].Points = 3 }), result.ErrCorrupt, "row 2: entries is 10 beside nodes"},
		{"a clock with weights", ofClocks(func(f *result.File) { f.Rows[1].Weights = "1,2" }), result.ErrCorrupt, "row 2: entries is 10 beside nodes"},
		{"a placement among clocks", ofClocks(func(f *result.File) { f.Rows[1].Entries, f.Rows[1].Nodes = 0, 3 }), result.ErrCorrupt, "row 2: it is of nodes"},
		{"a clock among placements", edit(func(f *result.File) { f.Rows[1] = clocks().Rows[1] }), result.ErrCorrupt, "row 2: it is of entries"},
		{"clocks of which nothing is said", ofClocks(func(f *result.File) { f.Clocks = nil }), result.ErrCorrupt, "row 1: it is of entries"},
		{"actors that would steer a terminal", ofClocks(func(f *result.File) { f.Clocks.Actors = "\x1b[2J" }), result.ErrCorrupt, `actors of clocks "\x1b[2J"`},
		{"negative points", edit(func(f *result.File) { f.Rows[1].Points = -1 }), result.ErrCorrupt, "row 2: points is -1"},
		{"a metric that begins with a dash", edit(func(f *result.File) { f.Rows[1].Metric = "-x" }), result.ErrCorrupt, `row 2: metric "-x"`},
		{"a metric with two dashes", edit(func(f *result.File) { f.Rows[1].Metric = "a--b" }), result.ErrCorrupt, `metric "a--b"`},
		{"a metric that ends in a dash", edit(func(f *result.File) { f.Rows[1].Metric = "a-" }), result.ErrCorrupt, `metric "a-"`},
		{"an algorithm of two words", edit(func(f *result.File) { f.Rows[1].Algo = "a b" }), result.ErrCorrupt, `algo "a b"`},
		{"a unit of two lines", edit(func(f *result.File) { f.Rows[1].Unit = "a\nb" }), result.ErrCorrupt, `unit "a\nb"`},
		{"a time without batch", edit(func(f *result.File) { f.Rows[0].Batch = nil }), result.ErrCorrupt, `lookup": samples without batch`},
		{"a time without spread", edit(func(f *result.File) { f.Rows[0].Spread = nil }), result.ErrCorrupt, `lookup": samples without spread`},
		{"a batch of nothing", edit(func(f *result.File) { f.Rows[0].Batch.Count, f.Rows[0].Batch.Quiet = 0, 0 }), result.ErrCorrupt, "batch: 0 quiet of 0"},
		{"a median of 0", edit(func(f *result.File) { f.Rows[0].Value, f.Rows[0].Low = 0, 0 }), result.ErrCorrupt, "value is 0; a time is above 0"},
		{"a time that may be 0", edit(func(f *result.File) { f.Rows[0].Low = 0 }), result.ErrCorrupt, "low is 0; a time is above 0"},
		{"a median outside its interval", edit(func(f *result.File) { f.Rows[0].High = 1 }), result.ErrCorrupt, "not between low 19 and high 1"},
		{"a negative spread", edit(func(f *result.File) { f.Rows[0].Spread.Twins = -1 }), result.ErrCorrupt, "twins of spread is -1"},
		{"a number too small for a logarithm", edit(func(f *result.File) { f.Rows[1].Value = 5e-324 }), result.ErrCorrupt, "value is 5e-324"},
		{"a number too large to add to", edit(func(f *result.File) { f.Rows[1].Value = 1e308 }), result.ErrCorrupt, "value is 1e+308"},
		{"a negative number", edit(func(f *result.File) { f.Rows[1].Value = -1 }), result.ErrCorrupt, "value is -1"},
		{"infinity", func(t *testing.T) string {
			return strings.Replace(written(t, file()), `"value": 1.1`, `"value": 1e999`, 1)
		}, result.ErrCorrupt, "cannot unmarshal number 1e999"},
		{"times without a reference", edit(func(f *result.File) { f.Reference.Best = 0 }), result.ErrCorrupt, "reference"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := result.Read(strings.NewReader(tt.text(t)))
			if !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("Read = %v, want %v that says %q", err, tt.want, tt.says)
			}
		})
	}
}

func TestLoadNamesTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "old.json")
	if _, err := result.Load(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Load of no file = %v, want fs.ErrNotExist", err)
	}
	if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := result.Load(path); !errors.Is(err, result.ErrCorrupt) || !strings.Contains(err.Error(), path) {
		t.Errorf("Load of no result = %v, want ErrCorrupt with the path", err)
	}
}

func TestRowNames(t *testing.T) {
	f := file()
	name := "ring nodes=10 points=160 probes=1 lookup"
	if got := f.Rows[0].Name(); got != name {
		t.Errorf("Name = %q, want %q", got, name)
	}
	r, ok := f.Find(name)
	if !ok || r != &f.Rows[0] {
		t.Errorf("Find(%q) = %v, %v", name, r, ok)
	}
	clock := &clocks().Rows[0]
	if got, want := clock.Name(), "vectorclock entries=10 clock-encode"; got != want {
		t.Errorf("Name = %q, want %q", got, want)
	}
	if clock.Size() != 10 || clock.Sized() != "entries" || f.Rows[0].Size() != 10 || f.Rows[0].Sized() != "nodes" {
		t.Errorf("sizes %d %s and %d %s", clock.Size(), clock.Sized(), f.Rows[0].Size(), f.Rows[0].Sized())
	}
	weighted := result.Row{Algo: "jump", Nodes: 3, Weights: "1,2", Metric: "peak"}
	if got, want := weighted.Name(), "jump nodes=3 weights=1,2 peak"; got != want {
		t.Errorf("Name = %q, want %q", got, want)
	}
}

func TestBusy(t *testing.T) {
	if got := file().Reference.Busy(); got < 0.0999 || got > 0.1001 {
		t.Errorf("Busy = %v, want 0.1", got)
	}
	if got := (result.Reference{}).Busy(); got != 0 {
		t.Errorf("Busy of no batches = %v", got)
	}
}

func TestSort(t *testing.T) {
	rows := []result.Row{
		{Algo: "b", Metric: "peak", Nodes: 10}, {Algo: "a", Metric: "lookup", Nodes: 100},
		{Algo: "b", Metric: "lookup", Nodes: 10}, {Algo: "a", Metric: "lookup", Nodes: 10},
	}
	result.Sort(rows, []string{"lookup", "peak"})
	var got []string
	for _, r := range rows {
		got = append(got, r.Name())
	}
	want := "b nodes=10 lookup|a nodes=10 lookup|a nodes=100 lookup|b nodes=10 peak"
	if strings.Join(got, "|") != want {
		t.Errorf("Sort = %s, want %s", strings.Join(got, "|"), want)
	}
}

func TestSortClocks(t *testing.T) {
	rows := []result.Row{{Metric: "b", Entries: 3}, {Metric: "a", Entries: 100}, {Metric: "a", Entries: 20}}
	result.Sort(rows, []string{"a", "b"})
	if rows[0].Entries != 20 || rows[1].Entries != 100 || rows[2].Entries != 3 {
		t.Errorf("Sort = %+v", rows)
	}
}

func TestThisMachine(t *testing.T) {
	m := result.ThisMachine([]string{"ringbench"}, 9)
	if m.CPU == "" || m.Cores < 1 || m.Go == "" || m.OS == "" || m.Arch == "" || m.Seed != 9 {
		t.Errorf("ThisMachine = %+v", m)
	}
}
