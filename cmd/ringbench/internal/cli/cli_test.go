package cli_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/cli"
)

func TestCode(t *testing.T) {
	cause := errors.New("cause")
	tests := []struct {
		name string
		err  error
		want int
	}{
		{"no error", nil, 0},
		{"any other error", cause, 1},
		{"failed", cli.Failedf("x: %w", cause), 1},
		{"usage", cli.Usagef("x: %w", cause), 2},
		{"not found", cli.NotFoundf("x: %w", cause), 5},
		{"budget", cli.BudgetFailed("x: %w", cause), 8},
		{"wrapped once more", fmt.Errorf("while: %w", cli.Usagef("x: %w", cause)), 2},
		{"interrupted, whatever it was called", cli.Usagef("x: %w", context.Canceled), 130},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := cli.Code(tt.err); got != tt.want {
				t.Errorf("Code(%v) = %d, want %d", tt.err, got, tt.want)
			}
			if tt.want != 0 && tt.want != 130 && !errors.Is(tt.err, cause) {
				t.Errorf("%v has lost its cause", tt.err)
			}
			if !strings.Contains(cli.ExitCodes, fmt.Sprintf("\n  %-5d", tt.want)) {
				t.Errorf("the table of exit codes lacks %d", tt.want)
			}
		})
	}
}

func text(s string) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := io.WriteString(w, s)
		return err
	}
}

// files lists the names in a folder, so that a temporary file left behind shows.
func files(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return strings.Join(names, " ")
}

func content(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestWriteFileReplacesWhole(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "report.html")
	for _, want := range []string{"first, which is longer", "second"} {
		if err := cli.WriteFile(path, text(want)); err != nil {
			t.Fatal(err)
		}
		if got := content(t, path); got != want {
			t.Errorf("the file holds %q, want %q", got, want)
		}
	}
	if got := files(t, dir); got != "report.html" {
		t.Errorf("the folder holds %s, want report.html alone", got)
	}
}

// A report that cannot be finished must not cost the user the one before it.
func TestWriteFileKeepsTheOldFileWhenWritingFails(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "report.html")
	if err := cli.WriteFile(path, text("old")); err != nil {
		t.Fatal(err)
	}
	broken := errors.New("broken in the middle")
	err := cli.WriteFile(path, func(w io.Writer) error {
		if _, err := io.WriteString(w, strings.Repeat("half", 1<<16)); err != nil {
			return err
		}
		return broken
	})
	if !errors.Is(err, broken) || !strings.Contains(err.Error(), path) {
		t.Errorf("WriteFile = %v, want the cause and the name of the file", err)
	}
	if got := content(t, path); got != "old" {
		t.Errorf("the file holds %q, want what it held before", got)
	}
	if got := files(t, dir); got != "report.html" {
		t.Errorf("the folder holds %s, want report.html alone", got)
	}
}

func TestWriteFileCleansUpWhenWritingPanics(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "out.json")
	if err := cli.WriteFile(path, text("old")); err != nil {
		t.Fatal(err)
	}
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic of the writer was lost")
			}
		}()
		_ = cli.WriteFile(path, func(io.Writer) error { panic("broken promise") })
	}()
	if got := content(t, path); got != "old" {
		t.Errorf("the file holds %q, want what it held before", got)
	}
	if got := files(t, dir); got != "out.json" {
		t.Errorf("the folder holds %s, want out.json alone", got)
	}
}

func TestWriteFileNamesWhatIsWrong(t *testing.T) {
	dir := t.TempDir()
	for _, path := range []string{filepath.Join(dir, "none", "report.html"), dir} {
		err := cli.WriteFile(path, text("x"))
		if err == nil || !strings.HasPrefix(err.Error(), "write "+path+": ") {
			t.Errorf("WriteFile(%s) = %v, want an error that names it", path, err)
		}
		if err != nil && strings.Contains(err.Error(), ".tmp") {
			t.Errorf("the error tells of a temporary file: %v", err)
		}
	}
}

func TestWriteFileKeepsLinksAndModes(t *testing.T) {
	if runtime.GOOS == "windows" {
		return // links need a privilege there, and modes mean less
	}
	dir := t.TempDir()
	target, link := filepath.Join(dir, "target"), filepath.Join(dir, "link")
	if err := os.WriteFile(target, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, link); err != nil {
		t.Fatal(err)
	}
	if err := cli.WriteFile(link, text("new")); err != nil {
		t.Fatal(err)
	}
	if got := content(t, target); got != "new" {
		t.Errorf("the target holds %q, want new", got)
	}
	info, err := os.Lstat(target)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the target has mode %v, %v; want 0600 as before", info.Mode(), err)
	}
	if info, err := os.Lstat(link); err != nil || info.Mode().IsRegular() {
		t.Errorf("the link became %v, %v", info.Mode(), err)
	}
}

// A screen is a terminal that remembers what was drawn on it.
type screen struct{ bytes.Buffer }

func (*screen) IsTerminal() bool { return true }

// Work that is over in two seconds shows no bar, longer work shows one with the
// time that is left, and nothing stays of it.
func TestProgress(t *testing.T) {
	tests := []struct {
		name  string
		step  time.Duration
		shows bool
	}{
		{"short work", 190 * time.Millisecond, false},
		{"long work", time.Second, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := &screen{}
				p := cli.NewProgress(w, "measure", 10)
				for range 10 {
					time.Sleep(tt.step)
					p.Add(1)
				}
				p.Done()
				if got := w.Len() > 0; got != tt.shows {
					t.Fatalf("drew %q", w.String())
				}
				if tt.shows && (!strings.Contains(w.String(), "measure, 5s left") || !strings.Contains(w.String(), "50%")) {
					t.Errorf("drew %q, want the work, its share and the time left", w.String())
				}
				p.Add(1) // after the end: ignored
			})
		})
	}
}

func TestProgressDrawsOnTerminalsOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var file bytes.Buffer
		p := cli.NewProgress(&file, "measure", 2)
		time.Sleep(time.Minute)
		p.Add(1)
		p.Done()
		if file.Len() > 0 {
			t.Errorf("drew %q on a file", file.String())
		}
		cli.NewProgress(nil, "nothing", 0).Add(1)
	})
}

func TestColor(t *testing.T) {
	tests := []struct {
		name string
		w    io.Writer
		mode string
		env  map[string]string
		want bool
	}{
		{"terminal", &screen{}, "auto", nil, true},
		{"file", &bytes.Buffer{}, "auto", nil, false},
		{"NO_COLOR", &screen{}, "auto", map[string]string{"NO_COLOR": "1"}, false},
		{"dumb terminal", &screen{}, "auto", map[string]string{"TERM": "dumb"}, false},
		{"never", &screen{}, "never", nil, false},
		{"always beats all", &bytes.Buffer{}, "always", map[string]string{"NO_COLOR": "1"}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := cli.Color(tt.w, tt.mode, func(name string) string { return tt.env[name] }); got != tt.want {
				t.Errorf("Color = %v, want %v", got, tt.want)
			}
		})
	}
	if got := cli.Width(&bytes.Buffer{}, 77); got != 77 {
		t.Errorf("Width of no terminal = %d, want 77", got)
	}
}
