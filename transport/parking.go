package transport

import (
	"sync"
	"sync/atomic"
)

// parkings hold the messages of a peer that services have no room for, or that
// are not complete, by service. They outlive a link, so that what comes over the
// next one stays behind them.
type parkings struct {
	k      *Kernel
	mu     sync.Mutex
	byName map[string][]parkedMessage
	some   atomic.Bool
}

// A parkedMessage waits for its turn.
type parkedMessage struct {
	d     Delivery
	bytes int       // of window that the message holds
	body  *assembly // what completes the message; nil if it is complete
	lost  bool      // it will never be complete, or its caller is gone
}

// ready reports whether m waits for no more of its body.
func (m *parkedMessage) ready() bool {
	if m.body == nil {
		return true
	}
	body, state := m.body.result()
	if state == assembling {
		return false
	}
	m.d.Body, m.lost, m.body = body, m.lost || state == broken, nil
	return true
}

// add keeps a message behind those to the same service, and delivers what can be
// delivered.
func (p *parkings) add(name string, m parkedMessage) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.byName == nil {
		p.byName = make(map[string][]parkedMessage)
	}
	p.byName[name] = append(p.byName[name], m)
	p.some.Store(true)
	p.advance(name)
}

// resume delivers what waits for the service name.
func (p *parkings) resume(name string) {
	if !p.some.Load() {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.byName[name]) > 0 {
		p.advance(name)
	}
}

// advance delivers what can be delivered to a service. p is locked.
func (p *parkings) advance(name string) {
	queue := p.byName[name]
	s, _ := p.k.Lookup(name)
	done := 0
	for i := range queue {
		m := &queue[i]
		if !m.ready() || !m.deliver(name, s) {
			break
		}
		m.d.Link.link.in.free(m.bytes)
		done++
	}
	rest := copy(queue, queue[done:])
	clear(queue[rest:])
	if rest > 0 {
		p.byName[name] = queue[:rest]
		return
	}
	delete(p.byName, name)
	p.some.Store(len(p.byName) > 0)
}

// deliver hands m to a service, and reports false if that has no room.
func (m *parkedMessage) deliver(name string, s Service) bool {
	switch {
	case m.lost:
	case s == nil:
		m.d.Link.link.in.refuse(name, &m.d)
	default:
		return s.Deliver(&m.d)
	}
	return true
}

// drop forgets the calls whose callers are gone with a link. Casts that were
// accepted still wait for their services.
func (p *parkings) drop(l *link) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, queue := range p.byName {
		for i := range queue {
			m := &queue[i]
			m.lost = m.lost || m.d.Call.link == l
		}
	}
}

// resume delivers what waits for the service name.
func (l *link) resume(name string) { l.owner.parked.resume(name) }
