package transporttest

import (
	"context"
	"net"
	"sync"
	"syscall"
)

// A Host is the network as one node sees it.
type Host struct {
	net     *Network
	name    string
	machine *machine

	// Guarded by net.mu.
	dead      bool
	frozen    bool
	listeners map[int]*listener
	conns     map[*conn]struct{}
	port      int // the last one picked
}

func newHost(n *Network, name string, m *machine) *Host {
	return &Host{
		net: n, name: name, machine: m, port: portFirst - 1,
		listeners: map[int]*listener{}, conns: map[*conn]struct{}{},
	}
}

// Name returns the host's name, the first part of its addresses.
func (h *Host) Name() string { return h.name }

// Listen takes connections at an address such as "a:7000". The host's part may
// be empty and must be this host's name otherwise; port 0 picks a free one.
// The error is EADDRINUSE or EADDRNOTAVAIL where a real one would be.
func (h *Host) Listen(addr string) (net.Listener, error) {
	a, err := parseAddr(addr)
	if err != nil {
		return nil, opError("listen", nil, nil, err)
	}
	if a.Host == "" {
		a.Host = h.name
	}
	h.net.mu.Lock()
	defer h.net.mu.Unlock()
	switch {
	case h.net.closed:
		return nil, opError("listen", nil, a, net.ErrClosed)
	case h.dead:
		return nil, opError("listen", nil, a, errDead)
	case a.Host != h.name:
		return nil, opError("listen", nil, a, syscall.EADDRNOTAVAIL)
	}
	for a.Port == 0 {
		if h.port++; h.port > portMax {
			h.port = portFirst
		}
		if h.listeners[h.port] == nil {
			a.Port = h.port
		}
	}
	if h.listeners[a.Port] != nil {
		return nil, opError("listen", nil, a, syscall.EADDRINUSE)
	}
	l := &listener{host: h, addr: a}
	l.arrived.L = &h.net.mu
	h.listeners[a.Port] = l
	return l, nil
}

// Dial connects to an address such as "b:7000". It fails with ECONNREFUSED if
// nobody listens there, with the context's error when that ends, with
// ETIMEDOUT after 127 seconds without an answer, and with a *net.DNSError if
// the network has no host of this name.
func (h *Host) Dial(ctx context.Context, addr string) (net.Conn, error) {
	a, err := parseAddr(addr)
	if err != nil {
		return nil, opError("dial", nil, nil, err)
	}
	n := h.net
	n.mu.Lock()
	defer n.mu.Unlock()
	m := n.hosts[a.Host]
	switch {
	case n.closed:
		return nil, opError("dial", nil, a, net.ErrClosed)
	case h.dead:
		return nil, opError("dial", nil, a, errDead)
	case ctx.Err() != nil:
		return nil, opError("dial", nil, a, ctx.Err())
	case m == nil:
		return nil, opError("dial", nil, a, &net.DNSError{Err: "no such host", Name: a.Host, IsNotFound: true})
	}
	c := h.connect(m, a)
	stop := context.AfterFunc(ctx, func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		c.readable.Broadcast()
	})
	defer stop()
	for {
		switch {
		case c.err != nil:
			c.closed = true
			c.end()
			return nil, opError("dial", nil, a, c.err)
		case c.open && !c.frozen:
			return c, nil
		case ctx.Err() != nil:
			c.closed = true
			c.end()
			return nil, opError("dial", nil, a, ctx.Err())
		}
		c.readable.Wait()
	}
}

// connect makes both ends of a connection and sends the first request.
func (h *Host) connect(to *machine, at Addr) *conn {
	n := h.net
	out, in := n.link(h.name, at.Host), n.link(at.Host, h.name)
	ord := out.dials
	out.dials++
	out.stats.Dials++
	from := Addr{Host: h.name, Port: portFirst + int(ord%(portMax+1-portFirst))}
	turn := turnFor(len(n.names))
	c, s := newConn(n, out, in, from, at), newConn(n, in, out, at, from)
	c.peer, s.peer = s, c
	for side, e := range []*conn{c, s} {
		e.period = turn.period
		e.lane = turn.lane(h.machine.index, to.index, ord, side)
		e.seed(n.seed, out.pair, ord, uint64(side))
		n.conns[e] = struct{}{}
	}
	c.host, c.frozen = h, h.frozen
	h.conns[c] = struct{}{}
	if !c.frozen {
		c.request()
	}
	return c
}

// closeListeners ends all listeners of the host.
func (h *Host) closeListeners() {
	for _, l := range h.listeners {
		l.close()
	}
}

// backlogMax is how many connections wait for Accept; requests above it are
// not answered, and repeated by those who dial.
const backlogMax = 128

type listener struct {
	host    *Host
	addr    Addr
	arrived sync.Cond
	backlog []*conn
	closed  bool
}

// Accept waits for a connection.
func (l *listener) Accept() (net.Conn, error) {
	n := l.host.net
	n.mu.Lock()
	defer n.mu.Unlock()
	for {
		switch {
		case l.closed:
			return nil, opError("accept", nil, l.addr, net.ErrClosed)
		case len(l.backlog) > 0 && !l.host.frozen:
			c := l.backlog[0]
			l.backlog = l.backlog[1:]
			return c, nil
		}
		l.arrived.Wait()
	}
}

// Close ends the listener; connections that nobody accepted are reset.
func (l *listener) Close() error {
	n := l.host.net
	n.mu.Lock()
	defer n.mu.Unlock()
	if l.closed {
		return opError("close", nil, l.addr, net.ErrClosed)
	}
	l.close()
	return nil
}

func (l *listener) close() {
	l.closed = true
	delete(l.host.listeners, l.addr.Port)
	for _, c := range l.backlog {
		c.closed = true
		c.kill()
	}
	l.backlog = nil
	l.arrived.Broadcast()
}

// Addr returns the address, with the port that was picked.
func (l *listener) Addr() net.Addr { return l.addr }
