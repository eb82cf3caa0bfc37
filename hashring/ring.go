package hashring

import (
	"cmp"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
)

// A Ring maps keys to nodes and may change. The zero Ring is empty, has the
// default [Options] and is ready to use. A Ring must not be copied.
//
// All methods may be called by any number of goroutines at once. Reads answer
// from the snapshot that is current when they are called; call
// [Ring.Snapshot] to ask several questions of one.
type Ring struct {
	mu   sync.Mutex // held by writers
	snap atomic.Pointer[Snapshot]
}

// A Snapshot is a ring at one moment. It never changes and has the same read
// methods as [Ring]. The zero Snapshot is an empty ring with the default
// [Options].
type Snapshot struct {
	opts Options
	mask uint64
	m    members
	t    table
}

// New returns a ring of the nodes. It costs O(points + n log n) for n nodes.
//
// New returns an error wrapping [ErrOptions], [ErrID], [ErrDuplicate],
// [ErrWeight], [ErrMeta], [ErrTooManyNodes] or [ErrTooManyPoints], and then no
// ring.
func New(opts Options, nodes ...Node) (*Ring, error) {
	s, err := newSnapshot(opts, nodes)
	if err != nil {
		return nil, fmt.Errorf("hashring: %w", err)
	}
	r := new(Ring)
	r.snap.Store(s)
	return r, nil
}

// newSnapshot checks the nodes, which may be in any order, and lays them out.
func newSnapshot(opts Options, nodes []Node) (*Snapshot, error) {
	opts = opts.withDefaults()
	if err := opts.validate(); err != nil {
		return nil, err
	}
	sorted, err := checkNodes(opts, nodes)
	if err != nil {
		return nil, err
	}
	return layOut(opts, newMembers(sorted)), nil
}

// checkNodes returns the nodes with defaults filled in, sorted by id.
func checkNodes(opts Options, nodes []Node) ([]Node, error) {
	if len(nodes) > MaxNodes {
		return nil, fmt.Errorf("%d nodes: at most %d: %w", len(nodes), MaxNodes, ErrTooManyNodes)
	}
	sorted := make([]Node, len(nodes))
	points := int64(0)
	for i, n := range nodes {
		n = n.withDefaults()
		if err := n.validate(); err != nil {
			return nil, err
		}
		sorted[i] = n
		points += int64(n.Weight) * int64(opts.Points)
	}
	if err := checkPoints(points); err != nil {
		return nil, err
	}
	slices.SortFunc(sorted, func(a, b Node) int { return cmp.Compare(a.ID, b.ID) })
	for i := 1; i < len(sorted); i++ {
		if sorted[i].ID == sorted[i-1].ID {
			return nil, fmt.Errorf("node %q is given twice: %w", sorted[i].ID, ErrDuplicate)
		}
	}
	return sorted, nil
}

func checkPoints(points int64) error {
	if points > MaxPoints {
		return fmt.Errorf("%d points (weights x points a weight): at most %d: %w", points, MaxPoints, ErrTooManyPoints)
	}
	return nil
}

// layOut places the points of the members.
func layOut(opts Options, m *members) *Snapshot {
	return &Snapshot{opts: opts, mask: opts.mask(), m: *m, t: newTable(opts, m)}
}

// noNodes is the snapshot of a zero Ring.
var noNodes = layOut(Options{}.withDefaults(), newMembers(nil))

// load returns the current snapshot.
func (r *Ring) load() *Snapshot {
	if s := r.snap.Load(); s != nil {
		return s
	}
	return noNodes
}

// Snapshot returns the ring as it is now. It costs nothing and is never
// changed; it keeps the memory of its moment alive.
func (r *Ring) Snapshot() *Snapshot { return r.load() }

// Clone returns a ring that is equal now and changes on its own. It costs O(1):
// the two share what neither has changed.
func (r *Ring) Clone() *Ring { return r.load().Ring() }

// Ring returns a ring that is equal to the snapshot now and changes on its own.
// It costs O(1), and so is the way to try out changes.
func (s *Snapshot) Ring() *Ring {
	r := new(Ring)
	r.snap.Store(s.whole())
	return r
}

// Equal is [Snapshot.Equal] of the two rings as they are now.
func (r *Ring) Equal(o *Ring) bool { return r.load().Equal(o.load()) }

// Equal reports whether both have equal options and equal nodes, weights, zones
// and metadata; it does not matter how they came to have them.
func (s *Snapshot) Equal(o *Snapshot) bool {
	s, o = s.whole(), o.whole()
	if s == o {
		return true
	}
	if s.opts != o.opts || s.m.sum != o.m.sum || s.Len() != o.Len() {
		return false
	}
	for i, slot := range s.m.order {
		if s.m.node(slot) != o.m.node(o.m.order[i]) {
			return false
		}
	}
	return true
}

// whole returns the snapshot, with its defaults filled in if it is a zero one.
func (s *Snapshot) whole() *Snapshot {
	if s.opts.Points == 0 {
		return noNodes
	}
	return s
}
