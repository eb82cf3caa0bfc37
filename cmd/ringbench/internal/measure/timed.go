package measure

import (
	"fmt"
	"math"
	"time"

	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/algo"
	"github.com/clusterluck/clusterluck/hashring"
)

const (
	batchTime   = 250 * time.Microsecond // short, so that most batches are quiet throughout
	visitMax    = 6                      // batches of a visit, twice as many where warming up is long
	warmMax     = 1 << 17                // lookups that warm the caches, at most
	lookupMax   = 1 << 14                // lookups of a batch, at most
	buildMax    = 4096                   // builds of a batch, at most
	changeMax   = 512                    // additions or removals of a batch, at most: each needs a copy
	keysInArena = 1 << 18
)

// A row is a timed number of a configuration, over all instances.
type row struct {
	subject *subject
	metric  string
	share   float64 // of the time of a configuration
	ops     int     // operations of a batch; 0 until the first instance sized it
	limit   int     // operations of a batch, at most
	batches int     // of a visit
	visits  int     // of an instance in a pass
	samples []batch
	bytes   int  // memory of the placement
	open    bool // wants another pass
}

// A batch is the time of one batch of one instance.
type batch struct {
	pass, twin int
	ns         float64 // of one operation
	reference  float64 // of the slower of the references around it
}

// An instance is one row on one placement built for this pass.
type instance struct {
	row  *row
	twin int
	walk func() // looks keys up to bring the caches up; nil if the row is no lookup
	// run does n operations and returns the time they took.
	run func(n int) (time.Duration, error)
}

// rows lists the timed rows of all configurations.
func (c *Config) rows(subjects []*subject) []*row {
	var all []*row
	add := func(s *subject, metric string, share float64) {
		all = append(all, &row{subject: s, metric: metric, share: share, open: true})
	}
	for _, s := range subjects {
		if c.wants(Lookup) {
			add(s, "lookup", 4)
		}
		if c.wants(Replicas) && s.algo.Replicas {
			add(s, c.top(), 2)
		}
		if c.wants(Build) {
			add(s, "build", 2)
			add(s, "add", 1)
			if len(s.nodes) > 1 {
				add(s, "remove", 1)
			}
		}
	}
	total := make(map[*subject]float64)
	for _, r := range all {
		total[r.subject] += r.share
	}
	for _, r := range all {
		r.share /= total[r.subject]
	}
	return all
}

// instances builds twins of every configuration with open rows. Each twin has a
// placement and keys of its own.
func (t *timer) instances() ([]*instance, error) {
	var all []*instance
	for twin := range 2 {
		keys := t.arena.clone()
		placed := make(map[*subject]algo.Placement)
		for _, r := range t.rows {
			if !r.open {
				continue
			}
			p, ok := placed[r.subject]
			if !ok {
				var err error
				if p, err = r.subject.algo.New(r.subject.nodes, r.subject.setting); err != nil {
					return nil, err
				}
				placed[r.subject] = p
			}
			all = append(all, t.instance(r, twin, p, keys))
		}
	}
	return all, nil
}

func (t *timer) instance(r *row, twin int, p algo.Placement, keys []string) *instance {
	in := &instance{row: r, twin: twin}
	r.bytes = p.Bytes()
	switch r.metric {
	case "lookup":
		t.lookups(in, keys, p.Lookup)
	case "build":
		in.run = r.subject.builds
	case "add":
		in.run = changes(p, func(c algo.Placement) error {
			return c.Add(hashring.Node{ID: "joining-1", Weight: 1})
		})
	case "remove":
		nodes := p.Nodes()
		id := nodes[len(nodes)-1].ID // every algorithm can lose the last node
		in.run = changes(p, func(c algo.Placement) error { return c.Remove(id) })
	default: // topN
		replicator := p.(algo.Replicator) // rows asks for lists only where there are some
		t.lookups(in, keys, func(keys []string) int { return replicator.Top(keys, t.config.Replicas) })
	}
	return in
}

// lookups makes an instance that walks through the keys from a random place. It
// never looks at the same keys twice in a visit, as a program whose keys come
// from elsewhere.
func (t *timer) lookups(in *instance, keys []string, lookup func(keys []string) int) {
	at := 0
	next := func(n int) []string {
		if at+n > len(keys) {
			at = 0
		}
		at += n
		return keys[at-n : at]
	}
	in.walk = func() {
		at = t.rng.IntN(len(keys))
		n := in.row.warmOps()
		for n > 0 {
			part := min(n, len(keys))
			t.sum += lookup(next(part))
			n -= part
		}
	}
	in.run = func(n int) (time.Duration, error) {
		part := next(n)
		extra := next(int(float64(n) * (t.config.Slowdown - 1)))
		start := time.Now()
		t.sum += lookup(part)
		t.sum += lookup(extra)
		return time.Since(start), nil
	}
}

// builds builds the placement n times.
func (s *subject) builds(n int) (time.Duration, error) {
	start := time.Now()
	for range n {
		if _, err := s.algo.New(s.nodes, s.setting); err != nil {
			return 0, err
		}
	}
	return time.Since(start), nil
}

// changes makes one change to each of n copies of p. Copying is not timed.
func changes(p algo.Placement, do func(algo.Placement) error) func(n int) (time.Duration, error) {
	return func(n int) (time.Duration, error) {
		copies := make([]algo.Placement, n)
		for i := range copies {
			var err error
			if copies[i], err = p.Clone(); err != nil {
				return 0, err
			}
		}
		start := time.Now()
		for _, c := range copies {
			if err := do(c); err != nil {
				return 0, err
			}
		}
		return time.Since(start), nil
	}
}

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
	r.limit = changeMax
	switch {
	case in.walk != nil:
		r.limit = min(lookupMax, len(t.arena.keys))
		r.ops = 1
		in.walk()
	case r.metric == "build":
		r.limit = buildMax
	}
	took := time.Duration(0)
	n := 1
	for {
		var err error
		if took, err = t.fastest(in, n); err != nil {
			return fmt.Errorf("%s with %d nodes: %s: %w", r.subject.algo.Name, len(r.subject.nodes), r.metric, err)
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
	budget := time.Duration(r.share * float64(t.config.Time) / float64(2*t.config.Passes))
	if r.metric == "build" || r.metric == "add" || r.metric == "remove" {
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

// warmOps returns how many lookups warm the caches up before a visit: as many as
// meet every cache line of the placement about four times.
func (r *row) warmOps() int { return min(max(4*r.ops, r.bytes/16), warmMax) }
