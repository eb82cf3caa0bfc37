package main

import (
	"bufio"
	"bytes"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// TestMain lets the test run the program as processes of its own.
func TestMain(m *testing.M) {
	if os.Getenv("HELLO_MAIN") != "" {
		main()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func command(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	c := exec.CommandContext(t.Context(), os.Args[0], args...)
	c.Env = append(os.Environ(), "HELLO_MAIN=1")
	c.Stderr = os.Stderr
	return c
}

// The same call is answered on the spot and from another process.
func TestHelloInTwoProcesses(t *testing.T) {
	server := command(t, "serve", "127.0.0.1:0")
	pipe, err := server.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(pipe)
	var said []string
	for len(said) < 2 && lines.Scan() {
		said = append(said, lines.Text())
	}
	if len(said) != 2 || said[1] != "greeter: world, says ada to you on ada" {
		t.Fatalf("the serving process said %q", said)
	}
	addr := strings.TrimPrefix(said[0], "listening on ")
	start := time.Now()
	got, err := command(t, "call", addr).Output()
	if err != nil || string(got) != "greeter@ada: world, says ada to you on bob\n" {
		t.Errorf("the calling process said %q, %v", got, err)
	}
	t.Logf("the calling process took %v", time.Since(start))
	if err := server.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := server.Wait(); err != nil {
		t.Errorf("the serving process ended with %v", err)
	}
}

func TestUsage(t *testing.T) {
	for _, args := range [][]string{nil, {"serve"}, {"shout", "127.0.0.1:0"}} {
		var out bytes.Buffer
		if err := run(t.Context(), args, &out); err == nil || !strings.Contains(err.Error(), "usage") {
			t.Errorf("hello %q: %v", args, err)
		}
	}
}
