package transport

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/clusterluck/clusterluck/transport/wire"
)

// monitors are what this node watches over a link.
type monitors struct {
	mu   sync.Mutex
	last uint64
	open map[uint64]func(error)
	err  error
}

func (m *monitors) add(down func(error)) (uint64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.err != nil {
		return 0, m.err
	}
	if m.open == nil {
		m.open = make(map[uint64]func(error))
	}
	m.last++
	m.open[m.last] = down
	return m.last, nil
}

// take ends a monitor, nil if it ended before.
func (m *monitors) take(corr uint64) func(error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	down := m.open[corr]
	delete(m.open, corr)
	return down
}

// len returns how many there are.
func (m *monitors) len() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.open)
}

func (m *monitors) fail(err error) {
	m.mu.Lock()
	open := m.open
	m.open, m.err = nil, err
	m.mu.Unlock()
	for _, down := range open {
		down(err)
	}
}

// Monitor calls down once when the server name on node ends: with [ErrStopped]
// or another reason of its own, with [ErrNoServer] if there is none now, with
// [ErrNodeDown] or [ErrNotConnected] when the node cannot be reached, or with
// [ErrName] if there can be no such server. It
// connects to the node if need be. After stop, down is not called any more,
// unless it is running already. Monitor does not block; down must not block
// for long.
func (k *Kernel) Monitor(node, name string, down func(error)) (stop func()) {
	ctx, cancel := context.WithTimeoutCause(context.Background(), k.config.CallTimeout, ErrTimeout)
	var over atomic.Bool // down was called, or must not be
	report := func(err error, sent bool) {
		if over.CompareAndSwap(false, true) {
			down(&RequestError{Node: node, Server: name, Err: err, Sent: sent})
		}
	}
	var mu sync.Mutex
	var demonitor func()
	started := k.spawn(func() {
		defer cancel()
		var l *link
		var corr uint64
		err := validName(name)
		if err == nil {
			l, err = k.linkTo(ctx, node)
		}
		if err == nil {
			corr, err = l.monitors.add(func(err error) { report(err, true) })
		}
		if err != nil {
			report(err, false)
			return
		}
		mu.Lock()
		defer mu.Unlock()
		if over.Load() {
			l.monitors.take(corr)
			return
		}
		l.watch(corr, name)
		demonitor = func() {
			if l.monitors.take(corr) != nil {
				l.control(func(b []byte) []byte { return wire.AppendDemonitor(b, corr) })
			}
		}
	})
	if !started {
		cancel()
		report(ErrClosed, false)
	}
	return func() {
		over.Store(true)
		cancel()
		mu.Lock()
		defer mu.Unlock()
		if demonitor != nil {
			demonitor()
		}
	}
}

// watch asks the peer to tell when a server ends.
func (l *link) watch(corr uint64, name string) {
	l.out.mu.Lock()
	if l.out.err != nil {
		l.out.mu.Unlock()
		return
	}
	to := l.out.name(name)
	b := &l.out.filling().lanes[laneControl]
	*b = wire.AppendMonitor(*b, corr, to)
	l.flushSoon()
}
