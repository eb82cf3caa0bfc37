package measure

import (
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

// rows lists the timed rows of all configurations.
func (c *Config) rows(subjects []*subject) []*row {
	var all []*row
	add := func(s *subject, metric string, kind kind, limit int, share float64) {
		all = append(all, &row{source: s, metric: metric, kind: kind, limit: limit, share: share, open: true})
	}
	for _, s := range subjects {
		if c.wants(Lookup) {
			add(s, "lookup", walking, lookupMax, 4)
		}
		if c.wants(Replicas) && s.algo.Replicas {
			add(s, c.top(), walking, lookupMax, 2)
		}
		if c.wants(Build) {
			add(s, "build", changing, buildMax, 2)
			add(s, "add", changing, changeMax, 1)
			if len(s.nodes) > 1 {
				add(s, "remove", changing, changeMax, 1)
			}
		}
	}
	shareOut(all)
	return all
}

// build builds the placement. Rows of a twin share it and walk through keys of
// its own.
func (s *subject) build(t *timer, keys []string) (func(r *row) (*instance, error), error) {
	p, err := s.algo.New(s.nodes, s.setting)
	if err != nil {
		return nil, err
	}
	return func(r *row) (*instance, error) {
		r.bytes = p.Bytes()
		return s.instance(t, r, p, keys), nil
	}, nil
}

func (s *subject) instance(t *timer, r *row, p algo.Placement, keys []string) *instance {
	in := &instance{row: r}
	switch r.metric {
	case "lookup":
		s.lookups(t, in, keys, p.Lookup)
	case "build":
		in.run = s.builds
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
		s.lookups(t, in, keys, func(keys []string) int { return replicator.Top(keys, s.config.Replicas) })
	}
	return in
}

// lookups makes an instance that walks through the keys from a random place. It
// never looks at the same keys twice in a visit, as a program whose keys come
// from elsewhere.
func (s *subject) lookups(t *timer, in *instance, keys []string, lookup func(keys []string) int) {
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
		extra := next(int(float64(n) * (s.config.Slowdown - 1)))
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
