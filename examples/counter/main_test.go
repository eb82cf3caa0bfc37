package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"strings"
	"testing"
)

func TestBothNodesCount(t *testing.T) {
	const want = `a adds 1 to counter: 1
a adds 1 to counter@a: 2
a adds 1 to counter@b: 1
b adds 2 to counter: 3
b adds 2 to counter@a: 4
b adds 2 to counter@b: 5
together 9; no answer from [counter@nowhere]
`
	var out, errs bytes.Buffer
	if code := run(t.Context(), nil, &out, &errs); code != 0 {
		t.Fatalf("exit %d: %s", code, errs.String())
	}
	if out.String() != want {
		t.Errorf("printed\n%s\nwant\n%s", out.String(), want)
	}
}

func TestOneServesAndAnotherCounts(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	r, w := io.Pipe()
	served := make(chan int, 1)
	go func() {
		served <- run(ctx, []string{"-id", "a", "-listen", "127.0.0.1:0"}, w, io.Discard)
		w.Close()
	}()
	line, err := bufio.NewReader(r).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	addr := strings.TrimSpace(strings.TrimPrefix(line, "counter@a at "))
	for _, want := range []string{"b adds 3 to counter@a: 3\n", "b adds 3 to counter@a: 6\n"} {
		var out, errs bytes.Buffer
		if code := run(t.Context(), []string{"-id", "b", "-join", addr, "-add", "3"}, &out, &errs); code != 0 || out.String() != want {
			t.Errorf("exit %d, printed %q%s, want %q", code, out.String(), errs.String(), want)
		}
	}
	stop()
	if code := <-served; code != 0 {
		t.Errorf("the node that served ended with %d", code)
	}
}

func TestRunRefuses(t *testing.T) {
	tests := []struct {
		name string
		args []string
		code int
		says string
	}{
		{"an unknown flag", []string{"-x"}, 2, "-x"},
		{"both at once", []string{"-listen", "127.0.0.1:0", "-join", "127.0.0.1:1"}, 2, "give -listen or -join"},
		{"an argument", []string{"x"}, 2, "no other arguments"},
		{"a node that is not there", []string{"-id", "b", "-join", "127.0.0.1:1"}, 1, "refused"},
		{"an address for all to reach", []string{"-listen", "0.0.0.0:0"}, 1, "loopback"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var out, errs bytes.Buffer
			if code := run(t.Context(), tt.args, &out, &errs); code != tt.code || !strings.Contains(errs.String(), tt.says) {
				t.Errorf("exit %d, said %q, want %d and %q in it", code, errs.String(), tt.code, tt.says)
			}
			if out.Len() > 0 {
				t.Errorf("printed %q on stdout", out.String())
			}
		})
	}
}
