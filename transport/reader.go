package transport

import (
	"bytes"
	"fmt"
	"math"
	"time"

	"github.com/clusterluck/clusterluck/transport/wire"
)

// onFirst takes the answer to whether the other node wants the link.
func (l *link) onFirst(m *wire.Msg) error {
	switch m.Kind {
	case wire.KindAck:
		return l.owner.agree(l)
	case wire.KindGoAway:
		return &StatusError{Code: string(m.Code), Text: string(m.Text)}
	}
	return errPeer("%v before the connection was agreed on", m.Kind)
}

// onTurnedAway takes what comes on a link that this node did not want. Nothing but a
// farewell is to be said there.
func (l *link) onTurnedAway(m *wire.Msg) error {
	switch m.Kind {
	case wire.KindGoAway:
		l.onGoAway(m)
	case wire.KindAck, wire.KindPing, wire.KindPong:
	default:
		return errPeer("%v on a connection that was not agreed on", m.Kind)
	}
	return nil
}

// handle does what a message says. n is the length of its frame.
func (l *link) handle(m *wire.Msg, n int) error {
	switch m.Kind {
	case wire.KindCall, wire.KindCast:
		l.use()
		if err := l.in.charge(n); err != nil {
			return err
		}
		return l.onRequest(m, n)
	case wire.KindReply:
		l.use()
		l.calls.complete(m.Corr, outcome{body: m.Body})
	case wire.KindError:
		l.use()
		l.calls.complete(m.Corr, outcome{err: &RemoteError{Code: string(m.Code), Text: string(m.Text), Data: m.Data}})
	case wire.KindMulti:
		l.use()
		if err := l.in.charge(n); err != nil {
			return err
		}
		return l.onMulti(m, n)
	case wire.KindOpen:
		return l.onOpen(m, n)
	case wire.KindCancel, wire.KindMonitor, wire.KindDropped:
		return l.onNamed(m)
	case wire.KindName:
		return l.in.announce(m.Dst.Index, m.Dst.Text)
	case wire.KindData, wire.KindEnd, wire.KindStop, wire.KindCredit:
		return l.onStream(m)
	case wire.KindDown:
		l.letGo() // what is called may take long
		if down := l.monitors.take(m.Corr); down != nil {
			down(&RemoteError{Code: string(m.Code), Text: string(m.Text)})
		}
	case wire.KindDemonitor:
		l.k.registry.unwatch(CallRef{l, m.Corr})
	case wire.KindPing:
		accepted := l.in.accepted.Load()
		l.control(func(b []byte) []byte { return wire.AppendPong(b, m.Seq, accepted) })
		return l.onAccepted(m.Count)
	case wire.KindPong:
		l.pings.end(m.Seq, nil)
		return l.onAccepted(m.Count)
	case wire.KindAck:
		return l.onAccepted(m.Count)
	case wire.KindGoAway:
		l.onGoAway(m)
	}
	return nil // a kind of a later version
}

// onRequest takes a call or a cast.
func (l *link) onRequest(m *wire.Msg, n int) error {
	name, s, err := l.in.name(m.Dst)
	if err != nil {
		return err
	}
	d := &l.in.d
	d.Hdr, d.Body, d.Stream, d.Urgent = m.Hdr, m.Body, nil, m.Lane == wire.LaneUrgent
	d.Call, d.Deadline = CallRef{}, time.Time{}
	if m.Kind == wire.KindCall {
		l.in.called = true
		if !l.in.holds {
			l.hold()
		}
		l.onCall(d, m)
	}
	return l.in.deliver(name, s, d, n, nil)
}

// onCall notes a call of the peer, and until when it may be under way.
func (l *link) onCall(d *Delivery, m *wire.Msg) {
	d.Call, d.Deadline = CallRef{l, m.Corr}, l.in.now.Add(time.Duration(m.TTL)*time.Millisecond)
	if until := l.k.since(d.Deadline); until > l.calledUntil.Load() {
		l.calledUntil.Store(until)
	}
	l.open.Add(1)
}

// onMulti takes a cast to several servers.
func (l *link) onMulti(m *wire.Msg, n int) error {
	d := &l.in.d
	for i := range m.Dsts {
		name, s, err := l.in.name(m.Dsts[i])
		if err != nil {
			return err
		}
		d.Hdr, d.Body, d.Stream, d.Urgent = m.Hdr, m.Body, nil, m.Lane == wire.LaneUrgent
		if i < len(m.Dsts)-1 { // each service has a body of its own, which it may change at once
			d.Body = bytes.Clone(m.Body)
		}
		d.Call, d.Deadline = CallRef{}, time.Time{}
		if err := l.in.deliver(name, s, d, n, nil); err != nil {
			return err
		}
		n = 0
	}
	return nil
}

// onNamed handles what concerns a server but is no request to it.
func (l *link) onNamed(m *wire.Msg) error {
	name, s, err := l.in.name(m.Dst)
	switch {
	case err != nil:
		return err
	case m.Kind == wire.KindCancel:
		call := CallRef{l, m.Corr}
		switch {
		case l.owner.parked.cancel(name, call):
			call.Forget()
		case s != nil:
			s.Cancel(call)
		}
	case m.Kind == wire.KindMonitor:
		found, err := l.k.registry.watch(name, CallRef{l, m.Corr})
		if err != nil {
			return err
		}
		if !found {
			l.down(m.Corr, codeNoServer, "no server "+address(name, l.k.config.ID))
		}
	default:
		l.k.report(Event{Kind: Dropped, Node: l.peer.ID, Server: name, Count: m.Count, Reason: string(m.Code)})
	}
	return nil
}

// onAccepted notes how many requests the peer took over.
func (l *link) onAccepted(n uint64) error {
	l.out.mu.Lock()
	defer l.out.mu.Unlock()
	full := l.out.unacked.isFull()
	if !l.out.unacked.ack(n) {
		return errPeer("%d requests accepted of %d", n, l.out.unacked.sent)
	}
	if full {
		l.out.signalRoom()
	}
	return nil
}

// onStream handles what concerns an open stream. A stream that is gone on this
// side may still be written by the peer.
func (l *link) onStream(m *wire.Msg) error {
	switch m.Kind {
	case wire.KindData:
		if in := l.ins.get(m.Sid); in != nil {
			return in.data(m.Body)
		}
	case wire.KindEnd:
		if in := l.ins.get(m.Sid); in != nil {
			l.ins.remove(m.Sid)
			var err error
			if len(m.Code) > 0 || len(m.Text) > 0 {
				err = &RemoteError{Code: string(m.Code), Text: string(m.Text)}
			}
			in.end(err)
		}
	case wire.KindStop:
		if o := l.outs.get(m.Sid); o != nil {
			l.outs.remove(m.Sid)
			o.stop(errStopped)
		}
	case wire.KindCredit:
		if m.Sid == 0 {
			return l.onWindow(m.Count)
		}
		if o := l.outs.get(m.Sid); o != nil {
			return o.grant(m.Count)
		}
	}
	return nil
}

// onWindow lets more requests go.
func (l *link) onWindow(n uint64) error {
	l.out.mu.Lock()
	defer l.out.mu.Unlock()
	if n > math.MaxInt32 || l.out.window+int64(n) > int64(l.peer.Window) {
		return errPeer("a window of %d bytes on top of %d, of %d", n, l.out.window, l.peer.Window)
	}
	l.out.window += int64(n)
	l.out.signalRoom()
	return nil
}

// onOpen begins a stream, and takes the request or the answer that it belongs to.
func (l *link) onOpen(m *wire.Msg, n int) error {
	l.use()
	if m.Mode.Request() {
		n += ahead(m)
		if err := l.in.charge(n); err != nil {
			return err
		}
		return l.onOpenRequest(m, n)
	}
	if m.Mode == wire.ModeReplyStream {
		r := newStreamReader(l, m.Sid)
		if err := l.ins.add(m.Sid, r); err != nil {
			return err
		}
		if !l.calls.complete(m.Corr, outcome{body: m.Body, stream: r}) {
			r.Close()
		}
		return nil
	}
	if !m.HasSize || m.Size > uint64(l.k.config.BodyMax) {
		l.calls.complete(m.Corr, outcome{err: fmt.Errorf("an answer of %d bytes: %w", m.Size, ErrTooLarge)})
		l.stopStream(m.Sid)
		return nil
	}
	if !l.calls.waits(m.Corr) {
		l.stopStream(m.Sid) // it is late, or answers nothing
		return nil
	}
	corr, a := m.Corr, newAssembly(l, m)
	a.done = func() {
		if body, state := a.result(); state == assembled {
			l.calls.complete(corr, outcome{body: body})
		} else {
			l.calls.complete(corr, outcome{err: a.err})
		}
	}
	return l.ins.add(m.Sid, a)
}

// onOpenRequest takes a request with a stream, or the head of a long one.
func (l *link) onOpenRequest(m *wire.Msg, n int) error {
	name, s, err := l.in.name(m.Dst)
	if err != nil {
		return err
	}
	d := &l.in.d
	d.Hdr, d.Body, d.Stream, d.Urgent = m.Hdr, m.Body, nil, m.Lane == wire.LaneUrgent
	d.Call, d.Deadline = CallRef{}, time.Time{}
	if m.Mode != wire.ModeCast {
		l.onCall(d, m)
	}
	if m.Mode == wire.ModeCallStream {
		r := newStreamReader(l, m.Sid)
		if err := l.ins.add(m.Sid, r); err != nil {
			return err
		}
		d.Stream = r
		return l.in.deliver(name, s, d, n, nil)
	}
	if !m.HasSize || m.Size > uint64(l.k.config.BodyMax) {
		l.stopStream(m.Sid)
		l.in.accept(n)
		if d.Call.IsZero() {
			l.dropped(name, 1, ErrTooLarge.(*coded).code)
			return nil
		}
		return l.answerError(d.Call.corr, ErrTooLarge.(*coded).code, fmt.Sprintf("a request of %d bytes, of at most %d", m.Size, l.k.config.BodyMax), nil)
	}
	a, cast := newAssembly(l, m), m.Mode == wire.ModeCast
	a.done = func() {
		l.resume(name)
		if _, state := a.result(); state == assembled && cast {
			l.stopStream(a.sid) // the sender learns that all of it is here
		}
	}
	return l.in.deliver(name, s, d, n, a)
}
