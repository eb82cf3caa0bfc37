package transport

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/clusterluck/clusterluck/transport/internal/session"
)

// dialTimeout bounds one attempt to connect, handshake included.
const dialTimeout = 5 * time.Second

// codeDuplicate tells a node that there is a connection already, or is about to
// be one.
const codeDuplicate = "duplicate"

// connect sees that somebody tries to reach the node. p is locked.
func (p *peer) connect() {
	if p.dialing || p.addr == "" {
		return
	}
	p.dialing = p.k.spawn(p.dialLoop)
}

// connectNow does the same, and ends the pause before the next attempt if cut is
// set. p is locked.
func (p *peer) connectNow(cut bool) {
	p.connect()
	if cut {
		select {
		case p.redial <- struct{}{}:
		default:
		}
	}
}

// dialLoop tries to reach the node until there is a link, nobody wants one, or
// MaxRetries attempts failed.
func (p *peer) dialLoop() {
	defer p.k.forget(p)
	for {
		p.mu.Lock()
		if p.link != nil || p.k.ctx.Err() != nil || p.addr == "" {
			p.dialed()
			p.mu.Unlock()
			return
		}
		addr := p.addr
		now := time.Now()
		pause := p.tried.Add(p.k.config.Backoff.Min).Sub(now) // a node that hangs up is not dialed in a tight loop
		var ctx context.Context
		if pause <= 0 {
			p.tried = now
			ctx, p.stopDial = context.WithCancelCause(p.k.ctx)
		}
		p.mu.Unlock()
		if ctx != nil {
			_, err := p.k.dial(ctx, addr, p.id)
			if context.Cause(ctx) == errDropped {
				err = errDropped
			}
			if pause = p.judge(addr, err); pause < 0 {
				return
			}
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-p.redial:
			timer.Stop()
		case <-p.k.ctx.Done():
			timer.Stop()
		}
	}
}

// dialed notes that nobody tries to reach the node any more. Who waits for that
// begins anew. p is locked.
func (p *peer) dialed() {
	p.dialing = false
	p.signal()
}

// errDropped ends a dial to a node that is dropped meanwhile.
var errDropped = errors.New("the node is dropped")

// judge notes how an attempt ended, and returns how long to pause before the
// next; less than 0 means that there is none.
func (p *peer) judge(addr string, err error) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stopDial(nil)
	p.stopDial = nil
	kept := p.kept || p.queue.len > 0
	var status *StatusError
	switch {
	case p.link != nil, err == nil && !kept && p.waiting == 0:
		p.dialed()
		return -1
	case err == nil: // the link broke at once
		return p.k.config.Backoff.Min / 2
	case errors.Is(err, errDropped): // and may be wanted again
		return 0
	case errors.As(err, &status) && status.Code == codeDuplicate:
		return p.k.config.Backoff.Min / 2 // its connection is about to be there, or to break
	}
	p.attempts++
	p.failed, p.failedAt = err, time.Now()
	p.signal()
	p.k.report(Event{Kind: DialFailed, Node: p.id, Addr: addr, Reason: reasonDial(err), Err: err})
	if kept && p.giveUp(addr, err) {
		kept = false
	}
	if !kept && p.patient == 0 {
		p.dialed()
		return -1
	}
	return p.k.config.Backoff.pause(max(p.attempts, 1))
}

// giveUp counts an attempt to reach a node that is kept or for which something is
// queued, and reports whether it was the last: then nothing of that is left. A call
// tries for itself. p is locked.
func (p *peer) giveUp(addr string, err error) bool {
	most := p.k.config.MaxRetries
	if p.tries++; most == 0 || p.tries < most {
		return false
	}
	p.k.report(Event{Kind: GaveUp, Node: p.id, Addr: addr, Err: fmt.Errorf("%d attempts failed: %w", p.tries, err)})
	p.dropQueue("gave-up")
	p.kept, p.attempts, p.tries = false, 0, 0
	return true
}

// pause returns how long to wait after so many attempts that failed.
func (b Backoff) pause(attempts int) time.Duration {
	d := b.Max
	if shift := attempts - 1; shift < 30 && b.Min<<shift>>shift == b.Min {
		d = min(b.Max, b.Min<<shift)
	}
	return d/2 + rand.N(d/2+1)
}

// dial connects to an address, proves who is there, and makes that the link to
// the node. An empty id is any node.
func (k *Kernel) dial(ctx context.Context, addr, id string) (p *peer, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, dialTimeout, ErrTimeout)
	defer cancel()
	c, err := k.config.Network.Dial(ctx, addr)
	if err != nil {
		return nil, err
	}
	local := *k.local
	local.Admit = func(about Peer) error {
		err := k.judge(about)
		if err == nil {
			p, err = k.expect(about)
		}
		return err
	}
	s, err := session.Initiate(ctx, c, &local, id)
	if p != nil {
		defer p.unexpect()
	}
	if err != nil {
		return nil, err
	}
	l := newLink(k, p, s, c)
	l.dial = ctx
	l.start()
	select {
	case <-l.agreed:
		return p, nil
	case <-l.gone:
		return nil, l.cause
	case <-ctx.Done():
		l.fail(fmt.Errorf("the node did not take the connection: %w", ctxError(ctx)))
		return nil, l.cause
	}
}

// Connect connects to whatever node listens at addr and returns its id. The node
// can be reached by this id from then on. If there is a connection to it
// already, that one stays. It makes one attempt; the error says why it failed.
func (k *Kernel) Connect(ctx context.Context, addr string) (id string, err error) {
	for attempt := 0; ; attempt++ {
		p, err := k.dial(ctx, addr, "")
		var status *StatusError
		switch {
		case err == nil:
			p.mu.Lock()
			if p.link != nil { // else it may have been dropped already
				p.named = true
				p.addr = cmp.Or(p.addr, addr)
			}
			p.mu.Unlock()
			_, err = p.linkTo(ctx, false)
			return p.id, err
		case errors.As(err, &status) && status.Code == codeDuplicate:
			if p := k.peerAt(addr); p != nil {
				_, err = p.linkTo(ctx, true)
				return p.id, err
			}
			if attempt < 20 && sleep(ctx, k.config.Backoff.Min/2) {
				continue
			}
		}
		return "", fmt.Errorf("transport: connect to %s: %w", addr, err)
	}
}

// sleep pauses, and reports false if ctx ends first.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// peerAt returns the node that is connected and listens at addr.
func (k *Kernel) peerAt(addr string) *peer {
	for _, p := range k.peerList() {
		p.mu.Lock()
		found := p.guest == nil && p.link != nil && (p.addr == addr || p.link.peer.Remote == addr)
		p.mu.Unlock()
		if found {
			return p
		}
	}
	return nil
}
