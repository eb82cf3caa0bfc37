package main

import (
	"bytes"
	"strings"
	"testing"
)

// The output is pinned whole: it changes only if the placement of keys does,
// and that must never change.
func TestRun(t *testing.T) {
	const want = `499 keys on 4 nodes
  ams-1     150 keys, 30.1 %; of all keys there are, 27.5 %
  ams-2     113 keys, 22.6 %; of all keys there are, 22.8 %
  fra-1     140 keys, 28.1 %; of all keys there are, 27.5 %
  fra-2      96 keys, 19.2 %; of all keys there are, 22.2 %
fra-1 leaves
  fra-1 -> ams-2   52 keys
  fra-1 -> fra-2   46 keys
  fra-1 -> ams-1   42 keys
140 keys move, 28.1 %; of all keys there are, 27.5 %
140 of them went to the node that had come second for them, 0 were not fra-1's
`
	var out, errs bytes.Buffer
	if code := run([]string{"-leave", "fra-1", "keys.txt"}, nil, &out, &errs); code != 0 {
		t.Fatalf("exit %d: %s", code, errs.String())
	}
	if out.String() != want {
		t.Errorf("printed\n%s\nwant\n%s", out.String(), want)
	}
}

func TestRunRefuses(t *testing.T) {
	tests := []struct {
		name  string
		args  []string
		stdin string
		code  int
		says  string
	}{
		{"no file", []string{"-leave", "a"}, "", 2, "usage"},
		{"no node that leaves", []string{"keys.txt"}, "", 2, "usage"},
		{"an unknown flag", []string{"-x"}, "", 2, "-x"},
		{"a missing file", []string{"-leave", "a", "no.txt"}, "", 1, "no.txt"},
		{"an empty file", []string{"-leave", "a", "-"}, "\n \n", 1, "no keys"},
		{"an unknown node", []string{"-leave", "x", "-"}, "k\n", 1, `"x" is not among ams-1`},
		{"the last node", []string{"-nodes", "a", "-leave", "a", "-"}, "k\n", 1, "no node would be left"},
		{"a node given twice", []string{"-nodes", "a,a", "-leave", "a", "-"}, "k\n", 1, "duplicate id"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var out, errs bytes.Buffer
			if code := run(tt.args, strings.NewReader(tt.stdin), &out, &errs); code != tt.code {
				t.Errorf("exit %d, want %d", code, tt.code)
			}
			if !strings.Contains(errs.String(), tt.says) {
				t.Errorf("said %q, want %q in it", errs.String(), tt.says)
			}
			if out.Len() > 0 {
				t.Errorf("printed %q on stdout", out.String())
			}
		})
	}
}
