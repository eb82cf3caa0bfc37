package genserver

import (
	"context"
	"fmt"
	"io"
	"runtime/debug"
	"sync"

	"github.com/clusterluck/clusterluck/transport"
	"github.com/clusterluck/clusterluck/transport/wire"
)

// Reply answers the call that f came with, after its handler has returned
// [Later], or before it returns. It may be called from any goroutine. It fails
// with [ErrNotCall] for a cast, and with [ErrNoCaller] if nobody waits any more,
// because the call was answered before for example.
func (f From) Reply(rep any) error { return f.answer(rep, nil) }

// ReplyError fails the call that f came with, as a handler does that returns err.
func (f From) ReplyError(err error) error { return f.answer(nil, ofHandler(err)) }

func (f From) answer(rep any, err error) error {
	if f.call == nil {
		return fmt.Errorf("genserver: reply to node %q: %w", f.node, ErrNotCall)
	}
	if !f.call.ep.settle(f.call, answered, rep, err) {
		return fmt.Errorf("genserver: reply of %q to node %q: %w", f.call.ep.name, f.node, ErrNoCaller)
	}
	return nil
}

// Async runs fn in a goroutine of its own, so that the server is free for other
// messages, and answers the call with what fn returns. A handler returns what
// Async returns, and leaves the server's state alone in fn:
//
//	return genserver.Async(ctx, from, func(ctx context.Context) (Reply, error) { ... })
//
// A panic in fn fails the call and crashes the server, as one in a handler does.
func Async[Rep any](ctx context.Context, from From, fn func(ctx context.Context) (Rep, error)) (Rep, error) {
	ctx = Detach(ctx)
	go func() {
		ended := false
		defer func() {
			if !ended {
				from.crash(recover())
			}
		}()
		rep, err := fn(ctx)
		switch {
		case from.call == nil || err == Later:
		case err != nil:
			from.ReplyError(err)
		default:
			from.Reply(rep)
		}
		ended = true
	}()
	var none Rep
	return none, Later
}

// buffers are for what is encoded and then copied by the kernel.
var buffers = sync.Pool{New: func() any { return new([]byte) }}

// bufferMax is the capacity above which a buffer is not used again.
const bufferMax = 2 * wire.BodyMax

func putBuffer(buf *[]byte, b []byte) {
	if cap(b) <= bufferMax {
		*buf = b[:0]
		buffers.Put(buf)
	}
}

// send answers a caller on another node.
func (x *extras) send(value any, err error) {
	call := x.call
	if err != nil {
		e := plain(err)
		call.Fail(e.Code, e.Text, e.Data)
		return
	}
	var stream io.Reader
	if s, ok := value.(*streamed); ok {
		value, stream = s.value, s.body
	}
	if p, ok := value.(*payload); ok && stream == nil {
		call.Reply(*p)
		return
	}
	buf := buffers.Get().(*[]byte)
	b, err := appendValue((*buf)[:0], value)
	switch {
	case err != nil:
		e := plain(badReply(err))
		call.Fail(e.Code, e.Text, nil)
	case stream != nil:
		err = call.ReplyStream(b, given{stream})
	default:
		call.Reply(b) // if it cannot be sent, the caller learns so by itself
	}
	if err != nil && stream != nil {
		closeReader(stream)
	}
	putBuffer(buf, b)
}

// badReply is why a caller gets no reply, though the handler made one.
func badReply(err error) error { return fmt.Errorf("%w: %w", ErrBadReply, err) }

// appendValue encodes a value, which may be a payload. A type that cannot encode
// itself without a panic fails.
func appendValue(dst []byte, value any) (b []byte, err error) {
	if p, ok := value.(*payload); ok {
		return append(dst, *p...), nil
	}
	defer func() {
		if v := recover(); v != nil {
			b, err = dst, fmt.Errorf("encoding %T panics: %v", value, v)
		}
	}()
	return wire.AppendValue(dst, value)
}

// encodeAnswer makes of an answer to a local call what one to another node would
// be.
func encodeAnswer(value any, err error) (any, error) {
	if err != nil {
		return nil, plain(err)
	}
	s, isStream := value.(*streamed)
	if isStream {
		value = s.value
	}
	b, err := appendValue(nil, value)
	p := payload(b)
	switch {
	case err != nil && isStream:
		closeReader(s.body)
		return nil, badReply(err)
	case err != nil:
		return nil, badReply(err)
	case isStream:
		return &streamed{&p, s.body}, nil
	}
	return &p, nil
}

// crash ends the incarnation whose handler began what panicked, and fails the
// call.
func (f From) crash(value any) {
	s := f.to
	reason := &CrashError{Server: s.ep.name, Value: value, Stack: debug.Stack()}
	if f.call != nil {
		s.ep.settle(f.call, answered, nil, reason.withoutStack())
	}
	if !s.ep.giveUp(s, reason) {
		return
	}
	s.ep.mu.Lock()
	s.ep.countEnd(reason)
	s.ep.mu.Unlock()
	s.ep.observe(Observation{Server: s.ep.name, Err: reason})
	s.decide(reason)
}

var _ transport.Service = (*endpoint)(nil)
