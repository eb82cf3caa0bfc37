package transporttest

import (
	"hash/crc32"
	"net"
	"slices"
	"time"
)

// arrive does what an event does.
func (c *conn) arrive(e *event) {
	if e.kind != evAck {
		c.record(e)
	}
	switch e.kind {
	case evData:
		c.data(e)
	case evFin:
		c.eof = true
		c.readable.Broadcast()
	case evReset:
		c.in.stats.Resets++
		c.fail(errReset)
	case evAck:
		c.acked = max(c.acked, e.acked)
		c.writable.Broadcast()
	case evRequest:
		c.requested()
	case evAgree:
		c.agreed()
	case evRefuse:
		if !c.open {
			c.in.stats.Refused++
			c.fail(errRefused)
		}
	case evRetry:
		c.request()
	case evThaw:
		c.thaw()
	}
}

// record adds an event to the trace.
func (c *conn) record(e *event) {
	n := c.net
	for _, v := range [...]uint64{
		uint64(n.now()), uint64(c.lane), uint64(e.kind), uint64(e.seq), uint64(len(e.data)),
		uint64(crc32.ChecksumIEEE(e.data)),
	} {
		n.trace = (n.trace ^ v) * 0x100000001b3
		n.trace ^= n.trace >> 29
	}
}

// triesMax requests are sent before a dial gives up, a second after the first
// and twice as long after each further one.
const triesMax = 7

// request asks the far host to connect.
func (c *conn) request() {
	switch {
	case c.open || c.gone || c.err != nil:
		return
	case c.tries == triesMax:
		c.fail(errGaveUp)
		return
	}
	c.local = insert(c.local, &event{kind: evRetry, due: c.net.now() + int64(time.Second)<<c.tries})
	c.tries++
	c.signal(event{kind: evRequest})
	c.poke()
}

// requested answers a request. A full backlog leaves it unanswered, and so
// does a cut of the way back, which would leave a connection that only one
// side has.
func (c *conn) requested() {
	m := c.net.hosts[c.here.Host]
	switch {
	case c.gone || c.out.faults.Cut:
		return
	case c.open: // the answer was lost
		c.signal(event{kind: evAgree})
		return
	case m.refuses || m.live == nil || m.live.listeners[c.here.Port] == nil:
		c.signal(event{kind: evRefuse})
		return
	}
	h := m.live
	l := h.listeners[c.here.Port]
	if len(l.backlog) >= backlogMax {
		return
	}
	c.host, c.open, c.frozen = h, true, h.frozen
	h.conns[c] = struct{}{}
	l.backlog = append(l.backlog, c)
	l.arrived.Broadcast()
	c.signal(event{kind: evAgree})
}

// agreed completes a dial.
func (c *conn) agreed() {
	c.open = true
	c.readable.Broadcast()
}

// thaw goes on where a freeze stopped this end.
func (c *conn) thaw() {
	if c.frozen = c.host.frozen; c.frozen {
		return
	}
	if c.finOwed {
		c.finOwed = false
		c.signal(event{kind: evFin})
	}
	if c.ending {
		c.end()
	}
	if c.tries == 0 {
		c.request()
	}
	c.readable.Broadcast()
	c.writable.Broadcast()
}

// end leaves the connection for good and tells the peer.
func (c *conn) end() {
	c.ending = c.frozen && c.open
	if !c.gone && !c.ending {
		c.gone = true
		switch {
		case c.err != nil:
		case !c.open || len(c.rx) > 0:
			c.signal(event{kind: evReset})
		case !c.finished:
			c.signal(event{kind: evFin})
		}
		c.rx = nil
	}
	c.readable.Broadcast()
	c.writable.Broadcast()
	c.retire()
}

// kill ends a connection whose owner has died.
func (c *conn) kill() {
	c.rx, c.frozen = nil, false
	if !c.gone {
		c.gone = true
		c.signal(event{kind: evReset})
	}
	c.fail(errReset)
}

// fail breaks this end.
func (c *conn) fail(err error) {
	if c.err == nil {
		c.err = err
	}
	c.gone = true
	c.readable.Broadcast()
	c.writable.Broadcast()
	c.retire()
}

// retire forgets a connection that both ends have left. An end that its owner
// has not closed stays known to its host, which may have to thaw it.
func (c *conn) retire() {
	if c.peer.host == nil {
		c.peer.gone = c.peer.gone || c.gone
	}
	if !c.gone || !c.peer.gone {
		return
	}
	for _, e := range []*conn{c, c.peer} {
		e.inbox, e.parked = nil, nil
		e.local = slices.DeleteFunc(e.local, func(e *event) bool { return e.kind != evThaw })
		if e.closed || e.host == nil || e.host.dead {
			e.forget()
		}
	}
}

// forget takes this end out of the network's books.
func (c *conn) forget() {
	delete(c.net.conns, c)
	if c.host != nil {
		delete(c.host.conns, c)
	}
	if c.timer != nil {
		c.timer.Stop()
	}
}

// vanish ends a connection with its network.
func (c *conn) vanish() {
	c.err = net.ErrClosed
	c.gone = true
	c.readable.Broadcast()
	c.writable.Broadcast()
	c.forget()
}
