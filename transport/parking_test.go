package transport_test

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/clusterluck/clusterluck/transport"
	"github.com/clusterluck/clusterluck/transport/transporttest"
	"github.com/clusterluck/clusterluck/transport/wire"
)

// A wall is always full.
type wall struct{ asked chan struct{} }

func newWall() *wall { return &wall{asked: make(chan struct{}, 1)} }

func (w *wall) Deliver(*transport.Delivery) bool {
	select {
	case w.asked <- struct{}{}:
	default:
	}
	return false
}

func (w *wall) Cancel(transport.CallRef)  {}
func (w *wall) LinkDown(transport.LinkID) {}

// A gate keeps the reader of a connection until it is opened.
type gate struct{ reached, open chan struct{} }

func (g *gate) Deliver(*transport.Delivery) bool {
	close(g.reached)
	<-g.open
	return true
}

func (g *gate) Cancel(transport.CallRef)  {}
func (g *gate) LinkDown(transport.LinkID) {}

// reset ends the connection so that the node's next write fails.
func (e *evil) reset() {
	e.conn.(*net.TCPConn).SetLinger(0)
	e.conn.Close()
}

// within fails the test if f takes longer than d.
func within(t *testing.T, d time.Duration, what string, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	select {
	case <-done:
	case <-time.After(d):
		t.Fatalf("%s takes more than %v", what, d)
	}
}

// The answer to a call that the kernel kept may be what finds the connection
// broken. That ends the connection, and nothing else.
func TestRefusalFindsTheLinkBroken(t *testing.T) {
	for i := range 20 {
		victim := node(t, fmt.Sprint("victim", i), nil)
		full, g := newWall(), &gate{make(chan struct{}), make(chan struct{})}
		victim.Register("full", full)
		victim.Register("gate", g)
		e := newEvil(t, victim)
		e.say(messages(named(wire.KindCall, "full", wire.Msg{Corr: 1, TTL: 60_000}), named(wire.KindCast, "gate", wire.Msg{})))
		<-g.reached // so that the reader does not see the reset first
		e.reset()
		within(t, 5*time.Second, "Unregister", func() { victim.Unregister("full", full, nil) })
		close(g.open)
		within(t, 5*time.Second, "Close", func() { victim.Close() })
	}
}

// Long bodies are held back like other requests: what a busy service is kept is
// bounded by bytes that arrived, not by frames that announced them.
func TestSendersOfLongBodiesWaitForBusyService(t *testing.T) {
	for _, size := range []int{100 << 10, 1 << 20} {
		bubble(t, func(w *world) {
			const window, total = 1 << 20, 20 << 20
			a := w.start("a", nil)
			b := w.start("b", func(c *transport.Config) { c.Window = window })
			w.connect(a, "b")
			back, slow := record(w, a, "box", -1), record(w, b, "slow", 0)
			var sent atomic.Int64
			done := make(chan struct{})
			n := total / size
			go func() {
				defer close(done)
				for i := range n {
					if err := a.Cast(w.t.Context(), "b", "slow", transport.Message{Body: append(make([]byte, size), fmt.Sprint(i)...)}); err != nil {
						w.t.Error(err)
					}
					sent.Add(1)
				}
			}()
			pass(time.Second)
			if held := int(sent.Load()) * size; held > 2*window+2*size || held < window/2 {
				w.t.Errorf("bodies of %d: %d bytes were sent to a service that takes none, with a window of %d", size, held, window)
			}
			if b.Cast(w.t.Context(), "a", "box", body(strings.Repeat("x", 100<<10))); len(back.bodies()) != 1 {
				w.t.Error("nothing goes in the other direction")
			}
			slow.take(-1)
			<-done
			got := slow.bodies()
			for i := range n {
				if i >= len(got) || got[i][size:] != fmt.Sprint(i) {
					w.t.Fatalf("bodies of %d: %d of %d arrived; the %d. is out of order or missing", size, len(got), n, i)
				}
			}
		})
	}
}

// A sender whose connection breaks again and again gets a window with each. What
// is kept of it for a busy service is bounded all the same, and each cast arrives
// or is reported.
func TestBreaksDoNotAddUpWindows(t *testing.T) {
	bubble(t, func(w *world) {
		const window, size = 256 << 10, 20_000
		a := w.start("a", nil)
		b := w.start("b", func(c *transport.Config) { c.Window = window })
		slow := record(w, b, "slow", 0)
		a.Know("b", "b:1")
		sent := 0
		for range 40 {
			ctx, cancel := contextFor(w, 500*time.Millisecond)
			for range 100 {
				if a.Cast(ctx, "b", "slow", transport.Message{Body: make([]byte, size)}) != nil {
					break
				}
				sent++
			}
			cancel()
			w.net.Reset("a", "b")
			settle()
		}
		slow.take(-1)
		pass(time.Minute)
		got := len(slow.bodies())
		if told := int(reported(w, "a", "slow")); got+told < sent || told == 0 {
			w.t.Errorf("of %d casts %d arrived and %d were reported", sent, got, told)
		}
		if kept := got * size; kept > 6*window {
			w.t.Errorf("%d bytes were kept, with a window of %d", kept, window)
		}
	})
}

// Casts that the kernel keeps when the connection is gone are counted when
// nothing becomes of them.
func TestLostCastsAreCounted(t *testing.T) {
	pair(t, func(w *world, a, b *transport.Kernel) {
		full := record(w, b, "full", 0)
		record(w, b, "other", 0)
		for range 3 {
			a.Cast(w.t.Context(), "b", "full", body("x"))
			a.Cast(w.t.Context(), "b", "other", body("x"))
		}
		settle()
		w.net.Reset("a", "b")
		settle()
		b.Unregister("full", full, nil)
		settle()
		b.Close()
		if lost := b.Stats().Lost; lost["no-server"] != 3 || lost["closed"] != 3 {
			w.t.Errorf("counted as %v", lost)
		}
		var n uint64
		for _, e := range w.seen("b", transport.Lost) {
			if n += e.Count; e.Node != "a" || e.Server == "" {
				w.t.Errorf("reported as %+v", e)
			}
		}
		if n != 6 {
			w.t.Errorf("%d of 6 were reported", n)
		}
	})
}

// A service that forgets a connection when it is gone still gets what came over
// it.
func TestCastsOutliveTheirConnection(t *testing.T) {
	pair(t, func(w *world, a, b *transport.Kernel) {
		box := record(w, b, "box", 0)
		for range 3 {
			a.Cast(w.t.Context(), "b", "box", body("x"))
		}
		settle()
		box.mu.Lock()
		box.full = nil
		box.mu.Unlock()
		w.net.Reset("a", "b")
		settle()
		box.take(-1)
		if n := len(box.bodies()); n != 3 {
			w.t.Errorf("%d of 3 casts arrived", n)
		}
	})
}

// What waits for a service keeps no more memory than it has bytes, however small
// a part of the input it is.
func TestKeptMessagesPinNothing(t *testing.T) {
	victim := node(t, "victim", nil)
	victim.Register("hole", &hole{})
	victim.Register("wall", newWall())
	e := newEvil(t, victim)
	before := heap()
	for range 200 {
		e.say(messages(named(wire.KindCast, "hole", wire.Msg{Body: make([]byte, 64_000)}), named(wire.KindCast, "wall", wire.Msg{Body: make([]byte, 30)})))
	}
	e.say(wire.AppendPing(nil, 1, 0))
	for victim.Peers()[0].BytesIn < 200*64_000 {
		<-time.After(time.Millisecond)
	}
	if grew := heap() - before; grew > 3<<20 {
		t.Errorf("200 messages of 30 bytes keep %d bytes", grew)
	}
}

// An urgent request does not wait for a body that is still on its way.
func TestUrgentRequestsPassLongBodies(t *testing.T) {
	pair(t, func(w *world, a, b *transport.Kernel) {
		box := record(w, b, "box", -1)
		w.net.Set("a", "b", transporttest.Faults{Rate: 1 << 20, MSS: 1400})
		go a.Cast(w.t.Context(), "b", "box", transport.Message{Body: make([]byte, 2<<20)})
		pass(100 * time.Millisecond)
		a.Cast(w.t.Context(), "b", "box", body("behind"))
		a.Cast(w.t.Context(), "b", "box", transport.Message{Body: []byte("urgent"), Urgent: true})
		pass(time.Second)
		if got := box.bodies(); len(got) != 1 || got[0] != "urgent" {
			w.t.Errorf("after a second %d messages arrived", len(got))
		}
		pass(5 * time.Second)
		if got := box.bodies(); len(got) != 3 || got[2] != "behind" {
			w.t.Errorf("in the end %d messages arrived, or not in order", len(got))
		}
	})
}

// A long request to nobody is answered before its body is sent.
func TestLongRequestToNobodyEndsAtOnce(t *testing.T) {
	pair(t, func(w *world, a, b *transport.Kernel) {
		w.net.Set("a", "b", transporttest.Faults{Rate: 1 << 20, MSS: 1400})
		m := transport.Message{Body: make([]byte, 4<<20)}
		start := time.Now()
		if _, err := a.Call(w.t.Context(), "b", "nobody", m); !errors.Is(err, transport.ErrNoServer) || time.Since(start) > 500*time.Millisecond {
			w.t.Errorf("Call = %v after %v", err, time.Since(start))
		}
		start = time.Now()
		if err := a.Cast(w.t.Context(), "b", "nobody", m); err != nil || time.Since(start) > 500*time.Millisecond {
			w.t.Errorf("Cast = %v after %v", err, time.Since(start))
		}
		if drops := w.drops("a"); drops["nobody no-server"] != 1 {
			w.t.Errorf("the cast was reported as %v", drops)
		}
	})
}

// Nor do the chunks of a stream that nobody reads.
func TestUnreadChunksPinNothing(t *testing.T) {
	victim := node(t, "victim", nil)
	victim.Register("hole", &hole{})
	e := newEvil(t, victim)
	await(t, victim, 1)
	e.say(messages(named(wire.KindOpen, "hole", wire.Msg{Mode: wire.ModeCallStream, Sid: 1, Corr: 1, TTL: 60_000, Body: []byte{}})))
	before := heap()
	for range 200 {
		e.say(append(messages(named(wire.KindCast, "hole", wire.Msg{Body: make([]byte, 64_000)})), wire.AppendData(nil, 1, make([]byte, 30))...))
	}
	for victim.Peers()[0].BytesIn < 200*64_000 {
		<-time.After(time.Millisecond)
	}
	if grew := heap() - before; grew > 3<<20 {
		t.Errorf("200 chunks of 30 bytes keep %d bytes", grew)
	}
}

// A call that its caller gives up while it waits for a busy service must never
// reach the service.
func TestCallsGivenUpWhileTheyWaitAreForgotten(t *testing.T) {
	for _, urgent := range []bool{false, true} {
		bubble(t, func(w *world) {
			a, b := w.start("a", nil), w.start("b", nil)
			w.connect(a, "b")
			box := record(w, b, "box", 1)
			cast := func(text string) {
				if err := a.Cast(w.t.Context(), "b", "box", transport.Message{Body: []byte(text), Urgent: urgent}); err != nil {
					w.t.Fatal(err)
				}
			}
			cast("taken")
			for i := range 20 {
				if i%4 == 0 {
					cast(fmt.Sprint("cast ", i))
				}
				ctx, cancel := contextFor(w, time.Second)
				defer cancel()
				size := []int{5, 100_000}[i%2] // one that is whole at once, and one that comes in chunks
				go a.Call(ctx, "b", "box", transport.Message{Body: make([]byte, size), Urgent: urgent})
				settle()
			}
			pass(10 * time.Second)
			box.take(-1)
			got := box.bodies()
			if want := []string{"taken", "cast 0", "cast 4", "cast 8", "cast 12", "cast 16"}; !slices.Equal(got, want) {
				w.t.Fatalf("the service got %d messages, %.40q, want %q", len(got), got, want)
			}
		})
	}
}
