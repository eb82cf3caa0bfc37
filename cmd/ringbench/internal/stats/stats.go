// Package stats holds the statistics of ringbench: what a sample says of its
// median, whether two samples differ, and how to ask that of many rows at once.
//
// Every function leaves its arguments as they are. Nothing assumes a normal
// distribution: times of a computer have a hard floor and a long tail.
package stats

import (
	"math"
	"slices"
	"sort"

	"github.com/aclements/go-moremath/stats"
)

// Median returns the median of xs, or NaN if xs is empty.
func Median(xs []float64) float64 { return Quantile(xs, 0.5) }

// Quantile returns the q'th quantile of xs by linear interpolation, or NaN if
// xs is empty.
func Quantile(xs []float64, q float64) float64 {
	if len(xs) == 0 {
		return math.NaN()
	}
	sorted := slices.Clone(xs)
	slices.Sort(sorted)
	at := q * float64(len(sorted)-1)
	below := int(math.Floor(at))
	if below+1 >= len(sorted) {
		return sorted[len(sorted)-1]
	}
	part := at - float64(below)
	return sorted[below]*(1-part) + sorted[below+1]*part
}

// A Summary is a median with the interval that holds the true median with the
// given confidence. The interval comes from order statistics, so it holds for
// any distribution. With too few values for the confidence asked for it is the
// whole range, and Confidence says what that is worth.
type Summary struct {
	N                 int
	Median, Low, High float64
	Confidence        float64
}

// Summarize returns the summary of xs at a confidence such as 0.95.
func Summarize(xs []float64, confidence float64) Summary {
	s := Summary{N: len(xs), Median: Median(xs)}
	if len(xs) == 0 {
		s.Low, s.High = math.NaN(), math.NaN()
		return s
	}
	ci := stats.QuantileCI(len(xs), 0.5, confidence)
	_, s.Low, s.High = ci.SampleCI(stats.Sample{Xs: xs})
	s.Confidence = ci.Confidence
	if math.IsInf(s.Low, 0) || math.IsInf(s.High, 0) {
		s.Low, s.High = slices.Min(xs), slices.Max(xs)
		// The range misses the median if all values are on one side of it.
		s.Confidence = 1 - math.Pow(2, 1-float64(len(xs)))
	}
	return s
}

// Deviation returns the standard deviation of xs, 0 for fewer than two values.
func Deviation(xs []float64) float64 {
	if len(xs) < 2 {
		return 0
	}
	return stats.StdDev(xs)
}

// Mean returns the mean of xs, NaN if xs is empty.
func Mean(xs []float64) float64 {
	if len(xs) == 0 {
		return math.NaN()
	}
	return stats.Mean(xs)
}

// Differ returns the probability that xs and ys come from one distribution and
// yet look as different as they do (Mann-Whitney, two-sided). It is 1 if either
// is empty or all values are equal.
func Differ(xs, ys []float64) float64 {
	res, err := stats.MannWhitneyUTest(xs, ys, stats.LocationDiffers)
	if err != nil {
		return 1 // too few values, or all of them equal: nothing speaks for a difference
	}
	return min(res.P, 1)
}

// Beyond returns the probability that ys look as different from xs as they do
// although their true ratio is within 1/(1+least) and 1+least: whether ys are
// larger than xs by more than that, or smaller, by a Mann-Whitney test in the
// direction of the medians, doubled since the data chose the direction.
func Beyond(xs, ys []float64, least float64) float64 {
	if len(xs) == 0 || len(ys) == 0 {
		return 1
	}
	by, side := 1+least, stats.LocationLess // xs less than ys
	if Median(ys) < Median(xs) {
		by, side = 1/by, stats.LocationGreater
	}
	moved := slices.Clone(xs)
	for i := range moved {
		moved[i] *= by
	}
	res, err := stats.MannWhitneyUTest(moved, ys, side)
	if err != nil {
		return 1 // all of them are equal
	}
	return min(2*res.P, 1)
}

// Holm returns the p-values corrected for having asked len(ps) questions: the
// probability that any of the rows called different at level a is in truth the
// same stays below a, however the rows depend on each other.
func Holm(ps []float64) []float64 {
	order := make([]int, len(ps))
	for i := range order {
		order[i] = i
	}
	sort.SliceStable(order, func(a, b int) bool { return ps[order[a]] < ps[order[b]] })
	out := make([]float64, len(ps))
	least := 0.0
	for rank, i := range order {
		least = max(least, min(1, ps[i]*float64(len(ps)-rank)))
		out[i] = least
	}
	return out
}

// LeastP returns the smallest p-value that [Differ] can give for n and m values.
func LeastP(n, m int) float64 {
	if n < 1 || m < 1 {
		return 1
	}
	ways, _ := math.Lgamma(float64(n + m + 1))
	a, _ := math.Lgamma(float64(n + 1))
	b, _ := math.Lgamma(float64(m + 1))
	return min(1, 2*math.Exp(a+b-ways))
}

// ChiSquared compares observed counts with expected ones. It returns the sum of
// squared deviations, its degrees of freedom, and the probability of a sum at
// least as large if the counts were drawn at random with those expectations.
func ChiSquared(observed, expected []float64) (sum float64, freedom int, p float64) {
	freedom = -1
	for i, want := range expected {
		if want <= 0 {
			continue
		}
		off := observed[i] - want
		sum += off * off / want
		freedom++
	}
	if freedom < 1 {
		return sum, max(freedom, 0), 1
	}
	return sum, freedom, chiSquaredTail(sum, freedom)
}

// chiSquaredTail returns the probability that a sum of squares is at least as
// large. It is a finite series: with x = sum/2 and freedom even, that of
//
//	exp(-x) * x^k / k!  for k of 0, 1, ... freedom/2-1
//
// and with freedom odd that for k of 1/2, 3/2, ... freedom/2-1 and erfc(sqrt(x)).
// It is summed from the largest term to both sides until terms are too small to
// count, about the square root of freedom of them. The incomplete gamma function
// of go-moremath would do up to some 1300 degrees, beyond which it panics.
func chiSquaredTail(sum float64, freedom int) float64 {
	x := sum / 2
	if x == 0 {
		return 1 // and has no logarithm
	}
	first, last := float64(freedom%2)/2, float64(freedom)/2-1
	tail := 0.0
	if freedom%2 == 1 {
		tail = math.Erfc(math.Sqrt(x))
	}
	peak := min(first+math.Floor(x), last)
	if peak < first {
		return tail // one degree
	}
	factorial, _ := math.Lgamma(peak + 1)
	most := math.Exp(peak*math.Log(x) - x - factorial)
	const enough = 1e-17
	for k, term := peak, most; k >= first && term > enough*most; k-- {
		tail += term
		term *= k / x
	}
	for k, term := peak+1, most*x/(peak+1); k <= last && term > enough*most; k++ {
		tail += term
		term *= x / (k + 1)
	}
	return min(tail, 1)
}
