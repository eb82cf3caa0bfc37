package genserver

import (
	"time"
)

// loop handles messages until the server shall end.
func (s *Server) loop() error {
	for s.exit == nil && s.next() {
		s.run()
	}
	return s.exit
}

// next readies messages to run, and sleeps while there are none. It returns
// false when the server shall end.
func (s *Server) next() bool {
	ep := s.ep
	ep.mu.Lock()
	admitted := false
	for {
		if ep.inc != s || s.halting != nil {
			ep.mu.Unlock()
			return false
		}
		s.sync()
		if len(ep.senders) > 0 && !admitted {
			admitted = true // once: senders that find no room must not keep the server from running
			if links := ep.admit(); links != nil {
				ep.mu.Unlock()
				ep.tellRoom(links)
				ep.mu.Lock()
				continue
			}
		}
		if ep.filled != 0 && !ep.paused && ep.ready() {
			ep.mu.Unlock()
			return true
		}
		if ep.draining && len(ep.apart) == 0 {
			ep.mu.Unlock()
			return false
		}
		ep.asleep = true
		ep.mu.Unlock()
		<-s.wake
		if s.handed {
			s.handed = false
			return true
		}
		admitted = false
		ep.mu.Lock()
	}
}

// sync makes what the server did without a lock known. ep is locked.
func (s *Server) sync() {
	s.account()
	ep := s.ep
	ln := ep.cur
	if ln == nil {
		return
	}
	ln.at = ep.position()
	clear(ln.out[ln.ran:ln.at])
	if ln.ran = ln.at; ln.at >= len(ln.out) {
		ln.out, ln.at, ln.ran = ln.out[:0], 0, 0
	}
	ep.cur = nil
}

// account is sync for all but the lanes. ep is locked.
func (s *Server) account() {
	if len(s.apart)+len(s.finished) > 0 {
		s.syncCalls()
	}
	s.ep.stats.Handled += s.handled
	s.ep.stats.Failed += s.failed
	s.ep.stats.Expired += s.expired
	s.handled, s.failed, s.expired = 0, 0, 0
}

// syncCalls makes known which calls ended, and which will be answered later. ep
// is locked.
func (s *Server) syncCalls() {
	for i, r := range s.apart {
		if r.state.Load() == pending {
			s.ep.putAside(r)
		}
		s.apart[i] = nil
	}
	for i, r := range s.finished {
		delete(s.ep.remote, r.more.call)
		s.finished[i] = nil
	}
	s.apart, s.finished = s.apart[:0], s.finished[:0]
}

// run handles the messages that are ready, until something changed.
func (s *Server) run() {
	base := s.base
	for i := s.from; i < s.until; i++ {
		if c := base + uint64(i); !s.cursor.CompareAndSwap(c, c+1) {
			return
		}
		it := &s.out[i] // nobody writes to it until the server is in sync
		if it.size > 0 {
			s.ep.taken.Add(int64(it.size))
		}
		s.handle(it)
	}
}

// handle runs one item.
func (s *Server) handle(it *item) {
	if it.kind != toHandler {
		s.handleOwn(it)
		return
	}
	r := it.req
	if r != nil && r.state.Load() != pending {
		s.finish(r)
		s.expired++ // its caller does not wait any more
		s.ep.observeLost(it, r.why())
		it.release()
		return
	}
	s.handled++
	from := s.self
	ctx := s.root
	if r != nil {
		r.root, ctx = s.root, r
		if r.kind == ofCall {
			from.call = r
		}
	}
	if it.from != nil {
		from.node, from.role = it.from.node, it.from.role
	}
	s.running = it.event
	observer := s.ep.observer.Load()
	if observer == nil {
		value, err := s.dispatch(ctx, from, it)
		s.conclude(it, value, err)
		it.release()
		return
	}
	start := time.Now()
	value, err := s.dispatch(ctx, from, it)
	took := time.Since(start)
	s.conclude(it, value, err)
	it.release()
	(*observer)(Observation{
		Server: s.ep.name, Event: it.event, From: from.node, Call: from.call != nil,
		Size: int(it.size), Duration: took, Err: s.ofObserver(err),
	})
}

// ofObserver hides that a reply comes later.
func (s *Server) ofObserver(err error) error {
	if err == Later {
		return nil
	}
	return err
}

// conclude answers the call that was handled.
func (s *Server) conclude(it *item, value any, err error) {
	r := it.req
	switch {
	case r == nil || r.kind != ofCall:
		if err != nil && err != Later {
			s.failed++
		}
		return
	case err == nil:
		if !r.finish(returned, value, nil) {
			r.apart.Store(true)
			if s, ok := value.(*streamed); ok { // its caller gave up meanwhile
				closeReader(s.body)
			}
		}
	case err == Later:
		r.apart.Store(true)
		s.apart = append(s.apart, r)
		return
	default:
		s.failed++
		if !r.finish(returned, nil, err) {
			r.apart.Store(true)
		}
	}
	s.finish(r)
	if cap(s.reply) > bufferMax {
		s.reply = nil
	}
}

// finish notes that a call has ended.
func (s *Server) finish(r *request) {
	if r.kind == ofCall && r.more != nil && r.more.remote {
		s.finished = append(s.finished, r)
	}
}

// do lets the server run f before other messages. It reports false if the
// server has ended.
func (s *Server) do(f func()) bool {
	ep := s.ep
	ep.mu.Lock()
	if ep.inc != s {
		ep.mu.Unlock()
		return false
	}
	wake := ep.put(laneOwn, item{value: f, kind: toRun})
	ep.mu.Unlock()
	rouse(wake)
	return true
}
