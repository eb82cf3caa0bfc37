package transport

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/clusterluck/clusterluck/transport/wire"
)

// An inbox is what the reader of a link knows: names that the peer announced, and
// what the peer may send.
type inbox struct {
	link   *link
	names  []inName
	msg    wire.Msg
	d      Delivery
	now    time.Time // of the input that is being read
	holds  bool      // answers are kept back for it
	kept   bool      // somebody keeps a part of the input that is being read
	called bool      // a call was delivered from it

	room    int64        // bytes of requests that the peer may send, as far as the reader knows
	granted atomic.Int64 // and what it was granted on top since

	accepted atomic.Uint64 // requests taken over from the peer
	told     uint64        // of which the peer was told; used by the reader
	freed    atomic.Int64  // bytes of requests done with, and not yet granted again
}

// An inName is a name of this node that the peer gave an index.
type inName struct {
	name     string
	services *map[string]Service // where service was looked up
	service  Service
}

func (in *inbox) init(l *link) {
	in.link = l
	in.room = int64(l.k.config.Window)
	in.d.From, in.d.Role, in.d.Link = l.peer.ID, l.peer.Role, LinkID{l}
}

// ackEvery is how many requests are accepted before the peer is told.
const ackEvery = 64

// errPeer marks what a peer does against the protocol. It ends the link.
func errPeer(format string, args ...any) error {
	return fmt.Errorf("the peer broke the protocol: %w", fmt.Errorf(format, args...))
}

// name returns the name that n stands for, with what serves it now.
func (in *inbox) name(n wire.Name) (string, Service, error) {
	if n.Text != nil {
		s, _ := in.link.k.Lookup(string(n.Text))
		return string(n.Text), s, nil
	}
	if uint64(n.Index) >= uint64(len(in.names)) {
		return "", nil, errPeer("name %d was not announced", n.Index)
	}
	e := &in.names[n.Index]
	if now := in.link.k.registry.services.Load(); now != e.services {
		e.services, e.service = now, (*now)[e.name]
	}
	return e.name, e.service, nil
}

// announce gives a name an index. Indexes are announced in order.
func (in *inbox) announce(index uint32, name []byte) error {
	if uint64(index) != uint64(len(in.names)) || index >= wire.NamesMax {
		return errPeer("name %d announced after %d others", index, len(in.names))
	}
	in.names = append(in.names, inName{name: string(name)})
	return nil
}

// charge takes a request of n bytes off the window. A peer that sends beyond it
// is cut off: the window is what bounds the memory of this node.
func (in *inbox) charge(n int) error {
	if in.room <= 0 {
		if in.room += in.granted.Swap(0); in.room <= 0 {
			return errPeer("a request beyond the window of %d bytes", in.link.k.config.Window)
		}
	}
	in.room -= int64(n)
	return nil
}

// accept counts a request that was taken over, of n bytes.
func (in *inbox) accept(n int) {
	in.accepted.Add(1)
	in.free(n)
}

// free lets the peer send n more bytes of requests, once it is worth a message.
func (in *inbox) free(n int) {
	l := in.link
	if in.freed.Add(int64(n)) < int64(l.k.config.Window)/4 {
		return
	}
	if grant := in.freed.Swap(0); grant > 0 {
		in.granted.Add(grant) // first: the peer may use it at once
		l.control(func(b []byte) []byte { return wire.AppendCredit(b, 0, uint64(grant)) })
	}
}

// tell lets the peer know how many requests were accepted, if it is worth a
// message.
func (in *inbox) tell() {
	accepted := in.accepted.Load()
	if accepted-in.told < ackEvery {
		return
	}
	in.told = accepted
	in.link.control(func(b []byte) []byte { return wire.AppendAck(b, accepted) })
}

// deliver hands a request to a service, or keeps it until it is complete and the
// service has room. It is called by the reader alone.
func (in *inbox) deliver(name string, s Service, d *Delivery, bytes int, body *assembly) error {
	parked := &in.link.owner.parked
	key := lineKey{name, d.Urgent}
	if !parked.holds(key) {
		if s == nil {
			in.refuse(name, d, codeNoServer)
			in.stop(body)
			in.accept(bytes)
			return nil
		}
		if body == nil && s.Deliver(d) {
			in.accept(bytes)
			return nil
		}
	}
	if parked.isFull() {
		in.refuse(name, d, codeFull)
		in.stop(body)
		in.accept(bytes)
		return nil
	}
	if body != nil {
		if err := in.link.ins.add(body.sid, body); err != nil {
			return err
		}
	}
	in.accepted.Add(1)
	parked.add(key, &parkedMessage{d: *d, bytes: bytes, body: body})
	return nil
}

// stop tells the peer that the body of a request that was refused is not wanted.
func (in *inbox) stop(body *assembly) {
	if body != nil {
		in.link.stopStream(body.sid)
	}
}

// refuse answers a request that goes to no service.
func (in *inbox) refuse(name string, d *Delivery, code string) {
	if d.Stream != nil {
		d.Stream.Close()
	}
	if d.Call.IsZero() {
		in.link.dropped(name, 1, code)
		return
	}
	text := "no server " + address(name, in.link.k.config.ID)
	if code == codeFull {
		text = "too much waits for " + address(name, in.link.k.config.ID)
	}
	in.link.answerError(d.Call.corr, code, text, nil)
}
