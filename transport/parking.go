package transport

import (
	"bytes"
	"slices"
	"sync"
	"sync/atomic"
)

// parkings hold the messages of a peer that services have no room for, or that
// are not complete. They outlive a link, so that what comes over the next one
// stays behind them.
//
// The lock is never held while a message is delivered or refused: either may
// find a link broken, and a link that ends comes back here.
type parkings struct {
	k     *Kernel
	owner *peer
	some  atomic.Bool // there are lines

	mu     sync.Mutex
	lines  map[lineKey]*parkedLine
	held   int // bytes of memory that messages take
	closed bool

	bodies atomic.Int64 // bytes of long bodies that are whole and wait
	firsts atomic.Int64 // of which services had no room for so many
}

// Messages stay in order by service and lane.
type lineKey struct {
	name   string
	urgent bool
}

// A parkedLine holds the messages of one lane to one service, oldest first.
type parkedLine struct {
	queue []*parkedMessage
	busy  bool // a goroutine delivers from the line
	again bool // there is news for it: it tries once more before it stops
	full  bool // the service had no room, and will say when it has
}

// A parkedMessage waits for its turn.
type parkedMessage struct {
	name  string // of the service
	d     Delivery
	bytes int       // of window that the message holds
	size  int       // bytes of memory that count for it
	body  *assembly // the body, if it is long
	first int       // bytes of the body, if the service had no room for it
	lost  bool      // it will never be complete, or its caller is gone
	taken bool      // the service has it, or it was refused
}

// parkedMax is how many windows the messages of a peer may take. Those of one link
// that are taken off its window take one; the others are of links that broke, or
// copies of casts to several servers.
const parkedMax = 4

// copyCost is what a copy takes beside its bytes. Like those, that is not taken off
// the window.
const copyCost = 256

// copyMax is the length up to which a part of a message is copied when it is
// parked. It may be a small part of the memory that was read into, and must not
// keep all of that.
const copyMax = 32 << 10

// unshare returns b in memory of its own, or of which it is the greater part.
func unshare(b []byte) []byte {
	if len(b) > copyMax {
		return b
	}
	return bytes.Clone(b)
}

// ready reports whether m waits for no more of its body.
func (m *parkedMessage) ready() bool {
	if m.body == nil || m.lost {
		return true
	}
	body, state := m.body.result()
	m.d.Body, m.lost = body, state == broken
	return state != assembling
}

// bears reports whether a long body may go on beside what waits. What waits for one
// that is the first of its line must not hold that one up: all would wait for ever.
func (p *parkings) bears(first bool) bool {
	window := int64(p.k.config.Window)
	return p.bodies.Load() <= window || first && p.firsts.Load() <= window
}

// holds reports whether messages wait that a new one must stay behind. Only the
// reader of a link adds some, so that for it the answer no stays true.
func (p *parkings) holds(key lineKey) bool {
	if !p.some.Load() {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.lines[key] != nil
}

// isFull reports whether breaks and copies have left so much that no more is kept.
func (p *parkings) isFull() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.closed || p.held >= parkedMax*p.k.config.Window
}

// add keeps a message behind those of its line, and delivers what can be
// delivered.
func (p *parkings) add(key lineKey, m *parkedMessage) {
	m.d.Hdr, m.d.Body = unshare(m.d.Hdr), unshare(m.d.Body)
	if m.size = m.bytes; m.size == 0 {
		m.size = copyCost + len(m.d.Hdr) + len(m.d.Body)
	}
	m.name = key.name
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		m.release()
		return
	}
	if p.lines == nil {
		p.lines = make(map[lineKey]*parkedLine)
	}
	ln := p.lines[key]
	if ln == nil {
		ln = new(parkedLine)
		p.lines[key] = ln
		p.some.Store(true)
	}
	ln.queue = append(ln.queue, m)
	p.held += m.size
	full := ln.full
	p.mu.Unlock()
	if !full {
		p.advance(key)
	}
}

// resume delivers what waits for the service name.
func (p *parkings) resume(name string) {
	if p.some.Load() {
		p.advance(lineKey{name, true})
		p.advance(lineKey{name, false})
	}
}

// retry delivers what waits for any service.
func (p *parkings) retry() {
	p.mu.Lock()
	var keys []lineKey
	for key := range p.lines {
		keys = append(keys, key)
	}
	p.mu.Unlock()
	for _, key := range keys {
		p.advance(key)
	}
}

// advance delivers what can be delivered of a line. If another goroutine does so
// already, that one tries again instead. A peer that is gone may be forgotten when
// nothing of it waits any more.
func (p *parkings) advance(key lineKey) {
	if p.deliver(key) && p.owner.isOver() {
		p.k.forget(p.owner)
	}
}

// deliver does the work of advance, and reports whether that emptied the last line.
func (p *parkings) deliver(key lineKey) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	ln := p.lines[key]
	if ln == nil {
		return false
	}
	if ln.busy {
		ln.again = true
		return false
	}
	ln.busy, ln.full = true, false
	for len(ln.queue) > 0 {
		ln.again = false
		if !p.tryFirst(key.name, ln) && !ln.again {
			break
		}
	}
	ln.busy = false
	p.tidy(key, ln)
	return len(p.lines) == 0
}

// tryFirst delivers the oldest message of a line, and reports whether that one
// is done with. p is locked, and is not while it delivers.
func (p *parkings) tryFirst(name string, ln *parkedLine) bool {
	m := ln.queue[0]
	if !m.ready() {
		p.mu.Unlock()
		m.body.lead()
		p.mu.Lock()
		return false
	}
	var s Service
	if d := m.d; !m.lost {
		var taken bool
		p.mu.Unlock()
		s, taken = deliverParked(name, &d)
		p.mu.Lock()
		m.taken = taken
		ln.full = !taken && !ln.again
	}
	if !m.taken && !m.lost {
		p.block(m)
		return false
	}
	p.held -= m.size
	ln.queue[0] = nil
	ln.queue = ln.queue[1:]
	p.mu.Unlock()
	if m.lost && m.taken && s != nil && !m.d.Call.IsZero() {
		s.Cancel(m.d.Call) // it was given up while it was delivered
	}
	m.release()
	p.mu.Lock()
	return true
}

// block counts the long body of a message that a service has no room for.
func (p *parkings) block(m *parkedMessage) {
	if m.body != nil && m.first == 0 {
		m.first = len(m.d.Body)
		p.firsts.Add(int64(m.first))
	}
}

// deliverParked hands a message to its service, nil if there is none, and reports
// false if that has no room.
func deliverParked(name string, d *Delivery) (Service, bool) {
	in := &d.Link.link.in
	s, _ := in.link.k.Lookup(name)
	if s == nil {
		in.refuse(name, d, codeNoServer)
		return nil, true
	}
	return s, s.Deliver(d)
}

// release gives back what m took of its link. If no service has it, nobody else will
// close its stream, or report it if it is a cast: those wait until the node closes.
func (m *parkedMessage) release() {
	if !m.taken {
		if m.d.Stream != nil {
			m.d.Stream.Close()
		}
		if m.d.Call.IsZero() && m.isWhole() {
			m.d.Link.link.k.lost(m.d.From, m.name, 1, ErrClosed.(*coded).code)
		}
	}
	if m.body != nil {
		m.d.Link.link.owner.parked.firsts.Add(-int64(m.first))
		m.body.release()
	}
	m.d.Link.link.in.free(m.bytes)
}

// isWhole reports whether all of m has come.
func (m *parkedMessage) isWhole() bool {
	if m.body == nil {
		return true
	}
	_, state := m.body.result()
	return state == assembled
}

// tidy forgets a line that is empty. p is locked.
func (p *parkings) tidy(key lineKey, ln *parkedLine) {
	if len(ln.queue) == 0 && !ln.busy {
		delete(p.lines, key)
		p.some.Store(len(p.lines) > 0)
	}
}

// take removes the messages for which drop is true, and returns them. One that is
// being delivered is only marked.
func (p *parkings) take(drop func(*parkedMessage) bool) (taken []*parkedMessage) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for key, ln := range p.lines {
		kept := ln.queue[:0]
		for i, m := range ln.queue {
			switch {
			case !drop(m):
				kept = append(kept, m)
			case i == 0 && ln.busy:
				m.lost = true
				kept = append(kept, m)
			default:
				p.held -= m.size
				taken = append(taken, m)
			}
		}
		clear(ln.queue[len(kept):])
		ln.queue = kept
		p.tidy(key, ln)
	}
	return taken
}

// cancel forgets a call that waits for the service name, and reports false if none
// does.
func (p *parkings) cancel(name string, call CallRef) bool {
	if !p.some.Load() {
		return false
	}
	for _, key := range []lineKey{{name, false}, {name, true}} {
		m, taken := p.strike(key, call)
		switch {
		case m == nil:
			continue
		case taken:
			m.release()
		default:
			p.advance(key)
		}
		return true
	}
	return false
}

// strike takes a call out of a line. One that is the first, or not complete, is
// only marked. Who gives up has mostly waited longest, so that the search ends
// where it begins.
func (p *parkings) strike(key lineKey, call CallRef) (m *parkedMessage, taken bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	ln := p.lines[key]
	if ln == nil {
		return nil, false
	}
	i := slices.IndexFunc(ln.queue, func(m *parkedMessage) bool { return m.d.Call == call })
	if i < 0 {
		return nil, false
	}
	m = ln.queue[i]
	if i == 0 || m.body != nil {
		m.lost = true
		return m, false
	}
	ln.queue = slices.Delete(ln.queue, i, i+1)
	p.held -= m.size
	return m, true
}

// drop forgets the calls whose callers are gone with a link. Casts that were
// accepted still wait for their services.
func (p *parkings) drop(l *link) {
	for _, m := range p.take(func(m *parkedMessage) bool { return m.d.Call.link == l }) {
		m.release()
	}
}

// close forgets everything, and reports the casts.
func (p *parkings) close() {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	for _, m := range p.take(func(*parkedMessage) bool { return true }) {
		m.release()
	}
}

// resume delivers what waits for the service name.
func (l *link) resume(name string) { l.owner.parked.resume(name) }
