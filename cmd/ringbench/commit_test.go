package main

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// A result says which source it was measured on, and never that of a folder
// where the command happens to run.
func TestCheckedOut(t *testing.T) {
	ours, other := t.TempDir(), t.TempDir()
	if err := os.MkdirAll(filepath.Join(ours, "cmd", "ringbench"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(ours, "cmd", "ringbench", "go.mod"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	none := errors.New("no git")
	tests := []struct {
		name, top, commit, changes string
		topErr, statusErr          error
		want                       string
	}{
		{"clean", ours, "abc", "", nil, nil, "abc"},
		{"changed files", ours, "abc", " M run.go", nil, nil, "abc+changes"},
		{"unknown whether changed", ours, "abc", "", nil, none, "abc+changes"},
		{"another project", other, "abc", "", nil, nil, ""},
		{"no git", "", "", "", none, none, ""},
		{"no commit yet", ours, "", "", nil, nil, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := checkedOut(func(args ...string) (string, error) {
				switch {
				case args[0] == "status":
					return tt.changes, tt.statusErr
				case args[1] == "HEAD":
					return tt.commit, nil
				default:
					return tt.top, tt.topErr
				}
			})
			if got != tt.want {
				t.Errorf("checkedOut = %q, want %q", got, tt.want)
			}
		})
	}
}
