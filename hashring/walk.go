package hashring

import (
	"iter"
	"slices"

	"github.com/zeebo/xxh3"
)

// AppendOwners appends to dst the first n distinct nodes clockwise from a key,
// its owner first: where the key's copies belong, in order of preference. It
// appends all nodes if there are fewer than n, and none if n < 1. It allocates
// nothing if dst has room and n is at most 16.
func (s *Snapshot) AppendOwners(dst []string, key string, n int) []string {
	if s.opts.Layout == V1 {
		return s.AppendOwnersHash(dst, xxh3.HashString(key), n)
	}
	return s.appendOwners(dst, s.hashed(key), n)
}

// AppendOwnersHash is [Snapshot.AppendOwners] of a key of which [Snapshot.Hash]
// gave h, with the reserve of [Snapshot.OwnerHash].
func (s *Snapshot) AppendOwnersHash(dst []string, h uint64, n int) []string {
	n = min(n, s.Len())
	bucket, lane, ok := s.laneOf(h)
	if !ok || n < 1 || n > seenRoom {
		return s.appendOwners(dst, hashedKey{hash: h}, n)
	}
	var room [seenRoom]uint16
	start, l := len(dst), &s.t.lines.all[bucket]
	for found := 0; found < n; {
		if l.end(lane) == 0 { // no more points here
			if bucket++; bucket == s.t.buckets {
				bucket = 0
			}
			if l.slots[lineLanes-1] == unsure || s.t.lines.isStale(bucket) {
				return s.appendOwners(dst[:start], hashedKey{hash: h}, n)
			}
			l, lane = &s.t.lines.all[bucket], 0
			continue
		}
		slot := l.slots[lane%lineLanes]
		lane++
		if !slices.Contains(room[:found], slot) {
			room[found] = slot
			found++
			dst = append(dst, s.m.ids[slot])
		}
	}
	return dst
}

// appendOwners is AppendOwners by the points alone.
func (s *Snapshot) appendOwners(dst []string, k hashedKey, n int) []string {
	c, ok := s.find(k)
	if !ok {
		return dst
	}
	w := s.walk(c, n, (*table).next)
	for slot, ok := w.next(); ok; slot, ok = w.next() {
		dst = append(dst, s.m.ids[slot])
	}
	return dst
}

// seenRoom is how many nodes a walk remembers on the stack.
const seenRoom = 16

// A walk visits the distinct nodes of a table from a cursor on, in one
// direction.
type walk struct {
	s     *Snapshot
	at    cursor
	step  func(*table, cursor) cursor
	left  int // nodes still to come
	first bool
	room  [seenRoom]uint32
	few   int      // slots in room
	many  []uint64 // a bit a slot, once room is full
}

// walk returns a walk over at most n nodes.
func (s *Snapshot) walk(from cursor, n int, step func(*table, cursor) cursor) walk {
	return walk{s: s, at: from, step: step, left: min(n, s.Len()), first: true}
}

// next returns the slot of the next node that was not yet visited.
func (w *walk) next() (slot uint32, ok bool) {
	if w.left < 1 {
		return 0, false
	}
	w.left--
	for {
		if !w.first {
			w.at = w.step(&w.s.t, w.at)
		}
		w.first = false
		if slot = w.s.t.point(w.at).slot(); w.see(slot) {
			return slot, true
		}
	}
}

// see remembers a slot and reports whether it is new.
func (w *walk) see(slot uint32) bool {
	if w.many == nil {
		if slices.Contains(w.room[:w.few], slot) {
			return false
		}
		if w.few < seenRoom {
			w.room[w.few] = slot
			w.few++
			return true
		}
		w.many = make([]uint64, len(w.s.m.ids)/64+1)
		for _, s := range w.room {
			w.many[s/64] |= 1 << (s % 64)
		}
	}
	if w.many[slot/64]>>(slot%64)&1 == 1 {
		return false
	}
	w.many[slot/64] |= 1 << (slot % 64)
	return true
}

// AppendZoneOwners is [Snapshot.AppendOwners] with copies spread over zones: it
// appends first the nodes clockwise from the key that each add a zone, then, if
// n is larger than the number of zones, the nodes it passed over, both in
// clockwise order. Nodes without a zone count as one zone.
//
// It costs the walk to the last zone it needs: about n points where n is well
// below the number of zones, O(points) at worst, where one zone has few nodes.
// It allocates if it meets more than 16 nodes on the way.
func (s *Snapshot) AppendZoneOwners(dst []string, key string, n int) []string {
	c, ok := s.find(s.hashed(key))
	if !ok || n < 1 {
		return dst
	}
	n = min(n, s.Len())
	start, zones := len(dst), min(n, s.m.zones)
	var chosenRoom, passedRoom [seenRoom]uint32
	chosen, passed := chosenRoom[:0], passedRoom[:0]
	w := s.walk(c, s.Len(), (*table).next)
	for len(chosen) < zones || len(chosen)+len(passed) < n {
		slot, ok := w.next()
		if !ok {
			break
		}
		if len(chosen) < zones && s.newZone(chosen, slot) {
			chosen = append(chosen, slot)
			dst = append(dst, s.m.ids[slot])
		} else if len(passed) < n {
			passed = append(passed, slot)
		}
	}
	for _, slot := range passed[:n-(len(dst)-start)] {
		dst = append(dst, s.m.ids[slot])
	}
	return dst
}

// newZone reports whether no slot of chosen is in the zone of slot.
func (s *Snapshot) newZone(chosen []uint32, slot uint32) bool {
	zone := s.m.zone(slot)
	for _, c := range chosen {
		if s.m.zone(c) == zone {
			return false
		}
	}
	return true
}

// AppendPreceding appends to dst the first n distinct nodes counter-clockwise
// from a key, beginning with that of the last point strictly before it. With
// Probes > 1 it starts at the first probe, whichever probe the owner follows.
func (s *Snapshot) AppendPreceding(dst []string, key string, n int) []string {
	if s.t.n == 0 {
		return dst
	}
	w := s.walk(s.before(s.hashed(key)), n, (*table).prev)
	for slot, ok := w.next(); ok; slot, ok = w.next() {
		dst = append(dst, s.m.ids[slot])
	}
	return dst
}

// before returns the cursor of the last point strictly before a key, around the
// circle. The ring must have points.
func (s *Snapshot) before(k hashedKey) cursor {
	at := k.hash & s.mask
	c := s.t.lowerBound(at)
	if k.whole {
		run, page := c.index, s.t.pages[c.page]
		for run < len(page) && page[run].at() == at {
			run++
		}
		if run > c.index {
			for _, t := range s.m.runTexts(page[c.index:run], s.opts) {
				if !t.text.less(&k.text) {
					break
				}
				c.index++
			}
		}
	}
	return s.t.prev(c)
}

// Successors yields the nodes clockwise from a key, each once, the owner first.
// A loop that stops early costs only the points it passed.
func (s *Snapshot) Successors(key string) iter.Seq[Node] {
	return func(yield func(Node) bool) {
		if c, ok := s.find(s.hashed(key)); ok {
			s.yield(s.walk(c, s.Len(), (*table).next), yield)
		}
	}
}

// Predecessors yields the nodes counter-clockwise from a key, each once,
// beginning with that of the last point strictly before it.
func (s *Snapshot) Predecessors(key string) iter.Seq[Node] {
	return func(yield func(Node) bool) {
		if s.t.n > 0 {
			s.yield(s.walk(s.before(s.hashed(key)), s.Len(), (*table).prev), yield)
		}
	}
}

func (s *Snapshot) yield(w walk, yield func(Node) bool) {
	for slot, ok := w.next(); ok; slot, ok = w.next() {
		if !yield(s.m.node(slot)) {
			return
		}
	}
}

// Next returns the first n distinct nodes clockwise from a node's first point,
// without the node itself. It returns nil if the ring lacks id.
func (s *Snapshot) Next(id string, n int) []string { return s.neighbors(id, n, (*table).next) }

// Prev returns the first n distinct nodes counter-clockwise from a node's first
// point, without the node itself. It returns nil if the ring lacks id.
func (s *Snapshot) Prev(id string, n int) []string { return s.neighbors(id, n, (*table).prev) }

func (s *Snapshot) neighbors(id string, n int, step func(*table, cursor) cursor) []string {
	slot, ok := s.m.slot(id)
	if n = min(n, s.Len()-1); !ok || n < 1 {
		return nil
	}
	w := s.walk(s.firstPoint(slot), n+1, step)
	w.next() // the node itself
	ids := make([]string, 0, n)
	for slot, ok := w.next(); ok; slot, ok = w.next() {
		ids = append(ids, s.m.ids[slot])
	}
	return ids
}

// firstPoint returns the cursor of the first point of a node.
func (s *Snapshot) firstPoint(slot uint32) cursor {
	id := s.m.ids[slot]
	src := s.opts.Layout.pointsOf(id, 0)
	at := src.next() & s.mask
	c := s.t.seek(at)
	if s.opts.Layout == Clusterluck {
		// Several points of the node may share the position; only one is first.
		page, run := s.t.pages[c.page], c.index
		for run < len(page) && page[run].at() == at {
			run++
		}
		if run > c.index+1 {
			first := labelText(id, s.opts.Layout.firstIndex())
			for i, t := range s.m.runTexts(page[c.index:run], s.opts) {
				if t.slot == slot && t.text == first {
					c.index += i
				}
			}
			return c
		}
	}
	for s.t.point(c).slot() != slot {
		c = s.t.next(c)
	}
	return c
}
