package transport

import (
	"fmt"
	"io"

	"github.com/clusterluck/clusterluck/transport/wire"
)

// bodies are those of one kind that a peer is sending.
type bodies struct {
	open []*assembly // that are not complete, oldest first
	held int         // bytes in open
}

// States of an assembly.
const (
	assembling = iota
	assembled
	broken
)

// An assembly collects a body that comes in chunks. The oldest of a link may
// always go on; the others only while all together stay within bounds. While too
// much of requests waits, only those bodies go on that others wait for; and none
// while too much waits for services that are busy. Answers never wait for those, as
// such a service may wait for an answer itself.
type assembly struct {
	link    *link
	sid     uint64
	size    int    // as announced
	request bool   // it is the body of a request
	done    func() // called once, when the body is complete or will never be
	buf     []byte
	credit  int // bytes that the peer may still send
	state   int
	over    bool // nobody wants the body any more
	first   bool // nothing stands before its request
	err     error
}

func newAssembly(l *link, m *wire.Msg) *assembly {
	return &assembly{link: l, sid: m.Sid, size: int(m.Size), request: m.Mode.Request(), credit: ahead(m)}
}

// ahead returns how much of a body its writer may send at once. For a request
// that is taken off the window, with the frame of the OPEN.
func ahead(m *wire.Msg) int {
	if m.Mode.Streams() {
		return 0
	}
	return int(min(m.Size, streamCredit))
}

// waits reports whether a call still waits for its answer.
func (c *calls) waits(corr uint64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := uint64(uint32(corr))
	return i < uint64(len(c.slots)) && c.slots[i] != nil && c.slots[i].corr == corr
}

// kind returns the bodies to which a belongs. The streams are locked.
func (a *assembly) kind() *bodies {
	if a.request {
		return &a.link.ins.requests
	}
	return &a.link.ins.answers
}

// result returns the body, if it is complete, and whether it is.
func (a *assembly) result() ([]byte, int) {
	s := &a.link.ins
	s.mu.Lock()
	defer s.mu.Unlock()
	if a.state == assembled {
		return a.buf, assembled
	}
	return nil, a.state
}

func (a *assembly) data(chunk []byte) error {
	s := &a.link.ins
	s.mu.Lock()
	if a.state != assembling {
		s.mu.Unlock()
		return nil
	}
	if len(chunk) > a.credit || len(a.buf)+len(chunk) > a.size {
		s.mu.Unlock()
		return errPeer("stream %d is longer than its size, %d, or its credit", a.sid, a.size)
	}
	if a.buf == nil {
		a.buf = make([]byte, 0, min(a.size, streamCredit)) // the size is only what the peer says
	}
	a.buf = append(a.buf, chunk...)
	a.credit -= len(chunk)
	a.kind().held += len(chunk)
	grants := a.kind().grants()
	s.mu.Unlock()
	a.link.grant(grants)
	return nil
}

func (a *assembly) end(err error) {
	s := &a.link.ins
	s.mu.Lock()
	if a.state != assembling {
		s.mu.Unlock()
		return
	}
	if err == nil && len(a.buf) != a.size {
		err = fmt.Errorf("%d bytes of %d: %w", len(a.buf), a.size, io.ErrUnexpectedEOF)
	}
	kind := a.kind()
	kind.held -= len(a.buf)
	for i, b := range kind.open {
		if b == a {
			kind.open = append(kind.open[:i], kind.open[i+1:]...)
			break
		}
	}
	a.state, a.err = assembled, err
	switch {
	case err != nil:
		a.state, a.buf = broken, nil
	case a.over:
		a.buf = nil
	case a.request:
		a.link.owner.parked.bodies.Add(int64(len(a.buf)))
	}
	grants := kind.grants()
	s.mu.Unlock()
	a.link.grant(grants)
	a.done()
}

// release says that the body of a request was delivered, or is not wanted any
// more. Others may go on.
func (a *assembly) release() {
	l := a.link
	l.ins.mu.Lock()
	if !a.over && a.state == assembled {
		l.owner.parked.bodies.Add(-int64(len(a.buf)))
		a.buf = nil
	}
	a.over = true
	l.ins.mu.Unlock()
	l.grantBodies()
	if now := l.owner.current(); now != nil && now != l {
		now.grantBodies()
	}
}

// lead says that nothing stands before the request of a body.
func (a *assembly) lead() {
	a.link.ins.mu.Lock()
	was := a.first
	a.first = true
	a.link.ins.mu.Unlock()
	if !was {
		a.link.grantBodies()
	}
}

// grantBodies lets bodies of requests go on that waited for others.
func (l *link) grantBodies() {
	l.ins.mu.Lock()
	grants := l.ins.requests.grants()
	l.ins.mu.Unlock()
	l.grant(grants)
}

type grant struct {
	sid uint64
	n   int
}

func (l *link) grant(grants []grant) {
	for _, g := range grants {
		l.credit(g.sid, g.n)
	}
}

// grants returns what the writers of bodies may send on top. The streams are
// locked.
func (b *bodies) grants() []grant {
	var out []grant
	for i, a := range b.open {
		if i > 0 && b.held > 4*a.link.k.config.BodyMax {
			break
		}
		if a.request && !a.link.owner.parked.bears(a.first) {
			continue
		}
		left := a.size - len(a.buf)
		if n := min(streamCredit, left) - a.credit; n >= grantMin || n > 0 && left <= streamCredit {
			a.credit += n
			out = append(out, grant{a.sid, n})
		}
	}
	return out
}
