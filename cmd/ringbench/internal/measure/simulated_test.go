package measure_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/compare"
	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/measure"
	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/result"
)

const (
	simPasses  = 10
	simBatches = 24 // of an instance in a pass
	simRows    = 20
)

// A machine is a model of the one on which the command was made: a 2-core
// virtual machine that does other things. Its numbers were measured there.
type machine struct {
	rng  *rand.Rand
	busy float64 // share of the time that another thread is on the same core
	mode bool    // it is there now
}

func newMachine(seed uint64) *machine {
	rng := rand.New(rand.NewPCG(seed, 2))
	return &machine{rng: rng, busy: 0.05 + 0.5*rng.Float64()}
}

// next goes on by one batch. Other work comes and goes in stretches of about
// thirty batches.
func (m *machine) next() {
	if m.rng.Float64() < 1.0/30 {
		m.mode = m.rng.Float64() < m.busy
	}
}

// batch times one batch of work that takes ns when nothing disturbs it.
func (m *machine) batch(pass, twin int, ns float64) measure.SimulatedBatch {
	b := measure.SimulatedBatch{
		Pass: pass, Twin: twin,
		Ns:        ns * math.Exp(0.006*math.Abs(m.rng.NormFloat64())),
		Reference: 1.5 * math.Exp(0.004*math.Abs(m.rng.NormFloat64())),
	}
	if m.mode {
		b.Ns *= 1.4 + 0.4*m.rng.Float64()
		b.Reference *= 1.3 + 0.4*m.rng.Float64()
	}
	if m.rng.Float64() < 0.02 { // interrupted
		b.Ns *= 3
	}
	return b
}

// run simulates a run. Between runs every row is off by 0.4 %, a row that needs
// much memory by 1.5 %; that one drifts by 1.5 % within a run as well. Some
// instances of some rows lie on addresses that make them 8 % slower.
func (m *machine) run(slowdown float64) *result.File {
	const kept = 0.8 // of the drift of one pass that is left in the next
	rows := make([][]measure.SimulatedBatch, simRows)
	base, drift := make([]float64, simRows), make([]float64, simRows)
	for i := range rows {
		spread := 0.004
		if i%5 == 0 {
			spread = 0.015
			drift[i] = 0.015 * m.rng.NormFloat64()
		}
		base[i] = 20 * float64(i+1) * slowdown * math.Exp(spread*m.rng.NormFloat64())
	}
	for pass := range simPasses {
		ns := make([][2]float64, simRows)
		for i := range rows {
			if i%5 == 0 {
				drift[i] = kept*drift[i] + math.Sqrt(1-kept*kept)*0.015*m.rng.NormFloat64()
			}
			for twin := range 2 {
				ns[i][twin] = base[i] * math.Exp(drift[i])
				if i%3 == 0 && m.rng.Float64() < 1.0/6 {
					ns[i][twin] *= 1.08
				}
			}
		}
		for range simBatches {
			for _, i := range m.rng.Perm(simRows) {
				for twin := range 2 {
					m.next()
					rows[i] = append(rows[i], m.batch(pass, twin, ns[i][twin]))
				}
			}
		}
	}
	return measure.Simulated(simPasses, simBatches, rows, func(i int) int {
		if i%5 == 0 {
			return 2 << 20
		}
		return 64 << 10
	})
}

// The experiment of internal/aatest on a model of a noisy machine, with 40
// rounds instead of twenty: equal code may show a difference in one pair of
// twenty, and code that is a tenth slower must be shown as slower every time.
func TestSimulatedPairs(t *testing.T) {
	rounds := 40
	if testing.Short() {
		rounds = 10
	}
	differ, rows, shown := 0, 0, 0
	for seed := range uint64(rounds) {
		a, b, s := newMachine(3*seed).run(1), newMachine(3*seed+1).run(1), newMachine(3*seed+2).run(1.1)
		same, err := compare.Files(a, b)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range same.Rows {
			if r.Verdict != compare.Same {
				t.Logf("round %d: %s %+.1f %%, limit %.1f %%, p %.2g", seed, r.Config, 100*r.Delta, 100*r.Limit, r.Holm)
				differ++
				break
			}
		}
		slow, err := compare.Files(b, s)
		if err != nil {
			t.Fatal(err)
		}
		worse, better := 0, 0
		for _, r := range slow.Rows {
			worse += count(r.Verdict == compare.Worse)
			better += count(r.Verdict == compare.Better)
		}
		rows += len(slow.Rows)
		shown += worse
		if 2*worse <= len(slow.Rows) || better > 0 {
			t.Errorf("round %d: code that is 10 %% slower shows in %d of %d rows, %d look better", seed, worse, len(slow.Rows), better)
		}
	}
	t.Logf("%d of %d pairs of equal code differ; slower code shows in %d of %d rows", differ, rounds, shown, rows)
	if differ > rounds/20 {
		t.Errorf("%d of %d pairs of equal code show a difference, want at most %d", differ, rounds, rounds/20)
	}
}

func count(b bool) int {
	if b {
		return 1
	}
	return 0
}

// With one pass there are two samples however quiet the machine is: that must not
// be put down to the machine. A busy one is named all the same.
func TestFewSamplesAreNotABusyMachine(t *testing.T) {
	const quiet, busy = 1.5, 3.0
	tests := []struct {
		name       string
		passes     int
		references [2]float64 // of the twins
		few, busy  bool
	}{
		{"one quiet pass", 1, [2]float64{quiet, quiet}, true, false},
		{"one pass, a twin disturbed", 1, [2]float64{quiet, busy}, true, true},
		{"two quiet passes", 2, [2]float64{quiet, quiet}, false, false},
		{"five quiet passes", 5, [2]float64{quiet, quiet}, false, false},
		{"two passes, a twin always disturbed", 2, [2]float64{quiet, busy}, false, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var batches []measure.SimulatedBatch
			for pass := range tt.passes {
				for twin, reference := range tt.references {
					for range simBatches {
						batches = append(batches, measure.SimulatedBatch{Pass: pass, Twin: twin, Ns: 20, Reference: reference})
					}
				}
			}
			f := measure.Simulated(tt.passes, simBatches, [][]measure.SimulatedBatch{batches}, func(int) int { return 1 })
			if r := f.Rows[0]; r.Few != tt.few || r.Busy != tt.busy {
				t.Errorf("few %v, busy %v with %d samples; want %v, %v", r.Few, r.Busy, len(r.Samples), tt.few, tt.busy)
			}
		})
	}
}

// A run on a machine that is never quiet must say so, and compare must not judge
// it against one that was.
func TestSimulatedBusyRunIsNotJudged(t *testing.T) {
	quiet := newMachine(1)
	quiet.busy = 0
	busy := newMachine(2)
	busy.busy, busy.mode = 1, true
	a, b := quiet.run(1), busy.run(1)
	res, err := compare.Files(a, b)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range res.Rows {
		if r.Verdict != compare.Same {
			t.Errorf("%s %s: %+.0f %% on a busy machine is called %s", r.Config, r.Metric, 100*r.Delta, r.Verdict)
		}
	}
}
