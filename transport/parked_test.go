package transport_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/clusterluck/clusterluck/transport"
	"github.com/clusterluck/clusterluck/transport/transporttest"
	"github.com/clusterluck/clusterluck/transport/wire"
)

// Long bodies that are whole, and must stay behind one that is not, must not keep
// that one from going on.
func TestLongBodiesDoNotWaitForEachOther(t *testing.T) {
	bubble(t, func(w *world) {
		a := w.start("a", nil)
		b := w.start("b", func(c *transport.Config) { c.Window = 1 << 20 })
		w.connect(a, "b")
		w.net.Set("a", "b", transporttest.Faults{Rate: 5 << 20})
		box := record(w, b, "box", -1)
		for _, size := range []int{4 << 20, 600 << 10, 600 << 10} {
			go a.Cast(w.t.Context(), "b", "box", transport.Message{Body: make([]byte, size)})
			pass(10 * time.Millisecond)
		}
		pass(5 * time.Second)
		if n := len(box.bodies()); n != 3 {
			w.t.Errorf("%d of 3 long casts arrived", n)
		}
	})
}

// Copies of a cast to several servers that wait for one of them take memory, though
// they take nothing of the window.
func TestCopiesThatWaitAreBounded(t *testing.T) {
	bubble(t, func(w *world) {
		const window, size, n = 256 << 10, 20_000, 200
		a := w.start("a", nil)
		b := w.start("b", func(c *transport.Config) { c.Window = window })
		w.connect(a, "b")
		fast, slow := record(w, b, "fast", -1), record(w, b, "slow", 0)
		for range n {
			if err := a.CastMulti(w.t.Context(), "b", []string{"fast", "slow"}, transport.Message{Body: make([]byte, size)}); err != nil {
				w.t.Fatal(err)
			}
		}
		drops := int(w.drops("a")["slow overload"])
		slow.take(-1)
		got := len(slow.bodies())
		if got*size > 5*window || got*size < 3*window || got+drops != n || len(fast.bodies()) != n {
			w.t.Errorf("of %d casts %d were kept, and %d reported as dropped", n, got, drops)
		}
	})
}

// A tap is a stream without end that tells when it is closed.
type tap struct{ closed atomic.Bool }

func (t *tap) Read(p []byte) (int, error) { return len(p), nil }
func (t *tap) Close() error               { t.closed.Store(true); return nil }

// What a caller streams beside a call that it gives up ends with the call, also
// while that waits for a busy service.
func TestStreamsOfCallsGivenUpEnd(t *testing.T) {
	pair(t, func(w *world, a, b *transport.Kernel) {
		record(w, b, "full", 0)
		streams := []*tap{{}, {}, {}}
		ctx, cancel := contextFor(w, time.Second)
		defer cancel()
		for _, s := range streams {
			go a.Call(ctx, "b", "full", transport.Message{Stream: s})
			settle()
		}
		pass(5 * time.Second)
		for i, s := range streams {
			if !s.closed.Load() {
				w.t.Errorf("stream %d is still open", i)
			}
		}
	})
}

// A byte of a stream that nobody reads does not keep the memory of thousands.
func TestShortStreamsThatWaitAreShort(t *testing.T) {
	const n, most = 4000, 12 << 20
	victim := node(t, "victim", nil)
	victim.Register("wall", newWall())
	e := newEvil(t, victim)
	await(t, victim, 1)
	before := heap()
	for i := range n {
		sid := uint64(i + 1)
		b := messages(named(wire.KindOpen, "wall", wire.Msg{Mode: wire.ModeCallStream, Sid: sid, Corr: sid, TTL: 60_000, Body: []byte{}}))
		e.say(append(wire.AppendData(b, sid, []byte{1}), messages(wire.Msg{Kind: wire.KindEnd, Sid: sid})...))
	}
	e.say(wire.AppendPing(nil, 1, 0))
	if e.isCutOff(50 * time.Millisecond) {
		t.Fatal("the member was cut off")
	}
	if grew := heap() - before; grew > most {
		t.Errorf("%d streams of a byte keep %d bytes", n, grew)
	}
}

// A latch is full at first, and keeps who delivers after that until it is opened.
type latch struct {
	link    chan transport.LinkID
	open    chan struct{}
	asked   atomic.Int32
	cancels atomic.Int32
}

func (l *latch) Deliver(d *transport.Delivery) bool {
	switch l.asked.Add(1) {
	case 1: // by the reader
		return false
	case 2: // to keep the message
		l.link <- d.Link
		return false
	}
	<-l.open
	return true
}

func (l *latch) Cancel(transport.CallRef)  { l.cancels.Add(1) }
func (l *latch) LinkDown(transport.LinkID) {}

// A service that is given a call in the moment in which the caller gives it up
// learns so.
func TestCallsGivenUpWhileTheyAreDelivered(t *testing.T) {
	for _, broken := range []bool{false, true} {
		pair(t, func(w *world, a, b *transport.Kernel) {
			s := &latch{link: make(chan transport.LinkID, 1), open: make(chan struct{})}
			b.Register("latch", s)
			ctx, cancel := contextFor(w, time.Second)
			defer cancel()
			go a.Call(ctx, "b", "latch", body("x"))
			link := <-s.link
			settle()
			go link.Resume("latch")
			if settle(); broken {
				w.net.Reset("a", "b")
			}
			pass(2 * time.Second)
			close(s.open)
			if settle(); s.cancels.Load() != 1 {
				w.t.Errorf("broken %v: the service was told %d times that the caller is gone", broken, s.cancels.Load())
			}
		})
	}
}

// Nodes that are gone are forgotten also if their casts waited longer.
func TestPeersAreForgottenAfterTheirCasts(t *testing.T) {
	bubble(t, func(w *world) {
		a := w.start("a", nil)
		box := record(w, a, "box", 0)
		for i := range 3 {
			g := w.guest(fmt.Sprint("guest", i), "place")
			w.connect(g, "a")
			g.Cast(w.t.Context(), "a", "box", body("x"))
			settle()
			w.net.Kill("place")
			settle()
		}
		box.take(-1)
		if got := len(box.bodies()); got != 3 || a.Stats().Peers != 0 {
			w.t.Errorf("%d casts of 3 arrived, and %d nodes are remembered", got, a.Stats().Peers)
		}
	})
}

// A cast that is offered to its service when the node closes, and that the service
// has no room for, is reported like those behind it.
func TestCastsThatWaitWhenTheNodeClosesAreReported(t *testing.T) {
	pair(t, func(w *world, a, b *transport.Kernel) {
		s := &refuser{latch{link: make(chan transport.LinkID, 1), open: make(chan struct{})}}
		b.Register("latch", s)
		for range 3 {
			a.Cast(w.t.Context(), "b", "latch", body("x"))
		}
		link := <-s.link
		settle()
		go link.Resume("latch")
		settle()
		closed := make(chan struct{})
		go func() { b.Close(); close(closed) }()
		pass(time.Minute)
		close(s.open)
		<-closed
		settle()
		if n := b.Stats().Lost["closed"]; n != 3 {
			w.t.Errorf("%d of 3 casts were reported", n)
		}
	})
}

// A refuser is a latch that takes nothing.
type refuser struct{ latch }

func (r *refuser) Deliver(d *transport.Delivery) bool {
	r.latch.Deliver(d)
	return false
}
