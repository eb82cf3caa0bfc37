// Package measure times contenders side by side.
//
// The machine is shared, so absolute times are noise and ratios are the result.
// Samples of all contenders are interleaved, round by round, each round starting
// with another contender; a ratio is the median over the rounds of the ratios
// within a round. What would make a number wrong, and what is done about it:
//
//   - Dead code: every loop returns a sum of what the lookups returned, is
//     called through a func value, and its sum goes to [Keep].
//   - Other processes: work of one goroutine is measured in CPU time, so that
//     what they take is not in it. What they drive from the caches is.
//   - Frequency drift and neighbours: they change within seconds, a round takes
//     less than one; the order within a round turns.
//   - Garbage of the contender before: the collector is off while rounds run,
//     and runs between two when there is much to collect. Contenders that
//     allocate gain by it: they do not pay for collecting.
//   - Cold caches: each sample is preceded by an untimed run of the same
//     contender over other keys, since the contender before has driven its
//     tables from the caches.
//   - Warm keys: keys are many, each is read once a sample, and they stream
//     through the cache in order of memory, alike for all; see package keys.
//   - The clock: a sample takes milliseconds, reading the clock less than 1 us.
//   - TLB: tables are ordinary Go heap, with 4 KiB or huge pages as the kernel
//     decides, alike for all; the floor's table is too.
package measure

import (
	"cmp"
	"math"
	"runtime"
	"runtime/debug"
	"slices"
	"time"
)

// A Contender runs a workload over keys.
type Contender struct {
	Name string
	// Run does the work for every key and returns what keeps it alive.
	Run func(keys []string) int
	// Clock is the clock of its samples.
	Clock Clock
}

// A Series is what was measured of one contender, a sample a round.
type Series struct {
	Name    string
	Samples []float64
}

// A Plan says how long and how often to measure.
type Plan struct {
	Rounds int
	// Sample is the time that one sample should take, except that no sample
	// takes more than all keys.
	Sample time.Duration
	// CostMax is the cost of an operation beyond which a contender is dropped,
	// so that it does not eat the time of all others. 0 means no limit.
	CostMax time.Duration
}

// Keep makes the compiler believe that n is needed.
//
//go:noinline
func Keep(int) {}

// Lookups measures contenders over the keys and returns the time of an
// operation in nanoseconds, in the order given; a contender that was dropped has
// no samples.
func Lookups(p Plan, keys []string, cs []Contender) []Series {
	out := make([]Series, len(cs))
	sizes := make([]int, len(cs))
	heap := uint64(0)
	for i, c := range cs {
		out[i].Name = c.Name
		sizes[i] = p.size(keys, c)
	}
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	for round := range p.Rounds {
		if round == 0 || garbage(&heap) {
			runtime.GC()
		}
		for i := range cs {
			i = (i + round) % len(cs)
			if sizes[i] > 0 {
				out[i].Samples = append(out[i].Samples, sample(keys, sizes[i], round, cs[i]))
			}
		}
	}
	return out
}

// garbage reports whether so much was allocated since it last said so that it
// is worth collecting.
func garbage(last *uint64) bool {
	const much = 512 << 20
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	if m.TotalAlloc-*last < much {
		return false
	}
	*last = m.TotalAlloc
	return true
}

// sample times one contender over its next size keys.
func sample(keys []string, size, round int, c Contender) float64 {
	from := round * size % (len(keys) - size + 1)
	warm := max(size/4, 1)
	before := (from + len(keys) - warm) % len(keys)
	Keep(c.Run(keys[before:min(before+warm, len(keys))]))
	took := c.Clock.Time(func() { Keep(c.Run(keys[from : from+size])) })
	return float64(took.Nanoseconds()) / float64(size)
}

// size returns the number of keys that take about the time of a sample, 0 if
// the contender is too slow. It takes the best of three trials, so that a
// contender is not dropped for what another process did.
func (p Plan) size(keys []string, c Contender) int {
	for n := 64; ; n *= 4 {
		n = min(n, len(keys))
		took := time.Duration(math.MaxInt64)
		for range 3 {
			took = min(took, c.Clock.Time(func() { Keep(c.Run(keys[:n])) }))
		}
		cost := max(took/time.Duration(n), 1)
		if p.CostMax > 0 && cost > p.CostMax {
			return 0
		}
		if n == len(keys) || took > p.Sample/8 {
			return min(max(int(p.Sample/cost), 16), len(keys))
		}
	}
}

// An Action is a piece of work that is timed as a whole.
type Action struct {
	Name string
	// Prepare runs before each timing. It may be nil.
	Prepare func() error
	Run     func() error
	// Again says how often Run is timed in a row for one sample, of which the
	// mean is taken. 0 means 1. Prepare runs once before all.
	Again int
	// Clock is the clock of its samples; [Thread] is taken as [Process], since
	// an action may start goroutines.
	Clock Clock
}

// Actions measures contenders and returns the time of each in nanoseconds. The
// collector runs before each sample and is off during it.
func Actions(rounds int, as []Action) ([]Series, error) {
	out := make([]Series, len(as))
	for round := range rounds {
		for i := range as {
			i = (i + round) % len(as)
			a := as[i]
			out[i].Name = a.Name
			took, err := action(a)
			if err != nil {
				return nil, err
			}
			out[i].Samples = append(out[i].Samples, took)
		}
	}
	return out, nil
}

func action(a Action) (float64, error) {
	if a.Prepare != nil {
		if err := a.Prepare(); err != nil {
			return 0, err
		}
	}
	runtime.GC()
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	n := max(a.Again, 1)
	var err error
	took := max(a.Clock, Process).Time(func() {
		for range n {
			if err = a.Run(); err != nil {
				return
			}
		}
	})
	return float64(took.Nanoseconds()) / float64(n), err
}

// Median returns the median sample, NaN if there is none.
func (s Series) Median() float64 { return median(s.Samples) }

// Low and High return the extreme samples.
func (s Series) Low() float64 {
	if len(s.Samples) == 0 {
		return math.NaN()
	}
	return slices.Min(s.Samples)
}

// High returns the largest sample.
func (s Series) High() float64 {
	if len(s.Samples) == 0 {
		return math.NaN()
	}
	return slices.Max(s.Samples)
}

// Ratio returns s / o for each round, as a series.
func (s Series) Ratio(o Series) Series {
	out := Series{Name: s.Name + "/" + o.Name}
	for i := range min(len(s.Samples), len(o.Samples)) {
		out.Samples = append(out.Samples, s.Samples[i]/o.Samples[i])
	}
	return out
}

// Best returns the series with the lowest median; ok is false if none has a
// sample.
func Best(all []Series) (best Series, ok bool) {
	all = slices.DeleteFunc(slices.Clone(all), func(s Series) bool { return len(s.Samples) == 0 })
	if len(all) == 0 {
		return Series{}, false
	}
	return slices.MinFunc(all, func(a, b Series) int { return cmp.Compare(a.Median(), b.Median()) }), true
}

func median(xs []float64) float64 {
	if len(xs) == 0 {
		return math.NaN()
	}
	xs = slices.Sorted(slices.Values(xs))
	n := len(xs)
	return (xs[(n-1)/2] + xs[n/2]) / 2
}
