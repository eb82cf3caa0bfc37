package transport

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/clusterluck/clusterluck/transport/wire"
)

// Call sends a request to the server name on another node and waits for the
// answer. It ends at the deadline of ctx, or after the kernel's CallTimeout if
// ctx has none, and at once when the connection breaks. The request reaches a
// handler at most once; see [NotDelivered] for errors that say it reached none.
//
// While the node is not connected, Call connects to it and fails when that
// fails; with m.Wait it goes on trying until its deadline. Errors are
// [RequestError] values.
func (k *Kernel) Call(ctx context.Context, node, name string, m Message) (Answer, error) {
	now := time.Now()
	deadline, ok := ctx.Deadline()
	switch {
	case !ok:
		deadline = now.Add(k.config.CallTimeout)
	case !deadline.After(now): // ctx may not know yet
		return Answer{}, &RequestError{Node: node, Server: name, Err: ErrTimeout}
	}
	p, err := k.target(node, name, &m)
	if err != nil {
		return Answer{}, &RequestError{Node: node, Server: name, Err: err}
	}
	for {
		l := p.direct.Load()
		if l == nil {
			if l, err = p.awaitLink(ctx, deadline, m.Wait); err != nil {
				return Answer{}, &RequestError{Node: node, Server: name, Err: err}
			}
		}
		call, err := l.calls.add(name, deadline)
		if err == nil {
			err = l.send(ctx, name, &m, call)
			if err != nil && !l.withdraw(call) {
				err = l.ended(call) // while it waited to be sent
			}
		} else {
			err = fmt.Errorf("%w: %w", errLink, err)
		}
		switch {
		case err == nil:
			return l.await(ctx, call, node, name)
		case isGone(err):
			p.detach(l)
		default:
			return Answer{}, &RequestError{Node: node, Server: name, Err: err}
		}
	}
}

// awaitLink returns a link, for a call that has a deadline.
func (p *peer) awaitLink(ctx context.Context, deadline time.Time, persist bool) (*link, error) {
	ctx, cancel := context.WithDeadlineCause(ctx, deadline, ErrTimeout)
	defer cancel()
	return p.linkTo(ctx, persist)
}

// withdraw forgets a call that was not sent. It reports false if it has ended.
func (l *link) withdraw(call *pending) bool {
	if l.calls.take(call.corr) == nil {
		return false
	}
	l.calls.release(call)
	return true
}

// ended returns how a call ended that was not sent.
func (l *link) ended(call *pending) error {
	o := <-call.done
	l.calls.release(call)
	if o.err == nil { // an answer to what was not sent whole
		o.err = ErrCanceled
	}
	if o.stream != nil {
		o.stream.Close()
	}
	return o.err
}

// await waits for the answer to a call that was sent.
func (l *link) await(ctx context.Context, call *pending, node, name string) (Answer, error) {
	var o outcome
	if done := ctx.Done(); done == nil { // a select costs twice what a receive does
		o = <-call.done
	} else {
		select {
		case o = <-call.done:
		case <-done:
			if l.calls.take(call.corr) != nil {
				l.cancel(call.corr, name)
				o.err = ctxError(ctx)
			} else {
				o = <-call.done
			}
		}
	}
	l.calls.release(call)
	if o.err != nil {
		return Answer{}, &RequestError{Node: node, Server: name, Err: o.err, Sent: true}
	}
	return Answer{Body: o.body, Stream: o.stream}, nil
}

// send sends a call, in chunks if its body is long, and begins its stream.
func (l *link) send(ctx context.Context, name string, m *Message, call *pending) error {
	if m.Stream == nil && len(m.Body) <= wire.BodyMax {
		return l.sendCall(ctx, name, m, call)
	}
	ctx, cancel := context.WithDeadlineCause(ctx, call.deadline, ErrTimeout)
	defer cancel()
	open := wire.Msg{Kind: wire.KindOpen, Corr: call.corr, TTL: millis(time.Until(call.deadline)), Hdr: m.Hdr}
	if m.Stream != nil {
		open.Mode, open.Body = wire.ModeCallStream, m.Body
	} else {
		open.Mode, open.HasSize, open.Size = wire.ModeCall, true, uint64(len(m.Body))
	}
	o, err := l.sendOpen(ctx, name, m.Urgent, &open)
	if err != nil {
		return err
	}
	if m.Stream != nil {
		stream := m.Stream
		l.k.spawnLoose(func() { l.pump(context.Background(), o, stream) })
		return nil
	}
	if err = notWhole(l.writeBody(ctx, o, m.Body)); isGone(err) { // a call that was begun ends with its connection
		return fmt.Errorf("%w: %v", ErrNodeDown, err)
	}
	return err
}

// notWhole is why a long request did not leave whole. Its receiver drops what
// came; nothing of the kind is handled.
func notWhole(err error) error {
	if err == errStopped {
		return nil // the answer says why
	}
	return err
}

// sendOpen begins a stream that belongs to a request.
func (l *link) sendOpen(ctx context.Context, name string, urgent bool, m *wire.Msg) (*outStream, error) {
	castTo := ""
	if m.Mode == wire.ModeCast {
		castTo = name
	}
	at, wireLane := lane(urgent)
	var o *outStream
	for o == nil { // there must be room for it in the window, and for a stream
		if err := l.out.lockForRequest(ctx, time.Time{}, at); err != nil {
			return nil, err
		}
		var fewer <-chan struct{}
		var err error
		if o, fewer, err = l.outs.open(false, castTo, 0); o != nil {
			break
		}
		l.out.mu.Unlock()
		if err != nil {
			return nil, err
		}
		select {
		case <-fewer:
		case <-ctx.Done():
			return nil, ctxError(ctx)
		}
	}
	m.Sid, m.Lane, m.Dst = o.sid, wireLane, l.out.name(name)
	b := &l.out.filling().lanes[at]
	was := len(*b)
	*b = wire.Append(*b, m)
	l.out.request(at, len(*b)-was+ahead(m), name, false) // the stream tells when a cast arrived
	l.flushSoon()
	return o, nil
}

// cast sends a cast to a server, or a short one to several.
func (l *link) cast(ctx context.Context, names []string, m *Message) error {
	l.use()
	switch {
	case len(names) > 1:
		return l.sendMulti(ctx, names, m)
	case len(m.Body) <= wire.BodyMax:
		return l.sendCast(ctx, names[0], m)
	}
	open := wire.Msg{Kind: wire.KindOpen, Mode: wire.ModeCast, Hdr: m.Hdr, HasSize: true, Size: uint64(len(m.Body))}
	o, err := l.sendOpen(ctx, names[0], m.Urgent, &open)
	if err != nil {
		return err
	}
	return notWhole(l.writeBody(ctx, o, m.Body))
}

// Cast sends a request that nobody answers. It returns once the request is on
// its way or, while the node is not connected, in the queue: what the queue drops
// is reported as an event, and so is what may have been lost with a connection.
// Cast waits, until ctx ends, while the node takes nothing.
func (k *Kernel) Cast(ctx context.Context, node, name string, m Message) error {
	p, err := k.target(node, name, &m)
	if err == nil {
		if l := p.direct.Load(); l != nil && len(m.Body) <= wire.BodyMax {
			if err = l.sendCast(ctx, name, &m); err == nil {
				l.use()
				return nil
			}
			if isGone(err) {
				p.detach(l)
				err = nil
			}
		}
	}
	if err == nil {
		err = p.cast(ctx, []string{name}, &m)
	}
	if err != nil {
		return &RequestError{Node: node, Server: name, Err: err}
	}
	return nil
}

// CastMulti sends the same request to several servers of a node, in one frame if
// it is short. It does to each what [Kernel.Cast] does, and returns the errors of
// all.
func (k *Kernel) CastMulti(ctx context.Context, node string, names []string, m Message) error {
	for _, name := range names {
		if err := validName(name); err != nil {
			return &RequestError{Node: node, Server: name, Err: err}
		}
	}
	var errs []error
	for len(names) > 0 {
		part := names[:min(len(names), wire.DstsMax, frameDsts(names))]
		if len(m.Body) > wire.BodyMax {
			part = part[:1]
		}
		p, err := k.target(node, part[0], &m)
		if err == nil {
			err = p.cast(ctx, append([]string(nil), part...), &m)
		}
		if err != nil {
			errs = append(errs, &RequestError{Node: node, Server: part[0], Err: err})
		}
		names = names[len(part):]
	}
	return errors.Join(errs...)
}

// frameDsts returns how many of the names fit into a frame beside a body, each
// written out.
func frameDsts(names []string) int {
	bytes := wire.BodyMax + wire.HdrMax + 64
	for i, name := range names {
		if bytes += len(name) + 4; bytes > wire.FrameMax {
			return max(i, 1)
		}
	}
	return len(names)
}

// target returns the node that a request goes to, if the request can be sent.
func (k *Kernel) target(node, name string, m *Message) (*peer, error) {
	if err := validName(name); err != nil {
		return nil, err
	}
	switch {
	case len(m.Hdr) > wire.HdrMax:
		return nil, fmt.Errorf("a header of %d bytes, of at most %d: %w", len(m.Hdr), wire.HdrMax, ErrTooLarge)
	case len(m.Body) > k.config.BodyMax:
		return nil, fmt.Errorf("a body of %d bytes, of at most %d: %w", len(m.Body), k.config.BodyMax, ErrTooLarge)
	case m.Stream != nil && len(m.Body) > wire.BodyMax:
		return nil, fmt.Errorf("a body of %d bytes beside a stream, of at most %d: %w", len(m.Body), wire.BodyMax, ErrTooLarge)
	}
	p := k.peer(node)
	if p == nil {
		return nil, ErrUnknownNode
	}
	return p, nil
}
