package measure

import (
	"fmt"
	"math"
	"time"
)

// warm brings caches and free memory up to what they are when the same work has
// been done for a while.
func (in *instance) warm() error {
	if in.walk != nil {
		in.walk()
		return nil
	}
	_, err := in.run(in.row.ops)
	return err
}

// sizeTries is how often a batch is tried when its size is settled.
const sizeTries = 12

// fastest returns the shortest time of n operations over at least three tries
// that nothing disturbed, or over sizeTries. Interrupted tries would make batches
// too short, and what a batch costs once would then weigh too much.
func (t *timer) fastest(in *instance, n int) (time.Duration, error) {
	least := time.Duration(math.MaxInt64)
	calm := 0
	for range sizeTries {
		seen, before := switches(), t.reference.run()
		took, err := in.run(n)
		if err != nil {
			return 0, err
		}
		least = min(least, took)
		if switches() == seen && t.reference.quiet(max(before, t.reference.run())) {
			calm++
		}
		if calm == 3 || took > 20*batchTime {
			break // or too long to be a matter of interruptions
		}
	}
	return least, nil
}

// size settles how many operations a batch has, and how many batches and visits
// an instance gets in a pass.
func (t *timer) size(in *instance) error {
	r := in.row
	if in.walk != nil {
		r.ops = 1
		in.walk()
	}
	took := time.Duration(0)
	n := 1
	for {
		var err error
		if took, err = t.fastest(in, n); err != nil {
			return fmt.Errorf("%s: %s: %w", r.source.title(), r.metric, err)
		}
		if took >= batchTime/4 || n == r.limit {
			break
		}
		n = min(2*n, r.limit)
	}
	op := max(took/time.Duration(n), 1)
	t.fit(r, t.opsFor(r, float64(op)), op)
	return nil
}

// opsFor returns how many operations of ns nanoseconds make a batch.
func (t *timer) opsFor(r *row, ns float64) int {
	return min(max(int(float64(batchTime)/ns), 1), r.limit)
}

// fit settles how many batches and visits an instance gets in a pass, if a batch
// is of ops operations that take op each.
func (t *timer) fit(r *row, ops int, op time.Duration) {
	r.ops = ops
	cost := op*time.Duration(ops) + 40*time.Microsecond // and the reference
	budget := time.Duration(r.share * float64(t.pace.time) / float64(2*t.pace.passes))
	if r.kind == changing {
		r.visits = min(max(int(budget/cost/3), 1), 3)
		r.batches = min(max(int(budget/cost)/r.visits, 2), visitMax)
		return
	}
	// Where warming up is long, it is worth more batches. Two visits at least
	// keep drift from hitting one row alone.
	warm := op * time.Duration(r.warmOps())
	r.batches = min(max(int(warm/cost), visitMax), 2*visitMax)
	r.visits = max(int(budget/(warm+cost*time.Duration(r.batches))), 2)
}

// warmOps returns how many operations warm the caches up before a visit: of
// lookups, as many as meet every cache line of the placement about four times.
func (r *row) warmOps() int {
	if r.kind == repeating {
		return r.ops
	}
	return min(max(4*r.ops, r.bytes/16), warmMax)
}
