package transport

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/clusterluck/clusterluck/transport/internal/session"
)

// A Peer is what a node proved, or said, of itself when it connected.
type Peer = session.Peer

// A StatusError is what an Admit returns to choose what the refused peer is
// told.
type StatusError = session.StatusError

// An EventKind says what happened.
type EventKind int

// What can happen.
const (
	LinkUp      EventKind = iota + 1 // a connection to Node is there; Peer tells about it, also in which role it came
	LinkDown                         // it is gone; Reason: eof, reset, timeout, closed, error
	DialFailed                       // Node could not be reached at Addr; Reason: refused, timeout, auth, status, error
	GaveUp                           // MaxRetries attempts failed, and the kernel stops trying; what was queued is dropped
	Dropped                          // Count casts to Server on Node were thrown away; Reason: queue, gave-up, not-connected, closed, or the code that Node gave; others, without a Server, if too many kinds of them wait
	Unconfirmed                      // a connection broke: Count casts to Server on Node may have arrived, or not
	Refused                          // a peer that dialed this node was turned away; Addr is where it came from
	Lost                             // Count casts of Node to Server, which is here, were thrown away after their connection was gone; Reason: closed, or a code such as no-server
)

var eventNames = [...]string{"", "link-up", "link-down", "dial-failed", "gave-up", "dropped", "unconfirmed", "refused", "lost"}

// String returns the name of the kind, such as link-up.
func (k EventKind) String() string {
	if k > 0 && int(k) < len(eventNames) {
		return eventNames[k]
	}
	return "event " + strconv.Itoa(int(k))
}

// An Event tells what happened to a node's connections.
type Event struct {
	Kind   EventKind
	Time   time.Time
	Node   string // the other node's id; empty if it is not known
	Server string // Dropped, Unconfirmed, Lost
	Count  uint64 // Dropped, Unconfirmed, Lost: casts
	Bytes  uint64 // Dropped from the queue: their length
	Reason string // a word from the list of the kind
	Addr   string // LinkUp, LinkDown, Refused: the far end of the socket; DialFailed, GaveUp: what was dialed
	Peer   Peer   // LinkUp, LinkDown; it may have dialed in a lesser role, and is then no node whose id is Node
	Err    error  // LinkDown, DialFailed, GaveUp, Refused
}

// events hands events to OnEvent, in order, on one goroutine.
type events struct {
	mu     sync.Mutex
	queue  []Event
	losses map[loss]int // where in queue a loss of the kind waits
	wake   chan struct{}
	closed bool
}

// A loss is what [Dropped] and [Unconfirmed] events have in common that are
// merged while they wait.
type loss struct {
	kind                 EventKind
	node, server, reason string
}

// waitingMax is how many events may wait before further refusals are only
// counted, and losses, whose servers and reasons a peer can make up, go without
// their names.
const waitingMax = 1024

// others is the reason of what was too much to be told apart.
const others = "others"

// report counts an event and hands it to OnEvent. Losses of a kind that wait are
// merged, so that a flood of them does not pile up.
func (k *Kernel) report(e Event) {
	e.Time = time.Now()
	k.counters.note(&e)
	k.logEvent(&e)
	if k.config.OnEvent == nil {
		return
	}
	q := &k.events
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case q.closed:
		return
	case e.Kind == Refused && len(q.queue) >= waitingMax:
		return // strangers decide how many there are
	case (e.Kind == Dropped || e.Kind == Unconfirmed || e.Kind == Lost) && q.merge(&e):
		return
	}
	q.queue = append(q.queue, e)
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// merge adds a loss to one that waits, and reports false if there is none: then e
// is to be appended. q is locked.
func (q *events) merge(e *Event) bool {
	key := loss{e.Kind, e.Node, e.Server, e.Reason}
	at, ok := q.losses[key]
	if !ok && len(q.losses) >= waitingMax {
		e.Server, e.Reason = "", others
		key = loss{e.Kind, e.Node, e.Server, e.Reason}
		at, ok = q.losses[key]
	}
	if ok {
		q.queue[at].Count += e.Count
		q.queue[at].Bytes += e.Bytes
		return true
	}
	if q.losses == nil {
		q.losses = make(map[loss]int)
	}
	q.losses[key] = len(q.queue)
	return false
}

// lost reports casts that another node sent and cannot be told about.
func (k *Kernel) lost(node, server string, n uint64, reason string) {
	k.report(Event{Kind: Lost, Node: node, Server: server, Count: n, Reason: reason})
}

// deliverEvents calls OnEvent until the kernel is closed and all was told.
func (k *Kernel) deliverEvents() {
	defer close(k.told)
	q := &k.events
	for range q.wake {
		for {
			q.mu.Lock()
			batch := q.queue
			q.queue, q.losses = nil, nil
			closed := q.closed
			q.mu.Unlock()
			for i := range batch {
				k.config.OnEvent(batch[i])
			}
			if len(batch) > 0 {
				continue
			}
			if closed {
				return
			}
			break
		}
	}
}

// close lets deliverEvents end.
func (q *events) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// logEvent writes an event to the logger. Drops are at debug: a flood of them is
// counted elsewhere. Of strangers that were refused the gate tells.
func (k *Kernel) logEvent(e *Event) {
	level := slog.LevelDebug
	switch e.Kind {
	case LinkUp, LinkDown:
		level = slog.LevelInfo
	case GaveUp, Unconfirmed:
		level = slog.LevelWarn
	case Refused:
		if e.Reason != reasonStatus {
			return
		}
	}
	if !k.log.Enabled(context.Background(), level) {
		return
	}
	args := []any{"node", e.Node}
	add := func(name, value string) {
		if value != "" {
			args = append(args, name, value)
		}
	}
	add("server", e.Server)
	add("addr", e.Addr)
	add("reason", e.Reason)
	if e.Count > 0 {
		args = append(args, "count", e.Count)
	}
	if e.Err != nil {
		args = append(args, "err", e.Err)
	}
	k.log.Log(context.Background(), level, e.Kind.String(), args...)
}

// reasonDown says in a word why a link ended.
func reasonDown(err error) string {
	switch {
	case errors.Is(err, errLeft):
		return "closed"
	case errors.Is(err, errSilent), isTimeout(err):
		return "timeout"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "eof"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "reset"
	}
	return "error"
}

// reasonStatus is the reason when a peer knows the cookie and was refused, or this
// node was.
const reasonStatus = "status"

// reasonDial says in a word why a node could not be reached.
func reasonDial(err error) string {
	var status *StatusError
	switch {
	case errors.Is(err, session.ErrRefused), errors.Is(err, session.ErrAuth), errors.Is(err, session.ErrVersion), errors.Is(err, session.ErrCookie), errors.Is(err, session.ErrTLS):
		return "auth"
	case errors.As(err, &status), errors.Is(err, session.ErrWrongNode), errors.Is(err, session.ErrSelf):
		return reasonStatus
	case errors.Is(err, syscall.ECONNREFUSED):
		return "refused"
	case isTimeout(err):
		return "timeout"
	}
	return "error"
}

func isTimeout(err error) bool {
	var timeout net.Error
	return errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, ErrTimeout) || errors.As(err, &timeout) && timeout.Timeout()
}
