package transporttest

import (
	"encoding/binary"
	"hash/fnv"
	"math/rand/v2"
	"slices"
)

// seed sets the end's dice, of which each end of each connection has its own:
// what one connection sends changes nothing for the others.
func (c *conn) seed(seed uint64, dialed pair, ord, side uint64) {
	h := fnv.New64a()
	h.Write([]byte(dialed.from + "\x00" + dialed.to + "\x00"))
	h.Write(binary.BigEndian.AppendUint64(nil, ord))
	who := h.Sum64()
	c.fate = rand.New(rand.NewPCG(seed, who+2*side))
	c.haste = rand.New(rand.NewPCG(seed, who+2*side+1))
}

// transmit sends bytes as one segment or more.
func (c *conn) transmit(p []byte) {
	f := &c.out.faults
	for len(p) > 0 {
		k := len(p)
		if f.MSS > 0 {
			k = min(k, f.MSS)
		}
		cut := chance(c.fate, f.Split)
		if at := 1 + int(draw(c.fate, int64(k-2))); cut && k > 1 {
			c.out.stats.Split++
			c.post(p[:at])
			c.peer.floor += c.peer.period // or one Read could get both
			c.post(p[at:k])
		} else {
			c.post(p[:k])
		}
		p = p[k:]
	}
	c.peer.poke()
}

// post sends one segment and lets chance have its way with it. It takes the
// same draws whatever the faults are.
func (c *conn) post(p []byte) {
	f, stats, now := &c.out.faults, &c.out.stats, c.net.now()
	lost, twice := chance(c.fate, f.Lose), chance(c.fate, f.Duplicate)
	late, bad := chance(c.fate, f.Reorder), chance(c.fate, f.Corrupt)
	bit := draw(c.fate, 8*int64(len(p))-1)
	due := c.out.arrival(now, len(p), c.fate)

	stats.Segments++
	stats.Bytes += len(p)
	c.sent += int64(len(p))
	c.segment++
	e := &event{kind: evData, seq: c.segment, data: slices.Clone(p), credit: int64(len(p)), lost: lost}
	to := c.peer
	if f.Cut {
		to.missed += c.out.lose([]*event{e})
		return
	}
	if bad && !lost {
		e.data[bit/8] ^= 1 << (bit % 8)
		e.corrupt = true
	}
	if late && !lost && to.parked == nil {
		e.due = max(due, to.floor) + int64(ReorderWait)
		to.parked = e
		to.inbox = insert(to.inbox, e)
		return
	}
	e.due = max(due, to.floor)
	to.floor = e.due
	to.inbox = insert(to.inbox, e)
	if twice && !lost {
		to.inbox = insert(to.inbox, &event{kind: evData, due: e.due, seq: e.seq, data: slices.Clone(e.data)})
	}
	to.unpark(e.due)
}

// unpark lets the segment that waits to be overtaken follow what is due at
// that time.
func (c *conn) unpark(due int64) {
	e := c.parked
	if e == nil {
		return
	}
	c.parked = nil
	i := slices.Index(c.inbox, e)
	c.inbox = slices.Delete(c.inbox, i, i+1)
	e.due = due
	c.inbox = insert(c.inbox, e)
}

// signal sends what is no data, after all data.
func (c *conn) signal(e event) {
	to := c.peer
	if c.out.faults.Cut || c.gone && to.gone {
		return
	}
	e.due = max(c.out.arrival(c.net.now(), 0, c.fate), to.floor)
	to.floor = e.due
	to.unpark(e.due)
	to.inbox = insert(to.inbox, &e)
	to.poke()
}

// consume gives back room in the buffer, and tells the peer now and then, or
// at once if it waits.
func (c *conn) consume(bytes int64) {
	c.read += bytes
	if c.asked && c.read > c.told || c.read-c.told >= c.in.faults.buffer()/4 {
		c.ack()
	}
}

// ask makes this end tell how much it has read, now or when it has read more.
func (c *conn) ask() {
	if c.asked = true; c.read > c.told {
		c.ack()
	}
}

// ack tells the peer how much was read. It passes the data on the way, and
// draws no delay, because reads are not part of what a seed repeats.
func (c *conn) ack() {
	c.asked, c.told = false, c.read
	if c.out.faults.Cut {
		return // told again when the cut ends
	}
	to := c.peer
	due := c.net.now() + int64(c.out.faults.DelayMin)
	to.inbox = insert(to.inbox, &event{kind: evAck, due: due, acked: c.read})
	to.poke()
}

// relink is told that the link to this end has changed.
func (c *conn) relink(before Faults) {
	if before.Cut && !c.in.faults.Cut {
		c.consume(c.missed)
		c.missed = 0
	}
	c.poke()
}

// relinkAcks is told that the link from this end has changed.
func (c *conn) relinkAcks(before Faults) {
	if before.Cut && !c.out.faults.Cut {
		c.ack()
	}
	c.writable.Broadcast() // there may be more room
}

// data takes a segment into the buffer.
func (c *conn) data(e *event) {
	stats := &c.in.stats
	switch {
	case e.lost:
		stats.Lost++
		c.consume(e.credit)
		return
	case c.gone:
		if !c.protested {
			c.protested = true
			c.signal(event{kind: evReset})
		}
		return
	}
	if e.seq < c.seen {
		stats.Reordered++
	}
	c.seen = max(c.seen, e.seq)
	if e.corrupt {
		stats.Corrupted++
	}
	if e.credit == 0 {
		stats.Duplicated++
	}
	if c.readClosed {
		c.consume(e.credit)
		return
	}
	c.rx = append(c.rx, e)
	c.readable.Broadcast()
}
