package genserver

import (
	"sync/atomic"

	"github.com/clusterluck/clusterluck/transport"
)

// A Down says that a server that was watched ended.
type Down struct {
	Ref string
	Err error // why
}

// A monitor watches one endpoint of this node.
type monitor struct {
	down  func(error)
	fired atomic.Bool
}

// Monitor has down called once, in a goroutine of its own, when the server ends
// or crashes, also if a supervisor restarts it: with an error for which errors.Is
// finds [transport.ErrStopped], [transport.ErrCrashed], [transport.ErrNoServer]
// if there is none of that name now, or [transport.ErrNodeDown] or another error
// of the connection if its node cannot be reached. After stop, down is not
// called any more, unless it runs already.
func Monitor(k Kernel, ref string, down func(Down)) (stop func()) {
	ep, name, node, err := find(k, ref)
	if err == nil && ep == nil {
		return k.Monitor(node, name, func(err error) { go down(Down{ref, err}) })
	}
	m := &monitor{down: func(err error) { down(Down{ref, err}) }}
	if err != nil {
		m.fire(err)
	} else {
		ep.watch(m)
	}
	return func() {
		m.fired.Store(true)
		if ep != nil {
			ep.mu.Lock()
			defer ep.mu.Unlock()
			delete(ep.monitors, m)
		}
	}
}

// Monitor is the function Monitor for a server: down runs as a handler does, one
// at a time with the others. It ends with the server.
func (s *Server) Monitor(ref string, down func(Down)) (stop func()) {
	w := &watch{}
	s.mu.Lock()
	if s.dead {
		s.mu.Unlock()
		return func() {}
	}
	s.timers[w] = struct{}{}
	s.mu.Unlock()
	end := Monitor(s.ep.k, ref, func(d Down) {
		s.do(func() {
			if !w.over.Load() {
				s.drop(w)
				down(d)
			}
		})
	})
	w.end.Store(&end)
	if w.over.Load() {
		end()
	}
	return func() {
		w.stop()
		s.drop(w)
	}
}

// A watch is a server's monitor of another.
type watch struct {
	end  atomic.Pointer[func()]
	over atomic.Bool
}

func (w *watch) stop() {
	w.over.Store(true)
	if end := w.end.Load(); end != nil {
		(*end)()
	}
}

// watch adds a monitor.
func (ep *endpoint) watch(m *monitor) {
	ep.mu.Lock()
	defer ep.mu.Unlock()
	if ep.over {
		m.fire(transport.ErrNoServer)
		return
	}
	if ep.monitors == nil {
		ep.monitors = make(map[*monitor]struct{})
	}
	ep.monitors[m] = struct{}{}
}

// fire calls down, unless it was called or the monitor stopped.
func (m *monitor) fire(err error) {
	if !m.fired.Swap(true) {
		go m.down(err)
	}
}

// notify tells the monitors that the server ended or crashed. If it will be
// restarted its name stays taken, so that messages wait for it.
func (ep *endpoint) notify(reason error) {
	ep.mu.Lock()
	monitors, over := ep.monitors, ep.over
	ep.monitors = nil
	ep.mu.Unlock()
	for m := range monitors {
		m.fire(reason)
	}
	if !over { // else Unregister told the monitors of other nodes
		ep.k.Down(ep.name, ep, reason)
	}
}
