package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
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
