package transport_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/clusterluck/clusterluck/transport"
	"github.com/clusterluck/clusterluck/transport/transporttest"
)

// A monitor fires once, with the reason, for each way in which a server ends.
func TestMonitorsTellWhyAServerEnded(t *testing.T) {
	tests := []struct {
		name string
		end  func(w *world, b *transport.Kernel, s transport.Service)
		want error
	}{
		{"stop", func(_ *world, b *transport.Kernel, s transport.Service) { b.Unregister("box", s, nil) }, transport.ErrStopped},
		{"crash", func(_ *world, b *transport.Kernel, s transport.Service) { b.Unregister("box", s, transport.ErrCrashed) }, transport.ErrCrashed},
		{"crash and go on", func(_ *world, b *transport.Kernel, s transport.Service) { b.Down("box", s, transport.ErrCrashed) }, transport.ErrCrashed},
		{"node closes", func(_ *world, b *transport.Kernel, _ transport.Service) { b.Close() }, transport.ErrNodeDown},
		{"node dies", func(w *world, _ *transport.Kernel, _ transport.Service) { w.net.Kill("b") }, transport.ErrNodeDown},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			pair(t, func(w *world, a, b *transport.Kernel) {
				box := record(w, b, "box", -1)
				var got, other []error
				a.Monitor("b", "box", func(err error) { got = append(got, err) })
				stop := a.Monitor("b", "box", func(err error) { other = append(other, err) })
				settle()
				stop()
				stop()
				if len(got) > 0 {
					w.t.Fatalf("fired before the end: %v", got)
				}
				tt.end(w, b, box)
				settle()
				if len(got) != 1 || !errors.Is(got[0], tt.want) {
					w.t.Errorf("the monitor got %v, want %v", got, tt.want)
				}
				if len(other) > 0 {
					w.t.Errorf("a stopped monitor got %v", other)
				}
			})
		})
	}
	pair(t, func(w *world, a, _ *transport.Kernel) {
		var got []error
		for _, at := range [][2]string{{"b", "nobody"}, {"zed", "box"}} {
			a.Monitor(at[0], at[1], func(err error) { got = append(got, err) })
			settle()
		}
		if len(got) != 2 || !errors.Is(got[0], transport.ErrNoServer) || !errors.Is(got[1], transport.ErrUnknownNode) {
			w.t.Errorf("monitors of nobody and of an unknown node got %v", got)
		}
	})
}

// A node that is away for longer than MaxRetries allows is given up, and what
// waited for it is reported: the event that the original's list asks for.
func TestGivesUpAfterMaxRetries(t *testing.T) {
	bubble(t, func(w *world) {
		a := w.start("a", func(c *transport.Config) { c.MaxRetries = 3 })
		a.Keep("b", "b:1")
		for i := range 5 {
			if err := a.Cast(w.t.Context(), "b", "box", body(fmt.Sprint(i))); err != nil {
				w.t.Fatal(err)
			}
		}
		pass(time.Minute)
		if n := len(w.seen("a", transport.DialFailed)); n != 3 {
			w.t.Errorf("%d attempts, want 3", n)
		}
		if n := len(w.seen("a", transport.GaveUp)); n != 1 {
			w.t.Errorf("given up %d times, want once", n)
		}
		if drops := w.drops("a"); len(drops) != 1 || drops["box gave-up"] != 5 {
			w.t.Errorf("the queue was reported as %v", drops)
		}
		b := w.start("b", nil) // a later request tries again
		box := record(w, b, "box", -1)
		if err := a.Cast(w.t.Context(), "b", "box", body("later")); err != nil {
			w.t.Fatal(err)
		}
		if got := box.bodies(); len(got) != 1 || got[0] != "later" {
			w.t.Errorf("after it came back the node got %q", got)
		}
	})
}

// The pause between attempts grows, within its bounds, and never becomes a
// loop, not even when the node hangs up at once.
func TestReconnectsWithPauses(t *testing.T) {
	bubble(t, func(w *world) {
		a := w.start("a", nil)
		b := w.start("b", func(c *transport.Config) {
			c.Admit = func(transport.Peer) error { return &transport.StatusError{Code: "later", Text: "not now"} }
		})
		a.Keep("b", "b:1")
		pass(time.Minute)
		failed := w.seen("a", transport.DialFailed)
		if n := len(failed); n < 12 || n > 35 {
			w.t.Errorf("%d attempts in a minute", n)
		}
		for i := range failed[1:] {
			if pause := failed[i+1].Time.Sub(failed[i].Time); pause < 50*time.Millisecond || pause > 5*time.Second+time.Second/10 {
				w.t.Errorf("pause %d is %v", i, pause)
			}
		}
		if e := failed[0]; e.Reason != "status" || !strings.Contains(e.Err.Error(), "not now") {
			w.t.Errorf("the refusal arrived as %q: %v", e.Reason, e.Err)
		}
		b.Close()
	})
}

// A link that was dialed on demand closes when idle, and opens again.
func TestIdleLinksClose(t *testing.T) {
	bubble(t, func(w *world) {
		a := w.start("a", func(c *transport.Config) { c.IdleTimeout = 3 * time.Second })
		b := w.start("b", nil)
		b.Register("echo", &echo{})
		a.Know("b", "b:1")
		for range 3 {
			if _, err := a.Call(w.t.Context(), "b", "echo", body("x")); err != nil {
				w.t.Fatal(err)
			}
			pass(2 * time.Second)
			if p, _ := a.Peer("b"); !p.Connected {
				w.t.Error("closed before it was idle for long enough")
			}
			pass(5 * time.Second)
			if p, _ := a.Peer("b"); p.Connected {
				w.t.Error("an idle link is open")
			}
		}
		box := record(w, b, "box", -1)
		go a.Call(w.t.Context(), "b", "box", body("waits"))
		pass(4500 * time.Millisecond)
		if p, _ := a.Peer("b"); !p.Connected {
			w.t.Error("closed while a call waits")
		}
		box.calls()[0].Reply(nil)
		pass(5 * time.Second)
		downs := w.seen("b", transport.LinkDown)
		if len(downs) != 4 || downs[0].Reason != "closed" {
			w.t.Errorf("the other side saw %+v", downs)
		}
		a.Keep("b", "")
		pass(time.Minute)
		if p, _ := a.Peer("b"); !p.Connected || len(w.seen("b", transport.LinkDown)) != 4 {
			w.t.Error("a kept link was closed")
		}
	})
}

// A host that is cut off without a word is noticed by pings, and calls to it
// fail then and not at their deadlines.
func TestSilentNodesAreNoticed(t *testing.T) {
	pair(t, func(w *world, a, b *transport.Kernel) {
		record(w, b, "box", -1)
		pass(time.Hour)
		if n := len(w.seen("a", transport.LinkDown)); n > 0 {
			w.t.Fatalf("%d links broke in an idle hour", n)
		}
		w.net.Cut("a", "b")
		start := time.Now()
		ctx, cancel := contextFor(w, time.Hour)
		defer cancel()
		_, err := a.Call(ctx, "b", "box", body("x"))
		if took := time.Since(start); !errors.Is(err, transport.ErrNodeDown) || took > 17*time.Second || took < 9*time.Second {
			w.t.Errorf("Call = %v after %v", err, took)
		}
		if downs := w.seen("a", transport.LinkDown); len(downs) != 1 || downs[0].Reason != "timeout" {
			w.t.Errorf("reported as %+v", downs)
		}
	})
}

// Two nodes of one id cannot both be reached; the second is told so.
func TestSameIDIsRefused(t *testing.T) {
	bubble(t, func(w *world) {
		a := w.start("a", nil)
		host := w.net.Host("elsewhere")
		twin := w.start("a", func(c *transport.Config) { c.Network, c.Addr = host, "elsewhere:1" })
		defer a.Close()
		_, err := twin.Connect(w.t.Context(), "a:1")
		var status *transport.StatusError
		if !errors.As(err, &status) || status.Code != "same-id" {
			w.t.Errorf("Connect to a node of the same id: %v", err)
		}
		if _, err := a.Connect(w.t.Context(), "a:1"); err == nil {
			w.t.Error("a node connects to itself")
		}
	})
}

// A node that restarts on another port is reachable there as soon as it says so.
func TestRestartOnAnotherPort(t *testing.T) {
	pair(t, func(w *world, a, b *transport.Kernel) {
		a.Keep("b", "")
		b.Abort()
		b = w.start("b", func(c *transport.Config) { c.Addr = "b:2" })
		box := record(w, b, "box", -1)
		w.connect(b, "a")
		if err := a.Cast(w.t.Context(), "b", "box", body("x")); err != nil {
			w.t.Fatal(err)
		}
		if got := box.bodies(); len(got) != 1 {
			w.t.Errorf("the restarted node got %q", got)
		}
		if p, _ := a.Peer("b"); p.Addr != "b:2" {
			w.t.Errorf("its address is known as %s", p.Addr)
		}
	})
}

// Casts that a break may have lost are reported, by server, and no others.
func TestBreaksReportWhatTheyMayHaveLost(t *testing.T) {
	pair(t, func(w *world, a, b *transport.Kernel) {
		box := record(w, b, "box", -1)
		for range 200 {
			a.Cast(w.t.Context(), "b", "box", body("x"))
		}
		arrived := len(box.bodies())
		w.net.Cut("a", "b")
		for range 30 {
			a.Cast(w.t.Context(), "b", "box", body("lost"))
			a.Cast(w.t.Context(), "b", "other", body("lost"))
		}
		pass(time.Minute)
		lost := map[string]uint64{}
		for _, e := range w.seen("a", transport.Unconfirmed) {
			lost[e.Server] += e.Count
		}
		if arrived != 200 || lost["other"] != 30 || lost["box"] < 30 || lost["box"] > 30+64 || len(lost) != 2 {
			w.t.Errorf("%d casts of 200 arrived before, and %v were reported", arrived, lost)
		}
		if s := a.Stats(); s.Unconfirmed != lost["box"]+lost["other"] {
			w.t.Errorf("Stats count %d", s.Unconfirmed)
		}
	})
}

// A break ends everything that needs the connection, at once: pings, streams
// in both directions, and services learn it.
func TestBreaksEndWhatIsUnderWay(t *testing.T) {
	pair(t, func(w *world, a, b *transport.Kernel) {
		box := record(w, b, "box", -1)
		back := record(w, a, "back", -1)
		long := body(strings.Repeat("x", 5<<20))
		source := &countingReader{r: endless{}, closed: make(chan struct{})}
		results := make(chan error, 4)
		w.net.Change("a", "b", func(f *transporttest.Faults) { f.Rate = 1 << 20 })
		go func() { _, err := a.Call(w.t.Context(), "b", "box", transport.Message{Stream: source}); results <- err }()
		go func() { _, err := a.Call(w.t.Context(), "b", "box", long); results <- err }()
		pass(time.Second)
		w.net.Cut("a", "b")
		go func() { _, err := a.Ping(w.t.Context(), "b"); results <- err }()
		pass(100 * time.Millisecond)
		w.net.Heal("a", "b")
		w.net.Reset("a", "b")
		start := time.Now()
		for range 3 {
			if err := <-results; !errors.Is(err, transport.ErrNodeDown) || time.Since(start) > 100*time.Millisecond {
				w.t.Errorf("%v after %v", err, time.Since(start))
			}
		}
		settle()
		select {
		case <-source.closed:
		default:
			w.t.Error("the source of a stream is still open")
		}
		if n := len(box.got); n != 1 {
			w.t.Errorf("%d requests arrived, want the stream alone and no torn body", n)
		}
		buf := make([]byte, 1<<20)
		for {
			n, err := box.got[0].Stream.Read(buf)
			if err != nil {
				if !errors.Is(err, transport.ErrNodeDown) {
					w.t.Errorf("the reader of a broken stream got %v", err)
				}
				break
			}
			clear(buf[:n])
		}
		if box.downs != 1 || back.downs != 1 {
			w.t.Errorf("services learnt of %d and %d breaks, want 1 each", box.downs, back.downs)
		}
	})
}

// A stream whose reader does not read breaks with its link too, and a call that
// waits for room in its service is forgotten.
func TestBreaksEndWhatWaits(t *testing.T) {
	pair(t, func(w *world, a, b *transport.Kernel) {
		box, full := record(w, b, "box", -1), record(w, b, "full", 0)
		source := &countingReader{r: endless{}, closed: make(chan struct{})}
		go a.Call(w.t.Context(), "b", "box", transport.Message{Stream: source})
		go a.Call(w.t.Context(), "b", "full", body("call"))
		settle()
		a.Cast(w.t.Context(), "b", "full", body("cast"))
		settle()
		w.net.Reset("a", "b")
		settle()
		select {
		case <-source.closed:
		default:
			w.t.Error("the source of a stream is still open")
		}
		full.take(-1)
		if got := full.bodies(); len(got) != 1 || got[0] != "cast" {
			w.t.Errorf("after the break %q was delivered, want the cast alone", got)
		}
		if len(box.got) != 1 {
			w.t.Error("the stream never began")
		}
	})
}

// A name that a service gave up can be taken again, and what waited for the
// old service is refused.
func TestUnregisterRefusesWhatWaits(t *testing.T) {
	pair(t, func(w *world, a, b *transport.Kernel) {
		full := record(w, b, "box", 0)
		result := make(chan error, 1)
		go func() { _, err := a.Call(w.t.Context(), "b", "box", body("x")); result <- err }()
		for range 2 {
			a.Cast(w.t.Context(), "b", "box", body("x"))
		}
		settle()
		b.Unregister("box", &recorder{}, nil) // somebody else's name
		if _, ok := b.Lookup("box"); !ok {
			w.t.Fatal("a service lost its name to another's Unregister")
		}
		if err := b.Register("box", &recorder{}); !errors.Is(err, transport.ErrNameTaken) {
			w.t.Errorf("a second service of one name: %v", err)
		}
		b.Unregister("box", full, nil)
		if err := <-result; !errors.Is(err, transport.ErrNoServer) {
			w.t.Errorf("the call that waited got %v", err)
		}
		if drops := w.drops("a"); len(drops) != 1 || drops["box no-server"] != 2 {
			w.t.Errorf("the casts that waited were reported as %v", drops)
		}
		if box := record(w, b, "box", -1); a.Cast(w.t.Context(), "b", "box", body("new")) != nil || len(box.bodies()) != 1 {
			w.t.Error("the name cannot be used again")
		}
	})
}

// A restarted node takes the place of its former self at once, although the
// connection of that one never ended.
func TestRestartReplacesHalfOpenLink(t *testing.T) {
	pair(t, func(w *world, a, b *transport.Kernel) {
		w.net.Cut("a", "b") // so that nothing tells of the end
		b.Abort()
		settle()
		w.net.Heal("a", "b")
		if p, _ := a.Peer("b"); !p.Connected {
			w.t.Fatal("the end was told")
		}
		start := time.Now()
		b = w.start("b", nil)
		b.Register("echo", &echo{})
		w.connect(b, "a")
		if _, err := a.Call(w.t.Context(), "b", "echo", body("x")); err != nil || time.Since(start) > 100*time.Millisecond {
			w.t.Errorf("after a restart: %v after %v", err, time.Since(start))
		}
	})
}

// The same node may find its connection broken before the other side does: the
// other side asks on the old one, and takes the new one when nothing answers.
func TestRedialOverHalfOpenLink(t *testing.T) {
	pair(t, func(w *world, a, b *transport.Kernel) {
		a.Keep("b", "")
		w.net.CutOneWay("a", "b")
		a.Drop("b", true) // b is not told
		settle()
		w.net.Heal("a", "b")
		b.Register("echo", &echo{})
		start := time.Now()
		a.Keep("b", "b:1")
		m := body("x")
		m.Wait = true
		if _, err := a.Call(w.t.Context(), "b", "echo", m); err != nil || time.Since(start) > 2*time.Second {
			w.t.Errorf("after %v: %v", time.Since(start), err)
		}
	})
}

// What was delivered before a close in order is not reported as doubtful, on
// whichever side the close began.
func TestOrderlyCloseLosesNothing(t *testing.T) {
	for _, closer := range []string{"a", "b"} {
		pair(t, func(w *world, a, b *transport.Kernel) {
			box := record(w, b, "box", -1)
			for range 150 {
				a.Cast(w.t.Context(), "b", "box", body("x"))
			}
			if closer == "b" {
				settle()
			}
			start := time.Now()
			w.nodes[closer].Close()
			if took := time.Since(start); took > time.Second {
				w.t.Errorf("%s took %v to close", closer, took)
			}
			if n := len(box.bodies()); n != 150 {
				w.t.Errorf("%s closed: %d casts of 150 arrived", closer, n)
			}
			if lost := w.seen("a", transport.Unconfirmed); len(lost) > 0 {
				w.t.Errorf("%s closed: reported %+v", closer, lost)
			}
		})
	}
}
