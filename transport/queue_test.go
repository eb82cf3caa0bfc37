package transport_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/clusterluck/clusterluck/transport"
	"github.com/clusterluck/clusterluck/transport/transporttest"
)

// What the queue drops is the oldest that is not urgent, by count and by bytes,
// and each is reported; the rest arrives in order, urgent requests first.
func TestQueueDropsTheOldestAndSaysSo(t *testing.T) {
	tests := []struct {
		name       string
		len, bytes int
		size       int
		want       int // normal casts that arrive
	}{
		{"by count", 100, 1 << 20, 10, 90},
		{"by bytes", 1000, 10_000, 197, 40}, // 200 with the name; 10 urgent ones stay
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(w *world) {
				a := w.start("a", func(c *transport.Config) { c.QueueLen, c.QueueBytes = tt.len, tt.bytes })
				a.Know("b", "b:1")
				fill := func(s string) string { return s + strings.Repeat(".", tt.size-len(s)) }
				var want []string
				for i := range 10 {
					m := body(fill(fmt.Sprint("urgent ", i)))
					m.Urgent = true
					want = append(want, string(m.Body))
					if err := a.Cast(w.t.Context(), "b", "box", m); err != nil {
						w.t.Fatal(err)
					}
				}
				const sent = 500
				for i := range sent {
					if err := a.Cast(w.t.Context(), "b", "box", body(fill(fmt.Sprint(i)))); err != nil {
						w.t.Fatal(err)
					}
				}
				for i := sent - tt.want; i < sent; i++ {
					want = append(want, fill(fmt.Sprint(i)))
				}
				if p, _ := a.Peer("b"); p.Queued != 10+tt.want || p.QueuedLen != (10+tt.want)*(tt.size+3) {
					w.t.Errorf("%d casts of %d bytes wait", p.Queued, p.QueuedLen)
				}
				b := w.start("b", nil)
				box := record(w, b, "box", -1)
				pass(6 * time.Second)
				if got := box.bodies(); !slices.Equal(got, want) {
					w.t.Errorf("%d casts arrived, want %d, or out of order", len(got), len(want))
				}
				var count, bytes uint64
				for _, e := range w.seen("a", transport.Dropped) {
					if e.Reason != "queue" || e.Server != "box" || e.Node != "b" {
						w.t.Errorf("reported as %+v", e)
					}
					count, bytes = count+e.Count, bytes+e.Bytes
				}
				dropped := uint64(sent - tt.want)
				if count != dropped || bytes != dropped*uint64(tt.size+3) || a.Stats().Dropped["queue"] != count {
					w.t.Errorf("%d drops of %d bytes reported, want %d", count, bytes, dropped)
				}
			})
		})
	}
}

// A queue that is being sent when the connection breaks goes on with the next.
func TestQueueSurvivesBreaks(t *testing.T) {
	bubble(t, func(w *world) {
		a := w.start("a", func(c *transport.Config) { c.QueueLen = 100_000 })
		a.Know("b", "b:1")
		const n, size = 2000, 4000
		for i := range n {
			a.Cast(w.t.Context(), "b", "box", body(fmt.Sprintf("%0*d", size, i)))
		}
		b := w.start("b", nil)
		w.net.Change("a", "b", func(f *transporttest.Faults) { f.Rate = 1 << 20 })
		box := record(w, b, "box", -1)
		for range 4 {
			pass(1500 * time.Millisecond)
			w.net.Reset("a", "b")
		}
		pass(20 * time.Second)
		got := box.bodies()
		if !slices.IsSorted(got) || len(slices.Compact(slices.Clone(got))) != len(got) {
			w.t.Error("casts arrived twice or out of order")
		}
		var lost uint64
		for _, e := range w.seen("a", transport.Unconfirmed) {
			lost += e.Count
		}
		if ups := len(w.seen("a", transport.LinkUp)); ups < 3 {
			w.t.Errorf("only %d connections: the breaks came too late", ups)
		}
		if len(got) == n || uint64(len(got))+lost < n {
			w.t.Errorf("%d of %d casts arrived and %d were reported", len(got), n, lost)
		}
	})
}

// A cast that was taken from the queue and could not be sent goes back to its
// place. What a full service held when its link broke is still delivered.
func TestQueueGoesOnWhereItWas(t *testing.T) {
	bubble(t, func(w *world) {
		a := w.start("a", nil)
		a.Know("b", "b:1")
		const n = 40
		for i := range n {
			a.Cast(w.t.Context(), "b", "box", body(fmt.Sprintf("%050000d", i)))
		}
		b := w.start("b", func(c *transport.Config) { c.Window = 512 << 10 })
		box := record(w, b, "box", 0)
		pass(6 * time.Second)
		w.net.Reset("a", "b")
		settle()
		box.take(-1)
		pass(time.Second)
		got := box.bodies()
		for i := range n {
			if i >= len(got) || got[i] != fmt.Sprintf("%050000d", i) {
				w.t.Fatalf("%d casts of %d arrived; the %d. is missing or out of order", len(got), n, i)
			}
		}
	})
}

// Closing reports what still waits for a node that never came.
func TestCloseReportsTheQueue(t *testing.T) {
	bubble(t, func(w *world) {
		a := w.start("a", nil)
		a.Know("b", "b:1")
		for range 3 {
			a.Cast(w.t.Context(), "b", "box", body("x"))
		}
		a.Close()
		if s := a.Stats(); s.Dropped["closed"] != 3 {
			w.t.Errorf("dropped: %v", s.Dropped)
		}
		if err := a.Cast(w.t.Context(), "b", "box", body("x")); !errors.Is(err, transport.ErrClosed) {
			w.t.Errorf("a cast on a closed node: %v", err)
		}
		if _, err := a.Call(w.t.Context(), "b", "box", body("x")); !errors.Is(err, transport.ErrClosed) {
			w.t.Errorf("a call on a closed node: %v", err)
		}
	})
}

// NoQueue casts are for news that is stale when it is late.
func TestNoQueueCastsAreDropped(t *testing.T) {
	bubble(t, func(w *world) {
		a := w.start("a", nil)
		a.Know("b", "b:1")
		m := body("x")
		m.NoQueue = true
		for range 3 {
			if err := a.Cast(w.t.Context(), "b", "box", m); !errors.Is(err, transport.ErrNotConnected) || !transport.NotDelivered(err) {
				w.t.Errorf("Cast = %v", err)
			}
		}
		if s := a.Stats(); s.Dropped["not-connected"] != 3 || s.QueuedCasts != 0 {
			w.t.Errorf("Stats = %+v", s)
		}
	})
}

// A call that waits is sent when the node comes, and one that does not wait
// fails as soon as an attempt to connect does.
func TestCallsToAnAbsentNode(t *testing.T) {
	bubble(t, func(w *world) {
		a := w.start("a", nil)
		a.Know("b", "b:1")
		start := time.Now()
		_, err := a.Call(w.t.Context(), "b", "echo", body("x"))
		if took := time.Since(start); !errors.Is(err, transport.ErrNotConnected) || !transport.NotDelivered(err) || took > 100*time.Millisecond {
			w.t.Errorf("Call = %v after %v", err, took)
		}
		result := make(chan error, 1)
		go func() {
			m := body("x")
			m.Wait = true
			_, err := a.Call(w.t.Context(), "b", "echo", m)
			result <- err
		}()
		pass(2 * time.Second)
		b := w.start("b", nil)
		b.Register("echo", &echo{})
		if err := <-result; err != nil {
			w.t.Errorf("a call that waits: %v", err)
		}
		w.net.Kill("b")
		settle()
		m := body("x")
		m.Wait = true
		if _, err := a.Call(w.t.Context(), "b", "echo", m); !errors.Is(err, transport.ErrTimeout) || !transport.NotDelivered(err) {
			w.t.Errorf("a call that waited in vain: %v", err)
		}
	})
}

// Two nodes may each connect to the other's address without knowing its name.
func TestConnectFromBothSides(t *testing.T) {
	for i := range 60 {
		bubble(t, func(w *world) {
			a, b := w.start("a", nil), w.start("b", nil)
			for _, pair := range [][2]string{{"a", "b"}, {"b", "a"}} {
				w.net.Change(pair[0], pair[1], func(f *transporttest.Faults) { f.DelayMin, f.DelayMax = time.Millisecond, 2*time.Millisecond })
			}
			ra, rb := record(w, a, "box", -1), record(w, b, "box", -1)
			var wait sync.WaitGroup
			join := func(k *transport.Kernel, to string, after int) {
				pass(time.Duration(after) * 100 * time.Microsecond)
				if id, err := k.Connect(w.t.Context(), to+":1"); err != nil || id != to {
					w.t.Errorf("after %d: Connect(%s) = %q, %v", i, to, id, err)
				}
				for range 10 {
					if err := k.Cast(w.t.Context(), to, "box", body("x")); err != nil {
						w.t.Error(err)
					}
				}
			}
			wait.Go(func() { join(a, "b", max(i-30, 0)) })
			wait.Go(func() { join(b, "a", max(30-i, 0)) })
			wait.Wait()
			pass(10 * time.Second)
			if x, y := len(ra.bodies()), len(rb.bodies()); x != 10 || y != 10 {
				w.t.Errorf("after %d: a got %d casts and b %d, want 10 each", i, x, y)
			}
			pa, _ := a.Peer("b")
			pb, _ := b.Peer("a")
			if !pa.Connected || !pb.Connected {
				w.t.Errorf("after %d: connected: %v and %v", i, pa.Connected, pb.Connected)
			}
		})
	}
}
