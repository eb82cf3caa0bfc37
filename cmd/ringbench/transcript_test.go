package main

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// updateTranscripts rewrites testdata/transcripts with what the commands print
// now. Read the difference before you commit it.
var updateTranscripts = flag.Bool("update-transcripts", false, "rewrite testdata/transcripts")

// workFolder changes to a new folder that holds the files of testdata/in, and
// keeps the environment of the user out.
func workFolder(t *testing.T) {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("testdata/in")); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	t.Setenv("XDG_CONFIG_HOME", dir)
	t.Setenv("HOME", dir)
	for _, entry := range os.Environ() {
		if name, _, _ := strings.Cut(entry, "="); strings.HasPrefix(name, "RINGBENCH_") {
			t.Setenv(name, "")
		}
	}
}

// ringbench runs a command line, which may end in "< file".
func ringbench(t *testing.T, line string) (stdout, stderr string, code int) {
	t.Helper()
	var in io.Reader = strings.NewReader("")
	if command, file, ok := strings.Cut(line, " < "); ok {
		f, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		line, in = command, f
	}
	var out, errs bytes.Buffer
	code = run(strings.Fields(line), in, &out, &errs)
	return out.String(), errs.String(), code
}

// transcript runs the commands of a transcript and writes down what they print:
// what goes to stderr is marked with "! ", an exit code other than 0 is noted.
func transcript(t *testing.T, text string) string {
	t.Helper()
	var b strings.Builder
	for line := range strings.Lines(text) {
		command, ok := strings.CutPrefix(line, "$ ringbench ")
		if !ok {
			continue
		}
		stdout, stderr, code := ringbench(t, strings.TrimSpace(command))
		fmt.Fprintf(&b, "%s%s", line, stdout)
		for complaint := range strings.Lines(stderr) {
			fmt.Fprintf(&b, "! %s", complaint)
		}
		if code != 0 {
			fmt.Fprintf(&b, "[exit %d]\n", code)
		}
		b.WriteString("\n")
	}
	return b.String()
}

// What the commands print is their contract: it is pinned word for word.
func TestTranscripts(t *testing.T) {
	files, err := filepath.Glob("testdata/transcripts/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no transcripts: %v", err)
	}
	for _, file := range files {
		path, err := filepath.Abs(file)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(filepath.Base(file), func(t *testing.T) {
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			workFolder(t)
			got := transcript(t, string(want))
			if *updateTranscripts {
				if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if got != string(want) {
				t.Errorf("the commands print\n%s\nthe transcript says\n%s", got, want)
			}
		})
	}
}
