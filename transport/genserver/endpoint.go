package genserver

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/clusterluck/clusterluck/transport"
)

// An endpoint is what a kernel knows a server by: its mailbox, its open calls
// and its monitors. It outlives a crash if a supervisor restarts the server,
// so that messages wait for the next incarnation.
type endpoint struct {
	k      Kernel
	name   string
	node   string
	addr   string // name@node
	encode bool   // local messages too
	owner  owner  // of a supervised server; nil
	base   time.Time
	slots  sync.Pool     // for local callers
	done   chan struct{} // closed at the end

	observer atomic.Pointer[func(Observation)]

	_     [64]byte     // what senders use stays apart from what the server uses
	taken atomic.Int64 // bytes of the items that were taken
	_     [64]byte

	mu       sync.Mutex
	asleep   bool // the incarnation does nothing until it is woken
	paused   bool
	draining bool // takes no more messages, and ends when idle
	over     bool // no incarnation will ever run again
	reason   error
	box      Mailbox
	starts   int     // of incarnations
	inc      *Server // nil between incarnations
	last     *Server // of those before, if what it registered with OnStop has not run yet
	cur      *lane   // that the server runs; nil: none
	lanes    [laneCount]lane
	filled   uint8 // the lanes that may not be empty, as bits
	bytes    int64 // of the items that were put
	senders  []*sender

	apart    map[*request]struct{} // calls that will be answered later
	remote   map[transport.CallRef]*request
	spare    spares
	from     *source           // of the last message of another node
	events   map[string]string // names of events that came from other nodes
	timer    *time.Timer
	timerAt  int64 // when it fires; 0: it does not
	due      int64 // when the first call is over; 0: none is open
	limit    int64 // of calls that have no deadline
	clock    int64 // the time when it was last read; 0: it is to be read
	tickAt   int64 // when it is read next
	called   bool  // since then
	monitors map[*monitor]struct{}
	stats    Stats
}

// spares are allocated and not yet used.
type spares struct {
	requests []request
	inbounds []inbound
	bodies   []payload
}

// An owner decides what becomes of a server whose start-th incarnation crashed,
// and learns when it ended. Its methods must not block.
type owner interface {
	crashed(ep *endpoint, start int, reason error)
	ended(ep *endpoint, reason error)
}

// callTimeout is for kernels that have none.
const callTimeout = 5 * time.Second

func newEndpoint(k Kernel, name string) *endpoint {
	limit := k.CallTimeout()
	if limit <= 0 {
		limit = callTimeout
	}
	ep := &endpoint{
		k: k, name: name, node: k.ID(), addr: name + "@" + k.ID(), encode: k.EncodeLocal(),
		base: time.Now(), limit: int64(limit), done: make(chan struct{}), box: Mailbox{}.withDefaults(),
	}
	ep.slots.New = func() any { return &slot{end: make(chan struct{}, 1)} }
	return ep
}

// now returns the time on the endpoint's clock, which starts just above 0.
func (ep *endpoint) now() int64 { return int64(time.Since(ep.base)) + 1 }

// clockTicks is how many times in CallTimeout the clock is read while calls come
// in a row.
const clockTicks = 64

// timeout returns the deadline of a call that has none of its own: CallTimeout
// from now, or up to a 64th part of that later. Reading the clock for each call
// would cost a twentieth of what the call does. ep is locked.
func (ep *endpoint) timeout() int64 {
	ep.called = true
	if ep.clock != 0 {
		return ep.clock + ep.limit + ep.limit/clockTicks
	}
	ep.clock = ep.now()
	ep.tickAt = ep.clock + ep.limit/clockTicks
	ep.arm(ep.tickAt)
	return ep.clock + ep.limit
}

// tick reads the clock anew, if there was a call since it was read last. ep is
// locked.
func (ep *endpoint) tick(now int64) {
	switch {
	case ep.clock == 0 || now < ep.tickAt:
	case ep.called:
		ep.called, ep.clock, ep.tickAt = false, now, now+ep.limit/clockTicks
	default:
		ep.clock, ep.tickAt = 0, 0
	}
}

// open sees to the deadline of a call, and to its being found by those who
// cancel it. ep is locked.
func (ep *endpoint) open(r *request) {
	if r.more != nil && r.more.remote {
		if ep.remote == nil {
			ep.remote = make(map[transport.CallRef]*request)
		}
		ep.remote[r.more.call] = r
	}
	if r.deadline != 0 && (ep.due == 0 || r.deadline < ep.due) {
		ep.due = r.deadline
		ep.arm(ep.due)
	}
}

// putAside keeps a call that will be answered after its handler has returned. ep
// is locked.
func (ep *endpoint) putAside(r *request) {
	if ep.apart == nil {
		ep.apart = make(map[*request]struct{})
	}
	ep.apart[r] = struct{}{}
}

// forget drops a call that has ended. ep is locked.
func (ep *endpoint) forget(r *request) {
	delete(ep.apart, r)
	if r.more != nil && r.more.remote {
		delete(ep.remote, r.more.call)
	}
}

// settle ends a call from any goroutine but the one that runs the server.
func (ep *endpoint) settle(r *request, state uint32, value any, err error) bool {
	if !r.finish(state, value, err) {
		return false
	}
	ep.mu.Lock()
	ep.forget(r)
	wake := ep.wakeIfIdle()
	ep.mu.Unlock()
	rouse(wake)
	return true
}

// calls yields the calls that may not have ended: those that wait, that are
// handled now, and that were put aside. ep is locked.
func (ep *endpoint) calls(yield func(*request) bool) {
	for i := range ep.lanes {
		ln := &ep.lanes[i]
		for _, items := range [][]item{ln.out[ln.ran:], ln.in} {
			for j := range items {
				if r := items[j].req; r.isOpen() && !yield(r) {
					return
				}
			}
		}
	}
	for _, s := range ep.senders {
		if r := s.item.req; r.isOpen() && !yield(r) {
			return
		}
	}
	for r := range ep.apart {
		if r.isOpen() && !yield(r) {
			return
		}
	}
}

// isOpen reports whether r is a call that has not ended.
func (r *request) isOpen() bool { return r != nil && r.kind == ofCall && r.state.Load() == pending }

// wakeIfIdle lets a server end that waits only for its calls to be answered. ep
// is locked.
func (ep *endpoint) wakeIfIdle() (wake chan<- struct{}) {
	if !ep.draining || len(ep.apart) > 0 {
		return nil
	}
	return ep.interrupt()
}

// arm lets the timer fire at a time or before. ep is locked.
func (ep *endpoint) arm(at int64) {
	if ep.over || ep.timerAt != 0 && ep.timerAt <= at {
		return
	}
	ep.timerAt = at
	d := time.Duration(at - ep.now())
	if ep.timer == nil {
		ep.timer = time.AfterFunc(d, ep.expire)
		return
	}
	ep.timer.Reset(d)
}

// A server with more open calls than scanMax looks for late ones at most once a
// scanEvery, so that scanning stays cheap.
const (
	scanMax   = 256
	scanEvery = int64(time.Millisecond)
)

// expire ends the calls whose time is over, and looks after the clock.
func (ep *endpoint) expire() {
	var late []*request
	ep.mu.Lock()
	now := ep.now()
	ep.timerAt = 0
	if ep.tick(now); ep.tickAt != 0 {
		ep.arm(ep.tickAt)
	}
	if ep.due != 0 && ep.due <= now {
		late = ep.late(now)
	}
	if ep.due != 0 {
		ep.arm(ep.due)
	}
	ep.mu.Unlock()
	for _, r := range late {
		ep.settle(r, expired, nil, transport.ErrTimeout)
	}
}

// late returns the calls whose time is over, and finds when the next is due. ep
// is locked.
func (ep *endpoint) late(now int64) (late []*request) {
	n := 0
	ep.due = 0
	for r := range ep.calls {
		switch {
		case r.deadline == 0:
		case r.deadline <= now:
			late = append(late, r)
		case ep.due == 0 || r.deadline < ep.due:
			ep.due = r.deadline
		}
		n++
	}
	if n > scanMax && ep.due != 0 {
		ep.due = max(ep.due, now+scanEvery)
	}
	return late
}

// deadlineOf converts a time to the endpoint's clock.
func (ep *endpoint) deadlineOf(t time.Time) int64 { return max(int64(t.Sub(ep.base)), 0) + 1 }

// line lets a sender wait for room behind those that do. It returns what
// interrupt does. ep is locked.
func (ep *endpoint) line(s *sender) (wake chan<- struct{}) {
	if len(ep.senders) == cap(ep.senders) { // before it grows, who gave up goes
		ep.senders = slices.DeleteFunc(ep.senders, (*sender).isGone)
	}
	ep.senders = append(ep.senders, s)
	return ep.interrupt()
}

// isGone reports whether nobody waits with s any more.
func (s *sender) isGone() bool {
	return s.gone || s.item.req != nil && s.item.req.state.Load() != pending
}

// admit takes over what senders wait with, as far as there is room. Little by
// little would cost a switch of goroutines a message, so it waits until a
// quarter of the mailbox is free. It returns the connections to be told of room,
// once ep is unlocked. ep is locked.
func (ep *endpoint) admit() (links []transport.LinkID) {
	n, bytes := ep.waiting()
	if n > 0 && (n > ep.box.lowLen() || bytes > ep.box.lowBytes()) {
		return nil
	}
	for len(ep.senders) > 0 {
		s := ep.senders[0]
		switch {
		case s.isGone():
		case s.link != transport.LinkID{}:
			links = append(links, s.link)
		case !ep.fits(s.item.size):
			return links
		default:
			ep.put(s.lane, s.item)
			s.gone = true
			if s.room != nil {
				close(s.room)
			}
		}
		ep.senders[0] = nil
		ep.senders = ep.senders[1:]
	}
	ep.senders = nil
	return links
}

// refuseSenders sends everybody away who waits for room: it returns the calls to
// fail and the connections to tell, once ep is unlocked. ep is locked.
func (ep *endpoint) refuseSenders() (calls []*request, links []transport.LinkID) {
	for _, s := range ep.senders {
		switch {
		case s.gone:
		case s.link != transport.LinkID{}:
			links = append(links, s.link)
		case s.room != nil:
			s.gone, s.err = true, transport.ErrNoServer
			close(s.room)
		default:
			s.gone, s.err = true, transport.ErrNoServer
			calls = append(calls, s.item.req)
		}
	}
	ep.senders = nil
	return calls, links
}

// tellRoom tells connections that the kernel may deliver what it kept. ep is not
// locked.
func (ep *endpoint) tellRoom(links []transport.LinkID) {
	for _, l := range links {
		l.Resume(ep.name)
	}
}

// isStopping reports whether the endpoint ends, or has ended, for good.
func (ep *endpoint) isStopping() bool {
	ep.mu.Lock()
	defer ep.mu.Unlock()
	return ep.draining
}

// started returns how many incarnations there have been.
func (ep *endpoint) started() int {
	ep.mu.Lock()
	defer ep.mu.Unlock()
	return ep.starts
}
