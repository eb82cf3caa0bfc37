package hashring

import (
	"fmt"
	"math"
	"math/bits"
	"sync"
	"sync/atomic"
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
	total padded
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
	return &Bounded{ring: r, c: c, loads: make(map[string]*padded)}, nil
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
// atomic additions, and allocates nothing.
func (b *Bounded) Acquire(key string) (lease Lease, ok bool) {
	st := b.current()
	s := st.snap
	k := s.hashed(key)
	slot, ok := s.ownerSlot(&k)
	if !ok {
		return Lease{}, false
	}
	total := b.total.Add(1)
	if load := st.loads[slot]; load.tryAdd(b.capacity(s, slot, total)) {
		return Lease{s.m.ids[slot], &b.total, load}, true
	}
	return b.overflow(st, &k, slot, total), true
}

// ownerSlot returns the slot of a key's owner.
func (s *Snapshot) ownerSlot(k *hashedKey) (slot uint32, ok bool) {
	bucket, rest := bits.Mul64(k.hash&s.mask, s.t.buckets)
	if page := bucket >> pageShift; page < uint64(len(s.t.lit)) {
		l, place := lineIn(s.t.lit[page], bucket), rest>>(64-placeBits)
		lane := l.rank(place)
		if slot := l.slot(lane); !l.shares(lane, place) && slot != unsure {
			return uint32(slot), true
		}
	}
	c, ok := s.find(*k)
	if !ok {
		return 0, false
	}
	return s.t.point(c).slot(), true
}

// overflow finds room beyond the owner. If racers took all there was, the owner
// gets the load.
func (b *Bounded) overflow(st *boundedState, k *hashedKey, owner uint32, total int64) Lease {
	s := st.snap
	c, _ := s.find(*k)
	w := s.walk(c, s.Len(), (*table).next)
	for slot, ok := w.next(); ok; slot, ok = w.next() {
		if load := st.loads[slot]; load.tryAdd(b.capacity(s, slot, total)) {
			return Lease{s.m.ids[slot], &b.total, load}
		}
	}
	load := st.loads[owner]
	load.Add(1)
	return Lease{s.m.ids[owner], &b.total, load}
}

// tryAdd adds one unless that would exceed limit.
func (p *padded) tryAdd(limit int64) bool {
	if p.Add(1) <= limit {
		return true
	}
	p.Add(-1)
	return false
}

// capacity returns the bound of a slot when the whole load is total.
func (b *Bounded) capacity(s *Snapshot, slot uint32, total int64) int64 {
	return int64(math.Ceil(b.c * float64(total) * float64(s.m.weights[slot]) / float64(s.m.weight)))
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
	for id, load := range b.loads {
		if load.Load() == 0 && !snap.Has(id) {
			delete(b.loads, id)
		}
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
	return st
}

// Load returns the units of load on a node.
func (b *Bounded) Load(id string) int64 {
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
	return b.capacity(st.snap, slot, b.total.Load()+1)
}
