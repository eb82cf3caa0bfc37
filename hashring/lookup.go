package hashring

import (
	"crypto/sha256"
	"math/bits"

	"github.com/zeebo/xxh3"
)

// Hash returns the hash that places a key; its top [PositionBits] bits are the
// key's position. Under [V1] it is xxh3(key).
func (s *Snapshot) Hash(key string) uint64 { return s.opts.Layout.hashKey(key) }

// HashBytes is [Snapshot.Hash] of a key held as bytes.
func (s *Snapshot) HashBytes(key []byte) uint64 {
	if s.opts.Layout == Clusterluck {
		return prefix60(sha256.Sum256(key))
	}
	return xxh3.Hash(key)
}

// Owner returns the node that owns a key; ok is false if the ring is empty. It
// costs O(1): the hash of the key and, nearly always, one cache line of the
// ring. It allocates nothing, but for keys of more than 256 bytes under
// [Clusterluck].
func (s *Snapshot) Owner(key string) (id string, ok bool) {
	if s == nil { // of a zero Ring
		return "", false
	}
	lit := s.t.lit
	if len(lit) == 0 {
		return s.ownerUnlit(key)
	}
	// This is OwnerHash again: the call would cost a tenth of the lookup.
	h := xxh3.HashString(key)
	if bucket, rest := bits.Mul64(h, uint64(len(lit))); !s.t.lines.isStale(bucket) {
		l, place := &lit[bucket], rest>>(64-placeBits)
		lane := l.rank(place)
		// unsure is above every slot.
		if slot := int(l.slots[lane]); !l.shares(lane, place) && slot < len(s.m.ids) {
			return s.m.ids[slot], true
		}
	}
	return s.ownerOf(hashedKey{hash: h})
}

// ownerUnlit is Owner for tables whose lines do not answer by themselves.
func (s *Snapshot) ownerUnlit(key string) (id string, ok bool) {
	if s.opts.Layout == V1 {
		return s.OwnerHash(xxh3.HashString(key))
	}
	return s.ownerOf(s.hashed(key))
}

// keyOf returns the hashed key, of which h is the xxh3.
func (s *Snapshot) keyOf(key string, h uint64) hashedKey {
	if s.opts.Layout == V1 {
		return hashedKey{hash: h}
	}
	return s.hashed(key)
}

// OwnerBytes is [Snapshot.Owner] of a key held as bytes.
func (s *Snapshot) OwnerBytes(key []byte) (id string, ok bool) {
	switch {
	case s == nil:
		return "", false
	case s.opts.Layout == Clusterluck:
		return s.ownerOf(clusterluckKey(sha256.Sum256(key)))
	}
	return s.OwnerHash(xxh3.Hash(key))
}

// OwnerHash is [Snapshot.Owner] of a key of which [Snapshot.Hash] gave h. Under
// [Clusterluck] a hash does not tell apart a key from a point that shares its
// first 44 bits; Owner does.
func (s *Snapshot) OwnerHash(h uint64) (id string, ok bool) {
	if slot := s.slotOf(h); slot < len(s.m.ids) {
		return s.m.ids[slot], true
	}
	return s.ownerOf(hashedKey{hash: h})
}

// noSlot is above every slot of every ring.
const noSlot = MaxNodes + 1

// slotOf returns the slot of the node that owns a hash, or noSlot if the lines
// do not tell.
func (s *Snapshot) slotOf(h uint64) int {
	bucket, lane, ok := s.laneOf(h)
	if !ok {
		return noSlot
	}
	if slot := s.t.lines.all[bucket].slots[lane]; slot != unsure {
		return int(slot)
	}
	return noSlot
}

// laneOf returns the bucket and the lane of the point that a hash belongs to,
// or of the spare lane before it; ok is false if the lines do not tell. The
// slot there may be unsure.
func (s *Snapshot) laneOf(h uint64) (bucket, lane uint64, ok bool) {
	if s.t.lines.all == nil {
		return 0, 0, false
	}
	if s.opts.Probes > 1 {
		return s.nearestLane(h)
	}
	bucket, rest := bits.Mul64(h, s.t.buckets)
	l, place := &s.t.lines.all[bucket], rest>>(64-placeBits)
	lane = l.rank(place)
	return bucket, lane, !l.shares(lane, place) && !s.t.lines.isStale(bucket)
}

// nearestLane is laneOf for several probes, and finds no spare lanes. Distances
// are counted in places, the 4,096th parts of a bucket: two that differ by less
// than four may be in the other order by whole positions.
func (s *Snapshot) nearestLane(h uint64) (bucket, lane uint64, ok bool) {
	const far = 1 << 32
	lines, least := s.t.lines.all, uint64(far)
	for i := range s.opts.Probes {
		if i > 0 {
			h = probe(h)
		}
		b, rest := bits.Mul64(h, s.t.buckets)
		l, place := &lines[b], rest>>(64-placeBits)
		at := l.rank(place)
		if l.shares(at, place) || l.slots[at] == unsure || s.t.lines.isStale(b) {
			return 0, 0, false
		}
		distance := farthest - place - l.end(at)
		if l.end(at) == 0 { // a spare lane: the point is in the next bucket
			if b++; b == s.t.buckets {
				b = 0
			}
			at, l = 0, &lines[b]
			if l.end(at) == 0 || s.t.lines.isStale(b) {
				return 0, 0, false
			}
			distance += 1 + farthest - l.end(at)
		}
		if distance+3 < least {
			bucket, lane, least = b, at, distance
		} else if distance < least+4 {
			return 0, 0, false
		}
	}
	return bucket, lane, true
}

// ownerOf is Owner by the points alone.
func (s *Snapshot) ownerOf(k hashedKey) (id string, ok bool) {
	c, ok := s.find(k)
	if !ok {
		return "", false
	}
	return s.m.ids[s.t.point(c).slot()], true
}

// A hashedKey is a key's hash and, under [Clusterluck], its whole position.
type hashedKey struct {
	hash  uint64
	text  text
	whole bool // text is set
}

func clusterluckKey(digest [sha256.Size]byte) hashedKey {
	return hashedKey{prefix60(digest), digestText(digest), true}
}

func (s *Snapshot) hashed(key string) hashedKey {
	if s.opts.Layout == Clusterluck {
		var room [256]byte // on the stack, so that only longer keys allocate
		return clusterluckKey(sha256.Sum256(append(room[:0], key...)))
	}
	return hashedKey{hash: xxh3.HashString(key)}
}

// find returns the cursor of the point that a key belongs to, by the points
// alone; ok is false if the ring is empty.
func (s *Snapshot) find(k hashedKey) (c cursor, ok bool) {
	if s.t.n == 0 {
		return cursor{}, false
	}
	switch {
	case s.opts.Layout == Clusterluck:
		return s.after(k), true
	case s.opts.Probes > 1:
		return s.nearest(k.hash), true
	}
	return s.t.seek(k.hash), true
}

// after returns the cursor of the first point strictly after a key: the rule of
// [Clusterluck].
func (s *Snapshot) after(k hashedKey) cursor {
	at := k.hash & s.mask
	c := s.t.lowerBound(at)
	page := s.t.pages[c.page]
	run := c.index
	for run < len(page) && page[run].at() == at {
		run++
	}
	if run > c.index && k.whole {
		for i, t := range s.m.runTexts(page[c.index:run], s.opts) {
			if k.text.less(&t.text) {
				return cursor{c.page, c.index + i}
			}
		}
	}
	return s.t.settle(cursor{c.page, run})
}

// nearest returns the cursor of the point that is nearest clockwise to its
// probe; the earlier probe wins a tie.
func (s *Snapshot) nearest(h uint64) cursor {
	best, least := cursor{}, uint64(0)
	for i := range s.opts.Probes {
		if i > 0 {
			h = probe(h)
		}
		at := h & s.mask
		c := s.t.seek(at)
		if d := s.t.point(c).at() - at; i == 0 || d < least {
			best, least = c, d
		}
	}
	return best
}

// Get returns the node with an id. It costs O(log nodes).
func (s *Snapshot) Get(id string) (Node, bool) {
	slot, ok := s.m.slot(id)
	if !ok {
		return Node{}, false
	}
	return s.m.node(slot), true
}

// Has reports whether the ring has a node with this id.
func (s *Snapshot) Has(id string) bool {
	_, ok := s.Get(id)
	return ok
}

// Len returns the number of nodes.
func (s *Snapshot) Len() int {
	return len(s.m.order)
}

// Points returns the number of points on the circle.
func (s *Snapshot) Points() int { return s.t.n }

// Options returns the ring's options with the defaults filled in.
func (s *Snapshot) Options() Options { return s.opts.withDefaults() }
