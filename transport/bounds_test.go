package transport_test

import (
	"fmt"
	"maps"
	"testing"
	"time"

	"github.com/clusterluck/clusterluck/transport"
	"github.com/clusterluck/clusterluck/transport/wire"
)

// A member that reports drops without end, of two servers in turn, or under ever
// new names and codes, does not fill the memory of a node whose OnEvent is slow.
// None of the drops is lost on the way.
func TestEventsThatWaitAreBounded(t *testing.T) {
	const n = 20_000
	tests := []struct {
		name string
		m    func(i int) wire.Msg
		most int
	}{
		{"of two servers", func(i int) wire.Msg {
			return named(wire.KindDropped, fmt.Sprint("box", i%2), wire.Msg{Count: 3, Code: []byte("overload")})
		}, 10},
		{"of ever new servers", func(i int) wire.Msg {
			return named(wire.KindDropped, fmt.Sprint("box", i), wire.Msg{Count: 3, Code: []byte("overload")})
		}, 1100},
		{"for ever new reasons", func(i int) wire.Msg {
			return named(wire.KindDropped, "box", wire.Msg{Count: 3, Code: fmt.Append(nil, "code", i)})
		}, 1100},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			slow, told := make(chan struct{}), make(chan struct{})
			events, sum := 0, uint64(0)
			victim := node(t, "victim", func(c *transport.Config) {
				c.OnEvent = func(e transport.Event) {
					<-slow
					if e.Kind != transport.Dropped {
						return
					}
					if events, sum = events+1, sum+e.Count; sum == 3*n {
						close(told)
					}
				}
			})
			var b []byte
			for i := range n {
				m := tt.m(i)
				b = wire.Append(b, &m)
			}
			newEvil(t, victim).say(b)
			counted := func() (sum uint64) {
				for n := range maps.Values(victim.Stats().Dropped) {
					sum += n
				}
				return sum
			}
			for start := time.Now(); counted() < 3*n && time.Since(start) < 5*time.Second; {
				pass(time.Millisecond)
			}
			close(slow)
			select {
			case <-told:
			case <-time.After(5 * time.Second):
				t.Fatalf("%d drops were counted of %d", counted(), 3*n)
			}
			if reasons := len(victim.Stats().Dropped); events > tt.most || reasons > 100 {
				t.Errorf("%d events, want at most %d, and %d reasons", events, tt.most, reasons)
			}
		})
	}
}

// Nodes that came by themselves and are gone are remembered for a while, but not
// without end; those that the program named are not forgotten for them.
func TestStrangersAreForgotten(t *testing.T) {
	bubble(t, func(w *world) {
		const most = 5
		a := w.start("a", nil)
		a.RememberAtMost(most)
		a.Know("named", "named:1")
		for i := range 4 * most {
			id := fmt.Sprint("n", i)
			b := w.start(id, nil)
			w.connect(b, "a")
			if i != 3 { // this one stays
				b.Abort()
			}
			settle()
		}
		if n := len(a.Peers()); n > most+2 {
			w.t.Errorf("%d nodes are remembered", n)
		}
		for id, known := range map[string]bool{"named": true, "n3": true, "n0": false, "n19": true} {
			if p, ok := a.Peer(id); ok != known {
				w.t.Errorf("%s: remembered: %v: %+v", id, ok, p)
			}
		}
		w.nodes["n3"].Abort()
		settle()
		if p, ok := a.Peer("n3"); !ok || p.Connected {
			w.t.Errorf("a node that left just now: %v, %+v", ok, p)
		}
	})
}
