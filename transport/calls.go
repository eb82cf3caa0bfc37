package transport

import (
	"io"
	"sync"
	"time"
)

// An outcome is how a call ended.
type outcome struct {
	body   []byte
	stream io.ReadCloser
	err    error
}

// A pending call waits for its outcome. It is used again for later calls; the
// generation in its number keeps late answers from those.
type pending struct {
	corr     uint64 // index in the slots, and generation above 32 bits
	server   string
	deadline time.Time
	done     chan outcome // holds one
}

// calls are the calls of a link that wait for an answer.
type calls struct {
	mu    sync.Mutex
	slots []*pending // by index; nil: free
	free  []*pending // to be used again; each has its index
	err   error      // the link is gone
	open  int
	empty chan struct{} // closed when no call waits; nil if nobody asked
	timer *time.Timer
	next  time.Time // when timer fires; zero: it does not
	late  func(corr uint64, server string)
}

// add returns a pending call that fails at the deadline.
func (c *calls) add(server string, deadline time.Time) (*pending, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return nil, c.err
	}
	var p *pending
	if n := len(c.free); n > 0 {
		p, c.free = c.free[n-1], c.free[:n-1]
		p.corr += 1 << 32
		c.slots[uint32(p.corr)] = p
	} else {
		p = &pending{corr: uint64(len(c.slots)), done: make(chan outcome, 1)}
		c.slots = append(c.slots, p)
	}
	c.open++
	p.server, p.deadline = server, deadline
	if c.next.IsZero() || deadline.Before(c.next) {
		c.arm(deadline)
	}
	return p, nil
}

// arm lets the timer fire at a time. c is locked.
func (c *calls) arm(at time.Time) {
	c.next = at
	if c.timer == nil {
		c.timer = time.AfterFunc(time.Until(at), c.expire)
		return
	}
	c.timer.Reset(time.Until(at))
}

// take removes a call that still waits.
func (c *calls) take(corr uint64) *pending {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.takeLocked(corr)
}

func (c *calls) takeLocked(corr uint64) *pending {
	i := uint32(corr)
	if uint64(i) >= uint64(len(c.slots)) {
		return nil
	}
	p := c.slots[i]
	if p == nil || p.corr != corr {
		return nil
	}
	c.slots[i] = nil
	c.open--
	c.signalEmpty()
	return p
}

// complete ends a call, if it still waits. It reports whether it did.
func (c *calls) complete(corr uint64, o outcome) bool {
	p := c.take(corr)
	if p == nil {
		return false
	}
	p.done <- o
	return true
}

// release lets a pending call whose outcome was received be used again.
func (c *calls) release(p *pending) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err == nil {
		c.free = append(c.free, p)
	}
}

// expire fails the calls whose time is over, and arms the timer for the next.
func (c *calls) expire() {
	now := time.Now()
	type lateCall struct {
		corr   uint64
		server string
	}
	var late []lateCall
	c.mu.Lock()
	c.next = time.Time{}
	var next time.Time
	for _, p := range c.slots {
		switch {
		case p == nil:
		case !p.deadline.After(now):
			late = append(late, lateCall{p.corr, p.server})
			c.takeLocked(p.corr).done <- outcome{err: ErrTimeout}
		case next.IsZero() || p.deadline.Before(next):
			next = p.deadline
		}
	}
	if !next.IsZero() && c.err == nil {
		c.arm(next)
	}
	c.mu.Unlock()
	for _, l := range late {
		c.late(l.corr, l.server)
	}
}

// fail ends all calls.
func (c *calls) fail(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.err = err
	if c.timer != nil {
		c.timer.Stop()
	}
	for i, p := range c.slots {
		if p != nil {
			c.slots[i] = nil
			p.done <- outcome{err: err}
		}
	}
	c.free, c.open = nil, 0
	c.signalEmpty()
}

// signalEmpty tells those who asked that no call waits. c is locked.
func (c *calls) signalEmpty() {
	if c.open == 0 && c.empty != nil {
		close(c.empty)
		c.empty = nil
	}
}

// ended returns a channel that is closed once no call waits.
func (c *calls) ended() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.empty == nil {
		c.empty = make(chan struct{})
	}
	empty := c.empty
	c.signalEmpty()
	return empty
}

// len returns how many calls wait.
func (c *calls) len() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.open
}
