package measure

import (
	"context"
	"math"
	"math/rand/v2"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"slices"
	"time"
)

const (
	spinUp      = 200 * time.Millisecond // of the reference, to learn its best speed
	garbageMax  = 32 << 20               // allocated bytes after which to collect
	warmTries   = 3
	pool        = 2 * garbageMax // memory that is mapped before a pass
	wantedShare = 0.7            // of the samples of undisturbed passes, at least
)

// A timer takes the times of a run.
type timer struct {
	pace      *pace
	rng       *rand.Rand
	arena     *arena // nil if nothing is looked up
	rows      []*row
	reference *reference
	sum       int // keeps lookups from being left out
	passes    int
}

// time measures every timed row of the subjects.
func (c *Config) time(ctx context.Context, subjects []*subject, out *Measured) error {
	rows := c.rows(subjects)
	if len(rows) == 0 {
		return nil
	}
	if c.Slowdown < 1 {
		c.Slowdown = 1
	}
	t := newTimer(c.pace(), rows)
	t.arena = newArena(c.Keys, t.rng)
	return t.time(ctx, out)
}

func newTimer(p *pace, rows []*row) *timer {
	rng := rand.New(rand.NewPCG(p.seed, 0x74696d6572)) // "timer"
	return &timer{pace: p, rng: rng, rows: rows, reference: newReference()}
}

// time measures the rows.
func (t *timer) time(ctx context.Context, out *Measured) error {
	// A goroutine that changed threads would change processors with them.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	// The collector runs between visits, never within one.
	defer debug.SetGCPercent(debug.SetGCPercent(100))
	for start := time.Now(); time.Since(start) < spinUp; {
		t.reference.run()
	}
	if err := t.measure(ctx); err != nil {
		return err
	}
	out.Reference = t.summary()
	for _, r := range t.rows {
		if len(r.samples) > 0 {
			out.Rows = append(out.Rows, t.result(r))
		}
	}
	return nil
}

// measure makes the passes, and then more of them for rows that were disturbed,
// until there are none or patience ends. On a machine that is so busy that
// patience ends early, half of the passes have to do.
func (t *timer) measure(ctx context.Context) error {
	end := time.Now().Add(t.expected() + t.pace.patience)
	t.pace.begin("measure", t.pace.passes)
	for i := range t.pace.passes {
		if t.pace.patience > 0 && 2*i >= t.pace.passes && time.Now().After(end) {
			return nil
		}
		if err := t.pass(ctx); err != nil {
			return err
		}
		if i == 0 {
			if err := t.resize(ctx); err != nil {
				return err
			}
		}
		t.pace.step()
	}
	for time.Now().Before(end) && t.reopen() {
		t.pace.begin("wait for a quieter machine", 0)
		if err := t.pass(ctx); err != nil {
			return err
		}
	}
	return nil
}

// resize settles the size of batches by what the first pass measured, which is
// closer than what was tried before it. Rows whose batches were of another size
// make the pass again: what a batch costs once weighed differently in them.
func (t *timer) resize(ctx context.Context) error {
	again := false
	for _, r := range t.rows {
		r.open = false
		samples, _ := t.quietSamples(r)
		if len(samples) == 0 {
			continue
		}
		ops := t.opsFor(r, median(samples))
		if ratio := float64(ops) / float64(r.ops); ratio < 0.9 || ratio > 1.1 {
			t.fit(r, ops, time.Duration(median(samples)))
			r.samples, r.open, again = nil, true, true
		}
	}
	if again {
		t.passes--
		if err := t.pass(ctx); err != nil {
			return err
		}
	}
	for _, r := range t.rows {
		r.open = true
	}
	return nil
}

// expected returns how long the passes take on a quiet machine: about as long
// again as the time that is asked for goes into warming up and the reference.
func (t *timer) expected() time.Duration {
	sources := make(map[source]bool)
	for _, r := range t.rows {
		sources[r.source] = true
	}
	return 2 * t.pace.time * time.Duration(len(sources))
}

// reopen marks the rows that have too few quiet samples for another pass, and
// reports whether there are any.
func (t *timer) reopen() bool {
	open := false
	for _, r := range t.rows {
		samples, _ := t.quietSamples(r)
		r.open = float64(len(samples)) < wantedShare*float64(2*t.pace.passes)
		open = open || r.open
	}
	return open
}

// pass builds twins of every configuration on fresh memory and visits all of
// them in random order.
func (t *timer) pass(ctx context.Context) error {
	debug.SetGCPercent(100)
	debug.FreeOSMemory() // the instances of this pass shall not lie where the last ones lay
	instances, err := t.instances()
	if err != nil {
		return err
	}
	t.rng.Shuffle(len(instances), func(i, j int) { instances[i], instances[j] = instances[j], instances[i] })
	mapMemory()
	debug.SetGCPercent(-1)
	visits, err := t.plan(instances)
	if err != nil {
		return err
	}
	last := allocated()
	for _, in := range visits {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := t.visit(in); err != nil {
			return err
		}
		if now := allocated(); now-last > garbageMax {
			runtime.GC()
			last = now
		}
	}
	t.passes++
	return nil
}

// plan sizes the batches of rows that are new and lists the visits of a pass in
// random order.
func (t *timer) plan(instances []*instance) ([]*instance, error) {
	var visits []*instance
	for _, in := range instances {
		if in.row.ops == 0 {
			if err := t.size(in); err != nil {
				return nil, err
			}
		}
		for range in.row.visits {
			visits = append(visits, in)
		}
	}
	t.rng.Shuffle(len(visits), func(i, j int) { visits[i], visits[j] = visits[j], visits[i] })
	return visits, nil
}

// mapMemory makes the heap large enough for the garbage between two collections,
// so that no timed build waits for the system to map memory.
func mapMemory() {
	debug.SetGCPercent(-1)
	const page = 4096
	var pages [pool / (1 << 20)][]byte
	for i := range pages {
		pages[i] = make([]byte, 1<<20)
		for j := 0; j < len(pages[i]); j += page {
			pages[i][j] = 1
		}
	}
	runtime.KeepAlive(pages)
	runtime.GC()
}

// visit warms one instance up and times its batches. A batch during which
// another thread had the processor does not count, and the caches are warmed up
// again behind it.
func (t *timer) visit(in *instance) error {
	r := in.row
	disturbed := true
	var before float64
	for range r.batches {
		if disturbed {
			if err := t.warm(in); err != nil {
				return err
			}
			before = t.reference.run()
		}
		seen := switches()
		took, err := in.run(r.ops)
		if err != nil {
			return err
		}
		after := t.reference.run()
		disturbed = switches() != seen
		b := batch{pass: t.passes, twin: in.twin, ns: float64(took) / float64(r.ops), reference: max(before, after)}
		if disturbed {
			b.reference = math.Inf(1)
		}
		r.samples = append(r.samples, b)
		before = after
	}
	return nil
}

// warm warms an instance up, again if another thread had the processor
// meanwhile.
func (t *timer) warm(in *instance) error {
	for range warmTries {
		seen := switches()
		if err := in.warm(); err != nil {
			return err
		}
		if switches() == seen {
			break
		}
	}
	return nil
}

// allocated returns the bytes that the program has allocated so far.
func allocated() uint64 {
	s := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(s)
	return s[0].Value.Uint64()
}

// quietSamples returns the median of the quiet batches of every instance that
// has enough of them, and the passes they are from.
func (t *timer) quietSamples(r *row) (samples []float64, passes []sampleID) {
	return medians(r.samples, func(b batch) bool { return t.reference.quiet(b.reference) }, max(1, r.batches*r.visits/10))
}

// A sampleID says which instance a sample is of.
type sampleID struct{ pass, twin int }

// medians returns the median of the batches of each instance that are accepted,
// leaving out instances with fewer than least of them.
func medians(batches []batch, accept func(batch) bool, least int) (samples []float64, ids []sampleID) {
	byInstance := make(map[sampleID][]float64)
	for _, b := range batches {
		if accept(b) {
			id := sampleID{b.pass, b.twin}
			byInstance[id] = append(byInstance[id], b.ns)
		}
	}
	for id, ns := range byInstance {
		if len(ns) >= least {
			ids = append(ids, id)
		}
	}
	slices.SortFunc(ids, func(a, b sampleID) int { return 2*(a.pass-b.pass) + a.twin - b.twin })
	for _, id := range ids {
		samples = append(samples, median(byInstance[id]))
	}
	return samples, ids
}
