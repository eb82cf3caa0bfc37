package transporttest

import (
	"slices"
	"sort"
	"time"
)

// A kind says what an event does to the end of a connection that it reaches.
type kind uint8

const (
	evData    kind = iota + 1 // bytes arrive
	evFin                     // the stream from the peer ends
	evReset                   // the connection breaks
	evAck                     // the peer has read so many bytes
	evRequest                 // a dial reaches the host that listens
	evAgree                   // its answer reaches the host that dials
	evRefuse                  // nobody listens
	evRetry                   // ask again, the last request may be lost
	evThaw                    // the host goes on
)

// An event is due at one end of a connection: a segment or signal from the
// other end, or something that the end set for itself.
type event struct {
	kind    kind
	due     int64
	seq     int64  // of data: which segment
	data    []byte // not shared
	credit  int64  // of data: bytes of buffer to give back; 0 in a duplicate
	lost    bool   // of data: only the credit arrives
	corrupt bool   // of data: a bit was flipped
	acked   int64  // of evAck
}

// insert keeps a queue in order of due time, and of arrival among equals.
func insert(queue []*event, e *event) []*event {
	if len(queue) == 0 || queue[len(queue)-1].due <= e.due {
		return append(queue, e)
	}
	i := sort.Search(len(queue), func(i int) bool { return queue[i].due > e.due })
	return slices.Insert(queue, i, e)
}

// schedule sets an event for this end, by this host itself or by fate.
func (c *conn) schedule(e event) {
	c.local = insert(c.local, &e)
	c.poke()
}

// next returns when something is to happen at this end.
func (c *conn) next() int64 {
	at := min(c.readBy.next(), c.writeBy.next())
	if len(c.local) > 0 {
		at = min(at, c.local[0].due)
	}
	if len(c.inbox) > 0 && !c.in.faults.Hold {
		at = min(at, c.inbox[0].due)
	}
	return at
}

// poke arms the timer after a queue or a deadline has changed. Without lanes
// what is due happens at once.
func (c *conn) poke() {
	if !c.net.lanes {
		for now := c.net.now(); c.next() <= now; {
			c.step(now)
		}
	}
	c.arm()
}

// arm sets the timer for the next event, to an instant of this end's lane. A
// timer that is set too early is left: it finds nothing due and arms again.
func (c *conn) arm() {
	at := c.next()
	if at == never {
		return
	}
	now := c.net.now()
	at = c.instant(at, now)
	if c.armed <= at {
		return
	}
	c.armed = at
	if c.timer == nil {
		c.timer = time.AfterFunc(time.Duration(at-now), c.tick)
	} else {
		c.timer.Reset(time.Duration(at - now))
	}
}

// instant returns the first free instant of this end's lane at or after at.
// It is never the present one: what happens now may be the event of another end.
func (c *conn) instant(at, now int64) int64 {
	if !c.net.lanes {
		return at
	}
	at = max(at, now+1)
	if at > never-2*c.period {
		return never - 1
	}
	return at + (c.lane-at%c.period+c.period)%c.period
}

// tick does what one instant of the lane holds, and arms the timer again.
func (c *conn) tick() {
	c.net.mu.Lock()
	defer c.net.mu.Unlock()
	if c.net.closed {
		return
	}
	now := c.net.now()
	if now < c.armed {
		return // the timer was set anew while this tick waited
	}
	c.armed = never
	if c.next() <= now {
		c.step(now)
	}
	c.poke()
}

// step does one thing that is due: two that wake different goroutines must not
// share an instant.
func (c *conn) step(now int64) {
	switch {
	case len(c.local) > 0 && c.local[0].due <= now:
		e := c.local[0]
		c.local = slices.Delete(c.local, 0, 1)
		c.arrive(e)
	case len(c.inbox) > 0 && !c.in.faults.Hold && c.inbox[0].due <= now:
		c.receive(now)
	case c.readBy.next() <= now:
		c.readBy.told = true
		c.readable.Broadcast()
	case c.writeBy.next() <= now:
		c.writeBy.told = true
		c.writable.Broadcast()
	}
}

// receive lets the first event from the link arrive, and with it those that
// are due too and concern the reader as well.
func (c *conn) receive(now int64) {
	k := 1
	for forReader(c.inbox[0]) && k < len(c.inbox) && c.inbox[k].due <= now && forReader(c.inbox[k]) {
		k++
	}
	batch := slices.Clone(c.inbox[:k])
	c.inbox = slices.Delete(c.inbox, 0, k)
	if slices.Contains(batch, c.parked) {
		c.parked = nil
	}
	if c.in.faults.Cut {
		c.missed += c.in.lose(batch)
		return
	}
	for _, e := range batch {
		c.arrive(e)
	}
}

func forReader(e *event) bool { return e.kind == evData || e.kind == evFin }

// A deadline is when calls of one direction fail.
type deadline struct {
	at   int64
	told bool // those who wait have been woken
}

func (d deadline) next() int64 {
	if d.told {
		return never
	}
	return d.at
}

// deadline returns t in the network's time; the zero t is none.
func (n *Network) deadline(t time.Time) deadline {
	if t.IsZero() {
		return deadline{at: never}
	}
	return deadline{at: int64(t.Sub(n.epoch))}
}
