package transport

import (
	"context"
	"fmt"
	"net"
	"time"

	"github.com/clusterluck/clusterluck/transport/internal/session"
)

// codeSameID tells a node that another one has its id.
const codeSameID = "same-id"

// accept takes the connections that other nodes make.
func (k *Kernel) accept() {
	err := k.gate.Serve(k.ctx, k.listener, k.welcome)
	if err != nil && k.ctx.Err() == nil {
		k.log.Error("the node accepts no connections any more", "err", err)
	}
}

// welcome runs the handshake of a connection that another node made.
func (k *Kernel) welcome(ctx context.Context, c net.Conn) error {
	s, err := session.Respond(ctx, c, k.local)
	if err != nil {
		k.report(Event{Kind: Refused, Addr: c.RemoteAddr().String(), Reason: reasonDial(err), Err: err})
		return err
	}
	p := k.receive(s.Peer())
	defer p.release()
	p.accept(newLink(k, p, s, c))
	return nil
}

// admit judges a peer that dials this node and whose key was verified.
func (k *Kernel) admit(peer Peer) error {
	if err := k.judge(peer); err != nil {
		return err
	}
	p := k.peer(peer.ID)
	switch {
	case p == nil:
		return nil
	case isGuest(peer):
		return &StatusError{Code: codeSameID, Text: fmt.Sprintf("%q is the id of a node; in the role of %v take another", peer.ID, peer.Role)}
	}
	return p.admit(peer)
}

// judge decides whether this node wants to be connected with a peer.
func (k *Kernel) judge(peer Peer) error {
	if peer.ID == k.config.ID {
		return &StatusError{Code: codeSameID, Text: fmt.Sprintf("this node is %q too; give each node an id of its own", peer.ID)}
	}
	if k.config.Admit != nil {
		return k.config.Admit(peer)
	}
	return nil
}

// admit lets a node connect, unless this node is about to connect to it: of two
// that dial each other the one with the smaller id succeeds. It changes nothing,
// for what it answers may be a recording.
func (p *peer) admit(about Peer) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.link == nil && p.dialing && p.k.config.ID < about.ID && time.Since(p.tried) < dialTimeout && p.failed == nil {
		return errDuplicate()
	}
	return nil
}

// probeTimeout is what the peer of a doubtful connection has to answer a ping.
const probeTimeout = time.Second

// answers reports whether the peer answers a ping. If it does not, the link is
// ended.
func (l *link) answers() bool {
	timer := time.NewTimer(min(probeTimeout, l.k.config.PingTimeout))
	defer timer.Stop()
	seq, done, err := l.pings.add()
	if err != nil {
		return false
	}
	l.ping(seq)
	select {
	case err := <-done:
		return err == nil
	case <-timer.C:
		l.pings.end(seq, nil)
		l.fail(fmt.Errorf("%w: no answer to a ping", errSilent))
		return false
	}
}

// linkDown returns what tells the services that a link is gone. It runs on a
// goroutine of its own: a link may fail in the midst of what a service does.
func (k *Kernel) linkDown(l *link) func() {
	return func() {
		k.registry.unwatchLink(l)
		for _, s := range *k.registry.services.Load() {
			s.LinkDown(LinkID{l})
		}
		l.owner.parked.retry() // a service tells room by a link, and this one told of none
	}
}
