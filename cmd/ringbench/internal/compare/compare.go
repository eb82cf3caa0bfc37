// Package compare tells whether two results of ringbench run, or of ringbench
// clock, differ.
//
// A time differs only if three things hold. Its samples differ by more than
// [Floor], by a Mann-Whitney test whose p, corrected by Holm for the number of
// rows, is below [Level]. The difference is larger than what the same code differs from itself
// by, as recorded in either file: between twins, between the halves of a run,
// and by three standard errors of the two medians. And it is larger than [Floor].
// Floor grows with the share of batches that were disturbed, with the memory of
// the placement and for what allocates, as changes do. Everything else is "~".
//
// Times are compared in terms of the reference that ran beside them, so that a
// processor that clocks higher does not look like faster code. A number that is
// exact differs if it is not the same.
//
// A row that nothing can be said about says why, and is never called different:
// a time of a busy machine, of another processor, of too few samples or of a
// lookup of other keys or an operation on other clocks, and a number of which neither less nor more is better.
package compare

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/result"
	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/stats"
)

const (
	// Level is the probability of calling any row of two equal runs different
	// that the test alone would allow.
	Level = 0.01

	// Floor is the smallest difference of a time that is ever called one. The
	// addresses of code and data alone move a lookup that much.
	Floor = 0.02

	// busyFactor is what the share of disturbed batches adds to Floor. They are
	// left out, but the caches they leave behind are not those of a quiet
	// machine.
	busyFactor = 0.05

	// A placement of more than cacheMin bytes shares the caches of the machine
	// with whatever else runs, and may be faster or slower for minutes at a time.
	// No run sees that of itself, so cacheFloor is added to Floor.
	cacheMin   = 256 << 10
	cacheFloor = 0.03

	// Builds, additions and removals allocate, and so do some operations on
	// clocks, which depends on the state of the heap.
	allocFloor = 0.03

	// errorFactor is how many standard errors two medians may be apart by
	// chance. The errors come from few blocks, hence more than for a normal
	// distribution.
	errorFactor = 3

	// speedSlack is how far the references may differ before that is named and
	// added to what a time must differ by.
	speedSlack = 0.03
)

// A Verdict says what became of a row.
type Verdict string

// The verdicts. Same is a "~": nothing speaks for a difference.
const (
	Same   Verdict = "~"
	Better Verdict = "better"
	Worse  Verdict = "worse"
)

// Why a row cannot be judged.
const (
	whyPlace = "another processor"
	whyBusy  = "the machine was busy"
	whyKeys  = "other keys"
	whyClock = "other clocks"
	whyFew   = "too few samples"
	whyNear  = "1.00 is perfect, less is not better"
)

// A Row is the comparison of one row.
type Row struct {
	Algo    string  `json:"algo"`
	Config  string  `json:"config"`
	Metric  string  `json:"metric"`
	Unit    string  `json:"unit"`
	Better  string  `json:"better"`
	Old     float64 `json:"old"`
	New     float64 `json:"new"`
	Delta   float64 `json:"delta"` // fraction of old; of times, at equal speed of the machine
	Low     float64 `json:"low"`   // 95 % interval of delta; equal to it if exact
	High    float64 `json:"high"`
	P       float64 `json:"p"`      // of the row alone
	Holm    float64 `json:"p_holm"` // corrected for the number of rows
	Limit   float64 `json:"limit"`  // what a difference must exceed
	Exact   bool    `json:"exact"`
	Verdict Verdict `json:"verdict"`
	Why     string  `json:"why,omitempty"` // why a row cannot be judged

	least float64 // the smallest p that so many samples can have
}

// A Result is the comparison of two files.
type Result struct {
	Rows  []Row    `json:"rows"`
	Notes []string `json:"notes"`
}

// Files compares two files. It returns an error if they share no row.
func Files(before, after *result.File) (*Result, error) {
	c := &comparer{before: before, after: after, rng: rand.New(rand.NewPCG(1, 1))}
	c.notes()
	var ps []float64
	var tested []int
	for i := range after.Rows {
		now := &after.Rows[i]
		was, ok := before.Find(now.Name())
		if !ok {
			continue
		}
		row := c.row(was, now)
		if nearOne(now) {
			row.Better = result.NearOne
		}
		if !row.Exact && row.Why == "" {
			ps = append(ps, row.P)
			tested = append(tested, len(c.out.Rows))
		}
		c.out.Rows = append(c.out.Rows, row)
	}
	if len(c.out.Rows) == 0 {
		return nil, fmt.Errorf("the files share no row: %s has %d, %s has %d", "the old", len(before.Rows), "the new", len(after.Rows))
	}
	c.unmatched()
	for k, p := range stats.Holm(ps) {
		row := &c.out.Rows[tested[k]]
		row.Holm = p
		if p < Level && math.Abs(math.Log1p(row.Delta)) > row.Limit {
			row.Verdict = row.direction()
		}
	}
	c.power(tested)
	return &c.out, nil
}

// Times returns the number of times that were compared, and how many of them
// could not be judged.
func (r *Result) Times() (all, blind int) {
	for i := range r.Rows {
		if r.Rows[i].Exact {
			continue
		}
		all++
		if r.Rows[i].Why != "" {
			blind++
		}
	}
	return all, blind
}

// Regressions returns the rows that are worse by more than a fraction.
func (r *Result) Regressions(more float64) []Row {
	var out []Row
	for _, row := range r.Rows {
		if row.Verdict == Worse && math.Abs(row.Delta) > more {
			out = append(out, row)
		}
	}
	return out
}

// direction tells whether a difference is for the better.
func (r *Row) direction() Verdict {
	if (r.Delta < 0) == (r.Better == "lower") {
		return Better
	}
	return Worse
}

// A comparer compares two files.
type comparer struct {
	before, after *result.File
	rng           *rand.Rand
	speed         float64 // how much slower the reference ran in the new file
	sameKeys      bool
	sameClocks    bool
	samePlace     bool // same processor
	out           Result
}

// row compares one row, all but the verdict of a test.
func (c *comparer) row(was, now *result.Row) Row {
	row := Row{
		Algo: now.Algo, Config: now.Config(), Metric: now.Metric, Unit: now.Unit, Better: now.Better,
		Old: was.Value, New: now.Value, P: 1, Holm: 1, Verdict: Same, Exact: !now.Timed() || !was.Timed(),
	}
	if row.Exact {
		c.exact(&row, was, now)
		return row
	}
	row.Delta = now.Value/was.Value/c.speed - 1
	row.Low, row.High = c.interval(was.Samples, now.Samples)
	least := floor(was, now)
	row.Limit = c.limit(was, now, least)
	row.least = stats.LeastP(len(was.Samples), len(now.Samples))
	switch {
	case !c.samePlace:
		row.Why = whyPlace
	case !c.sameKeys && ofKeys(now.Metric):
		row.Why = whyKeys
	case !c.sameClocks && now.Entries > 0:
		row.Why = whyClock
	case was.Few || now.Few || row.least >= Level: // before busy: no quieter machine would help
		row.Why = whyFew
	case was.Busy || now.Busy:
		row.Why = whyBusy
	default:
		// The question is not whether the samples differ at all, which a tenth
		// of a percent can make plain, but whether they do by more than least.
		row.P = stats.Beyond(was.Samples, scaled(now.Samples, 1/c.speed), least)
	}
	return row
}

// ofKeys reports whether a time depends on the keys: it takes longer to hash
// longer ones.
func ofKeys(metric string) bool {
	return metric == "lookup" || strings.HasPrefix(metric, "top")
}

// nearOne reports whether 1 is what is best of a row. Files that were written
// before there was a word for it say that less is better.
func nearOne(r *result.Row) bool {
	return r.Better == result.NearOne || strings.HasPrefix(r.Metric, "moved-")
}

// exact compares numbers that do not depend on the machine.
func (c *comparer) exact(row *Row, was, now *result.Row) {
	switch {
	case was.Value == now.Value:
	case was.Value == 0:
		row.Delta = math.Copysign(1, now.Value) // from nothing: no fraction says how much
	default:
		row.Delta = now.Value/was.Value - 1
	}
	row.Low, row.High = row.Delta, row.Delta
	switch {
	case !c.sameClocks && now.Entries > 0:
		row.Why = whyClock
	case !c.sameKeys && now.Metric != "bytes":
		row.Why = whyKeys
	case nearOne(now):
		row.Why = whyNear
	case row.Delta != 0:
		row.P, row.Holm, row.Verdict = 0, 0, row.direction()
	}
}

// floor returns the least difference of two times that counts.
func floor(was, now *result.Row) float64 {
	disturbed, more := 0.0, 0.0
	for _, r := range []*result.Row{was, now} {
		if r.Batch == nil || r.Batch.Count == 0 {
			continue
		}
		disturbed = max(disturbed, 1-float64(r.Batch.Quiet)/float64(r.Batch.Count))
		if r.Batch.Memory > cacheMin {
			more = cacheFloor
		}
	}
	switch now.Metric {
	case "build", "add", "remove", "clock-merge-others", "clock-clone-write", "clock-decode":
		more += allocFloor
	}
	return Floor + busyFactor*disturbed + more
}

// limit returns what the logarithm of a ratio of times must exceed.
func (c *comparer) limit(was, now *result.Row, least float64) float64 {
	var errs [2]float64
	for i, r := range []*result.Row{was, now} {
		if r.Spread != nil {
			errs[i] = r.Spread.Error
		}
	}
	limit := max(least, was.Spread.Max(), now.Spread.Max(), errorFactor*math.Hypot(errs[0], errs[1]))
	if off := math.Abs(math.Log(c.speed)); off > speedSlack {
		limit += off
	}
	return limit
}

// resamples is how many times the interval of a difference draws anew.
const resamples = 500

// interval returns the 95 % interval of the relative difference of two medians,
// by drawing from both samples again and again.
func (c *comparer) interval(was, now []float64) (low, high float64) {
	ratios := make([]float64, resamples)
	a, b := make([]float64, len(was)), make([]float64, len(now))
	for i := range ratios {
		c.draw(a, was)
		c.draw(b, now)
		ratios[i] = stats.Median(b)/stats.Median(a)/c.speed - 1
	}
	return stats.Quantile(ratios, 0.025), stats.Quantile(ratios, 0.975)
}

func (c *comparer) draw(to, from []float64) {
	for i := range to {
		to[i] = from[c.rng.IntN(len(from))]
	}
}

func scaled(xs []float64, by float64) []float64 {
	out := slices.Clone(xs)
	for i := range out {
		out[i] *= by
	}
	return out
}
