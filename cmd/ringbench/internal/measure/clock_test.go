package measure_test

import (
	"bytes"
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/measure"
	"github.com/clusterluck/clusterluck/vectorclock"
)

// What is timed must be what its name says: each operation is looked at by what
// it returns, what it makes and what it leaves alone.
func TestClockOperationsDoWhatTheirNamesSay(t *testing.T) {
	type turn = measure.ClockTurn
	alone := func(was, is *turn) bool { return is.A.Identical(&was.A) && is.B.Identical(&was.B) }
	tests := []struct {
		metric string
		sum    int // of one operation; -1 if the operations differ in it
		holds  func(was, is *turn, each, n int) bool
	}{
		{"clock-increment", -1, func(was, is *turn, each, n int) bool {
			return is.A.Compare(&was.A) == vectorclock.After && is.A.Count(is.Own) == was.A.Count(is.Own)+uint64(each) && differ(&is.A, &was.A) == 1
		}},
		{"clock-compare-equal", int(vectorclock.Equal), func(was, is *turn, each, n int) bool {
			return alone(was, is) && is.A.Equal(&is.B) && is.A.Len() == n
		}},
		{"clock-compare-ahead", int(vectorclock.After), func(was, is *turn, each, n int) bool {
			return alone(was, is) && is.A.Count(is.Own) == is.B.Count(is.Own)+1 && differ(&is.A, &is.B) == 1 && is.A.Len() == n
		}},
		{"clock-compare-concurrent", int(vectorclock.Concurrent), func(was, is *turn, each, n int) bool {
			return alone(was, is) && differ(&is.A, &is.B) == 2 && is.A.Len() == n && is.B.Len() == n
		}},
		{"clock-merge-nothing", 0, func(was, is *turn, each, n int) bool {
			return alone(was, is) && is.B.Len() == n && is.A.Descends(&is.B)
		}},
		{"clock-merge-others", 1, func(was, is *turn, each, n int) bool {
			return alone(was, is) && is.Kept.Len() == 2*n && is.Kept.Descends(&is.A) && is.Kept.Descends(&is.B)
		}},
		{"clock-clone", 1, func(was, is *turn, each, n int) bool {
			return alone(was, is) && is.Kept.Identical(&is.A) && is.A.Len() == n
		}},
		{"clock-clone-write", -1, func(was, is *turn, each, n int) bool {
			return alone(was, is) && is.Kept.Count(is.Own) == is.A.Count(is.Own)+1 && differ(&is.Kept, &is.A) == 1
		}},
		{"clock-encode", -1, func(was, is *turn, each, n int) bool {
			want, err := was.A.MarshalBinary()
			return err == nil && alone(was, is) && bytes.Equal(is.Bytes, want)
		}},
		{"clock-decode", 1, func(was, is *turn, each, n int) bool {
			return alone(was, is) && is.Kept.Identical(&was.A) && is.Kept.Len() == n
		}},
	}
	var known []string
	for _, m := range measure.ClockMetrics() {
		if m.Timed {
			known = append(known, m.Name)
		}
	}
	if len(known) != len(tests) {
		t.Errorf("%d operations are timed, %d tested: %q", len(known), len(tests), known)
	}
	for _, tt := range tests {
		t.Run(tt.metric, func(t *testing.T) {
			for _, n := range []int{2, 3, 10, 100, 1000} {
				const each = 3
				turns, _, _, err := measure.ClockRun(tt.metric, n, 1, 1)
				if err != nil {
					t.Fatal(err)
				}
				before, after, sum, err := measure.ClockRun(tt.metric, n, 1, each*len(turns))
				if err != nil {
					t.Fatal(err)
				}
				if want := tt.sum * each * len(turns); tt.sum >= 0 && sum != want {
					t.Errorf("%d entries: %d operations return %d, want %d", n, each*len(turns), sum, want)
				}
				if tt.sum < 0 && sum == 0 {
					t.Errorf("%d entries: the operations return nothing", n)
				}
				for i := range after {
					if !tt.holds(&before[i], &after[i], each, n) {
						t.Errorf("%d entries: turn %d does not do it", n, i)
					}
				}
			}
		})
	}
}

// differ returns the number of actors that two clocks count differently.
func differ(a, b *vectorclock.Clock) int {
	n := 0
	for range a.Explain(b) {
		n++
	}
	return n
}

// The clocks are what the report says of them, and differ from turn to turn, lest
// a processor learn one by heart.
func TestClocksAreAsSaid(t *testing.T) {
	uuid := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	for _, n := range []int{1, 3, 10, 100, 1000} {
		turns, _, _, err := measure.ClockRun("clock-merge-others", n, 7, 1)
		if err != nil {
			t.Fatal(err)
		}
		if want := map[int]int{1: 64, 3: 64, 10: 32, 100: 4, 1000: 1}[n]; len(turns) != want {
			t.Errorf("%d turns of %d entries, want %d", len(turns), n, want)
		}
		first, last := int64(1<<62), int64(0)
		for i := range turns {
			for _, c := range []*vectorclock.Clock{&turns[i].A, &turns[i].B} {
				for actor, e := range c.All() {
					if !uuid.MatchString(actor) || e.Count < 1 || e.Count > measure.ClockCountMax || e.Updated < e.Inserted {
						t.Fatalf("entry %+v of %q", e, actor)
					}
					first, last = min(first, e.Inserted), max(last, e.Updated)
				}
			}
			if !slices.Equal(slices.Collect(turns[i].A.Actors()), slices.Collect(turns[0].A.Actors())) {
				t.Error("clocks that are taken in turn are of different actors")
			}
			if i > 0 && (turns[i].A.Equal(&turns[0].A) || turns[i].B.Equal(&turns[0].B)) {
				t.Errorf("turn %d is turn 0 again", i)
			}
		}
		if span := time.Duration(last-first) * time.Microsecond; span > measure.ClockSpan || n == 1000 && span < measure.ClockSpan*9/10 {
			t.Errorf("times of %d entries lie within %v", n, span)
		}
	}
}

// The same seed gives the same clocks, another one others, and the digest tells.
func TestClocksFollowTheSeed(t *testing.T) {
	clock := func(seed uint64) vectorclock.Clock {
		turns, _, _, err := measure.ClockRun("clock-clone", 10, seed, 1)
		if err != nil {
			t.Fatal(err)
		}
		return turns[0].A
	}
	a, again, b := clock(1), clock(1), clock(2)
	if !a.Identical(&again) || a.Identical(&b) {
		t.Error("clocks do not follow the seed")
	}
	// Results that were written are compared by it: it must not change unless the
	// clocks do.
	if got, want := measure.ClockDigest(1), "97ecd8094c2a4475"; got != want || got == measure.ClockDigest(2) {
		t.Errorf("the digest of seed 1 is %s, want %s, and that of seed 2 %s", got, want, measure.ClockDigest(2))
	}
}

func clockConfig(entries ...int) measure.ClockConfig {
	return measure.ClockConfig{Entries: entries, Groups: measure.ClockGroups(), Passes: 1, Time: time.Millisecond, Seed: 1}
}

// Every operation has a time with samples and spread, and its allocations.
func TestClockRows(t *testing.T) {
	c := clockConfig(2, 200)
	c.Passes = 2
	var begun []string
	steps := int64(0)
	c.Begin = func(what string, n int64) { begun = append(begun, what) }
	c.Step = func(n int64) { steps += n }
	m, err := measure.Clocks(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for i := range m.Rows {
		r := &m.Rows[i]
		got = append(got, r.Name())
		metric, ok := measure.Describe(r.Metric)
		if !ok || r.Unit != metric.Unit || r.Better != "lower" || r.Exact == r.Timed() || r.Timed() != metric.Timed {
			t.Errorf("%s: %+v", r.Name(), r)
		}
		if !r.Timed() {
			continue
		}
		switch {
		case max(len(r.Samples), len(r.All)) != 2*c.Passes || len(r.Samples) != len(r.Passes): // a sample of each twin
			t.Errorf("%s: samples %v of %v, of passes %v", r.Name(), r.Samples, r.All, r.Passes)
		case !(r.Low <= r.Value && r.Value <= r.High) || r.Value < 0.1:
			t.Errorf("%s: %v not in %v to %v", r.Name(), r.Value, r.Low, r.High)
		case r.Spread == nil || r.Batch == nil || r.Batch.Ops < 1 || r.Batch.Memory < 2*r.Entries*48:
			t.Errorf("%s: spread %v, batch %+v", r.Name(), r.Spread, r.Batch)
		}
	}
	var want []string
	for _, metric := range measure.ClockMetrics() {
		want = append(want, "vectorclock entries=2 "+metric.Name, "vectorclock entries=200 "+metric.Name)
	}
	if !slices.Equal(got, want) {
		t.Errorf("rows %q, want %q", got, want)
	}
	if !slices.Equal(begun, []string{"count", "measure"}) || steps != int64(10*len(c.Entries)+c.Passes) {
		t.Errorf("told of %q and %d steps", begun, steps)
	}
	if m.Reference.Best <= 0 || m.Reference.Batches == 0 {
		t.Errorf("reference %+v", m.Reference)
	}
}

// What vectorclock says of allocations is what is counted: a decoder that did not
// know the actors would show. An entry is a UUID of 16 bytes, a count of three and
// two times of five or less, and a part of the head.
func TestClockExactNumbers(t *testing.T) {
	m, err := measure.Clocks(t.Context(), clockConfig(200))
	if err != nil {
		t.Fatal(err)
	}
	for i := range m.Rows {
		r := &m.Rows[i]
		op, isAllocs := strings.CutSuffix(r.Metric, "-allocs")
		switch {
		case isAllocs:
			most := map[string]float64{"clock-merge-others": 20, "clock-clone-write": 2, "clock-decode": 2}[op]
			if r.Value > most || most > 0 && r.Value < 1 {
				t.Errorf("%s = %v, want %v at most", r.Name(), r.Value, most)
			}
		case r.Metric == "clock-bytes" && (r.Value < 24 || r.Value > 40):
			t.Errorf("%s = %v", r.Name(), r.Value)
		}
	}
}

// A clock of one entry cannot be concurrent with one of the same actor, and
// --only leaves the rest out.
func TestClockRowsThatAreLeftOut(t *testing.T) {
	c := clockConfig(1, 2)
	c.Groups = []measure.Group{measure.Compares}
	m, err := measure.Clocks(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for i := range m.Rows {
		if r := &m.Rows[i]; r.Timed() {
			got = append(got, r.Name())
		}
	}
	want := []string{
		"vectorclock entries=1 clock-compare-equal", "vectorclock entries=2 clock-compare-equal",
		"vectorclock entries=1 clock-compare-ahead", "vectorclock entries=2 clock-compare-ahead",
		"vectorclock entries=2 clock-compare-concurrent",
	}
	if !slices.Equal(got, want) {
		t.Errorf("timed %q, want %q", got, want)
	}
}

func TestClocksStopWhenToldTo(t *testing.T) {
	for _, at := range []string{"count", "measure"} {
		ctx, cancel := context.WithCancel(t.Context())
		c := clockConfig(10)
		c.Passes, c.Time = 1000, time.Hour
		c.Begin = func(what string, _ int64) {
			if what == at {
				cancel()
			}
		}
		if _, err := measure.Clocks(ctx, c); !errors.Is(err, context.Canceled) {
			t.Errorf("told at %s: Clocks = %v, want context.Canceled", at, err)
		}
		cancel()
	}
}

// Counting allocations of large clocks takes a while: it stops between operations.
func TestClocksStopWithinASize(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	c := clockConfig(10)
	steps := 0
	c.Step = func(int64) {
		steps++
		cancel()
	}
	if _, err := measure.Clocks(ctx, c); !errors.Is(err, context.Canceled) || steps != 1 {
		t.Errorf("told after an operation: Clocks = %v after %d steps, want context.Canceled after 1", err, steps)
	}
}

func TestClockGroups(t *testing.T) {
	names := make(map[string]bool)
	for _, m := range measure.ClockMetrics() {
		if names[m.Name] || m.Means == "" || !slices.Contains(measure.ClockGroups(), m.Group) || slices.Contains(measure.Groups(), m.Group) {
			t.Errorf("metric %+v", m)
		}
		names[m.Name] = true
	}
	if all, err := measure.ParseClockGroups(""); err != nil || !slices.Equal(all, measure.ClockGroups()) {
		t.Errorf("ParseClockGroups of nothing = %v, %v", all, err)
	}
	if got, err := measure.ParseClockGroups("merge, clone"); err != nil || !slices.Equal(got, []measure.Group{measure.Merges, measure.Clones}) {
		t.Errorf("ParseClockGroups = %v, %v", got, err)
	}
	if _, err := measure.ParseClockGroups("lookup"); err == nil || !strings.Contains(err.Error(), "use some of increment,compare,merge,clone,encode,decode") {
		t.Errorf("ParseClockGroups of a group of placements = %v", err)
	}
	if _, err := measure.ParseGroups("compare"); err == nil {
		t.Error("ParseGroups knows groups of clocks")
	}
}
