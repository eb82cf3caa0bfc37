package genserver

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/clusterluck/clusterluck/transport"
)

// A Message says what is sent to whom, for those who need more than [Call] and
// [Cast] take.
type Message struct {
	Ref   string // "name", or "name@node"
	Event string
	Value any // the request

	Stream io.Reader // of a call: what the handler may read beside Value; see [CallReader]
	Urgent bool      // overtakes messages that are not urgent
	Wait   bool      // of a call: waits while the node is not connected, until its deadline
	NoWait bool      // of a cast: is dropped while the node is not connected, and not queued
}

// Call sends a request to a server and waits for the reply. The server is meant
// by "name" on the node of k and by "name@node" anywhere; both do the same, and
// a server's handler sees no difference.
//
// The request reaches its handler at most once, and the call ends exactly once:
// with the reply, or with a [RequestError] around why there is none, at the
// latest when ctx ends. If ctx has no deadline that is after the kernel's
// CallTimeout, and for a server on the same node up to a 64th part later.
// A call to a server that nobody runs fails at once with
// [transport.ErrNoServer]; one whose node goes away when its connection breaks,
// with [transport.ErrNodeDown]; one to a server that waits for this very call,
// directly or through others, with [transport.ErrCallCycle]. For that a handler
// passes its context on. Servers that wait for each other because of different
// calls are not noticed. See [transport.NotDelivered] for when a call may be made again.
//
// A local call passes req and the reply as they are, if the types are those that
// the other side names: neither side may change what they point to.
func Call[Rep any](ctx context.Context, k Kernel, ref, event string, req any) (Rep, error) {
	var value any
	err := ctx.Err()
	if err == nil {
		if ep := local(k, ref); ep != nil { // the short way: most calls are local and have no stream
			if value, err = ep.call(ctx, event, req, nil, laneNormal); err == nil {
				if rep, ok := value.(Rep); ok && !isInterface[Rep]() {
					return rep, nil
				}
			}
			return replyOf[Rep](ref, event, value, err)
		}
	}
	return Do[Rep](ctx, k, Message{Ref: ref, Event: event, Value: req})
}

// CallReader is Call with a stream that the handler may read; see
// [HandleReader]. Body is read until its end or until the call ends, possibly by
// another goroutine that is still in a Read then. It is never closed: that is left
// to the caller. For streams that take longer than the kernel's CallTimeout ctx
// needs a deadline of its own.
func CallReader[Rep any](ctx context.Context, k Kernel, ref, event string, req any, body io.Reader) (Rep, error) {
	return Do[Rep](ctx, k, Message{Ref: ref, Event: event, Value: req, Stream: body})
}

// Do is Call for a message.
func Do[Rep any](ctx context.Context, k Kernel, m Message) (Rep, error) {
	a, err := do(ctx, k, m)
	if a.stream != nil {
		closeReader(a.stream)
	}
	return replyTo[Rep](&m, &a, err)
}

// OpenStream is Do for a call that is answered by a stream; see
// [HandleStream]. The caller closes the stream. It is empty if the handler sent
// none, and it outlives ctx: its end is its writer's, Close, or the end of the
// connection.
func OpenStream[Rep any](ctx context.Context, k Kernel, m Message) (Rep, io.ReadCloser, error) {
	a, err := do(ctx, k, m)
	rep, err := replyTo[Rep](&m, &a, err)
	switch {
	case err != nil && a.stream != nil:
		closeReader(a.stream)
		return rep, nil, err
	case err != nil:
		return rep, nil, err
	}
	return rep, readCloser{a.stream}, nil
}

// An answer is what a call returned: a value, or its encoding if it comes from
// another node.
type answer struct {
	value   any
	encoded []byte
	remote  bool
	stream  io.Reader
}

// replyTo makes a Rep of what a call returned.
func replyTo[Rep any](m *Message, a *answer, err error) (Rep, error) {
	if err != nil || !a.remote {
		return replyOf[Rep](m.Ref, m.Event, a.value, err)
	}
	rep, err := decode[Rep](a.encoded)
	if err != nil {
		var none Rep
		return none, &RequestError{Ref: m.Ref, Event: m.Event, Err: badReply(err)}
	}
	return rep, nil
}

// readCloser makes of a stream, or of none, what can be closed.
type readCloser struct{ r io.Reader }

func (c readCloser) Read(p []byte) (int, error) {
	if c.r == nil {
		return 0, io.EOF
	}
	return c.r.Read(p)
}

func (c readCloser) Close() error {
	if closer, ok := c.r.(io.Closer); ok {
		return closer.Close()
	}
	return nil
}

// replyOf makes a Rep of what a call to a server of this node returned.
func replyOf[Rep any](ref, event string, value any, err error) (Rep, error) {
	if s, ok := value.(*streamed); ok { // nobody asked for the stream
		closeReader(s.body)
		value = s.value
	}
	if err == nil {
		rep, ok := value.(Rep)
		if ok && !isInterface[Rep]() {
			return rep, nil
		}
		if rep, err = convert[Rep](value); err == nil {
			return rep, nil
		}
		err = badReply(err)
	}
	var none Rep
	return none, &RequestError{Ref: ref, Event: event, Err: err}
}

// do makes a call.
func do(ctx context.Context, k Kernel, m Message) (answer, error) {
	if err := ctx.Err(); err != nil {
		return answer{}, endOf(ctx)
	}
	ep, name, node, err := find(k, m.Ref)
	switch {
	case err != nil:
		return answer{}, err
	case ep == nil:
		return doRemote(ctx, k, node, name, m)
	}
	value, err := ep.call(ctx, m.Event, m.Value, m.Stream, m.lane())
	if s, ok := value.(*streamed); ok {
		return answer{value: s.value, stream: s.body}, err
	}
	return answer{value: value}, err
}

// endOf returns why a context ended, as package transport says it.
func endOf(ctx context.Context) error {
	cause := context.Cause(ctx)
	switch {
	case errors.Is(cause, transport.ErrTimeout), errors.Is(cause, transport.ErrCanceled):
		return cause
	case errors.Is(cause, context.DeadlineExceeded):
		return transport.ErrTimeout
	case errors.Is(cause, context.Canceled):
		return transport.ErrCanceled
	}
	return fmt.Errorf("%w: %w", transport.ErrCanceled, cause)
}

// call makes a call to a server of this node.
func (ep *endpoint) call(ctx context.Context, event string, value any, stream io.Reader, lane int) (any, error) {
	o := originOf(ctx)
	if (o.up != nil || o.via != nil) && o.waits(ep.addr) {
		return nil, transport.ErrCallCycle
	}
	value, size, err := ep.pass(value)
	if err != nil {
		return nil, err
	}
	deadline := int64(0)
	if d, ok := ctx.Deadline(); ok {
		if deadline = ep.deadlineOf(d); deadline <= ep.now() {
			return nil, transport.ErrTimeout
		}
	}
	slot := ep.slots.Get().(*slot)
	var waiter *sender // if it has to wait for room

	ep.mu.Lock()
	if deadline == 0 {
		deadline = ep.timeout()
	}
	r := ep.newRequest(ofCall)
	if r.deadline, r.slot = deadline, slot; o.up != nil {
		r.up.Store(o.up)
	}
	if o.via != nil || o.trace != nil || stream != nil {
		r.more = newExtras(&o, stream)
	}
	it := item{event: event, value: value, req: r, size: size}
	if ep.room(size) && !ep.draining {
		ep.open(r)
		wake := ep.put(lane, it)
		ep.mu.Unlock()
		rouse(wake)
	} else {
		waiter = new(sender)
		waits, err := ep.offer(lane, it, waiter)
		if err != nil {
			r.forget()
			ep.slots.Put(slot)
			return nil, err
		}
		if !waits {
			waiter = nil
		}
	}

	if done := ctx.Done(); done == nil {
		<-slot.end
	} else {
		select {
		case <-slot.end:
		case <-done:
			state, why := canceled, endOf(ctx)
			if errors.Is(why, transport.ErrTimeout) {
				state = expired
			}
			ep.settle(r, state, nil, why)
			<-slot.end
		}
	}
	value, err = slot.value, slot.err
	slot.value, slot.err = nil, nil
	ep.slots.Put(slot)
	if waiter != nil {
		ep.leaveLine(waiter)
	}
	return value, err
}

// leaveLine sees to it that a call which ended before there was room for it does
// not disappear unsaid.
func (ep *endpoint) leaveLine(s *sender) {
	ep.mu.Lock()
	if !s.gone {
		s.gone, s.err = true, s.item.req.why()
		ep.stats.Expired++
	}
	ep.mu.Unlock()
	if s.err != nil {
		ep.observeLost(&s.item, s.err)
	}
}

func (m Message) lane() int {
	if m.Urgent {
		return laneUrgent
	}
	return laneNormal
}

// pass returns a value as the handler will get it, and its size as far as it is
// known.
func (ep *endpoint) pass(value any) (any, uint32, error) {
	if ep.encode {
		b, err := appendValue(nil, value)
		if err != nil {
			return nil, 0, fmt.Errorf("%w: %w", transport.ErrBadRequest, err)
		}
		p := payload(b)
		return &p, clampSize(len(b)), nil
	}
	switch v := value.(type) {
	case []byte:
		return value, clampSize(len(v)), nil
	case string:
		return value, clampSize(len(v)), nil
	}
	return value, 0, nil
}

func clampSize(n int) uint32 { return uint32(min(n, 1<<31)) }

// doRemote makes a call to another node.
func doRemote(ctx context.Context, k Kernel, node, name string, m Message) (answer, error) {
	o := originOf(ctx)
	if o.up != nil || o.via != nil {
		if o.waits(name + "@" + node) {
			return answer{}, transport.ErrCallCycle
		}
	}
	hdr, err := o.header(true)
	if err != nil {
		return answer{}, err
	}
	buf := buffers.Get().(*[]byte)
	body, err := appendBody((*buf)[:0], m.Event, m.Value)
	if err != nil {
		putBuffer(buf, body)
		return answer{}, err
	}
	out := transport.Message{Hdr: hdr, Body: body, Urgent: m.Urgent, Wait: m.Wait}
	if m.Stream != nil {
		out.Stream = lent{m.Stream}
	}
	got, err := k.Call(ctx, node, name, out)
	putBuffer(buf, body)
	if err != nil {
		return answer{}, err
	}
	a := answer{encoded: got.Body, remote: true}
	if got.Stream != nil { // else it would not be nil any more
		a.stream = got.Stream
	}
	return a, nil
}

// appendBody appends what crosses to another node: an array of event and value.
func appendBody(dst []byte, event string, value any) ([]byte, error) {
	if err := checkText(event); err != nil {
		return dst, fmt.Errorf("event: %w", err)
	}
	b := append(dst, 0x82)
	if n := len(event); n < 24 {
		b = append(b, 0x60|byte(n))
	} else {
		b = append(b, 0x78, byte(n))
	}
	b, err := appendValue(append(b, event...), value)
	if err != nil {
		return dst, fmt.Errorf("%w: %w", transport.ErrBadRequest, err)
	}
	return b, nil
}
