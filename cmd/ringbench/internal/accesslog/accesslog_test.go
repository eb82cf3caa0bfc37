package accesslog_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/clusterluck/clusterluck/cmd/ringbench/data"
	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/accesslog"
)

func generate(t *testing.T, c accesslog.Config) string {
	t.Helper()
	var b bytes.Buffer
	if err := accesslog.Write(&b, c); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// The shipped log must be what the generator makes, or nobody could make it
// again. The packed bytes may differ by compressor, the text may not.
func TestShippedLogIsWhatTheGeneratorMakes(t *testing.T) {
	r, err := data.Access()
	if err != nil {
		t.Fatal(err)
	}
	shipped, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	made := generate(t, accesslog.Config{Seed: accesslog.DefaultSeed})
	if made == string(shipped) {
		return
	}
	ours, theirs := strings.Split(made, "\n"), strings.Split(string(shipped), "\n")
	for i := range min(len(ours), len(theirs)) {
		if ours[i] != theirs[i] {
			t.Fatalf("line %d: the generator makes %q, %q ships", i+1, ours[i], theirs[i])
		}
	}
	t.Fatalf("the generator makes %d lines, %d ship", len(ours), len(theirs))
}

func TestLogDependsOnSeedAlone(t *testing.T) {
	one := generate(t, accesslog.Config{Lines: 500, Seed: 7})
	if two := generate(t, accesslog.Config{Lines: 500, Seed: 7}); one != two {
		t.Error("the same seed made two different logs")
	}
	if other := generate(t, accesslog.Config{Lines: 500, Seed: 8}); one == other {
		t.Error("two seeds made the same log")
	}
	if long := generate(t, accesslog.Config{Lines: 700, Seed: 7}); !strings.HasPrefix(long, one) {
		t.Error("a longer log does not begin with the shorter one")
	}
}

func TestLogHasTheLinesAskedFor(t *testing.T) {
	for _, n := range []int{1, 2, 999, 5000} {
		if got := strings.Count(generate(t, accesslog.Config{Lines: n, Seed: 3}), "\n"); got != n {
			t.Errorf("asked for %d lines, got %d", n, got)
		}
	}
}

// Nobody's address may be in the log, so that it can be shipped.
func TestLogHoldsReservedAddressesOnly(t *testing.T) {
	for line := range strings.Lines(generate(t, accesslog.Config{Lines: 20_000, Seed: 2})) {
		host, _, _ := strings.Cut(line, " ")
		reserved := host == "\n" // a damaged line
		for _, prefix := range []string{"198.18.", "198.19.", "192.0.2.", "203.0.113.", "2001:db8:"} {
			reserved = reserved || strings.HasPrefix(host, prefix)
		}
		if !reserved {
			t.Fatalf("%q is not from a range reserved for documentation or benchmarks", host)
		}
	}
}

func TestWriteRefusesImpossibleSizes(t *testing.T) {
	for _, n := range []int{-1, accesslog.MaxLines + 1} {
		if err := accesslog.Write(io.Discard, accesslog.Config{Lines: n}); err == nil {
			t.Errorf("%d lines: no error", n)
		}
	}
}

func TestWriteReportsTheWritersError(t *testing.T) {
	full := errors.New("disk full")
	if err := accesslog.Write(failing{full}, accesslog.Config{Lines: 5000}); !errors.Is(err, full) {
		t.Errorf("got error %v, want %v", err, full)
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }
