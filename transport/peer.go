package transport

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// A peer is another node: where it is, the link to it, and what waits for one.
type peer struct {
	k     *Kernel
	id    string
	guest *guest // nil: a node

	// direct is the link when requests may be sent on it: nothing older is queued.
	direct atomic.Pointer[link]

	parked  parkings
	holders atomic.Int64 // that are about to make it worth keeping

	mu       sync.Mutex
	addr     string
	named    bool          // by this node's program; else the node came by itself
	listed   bool          // among the kernel's strangers; k is locked too
	kept     bool          // connected without a request, and again after a break
	link     *link         // that works, or drains its queue first; nil if there is none
	links    []*link       // all that are not gone: those that end and those not agreed on too
	reader   chan struct{} // closed when the links before that one are read to their ends
	pending  int           // handshakes of this side that the other has not answered for good
	queue    queue
	draining bool          // a goroutine of drain runs
	changed  chan struct{} // closed when the state below or above changes; nil if nobody waits

	dialing  bool // a goroutine of connect runs
	redial   chan struct{}
	stopDial context.CancelCauseFunc // of the attempt that runs; nil: none does
	waiting  int                     // those who wait for a link
	patient  int                     // of these, those who wait though attempts fail
	attempts int                     // that failed since the last link
	tries    int                     // of these, those that MaxRetries bounds
	tried    time.Time               // when the last attempt began
	failed   error                   // why the last attempt failed; nil after a link
	failedAt time.Time
}

func newPeer(k *Kernel, id string) *peer {
	p := &peer{k: k, id: id, redial: make(chan struct{}, 1), reader: closedChan}
	p.parked.k, p.parked.owner = k, p
	return p
}

// signal lets those who wait look again. p is locked.
func (p *peer) signal() {
	if p.changed != nil {
		close(p.changed)
		p.changed = nil
	}
}

// wait returns a channel that is closed at the next change. p is locked.
func (p *peer) wait() <-chan struct{} {
	if p.changed == nil {
		p.changed = make(chan struct{})
	}
	return p.changed
}

func (p *peer) isKept() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.kept
}

// join notes a link that starts, and part one that is gone.
func (p *peer) join(l *link) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.links = append(p.links, l)
}

func (p *peer) part(l *link) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.links = slices.DeleteFunc(p.links, func(other *link) bool { return other == l })
}

// all returns the links that are not gone.
func (p *peer) all() []*link {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.links)
}

// drain sends what was queued, and lets requests go directly after that. At most
// one runs for a peer, also while links change: what it holds and could not send
// goes back to its place before anything else is sent.
func (p *peer) drain() {
	for {
		p.mu.Lock()
		l := p.link
		e, ok := queued{}, false
		if l != nil {
			e, ok = p.queue.pop()
		}
		if !ok {
			p.draining = false
			p.direct.Store(l)
			p.signal()
			p.mu.Unlock()
			if l == nil {
				p.k.forget(p)
			}
			return
		}
		p.mu.Unlock()
		if err := l.cast(context.Background(), e.names, &e.m); err != nil {
			p.detach(l)
			p.mu.Lock()
			p.queue.unpop(e)
			p.tend()
			p.mu.Unlock()
		}
	}
}

// detach forgets a link that takes no more requests, and sees that there is
// another if one is wanted.
func (p *peer) detach(l *link) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.link != l {
		return
	}
	p.link = nil
	p.direct.Store(nil)
	p.signal()
	p.tend()
}

// tend sees that there is a link if one is wanted. p is locked.
func (p *peer) tend() {
	switch {
	case p.link != nil:
	case p.addr == "" || p.k.ctx.Err() != nil:
		p.dropQueue("closed") // nobody can say where to send it
	case p.kept || p.queue.len > 0:
		p.connect()
	}
}

// cast sends a cast to servers of the node, or queues it.
func (p *peer) cast(ctx context.Context, names []string, m *Message) error {
	for {
		if l := p.direct.Load(); l != nil {
			err := l.cast(ctx, names, m)
			if err == nil || !isGone(err) {
				return err
			}
			p.detach(l)
		}
		wait, err := p.enqueue(names, m)
		if wait == nil {
			return err
		}
		select {
		case <-wait:
		case <-ctx.Done():
			return ctxError(ctx)
		}
	}
}

// isGone reports whether a request was not sent because its link is closing or
// gone.
func isGone(err error) bool { return errors.Is(err, errLink) || errors.Is(err, errClosing) }

// enqueue keeps a cast until the node is connected. If there is a link the caller
// must wait instead, and try again.
func (p *peer) enqueue(names []string, m *Message) (wait <-chan struct{}, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.k.ctx.Err() != nil:
		return nil, ErrClosed
	case p.direct.Load() != nil:
		return closedChan, nil
	case p.link != nil && !m.NoQueue:
		return p.wait(), nil
	case m.NoQueue:
		p.dropped([]queued{{names: names, m: *m}}, "not-connected")
		return nil, fmt.Errorf("%w%s", ErrNotConnected, p.because())
	case p.addr == "":
		return nil, ErrUnknownNode
	case (&queued{names: names, m: *m}).bytes() > p.k.config.QueueBytes:
		return nil, fmt.Errorf("more than the queue of %d bytes holds: %w", p.k.config.QueueBytes, ErrTooLarge)
	}
	dropped := p.queue.push(names, m, p.k.config.QueueLen, p.k.config.QueueBytes)
	p.dropped(dropped, "queue")
	p.connect()
	return nil, nil
}

// dropped reports requests that were thrown away.
func (p *peer) dropped(list []queued, reason string) {
	for i := range list {
		for _, name := range list[i].names {
			p.k.report(Event{Kind: Dropped, Node: p.id, Server: name, Count: 1, Bytes: uint64(list[i].bytes()), Reason: reason})
		}
	}
}

// dropQueue throws the queue away and reports it. p is locked.
func (p *peer) dropQueue(reason string) {
	for e, ok := p.queue.pop(); ok; e, ok = p.queue.pop() {
		p.dropped([]queued{e}, reason)
	}
}

// because says why the last attempt to connect failed.
func (p *peer) because() string {
	if p.failed == nil {
		return ""
	}
	return ": " + p.failed.Error()
}

// linkTo returns a link that requests may be sent on. It connects if need be,
// and fails as soon as an attempt to connect does, unless persist is set: then
// only when ctx ends.
func (p *peer) linkTo(ctx context.Context, persist bool) (*link, error) {
	patient := 0
	if persist {
		patient = 1
	}
	asked := time.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.waiting++
	p.patient += patient
	defer func() {
		p.waiting--
		p.patient -= patient
	}()
	for {
		l, err := p.linkNow(asked, persist)
		if l != nil || err != nil {
			return l, err
		}
		changed := p.wait()
		p.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			err = fmt.Errorf("%w: %w", ErrNotConnected, ctxError(ctx))
		}
		p.mu.Lock()
		if err != nil {
			return nil, err
		}
	}
}

// linkNow returns a link if there is one, and an error if nobody need wait for
// one. Else it sees that somebody connects. p is locked.
func (p *peer) linkNow(asked time.Time, persist bool) (*link, error) {
	if l := p.direct.Load(); l != nil || p.link != nil {
		return l, nil
	}
	failed := p.failed != nil && (p.failedAt.After(asked) || asked.Sub(p.failedAt) < p.k.config.Backoff.Min)
	switch {
	case p.k.ctx.Err() != nil:
		return nil, ErrClosed
	case p.addr == "":
		return nil, ErrUnknownNode
	case failed && !persist:
		return nil, fmt.Errorf("%w%s", ErrNotConnected, p.because())
	}
	p.connectNow(!failed)
	return nil, nil
}

// ctxError returns why ctx ended, as this package says it.
func ctxError(ctx context.Context) error {
	cause := context.Cause(ctx)
	switch {
	case errors.Is(cause, ErrTimeout), errors.Is(cause, ErrCanceled), errors.Is(cause, ErrClosed):
		return cause
	case errors.Is(cause, context.DeadlineExceeded):
		return ErrTimeout
	case errors.Is(cause, context.Canceled):
		return ErrCanceled
	}
	return fmt.Errorf("%w: %w", ErrCanceled, cause)
}

var closedChan = func() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}()
