package measure_test

import (
	"math"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/clusterluck/clusterluck/bench/internal/keys"
	"github.com/clusterluck/clusterluck/bench/internal/measure"
)

// A contender that does the work twice must measure about twice as slow: what
// else would the ratios be worth? The tolerance leaves room for a busy machine;
// the median of 25 interleaved rounds is far within it.
func TestLookupsMeasureTwiceTheWorkAsTwiceTheTime(t *testing.T) {
	f := measure.NewFloor(1 << 12)
	// More keys than fit a sample, so that the two run over different numbers.
	ks := keys.Mixed(1<<18, 1)
	s := measure.Lookups(measure.Plan{Rounds: 25, Sample: time.Millisecond}, ks, []measure.Contender{
		{Name: "once", Run: f.Owners},
		{Name: "twice", Run: func(ks []string) int { return f.Owners(ks) + f.Owners(ks) }},
	})
	if got := s[1].Ratio(s[0]).Median(); got < 1.6 || got > 2.5 {
		t.Errorf("twice the work took %.2f times the time, want about 2", got)
	}
}

// A contender beyond the limit must be dropped, not waited for.
func TestLookupsDropWhatIsTooSlow(t *testing.T) {
	f := measure.NewFloor(1 << 12)
	ks := keys.Mixed(1<<10, 1)
	slow := func(ks []string) (n int) {
		for range ks {
			for range 1000 {
				n += f.Owners(ks[:1])
			}
		}
		return n
	}
	s := measure.Lookups(measure.Plan{Rounds: 1, Sample: time.Millisecond, CostMax: time.Microsecond}, ks,
		[]measure.Contender{{Name: "floor", Run: f.Owners}, {Name: "slow", Run: slow}})
	if len(s[0].Samples) != 1 || len(s[1].Samples) != 0 {
		t.Errorf("floor has %d samples and the slow one %d, want 1 and 0", len(s[0].Samples), len(s[1].Samples))
	}
	if best, ok := measure.Best(s); !ok || best.Name != "floor" {
		t.Errorf("best is %q, want floor", best.Name)
	}
}

func TestMedianOfRatios(t *testing.T) {
	a := measure.Series{Samples: []float64{10, 40, 30, 80}}
	b := measure.Series{Samples: []float64{10, 10, 10, 10}}
	r := a.Ratio(b)
	if got := r.Median(); got != 3.5 {
		t.Errorf("median ratio is %v, want 3.5", got)
	}
	if r.Low() != 1 || r.High() != 8 {
		t.Errorf("range is %v to %v, want 1 to 8", r.Low(), r.High())
	}
	if got := (measure.Series{}).Median(); !math.IsNaN(got) {
		t.Errorf("median of nothing is %v, want NaN", got)
	}
}

// The clock of another process must be the one that this process has of itself.
func TestOfProcessIsThatOfTheProcess(t *testing.T) {
	at, ok := measure.OfProcess(os.Getpid())
	if own := measure.Process.Now(); ok && (at <= 0 || at > own || own-at > time.Second) {
		t.Errorf("%v, want a little less than %v", at, own)
	}
	if runtime.GOOS == "linux" && !ok {
		t.Error("linux does not tell")
	}
}

func TestAllocsCountsEachOperation(t *testing.T) {
	var kept [][]byte
	got, bytes := measure.Allocated(100, func() {
		kept = make([][]byte, 0, 100)
		for range 100 {
			kept = append(kept, make([]byte, 8))
		}
	})
	if got < 1 || got > 1.05 {
		t.Errorf("%v allocations an operation, want 1 and the slice's share", got)
	}
	if bytes < 32 || bytes > 40 {
		t.Errorf("%v bytes an operation, want 8 and the slice's share of 24 or so", bytes)
	}
	if f := measure.NewFloor(1 << 12); measure.Allocs(1, func() { measure.Keep(f.Owners([]string{"a", "b"})) }) != 0 {
		t.Error("the floor allocates")
	}
}
