package erlang_test

import (
	"errors"
	"testing"
	"time"

	"github.com/clusterluck/clusterluck/bench/internal/erlang"
)

// Where erl is installed, every work must run; where it is not, the error must
// say so, since the comparison then leaves the row out.
func TestNodesMeasureOrSayWhatIsMissing(t *testing.T) {
	n, err := erlang.Start()
	if errors.Is(err, erlang.ErrMissing) {
		t.Log(err)
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	const d = 20 * time.Millisecond
	if x, err := n.Latency(d); err != nil || x.Calls == 0 || x.P50 <= 0 || x.P99 < x.P50 {
		t.Errorf("latency: %+v, %v", x, err)
	}
	if x, err := n.Rate(8, d); err != nil || x.Calls <= 0 || x.Took < d {
		t.Errorf("rate: %+v, %v", x, err)
	}
	if x, err := n.OneWay(1000, 100); err != nil || x.Delivered != 100 || x.Took <= 0 {
		t.Errorf("one way: %+v, %v", x, err)
	}
	if x, rate, err := n.Beside(1<<20, d); err != nil || x.Calls == 0 || rate <= 0 {
		t.Errorf("beside: %+v, %v, %v", x, rate, err)
	}
	for what, work := range map[string]func(int) (time.Duration, error){"calls": n.Calls, "casts": n.Casts} {
		if took, err := work(100); err != nil || took <= 0 {
			t.Errorf("local %s: %v, %v", what, took, err)
		}
	}
	if err := n.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
}

func TestMissingErlIsNamed(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	if _, err := erlang.Start(); !errors.Is(err, erlang.ErrMissing) {
		t.Errorf("error %v, want one that says erl is missing", err)
	}
}
