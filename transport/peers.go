package transport

import (
	"context"
	"fmt"
	"time"
)

// A PeerInfo tells about one other node.
type PeerInfo struct {
	ID        string
	Addr      string // where it is dialed; empty if that is not known
	Connected bool
	Kept      bool
	Role      Role      // while connected
	Since     time.Time // of the connection
	Remote    string    // the far end of its socket
	Queued    int       // casts that wait for a connection
	QueuedLen int       // their bytes
	Calls     int       // that wait for an answer
	BytesIn   uint64    // on this connection, without encryption
	BytesOut  uint64    // with encryption
	Attempts  int       // to connect that failed since the last connection
	Err       error     // why the last of them failed
}

// Peers returns what is known of other nodes, in no order. Those that dialed this
// node in a lesser role than a node's are among them while they are connected.
func (k *Kernel) Peers() []PeerInfo {
	list := k.peerList()
	infos := make([]PeerInfo, len(list))
	for i, p := range list {
		infos[i] = p.info()
	}
	return infos
}

// Peer returns what is known of a node.
func (k *Kernel) Peer(id string) (PeerInfo, bool) {
	p := k.peer(id)
	if p == nil {
		return PeerInfo{}, false
	}
	return p.info(), true
}

func (p *peer) info() PeerInfo {
	p.mu.Lock()
	defer p.mu.Unlock()
	info := PeerInfo{
		ID: p.id, Addr: p.addr, Kept: p.kept, Queued: p.queue.len, QueuedLen: p.queue.bytes, Attempts: p.attempts, Err: p.failed,
	}
	if l := p.link; l != nil {
		info.Connected, info.Role, info.Since, info.Remote = true, l.peer.Role, l.since, l.peer.Remote
		info.Calls, info.BytesIn, info.BytesOut = l.calls.len(), l.bytesIn.Load(), l.bytesOut.Load()
	}
	return info
}

// Know tells where a node is. It is dialed when something is sent to it. A node
// that connects tells its address itself; of those that only did so and are gone,
// the last 1,024 are remembered.
func (k *Kernel) Know(id, addr string) error {
	if err := validName(id); err != nil {
		return fmt.Errorf("transport: know: %w", err)
	}
	p := k.hold(id)
	defer p.release()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.named = true
	if p.addr != addr {
		p.addr, p.failed, p.attempts, p.tries = addr, nil, 0, 0
	}
	if p.queue.len > 0 || p.kept {
		p.connect()
	}
	return nil
}

// Keep connects to a node and connects again whenever the connection breaks,
// until [Kernel.Drop]. An empty addr is what is known already.
func (k *Kernel) Keep(id, addr string) error {
	if err := validName(id); err != nil {
		return fmt.Errorf("transport: keep: %w", err)
	}
	p := k.hold(id)
	defer p.release()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.named = true
	if addr != "" && p.addr != addr {
		p.addr, p.failed, p.attempts, p.tries = addr, nil, 0, 0
	}
	if p.addr == "" {
		return fmt.Errorf("transport: keep %q: %w", id, ErrUnknownNode)
	}
	p.kept = true
	if p.link == nil {
		p.connectNow(true)
	}
	return nil
}

// DialNow ends the pause before the next attempt to reach a node.
func (k *Kernel) DialNow(id string) {
	p := k.peer(id)
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.link == nil {
		p.connectNow(true)
	}
}

// Drop ends the connection to a node and forgets its address and what is queued
// for it, which is reported as dropped. The connection is closed in order, within
// the drain timeout twice; with force it is cut. Those who dialed this node under
// that id in a lesser role are dropped with it.
func (k *Kernel) Drop(id string, force bool) {
	k.mu.RLock()
	var drop []*peer
	if p := k.peers[id]; p != nil {
		drop = append(drop, p)
	}
	for g, p := range k.guests {
		if g.id == id {
			drop = append(drop, p)
		}
	}
	k.mu.RUnlock()
	for _, p := range drop {
		p.drop(force)
	}
}

func (p *peer) drop(force bool) {
	p.mu.Lock()
	p.named, p.kept, p.addr, p.tries = false, false, "", 0
	if p.stopDial != nil {
		p.stopDial(errDropped)
	}
	l := p.link
	if l == nil || force { // else the link takes it along
		p.dropQueue("closed")
	}
	p.signal()
	p.mu.Unlock()
	switch {
	case l == nil:
		p.k.forget(p)
	case force:
		l.leaves.Store(true)
		l.fail(fmt.Errorf("%w: dropped", errLeft))
	default:
		p.k.spawn(func() { l.leave(codeDropped, "this node drops the connection") })
	}
}

// linkTo returns a link to a node, and makes one if need be.
func (k *Kernel) linkTo(ctx context.Context, node string) (*link, error) {
	p := k.peer(node)
	if p == nil {
		return nil, ErrUnknownNode
	}
	return p.linkTo(ctx, false)
}
