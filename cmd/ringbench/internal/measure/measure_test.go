package measure_test

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/algo"
	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/keys"
	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/measure"
	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/result"
	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/stats"
	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/topology"
	"github.com/clusterluck/clusterluck/hashring"
)

func load(t *testing.T, spec string) *keys.Set {
	t.Helper()
	source, err := keys.Parse(spec, keys.Format{})
	if err != nil {
		t.Fatal(err)
	}
	set, err := source.Load(t.Context(), keys.Config{Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func config(t *testing.T, algos string, set *keys.Set, groups ...measure.Group) measure.Config {
	t.Helper()
	list, err := algo.Parse(algos)
	if err != nil {
		t.Fatal(err)
	}
	return measure.Config{
		Algorithms: list, Nodes: []int{10}, Points: []int{40}, Probes: []int{1}, Keys: set,
		Replicas: 3, Zones: 3, Groups: groups, Passes: 1, Time: time.Millisecond, Seed: 1,
	}
}

func run(t *testing.T, c measure.Config) *measure.Measured {
	t.Helper()
	m, err := measure.Run(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// value returns the number of a row and fails if there is no such row.
func value(t *testing.T, m *measure.Measured, name, metric string) *result.Row {
	t.Helper()
	i := slices.IndexFunc(m.Rows, func(r result.Row) bool { return r.Algo == name && r.Metric == metric })
	if i < 0 {
		t.Fatalf("no row %s %s", name, metric)
	}
	return &m.Rows[i]
}

// Balance is counted again here, key by key, popularity included.
func TestBalanceCountsEveryKey(t *testing.T) {
	set := load(t, "zipf:n=20000,s=1")
	m := run(t, config(t, "ring", set, measure.Balance))
	r, err := hashring.New(hashring.Options{Points: 40}, topology.Numbered(10)...)
	if err != nil {
		t.Fatal(err)
	}
	load := map[string]float64{}
	for key := range set.All() {
		id, _ := r.Owner(key)
		load[id]++
	}
	var shares []float64
	for _, n := range topology.Numbered(10) {
		shares = append(shares, load[n.ID]/(float64(set.Len())/10))
	}
	if got, want := value(t, m, "ring", "peak").Value, slices.Max(shares); math.Abs(got-want) > 1e-9 {
		t.Errorf("peak = %v, counted %v", got, want)
	}
	if got, want := value(t, m, "ring", "cv").Value, stats.Deviation(shares); math.Abs(got-want) > 1e-9 {
		t.Errorf("cv = %v, counted %v", got, want)
	}
	arc := 0.0
	for _, s := range r.Snapshot().Ownership() {
		arc = max(arc, s.Fraction*10)
	}
	if got := value(t, m, "ring", "arc-peak").Value; math.Abs(got-arc) > 1e-9 {
		t.Errorf("arc-peak = %v, by Ownership %v", got, arc)
	}
}

// Jump hash is even by construction, so chi-squared over its freedom must be
// near 1. Over 99 degrees of freedom its standard deviation is 0.14: 0.5 to 1.5
// is more than three of them.
func TestChiSquaredOfAnEvenPlacementIsOne(t *testing.T) {
	c := config(t, "jump,ring", load(t, "uuid:n=50000"), measure.Balance)
	c.Nodes = []int{100}
	m := run(t, c)
	if r := value(t, m, "jump", "chi2"); r.Value < 0.5 || r.Value > 1.5 || r.Detail["p"] < 1e-4 {
		t.Errorf("chi2 of jump = %v, p %v", r.Value, r.Detail["p"])
	}
	if r := value(t, m, "ring", "chi2"); r.Value < 3 || r.Detail["p"] > 1e-6 {
		t.Errorf("chi2 of a ring of 40 points = %v, p %v: its arcs are uneven", r.Value, r.Detail["p"])
	}
}

func TestWeightsAreFollowed(t *testing.T) {
	c := config(t, "rendezvous,jump", load(t, "uuid:n=50000"), measure.Balance)
	var err error
	if c.Weights, err = topology.ParseWeights("1,3"); err != nil {
		t.Fatal(err)
	}
	m := run(t, c)
	r := value(t, m, "rendezvous", "weight-error")
	if r.Weights != "1,3" || r.Value > 0.1 {
		t.Errorf("rendezvous misses its weights %q by %v", r.Weights, r.Value)
	}
	// Jump knows no weights: a node of weight 1 has twice its share.
	if r := value(t, m, "jump", "peak"); r.Value < 1.8 {
		t.Errorf("peak of jump over weights 1 and 3 = %v, want about 2", r.Value)
	}
}

func TestMovesAreNeverNeedlessButForMaglev(t *testing.T) {
	m := run(t, config(t, "ring,clusterluck,jump,rendezvous,multiprobe,anchor,maglev", load(t, "seq:n=5000"), measure.Moved))
	for _, r := range m.Rows {
		needless, isNeedless := strings.CutPrefix(r.Metric, "needless-")
		switch {
		case isNeedless && r.Algo != "maglev" && r.Value != 0:
			t.Errorf("%s moved %v keys needlessly on %s", r.Algo, r.Value, needless)
		case isNeedless && r.Algo == "maglev" && needless == "remove" && r.Value == 0:
			t.Error("maglev moved no key needlessly: the count does not see them")
		case !isNeedless && (r.Value < 0.5 || r.Value > 2):
			t.Errorf("%s %s = %v optimum", r.Algo, r.Metric, r.Value)
		}
		if d := r.Detail; isNeedless && (d["keys"] != 5000 || d["trials"] < 1 || d["share"] != r.Value/(5000*d["trials"])) {
			t.Errorf("%s: %v keys of %v", r.Name(), r.Value, d)
		}
		if !r.Exact {
			t.Errorf("%s is counted, yet not exact", r.Name())
		}
	}
	if slices.ContainsFunc(m.Rows, func(r result.Row) bool { return r.Algo == "jump" && r.Metric == "moved-weight" }) {
		t.Error("jump has no weights, yet they were changed")
	}
}

// The share that moves when a node joins must be its fair share within what
// 16 nodes of 512 points allow: one node's share has a deviation of 4.4 %, the
// mean of four a half of that; 10 % is more than four of those.
func TestMovedIsMeasuredAgainstTheFairShare(t *testing.T) {
	c := config(t, "ring", load(t, "uuid:n=50000"), measure.Moved)
	c.Nodes, c.Points = []int{16}, []int{512}
	m := run(t, c)
	for metric, optimum := range map[string]float64{"moved-add": 1.0 / 17, "moved-remove": 1.0 / 16, "moved-weight": 2.0/17 - 1.0/16} {
		r := value(t, m, "ring", metric)
		if math.Abs(r.Value-1) > 0.1 {
			t.Errorf("%s = %v, want 1", metric, r.Value)
		}
		if got := r.Detail["moved"] / r.Value; math.Abs(got-optimum) > 1e-9 {
			t.Errorf("%s is measured against %v of the keys, want %v", metric, got, optimum)
		}
	}
}

func TestReplicasHaveNoFaults(t *testing.T) {
	for _, replicas := range []int{3, 20} { // 20 of 10 nodes: all of them
		c := config(t, "ring,clusterluck", load(t, "seq:n=2000"), measure.Replicas)
		c.Replicas = replicas
		m := run(t, c)
		r := value(t, m, "ring", "replica-faults")
		if r.Value != 0 || r.Detail["keys"] != 2000 {
			t.Errorf("%d replicas: %v faults of %v keys: %v", replicas, r.Value, r.Detail["keys"], r.Detail)
		}
	}
}

func TestExactRowsAreTheSameInEveryRun(t *testing.T) {
	set := load(t, "uuid:n=3000")
	groups := []measure.Group{measure.Balance, measure.Moved, measure.Memory}
	a, b := run(t, config(t, "all", set, groups...)), run(t, config(t, "all", set, groups...))
	if len(a.Rows) != len(b.Rows) || len(a.Rows) < 40 {
		t.Fatalf("%d and %d rows", len(a.Rows), len(b.Rows))
	}
	for i := range a.Rows {
		if a.Rows[i].Name() != b.Rows[i].Name() || a.Rows[i].Value != b.Rows[i].Value {
			t.Errorf("%s = %v, then %s = %v", a.Rows[i].Name(), a.Rows[i].Value, b.Rows[i].Name(), b.Rows[i].Value)
		}
	}
}

// A timed run must give every algorithm its rows, with two samples a pass and
// all that compare needs.
func TestTimesHaveSamplesAndSpread(t *testing.T) {
	c := config(t, "all", load(t, "seq:n=1000"), measure.Lookup, measure.Build, measure.Replicas)
	c.Passes = 2
	steps := int64(0)
	c.Step = func(n int64) { steps += n }
	m := run(t, c)
	for _, a := range algo.All() {
		for _, metric := range []string{"lookup", "build", "add", "remove"} {
			r := value(t, m, a.Name, metric)
			switch {
			case len(r.Samples) < 2 || len(r.Samples) != len(r.Passes) || !r.Timed():
				t.Errorf("%s: samples %v of passes %v", r.Name(), r.Samples, r.Passes)
			case !(r.Low <= r.Value && r.Value <= r.High) || r.Confidence <= 0:
				t.Errorf("%s: %v not in %v to %v at %v", r.Name(), r.Value, r.Low, r.High, r.Confidence)
			case r.Spread == nil || r.Batch == nil || r.Batch.Count == 0 || r.Batch.Ops == 0 || r.Batch.P99 < r.Batch.P50:
				t.Errorf("%s: spread %v, batch %+v", r.Name(), r.Spread, r.Batch)
			}
		}
		if a.Replicas {
			value(t, m, a.Name, "top3")
		}
		if r := value(t, m, a.Name, "lookup-allocs"); r.Value != 0 {
			t.Errorf("%s: a lookup makes %v allocations", a.Name, r.Value)
		}
	}
	if m.Reference.Best <= 0 || m.Reference.Batches == 0 {
		t.Errorf("reference %+v", m.Reference)
	}
	if want := int64(len(algo.All()) + c.Passes); steps != want {
		t.Errorf("%d steps were told, want %d", steps, want)
	}
}

func TestRunStopsWhenToldTo(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	c := config(t, "ring", load(t, "seq:n=1000"), measure.Lookup)
	c.Passes, c.Time = 1000, time.Hour
	c.Begin = func(what string, _ int64) {
		if what == "measure" {
			cancel()
		}
	}
	if _, err := measure.Run(ctx, c); !errors.Is(err, context.Canceled) {
		t.Errorf("Run = %v, want context.Canceled", err)
	}
}

// One configuration that cannot be must not cost the user the others.
func TestImpossibleConfigurationsAreLeftOut(t *testing.T) {
	c := config(t, "ring,jump", load(t, "seq:n=100"), measure.Memory)
	c.Points = []int{hashring.MaxPoints}
	m := run(t, c)
	if len(m.Rows) != 1 || len(m.Skipped) != 1 || !strings.Contains(m.Skipped[0], "ring with 10 nodes is left out") {
		t.Errorf("%d rows, skipped %q", len(m.Rows), m.Skipped)
	}
	c = config(t, "ring", c.Keys, measure.Memory)
	c.Points = []int{hashring.MaxPoints}
	if _, err := measure.Run(t.Context(), c); !errors.Is(err, hashring.ErrOptions) {
		t.Errorf("Run with nothing left = %v, want ErrOptions", err)
	}
}

func TestEveryRowHasAMetric(t *testing.T) {
	for _, m := range measure.Metrics() {
		better := "lower"
		if strings.HasPrefix(m.Name, "moved-") {
			better = result.NearOne // less than its share is no gift to a node
		}
		got, ok := measure.Describe(strings.Replace(m.Name, "topN", "top5", 1))
		if !ok || got.Unit != m.Unit || got.Better != better || got.Means == "" {
			t.Errorf("Describe(%s) = %+v, %v", m.Name, got, ok)
		}
		if !slices.Contains(measure.Groups(), m.Group) {
			t.Errorf("%s is of the unknown group %s", m.Name, m.Group)
		}
	}
	if _, ok := measure.Describe("latency"); ok {
		t.Error("Describe knows latency")
	}
	if _, err := measure.ParseGroups("lookup,latency"); err == nil || !strings.Contains(err.Error(), "balance") {
		t.Errorf("ParseGroups of an unknown group = %v, want the known ones", err)
	}
}

func TestDigestTellsKeysAndOrderApart(t *testing.T) {
	digests := map[string]string{}
	for _, spec := range []string{"seq:n=100", "seq:n=101", "uuid:n=100", "zipf:n=100,s=1"} {
		d := measure.Digest(load(t, spec))
		if other, ok := digests[d]; ok {
			t.Errorf("%s and %s have the same digest", spec, other)
		}
		digests[d] = spec
		if again := measure.Digest(load(t, spec)); again != d {
			t.Errorf("%s has the digests %s and %s", spec, d, again)
		}
	}
}

// A sample is the median of the quiet batches of one instance; an instance with
// too few of them gives none.
func TestMediansTakeQuietBatchesOnly(t *testing.T) {
	const quiet, busy = 1, 2
	samples, passes := measure.Medians([][4]float64{
		{0, 0, 10, quiet}, {0, 0, 12, quiet}, {0, 0, 99, busy}, {0, 0, 11, quiet},
		{0, 1, 20, quiet}, {0, 1, 21, busy}, // one quiet batch is too few
		{1, 1, 31, quiet}, {1, 1, 30, quiet},
		{1, 0, 41, quiet}, {1, 0, 40, quiet},
	}, 2)
	if !slices.Equal(samples, []float64{11, 40.5, 30.5}) || !slices.Equal(passes, []int{0, 1, 1}) {
		t.Errorf("Medians = %v of passes %v", samples, passes)
	}
}

func TestSpread(t *testing.T) {
	tests := []struct {
		name            string
		samples         []float64
		twins, halves   float64
		errMin, errMost float64
	}{
		{"all alike", []float64{10, 10, 10, 10, 10, 10, 10, 10}, 0, 0, 0, 0},
		{"one twin is 10 % slower", []float64{10, 11, 10, 11, 10, 11, 10, 11}, math.Log(1.1), 0, 0, 0.001},
		// Drift must show in the error as well, although neighbours agree.
		{"the second half is 10 % slower", []float64{10, 10, 10, 10, 11, 11, 11, 11}, 0, math.Log(1.1), 0.045, 0.05},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := measure.SpreadOf(tt.samples)
			if math.Abs(s.Twins-tt.twins) > 1e-9 || math.Abs(s.Halves-tt.halves) > 1e-9 {
				t.Errorf("spread %+v, want twins %v and halves %v", s, tt.twins, tt.halves)
			}
			if s.Error < tt.errMin || s.Error > tt.errMost {
				t.Errorf("error %v, want %v to %v", s.Error, tt.errMin, tt.errMost)
			}
		})
	}
}

// The fastest of all runs may owe its time to the clock; the eighth is what the
// machine can do.
func TestQuietIsNearTheBest(t *testing.T) {
	times := []float64{0.5, 1, 1, 1, 1, 1, 1, 1, 1.7, 1.7, 1.7, 1.7}
	if !measure.Quiet(times, 1.03) {
		t.Error("3 % above the best is not quiet")
	}
	if measure.Quiet(times, 1.05) {
		t.Error("5 % above the best is quiet")
	}
	all, best := measure.ReferenceRun(20)
	if len(all) != 20 || best <= 0 || best < slices.Min(all) {
		t.Errorf("20 runs were noted as %d, best %v of %v", len(all), best, all)
	}
}
