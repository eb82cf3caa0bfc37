package main

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A screen is a terminal.
type screen struct{ bytes.Buffer }

func (*screen) IsTerminal() bool { return true }

// A slow reader or writer pauses before every call.
type slow struct {
	io.Reader
	io.Writer
	pause func()
}

func (s slow) Read(p []byte) (int, error) {
	s.pause()
	return s.Reader.Read(p[:min(len(p), 1<<15)])
}

func (s slow) Write(p []byte) (int, error) {
	s.pause()
	return s.Writer.Write(p)
}

// Whatever takes over two seconds says how long it will still take, or how fast
// it is where nobody can know how much there is.
func TestLongWorkTellsTheTimeLeft(t *testing.T) {
	workFolder(t)
	writeFiles(t, map[string]string{"long.txt": strings.Repeat("a key of the file\n", 40_000)})
	input := strings.Repeat("a key of stdin\n", 40_000)
	tests := []struct {
		name, line string
		want       []string
		stdin      io.Reader
		stdout     io.Writer
	}{
		{"keys of a file", "gen --keys long.txt", []string{"keys, ", "s left"}, nil, io.Discard},
		{"a log that is made", "gen --keys accesslog:n=2e4", []string{"keys, ", "s left"}, nil, io.Discard},
		{"stdin", "plan --from old.txt --to new.txt --keys -", []string{"keys, ", " so far, ", " a second"}, strings.NewReader(input), io.Discard},
		{"keys on the same terminal", "gen --keys long.txt", nil, nil, &screen{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				stderr := &screen{}
				in := slow{tt.stdin, tt.stdout, func() { time.Sleep(time.Second) }}
				e := &env{stdin: in, stdout: in, stderr: stderr, getenv: func(string) string { return "" }, now: time.Now, args: strings.Fields(tt.line)}
				if code := e.run(t.Context()); code != 0 {
					t.Fatalf("exit %d: %s", code, stderr.String())
				}
				for _, want := range tt.want {
					if !strings.Contains(stderr.String(), want) {
						t.Errorf("drew %.300q, want %q", stderr.String(), want)
					}
				}
				if tt.want == nil && strings.Contains(stderr.String(), "left") {
					t.Errorf("drew %.300q between the keys", stderr.String())
				}
			})
		})
	}
}

// IsTerminal reports whether what is written to is a terminal.
func (s slow) IsTerminal() bool {
	_, yes := s.Writer.(*screen)
	return yes
}
