package transport_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/clusterluck/clusterluck/transport"
	"github.com/clusterluck/clusterluck/transport/internal/session"
	"github.com/clusterluck/clusterluck/transport/transporttest"
	"github.com/clusterluck/clusterluck/transport/wire"
)

// hangUp answers the next connection to a host as a node does, says yes to it, and
// closes it.
func (w *world) hangUp(id string) {
	l, err := w.net.Host(id).Listen(id + ":1")
	if err != nil {
		w.t.Fatal(err)
	}
	secrets, err := session.NewSecrets(cookie, nil, session.SecretOptions{})
	if err != nil {
		w.t.Fatal(err)
	}
	local := &session.Local{ID: id, Window: 1 << 20, Role: session.Node, Secrets: func() *session.Secrets { return secrets }}
	c, err := l.Accept()
	l.Close()
	if err != nil {
		w.t.Error(err)
		return
	}
	defer c.Close()
	s, err := session.Respond(w.t.Context(), c, local)
	if err != nil {
		w.t.Error(err)
		return
	}
	yes, err := s.Seal(nil, wire.AppendAck(nil, 0))
	if err != nil {
		w.t.Error(err)
	}
	c.Write(yes)
}

// A call must not wait for a connection that nobody makes, because one broke at
// the moment in which it was made.
func TestCallsDoNotWaitForNobody(t *testing.T) {
	for i := range 100 {
		bubble(t, func(w *world) {
			a := w.start("a", nil)
			a.Know("b", "b:1")
			go func() {
				w.hangUp("b")
				w.start("b", nil).Register("echo", &echo{})
			}()
			pass(time.Millisecond)
			start := time.Now()
			for range 3 {
				_, err := a.Call(w.t.Context(), "b", "echo", body("x"))
				if errors.Is(err, transport.ErrTimeout) || time.Since(start) > time.Second {
					w.t.Fatalf("round %d: %v after %v", i, err, time.Since(start))
				}
			}
		})
	}
}

// A call that waits goes on trying with pauses that grow, as for a node that is
// kept.
func TestWaitingCallsPause(t *testing.T) {
	bubble(t, func(w *world) {
		a := w.start("a", nil)
		a.Know("b", "b:1")
		ctx, cancel := contextFor(w, time.Minute)
		defer cancel()
		m := body("x")
		m.Wait = true
		if _, err := a.Call(ctx, "b", "echo", m); !errors.Is(err, transport.ErrTimeout) {
			w.t.Errorf("Call = %v", err)
		}
		if n := len(w.seen("a", transport.DialFailed)); n < 12 || n > 35 {
			w.t.Errorf("%d attempts in a minute", n)
		}
		pass(time.Minute)
		if n := len(w.seen("a", transport.DialFailed)); n > 36 {
			w.t.Errorf("%d attempts, also when nobody waits", n)
		}
	})
}

// Calls that fail by themselves are not what MaxRetries bounds.
func TestFailedCallsGiveNothingUp(t *testing.T) {
	bubble(t, func(w *world) {
		a := w.start("a", func(c *transport.Config) { c.MaxRetries = 3 })
		a.Know("b", "b:1")
		for range 10 {
			a.Call(w.t.Context(), "b", "echo", body("x"))
			pass(time.Second)
		}
		if n := len(w.seen("a", transport.GaveUp)); n > 0 {
			w.t.Errorf("given up %d times, though nobody tried for longer than a call", n)
		}
		a.Keep("b", "")
		pass(time.Minute)
		if n := len(w.seen("a", transport.DialFailed)); n != 13 || len(w.seen("a", transport.GaveUp)) != 1 {
			w.t.Errorf("%d attempts, want 10 of calls and 3 to keep the node", n)
		}
	})
}

// Who drops a node while it is being dialed is not connected to it a moment
// later.
func TestDropEndsADial(t *testing.T) {
	for _, after := range []time.Duration{10, 60, 110, 160, 210, 260} { // at each step of the handshake
		bubble(t, func(w *world) {
			a := w.start("a", nil)
			w.start("b", nil)
			for _, way := range [][2]string{{"a", "b"}, {"b", "a"}} {
				w.net.Set(way[0], way[1], transporttest.Faults{DelayMin: 50 * time.Millisecond, DelayMax: 50 * time.Millisecond})
			}
			a.Keep("b", "b:1")
			pass(after * time.Millisecond)
			a.Drop("b", true)
			pass(time.Second)
			if p, ok := a.Peer("b"); ok {
				w.t.Errorf("dropped after %d ms, and then: %+v", after, p)
			}
			if failed := w.seen("a", transport.DialFailed); len(failed) > 0 {
				w.t.Errorf("dropped after %d ms, and told of %v", after, failed[0].Err)
			}
			if a.Keep("b", "b:1") != nil {
				w.t.Fatal("not kept")
			}
			pass(time.Second)
			if p, _ := a.Peer("b"); !p.Connected {
				w.t.Errorf("dropped after %d ms, kept again, and then: %+v", after, p)
			}
		})
	}
}

// An address that worked is not given up for one that the node claims.
func TestDialedAddressIsKept(t *testing.T) {
	bubble(t, func(w *world) {
		a := w.start("a", nil)
		w.start("b", func(c *transport.Config) { c.Advertise = "nowhere:1" })
		a.Keep("b", "b:1")
		settle()
		w.net.Reset("a", "b")
		pass(time.Second)
		if p, _ := a.Peer("b"); !p.Connected || p.Addr != "b:1" {
			w.t.Errorf("after a break: %+v", p)
		}
	})
}

// A cast that the queue can never hold does not empty it.
func TestCastLargerThanTheQueue(t *testing.T) {
	bubble(t, func(w *world) {
		a := w.start("a", func(c *transport.Config) { c.QueueBytes = 1000 })
		a.Know("b", "b:1")
		for i := range 3 {
			if err := a.Cast(w.t.Context(), "b", "box", body(fmt.Sprint(i))); err != nil {
				w.t.Fatal(err)
			}
		}
		for _, size := range []int{998, 100_000} {
			if err := a.Cast(w.t.Context(), "b", "box", body(strings.Repeat("x", size))); !errors.Is(err, transport.ErrTooLarge) {
				w.t.Errorf("a cast of %d bytes: %v", size, err)
			}
		}
		if s := a.Stats(); s.QueuedCasts != 3 || len(w.drops("a")) > 0 {
			w.t.Errorf("%d casts are queued of 3, and %v were dropped", s.QueuedCasts, w.drops("a"))
		}
		if err := a.Cast(w.t.Context(), "b", "box", body(strings.Repeat("x", 997))); err != nil {
			w.t.Errorf("a cast that just fits: %v", err)
		}
	})
}

// A context that has ended closes the node; Start and Close do not collide.
func TestStartWithAContextThatEnded(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for range 20 {
		k, err := transport.Start(ctx, transport.Config{ID: "a", Addr: "127.0.0.1:0", Cookie: cookie, OnEvent: func(transport.Event) {}})
		if err != nil {
			t.Fatal(err)
		}
		<-k.Done()
		k.Close()
	}
}

// Start says so when its address is taken, and the node that has it goes on.
func TestPortInUse(t *testing.T) {
	a := node(t, "a", nil)
	a.Register("echo", &echo{})
	_, err := transport.Start(t.Context(), transport.Config{ID: "b", Addr: a.Addr(), Cookie: cookie})
	if !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("Start on a port in use: %v", err)
	}
	b := node(t, "b", nil)
	if _, err := b.Connect(t.Context(), a.Addr()); err != nil {
		t.Errorf("the node that has the port: %v", err)
	}
}
