package transport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/clusterluck/clusterluck/transport/internal/session"
	"github.com/clusterluck/clusterluck/transport/wire"
)

// errClosing tells a sender that the link takes no more requests: it goes by the
// peer's queue.
var errClosing = errors.New("the connection is closing")

// errLink marks errors of a link that is gone, before the request was sent.
var errLink = errors.New("the connection is gone")

// A link is one authenticated connection to another node. Its reader runs in a
// goroutine of its own; its writer is whoever finds the outbox idle, or a second
// goroutine.
type link struct {
	k     *Kernel
	owner *peer
	peer  Peer
	sess  *session.Session
	try   *tryWriter // nil: only the writer goroutine writes
	since time.Time

	out   outbox
	calls calls
	in    inbox
	ins   inStreams
	outs  outStreams

	lastRead    atomic.Int64  // nanoseconds since the kernel's start
	used        atomic.Bool   // by a request or an answer, since the last check
	usedAt      int64         // when check last found it used or busy; for check alone
	calledUntil atomic.Int64  // when the last call of the peer is over at the latest, on the kernel's clock
	pumps       atomic.Int32  // streams and long bodies that this node is writing
	beside      atomic.Uint32 // requests and answers since there are any
	pinged      atomic.Int64  // when a ping was sent that has no answer yet; 0: none
	bytesIn     atomic.Uint64
	bytesOut    atomic.Uint64
	pings       pings
	monitors    monitors

	dial     context.Context // of the attempt that made it; nil: the other node dialed
	attached atomic.Bool     // it is, or was, the link of its peer
	agreed   chan struct{}   // closed when the other node said yes to it; of a link that this node dialed
	before   chan struct{}   // closed when the link before was read to its end; nil: never attached
	after    chan struct{}   // closed when this one was; nil: never attached

	once      sync.Once
	sayBye    sync.Once
	bye       chan struct{}  // closed when the peer has said farewell
	finished  chan struct{}  // closed when nothing is written any more
	torn      map[string]int // long casts, by server, that were not known to have arrived; set before they are reported
	cause     error          // why the link is gone; set before gone is closed
	gone      chan struct{}  // closed when the link carries nothing any more
	finishing atomic.Bool
	leaves    atomic.Bool                // a GOAWAY was sent or received: the end is not a failure
	deadline  atomic.Pointer[time.Timer] // ends the link; nil: it does not leave
	open      atomic.Int64               // calls of the peer without an answer, and those that were given up without a word
	watched   watched                    // monitors of the peer
}

func newLink(k *Kernel, owner *peer, s *session.Session, c net.Conn) *link {
	p := s.Peer()
	l := &link{
		k: k, owner: owner, peer: p, sess: s, since: time.Now(),
		out: newOutbox(int64(p.Window)), gone: make(chan struct{}), agreed: make(chan struct{}), bye: make(chan struct{}), finished: make(chan struct{}),
	}
	if k.config.TLS == nil {
		l.try = newTryWriter(c)
	}
	l.in.init(l)
	l.calls.late = l.cancel
	l.usedAt = k.now()
	l.lastRead.Store(l.usedAt)
	return l
}

// start lets l read and write.
func (l *link) start() {
	l.owner.join(l)
	reads := l.k.spawn(func() {
		if l.before != nil {
			<-l.before
		}
		err := l.readAll()
		if l.after != nil {
			close(l.after)
		}
		if errors.Is(err, io.EOF) { // the peer is done: so is this side, once it has said all
			l.onEnd()
		}
		l.fail(err)
	})
	if !reads && l.after != nil {
		close(l.after)
	}
	if !reads || !l.k.spawn(l.writeLoop) {
		l.fail(fmt.Errorf("%w: %w", errLeft, ErrClosed))
	}
}

// fail ends the link once: calls fail, streams break, services and the peer
// learn it. It returns when that is done, whoever does it.
func (l *link) fail(err error) {
	l.once.Do(func() {
		if l.leaves.Load() && !errors.Is(err, errLeft) {
			err = fmt.Errorf("%w: %w", errLeft, err)
		}
		l.cause = err
		if timer := l.deadline.Load(); timer != nil {
			timer.Stop()
		}
		l.sess.Close()
		l.out.fail(fmt.Errorf("%w: %w", errLink, err))
		close(l.gone)
		l.calls.fail(fmt.Errorf("%w: %w", ErrNodeDown, err))
		l.ins.fail(fmt.Errorf("%w: %w", ErrNodeDown, err))
		l.torn = l.outs.fail(fmt.Errorf("%w: %w", ErrNodeDown, err))
		l.pings.fail(fmt.Errorf("%w: %w", ErrNodeDown, err))
		down := func() { l.monitors.fail(fmt.Errorf("%w: %w", ErrNodeDown, err)) }
		if !l.k.spawn(down) { // who is told may end links, this one too
			l.k.spawnLoose(down)
		}
		l.owner.parked.drop(l)
		l.owner.detach(l)
		l.tell()
		if l.attached.Load() && !l.k.spawn(l.k.linkDown(l)) {
			l.k.linkDown(l)()
		}
		l.owner.part(l)
		l.k.forget(l.owner)
	})
}

// tell reports that l is gone, and what may be lost with it. Nobody heard of a
// link that was turned away.
func (l *link) tell() {
	if !l.attached.Load() {
		return
	}
	l.out.mu.Lock()
	lost := l.out.casts()
	l.out.mu.Unlock()
	for server, n := range l.torn {
		lost[server] += n
	}
	l.k.report(Event{Kind: LinkDown, Node: l.peer.ID, Reason: reasonDown(l.cause), Addr: l.peer.Remote, Peer: l.peer, Err: l.cause})
	for _, server := range slices.Sorted(maps.Keys(lost)) {
		l.k.report(Event{Kind: Unconfirmed, Node: l.peer.ID, Server: server, Count: uint64(lost[server])})
	}
}

// writeLoop writes when somebody found the outbox idle and did not want to
// write, or could not finish.
func (l *link) writeLoop() {
	for {
		select {
		case <-l.out.wake:
		case <-l.gone:
			return
		}
		if err := l.writeAll(); err != nil {
			l.fail(err)
			return
		}
	}
}

// writeAll writes until nothing is left. The caller is the writer.
func (l *link) writeAll() error {
	if len(l.out.rest) > 0 {
		if err := l.write(l.out.rest); err != nil {
			return err
		}
		l.out.rest = nil
	}
	var b *batch
	for {
		if b = l.out.take(b); b == nil {
			return nil
		}
		if err := l.seal(b); err != nil {
			return err
		}
		if err := l.write(b.sealed); err != nil {
			return err
		}
	}
}

// seal turns the frames of b into records.
func (l *link) seal(b *batch) error {
	b.sealed = b.sealed[:0]
	for _, lane := range b.lanes {
		if len(lane) == 0 {
			continue
		}
		var err error
		if b.sealed, err = l.sess.Seal(b.sealed, lane); err != nil {
			return fmt.Errorf("seal: %w", err)
		}
	}
	return nil
}

func (l *link) write(sealed []byte) error {
	n, err := l.sess.Write(sealed)
	l.bytesOut.Add(uint64(n))
	return err
}

// flushSoon lets the writer's goroutine write, if nobody writes. It is called
// with the outbox locked, and unlocks it.
func (l *link) flushSoon() {
	first := l.out.start()
	l.out.mu.Unlock()
	if first {
		l.out.wakeWriter()
	}
}

// control appends a frame that waits for nothing: append to b and return it.
func (l *link) control(frame func(b []byte) []byte) {
	if lane := l.lockForControl(); lane != nil {
		*lane = frame(*lane)
		l.flushSoon()
	}
}

// lane returns where a request goes.
func lane(urgent bool) (int, wire.Lane) {
	if urgent {
		return laneUrgent, wire.LaneUrgent
	}
	return laneNormal, wire.LaneNormal
}

// sendCast sends a cast whose body fits into a frame. It waits until there is
// room.
func (l *link) sendCast(ctx context.Context, name string, m *Message) error {
	at, wireLane := lane(m.Urgent)
	if err := l.out.lockForRequest(ctx, time.Time{}, at); err != nil {
		return err
	}
	to := l.out.name(name)
	b := &l.out.filling().lanes[at]
	was := len(*b)
	*b = wire.AppendCast(*b, to, wireLane, m.Hdr, m.Body)
	l.out.request(at, len(*b)-was, name, true)
	l.flushSoon()
	return nil
}

// sendMulti sends one cast to several servers.
func (l *link) sendMulti(ctx context.Context, names []string, m *Message) error {
	at, wireLane := lane(m.Urgent)
	if err := l.out.lockForRequest(ctx, time.Time{}, at); err != nil {
		return err
	}
	msg := wire.Msg{Kind: wire.KindMulti, Lane: wireLane, Hdr: m.Hdr, Body: m.Body}
	for _, name := range names {
		msg.Dsts = append(msg.Dsts, l.out.name(name))
	}
	b := &l.out.filling().lanes[at]
	was := len(*b)
	*b = wire.Append(*b, &msg)
	for i, name := range names {
		n := 0
		if i == 0 {
			n = len(*b) - was
		}
		l.out.request(at, n, name, true)
	}
	l.flushSoon()
	return nil
}

// sendCall sends a call whose body fits into a frame.
func (l *link) sendCall(ctx context.Context, name string, m *Message, p *pending) error {
	at, wireLane := lane(m.Urgent)
	if err := l.out.lockForRequest(ctx, p.deadline, at); err != nil {
		return err
	}
	to := l.out.name(name)
	b := &l.out.filling().lanes[at]
	was := len(*b)
	*b = wire.AppendCall(*b, p.corr, to, millis(time.Until(p.deadline)), wireLane, m.Hdr, m.Body)
	l.out.request(at, len(*b)-was, name, false)
	l.flushNow(true)
	return nil
}

// millis returns what is left of a call's time as the wire counts it. A call
// that is sent has at least one.
func millis(d time.Duration) uint32 {
	ms := (d + time.Millisecond - 1) / time.Millisecond
	return uint32(min(max(ms, 1), 1<<32-1))
}
