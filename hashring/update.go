package hashring

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
)

// A Tx collects the changes of one [Ring.Update]. It reads as the ring will be
// once they are made. Only the function that Update calls may use it.
type Tx struct {
	base    *Snapshot
	changes map[string]change
	nodes   int
	points  int64
	done    bool
}

// A change is what becomes of one id.
type change struct {
	node Node
	gone bool
}

// Update calls f and then makes all changes that f asked of its Tx, at once:
// readers see none of them or all. If f returns an error, Update returns it and
// the ring stays as it was. A call of Tx that fails changes nothing; f may go
// on.
//
// Updates of one ring take turns. f must not change the ring by other means:
// that waits for ever. An update costs O(nodes + pages), to copy what says
// where they are, and for each changed point the copy of its page. Once updates
// have touched a twelfth of the circle, one of them copies the lines of the whole
// ring as well: each that adds a node to 100, one in eight at 1000. A change of a
// quarter of the ring costs as much as [New].
func (r *Ring) Update(f func(*Tx) error) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.load()
	tx := &Tx{base: s, changes: make(map[string]change), nodes: s.Len(), points: int64(s.t.n)}
	defer func() { tx.done = true }()
	if err := f(tx); err != nil {
		return err
	}
	r.snap.Store(s.apply(tx.changes))
	return nil
}

// Set adds node n, or replaces the node with its id.
//
// Set returns an error wrapping [ErrID], [ErrWeight], [ErrMeta],
// [ErrTooManyNodes] or [ErrTooManyPoints], and then leaves the ring as it was.
func (r *Ring) Set(n Node) error {
	return r.Update(func(tx *Tx) error { return tx.Set(n) })
}

// Add adds node n as [Ring.Set] does, but returns an error wrapping
// [ErrDuplicate] if the ring has its id.
func (r *Ring) Add(n Node) error {
	return r.Update(func(tx *Tx) error { return tx.Add(n) })
}

// Remove removes a node and reports whether the ring had it.
func (r *Ring) Remove(id string) (had bool) {
	_ = r.Update(func(tx *Tx) error { // Remove cannot fail inside an update
		had = tx.Remove(id)
		return nil
	})
	return had
}

// SetWeight changes the weight of a node; 0 means 1. It returns an error
// wrapping [ErrUnknown] if the ring lacks id, [ErrWeight] or
// [ErrTooManyPoints], and then leaves the ring as it was.
func (r *Ring) SetWeight(id string, weight int) error {
	return r.Update(func(tx *Tx) error { return tx.Reweight(id, weight) })
}

// Set is [Ring.Set] within an update.
func (tx *Tx) Set(n Node) error {
	if err := tx.set(n.withDefaults()); err != nil {
		return fmt.Errorf("hashring: %w", err)
	}
	return nil
}

func (tx *Tx) set(n Node) error {
	if tx.done {
		return ErrDone
	}
	if err := n.validate(); err != nil {
		return err
	}
	old, had := tx.Get(n.ID)
	if !had && tx.nodes == MaxNodes {
		return fmt.Errorf("node %q: the ring has %d already: %w", n.ID, MaxNodes, ErrTooManyNodes)
	}
	points := tx.points + int64(n.Weight-old.Weight)*int64(tx.base.opts.Points)
	if err := checkPoints(points); err != nil {
		return fmt.Errorf("node %q of weight %d: %w", n.ID, n.Weight, err)
	}
	if !had {
		tx.nodes++
	}
	tx.points = points
	if was, has := tx.base.Get(n.ID); has && was == n {
		delete(tx.changes, n.ID) // it stays, or comes back, as it was
		return nil
	}
	tx.changes[n.ID] = change{node: n}
	return nil
}

// Add is [Ring.Add] within an update.
func (tx *Tx) Add(n Node) error {
	if tx.Has(n.ID) && !tx.done {
		return fmt.Errorf("hashring: node %q is in the ring already: %w", n.ID, ErrDuplicate)
	}
	return tx.Set(n)
}

// Remove is [Ring.Remove] within an update.
func (tx *Tx) Remove(id string) bool {
	old, had := tx.Get(id)
	if !had || tx.done {
		return false
	}
	tx.nodes--
	tx.points -= int64(old.Weight) * int64(tx.base.opts.Points)
	tx.changes[id] = change{gone: true}
	return true
}

// Reweight is [Ring.SetWeight] within an update.
func (tx *Tx) Reweight(id string, weight int) error {
	n, had := tx.Get(id)
	if !had && !tx.done {
		return fmt.Errorf("hashring: node %q: %w", id, ErrUnknown)
	}
	n.Weight = weight
	return tx.Set(n)
}

// Get is [Snapshot.Get] of the ring to be.
func (tx *Tx) Get(id string) (Node, bool) {
	if c, ok := tx.changes[id]; ok {
		return c.node, !c.gone
	}
	return tx.base.Get(id)
}

// Has is [Snapshot.Has] of the ring to be.
func (tx *Tx) Has(id string) bool {
	_, ok := tx.Get(id)
	return ok
}

// Len is [Snapshot.Len] of the ring to be.
func (tx *Tx) Len() int { return tx.nodes }

// apply returns the snapshot after the changes.
func (s *Snapshot) apply(changes map[string]change) *Snapshot {
	if len(changes) == 0 {
		return s
	}
	ids := slices.Sorted(maps.Keys(changes))
	more, weight, changed := 0, s.m.weight, 0
	for _, id := range ids {
		old, had := s.Get(id)
		if !changes[id].gone && !had {
			more++
		}
		by := changes[id].node.Weight - old.Weight
		weight += int64(by)
		changed += max(by, -by) * s.opts.Points
	}
	if s.outgrown(int(weight)*s.opts.Points, changed, len(s.m.ids)+max(more-len(s.m.free), 0)) {
		return layOut(s.opts, newMembers(s.m.sortedWith(ids, changes)))
	}
	m := s.m.clone(more)
	var added, removed []point
	for _, id := range ids {
		a, r := m.change(s.opts, id, changes[id])
		added, removed = append(added, a...), append(removed, r...)
	}
	m.countZones()
	next := &Snapshot{opts: s.opts, mask: s.mask, m: *m, t: s.t}
	if changed > 0 {
		next.t = s.t.patch(s.opts, m, added, removed)
	}
	return next
}

// outgrown reports whether a table of n points, of which so many changed, is
// better built anew than patched; slots is the number that the nodes then take
// at most.
func (s *Snapshot) outgrown(n, changed, slots int) bool {
	room := int(s.t.buckets) * bucketPoints
	return n == 0 || changed > n/4 || // patching costs more
		n > room+room/5 || n < room-room/5-bucketPoints*pageBuckets || // lines too full, or memory wasted
		hasLines(s.opts, slots) != (s.t.lines.all != nil)
}

// sortedWith returns the nodes by id after changes, whose ids ascend.
func (m *members) sortedWith(ids []string, changes map[string]change) []Node {
	nodes := make([]Node, 0, len(m.order)+len(ids))
	for _, slot := range m.order {
		for len(ids) > 0 && ids[0] <= m.ids[slot] {
			nodes = appendChange(nodes, changes[ids[0]])
			ids = ids[1:]
		}
		if _, changes := changes[m.ids[slot]]; !changes {
			nodes = append(nodes, m.node(slot))
		}
	}
	for _, id := range ids {
		nodes = appendChange(nodes, changes[id])
	}
	return nodes
}

func appendChange(nodes []Node, c change) []Node {
	if c.gone {
		return nodes
	}
	return append(nodes, c.node)
}

// sorted returns the nodes by id.
func (m *members) sorted() []Node {
	nodes := make([]Node, len(m.order))
	for i, slot := range m.order {
		nodes[i] = m.node(slot)
	}
	return nodes
}

// change makes one change and returns the points that come and go.
func (m *members) change(o Options, id string, c change) (added, removed []point) {
	i, had := m.search(id)
	var slot uint32
	was, now := 0, 0
	if had {
		slot = m.order[i]
		was = int(m.weights[slot])
		m.take(slot)
	}
	if !c.gone {
		if !had {
			slot = m.grow()
			m.order = slices.Insert(m.order, i, slot)
		}
		now = c.node.Weight
		m.put(slot, c.node)
	} else if had {
		m.order = slices.Delete(m.order, i, i+1)
		m.free = append(m.free, slot)
	}
	points := tailPoints(o, id, slot, min(was, now), max(was, now))
	if now > was {
		return points, nil
	}
	return nil, points
}

// tailPoints returns the points by which a node of one weight and the same node
// of a greater weight differ.
func tailPoints(o Options, id string, slot uint32, lighter, heavier int) []point {
	points := make([]point, 0, (heavier-lighter)*o.Points)
	src := o.Layout.pointsOf(id, lighter*o.Points)
	for range cap(points) {
		points = append(points, point(src.next()&o.mask())|point(slot))
	}
	return points
}

// Merge returns a ring of the nodes of both. Of a node that both have it keeps
// the larger by (Weight, Zone, Meta), so that Merge is commutative, associative
// and idempotent. It costs as much as [New], and returns an error wrapping
// [ErrOptions] if the rings' options differ, [ErrTooManyNodes] or
// [ErrTooManyPoints].
func (r *Ring) Merge(o *Ring) (*Ring, error) {
	return r.combine(o, func(a, b *Node) (Node, bool) {
		if a == nil || b != nil && b.larger(*a) {
			a = b
		}
		return *a, true
	})
}

// Intersect returns a ring of the nodes that both have, keeping the smaller by
// (Weight, Zone, Meta). Otherwise it is as [Ring.Merge].
func (r *Ring) Intersect(o *Ring) (*Ring, error) {
	return r.combine(o, func(a, b *Node) (Node, bool) {
		if a == nil || b == nil {
			return Node{}, false
		}
		if a.larger(*b) {
			a = b
		}
		return *a, true
	})
}

// combine walks the nodes of both rings by id; pick gets nil for a ring that
// lacks the id.
func (r *Ring) combine(o *Ring, pick func(a, b *Node) (Node, bool)) (*Ring, error) {
	sa, sb := r.load(), o.load()
	if sa.opts != sb.opts {
		return nil, fmt.Errorf("hashring: rings with %v and with %v: %w", sa.opts, sb.opts, ErrOptions)
	}
	as, bs := sa.m.sorted(), sb.m.sorted()
	nodes := make([]Node, 0, len(as)+len(bs))
	for len(as)+len(bs) > 0 {
		var a, b *Node
		order := -1
		switch {
		case len(as) == 0:
			order = 1
		case len(bs) > 0:
			order = cmp.Compare(as[0].ID, bs[0].ID)
		}
		if order <= 0 {
			a, as = &as[0], as[1:]
		}
		if order >= 0 {
			b, bs = &bs[0], bs[1:]
		}
		if n, ok := pick(a, b); ok {
			nodes = append(nodes, n)
		}
	}
	return New(sa.opts, nodes...)
}
