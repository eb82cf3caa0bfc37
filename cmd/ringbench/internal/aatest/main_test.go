package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/compare"
)

// Most rows of a round can hide that one setting is never shown: each has a line
// of its own. Exact numbers are no times that could not be judged.
func TestKeptResultsAreJudgedBySetting(t *testing.T) {
	dir := t.TempDir()
	for name, from := range map[string]string{
		"a1": "a", "b1": "a", "s1": "b", // b has one slower lookup
		"a2": "a", "b2": "a", "s2": "a",
	} {
		data, err := os.ReadFile("../../testdata/in/result_" + from + ".json")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name+".json"), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var stdout, stderr bytes.Buffer
	if code := run(t.Context(), []string{"-from", dir, "-pairs", "2"}, &stdout, &stderr); code != 8 {
		t.Errorf("exit %d, want 8: %s", code, stderr.String())
	}
	text := strings.Join(strings.Fields(stdout.String()), " ")
	for _, want := range []string{
		"ring nodes=100 points=160 probes=1 lookup shown in 1 of 2; its limit was 2.3 to 2.3 %",
		"ring nodes=10 points=160 probes=1 lookup shown in 0 of 2;",
		"equal code: 0 of 2 pairs",
		"mostly because the machine was busy: 0",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("it does not print %q:\n%s", want, stdout.String())
		}
	}
	if strings.Contains(text, "build shown") {
		t.Error("builds are no slower by design, and were counted")
	}
}

// What compare would not judge is measured again; what it judges is not, however
// it came out.
func TestOnlyRoundsThatCannotBeJudgedAreRepeated(t *testing.T) {
	rows := func(whys ...string) *compare.Result {
		c := &compare.Result{Rows: []compare.Row{{Metric: "build", Why: "busy"}, {Metric: "peak", Exact: true}}}
		for _, why := range whys {
			c.Rows = append(c.Rows, compare.Row{Metric: "lookup", Why: why, Verdict: compare.Same})
		}
		return c
	}
	for _, tt := range []struct {
		same, slow *compare.Result
		want       bool
	}{
		{rows("", "", ""), rows("", "", ""), false},
		{rows("", "busy", ""), rows("busy", "", ""), false},
		{rows("", "", ""), rows("busy", "busy", ""), true},
		{rows("busy", "busy", ""), rows("", "", ""), true},
	} {
		r := round{tt.same, tt.slow}
		if got := r.busy(); got != tt.want {
			t.Errorf("%v: busy %v, want %v", r, got, tt.want)
		}
	}
}
