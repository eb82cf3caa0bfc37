package hashring

import (
	"fmt"
	"math"
	"sync"
	"sync/atomic"

	"github.com/zeebo/xxh3"
)

// A Bounded spreads work over the nodes of a ring so that none has more than
// its share times a bound: consistent hashing with bounded loads (Mirrokni,
// Thorup and Zadimoghaddam, SODA 2018, section 2), weighted. A key goes to its
// owner unless that is full, and else to the next node clockwise that is not.
//
// It follows changes of its ring. Its methods may be called by any number of
// goroutines at once, and do not wait unless the ring has changed since the
// last call.
type Bounded struct {
	ring  *Ring
	c     float64
	total *padded
	state atomic.Pointer[boundedState]

	mu    sync.Mutex
	loads map[string]*padded // of nodes in the ring, and of others while loaded
}

// A boundedState is the counters of one snapshot's nodes, by slot.
type boundedState struct {
	snap  *Snapshot
	loads []*padded
}

// A padded counter has a cache line of its own, so that counting on one node
// does not slow down the others.
type padded struct {
	atomic.Int64
	_ [56]byte
}

// NewBounded returns a Bounded over r in which no node has more than
// ceil(c x load x weight / weights), where load counts what is asked for. A
// larger c keeps more keys at their owners; 1.25 is usual. It returns an error
// wrapping [ErrBound] unless 1 <= c < +Inf.
func NewBounded(r *Ring, c float64) (*Bounded, error) {
	if !(c >= 1) || math.IsInf(c, 1) {
		return nil, fmt.Errorf("hashring: bound %v: want at least 1, such as 1.25: %w", c, ErrBound)
	}
	return &Bounded{ring: r, c: c, total: new(padded), loads: make(map[string]*padded)}, nil
}

// A Lease is one unit of load on a node. The zero Lease is on no node.
type Lease struct {
	// Node is the id of the node that has the work.
	Node  string
	total *padded
	load  *padded
}

// Release takes the unit of load off its node. Call it once.
func (l Lease) Release() {
	if l.load != nil {
		l.load.Add(-1)
		l.total.Add(-1)
	}
}

// Acquire puts one unit of load on the node for a key; ok is false if the ring
// is empty. Some node always has room, since the capacities add up to more than
// the load. Where goroutines race for the last of it, a node may go above its
// capacity by as many units as there are racers. It costs a lookup and two
// atomic additions while the owner has room, and an atomic read for every point
// passed whose node is full: O(points) at worst. It allocates as little as
// [Snapshot.Owner].
func (b *Bounded) Acquire(key string) (lease Lease, ok bool) {
	st := b.current()
	if st.snap.t.n == 0 {
		return Lease{}, false
	}
	lease = b.take(st, key, b.total.Add(1))
	b.settle(st, &lease)
	return lease, true
}

// settle sees to a lease that was taken by a state that may be over.
func (b *Bounded) settle(st *boundedState, lease *Lease) {
	if b.state.Load() != st {
		b.recount(lease)
	}
}

// take counts a unit on the first node with room.
func (b *Bounded) take(st *boundedState, key string, total int64) Lease {
	s := st.snap
	h := xxh3.HashString(key)
	if slot := s.slotOf(h); slot < len(st.loads) {
		if load := st.loads[slot]; load.tryAdd(b.bound(s, slot, total)) {
			return Lease{s.m.ids[slot], b.total, load}
		}
	}
	return b.overflow(st, s.keyOf(key, h), total)
}

// recount moves a lease that was taken while the ring changed to the counter
// that its node has now, should that be another one.
func (b *Bounded) recount(l *Lease) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.loads[l.Node]
	if now == nil {
		b.loads[l.Node] = l.load
	} else if now != l.load {
		now.Add(1)
		l.load.Add(-1)
		l.load = now
	}
}

// overflow finds room clockwise from the key. If racers took all there was, the
// owner gets the load.
func (b *Bounded) overflow(st *boundedState, k hashedKey, total int64) Lease {
	s := st.snap
	c, _ := s.find(k)
	owner, full := int(s.t.point(c).slot()), -1
	// Twice around: a unit released meanwhile makes room that this call has
	// passed. A full node is as quickly asked again as remembered.
	for range 2 * s.t.n {
		slot := int(s.t.point(c).slot())
		load, bound := st.loads[slot], b.bound(s, slot, total)
		if slot != full && float64(load.Load()) < bound && load.tryAdd(bound) {
			return Lease{s.m.ids[slot], b.total, load}
		}
		full, c = slot, s.t.next(c)
	}
	load := st.loads[owner]
	load.Add(1)
	return Lease{s.m.ids[owner], b.total, load}
}

// tryAdd adds one unit unless load is at or above bound already.
func (p *padded) tryAdd(bound float64) bool {
	if float64(p.Add(1)-1) < bound {
		return true
	}
	p.Add(-1)
	return false
}

// bound returns what the load of a slot must be below for one unit more, when
// the whole load is total: load < x is load + 1 <= ceil(x) for whole loads.
func (b *Bounded) bound(s *Snapshot, slot int, total int64) float64 {
	return b.c * float64(total) * float64(s.m.weights[slot]) / float64(s.m.weight)
}

// current returns the counters for the ring as it is now.
func (b *Bounded) current() *boundedState {
	snap := b.ring.load()
	if st := b.state.Load(); st != nil && st.snap == snap {
		return st
	}
	return b.follow()
}

// follow makes the counters of the ring's nodes, keeping those that it had.
func (b *Bounded) follow() *boundedState {
	b.mu.Lock()
	defer b.mu.Unlock()
	snap := b.ring.load()
	if st := b.state.Load(); st != nil && st.snap == snap {
		return st
	}
	st := &boundedState{snap: snap, loads: make([]*padded, len(snap.m.ids))}
	for _, slot := range snap.m.order {
		id := snap.m.ids[slot]
		if b.loads[id] == nil {
			b.loads[id] = new(padded)
		}
		st.loads[slot] = b.loads[id]
	}
	b.state.Store(st)
	// Only now: whoever counts on a counter that goes here sees the new state,
	// and counts again.
	for id, load := range b.loads {
		if load.Load() == 0 && !snap.Has(id) {
			delete(b.loads, id)
		}
	}
	return st
}

// Load returns the units of load on a node, which may have left the ring. It
// costs O(log nodes) for a node of the ring, and waits for nobody; for another
// it takes a lock.
func (b *Bounded) Load(id string) int64 {
	st := b.current()
	if slot, ok := st.snap.m.slot(id); ok {
		return st.loads[slot].Load()
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if load := b.loads[id]; load != nil {
		return load.Load()
	}
	return 0
}

// Total returns the units of load on all nodes.
func (b *Bounded) Total() int64 { return b.total.Load() }

// Capacity returns how many units a node may have at the present load plus one
// unit, or 0 if the ring lacks id.
func (b *Bounded) Capacity(id string) int64 {
	st := b.current()
	slot, ok := st.snap.m.slot(id)
	if !ok {
		return 0
	}
	bound := math.Ceil(b.bound(st.snap, int(slot), b.total.Load()+1))
	if bound >= math.MaxInt64 {
		return math.MaxInt64
	}
	return int64(bound)
}
