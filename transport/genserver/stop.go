package genserver

import (
	"context"
	"fmt"
	"maps"
	"runtime/debug"
	"time"

	"github.com/clusterluck/clusterluck/transport"
)

// Stop ends the server when it is idle: it takes no more messages, handles those
// that wait, also if it is paused, waits until calls that are to be answered
// later are, and then runs what OnStop registered. Callers get
// [transport.ErrNoServer] from the moment Stop is called. The name is free when
// Stop returns.
//
// If ctx ends first, the server is killed, as by Kill, and Stop returns an error
// wrapping the cause. Called by the server's own handler, or by one of another
// server that the handler waits for, Stop does not wait.
func (s *Server) Stop(ctx context.Context) error {
	ep := s.ep
	ep.mu.Lock()
	if ep.over || ep.inc != s {
		ep.mu.Unlock()
		return nil
	}
	ep.draining, ep.paused = true, false
	refused, links := ep.refuseSenders()
	wake := ep.interrupt()
	ep.mu.Unlock()
	rouse(wake)
	for _, r := range refused {
		ep.settle(r, answered, nil, transport.ErrNoServer)
	}
	ep.tellRoom(links)

	if from := originOf(ctx); from.waits(ep.addr) {
		return nil
	}
	select {
	case <-ep.done:
		return nil
	case <-ctx.Done():
		s.Kill()
		return fmt.Errorf("genserver: stop %q: killed: %w", ep.name, context.Cause(ctx))
	}
}

// Kill ends the server at once. Calls that it handles fail with
// [transport.ErrStopped], those that wait with [transport.ErrNoServer]; casts
// that wait are lost and counted. A handler that runs sees its context end; what
// OnStop registered runs when the handler returns.
func (s *Server) Kill() {
	ep := s.ep
	s.endLife()
	ended := ep.giveUp(s, transport.ErrStopped)
	if !ended { // it may be that what OnStop registered does not return
		ep.mu.Lock()
		ended = ep.inc == nil && ep.starts == s.start
		ep.mu.Unlock()
	}
	if ended {
		ep.end(transport.ErrStopped)
	}
}

// giveUp ends an incarnation from outside: it runs nothing any more. What waits
// stays. It reports false if s was not the incarnation.
func (ep *endpoint) giveUp(s *Server, reason error) bool {
	ep.mu.Lock()
	if ep.inc != s {
		ep.mu.Unlock()
		return false
	}
	wake := ep.interrupt()
	s.why = reason
	if ln := ep.cur; ln != nil {
		ln.at = ep.position()
	}
	calls := ep.detach()
	ep.mu.Unlock()
	rouse(wake)
	s.failAll(calls, reason)
	return true
}

// detach leaves the endpoint without an incarnation, and returns the calls that
// it has begun to handle. The lanes know how far it came. ep is locked.
func (ep *endpoint) detach() (calls []*request) {
	for i := range ep.lanes {
		ln := &ep.lanes[i]
		for _, it := range ln.out[ln.ran:ln.at] {
			if it.req.isOpen() {
				calls = append(calls, it.req)
			}
		}
		ln.out = append([]item(nil), ln.out[ln.at:]...) // the old goroutine may still read what it took
		ln.at, ln.ran = 0, 0
	}
	for r := range ep.apart {
		calls = append(calls, r)
	}
	for _, r := range calls {
		ep.forget(r)
	}
	maps.DeleteFunc(ep.remote, func(_ transport.CallRef, r *request) bool { return !r.isOpen() })
	ep.last = ep.inc
	ep.inc, ep.cur, ep.asleep = nil, nil, false
	return calls
}

// failAll fails calls of an incarnation, and ends its context.
func (s *Server) failAll(calls []*request, reason error) {
	if crash, ok := reason.(*CrashError); ok {
		reason = crash.withoutStack()
	}
	for _, r := range calls {
		r.apart.Store(true) // the next incarnation is free
		r.finish(answered, nil, reason)
	}
	s.root.finish(canceled, nil, nil)
}

// crash ends an incarnation whose handler did not return, or whose init failed.
func (s *Server) crash(reason error) {
	ready := s.ready
	current := s.retire(reason)
	switch {
	case ready != nil:
		ready <- reason
	case current:
		s.ep.observe(Observation{Server: s.ep.name, Event: s.running, Err: reason})
		s.decide(reason)
	}
}

// decide lets the owner of the endpoint say what follows the crash of s.
func (s *Server) decide(reason error) {
	ep := s.ep
	switch {
	case s.halted(reason):
	case ep.owner != nil:
		ep.notify(reason)
		ep.owner.crashed(ep, s.start, reason)
	default:
		ep.end(reason)
	}
}

// leave ends an incarnation that is idle, was halted, or was given up.
func (s *Server) leave() {
	if s.retire(transport.ErrStopped) && !s.halted(transport.ErrStopped) {
		s.ep.end(transport.ErrStopped)
	}
}

// halt ends the incarnation after the handler that runs, and leaves what waits
// to the next. If ctx ends before, the incarnation is given up. What OnStop
// registered has run then, or ctx has ended.
func (ep *endpoint) halt(ctx context.Context) {
	ep.mu.Lock()
	s := ep.inc
	if s == nil {
		last := ep.last
		ep.mu.Unlock()
		if last != nil {
			last.await(ctx)
		}
		return
	}
	halted := make(chan struct{})
	s.halting = halted
	wake := ep.interrupt()
	ep.mu.Unlock()
	rouse(wake)
	select {
	case <-halted:
	case <-ctx.Done():
		if ep.giveUp(s, transport.ErrStopped) {
			s.halted(transport.ErrStopped)
		}
	}
	s.await(ctx)
}

// await waits until what the incarnation registered with OnStop has run. If ctx
// ends before it returns, but not before the children of a supervisor, which are
// killed then, have ended.
func (s *Server) await(ctx context.Context) {
	select {
	case <-s.gone:
		return
	case <-ctx.Done():
	}
	s.endLife()
	if s.grace.Load() == 0 {
		return
	}
	timer := time.NewTimer(shutdownTime)
	defer timer.Stop()
	select {
	case <-s.gone:
	case <-timer.C:
	}
}

// halted ends what halt began. It returns false if nobody did.
func (s *Server) halted(reason error) bool {
	s.ep.mu.Lock()
	halting := s.halting
	s.halting = nil
	s.ep.mu.Unlock()
	if halting == nil {
		return false
	}
	s.ep.notify(reason)
	close(halting)
	return true
}

// retire is the last that the goroutine of an incarnation does before the
// endpoint goes on without it. It reports whether s was the incarnation, which it
// is not if it was given up, for a reason that holds then.
func (s *Server) retire(reason error) bool {
	ep := s.ep
	ep.mu.Lock()
	current := ep.inc == s
	var calls []*request
	if current {
		if ln := ep.cur; ln != nil {
			ln.at = ep.position()
		}
		s.account() // before the calls are collected that it left to be answered later
		calls = ep.detach()
		ep.countEnd(reason)
	} else if s.why != nil {
		reason = s.why
	}
	ep.mu.Unlock()
	if current {
		s.failAll(calls, reason)
	}
	s.stopTimers()
	s.mu.Lock()
	hooks := s.onStop
	s.onStop = nil
	s.mu.Unlock()
	for i := len(hooks) - 1; i >= 0; i-- {
		s.runHook(hooks[i], reason)
	}
	ep.mu.Lock()
	if ep.last == s {
		ep.last = nil
	}
	ep.mu.Unlock()
	s.endLife()
	close(s.gone)
	return current
}

// runHook calls what OnStop registered. A panic there changes nothing: the
// server ends in any case.
func (s *Server) runHook(hook func(error), reason error) {
	defer func() {
		if value := recover(); value != nil {
			s.ep.observe(Observation{Server: s.ep.name, Err: &CrashError{Server: s.ep.name, Value: value, Stack: debug.Stack()}})
		}
	}()
	hook(reason)
}

// end ends the endpoint for good, once: the name is free, what waits fails, and
// monitors learn it. No incarnation runs.
func (ep *endpoint) end(reason error) {
	ep.mu.Lock()
	if ep.over {
		ep.mu.Unlock()
		return
	}
	ep.over, ep.draining, ep.reason = true, true, reason
	if ep.timer != nil {
		ep.timer.Stop()
	}
	items := ep.drain()
	calls, links := ep.refuseSenders()
	for i := range items {
		if r := items[i].req; r.isOpen() {
			calls = append(calls, r)
			ep.forget(r)
		}
	}
	ep.mu.Unlock()

	ep.k.Unregister(ep.name, ep, reason)
	for _, r := range calls {
		r.finish(answered, nil, transport.ErrNoServer)
	}
	for i := range items {
		if it := &items[i]; it.req == nil || it.req.kind == ofCast {
			ep.lose(it, transport.ErrNoServer)
		}
	}
	ep.tellRoom(links)
	ep.notify(reason)
	close(ep.done)
	if ep.owner != nil {
		ep.owner.ended(ep, reason)
	}
}
