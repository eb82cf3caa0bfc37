package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/result"
)

// A whole run: the seed first, a line of the table for each operation, the closing
// words last, and a file that says what was measured on what.
func TestClockMeasuresAndWrites(t *testing.T) {
	workFolder(t)
	stdout, stderr := expect(t, 0, "clock --entries 3,1e2 --seed 7 -o out.json"+quick)
	if !strings.HasPrefix(stdout, "seed      7\n") {
		t.Errorf("the seed is not printed first:\n%s", stdout)
	}
	for _, want := range []string{
		"(seed 7)\n", "\noperation ", "  3 entries", "  100 entries", "\nincrement ", "\ncompare-concurrent ", "\nmerge-others ", "\nclone-write ",
		"\ndecode ", "\nbytes an entry ", "+-", "allocs", "At 100 entries the dearest operation is ", "From 3 to 100 entries, 33.3 times as many",
		"Nothing is allocated by ", "In the encoding an entry takes ", "fewer than three samples",
	} {
		if !strings.Contains(strings.Join(strings.Fields(stdout), " "), strings.Join(strings.Fields(want), " ")) {
			t.Errorf("the report lacks %q:\n%s", want, stdout)
		}
	}
	if strings.Contains(stdout, "nodes") || strings.Contains(stdout, "keys") {
		t.Errorf("the report speaks of nodes or keys:\n%s", stdout)
	}
	if !strings.Contains(stderr, "wrote out.json") {
		t.Errorf("stderr says %q", stderr)
	}
	f, err := result.Load("out.json")
	if err != nil {
		t.Fatal(err)
	}
	if m := f.Machine; m.CPU == "" || m.Cores == 0 || m.Go == "" || m.Seed != 7 || !slices.Equal(m.Command[:2], []string{"ringbench", "clock"}) {
		t.Errorf("machine block %+v", m)
	}
	if f.Clocks == nil || f.Clocks.Digest == "" || f.Clocks.CountMax != 1_000_000 || f.Clocks.Span != 24*time.Hour || f.Clocks.Actors != "UUID" {
		t.Errorf("clocks block %+v", f.Clocks)
	}
	if len(f.Words) == 0 || f.Settings.Passes != 1 || f.Settings.Time != time.Millisecond || f.Settings.Seconds <= 0 || len(f.Rows) != 2*21 {
		t.Errorf("settings %+v, words %q, %d rows", f.Settings, f.Words, len(f.Rows))
	}
	// What was written is what compare and report work on.
	if stdout, _ := expect(t, 0, "compare --all out.json out.json"); !strings.Contains(stdout, "vectorclock entries=100 clock-encode ") || strings.Contains(stdout, "worse") {
		t.Errorf("compared with itself:\n%s", stdout)
	}
	if stdout, _ := expect(t, 0, "report out.json --output bench"); !strings.Contains(stdout, "BenchmarkClockEncode/algo=vectorclock/entries=100 ") {
		t.Errorf("as a benchmark:\n%s", stdout)
	}
}

func TestClockOutputFormats(t *testing.T) {
	workFolder(t)
	line := "clock --entries 4 --only clone" + quick + " --output "
	stdout, stderr := expect(t, 0, line+"json")
	var f result.File
	if err := json.Unmarshal([]byte(stdout), &f); err != nil || f.Schema != result.Schema {
		t.Errorf("--output json printed %.80q: %v", stdout, err)
	}
	var got []string
	for i := range f.Rows {
		got = append(got, f.Rows[i].Name())
	}
	want := []string{
		"vectorclock entries=4 clock-clone", "vectorclock entries=4 clock-clone-allocs",
		"vectorclock entries=4 clock-clone-write", "vectorclock entries=4 clock-clone-write-allocs",
	}
	if !slices.Equal(got, want) {
		t.Errorf("--only clone measures %q, want %q", got, want)
	}
	if !strings.HasPrefix(stderr, "ringbench: seed 1\n") {
		t.Errorf("the seed is not the first of stderr: %q", stderr)
	}
	for output, start := range map[string]string{"csv": "file,algo,", "md": "# ringbench\n", "bench": "goos: "} {
		if stdout, _ := expect(t, 0, line+output); !strings.HasPrefix(stdout, start) {
			t.Errorf("--output %s printed %.80q", output, stdout)
		}
	}
}

func TestClockBudget(t *testing.T) {
	workFolder(t)
	writeFiles(t, map[string]string{
		"kept.json":       `{"limits": [{"metric": "clock-compare-*-allocs", "max": 0}, {"algo": "vectorclock", "metric": "clock-bytes", "entries": 8, "max": 99}]}`,
		"broken.json":     `{"limits": [{"metric": "clock-bytes", "entries": 8, "max": 9}]}`,
		"impossible.json": `{"limits": [{"metric": "clock-encode", "max": 0}]}`,
		"other.json":      `{"limits": [{"metric": "lookup", "max": 50}]}`,
		"size.json":       `{"limits": [{"metric": "clock-bytes", "entries": 10, "max": 50}]}`,
		"nodes.json":      `{"limits": [{"metric": "clock-bytes", "nodes": 8, "max": 50}]}`,
		"nothing.json":    `{"limits": [{"metric": "clock-compare-concurrent", "entries": 1, "max": 50}]}`,
	})
	line := "clock --entries 1,8 --only encode,compare" + quick + " --budget "
	expect(t, 0, line+"kept.json")
	stdout, stderr := expect(t, 8, line+"broken.json")
	if !strings.Contains(stderr, "vectorclock entries=8 clock-bytes: ") || !strings.Contains(stderr, "exceeded by ") || strings.Contains(stderr, "entries=1 ") {
		t.Errorf("stderr does not say which row and by how much: %q", stderr)
	}
	if !strings.Contains(stdout, "8 entries") {
		t.Error("the report of a run over its budget is lost")
	}
	for file, says := range map[string]string{
		"impossible.json": "nothing can meet it",
		"other.json":      `does not measure metric "lookup"; it measures clock-compare-equal, `,
		"size.json":       "does not measure 10 entries; it measures [1 8]",
		"nodes.json":      "does not measure 8 nodes; clocks have no nodes: use entries",
	} {
		if stdout, stderr := expect(t, 2, line+file); !strings.Contains(stderr, says) || stdout != "" {
			t.Errorf("%s: stdout %q, stderr %q, want %q", file, stdout, stderr, says)
		}
	}
	if _, stderr := expect(t, 8, line+"nothing.json"); !strings.Contains(stderr, "matches no row") {
		t.Errorf("stderr %q", stderr)
	}
}

// Clocks of another seed are others; whether they are slower is not known.
func TestCompareOfOtherClocks(t *testing.T) {
	workFolder(t)
	line := "clock --entries 4 --only encode" + quick
	expect(t, 0, line+" -o one.json")
	expect(t, 0, line+" -o two.json --seed 2")
	stdout, _ := expect(t, 0, "compare --all one.json two.json")
	if n := strings.Count(stdout, "~ (other clocks)"); n != 3 || !strings.Contains(stdout, "The files are of different clocks") {
		t.Errorf("%d of 3 rows are of other clocks:\n%s", n, stdout)
	}
	if _, stderr := expect(t, 2, "compare one.json result_a.json"); !strings.Contains(stderr, "share no row") {
		t.Errorf("stderr %q", stderr)
	}
}

// What is set for all commands and meant for run must not reach clock, and what is
// set for clock must.
func TestSettingsOfClock(t *testing.T) {
	workFolder(t)
	writeFiles(t, map[string]string{
		"run.json":    `{"limits": [{"metric": "lookup", "max": 50}]}`,
		"config.json": `{"only": "memory", "clock": {"entries": [5, 7], "only": ["clone", "encode"]}}`,
		"bad.json":    `{"clock": {"only": "memory"}}`,
	})
	t.Setenv("RINGBENCH_ONLY", "memory")
	t.Setenv("RINGBENCH_BUDGET", "run.json")
	t.Setenv("RINGBENCH_NODES", "3")
	line := "clock --config config.json" + quick
	stdout, stderr := expect(t, 0, line)
	if stderr != "" || !strings.Contains(stdout, "5 entries  7 entries") || !strings.Contains(stdout, "\nclone ") || !strings.Contains(stdout, "\nencode ") || strings.Contains(stdout, "\nincrement ") {
		t.Errorf("stderr %q, printed\n%s", stderr, stdout)
	}
	t.Setenv("RINGBENCH_CLOCK_ENTRIES", "6")
	if stdout, _ := expect(t, 0, line); !strings.Contains(stdout, "6 entries") || strings.Contains(stdout, "7 entries") {
		t.Errorf("the environment of clock does not beat its section:\n%s", stdout)
	}
	if stdout, _ := expect(t, 0, line+" --entries 9"); !strings.Contains(stdout, "9 entries") || strings.Contains(stdout, "6 entries") {
		t.Errorf("a flag does not beat the environment:\n%s", stdout)
	}
	if _, stderr := expect(t, 2, "clock --config bad.json"); !strings.Contains(stderr, `no metrics are called "memory"`) {
		t.Errorf("stderr %q", stderr)
	}
	t.Setenv("RINGBENCH_CLOCK_BUDGET", "run.json")
	if _, stderr := expect(t, 2, line); !strings.Contains(stderr, `does not measure metric "lookup"`) {
		t.Errorf("stderr %q", stderr)
	}
}

func TestInterruptedClockLeavesNoFile(t *testing.T) {
	workFolder(t)
	before := folder(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out, errs bytes.Buffer
	e := &env{
		stdin: strings.NewReader(""), stdout: &out, stderr: &errs, getenv: os.Getenv, now: time.Now,
		args: strings.Fields("clock --count 1000 --time 1h -o out.json"),
	}
	if code := e.run(ctx); code != 130 {
		t.Errorf("exit %d, want 130; stderr %s", code, errs.String())
	}
	if after := folder(t); after != before {
		t.Errorf("left %s, before %s", after, before)
	}
}

// A result of clocks is as good as one of placements wherever results go.
func TestReportsOfClocks(t *testing.T) {
	workFolder(t)
	for name, want := range map[string]string{
		"c.html": "<h3>Merge and clone</h3>", "c.md": "## Time of an operation", "c.csv": ",clock-encode,",
		"c.bench": "BenchmarkClockEncode/", "c.json": `"clocks": {`,
	} {
		expect(t, 0, "report clock_a.json -o "+name)
		text, err := os.ReadFile(name)
		if err != nil || !strings.Contains(string(text), want) || strings.Contains(string(text), "placement") {
			t.Errorf("%s lacks %q, or speaks of placements, %v:\n%.2000s", name, want, err, text)
		}
	}
	expect(t, 0, "report clock_a.json --plot clock-encode -o c.png")
	if svg, _ := expect(t, 0, "report clock_a.json --output svg"); !strings.Contains(svg, ">clock-encode</text>") {
		t.Errorf("the plot of clocks is not of clock-encode unless told:\n%.2000s", svg)
	}
	both, _ := expect(t, 0, "report clock_a.json result_a.json --output md")
	if !strings.Contains(both, "## Time of an operation") || !strings.Contains(both, "## 100 nodes") {
		t.Errorf("a report of both kinds lacks one:\n%s", both)
	}
}
