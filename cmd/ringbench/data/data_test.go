package data_test

import (
	"bufio"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/clusterluck/clusterluck/cmd/ringbench/data"
)

func lines(t *testing.T, open func() (io.Reader, error)) []string {
	t.Helper()
	r, err := open()
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	scanner := bufio.NewScanner(r)
	for scanner.Scan() {
		all = append(all, scanner.Text())
	}
	if err := scanner.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

func TestShippedSizesAreAsTheReadmeSays(t *testing.T) {
	if got := len(lines(t, data.Words)); got != 104_334 {
		t.Errorf("the word list has %d words, README.md says 104,334", got)
	}
	if got := len(lines(t, data.Access)); got != 45_000 {
		t.Errorf("the access log has %d lines, README.md says 45,000", got)
	}
}

// The licence of the word list asks that its notice goes with it.
func TestWordListShipsItsCopyright(t *testing.T) {
	notice, err := os.ReadFile("words.COPYRIGHT")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"SCOWL", "Copyright 2000-2011 by Kevin Atkinson", "J Ross Beresford", "Geoff Kuenning"} {
		if !strings.Contains(string(notice), want) {
			t.Errorf("words.COPYRIGHT lacks %q", want)
		}
	}
}

func TestReadersAreIndependent(t *testing.T) {
	first, err := data.Words()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.CopyN(io.Discard, first, 1000); err != nil {
		t.Fatal(err)
	}
	if got := lines(t, data.Words)[0]; got != "A" {
		t.Errorf("a second reader begins with %q, want %q", got, "A")
	}
}
