package genserver

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/clusterluck/clusterluck/transport"
	"github.com/clusterluck/clusterluck/transport/wire"
)

// Cast sends a message that nobody answers. Casts to one server, from one
// goroutine and with the same urgency, are handled in the order in which they
// were sent; each is handled at most once.
//
// No error means that the message is in the mailbox of a local server, or on its
// way to another node: what happens to it there is in the events of k's kernel,
// if it is lost. Cast waits while a mailbox with policy [Block] has no room, or
// the connection takes nothing.
func Cast(ctx context.Context, k Kernel, ref, event string, req any) error {
	if ep := local(k, ref); ep != nil {
		if err := ep.cast(ctx, event, req, laneNormal); err != nil {
			return &RequestError{Ref: ref, Event: event, Err: err}
		}
		return nil
	}
	return Send(ctx, k, Message{Ref: ref, Event: event, Value: req})
}

// Send is Cast for a message.
func Send(ctx context.Context, k Kernel, m Message) error {
	ep, name, node, err := find(k, m.Ref)
	switch {
	case err != nil:
	case ep != nil:
		err = ep.cast(ctx, m.Event, m.Value, m.lane())
	default:
		err = sendRemote(ctx, k, node, name, m)
	}
	if err != nil {
		return &RequestError{Ref: m.Ref, Event: m.Event, Err: err}
	}
	return nil
}

// cast sends a cast to a server of this node.
func (ep *endpoint) cast(ctx context.Context, event string, value any, lane int) error {
	value, size, err := ep.pass(value)
	if err != nil {
		return err
	}
	trace := traceOf(ctx)
	ep.mu.Lock()
	it := item{event: event, value: value, size: size}
	if trace != nil {
		it.req = ep.newRequest(ofCast)
		it.req.more = &extras{trace: trace}
	}
	if ep.room(size) && !ep.draining {
		wake := ep.put(lane, it)
		ep.mu.Unlock()
		rouse(wake)
		return nil
	}
	if o := originOf(ctx); ep.box.Policy == Block && o.waits(ep.addr) {
		ep.stats.Overloads++
		ep.mu.Unlock()
		err := fmt.Errorf("%w: it would wait for itself", transport.ErrOverload)
		ep.observeLost(&it, err)
		return err
	}
	s := &sender{room: make(chan struct{})}
	if waits, err := ep.offer(lane, it, s); err != nil || !waits {
		return err
	}
	if err = ep.waitRoom(ctx, s); err != nil {
		ep.observeLost(&s.item, err)
	}
	return err
}

// waitRoom waits until a cast has been put.
func (ep *endpoint) waitRoom(ctx context.Context, s *sender) error {
	timer := time.NewTimer(time.Duration(ep.limit))
	defer timer.Stop()
	var err error
	select {
	case <-s.room:
		return s.err
	case <-timer.C:
		err = transport.ErrOverload
	case <-ctx.Done():
		err = fmt.Errorf("%w: %w", transport.ErrOverload, endOf(ctx))
	}
	ep.mu.Lock()
	defer ep.mu.Unlock()
	if s.gone {
		return s.err
	}
	s.gone = true
	ep.stats.Overloads++
	return err
}

// offer puts an item, or does with it what the policy says. If it must wait for
// room it does so as s, and offer reports true. ep is locked, and is not when
// offer returns.
func (ep *endpoint) offer(lane int, it item, s *sender) (waits bool, err error) {
	var lost []item
	full := !ep.room(it.size)
	switch {
	case ep.draining:
		ep.mu.Unlock()
		return false, transport.ErrNoServer
	case full && ep.box.Policy == Reject:
		ep.stats.Overloads++
		err = transport.ErrOverload
	case full && ep.box.Policy == DropNewest:
		ep.stats.Dropped++
		err = transport.ErrDropped
	case full && ep.box.Policy == DropOldest:
		for !ep.fits(it.size) {
			old, ok := ep.evict()
			if !ok {
				break
			}
			lost = append(lost, old)
		}
	}
	if err != nil {
		ep.mu.Unlock()
		ep.observeLost(&it, err)
		return false, err
	}
	var wake chan<- struct{}
	if waits = full && ep.box.Policy == Block; waits {
		s.item, s.lane = it, lane
		wake = ep.line(s)
	} else {
		wake = ep.put(lane, it)
	}
	if it.req != nil && it.req.kind == ofCall {
		ep.open(it.req)
	}
	ep.mu.Unlock()
	rouse(wake)
	for i := range lost {
		ep.lose(&lost[i], transport.ErrDropped)
	}
	return waits, nil
}

// lose sees to it that a message that was in the mailbox does not disappear
// unsaid. ep is not locked.
func (ep *endpoint) lose(it *item, why error) {
	ep.mu.Lock()
	if errors.Is(why, transport.ErrDropped) {
		ep.stats.Dropped++
	} else {
		ep.stats.Unhandled++
	}
	ep.mu.Unlock()
	if tick, ok := it.value.(*ticker); ok {
		tick.waits.Store(false)
	}
	r := it.req
	switch {
	case r != nil && r.kind == ofCall:
		ep.settle(r, answered, nil, why)
	case it.from != nil && it.from.link != transport.LinkID{}:
		code, _, _ := describe(why)
		it.from.link.Dropped(ep.name, 1, code)
	}
	ep.observeLost(it, why)
	it.release()
}

// sendRemote sends a cast to a server of another node.
func sendRemote(ctx context.Context, k Kernel, node, name string, m Message) error {
	return withBody(ctx, m, func(out transport.Message) error { return k.Cast(ctx, node, name, out) })
}

// withBody calls send with what a cast is to other nodes.
func withBody(ctx context.Context, m Message, send func(transport.Message) error) error {
	o := originOf(ctx)
	hdr, err := o.header(false)
	if err != nil {
		return err
	}
	buf := buffers.Get().(*[]byte)
	body, err := appendBody((*buf)[:0], m.Event, m.Value)
	if err == nil {
		err = send(transport.Message{Hdr: hdr, Body: body, Urgent: m.Urgent, NoQueue: m.NoWait})
	}
	putBuffer(buf, body)
	return err
}

// sendMulti sends a cast to several servers of another node, in one frame if that
// can be, and returns those that it was not sent to.
func sendMulti(ctx context.Context, k Kernel, node string, names []string, m Message) (failed RefErrors) {
	fail := func(names []string, err error) {
		for _, name := range names {
			failed = append(failed, RefError{name + "@" + node, err})
		}
	}
	err := withBody(ctx, m, func(out transport.Message) error {
		n := wire.DstsMax // more do not fit into a frame, and of a long body no two: each chunk fails or not as a whole
		if len(out.Body) > wire.BodyMax {
			n = 1
		}
		for part := range slices.Chunk(names, n) {
			if err := k.CastMulti(ctx, node, part, out); err != nil {
				fail(part, err)
			}
		}
		return nil
	})
	if err != nil {
		fail(names, err)
	}
	return failed
}

// RefErrors says which of several servers a request did not reach, and why.
type RefErrors []RefError

// A RefError is one of them.
type RefError struct {
	Ref string
	Err error
}

func (e RefErrors) Error() string {
	var b strings.Builder
	for i, r := range e {
		if i > 0 {
			b.WriteString("; ")
		}
		fmt.Fprintf(&b, "%q: %v", r.Ref, r.Err)
	}
	return fmt.Sprintf("genserver: %d servers not reached: %s", len(e), b.String())
}

// Unwrap returns the causes.
func (e RefErrors) Unwrap() []error {
	errs := make([]error, len(e))
	for i, r := range e {
		errs[i] = r.Err
	}
	return errs
}

// Abcast casts to several servers, in one frame to those of one node. The error
// is a [RefErrors] that lists those that it could not be sent to; the others are
// sent theirs all the same.
func Abcast(ctx context.Context, k Kernel, refs []string, event string, req any) error {
	var failed RefErrors
	m := Message{Event: event, Value: req}
	var nodes []string // in the order in which they are first named
	byNode := make(map[string][]string)
	for _, ref := range refs {
		ep, name, node, err := find(k, ref)
		switch {
		case err == nil && ep != nil:
			err = ep.cast(ctx, m.Event, m.Value, m.lane())
		case err == nil:
			if err = checkText(name); err != nil {
				break
			}
			if byNode[node] == nil {
				nodes = append(nodes, node)
			}
			byNode[node] = append(byNode[node], name)
		}
		if err != nil {
			failed = append(failed, RefError{ref, err})
		}
	}
	for _, node := range nodes {
		failed = append(failed, sendMulti(ctx, k, node, byNode[node], m)...)
	}
	if failed == nil {
		return nil
	}
	return failed
}
