package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/result"
)

// quick makes a run as short as it can be.
const quick = " --count 1 --time 1ms --patience 0s"

// expect runs a command line and fails unless it exits with code.
func expect(t *testing.T, code int, line string) (stdout, stderr string) {
	t.Helper()
	stdout, stderr, got := ringbench(t, line)
	if got != code {
		t.Fatalf("ringbench %s: exit %d, want %d\nstdout: %s\nstderr: %s", line, got, code, stdout, stderr)
	}
	return stdout, stderr
}

// What does not depend on the machine is pinned word for word.
func TestRunPrintsTheSameNumbersEverywhere(t *testing.T) {
	want, err := os.ReadFile("testdata/run_exact.golden")
	if err != nil && !*updateTranscripts {
		t.Fatal(err)
	}
	path, err := filepath.Abs("testdata/run_exact.golden")
	if err != nil {
		t.Fatal(err)
	}
	workFolder(t)
	stdout, _ := expect(t, 0, "run --algo all --nodes 5,20 --points 40 --keys seq:n=5000 --weights 1,2 --only balance,moved")
	got := regexp.MustCompile(`(?m)^machine .*$`).ReplaceAllString(stdout, "machine   (masked)")
	if *updateTranscripts {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if got != string(want) {
		t.Errorf("printed\n%s\nwant\n%s", got, want)
	}
}

// A whole run, timed: the seed first, a row of the table for each placement, the
// closing words last, and a file that says what was measured on what.
func TestRunMeasuresAndWrites(t *testing.T) {
	workFolder(t)
	stdout, stderr := expect(t, 0, "run --algo ring,jump --nodes 4,8 --keys log.txt --seed 7 -o out.json"+quick+" --keys file:log.txt")
	if !strings.HasPrefix(stdout, "seed      7\n") {
		t.Errorf("the seed is not printed first:\n%s", stdout)
	}
	for _, want := range []string{"\n4 nodes\n", "\n8 nodes\n", "\nring 160 x2 ", "\njump ", "lookup", "+-", "needless", "Fastest lookup: "} {
		if !strings.Contains(stdout, want) {
			t.Errorf("the report lacks %q:\n%s", want, stdout)
		}
	}
	if !strings.Contains(stderr, "wrote out.json") {
		t.Errorf("stderr says %q", stderr)
	}
	f, err := result.Load("out.json")
	if err != nil {
		t.Fatal(err)
	}
	m := f.Machine
	if m.CPU == "" || m.Cores == 0 || m.Go == "" || m.Seed != 7 || m.Command[0] != "ringbench" || !slices.Contains(m.Command, "ring,jump") {
		t.Errorf("machine block %+v", m)
	}
	if f.Keys.Count == 0 || f.Keys.Format == "" || f.Keys.Digest == "" || len(f.Words) == 0 || f.Settings.Passes != 1 || f.Settings.Seconds <= 0 {
		t.Errorf("keys %+v, settings %+v, words %q", f.Keys, f.Settings, f.Words)
	}
	for i := range f.Rows {
		if r := &f.Rows[i]; r.Unit == "" || r.Better == "" || r.Exact == r.Timed() {
			t.Errorf("row %s: %+v", r.Name(), r)
		}
	}
}

// stdout is the answer only: what --output asks for and nothing else.
func TestRunOutputFormats(t *testing.T) {
	workFolder(t)
	line := "run --algo ring --nodes 4 --keys seq:n=500" + quick + " --output "
	stdout, stderr := expect(t, 0, line+"json")
	var f result.File
	if err := json.Unmarshal([]byte(stdout), &f); err != nil || f.Schema != result.Schema {
		t.Errorf("--output json printed %.80q: %v", stdout, err)
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

func TestBudget(t *testing.T) {
	workFolder(t)
	writeFiles(t, map[string]string{
		"kept.json":       `{"limits": [{"metric": "needless-*", "max": 0}, {"algo": "ring", "metric": "peak", "max": 9}]}`,
		"broken.json":     `{"limits": [{"algo": "ring", "metric": "peak", "nodes": 8, "max": 1.0001}]}`,
		"impossible.json": `{"limits": [{"metric": "peak", "max": 0.5}]}`,
		"other.json":      `{"limits": [{"metric": "lookup", "max": 50}]}`,
		"nothing.json":    `{"limits": [{"algo": "jump", "metric": "moved-weight", "max": 50}]}`,
	})
	line := "run --algo ring,jump --nodes 4,8 --keys seq:n=500 --only balance,moved --budget "
	expect(t, 0, line+"kept.json")
	stdout, stderr := expect(t, 8, line+"broken.json")
	if !strings.Contains(stderr, "ring nodes=8 points=160 probes=1 peak: ") || !strings.Contains(stderr, "exceeded by ") {
		t.Errorf("stderr does not say which row and by how much: %q", stderr)
	}
	if !strings.Contains(stdout, "8 nodes") {
		t.Error("the report of a run over its budget is lost")
	}
	if _, stderr := expect(t, 2, line+"impossible.json"); !strings.Contains(stderr, "nothing can meet it") {
		t.Errorf("stderr %q", stderr)
	}
	stdout, stderr = expect(t, 2, line+"other.json")
	if !strings.Contains(stderr, `does not measure metric "lookup"`) || strings.Contains(stdout, "nodes") {
		t.Errorf("a budget of what is not measured: stdout %q, stderr %q", stdout, stderr)
	}
	if _, stderr := expect(t, 8, line+"nothing.json"); !strings.Contains(stderr, "matches no row") {
		t.Errorf("stderr %q", stderr)
	}
}

// A run takes minutes: a file that cannot be written must be found before it,
// and the check may leave nothing behind.
func TestRunChecksItsFileFirst(t *testing.T) {
	workFolder(t)
	if err := os.Mkdir("folder", 0o700); err != nil {
		t.Fatal(err)
	}
	before := folder(t)
	for out, says := range map[string]string{"none/out.json": "no such file or directory", "folder": "it is a directory"} {
		stdout, stderr := expect(t, 1, "run --algo ring --nodes 4 --keys seq:n=500 --only balance -o "+out)
		if stdout != "" || !strings.Contains(stderr, "write "+out+": "+says) {
			t.Errorf("-o %s: stdout %q, stderr %q", out, stdout, stderr)
		}
	}
	expect(t, 2, "run --keys nowhere -o out.json") // the check passes, the run fails
	if after := folder(t); after != before {
		t.Errorf("left %s, before %s", after, before)
	}
}

// If the file cannot be written after the run all the same, neither the report
// nor the verdict of the budget may be lost.
func TestLateWriteErrorKeepsReportAndVerdict(t *testing.T) {
	workFolder(t)
	writeFiles(t, map[string]string{
		"kept.json":   `{"limits": [{"algo": "ring", "metric": "peak", "max": 9}]}`,
		"broken.json": `{"limits": [{"algo": "ring", "metric": "peak", "max": 1.0001}]}`,
	})
	for limits, verdict := range map[string]string{"kept.json": "kept.json: every limit holds", "broken.json": "1 limit broken"} {
		if err := os.Mkdir("gone", 0o700); err != nil {
			t.Fatal(err)
		}
		calls := 0
		now := func() time.Time {
			if calls++; calls == 2 { // the end of the measurements
				if err := os.Remove("gone"); err != nil {
					t.Error(err)
				}
			}
			return time.Now()
		}
		var stdout, stderr bytes.Buffer
		e := &env{
			stdin: strings.NewReader(""), stdout: &stdout, stderr: &stderr, getenv: os.Getenv, now: now,
			args: strings.Fields("run --algo ring --probes 1 --nodes 4 --keys seq:n=500 --only balance -o gone/out.json --budget " + limits),
		}
		if code := e.run(t.Context()); code != 1 {
			t.Errorf("%s: exit %d, want 1", limits, code)
		}
		for text, in := range map[string]string{"ring 160": stdout.String(), verdict: stderr.String(), "write gone/out.json: no such file": stderr.String()} {
			if !strings.Contains(in, text) {
				t.Errorf("%s: %q is lost; printed %q", limits, text, in)
			}
		}
	}
}

// A report that cannot be made must leave the one that is there.
func TestFailedReportKeepsTheOldOne(t *testing.T) {
	workFolder(t)
	writeFiles(t, map[string]string{"report.html": "old", "new.json": `{"schema": "ringbench-result/2.0"}`})
	for _, line := range []string{
		"report wrong.json -o report.html", "report new.json -o report.html", "report result_a.json none.json -o report.html",
		"report result_a.json --plot latency --output svg -o report.html",
	} {
		if _, _, code := ringbench(t, line); code == 0 {
			t.Errorf("ringbench %s: exit 0", line)
		}
		if got, err := os.ReadFile("report.html"); err != nil || string(got) != "old" {
			t.Errorf("after ringbench %s the report holds %q, %v", line, got, err)
		}
	}
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".tmp") {
			t.Errorf("%s was left behind", e.Name())
		}
	}
}

func TestTune(t *testing.T) {
	workFolder(t)
	stdout, _ := expect(t, 0, "tune --nodes 6 --peak 1.3 --keys uuid:n=5000 --probes 1,2 --patience 0s")
	if !strings.HasPrefix(stdout, "seed      1\n") || !strings.Contains(stdout, "\n->  ") || !strings.Contains(stdout, "Cheapest by time: ") {
		t.Errorf("printed\n%s", stdout)
	}
	var rep tuneReport
	stdout, _ = expect(t, 0, "tune --nodes 6 --peak 1.3 --keys uuid:n=5000 --probes 1,2 --patience 0s --prefer memory --output json")
	if err := json.Unmarshal([]byte(stdout), &rep); err != nil {
		t.Fatal(err)
	}
	if rep.Best == nil || rep.Best.Worst > 1.3 || rep.Best.Bytes == 0 || rep.Best.Lookup == 0 || len(rep.Candidates) != 2 {
		t.Errorf("report %+v", rep)
	}
	for _, c := range rep.Candidates {
		if c.Reached && c.Bytes < rep.Best.Bytes {
			t.Errorf("%+v needs less memory than the best %+v", c, rep.Best)
		}
	}
	stdout, stderr := expect(t, 8, "tune --nodes 6 --peak 1.0001 --keys uuid:n=300 --patience 0s --probes 1 --max-points 16")
	if !strings.Contains(stdout, "too few or too uneven") || !strings.Contains(stderr, "no setting reaches a peak of 1.0001") {
		t.Errorf("stdout %s\nstderr %s", stdout, stderr)
	}
}

func TestInterrupt(t *testing.T) {
	workFolder(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out, errs bytes.Buffer
	e := &env{
		stdin: strings.NewReader(""), stdout: &out, stderr: &errs, getenv: os.Getenv, now: time.Now,
		args: []string{"run", "--keys", "seq:n=100", "-o", "out.json"},
	}
	if code := e.run(ctx); code != 130 {
		t.Errorf("exit %d, want 130; stderr %s", code, errs.String())
	}
	if _, err := os.Stat("out.json"); err == nil {
		t.Error("an interrupted run left a file")
	}
}

func TestCompletions(t *testing.T) {
	workFolder(t)
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		if stdout, _ := expect(t, 0, "completion "+shell); !strings.Contains(stdout, "ringbench") {
			t.Errorf("completion %s printed %.80q", shell, stdout)
		}
	}
	if stdout, _ := expect(t, 0, "version"); !strings.HasPrefix(stdout, "ringbench ") || !strings.Contains(stdout, "go1.") {
		t.Errorf("version printed %q", stdout)
	}
}
