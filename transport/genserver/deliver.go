package genserver

import (
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/clusterluck/clusterluck/transport"
)

// Deliver takes a message of another node, for the kernel.
func (ep *endpoint) Deliver(d *transport.Delivery) bool {
	event, value, err := parseBody(d.Body)
	if err != nil {
		ep.refuse(d, fmt.Errorf("%w: %w", transport.ErrBadRequest, err))
		return true
	}
	via, trace, err := parseHeader(d.Hdr)
	if err != nil {
		ep.refuse(d, fmt.Errorf("%w: header: %w", transport.ErrBadRequest, err))
		return true
	}
	if o := (origin{via: via}); !d.Call.IsZero() && o.waits(ep.addr) {
		ep.refuse(d, transport.ErrCallCycle)
		return true
	}
	lane := laneNormal
	if d.Urgent {
		lane = laneUrgent
	}
	size := clampSize(len(value))
	ep.mu.Lock()
	if ep.isLate(d.Deadline) {
		ep.mu.Unlock()
		ep.refuse(d, transport.ErrTimeout)
		return true
	}
	if !ep.draining && ep.box.Policy == Block && !ep.room(size) {
		ep.keep(d.Link)
		return false
	}
	it := item{event: ep.intern(event), from: ep.sourceOf(d), size: size}
	ep.fill(&it, d, value, extras{via: via, trace: trace, stream: d.Stream})
	if _, err := ep.offer(lane, it, nil); err != nil {
		it.release()
		ep.refuse(d, err)
	}
	return true
}

// isLate reports whether a call comes too late: it may have waited long for room.
// The clock is read only for the call that is due first, whose timer is set by it
// anyway; the time of a later one is over only if that one's is. ep is locked.
func (ep *endpoint) isLate(deadline time.Time) bool {
	if deadline.IsZero() {
		return false
	}
	at := ep.deadlineOf(deadline)
	return (ep.due == 0 || at < ep.due) && at <= ep.now()
}

// sourceOf returns where a message comes from. ep is locked.
func (ep *endpoint) sourceOf(d *transport.Delivery) *source {
	if ep.from == nil || ep.from.link != d.Link || ep.from.node != d.From {
		ep.from = &source{d.From, d.Role, d.Link}
	}
	return ep.from
}

// fill gives an item the value of a message of another node and, if it has more
// than that, a request. ep is locked.
func (ep *endpoint) fill(it *item, d *transport.Delivery, value []byte, more extras) {
	if !d.Call.IsZero() {
		in := next(&ep.spare.inbounds)
		in.extras, in.body = more, value
		in.remote, in.call = true, d.Call
		in.ep, in.kind, in.more = ep, ofCall, &in.extras
		if !d.Deadline.IsZero() {
			in.deadline = ep.deadlineOf(d.Deadline)
		}
		it.req, it.value = &in.request, &in.body
		return
	}
	body := next(&ep.spare.bodies)
	*body = value
	it.value = body
	if more.via != nil || more.trace != nil || more.stream != nil {
		it.req = ep.newRequest(ofCast)
		it.req.more = &extras{via: more.via, trace: more.trace, stream: more.stream}
	}
}

// keep lets a connection wait for room. ep is locked, and is not when keep
// returns.
func (ep *endpoint) keep(link transport.LinkID) {
	for _, s := range ep.senders {
		if s.link == link && !s.gone {
			ep.mu.Unlock()
			return
		}
	}
	wake := ep.line(&sender{link: link})
	ep.mu.Unlock()
	rouse(wake)
}

// internMax is how many names of events an endpoint remembers.
const internMax = 256

// intern returns the string of the bytes. It makes one for the first message of
// an event, not for each. ep is locked.
func (ep *endpoint) intern(event []byte) string {
	if s, ok := ep.events[string(event)]; ok {
		return s
	}
	s := string(event)
	if ep.events == nil {
		ep.events = make(map[string]string)
	}
	if len(ep.events) < internMax {
		ep.events[s] = s
	}
	return s
}

// refuse answers a message that gets into no mailbox, or reports it.
func (ep *endpoint) refuse(d *transport.Delivery, why error) {
	code, text, data := describe(why)
	ep.mu.Lock()
	ep.stats.Refused++
	ep.mu.Unlock()
	if d.Stream != nil {
		d.Stream.Close()
	}
	if !d.Call.IsZero() {
		d.Call.Fail(code, text, data)
		return
	}
	if (d.Link != transport.LinkID{}) {
		d.Link.Dropped(ep.name, 1, code)
	}
}

// Cancel ends a call whose caller gave up, for the kernel.
func (ep *endpoint) Cancel(call transport.CallRef) {
	ep.mu.Lock()
	r := ep.remote[call]
	ep.mu.Unlock()
	if r != nil {
		ep.settle(r, canceled, nil, nil)
	}
}

// LinkDown ends the calls that came over a connection, for the kernel. That casts
// wait for room is told to the connection all the same when there is some: the
// kernel keeps them, and has told their sender that they arrived.
func (ep *endpoint) LinkDown(link transport.LinkID) {
	var calls []*request
	ep.mu.Lock()
	for ref, r := range ep.remote {
		if ref.Link() == link {
			calls = append(calls, r)
		}
	}
	ep.mu.Unlock()
	for _, r := range calls {
		ep.settle(r, canceled, nil, nil)
	}
}

// parseBody splits the array of event and value that a request is. The value is
// looked at when the handler's type is known.
func parseBody(b []byte) (event, value []byte, err error) {
	if len(b) < 2 || b[0] != 0x82 {
		return nil, nil, fmt.Errorf("the body is not an array of event and value")
	}
	n, rest := int(b[1]), b[2:]
	switch {
	case n >= 0x60 && n < 0x78:
		n -= 0x60
	case n == 0x78 && len(rest) > 0 && rest[0] >= 24:
		n, rest = int(rest[0]), rest[1:]
	default:
		return nil, nil, fmt.Errorf("the event is not a text of at most 255 bytes")
	}
	if n == 0 || n > len(rest) || !utf8.Valid(rest[:n]) {
		return nil, nil, fmt.Errorf("the event is empty, cut off or not UTF-8")
	}
	if len(rest) == n {
		return nil, nil, fmt.Errorf("the value is missing")
	}
	return rest[:n], rest[n:], nil
}
