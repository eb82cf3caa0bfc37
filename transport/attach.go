package transport

import (
	"cmp"
	"fmt"
	"net"

	"github.com/clusterluck/clusterluck/transport/wire"
)

// Two nodes have at most one connection, also when both dial at once. Whoever was
// dialed decides: it says yes by an ACK, the first message on the connection, and
// no by a GOAWAY. It says no while it has a connection to this start of the
// other node that answers a ping, or, if its own id is the smaller, while it has a handshake of its
// own under way. The node that dialed sends nothing before the yes, so that what
// is turned away carried no request, and order never depends on two connections.

// expect notes that this side is about to finish a handshake, and refuses if
// there is a connection by now.
func (k *Kernel) expect(about Peer) (*peer, error) {
	p := k.hold(about.ID)
	p.mu.Lock()
	l := p.link
	duplicate := l != nil && l.isAlive() && l.peer.Instance == about.Instance
	if !duplicate {
		p.pending++
	}
	p.mu.Unlock()
	if duplicate {
		p.release()
		return nil, errDuplicate()
	}
	return p, nil
}

// unexpect takes back what expect noted.
func (p *peer) unexpect() {
	p.mu.Lock()
	p.pending--
	p.mu.Unlock()
	p.release()
}

func errDuplicate() error {
	return &StatusError{Code: codeDuplicate, Text: "there is a connection already"}
}

// accept makes l, which the node dialed, the link of p, or turns it away.
func (p *peer) accept(l *link) {
	dialing := func() bool { return p.pending > 0 && p.k.config.ID < p.id }
	ok := p.attach(l, dialing)
	if old := p.current(); !ok && old != nil && !old.answers() {
		// The node would not have dialed if it knew of the old connection.
		ok = p.attach(l, dialing)
	}
	l.start()
	if ok {
		return
	}
	if p.k.ctx.Err() != nil || !p.k.spawn(func() { l.leave(codeDuplicate, "another connection is kept") }) {
		l.fail(fmt.Errorf("%w: %w", errLeft, ErrClosed))
	}
}

// current returns the link of p, if there is one.
func (p *peer) current() *link {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.link
}

// agree makes l, which this node dialed, the link of p: the other node wants it.
// The reader of l calls it, and reads on once it returns.
func (p *peer) agree(l *link) error {
	if !p.attach(l, func() bool { return l.dial.Err() != nil }) { // the node may have been dropped meanwhile
		return errDuplicate()
	}
	close(l.agreed)
	<-l.before
	return nil
}

// attach makes l the link of p, unless there is one to the same start of the
// node, or refuse returns true. A link to an earlier start is dead.
func (p *peer) attach(l *link, refuse func() bool) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for old := p.earlier(l); old != nil; old = p.earlier(l) {
		p.mu.Unlock()
		old.fail(errReplaced)
		p.mu.Lock()
	}
	if p.k.ctx.Err() != nil || p.link != nil && p.link.isAlive() || refuse() {
		return false
	}
	l.attached.Store(true)
	l.before, l.after = p.reader, make(chan struct{})
	p.reader = l.after
	p.link, p.attempts, p.tries, p.failed = l, 0, 0, nil
	if proven := l.peer.Initiator && p.addr != ""; !proven && p.guest == nil {
		p.addr = cmp.Or(reachable(l.peer.Addr, l.peer.Remote), p.addr)
	}
	p.k.report(Event{Kind: LinkUp, Node: p.id, Addr: l.peer.Remote, Peer: l.peer})
	if !l.peer.Initiator {
		l.control(func(b []byte) []byte { return wire.AppendAck(b, 0) })
	}
	p.direct.Store(nil)
	switch {
	case p.draining:
	case p.queue.len == 0:
		p.direct.Store(l)
	default:
		p.draining = p.k.spawn(p.drain) // else the kernel closes, and reports the queue
	}
	p.signal()
	return true
}

// earlier returns a link to another start of the node than l, also one that was
// about to end. p is locked.
func (p *peer) earlier(l *link) *link {
	for _, old := range p.links {
		if old.attached.Load() && old.peer.Instance != l.peer.Instance {
			return old
		}
	}
	return nil
}

// reachable returns the address that a node says it listens at. A node that
// listens everywhere is where its connection came from.
func reachable(addr, remote string) string {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return addr
	}
	if ip := net.ParseIP(host); host != "" && (ip == nil || !ip.IsUnspecified()) {
		return addr
	}
	if host, _, err = net.SplitHostPort(remote); err != nil {
		return addr
	}
	return net.JoinHostPort(host, port)
}
