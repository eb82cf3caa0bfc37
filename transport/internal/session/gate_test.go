package session_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/clusterluck/clusterluck/transport/internal/session"
	"github.com/clusterluck/clusterluck/transport/wire"
)

// A hall is a listener in memory. What is put into fail is what the next calls
// of Accept return.
type hall struct {
	conns  chan net.Conn
	fail   chan error
	closed chan struct{}
	once   sync.Once
}

func newHall() *hall {
	return &hall{conns: make(chan net.Conn), fail: make(chan error, 100), closed: make(chan struct{})}
}

func (h *hall) Accept() (net.Conn, error) {
	select {
	case err := <-h.fail:
		return nil, err
	default:
	}
	select {
	case c := <-h.conns:
		return c, nil
	case err := <-h.fail:
		return nil, err
	case <-h.closed:
		return nil, net.ErrClosed
	}
}

func (h *hall) Close() error   { h.once.Do(func() { close(h.closed) }); return nil }
func (h *hall) Addr() net.Addr { return address("hall") }

// A caller is the accepted end of a connection from an address.
type caller struct {
	net.Conn
	from address
}

func (c caller) RemoteAddr() net.Addr { return c.from }

// dial connects from an address to the hall.
func (h *hall) dial(from string) net.Conn {
	c, accepted := net.Pipe()
	h.conns <- caller{accepted, address(from)}
	return c
}

// A visit is a connection of a test and when the other end closed it.
type visit struct {
	net.Conn
	start time.Time
	ended chan time.Duration
}

// visit connects and waits, in a goroutine of its own, for the other end to close.
func (h *hall) visit(from string) visit {
	v := visit{h.dial(from), time.Now(), make(chan time.Duration, 1)}
	go func() {
		io.Copy(io.Discard, v.Conn)
		v.ended <- time.Since(v.start)
	}()
	return v
}

// serve runs a gate over a hall until the test ends. Who is authenticated stays
// connected until then.
func serve(t *testing.T, c session.GateConfig, l *session.Local) (*session.Gate, *hall) {
	t.Helper()
	h, g := newHall(), session.NewGate(c)
	ctx, cancel := context.WithCancel(context.Background())
	var mu sync.Mutex
	var sessions []*session.Session
	done := make(chan error)
	go func() {
		done <- g.Serve(ctx, h, func(ctx context.Context, c net.Conn) error {
			s, err := session.Respond(ctx, c, l)
			if err != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			sessions = append(sessions, s)
			return nil
		})
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Serve: %v", err)
		}
		for _, s := range sessions {
			s.Close()
		}
	})
	return g, h
}

// 5,000 sockets that say nothing: at most 256 are read, at most 1,024 wait, the
// rest is closed at once, oldest first, and all are gone after 5 s. An address
// has at most 16 of those that are read.
func TestIdleSocketsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, h := serve(t, session.GateConfig{}, local(t, "bob", cookie))
		var visits []visit
		for n := range 5000 {
			visits = append(visits, h.visit(fmt.Sprintf("10.0.%d.%d:1", n%500/250, n%250)))
		}
		synctest.Wait()
		s := g.Stats()
		if s.Accepted != 5000 || s.Reading != 256 || s.Waiting != 1024 || s.Evicted != 5000-256-1024 {
			t.Errorf("%+v", s)
		}
		gone := 0
		for _, v := range visits[256 : 256+3720] {
			if len(v.ended) == 1 {
				gone++
			}
		}
		if gone != 3720 {
			t.Errorf("%d of those that came before the last 1,024 are closed, want 3,720", gone)
		}
		for n, v := range visits {
			if d := <-v.ended; d > session.HandshakeMax {
				t.Errorf("socket %d was closed after %v", n, d)
			}
		}
		synctest.Wait()
		if s := g.Stats(); s.Reading != 0 || s.Waiting != 0 {
			t.Errorf("after 5 s: %+v", s)
		}
	})
}

// One address cannot fill the house, also not from many addresses of one network
// of IPv6.
func TestAddressesAreLimited(t *testing.T) {
	tests := []struct {
		name    string
		address func(n int) string
		reading int
	}{
		{"one IPv4 address", func(n int) string { return fmt.Sprintf("10.0.0.1:%d", n) }, 16},
		{"IPv4 inside IPv6", func(n int) string { return []string{"10.0.0.1:1", "[::ffff:10.0.0.1]:1"}[n%2] }, 16},
		{"one /64", func(n int) string { return fmt.Sprintf("[2001:db8:1:2:%x::1]:1", n) }, 16},
		{"two /64", func(n int) string { return fmt.Sprintf("[2001:db8:1:%x::1]:1", n%2) }, 32},
		{"zones", func(n int) string { return fmt.Sprintf("[fe80::1%%eth%d]:1", n) }, 16},
		{"no IP address", func(int) string { return "memory" }, 16},
		{"many", func(n int) string { return fmt.Sprintf("10.0.0.%d:1", n) }, 100},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g, h := serve(t, session.GateConfig{}, local(t, "bob", cookie))
				for n := range 100 {
					h.visit(tt.address(n))
				}
				synctest.Wait()
				if s := g.Stats(); s.Reading != tt.reading || s.Waiting != 100-tt.reading {
					t.Errorf("%d are read and %d wait, want %d and %d", s.Reading, s.Waiting, tt.reading, 100-tt.reading)
				}
			})
		})
	}
}

// While others fill all their places and the queue, a node from elsewhere gets
// in at once, again and again.
func TestGoodHandshakesDuringAFlood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, h := serve(t, session.GateConfig{}, local(t, "bob", cookie))
		stop := make(chan struct{})
		go func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				case <-time.After(time.Millisecond): // 1,000 a second
					h.visit(fmt.Sprintf("10.0.0.%d:1", n%15))
				}
			}
		}()
		for n := range 30 {
			time.Sleep(500 * time.Millisecond)
			start := time.Now()
			s, err := session.Initiate(t.Context(), h.dial("192.0.2.1:1"), local(t, "ada", cookie), "bob")
			if err != nil {
				t.Fatalf("handshake %d: %v; %+v", n, err, g.Stats())
			}
			if d := time.Since(start); d > 0 {
				t.Errorf("handshake %d took %v", n, d)
			}
			s.Close()
		}
		close(stop)
	})
}

// If one address has taken all of its own places, those that are free next go to
// the newest that wait: they have time left. The others are closed when theirs is
// over, whether a place becomes free at that moment or not.
func TestNewestIsServedFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, h := serve(t, session.GateConfig{}, local(t, "bob", cookie))
		var visits []visit
		start := time.Now()
		for _, at := range []time.Duration{0, time.Second, 3 * time.Second, 4 * time.Second} {
			time.Sleep(at - time.Since(start))
			for range 20 {
				visits = append(visits, h.visit("10.0.0.1:1"))
			}
		}
		s, err := session.Initiate(t.Context(), h.dial("10.0.0.1:1"), local(t, "ada", cookie), "bob")
		if err != nil || time.Since(start) != 5*time.Second {
			t.Fatalf("after %v: %v", time.Since(start), err)
		}
		s.Close()
		for n, v := range visits {
			if d := <-v.ended; d != session.HandshakeMax {
				t.Errorf("socket %d was closed after %v", n, d)
			}
		}
		synctest.Wait()
		if s := g.Stats(); s.Expired < 40 || s.Reading+s.Waiting != 0 {
			t.Errorf("%+v", s)
		}
	})
}

// Who sends a byte now and then keeps his place no longer than who sends none.
// The time that a connection waits counts.
func TestSlowTalkersAreCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, h := serve(t, session.GateConfig{}, local(t, "bob", cookie))
		greeting := append(wire.AppendPreamble(nil, wire.Preamble{Max: 1, Min: 1, Role: 1}), 4, 0)
		var visits []visit
		for range 40 {
			v := h.visit("10.0.0.1:1")
			visits = append(visits, v)
			go func() {
				for n := 0; ; n++ {
					time.Sleep(100 * time.Millisecond)
					b := byte(0)
					if n < len(greeting) {
						b = greeting[n]
					}
					if _, err := v.Write([]byte{b}); err != nil {
						return
					}
				}
			}()
		}
		for n, v := range visits {
			if d := <-v.ended; d != session.HandshakeMax {
				t.Errorf("slow talker %d was cut off after %v", n, d)
			}
		}
		synctest.Wait()
		s := g.Stats()
		if s.Failed[session.ReasonTimeout]+s.Expired != 40 || s.Failed[session.ReasonTimeout] < 16 {
			t.Errorf("%+v", s)
		}
		time.Sleep(time.Second) // until all of them have noticed
	})
}

// An error of Accept never ends the service. The pauses double up to a second,
// and start anew after a success; each frees a socket of those that wait.
func TestAcceptErrorsBackOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, h := serve(t, session.GateConfig{}, local(t, "bob", cookie))
		for range 20 {
			h.visit("10.0.0.1:1")
		}
		synctest.Wait()
		for _, round := range []struct {
			errs int
			want time.Duration
		}{{3, 35 * time.Millisecond}, {10, 5*255*time.Millisecond + 2*time.Second}, {1, 5 * time.Millisecond}} {
			start := time.Now()
			for range round.errs {
				h.fail <- &net.OpError{Op: "accept", Err: syscall.EMFILE}
			}
			synctest.Wait()
			s, err := session.Initiate(t.Context(), h.dial("10.0.0.2:1"), local(t, "ada", cookie), "bob")
			if err != nil {
				t.Fatal(err)
			}
			if d := time.Since(start); d != round.want {
				t.Errorf("after %d errors it took %v, want %v", round.errs, d, round.want)
			}
			s.Close()
		}
		if s := g.Stats(); s.AcceptErrors != 14 || s.Evicted != 4 {
			t.Errorf("%+v", s)
		}
	})
}

// The end of the context, or of the listener, ends all that is not authenticated,
// and leaves nothing behind: the bubble would see it.
func TestServeEnds(t *testing.T) {
	for _, byContext := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			h, g := newHall(), session.NewGate(session.GateConfig{})
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			done := make(chan error)
			go func() {
				done <- g.Serve(ctx, h, func(ctx context.Context, c net.Conn) error {
					_, err := session.Respond(ctx, c, local(t, "bob", cookie))
					time.Sleep(time.Second) // Serve waits for this
					return err
				})
			}()
			start := time.Now()
			var visits []visit
			for range 100 {
				visits = append(visits, h.visit("10.0.0.1:1"))
			}
			time.Sleep(time.Second)
			if byContext {
				cancel()
			} else {
				h.Close()
			}
			if err := <-done; byContext && err != nil || !byContext && !errors.Is(err, net.ErrClosed) {
				t.Errorf("by context %v: %v", byContext, err)
			}
			if d := time.Since(start); d != 2*time.Second {
				t.Errorf("by context %v: it took %v", byContext, d)
			}
			for _, v := range visits {
				if d := <-v.ended; d != time.Second {
					t.Errorf("by context %v: closed after %v", byContext, d)
				}
			}
			if s := g.Stats(); s.Reading != 0 || s.Waiting != 0 || len(s.Failed) != 0 {
				t.Errorf("by context %v: %+v", byContext, s)
			}
		})
	}
}

// Two listeners share the limits of a gate. When one is closed, what waits there
// for a place that the other's connections hold is closed too.
func TestGateOfTwoListeners(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := session.NewGate(session.GateConfig{Reading: 1})
		halls, done := []*hall{newHall(), newHall()}, make(chan error)
		bob := local(t, "bob", cookie)
		for _, h := range halls {
			go func() {
				done <- g.Serve(t.Context(), h, func(ctx context.Context, c net.Conn) error {
					_, err := session.Respond(ctx, c, bob)
					return err
				})
			}()
		}
		first, second := halls[0].visit("10.0.0.1:1"), halls[1].visit("10.0.0.2:1")
		synctest.Wait()
		if s := g.Stats(); s.Reading != 1 || s.Waiting != 1 {
			t.Errorf("%+v", s)
		}
		halls[1].Close()
		if err := <-done; !errors.Is(err, net.ErrClosed) {
			t.Error(err)
		}
		if d := <-second.ended; d != 0 {
			t.Errorf("what waited was closed after %v", d)
		}
		if d := <-first.ended; d != session.HandshakeMax {
			t.Errorf("what was read was closed after %v", d)
		}
		halls[0].Close()
		<-done
	})
}
