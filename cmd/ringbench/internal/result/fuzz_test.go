package result_test

import (
	"bytes"
	"io"
	"testing"

	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/compare"
	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/report"
	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/result"
)

// FuzzRead feeds altered results to the reader. What it accepts must become a
// report in every format, a plot of every metric that promises one, and a
// comparison with itself that calls nothing different: none may panic or fail.
func FuzzRead(f *testing.F) {
	for _, change := range []func(*result.File){
		func(*result.File) {},
		func(f *result.File) { f.Rows[0].Batch = nil },
		func(f *result.File) { f.Rows[0].Spread = nil },
		func(f *result.File) { f.Rows[1].Nodes, f.Rows[1].Metric = 0, "lookup" },
		func(f *result.File) { f.Rows[1].Metric = "-x" },
		func(f *result.File) { f.Rows[1].Value = 5e-324 },
		func(f *result.File) { f.Rows[0].Value, f.Rows[0].High = 1e18, 1e18 },
		func(f *result.File) { f.Rows[1].Nodes, f.Rows[1].Metric = 1000, "lookup" },
		func(f *result.File) { f.Rows = nil },
	} {
		file := file()
		change(file)
		var b bytes.Buffer
		if err := file.Write(&b); err != nil {
			f.Fatal(err)
		}
		f.Add(b.Bytes())
	}

	for _, change := range []func(*result.File){
		func(*result.File) {},
		func(f *result.File) { f.Rows[0].Metric, f.Rows[1].Metric = "bytes", "clock-bytes" },
		func(f *result.File) { f.Rows[1].Entries, f.Rows[1].Metric = 1000, "clock-encode" },
		func(f *result.File) { f.Rows = f.Rows[1:] },
		func(f *result.File) { f.Rows = nil },
	} {
		file := clocks()
		change(file)
		var b bytes.Buffer
		if err := file.Write(&b); err != nil {
			f.Fatal(err)
		}
		f.Add(b.Bytes())
	}

	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := result.Read(bytes.NewReader(data))
		if err != nil {
			return
		}
		named := []report.Named{{Name: "fuzz.json", File: file}}
		for _, format := range append(report.Formats(), "html") {
			if err := report.Write(io.Discard, format, named, report.Style{}); err != nil {
				t.Errorf("%s: %v", format, err)
			}
		}
		for i := range file.Rows {
			metric := file.Rows[i].Metric
			if report.CheckPlot(metric, named) != nil {
				continue
			}
			if err := report.WritePlot(io.Discard, "svg", metric, named); err != nil {
				t.Errorf("plot of %s: %v", metric, err)
			}
		}
		if len(file.Rows) == 0 {
			return
		}
		res, err := compare.Files(file, file)
		if err != nil {
			t.Fatalf("compare with itself: %v", err)
		}
		for _, r := range res.Rows {
			if r.Verdict != compare.Same {
				t.Errorf("%s %s differs from itself: %+v", r.Config, r.Metric, r)
			}
		}
	})
}
