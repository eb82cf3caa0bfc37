package stats_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/stats"
)

func TestQuantile(t *testing.T) {
	tests := []struct {
		name string
		xs   []float64
		q    float64
		want float64
	}{
		{"odd count", []float64{3, 1, 2}, 0.5, 2},
		{"even count takes the middle of the middle two", []float64{4, 1, 2, 3}, 0.5, 2.5},
		{"one value", []float64{7}, 0.99, 7},
		{"top", []float64{1, 2, 3}, 1, 3},
		{"between values", []float64{0, 10}, 0.25, 2.5},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			before := slices.Clone(tt.xs)
			if got := stats.Quantile(tt.xs, tt.q); got != tt.want {
				t.Errorf("Quantile(%v, %v) = %v, want %v", tt.xs, tt.q, got, tt.want)
			}
			if !slices.Equal(tt.xs, before) {
				t.Errorf("Quantile changed its argument to %v", tt.xs)
			}
		})
	}
	if got := stats.Median(nil); !math.IsNaN(got) {
		t.Errorf("Median(nil) = %v, want NaN", got)
	}
}

// The interval must hold the true median as often as it says. 2000 samples of
// 20 values: the standard error of the share is 0.5 %, so 93.5 % is three of
// them below 95 %.
func TestSummarizeCovers(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	const trials, truth = 2000, math.Ln2 // median of the exponential distribution
	held := 0
	for range trials {
		xs := make([]float64, 20)
		for i := range xs {
			xs[i] = rng.ExpFloat64()
		}
		s := stats.Summarize(xs, 0.95)
		if s.Low <= truth && truth <= s.High {
			held++
		}
		if s.Confidence < 0.95 {
			t.Fatalf("confidence %v, want at least 0.95", s.Confidence)
		}
	}
	if share := float64(held) / trials; share < 0.935 {
		t.Errorf("the interval held the median in %.3f of the samples, want 0.95", share)
	}
}

func TestSummarizeOfFewValuesSaysWhatItIsWorth(t *testing.T) {
	s := stats.Summarize([]float64{1, 2, 3}, 0.95)
	if s.Low != 1 || s.High != 3 || s.Confidence != 0.75 {
		t.Errorf("Summarize of 3 values = %+v, want the range at confidence 0.75", s)
	}
}

func TestDiffer(t *testing.T) {
	low, high := []float64{1, 2, 3, 4, 5}, []float64{6, 7, 8, 9, 10}
	// 2 of the 252 ways to draw 5 of 10 are as extreme.
	if got, want := stats.Differ(low, high), 2.0/252; math.Abs(got-want) > 1e-12 {
		t.Errorf("Differ = %v, want %v", got, want)
	}
	if got := stats.Differ(low, low); got < 0.9 {
		t.Errorf("a sample differs from itself with p = %v", got)
	}
	if got := stats.Differ([]float64{1, 1}, []float64{1, 1}); got != 1 {
		t.Errorf("equal values differ with p = %v", got)
	}
	if got := stats.Differ(nil, high); got != 1 {
		t.Errorf("no values differ with p = %v", got)
	}
	if got, want := stats.LeastP(5, 5), 2.0/252; math.Abs(got-want) > 1e-12 {
		t.Errorf("LeastP(5, 5) = %v, want %v", got, want)
	}
}

// The question is whether two samples differ by more than some least ratio.
func TestBeyond(t *testing.T) {
	base := []float64{100, 101, 102, 103, 104, 105, 106, 107}
	by := func(f float64) []float64 {
		out := slices.Clone(base)
		for i := range out {
			out[i] *= f
		}
		return out
	}
	tests := []struct {
		name  string
		ys    []float64
		least float64
		sure  bool
	}{
		{"equal", base, 0.05, false},
		{"10 % more is beyond 2 %", by(1.10), 0.02, true},
		{"10 % less is beyond 2 %", by(1 / 1.10), 0.02, true},
		{"4 % more is not beyond 5 %, however plain", by(1.04), 0.05, false},
		{"4 % less is not beyond 5 %", by(1 / 1.04), 0.05, false},
		{"nothing to go by", nil, 0.02, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := stats.Beyond(base, tt.ys, tt.least)
			if (p < 0.01) != tt.sure || p < 0 || p > 1 {
				t.Errorf("Beyond = %v", p)
			}
		})
	}
	// Fully apart: the only such order of 16 values, in one of two directions.
	if got, want := stats.Beyond(base, by(2), 0), stats.LeastP(8, 8); math.Abs(got-want) > 1e-12 {
		t.Errorf("Beyond of samples that do not touch = %v, want %v", got, want)
	}
}

func TestHolm(t *testing.T) {
	// By hand: 0.01*4, max(0.04, 0.02*3), max(0.06, 0.03*2), max(0.06, 0.5).
	got := stats.Holm([]float64{0.5, 0.01, 0.03, 0.02})
	want := []float64{0.5, 0.04, 0.06, 0.06}
	for i := range want {
		if math.Abs(got[i]-want[i]) > 1e-12 {
			t.Fatalf("Holm = %v, want %v", got, want)
		}
	}
	if got := stats.Holm([]float64{0.9, 0.8}); got[0] != 1 || got[1] != 1 {
		t.Errorf("Holm = %v, want no more than 1", got)
	}
}

// The 5 % points are those of printed tables, which have three decimals; the other
// probabilities were computed by Cephes.
func TestChiSquared(t *testing.T) {
	for _, tt := range []struct {
		freedom      int
		sum, p, most float64 // what p may be off, as a share
	}{
		{1, 3.841, 0.05, 1e-3},
		{2, 5.991, 0.05, 1e-3},
		{9, 16.919, 0.05, 1e-3},
		{99, 123.225, 0.05, 1e-3},
		{1000, 1074.679, 0.05, 1e-3},
		{1001, 1075.716, 0.05, 1e-3},
		{10000, 10233.749, 0.05, 1e-3},
		{9, 0, 1, 1e-9},
		{10, 0, 1, 1e-9},
		{9, 2, 0.991467606629, 1e-9},
		{9, 60, 1.3406780484e-09, 1e-9},
		{4999, 5600, 3.47911914947e-09, 1e-9},
		{5000, 4900, 0.841361110332, 1e-9},
		{5000, 100, 1, 1e-9}, // terms at the ends are too small for a float
	} {
		n := tt.freedom + 1
		observed, expected := make([]float64, n), make([]float64, n)
		for i := range expected {
			expected[i], observed[i] = 100, 100
		}
		// All of the deviation on two counts.
		off := math.Sqrt(tt.sum * 100 / 2)
		observed[0] += off
		observed[1] -= off
		sum, freedom, p := stats.ChiSquared(observed, expected)
		if math.Abs(sum-tt.sum) > 1e-9 || freedom != tt.freedom || !(math.Abs(p-tt.p) <= tt.most*tt.p) {
			t.Errorf("ChiSquared = %v, %v, %v; want %v, %v, %v", sum, freedom, p, tt.sum, tt.freedom, tt.p)
		}
	}
}
