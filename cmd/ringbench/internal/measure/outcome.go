package measure

import (
	"math"
	"strconv"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/result"
	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/stats"
)

// confidence of the interval around the value of a timed row.
const confidence = 0.95

// samplesMin is how many samples a time needs to be told from chance at all.
const samplesMin = 3

func median(xs []float64) float64 { return stats.Median(xs) }

// summary tells how the reference ran.
func (t *timer) summary() result.Reference {
	out := result.Reference{Best: t.reference.best(), Median: median(t.reference.all)}
	for _, r := range t.rows {
		for _, b := range r.samples {
			out.Batches++
			if t.reference.quiet(b.reference) {
				out.Quiet++
			}
		}
	}
	return out
}

// result turns the batches of a row into its numbers.
func (t *timer) result(r *row) result.Row {
	out := r.source.row(r.metric)
	quiet, ids := t.quietSamples(r)
	all, allIDs := medians(r.samples, func(batch) bool { return true }, 1)
	// With too few passes nothing is said of the machine: it gave all it could.
	out.Few = len(all) < samplesMin
	if len(quiet) < min(max(samplesMin, min(t.pace.passes, t.passes)), len(all)) {
		quiet, ids, out.Busy = all, allIDs, true
	} else {
		out.All = round(all)
	}
	s := stats.Summarize(quiet, confidence)
	out.Value, out.Low, out.High, out.Confidence = s.Median, s.Low, s.High, s.Confidence
	out.Samples = round(quiet)
	for _, id := range ids {
		out.Passes = append(out.Passes, id.pass)
	}
	out.Spread = spread(quiet, ids)
	out.Batch = t.distribution(r)
	out.Batch.Memory = r.bytes
	return out
}

// round keeps five significant digits: the clock gives no more.
func round(xs []float64) []float64 {
	out := make([]float64, len(xs))
	for i, x := range xs {
		// What was formatted can be parsed.
		out[i], _ = strconv.ParseFloat(strconv.FormatFloat(x, 'g', 5, 64), 64)
	}
	return out
}

// spread tells how far the same code differs from itself within the run.
func spread(samples []float64, ids []sampleID) *result.Spread {
	var first, second, early, late []float64
	last := 0
	for _, id := range ids {
		last = max(last, id.pass)
	}
	for i, id := range ids {
		if id.twin == 0 {
			first = append(first, samples[i])
		} else {
			second = append(second, samples[i])
		}
		if 2*id.pass <= last {
			early = append(early, samples[i])
		} else {
			late = append(late, samples[i])
		}
	}
	return &result.Spread{
		Twins:  apart(first, second),
		Halves: apart(early, late),
		Error:  standardError(samples, ids),
	}
}

// apart returns by what fraction the medians of two samples differ.
func apart(a, b []float64) float64 {
	if len(a) == 0 || len(b) == 0 {
		return 0
	}
	return math.Abs(math.Log(median(a) / median(b)))
}

// standardError estimates the standard error of the median of all samples, as a
// fraction, from the medians of blocks of passes that follow each other. Slow
// drift makes passes alike that are near in time, so that few long blocks can
// tell a larger error than many short ones; the largest counts.
func standardError(samples []float64, ids []sampleID) float64 {
	last, worst := 0, 0.0
	for _, id := range ids {
		last = max(last, id.pass)
	}
	for _, blocks := range []int{2, 3, 5, 10} {
		parts := make([][]float64, blocks)
		for i, id := range ids {
			b := id.pass * blocks / (last + 1)
			parts[b] = append(parts[b], samples[i])
		}
		var centers []float64
		for _, part := range parts {
			if len(part) > 0 {
				centers = append(centers, math.Log(median(part)))
			}
		}
		if len(centers) > 1 {
			worst = max(worst, stats.Deviation(centers)/math.Sqrt(float64(len(centers))))
		}
	}
	return worst
}

// distribution describes the time of single batches, disturbed or not.
func (t *timer) distribution(r *row) *result.Batch {
	const perUnit = 1000 // picoseconds, so that a lookup has four digits
	h := hdrhistogram.New(1, int64(1e15), 3)
	out := &result.Batch{Count: len(r.samples), Ops: r.ops}
	for _, b := range r.samples {
		if t.reference.quiet(b.reference) {
			out.Quiet++
		}
		// A batch longer than 10^15 ps counts as that long.
		if h.RecordValue(int64(b.ns*perUnit)) != nil {
			_ = h.RecordValue(1e15)
		}
	}
	at := func(q float64) float64 { return float64(h.ValueAtQuantile(q)) / perUnit }
	out.P50, out.P90, out.P99, out.Max = at(50), at(90), at(99), float64(h.Max())/perUnit
	return out
}
