package transport_test

import (
	"testing"
	"time"

	"github.com/clusterluck/clusterluck/transport"
	"github.com/clusterluck/clusterluck/transport/transporttest"
)

// A node that says farewell and is then gone without a word must not keep its
// next start from talking, nor the other side from closing.
func TestSilenceAfterAFarewell(t *testing.T) {
	pair(t, func(w *world, a, b *transport.Kernel) {
		a.Register("echo", &echo{})
		for _, way := range [][2]string{{"a", "b"}, {"b", "a"}} {
			w.net.Set(way[0], way[1], transporttest.Faults{DelayMin: 10 * time.Millisecond, DelayMax: 10 * time.Millisecond})
		}
		go b.Close()
		pass(15 * time.Millisecond)
		w.net.Cut("a", "b") // its GOAWAY is here, and our answer is lost
		w.net.Kill("b")
		settle()
		if p, _ := a.Peer("b"); p.Connected {
			w.t.Fatal("the farewell did not arrive")
		}
		w.net.Heal("a", "b")
		b = w.start("b", nil)
		b.Know("a", "a:1")
		start := time.Now()
		if _, err := b.Call(w.t.Context(), "a", "echo", body("x")); err != nil || time.Since(start) > 200*time.Millisecond {
			w.t.Errorf("a call of the next start: %v after %v", err, time.Since(start))
		}
		if a.Close(); time.Since(start) > time.Second {
			w.t.Errorf("closing took %v", time.Since(start))
		}
	})
}

// What a hung node can cost a close is the drain timeout twice, and an abort
// nothing, whatever ends already.
func TestClosingBesideAHungNode(t *testing.T) {
	const drain = 5 * time.Second
	tests := []struct {
		name  string
		begin func(w *world, a, b *transport.Kernel) // before the end
		end   func(a *transport.Kernel)
		want  time.Duration
	}{
		{"close", nil, func(a *transport.Kernel) { a.Close() }, 2 * drain},
		{"abort", nil, (*transport.Kernel).Abort, 0},
		{"close with a full socket", func(w *world, a, _ *transport.Kernel) {
			for range 5 { // as much as may wait to be written
				a.Cast(w.t.Context(), "b", "box", transport.Message{Body: make([]byte, 60_000)})
			}
		}, func(a *transport.Kernel) { a.Close() }, 2 * drain},
		{"close while a link ends", func(_ *world, a, _ *transport.Kernel) {
			a.Drop("b", false)
			pass(time.Second)
		}, func(a *transport.Kernel) { a.Close() }, 2*drain - time.Second},
		{"abort while a link ends", func(_ *world, a, _ *transport.Kernel) {
			a.Drop("b", false)
			pass(time.Second)
		}, (*transport.Kernel).Abort, 0},
		{"abort while it closes", func(_ *world, a, _ *transport.Kernel) {
			go a.Close()
			pass(time.Second)
		}, (*transport.Kernel).Abort, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			pair(t, func(w *world, a, b *transport.Kernel) {
				w.net.Change("a", "b", func(f *transporttest.Faults) { f.Buffer = 100_000 })
				w.net.Freeze("b")
				if tt.begin != nil {
					tt.begin(w, a, b)
				}
				start := time.Now()
				tt.end(a)
				if took := time.Since(start); took != tt.want {
					w.t.Errorf("took %v, want %v: %+v", took, tt.want, w.seen("a", transport.LinkDown))
				}
				w.net.Kill("b")
			})
		})
	}
}
