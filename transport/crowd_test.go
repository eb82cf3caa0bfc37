package transport_test

import (
	"context"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/clusterluck/clusterluck/transport"
)

// A tally counts the casts that arrive whole.
type tally struct {
	size int
	got  atomic.Int64
}

func (c *tally) Deliver(d *transport.Delivery) bool {
	if len(d.Body) == c.size {
		c.got.Add(1)
	}
	return true
}

func (*tally) Cancel(transport.CallRef)  {}
func (*tally) LinkDown(transport.LinkID) {}

// A stranger who trickles bytes and two nodes that send long messages at once do
// not disturb each other: in the original they shared a buffer, and of what the
// nodes sent a third was lost.
func TestCrowdIsServed(t *testing.T) {
	const n, size = 30, 1 << 20
	box := &tally{size: size}
	a := node(t, "a", nil)
	a.Register("box", box)
	stranger, err := net.Dial("tcp", a.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer stranger.Close()
	stop := make(chan struct{})
	var wait sync.WaitGroup
	wait.Go(func() {
		for {
			select {
			case <-stop:
				return
			case <-time.After(2 * time.Millisecond):
				stranger.Write([]byte("{"))
			}
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	var senders sync.WaitGroup
	for _, id := range []string{"b", "c"} {
		k := node(t, id, nil)
		if _, err := k.Connect(ctx, a.Addr()); err != nil {
			t.Fatal(err)
		}
		senders.Go(func() {
			for range n {
				if err := k.Cast(ctx, "a", "box", transport.Message{Body: make([]byte, size)}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	senders.Wait()
	for box.got.Load() < 2*n && ctx.Err() == nil {
		pass(time.Millisecond)
	}
	close(stop)
	wait.Wait()
	if got := box.got.Load(); got != 2*n {
		t.Errorf("%d of %d long casts arrived", got, 2*n)
	}
}

// A node that hangs costs what its window and its queue may hold, and no more:
// the rest waits at its senders, or is dropped and reported.
func TestHungNodeIsBounded(t *testing.T) {
	bubble(t, func(w *world) {
		const n, size, most = 2000, 10_000, 100
		a := w.start("a", func(c *transport.Config) { c.QueueLen = most })
		b := w.start("b", nil)
		w.connect(a, "b")
		box := record(w, b, "box", -1)
		w.net.Freeze("b")
		var sent atomic.Int64
		done := make(chan struct{})
		go func() {
			defer close(done)
			for i := range n {
				if err := a.Cast(w.t.Context(), "b", "box", transport.Message{Body: fmt.Appendf(make([]byte, size), "%d", i)}); err != nil {
					w.t.Error(err)
				}
				sent.Add(1)
			}
		}()
		pass(10 * time.Second)
		if s := sent.Load(); s*size > 1<<20 || s == 0 {
			w.t.Errorf("%d casts were taken for a node that hangs", s)
		}
		<-done // the connection was given up, and the queue takes the rest
		pass(time.Second)
		s := a.Stats()
		if s.QueuedCasts != most || s.Dropped["queue"]+s.Unconfirmed != n-most {
			w.t.Errorf("%d casts are queued, %d were dropped and %d are doubtful, of %d", s.QueuedCasts, s.Dropped["queue"], s.Unconfirmed, n)
		}
		w.net.Thaw("b")
		pass(20 * time.Second)
		if got := len(box.bodies()); got < most || uint64(got) > most+s.Unconfirmed {
			w.t.Errorf("%d casts arrived after the thaw, want %d and what was doubtful, %d", got, most, s.Unconfirmed)
		}
	})
}

// A node that died and was removed is nobody's concern until it comes back, and is
// a node like any other then.
func TestRemovedNodeComesBack(t *testing.T) {
	for _, returns := range []string{"a", "b"} { // who dials
		pair(t, func(w *world, a, b *transport.Kernel) {
			a.Keep("b", "")
			w.net.Kill("b")
			b.Abort()
			settle()
			a.Cast(w.t.Context(), "b", "box", body("lost"))
			settle()
			a.Drop("b", false)
			failed := len(w.seen("a", transport.DialFailed))
			pass(time.Minute)
			if p, ok := a.Peer("b"); ok || len(w.seen("a", transport.DialFailed)) > failed {
				w.t.Errorf("a removed node is known as %+v, or dialed", p)
			}
			if drops := w.drops("a"); drops["box closed"] != 1 {
				w.t.Errorf("what was queued for it was reported as %v", drops)
			}
			b = w.start("b", nil)
			box := record(w, b, "box", -1)
			w.connect(w.nodes[returns], map[string]string{"a": "b", "b": "a"}[returns])
			if err := a.Cast(w.t.Context(), "b", "box", body("again")); err != nil {
				w.t.Error(err)
			}
			if got := box.bodies(); len(got) != 1 || got[0] != "again" {
				w.t.Errorf("it got %q when it was back", got)
			}
		})
	}
}
