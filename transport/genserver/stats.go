package genserver

import (
	"errors"
	"time"

	"github.com/clusterluck/clusterluck/transport"
)

// Stats counts what happened to the messages of a server, over all its
// incarnations.
type Stats struct {
	Waiting int   // messages in the mailbox now
	Bytes   int64 // of those, as [Mailbox] counts them
	Apart   int   // calls that their handlers left to be answered later

	Handled   uint64 // messages that a handler was run for, or had none
	Failed    uint64 // of those, that ended with an error
	Overloads uint64 // refused for want of room
	Dropped   uint64 // thrown away for want of room
	Expired   uint64 // calls that ended before their turn: out of time, given up, or their node gone
	Unhandled uint64 // left in the mailbox when the server ended
	Refused   uint64 // from other nodes that never got into the mailbox, for any reason
	Crashes   uint64
}

// Stats returns the counts as of now. Those of messages that the server runs at
// the moment may be missing.
func (s *Server) Stats() Stats {
	ep := s.ep
	ep.mu.Lock()
	defer ep.mu.Unlock()
	stats := ep.stats
	stats.Waiting, stats.Bytes = ep.waiting()
	stats.Apart = len(ep.apart)
	return stats
}

// countEnd counts the end of an incarnation. ep is locked.
func (ep *endpoint) countEnd(reason error) {
	if errors.Is(reason, transport.ErrCrashed) {
		ep.stats.Crashes++
	}
}

// An Observation tells about one message, after its handler has returned or when
// it was lost.
type Observation struct {
	Server, Event string
	From          string // the node that sent it
	Call          bool
	Size          int           // bytes, as [Mailbox] counts them
	Duration      time.Duration // that the handler took
	Lost          bool          // the handler did not run, and never will
	Err           error         // why it was lost, or what the handler returned
}

// Observe has f called for each message, until Observe is called again; nil for
// no more. f must not block, and is called by any goroutine, by several at once.
// A crash is observed too, as a [CrashError] with the stack of the handler. A
// message of another node that never got into the mailbox, because it came too late
// or cannot be read, is counted as Refused in [Stats] and not observed.
func (s *Server) Observe(f func(Observation)) {
	if f == nil {
		s.ep.observer.Store(nil)
		return
	}
	s.ep.observer.Store(&f)
}

func (ep *endpoint) observe(o Observation) {
	if f := ep.observer.Load(); f != nil {
		(*f)(o)
	}
}

// observeLost tells about a message that no handler will see.
func (ep *endpoint) observeLost(it *item, why error) {
	o := Observation{Server: ep.name, Event: it.event, From: ep.node, Size: int(it.size), Lost: true, Err: why}
	if r := it.req; r != nil {
		o.Call = r.kind == ofCall
	}
	if it.from != nil {
		o.From = it.from.node
	}
	ep.observe(o)
}
