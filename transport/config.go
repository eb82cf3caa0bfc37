package transport

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/clusterluck/clusterluck/transport/wire"
)

// A Network makes the connections of a kernel. Package transporttest has one in
// memory. Its methods are called by several goroutines at once.
type Network interface {
	Dial(ctx context.Context, addr string) (net.Conn, error)
	Listen(addr string) (net.Listener, error)
}

// A Backoff bounds the pause between two attempts to reach a node. It doubles
// from Min to Max, and each pause is drawn from its upper half.
type Backoff struct {
	Min, Max time.Duration
}

// A Config says what a kernel is and what it may use. A zero field has the
// default that stands beside it.
type Config struct {
	ID        string // names the node; unique in its cluster; required
	Addr      string // "host:port" to listen on, port 0 for any; empty: the node only dials
	Advertise string // what others dial; the address that it listens on

	// Cookie is the secret that all nodes share. AcceptCookies are accepted beside
	// it, so that nodes can be given a new cookie one by one. A cookie made by
	// [NewCookie] is best; another has at least 16 characters, unless
	// AllowWeakCookie is set. Insecure runs without a cookie: anybody who reaches
	// Addr may do anything, so that only loopback addresses are allowed unless
	// InsecureAnywhere is set too. Of a Network of your own nothing is known, so that
	// it may be listened on anywhere.
	Cookie           string
	AcceptCookies    []string
	AllowWeakCookie  bool
	Insecure         bool
	InsecureAnywhere bool

	Role Role        // what the node is to others; RoleNode
	TLS  *tls.Config // runs each connection inside TLS 1.3, which the cookie is bound to; nil: without

	Network Network // TCP

	CallTimeout  time.Duration // of a call whose context has no earlier deadline; 5 s
	QueueLen     int           // requests kept for a node that is not connected; 1024
	QueueBytes   int           // and their bytes; 16 MiB
	BodyMax      int           // longest body that is sent or taken; 16 MiB
	Window       int           // bytes of requests that a connection may hold for busy services, beside a longest body; 4 MiB
	Backoff      Backoff       // 100 ms to 5 s
	MaxRetries   int           // attempts to reach a node before the kernel gives it up; 0: no limit
	PingEvery    time.Duration // silence after which a node is pinged; 5 s
	PingTimeout  time.Duration // silence after which a connection is given up; 15 s
	DrainTimeout time.Duration // what a graceful close waits for what is under way, and again for the farewell; 5 s
	IdleTimeout  time.Duration // after which a connection that this node dialed on demand is closed if nothing is under way on it; 0: never

	App   []byte           // at most 256 bytes that a peer's Admit sees
	Admit func(Peer) error // judges a peer that proved its key; nil: welcome

	// OnEvent is told what happens, in order, by one goroutine of the kernel. It
	// may take its time, but must not wait for the kernel to close.
	OnEvent func(Event)

	EncodeLocal bool         // servers encode local messages too, so that tests find what shares memory
	Logger      *slog.Logger // nil: silent
}

// withDefaults returns c with its zero fields set.
func (c Config) withDefaults() Config {
	set := func(d *time.Duration, value time.Duration) {
		if *d == 0 {
			*d = value
		}
	}
	count := func(n *int, value int) {
		if *n == 0 {
			*n = value
		}
	}
	set(&c.CallTimeout, 5*time.Second)
	set(&c.Backoff.Min, 100*time.Millisecond)
	set(&c.Backoff.Max, max(5*time.Second, c.Backoff.Min))
	set(&c.PingEvery, 5*time.Second)
	set(&c.PingTimeout, 3*c.PingEvery)
	set(&c.DrainTimeout, 5*time.Second)
	count(&c.QueueLen, 1024)
	count(&c.QueueBytes, 16<<20)
	count(&c.BodyMax, 16<<20)
	count(&c.Window, 4<<20)
	if c.Role == 0 {
		c.Role = RoleNode
	}
	if c.Network == nil {
		c.Network = tcp{}
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

// validate reports the first field that cannot be used.
func (c *Config) validate() error {
	if err := validName(c.ID); err != nil {
		return fmt.Errorf("transport: %w: ID: %w", ErrConfig, err)
	}
	durations := []struct {
		name  string
		value time.Duration
	}{
		{"CallTimeout", c.CallTimeout}, {"Backoff.Min", c.Backoff.Min}, {"Backoff.Max", c.Backoff.Max}, {"PingEvery", c.PingEvery},
		{"PingTimeout", c.PingTimeout}, {"DrainTimeout", c.DrainTimeout}, {"IdleTimeout", c.IdleTimeout},
	}
	for _, d := range durations {
		if d.value < 0 {
			return fmt.Errorf("transport: %w: %s is %v; give 0 for the default, or more", ErrConfig, d.name, d.value)
		}
	}
	counts := []struct {
		name  string
		value int
	}{{"QueueLen", c.QueueLen}, {"QueueBytes", c.QueueBytes}, {"BodyMax", c.BodyMax}, {"Window", c.Window}, {"MaxRetries", c.MaxRetries}}
	for _, n := range counts {
		if n.value < 0 || n.value > 1<<30 {
			return fmt.Errorf("transport: %w: %s is %d; give 0 for the default, or up to %d", ErrConfig, n.name, n.value, 1<<30)
		}
	}
	switch {
	case c.Backoff.Max < c.Backoff.Min:
		return fmt.Errorf("transport: %w: Backoff.Max is %v, less than Backoff.Min, %v", ErrConfig, c.Backoff.Max, c.Backoff.Min)
	case c.Window < 2*wire.FrameMax:
		return fmt.Errorf("transport: %w: Window is %d; a connection needs %d or more", ErrConfig, c.Window, 2*wire.FrameMax)
	case len(c.App) > appMax:
		return fmt.Errorf("transport: %w: App has %d bytes of at most %d", ErrConfig, len(c.App), appMax)
	}
	return c.validateInsecure()
}

const appMax = 256 // bytes of Config.App

// validateInsecure refuses to listen without a cookie where strangers reach.
func (c *Config) validateInsecure() error {
	if !c.Insecure || c.InsecureAnywhere || c.Addr == "" {
		return nil
	}
	host, _, err := net.SplitHostPort(c.Addr)
	if err != nil {
		return fmt.Errorf("transport: %w: Addr: %w", ErrConfig, err)
	}
	if ip := net.ParseIP(host); host == "localhost" || ip != nil && ip.IsLoopback() {
		return nil
	}
	if _, ok := c.Network.(tcp); !ok {
		return nil
	}
	return fmt.Errorf("transport: %w: without a cookie Addr must be on loopback, not %q; give a cookie, or set InsecureAnywhere", ErrConfig, c.Addr)
}

// tcp is the network of the operating system. Go sets TCP_NODELAY.
type tcp struct{}

func (tcp) Dial(ctx context.Context, addr string) (net.Conn, error) {
	var d net.Dialer
	return d.DialContext(ctx, "tcp", addr)
}

func (tcp) Listen(addr string) (net.Listener, error) { return net.Listen("tcp", addr) }
