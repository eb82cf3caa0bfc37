package transport_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/clusterluck/clusterluck/transport"
	"github.com/clusterluck/clusterluck/transport/transporttest"
)

func reported(w *world, id, server string) (n uint64) {
	for _, kind := range []transport.EventKind{transport.Unconfirmed, transport.Dropped} {
		for _, e := range w.seen(id, kind) {
			if e.Server == server {
				n += e.Count
			}
		}
	}
	return n
}

// Urgent requests arrive before others that were sent earlier, and what a break may
// have lost is counted in the order of arrival.
func TestUrgentCastsKeepTheAccount(t *testing.T) {
	pair(t, func(w *world, a, b *transport.Kernel) {
		normal, urgent := record(w, b, "normal", -1), record(w, b, "urgent", -1)
		w.net.Set("a", "b", transporttest.Faults{Rate: 64 << 10, MSS: 1400})
		for range 2 { // the second write waits for room in the socket
			a.Cast(w.t.Context(), "b", "normal", transport.Message{Body: make([]byte, 60_000)})
			pass(time.Millisecond)
		}
		for range 128 { // so all this is one batch, urgent first
			a.Cast(w.t.Context(), "b", "normal", transport.Message{Body: make([]byte, 500)})
			a.Cast(w.t.Context(), "b", "urgent", transport.Message{Body: []byte("x"), Urgent: true})
		}
		for len(urgent.bodies()) < 128 {
		}
		w.net.Cut("a", "b")
		pass(time.Minute)
		if lost, told := 130-len(normal.bodies()), reported(w, "a", "normal"); uint64(lost) > told {
			w.t.Errorf("%d casts to normal are lost, and %d were reported; %d to urgent, of which none is lost", lost, told, reported(w, "a", "urgent"))
		}
	})
}

// A long cast of which half arrived is reported.
func TestHalfALongCastIsReported(t *testing.T) {
	pair(t, func(w *world, a, b *transport.Kernel) {
		box, other := record(w, b, "box", -1), record(w, b, "other", -1)
		w.net.Set("a", "b", transporttest.Faults{Rate: 64 << 10, MSS: 1400})
		var err error
		var wait sync.WaitGroup
		wait.Go(func() {
			err = a.Cast(w.t.Context(), "b", "box", transport.Message{Body: make([]byte, 200<<10)})
		})
		pass(time.Millisecond)
		for range 64 { // so that an ACK comes
			a.Cast(w.t.Context(), "b", "other", body("x"))
		}
		for len(other.bodies()) < 64 {
		}
		w.net.Cut("a", "b")
		pass(time.Minute)
		wait.Wait()
		if len(box.bodies()) == 0 && err == nil && reported(w, "a", "box") == 0 {
			w.t.Error("the long cast is lost, and nobody was told")
		}
	})
}

// A long cast from the queue that a break tears goes back to the queue and is sent by
// the next connection, which nobody has to ask for. It is not doubtful then.
func TestQueueAsksForTheNextConnection(t *testing.T) {
	bubble(t, func(w *world) {
		a, b := w.start("a", nil), w.start("b", nil)
		box := record(w, b, "box", -1)
		w.net.Set("a", "b", transporttest.Faults{Rate: 1 << 20, MSS: 1400})
		w.net.Refuse("b")
		a.Know("b", "b:1")
		a.Cast(w.t.Context(), "b", "box", transport.Message{Body: make([]byte, 1<<20)})
		pass(time.Second)
		w.net.Allow("b")
		a.DialNow("b")
		pass(500 * time.Millisecond)
		w.net.Reset("a", "b")
		pass(time.Minute)
		if n := a.Stats().QueuedCasts; n > 0 {
			p, _ := a.Peer("b")
			w.t.Errorf("a minute after the break %d casts are queued, and the node is not dialed: %+v", n, p)
		}
		if got, told := len(box.bodies()), reported(w, "a", "box"); got != 1 || told > 0 {
			w.t.Errorf("the cast arrived %d times, and was reported %d times", got, told)
		}
	})
}

// A long cast to several servers that was queued reaches none of them twice.
func TestQueuedLongMultiCastComesOnce(t *testing.T) {
	bubble(t, func(w *world) {
		a, b := w.start("a", nil), w.start("b", nil)
		var boxes []*recorder
		var names []string
		for i := range 4 {
			names = append(names, fmt.Sprint("box", i))
			boxes = append(boxes, record(w, b, names[i], -1))
		}
		w.net.Set("a", "b", transporttest.Faults{Rate: 1 << 20, MSS: 1400})
		w.net.Refuse("b")
		a.Know("b", "b:1")
		a.CastMulti(w.t.Context(), "b", names, transport.Message{Body: make([]byte, 400<<10)})
		pass(time.Second)
		w.net.Allow("b")
		a.DialNow("b")
		pass(600 * time.Millisecond)
		w.net.Reset("a", "b")
		pass(time.Second)
		a.DialNow("b") // F3
		a.Cast(w.t.Context(), "b", "box3", body("x"))
		pass(time.Minute)
		for i, box := range boxes {
			if got := box.bodies(); len(got) > 1 && got[0] == got[1] {
				w.t.Errorf("%s got the cast twice", names[i])
			}
		}
	})
}

// Dropping a node while its queue is being sent reports all that is not sent.
func TestDropReportsWhatIsQueued(t *testing.T) {
	bubble(t, func(w *world) {
		a, b := w.start("a", nil), w.start("b", nil)
		box := record(w, b, "box", -1)
		w.net.Refuse("b")
		a.Know("b", "b:1")
		const n = 800
		for i := range n {
			a.Cast(w.t.Context(), "b", "box", transport.Message{Body: append(make([]byte, 10_000), fmt.Sprint(i)...)})
		}
		pass(time.Second)
		w.net.Allow("b")
		w.net.Set("a", "b", transporttest.Faults{Rate: 1 << 20})
		a.DialNow("b")
		pass(500 * time.Millisecond)
		a.Drop("b", false)
		pass(time.Minute)
		if got, told, queued := len(box.bodies()), reported(w, "a", "box"), a.Stats().QueuedCasts; got+int(told) < n || queued > 0 {
			w.t.Errorf("of %d casts %d arrived, %d were reported, %d are in the queue of a node that was dropped", n, got, told, queued)
		}
	})
}

// A node that connects while the end of its last connection is cleaned up is not
// forgotten.
func TestNodeIsKnownWhileItReconnects(t *testing.T) {
	net := transporttest.New(1)
	defer net.Close()
	var nodes []*transport.Kernel
	for _, id := range []string{"a", "b"} {
		k, err := transport.Start(t.Context(), transport.Config{ID: id, Addr: id + ":1", Cookie: cookie, Network: net.Host(id)})
		if err != nil {
			t.Fatal(err)
		}
		defer k.Close()
		nodes = append(nodes, k)
	}
	nodes[1].Register("echo", &echo{})
	rounds := 3000
	if testing.Short() {
		rounds = 300
	}
	for i := range rounds {
		if _, err := nodes[0].Connect(t.Context(), "b:1"); err != nil {
			continue // b still has the old link: duplicate
		}
		if _, err := nodes[0].Call(t.Context(), "b", "echo", transport.Message{}); err != nil {
			t.Fatalf("round %d: connected, and then: %v", i, err)
		}
		nodes[0].Drop("b", true)
	}
}

// A call ends in time also when it waits for room, or for the credit of a long
// body.
func TestCallTimeoutCoversTheSending(t *testing.T) {
	pair(t, func(w *world, a, b *transport.Kernel) {
		record(w, b, "box", 0)
		w.net.Cut("a", "b")
		for _, size := range []int{8, 1 << 20} {
			for range 40 {
				go a.Call(w.t.Context(), "b", "box", transport.Message{Body: make([]byte, 60_000)})
			}
			pass(time.Millisecond)
			start := time.Now()
			_, err := a.Call(w.t.Context(), "b", "box", transport.Message{Body: make([]byte, size)})
			if took := time.Since(start); took > a.CallTimeout()+100*time.Millisecond {
				w.t.Errorf("a call of %d bytes ends after %v: %v", size, took, err)
			}
		}
	})
}

// A cast that is about to be sent from the queue when its link breaks, and the
// node comes back in the same instant, keeps its place before those in the queue
// and those that are sent later.
func TestQueueKeepsItsOrderAcrossARestart(t *testing.T) {
	const sent = 11 // casts that the window of the first start takes
	for i := range 20 {
		for _, queued := range []int{sent + 1, sent + 4} { // one is about to be sent; the queue is empty then, or not
			bubble(t, func(w *world) {
				a := w.start("a", nil)
				a.Know("b", "b:1")
				want := []string{}
				for n := range queued {
					if want = append(want, fmt.Sprintf("%050000d", n)); a.Cast(w.t.Context(), "b", "box", body(want[n])) != nil {
						w.t.Fatal("not queued")
					}
				}
				b := w.start("b", func(c *transport.Config) { c.Window = 512 << 10 })
				record(w, b, "box", 0)
				pass(6 * time.Second)
				w.net.Cut("a", "b") // so that nothing tells of the end
				b.Abort()
				settle()
				w.net.Heal("a", "b")
				b = w.start("b", nil)
				box := record(w, b, "box", -1)
				w.connect(b, "a")
				for n := range 3 {
					want = append(want, fmt.Sprint("later ", n))
					a.Cast(w.t.Context(), "b", "box", body(want[queued+n]))
				}
				if got := box.bodies(); !slices.Equal(got, want[sent:]) || a.Stats().QueuedCasts > 0 {
					w.t.Errorf("round %d: %d casts arrived, want %d, or out of order; %d are queued", i, len(got), len(want)-sent, a.Stats().QueuedCasts)
				}
			})
		}
	}
}
