package vectorclock

import "sync/atomic"

// A body holds the entries of a clock, in columns in the order of the roster.
// Once shared it never changes again.
type body struct {
	shared   atomic.Bool
	actors   *roster
	counts   []int64 // 0 to MaxCount
	updated  []int64
	inserted []int64
	hint     int // the place that was written last
	lost
}

// empty is the body of the zero Clock.
var empty = func() *body {
	b := &body{actors: noActors}
	b.shared.Store(true)
	return b
}()

// Bodies with room for few entries lie in one piece of memory with them, a
// third of which is unused at most, from four entries on.
type (
	body4 struct {
		body
		room [3 * 4]int64
	}
	body8 struct {
		body
		room [3 * 8]int64
	}
	body12 struct {
		body
		room [3 * 12]int64
	}
	body16 struct {
		body
		room [3 * 16]int64
	}
	body24 struct {
		body
		room [3 * 24]int64
	}
	body32 struct {
		body
		room [3 * 32]int64
	}
	body48 struct {
		body
		room [3 * 48]int64
	}
	body64 struct {
		body
		room [3 * 64]int64
	}
	body96 struct {
		body
		room [3 * 96]int64
	}
	body128 struct {
		body
		room [3 * 128]int64
	}
)

// newBody returns a body of actors with columns of n zeros, and with room for
// more entries.
func newBody(actors *roster, n, more int) *body {
	var b *body
	var room []int64
	switch size := n + more; {
	case size <= 4:
		p := new(body4)
		b, room = &p.body, p.room[:]
	case size <= 8:
		p := new(body8)
		b, room = &p.body, p.room[:]
	case size <= 12:
		p := new(body12)
		b, room = &p.body, p.room[:]
	case size <= 16:
		p := new(body16)
		b, room = &p.body, p.room[:]
	case size <= 24:
		p := new(body24)
		b, room = &p.body, p.room[:]
	case size <= 32:
		p := new(body32)
		b, room = &p.body, p.room[:]
	case size <= 48:
		p := new(body48)
		b, room = &p.body, p.room[:]
	case size <= 64:
		p := new(body64)
		b, room = &p.body, p.room[:]
	case size <= 96:
		p := new(body96)
		b, room = &p.body, p.room[:]
	case size <= 128:
		p := new(body128)
		b, room = &p.body, p.room[:]
	default:
		b, room = new(body), make([]int64, 3*size)
	}
	each := len(room) / 3
	b.actors = actors
	b.counts, b.updated, b.inserted = room[:n:each], room[each:each+n:2*each], room[2*each:2*each+n]
	return b
}

// clone returns a body of its own, with room for so many more entries.
func (b *body) clone(more int) *body {
	c := newBody(b.actors, len(b.counts), more)
	copy(c.counts, b.counts)
	copy(c.updated, b.updated)
	copy(c.inserted, b.inserted)
	c.hint, c.lost = b.hint, b.lost
	return c
}

func (b *body) entry(i int) Entry { return Entry{uint64(b.counts[i]), b.inserted[i], b.updated[i]} }

func (b *body) set(i int, e Entry) {
	b.counts[i], b.inserted[i], b.updated[i] = int64(e.Count), e.Inserted, e.Updated
}

// append adds an entry behind the others. The roster is for the caller to make.
func (b *body) append(e Entry) {
	b.counts = append(b.counts, int64(e.Count))
	b.updated = append(b.updated, e.Updated)
	b.inserted = append(b.inserted, e.Inserted)
}
