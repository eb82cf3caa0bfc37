package transporttest

import (
	"context"
	"crypto/tls"
	"net"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/clusterluck/clusterluck/transport"
)

// A Harness says on what [Conformance] runs.
type Harness struct {
	Fabric func() Fabric // makes the network of one test
	Bubble bool          // runs each test in a bubble of testing/synctest, which the Fabric must allow
	TLS    *tls.Config   // of all nodes; nil: without
}

// A Fabric connects the nodes of a test.
type Fabric interface {
	// Node returns the network of the node of this name. After Kill it returns
	// that of the restarted node.
	Node(name string) transport.Network
	// Addr returns what the node listens at. It stays the same when the node
	// starts again.
	Addr(name string) string
	// Kill breaks all connections of the node and makes its network useless.
	Kill(name string)
	// Close ends everything.
	Close() error
}

// run runs one test on a new fabric.
func (h Harness) run(t *testing.T, test func(t *testing.T, f Fabric)) {
	t.Helper()
	inside := func(t *testing.T) {
		f := h.Fabric()
		defer f.Close()
		test(t, f)
	}
	if h.Bubble {
		synctest.Test(t, inside)
		return
	}
	inside(t)
}

// Memory returns a Fabric that is n. Nodes listen at port 7000 of their hosts.
func Memory(n *Network) Fabric { return memory{n} }

type memory struct{ *Network }

func (m memory) Node(name string) transport.Network { return m.Host(name) }

func (m memory) Addr(name string) string { return name + ":7000" }

// Loopback returns a Fabric of TCP connections on 127.0.0.1.
func Loopback() Fabric {
	return &loopback{nodes: map[string]*tcpNode{}, addrs: map[string]string{}}
}

// A loopback remembers connections, so that it can break them.
type loopback struct {
	mu    sync.Mutex
	nodes map[string]*tcpNode
	addrs map[string]string
}

func (l *loopback) Node(name string) transport.Network {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.nodes[name] == nil {
		l.nodes[name] = &tcpNode{fabric: l, name: name}
	}
	return l.nodes[name]
}

func (l *loopback) Addr(name string) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if addr := l.addrs[name]; addr != "" {
		return addr
	}
	return "127.0.0.1:0"
}

func (l *loopback) Kill(name string) {
	l.mu.Lock()
	n := l.nodes[name]
	delete(l.nodes, name)
	l.mu.Unlock()
	if n != nil {
		n.kill()
	}
}

func (l *loopback) Close() error {
	l.mu.Lock()
	nodes := l.nodes
	l.nodes = map[string]*tcpNode{}
	l.mu.Unlock()
	for _, n := range nodes {
		n.kill()
	}
	return nil
}

// A tcpNode is the network of one node. It hands out connections as they are,
// so that a kernel may use what only sockets can.
type tcpNode struct {
	fabric *loopback
	name   string

	mu     sync.Mutex
	killed bool
	conns  []*net.TCPConn
	listen []net.Listener
}

func (n *tcpNode) Dial(ctx context.Context, addr string) (net.Conn, error) {
	var d net.Dialer
	c, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	return n.keep(c, "dial")
}

func (n *tcpNode) Listen(addr string) (net.Listener, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.killed {
		return nil, opError("listen", nil, nil, errDead)
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, err
	}
	n.listen = append(n.listen, l)
	n.fabric.mu.Lock()
	defer n.fabric.mu.Unlock()
	n.fabric.addrs[n.name] = l.Addr().String()
	return &tcpListener{l, n}, nil
}

// keep remembers a connection, or breaks it if the node was killed meanwhile.
func (n *tcpNode) keep(c net.Conn, op string) (net.Conn, error) {
	tcp := c.(*net.TCPConn)
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.killed {
		reset(tcp)
		return nil, opError(op, nil, c.RemoteAddr(), errDead)
	}
	n.conns = append(n.conns, tcp)
	return c, nil
}

func (n *tcpNode) kill() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.killed = true
	for _, l := range n.listen {
		l.Close()
	}
	for _, c := range n.conns {
		reset(c)
	}
	n.conns = nil
}

// reset closes a connection as the end of a process does that left bytes
// unread.
func reset(c *net.TCPConn) {
	c.SetLinger(0)
	c.Close()
}

type tcpListener struct {
	net.Listener
	node *tcpNode
}

func (l *tcpListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return l.node.keep(c, "accept")
}
