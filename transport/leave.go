package transport

import (
	"errors"
	"fmt"
	"time"

	"github.com/clusterluck/clusterluck/transport/wire"
)

var (
	// errLeft ends a link that one side closed in order.
	errLeft = errors.New("the connection was closed")
	// errSilent ends a link that carries nothing any more.
	errSilent = errors.New("the node is silent")
	// errReplaced ends a link to an earlier start of the node.
	errReplaced = errors.New("the node has started anew")
)

// isAlive reports whether l may still carry something.
func (l *link) isAlive() bool {
	select {
	case <-l.gone:
		return false
	default:
		return !l.leaves.Load()
	}
}

// Codes of farewells. A node that closes answers no calls any more; in the other
// cases each side first has the answers to its own, and streams come to their ends.
const (
	codeClosing = "closing"
	codeIdle    = "idle"
	codeDropped = "dropped"
)

// leave closes l in order: calls that wait have their answers and streams their
// ends, unless the node closes, what was accepted is sent, then the reason, and when the peer is done
// too, the end. It takes at most the drain timeout twice, and returns when l is
// gone, also if it ends already for another reason.
func (l *link) leave(code, text string) {
	left := fmt.Errorf("%w: %s", errLeft, text)
	if l.leaves.Swap(true) {
		<-l.gone
		l.fail(left) // it is told then, too
		return
	}
	l.endSoon()
	l.owner.detach(l)
	l.refuseRequests()
	timer := time.NewTimer(l.k.config.DrainTimeout)
	defer timer.Stop()
	l.finishWork(code, timer)
	l.until(l.out.drained(), timer)
	accepted := l.in.accepted.Load()
	l.control(func(b []byte) []byte { return wire.AppendGoAway(wire.AppendAck(b, accepted), code, text, nil) })
	l.until(l.bye, timer)
	l.finishWriting()
	<-l.gone
	l.fail(left)
}

// endSoon sees that a link which is about to end is gone after the drain timeout
// twice, whatever the peer does: half of it is for what is under way, half for
// the farewell.
func (l *link) endSoon() {
	late := fmt.Errorf("%w: the peer did not take the farewell", errLeft)
	timer := time.AfterFunc(2*l.k.config.DrainTimeout, func() { l.fail(late) })
	if !l.deadline.CompareAndSwap(nil, timer) {
		timer.Stop()
	}
}

// finishWork waits until calls have their answers and streams their ends, or, if a
// node closes, until the long casts that were sent have arrived.
func (l *link) finishWork(code string, timer *time.Timer) {
	if code != codeClosing {
		l.until(l.calls.ended(), timer)
		l.until(l.outs.ended(), timer)
		l.until(l.ins.ended(), timer)
	}
	l.until(l.outs.arrived(), timer)
}

// until waits for something, for the link to be gone, or for the timer.
func (l *link) until(done <-chan struct{}, timer *time.Timer) {
	select {
	case <-done:
	case <-l.gone:
	case <-timer.C:
		timer.Reset(0) // what comes next is late too
	}
}

// refuseRequests lets requests go elsewhere from now on.
func (l *link) refuseRequests() {
	l.out.mu.Lock()
	defer l.out.mu.Unlock()
	l.out.closing = true
	l.out.signalRoom()
}

// finishWriting sends what there is and the end of the stream. The first call does
// so, and others wait for it. A peer that takes nothing holds it up until the link
// is gone: see endSoon.
func (l *link) finishWriting() {
	if l.finishing.CompareAndSwap(false, true) {
		l.writeEnd()
		close(l.finished)
	}
	<-l.finished
}

func (l *link) writeEnd() {
	for {
		select {
		case <-l.out.drained():
		case <-l.gone:
			return
		}
		l.out.mu.Lock()
		mine := l.out.err == nil && (l.out.fill == nil || l.out.fill.isEmpty()) && l.out.start()
		failed := l.out.err != nil
		l.out.mu.Unlock()
		if failed {
			return
		}
		if mine { // and stays: nothing may follow the end
			_ = l.sess.CloseWrite() // a failure shows as the end of the link
			return
		}
	}
}

// onGoAway takes the peer's farewell: no more requests go to it, what is there
// is sent, and the stream ends on this side.
func (l *link) onGoAway(m *wire.Msg) {
	code := string(m.Code)
	l.log("the node closes the connection", "code", code, "text", string(m.Text))
	first := l.leaves.CompareAndSwap(false, true)
	l.sayBye.Do(func() { close(l.bye) })
	if !first {
		return // both leave at once
	}
	l.endSoon()
	l.owner.detach(l)
	l.refuseRequests()
	l.k.spawn(func() {
		if code != codeClosing {
			timer := time.NewTimer(l.k.config.DrainTimeout)
			defer timer.Stop()
			l.finishWork(code, timer)
		}
		accepted := l.in.accepted.Load()
		l.control(func(b []byte) []byte { return wire.AppendAck(b, accepted) })
		l.finishWriting()
	})
}

// onEnd takes the end of the peer's stream. This side ends too, once it has said
// all.
func (l *link) onEnd() {
	l.leaves.Store(true)
	l.endSoon()
	l.sayBye.Do(func() { close(l.bye) })
	l.owner.detach(l)
	l.refuseRequests()
	l.finishWriting()
}

func (l *link) log(msg string, args ...any) {
	l.k.log.Debug(msg, append([]any{"node", l.peer.ID, "remote", l.peer.Remote}, args...)...)
}
