package transport

import (
	"io"
	"time"

	"github.com/clusterluck/clusterluck/transport/internal/session"
	"github.com/clusterluck/clusterluck/transport/wire"
)

// A Message is a request to a server on another node.
type Message struct {
	Hdr, Body []byte    // copied before the sending method returns
	Stream    io.Reader // of a call: what the handler may read beside the body
	Urgent    bool      // overtakes requests that are not urgent, also in the mailbox
	NoQueue   bool      // of a cast: dropped and counted while the node is not connected
	Wait      bool      // of a call: waits in the queue while the node is not connected
}

// An Answer is what a server replied. Body and Stream are the caller's to keep;
// the caller closes Stream, which is nil unless the server sent one.
type Answer struct {
	Body   []byte
	Stream io.ReadCloser
}

// A Service receives what other nodes send to one name. Its methods are called
// by the goroutine that reads a connection, so that they must not block;
// several connections call them at once.
type Service interface {
	// Deliver takes a message. It returns false if it has no room: the kernel
	// then keeps the message and those of the same connection to this service
	// that follow, in order, until the service calls Resume on d.Link.
	Deliver(d *Delivery) bool
	// Cancel says that the caller gave the call up. The call may be unknown, for it
	// was answered; else the service should call Forget on it.
	Cancel(call CallRef)
	// LinkDown says that the connection is gone, and with it every caller that
	// waited behind it.
	LinkDown(link LinkID)
}

// A Delivery is a message that arrived. Deliver may use it until it returns and
// may copy it; what its fields refer to may be kept, and Body may be changed.
type Delivery struct {
	From      string // id of the node, as it proved it
	Role      Role   // of the node
	Hdr, Body []byte
	Stream    io.ReadCloser // what the caller streams; nil if nothing
	Urgent    bool
	Deadline  time.Time // when the caller gives up; zero for casts
	Call      CallRef   // zero for casts
	Link      LinkID
}

// A CallRef names a call that waits for an answer. The first answer counts,
// others are ignored. It is comparable.
type CallRef struct {
	link *link
	corr uint64
}

// A LinkID names one connection to another node. It is comparable.
type LinkID struct{ link *link }

// IsZero reports whether there is no call, as for casts.
func (r CallRef) IsZero() bool { return r.link == nil }

// Link returns the connection over which the call came.
func (r CallRef) Link() LinkID { return LinkID{r.link} }

// Node returns the id of the node at the far end.
func (l LinkID) Node() string { return l.link.peer.ID }

// Resume says that a service which refused a delivery has room again. The kernel
// delivers what it kept for the name, in order, on its own goroutine.
func (l LinkID) Resume(name string) { l.link.resume(name) }

// Dropped tells the sender that the service name took n of its casts and threw
// them away, for example with code "dropped".
func (l LinkID) Dropped(name string, n int, code string) {
	l.link.dropped(name, uint64(n), code)
}

// Reply answers a call with body, which is copied. A body of more than
// [wire.BodyMax] bytes goes in chunks. Reply does not block, except where a
// body that goes in chunks must wait for the caller to take it.
//
// The error tells that the answer could not be sent; the caller then learns so
// by itself.
func (r CallRef) Reply(body []byte) error { return r.link.reply(r.corr, body, nil) }

// ReplyStream answers with body and lets the caller read what stream yields. It
// returns at once; stream is read until its end or until the caller closes it,
// and is closed then if it is an io.Closer.
func (r CallRef) ReplyStream(body []byte, stream io.Reader) error {
	return r.link.reply(r.corr, body, stream)
}

// Fail answers with an error: a code that errors.Is on the far side goes by, a
// text for people, and data or nil.
func (r CallRef) Fail(code, text string, data []byte) error {
	return r.link.answerError(r.corr, code, text, data)
}

// Forget says that the call will not be answered, because its caller gave it up. A
// service that does not say so keeps the connection from being idle until the
// call's deadline.
func (r CallRef) Forget() { r.link.open.Add(-1) }

// A Role says what a peer may do. It was proven by the key that the peer used.
type Role = session.Role

// Roles of peers.
const (
	RoleNode     = session.Role(wire.RoleNode)     // a member: everything
	RoleAdmin    = session.Role(wire.RoleAdmin)    // an operator's tool
	RoleObserver = session.Role(wire.RoleObserver) // may only look
)
