package transport

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/clusterluck/clusterluck/transport/wire"
)

// pings are the pings of a link that somebody waits for.
type pings struct {
	mu      sync.Mutex
	last    uint64
	waiting map[uint64]chan error
	err     error
}

// add returns the number of a ping and where its answer comes.
func (p *pings) add() (uint64, chan error, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err != nil {
		return 0, nil, p.err
	}
	if p.waiting == nil {
		p.waiting = make(map[uint64]chan error)
	}
	p.last++
	done := make(chan error, 1)
	p.waiting[p.last] = done
	return p.last, done, nil
}

// end gives a ping its answer.
func (p *pings) end(seq uint64, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if done := p.waiting[seq]; done != nil {
		done <- err
		delete(p.waiting, seq)
	}
}

// fail ends all pings.
func (p *pings) fail(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.err = err
	for _, done := range p.waiting {
		done <- err
	}
	p.waiting = nil
}

// Ping returns how long the node takes to answer. It connects to the node if
// need be. Pings overtake requests that wait to be sent.
func (k *Kernel) Ping(ctx context.Context, node string) (time.Duration, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, k.config.CallTimeout, ErrTimeout)
	defer cancel()
	l, err := k.linkTo(ctx, node)
	if err != nil {
		return 0, &RequestError{Node: node, Err: err}
	}
	start := time.Now()
	seq, done, err := l.pings.add()
	if err != nil {
		return 0, &RequestError{Node: node, Err: err}
	}
	l.ping(seq)
	select {
	case err = <-done:
	case <-ctx.Done():
		l.pings.end(seq, nil)
		err = context.Cause(ctx)
	}
	if err != nil {
		return 0, &RequestError{Node: node, Err: err, Sent: true}
	}
	return time.Since(start), nil
}

func (l *link) ping(seq uint64) {
	accepted := l.in.accepted.Load()
	l.control(func(b []byte) []byte { return wire.AppendPing(b, seq, accepted) })
}

// check pings a link that is silent, and ends one that stays so. A link that
// was dialed on demand and is idle is closed. Nothing is said on a link before
// the nodes agreed on it.
func (l *link) check(now int64) {
	if !l.attached.Load() {
		return
	}
	c := &l.k.config
	silent := time.Duration(now - l.lastRead.Load())
	switch {
	case silent >= c.PingTimeout:
		l.fail(fmt.Errorf("%w: nothing came for %v", errSilent, silent.Round(time.Millisecond)))
		return
	case silent >= c.PingEvery && l.pinged.CompareAndSwap(0, now):
		l.ping(0)
	}
	switch {
	case c.IdleTimeout == 0 || !l.peer.Initiator || l.leaves.Load():
	case l.used.Swap(false) || l.isBusy(now):
		l.usedAt = now
	case time.Duration(now-l.usedAt) >= c.IdleTimeout && !l.owner.isKept():
		l.k.spawn(func() { l.leave(codeIdle, "nothing was sent for a while") })
	}
}

// use notes that a request or an answer was sent or came. It costs next to
// nothing: the clock is read by check.
func (l *link) use() {
	if !l.used.Load() {
		l.used.Store(true)
	}
	if l.pumps.Load() > 0 {
		l.beside.Add(1)
	}
}

// isBusy reports whether something is under way that needs the link: a call of
// either side, a stream, a monitor.
func (l *link) isBusy(now int64) bool {
	open := l.open.Load()
	if open != 0 && now > l.calledUntil.Load() {
		l.open.CompareAndSwap(open, 0) // calls that were given up, and nobody said so
		open = 0
	}
	return l.calls.len() > 0 || open > 0 || l.ins.len() > 0 || l.outs.len() > 0 || l.monitors.len() > 0 || l.k.registry.watchedBy(l) > 0
}
