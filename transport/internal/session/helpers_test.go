package session_test

import (
	"bytes"
	"context"
	"flag"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/clusterluck/clusterluck/transport/internal/session"
)

var (
	seed = flag.Int64("seed", 1, "seed of alterations")
	long = flag.Bool("long", false, "alter 50 times as much")
)

// cookie is the one of the vectors.
const cookie = "clk1-aaaqeayeaudaocajbifqydiob4ibceqtcqkrmfyydenbwha5dypq"

// other is a generated cookie that differs.
const other = "clk1-777777ybaeaqcaibaeaqcaibaeaqcaibaeaqcaibaeaqcaibaeaq"

// secrets returns secrets of generated cookies.
func secrets(t testing.TB, use string, accept ...string) *session.Secrets {
	t.Helper()
	s, err := session.NewSecrets(use, accept, session.SecretOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// local returns a node of a name, with an instance made of its first letter.
func local(t testing.TB, id string, use string, accept ...string) *session.Local {
	t.Helper()
	s := secrets(t, use, accept...)
	return &session.Local{
		ID: id, Instance: [16]byte([]byte(id + "----------------")[:16]), Addr: id + ".example:7000", Role: session.Node,
		Caps: 3, Window: 1 << 20, App: []byte("app of " + id), Secrets: func() *session.Secrets { return s },
	}
}

// fill is a source of "random" bytes that count up.
type fill byte

func (f fill) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(f) + byte(i)
	}
	return len(p), nil
}

// outcome is what one end of a handshake made of it.
type outcome struct {
	s   *session.Session
	err error
}

// shake runs both ends of a handshake over a pair of connections.
func shake(ctx context.Context, ci, cr net.Conn, i, r *session.Local, to string) (initiator, responder outcome) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		responder.s, responder.err = session.Respond(ctx, cr, r)
	}()
	initiator.s, initiator.err = session.Initiate(ctx, ci, i, to)
	<-done
	return initiator, responder
}

// pair returns the two ends of a session over memory.
func pair(t testing.TB, i, r *session.Local) (*session.Session, *session.Session) {
	t.Helper()
	ci, cr := net.Pipe()
	a, b := shake(t.Context(), ci, cr, i, r, r.ID)
	if a.err != nil || b.err != nil {
		t.Fatalf("handshake: initiator: %v, responder: %v", a.err, b.err)
	}
	t.Cleanup(func() { a.s.Close(); b.s.Close() })
	return a.s, b.s
}

// loopback returns both ends of a TCP connection.
func loopback(t testing.TB) (dialed, accepted net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if dialed, err = net.Dial("tcp", l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if accepted, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { dialed.Close(); accepted.Close() })
	return dialed, accepted
}

// A tape is a connection whose input is fixed: pieces that arrive one by one, then
// its end. Its output is kept.
type tape struct {
	in     [][]byte
	out    bytes.Buffer
	closed bool
}

func play(pieces ...[]byte) *tape { return &tape{in: pieces} }

func (c *tape) Read(p []byte) (int, error) {
	for len(c.in) > 0 && len(c.in[0]) == 0 {
		c.in = c.in[1:]
	}
	if len(c.in) == 0 {
		return 0, io.EOF
	}
	n := copy(p, c.in[0])
	c.in[0] = c.in[0][n:]
	return n, nil
}

func (c *tape) Write(p []byte) (int, error)      { return c.out.Write(p) }
func (c *tape) Close() error                     { c.closed = true; return nil }
func (c *tape) LocalAddr() net.Addr              { return address("tape") }
func (c *tape) RemoteAddr() net.Addr             { return address("tape") }
func (c *tape) SetDeadline(time.Time) error      { return nil }
func (c *tape) SetReadDeadline(time.Time) error  { return nil }
func (c *tape) SetWriteDeadline(time.Time) error { return nil }

// An address is one of a network in memory.
type address string

func (a address) Network() string { return "memory" }
func (a address) String() string  { return string(a) }

// A tap passes everything on and keeps what was written.
type tap struct {
	net.Conn
	mu   sync.Mutex
	sent bytes.Buffer
}

func (c *tap) Write(p []byte) (int, error) {
	c.mu.Lock()
	c.sent.Write(p)
	c.mu.Unlock()
	return c.Conn.Write(p)
}

func (c *tap) bytes() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	return bytes.Clone(c.sent.Bytes())
}

// readAll reads until an error.
func readAll(s *session.Session) (plain []byte, err error) {
	for err == nil {
		plain, err = s.Read(plain)
	}
	return plain, err
}

// send seals and writes plain.
func send(t testing.TB, s *session.Session, plain []byte) {
	t.Helper()
	sealed, err := s.Seal(nil, plain)
	if err == nil {
		_, err = s.Write(sealed)
	}
	if err != nil {
		t.Error(err)
	}
}
