package transport_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/clusterluck/clusterluck/transport"
)

// guest starts a node that only looks, under an id of its choice.
func (w *world) guest(id, host string) *transport.Kernel {
	w.t.Helper()
	derived, err := transport.DeriveCookie(cookie, transport.RoleObserver)
	if err != nil {
		w.t.Fatal(err)
	}
	was, known := w.nodes[id]
	k := w.start(id, func(c *transport.Config) {
		c.Cookie, c.Role, c.Addr, c.Advertise, c.OnEvent = derived, transport.RoleObserver, "", host+":1", nil
		c.Network = w.net.Host(host)
	})
	w.nodes[fmt.Sprint("guest ", len(w.nodes))] = k
	if w.nodes[id] = was; !known {
		delete(w.nodes, id)
	}
	return k
}

// Whoever may only look cannot take the place of a node, whether that is
// connected or away, by saying that it has its id.
func TestGuestsCannotPoseAsNodes(t *testing.T) {
	for _, away := range []bool{false, true} {
		pair(t, func(w *world, a, b *transport.Kernel) {
			box := record(w, b, "box", -1)
			if away {
				w.net.Refuse("b")
				w.net.Reset("a", "b")
				settle()
				a.Cast(w.t.Context(), "b", "box", body("queued"))
			}
			thief := w.guest("b", "elsewhere")
			stolen := record(w, thief, "box", -1)
			_, err := thief.Connect(w.t.Context(), "a:1")
			var status *transport.StatusError
			if !errors.As(err, &status) || status.Code != "same-id" {
				w.t.Errorf("away %v: a guest with the id of a node: %v", away, err)
			}
			if p, _ := a.Peer("b"); p.Connected == away || p.Addr != "b:1" {
				w.t.Errorf("away %v: the node is known as %+v", away, p)
			}
			w.net.Allow("b")
			if err := a.Cast(w.t.Context(), "b", "box", body("x")); err != nil {
				w.t.Error(err)
			}
			settle()
			if got, theirs := box.bodies(), stolen.bodies(); len(theirs) > 0 || len(got) == 0 || got[len(got)-1] != "x" {
				w.t.Errorf("away %v: the node got %q, and the guest %q", away, got, theirs)
			}
		})
	}
}

// A guest that was there first is in nobody's way: not of the node that has the
// id, and not of other guests.
func TestGuestsAreKeptApart(t *testing.T) {
	bubble(t, func(w *world) {
		a := w.start("a", nil)
		a.Register("echo", &echo{})
		guests := []*transport.Kernel{w.guest("b", "here"), w.guest("b", "there")}
		for _, g := range guests {
			w.connect(g, "a")
		}
		if err := a.Cast(w.t.Context(), "b", "box", body("x")); !errors.Is(err, transport.ErrUnknownNode) {
			w.t.Errorf("a request to a guest: %v", err)
		}
		if p, ok := a.Peer("b"); ok {
			w.t.Errorf("a guest is known as a node: %+v", p)
		}
		if s := a.Stats(); s.Peers != 2 || s.Links != 2 {
			w.t.Errorf("%d peers and %d links, want both guests", s.Peers, s.Links)
		}
		b := w.start("b", nil)
		box := record(w, b, "box", -1)
		w.connect(b, "a")
		if err := a.Cast(w.t.Context(), "b", "box", body("x")); err != nil || len(box.bodies()) != 1 {
			w.t.Errorf("the node that has the id got %q: %v", box.bodies(), err)
		}
		for i, g := range guests {
			if got, err := g.Call(w.t.Context(), "a", "echo", body("still")); err != nil || string(got.Body) != "still" {
				w.t.Errorf("guest %d: %q, %v", i, got.Body, err)
			}
		}
		a.Drop("b", true)
		if settle(); a.Stats().Links != 0 {
			w.t.Errorf("after the drop: %+v", a.Peers())
		}
		for range 10 {
			w.guest("c", "place").Connect(w.t.Context(), "a:1")
			w.net.Kill("place")
		}
		if settle(); a.Stats().Peers != 0 {
			w.t.Errorf("guests that are gone are remembered: %+v", a.Peers())
		}
	})
}
