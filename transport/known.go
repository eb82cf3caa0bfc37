package transport

import (
	"maps"
	"slices"
)

// A guest is what dialed this node in a lesser role than a node's. Many may share
// the cookie of such a role, so that the id says little: each start is a peer of
// its own. It is answered, and no request goes to it by its id. What it
// says of itself therefore changes nothing for the nodes.
type guest struct {
	id       string
	instance [16]byte
}

// isGuest reports whether a peer that was authenticated is one.
func isGuest(about Peer) bool { return !about.Initiator && about.Role != RoleNode }

// peer returns what is known of a node, nil if nothing is.
func (k *Kernel) peer(id string) *peer {
	k.mu.RLock()
	defer k.mu.RUnlock()
	return k.peers[id]
}

// hold returns what is known of a node, if only that it exists. It is not
// forgotten until p.release.
func (k *Kernel) hold(id string) *peer {
	k.mu.Lock()
	defer k.mu.Unlock()
	p := k.peers[id]
	if p == nil {
		p = newPeer(k, id)
		k.peers[id] = p
	}
	p.holders.Add(1)
	return p
}

// receive holds the peer that a connection came from.
func (k *Kernel) receive(about Peer) *peer {
	if !isGuest(about) {
		return k.hold(about.ID)
	}
	g := guest{about.ID, about.Instance}
	k.mu.Lock()
	defer k.mu.Unlock()
	p := k.guests[g]
	if p == nil {
		p = newPeer(k, g.id)
		p.guest = &g
		k.guests[g] = p
	}
	p.holders.Add(1)
	return p
}

// release ends what hold began.
func (p *peer) release() {
	if p.holders.Add(-1) == 0 {
		p.k.forget(p)
	}
}

// forget drops what is known of a node that is gone and cannot be dialed. One
// that can, and that nobody here named, is remembered until too many others are.
func (k *Kernel) forget(p *peer) {
	k.mu.Lock()
	defer k.mu.Unlock()
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case !p.isGone():
	case p.addr == "":
		k.remove(p)
	case !p.named && !p.listed:
		p.listed = true
		k.strangers = append(k.strangers, p)
		if len(k.strangers) > k.strangersMax {
			k.forgetStranger(p)
		}
	}
}

// forgetStranger drops the oldest of the nodes that nobody here named. If it is
// back, it is among them again when it goes. k is locked, and p, the youngest.
func (k *Kernel) forgetStranger(p *peer) {
	oldest := k.strangers[0]
	k.strangers[0] = nil
	k.strangers = k.strangers[1:]
	if oldest != p {
		oldest.mu.Lock()
		defer oldest.mu.Unlock()
	}
	oldest.listed = false
	if oldest.isGone() && !oldest.named {
		k.remove(oldest)
	}
}

// isOver does what isGone does, for who has not locked p.
func (p *peer) isOver() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.isGone()
}

// isGone reports whether nothing is connected with a peer, or about to be. p is
// locked.
func (p *peer) isGone() bool {
	return p.holders.Load() == 0 && len(p.links) == 0 && p.queue.len == 0 && !p.draining && !p.dialing && !p.parked.some.Load()
}

// remove drops a peer from the maps. k and p are locked.
func (k *Kernel) remove(p *peer) {
	switch {
	case p.guest == nil && k.peers[p.id] == p:
		delete(k.peers, p.id)
	case p.guest != nil && k.guests[*p.guest] == p:
		delete(k.guests, *p.guest)
	}
}

func (k *Kernel) peerList() []*peer {
	k.mu.RLock()
	defer k.mu.RUnlock()
	list := make([]*peer, 0, len(k.peers)+len(k.guests))
	list = slices.AppendSeq(list, maps.Values(k.peers))
	return slices.AppendSeq(list, maps.Values(k.guests))
}
