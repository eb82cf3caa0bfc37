package genserver

import (
	"sync/atomic"
	"time"
)

// A stopper is what ends with an incarnation.
type stopper interface{ stop() }

// SendAfter casts a message to the server itself after a time, unless stop is
// called or the server ends before. The message has room in any mailbox. A
// crash ends it too: the init of the next incarnation may call SendAfter anew.
func (s *Server) SendAfter(d time.Duration, event string, value any) (stop func()) {
	return s.tick(d, 0, event, value)
}

// Every casts a message to the server itself each time that d has passed, until
// stop is called or the server ends. A tick is left out while the one before it
// waits still. Less than a millisecond counts as one.
func (s *Server) Every(d time.Duration, event string, value any) (stop func()) {
	d = max(d, time.Millisecond)
	return s.tick(d, d, event, value)
}

// A ticker casts to its own server.
type ticker struct {
	s     *Server
	every time.Duration // 0: once
	event string
	value any
	timer *time.Timer
	over  atomic.Bool
	waits atomic.Bool // in the mailbox
}

func (s *Server) tick(d, every time.Duration, event string, value any) (stop func()) {
	t := &ticker{s: s, every: every, event: event, value: value}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dead {
		return func() {}
	}
	s.timers[t] = struct{}{}
	t.timer = time.AfterFunc(d, t.fire)
	return func() {
		t.stop()
		s.drop(t)
	}
}

// fire puts the message into the mailbox.
func (t *ticker) fire() {
	s := t.s
	s.mu.Lock()
	if s.dead || t.over.Load() {
		s.mu.Unlock()
		return
	}
	if t.every > 0 {
		t.timer.Reset(t.every)
	}
	s.mu.Unlock()
	if t.waits.Swap(true) {
		return
	}
	ep := s.ep
	ep.mu.Lock()
	if ep.inc != s || ep.draining {
		ep.mu.Unlock()
		return
	}
	wake := ep.put(laneNormal, item{event: t.event, value: t, kind: toTick})
	ep.mu.Unlock()
	rouse(wake)
}

func (t *ticker) stop() {
	t.over.Store(true)
	t.timer.Stop()
}

// drop forgets what need not be stopped any more.
func (s *Server) drop(t stopper) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.timers, t)
}

// stopTimers stops what ends with the incarnation.
func (s *Server) stopTimers() {
	s.mu.Lock()
	timers := s.timers
	s.timers, s.dead = nil, true
	s.mu.Unlock()
	for t := range timers {
		t.stop()
	}
}

// handleOwn runs what the server told itself.
func (s *Server) handleOwn(it *item) {
	if it.kind == toRun {
		s.running = ""
		it.value.(func())()
		return
	}
	t := it.value.(*ticker)
	t.waits.Store(false)
	if t.s != s || t.over.Load() {
		return // of an incarnation before, or stopped while it waited
	}
	if t.every == 0 {
		s.drop(t)
	}
	s.handle(&item{event: t.event, value: t.value})
}
