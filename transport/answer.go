package transport

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/clusterluck/clusterluck/transport/wire"
)

// Codes of requests that the kernel itself refuses.
const (
	codeNoServer = "no-server"
	codeFull     = "overload"
)

// errSlowPeer ends a link whose peer takes no answers.
var errSlowPeer = errors.New("the peer leaves too many answers unread")

// answersHeld is how many longest bodies the long answers may be that a peer has
// not taken.
const answersHeld = 16

// codeOf returns how an error is written on the wire.
func codeOf(err error) (code, text string) {
	var remote *RemoteError
	if errors.As(err, &remote) {
		return cut(remote.Code, wire.CodeMax), cut(remote.Text, wire.TextMax)
	}
	var c interface{ Code() string }
	if errors.As(err, &c) {
		code = c.Code()
	}
	return cut(code, wire.CodeMax), cut(err.Error(), wire.TextMax)
}

// cut shortens s to n bytes, at the end of a character.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && s[n]&0xc0 == 0x80 {
		n--
	}
	return s[:n]
}

// lockForAnswer locks the outbox to append an answer. An answer does not wait:
// what it answers was admitted by the window. A peer that takes none is cut off.
func (l *link) lockForAnswer() (*[]byte, error) {
	l.use()
	l.out.mu.Lock()
	if l.out.err != nil {
		l.out.mu.Unlock()
		return nil, l.out.err
	}
	b := &l.out.filling().lanes[laneNormal]
	if len(*b) > answersMax {
		l.out.mu.Unlock()
		l.failSoon(errSlowPeer)
		return nil, errSlowPeer
	}
	return b, nil
}

// lockForControl locks the outbox to append what waits for no room. It returns
// nil, and has locked nothing, if the link is gone. A peer that makes this node
// say much and takes nothing of it is cut off.
func (l *link) lockForControl() *[]byte {
	l.out.mu.Lock()
	if l.out.err != nil {
		l.out.mu.Unlock()
		return nil
	}
	b := &l.out.filling().lanes[laneControl]
	if len(*b) > controlMax {
		l.out.mu.Unlock()
		l.failSoon(errSlowPeer)
		return nil
	}
	return b
}

// reply answers a call of the peer.
func (l *link) reply(corr uint64, body []byte, stream io.Reader) error {
	if len(body) > l.k.config.BodyMax || stream != nil && len(body) > wire.BodyMax {
		err := fmt.Errorf("an answer of %d bytes: %w", len(body), ErrTooLarge)
		code, text := codeOf(err)
		l.answerError(corr, code, text, nil)
		return err
	}
	if stream != nil || len(body) > wire.BodyMax {
		return l.replyLong(corr, body, stream)
	}
	b, err := l.lockForAnswer()
	if err != nil {
		return err
	}
	*b = wire.AppendReply(*b, corr, body)
	l.flushAnswer()
	return nil
}

// replyLong answers with a stream, or with a body that goes in chunks.
func (l *link) replyLong(corr uint64, body []byte, stream io.Reader) error {
	if l.outs.owe(owedFor(body, stream)) > answersHeld*int64(l.k.config.BodyMax) {
		l.failSoon(errSlowPeer)
		return errSlowPeer
	}
	body = bytes.Clone(body)
	l.k.spawnLoose(func() {
		if err := l.sendLong(corr, body, stream); err != nil {
			closeReader(stream)
		}
	})
	return nil
}

// owedFor returns how many bytes this node keeps for an answer that goes in chunks,
// about.
func owedFor(body []byte, stream io.Reader) int {
	if stream != nil {
		return len(body) + 4<<10
	}
	return len(body)
}

// sendLong sends an answer as a stream, once there is room for one more.
func (l *link) sendLong(corr uint64, body []byte, stream io.Reader) error {
	ctx := context.Background()
	o, err := l.outs.openAnswer(owedFor(body, stream))
	if err != nil {
		return err
	}
	m := wire.Msg{Kind: wire.KindOpen, Sid: o.sid, Corr: corr}
	if stream != nil {
		m.Mode, m.Body = wire.ModeReplyStream, body
	} else {
		m.Mode, m.HasSize, m.Size = wire.ModeReply, true, uint64(len(body))
	}
	b, err := l.lockForAnswer()
	if err != nil {
		l.outs.remove(o.sid)
		return err
	}
	*b = wire.Append(*b, &m)
	l.flushAnswer()
	if stream != nil {
		l.pump(ctx, o, stream)
		return nil
	}
	return l.writeBody(ctx, o, body)
}

func closeReader(r io.Reader) {
	if c, ok := r.(io.Closer); ok {
		c.Close()
	}
}

// answerError answers a call of the peer with an error.
func (l *link) answerError(corr uint64, code, text string, data []byte) error {
	if len(data) > wire.BodyMax {
		data, text = nil, cut(text, wire.TextMax-40)+" (its data were too large to send)"
	}
	b, err := l.lockForAnswer()
	if err != nil {
		return err
	}
	*b = wire.AppendError(*b, corr, cut(code, wire.CodeMax), cut(text, wire.TextMax), data)
	l.flushAnswer()
	return nil
}

// flushAnswer writes an answer from the goroutine that gave it if it is the last
// that the peer waits for. While there are more to come, the writer's goroutine
// writes: it takes those along that are there by then, where a write for each
// would cost more than the work of most handlers. It is called with the outbox
// locked, and unlocks it.
func (l *link) flushAnswer() {
	n := l.open.Add(-1)
	if n < 0 { // a call was answered twice
		l.open.CompareAndSwap(n, 0)
	}
	switch {
	case l.out.held:
		l.out.mu.Unlock()
	case n > 0:
		l.flushSoon()
	default:
		l.flushNow(false)
	}
}

// dropped tells the peer that casts of it were thrown away. When it cannot be
// told any more, this node is.
func (l *link) dropped(name string, n uint64, code string) {
	b := l.lockForControl()
	if b == nil {
		l.k.lost(l.peer.ID, name, n, code)
		return
	}
	to := l.out.name(name)
	*b = wire.AppendDropped(*b, to, n, cut(code, wire.CodeMax), "")
	l.flushSoon()
}

// down tells a monitor of the peer that what it watches ended.
func (l *link) down(corr uint64, code, text string) {
	l.control(func(b []byte) []byte { return wire.AppendDown(b, corr, code, text) })
}

// cancel tells the peer that the caller of a call gave up. It stands behind the
// call in the lane of requests.
func (l *link) cancel(corr uint64, name string) {
	l.out.mu.Lock()
	if l.out.err != nil {
		l.out.mu.Unlock()
		return
	}
	to := l.out.name(name)
	b := &l.out.filling().lanes[laneNormal]
	*b = wire.AppendCancel(*b, corr, to)
	l.flushSoon()
}
