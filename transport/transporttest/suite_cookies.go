package transporttest

import (
	"bytes"
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/clusterluck/clusterluck/transport"
)

// testWrongCookie lets a stranger try all it can.
func testWrongCookie(s *suite) {
	a, b := s.pair()
	box := b.serve("box", &service{answer: echo})
	stranger := s.start("stranger", func(c *transport.Config) { c.Cookie = cookie2 })
	for range 3 {
		id, err := stranger.Connect(context.Background(), s.fabric.Addr("b"))
		if err == nil || id != "" {
			s.Fatalf("the stranger is connected to %q", id)
		}
		if text := err.Error(); !strings.Contains(text, "cookie, role or version differs") {
			s.Errorf("the stranger is told %q", text)
		}
	}
	if err := stranger.Know("b", s.fabric.Addr("b")); err != nil {
		s.Fatal(err)
	}
	stranger.cast("b", "box", numbered(1, 8))
	if _, err := stranger.Call(context.Background(), "b", "box", numbered(2, 8)); err == nil {
		s.Error("the stranger has an answer")
	}
	if _, err := a.Connect(context.Background(), s.fabric.Addr("stranger")); err == nil {
		s.Error("a has connected to the stranger")
	}
	s.await("the attempts are reported", func() bool { return len(b.seen(transport.Refused)) >= 3 })
	if n := box.count(); n != 0 {
		s.Errorf("%d messages of the stranger arrived", n)
	}
	for _, n := range []*node{a, b} {
		for _, p := range n.Peers() {
			if p.ID == "stranger" {
				s.Errorf("%s lists the stranger", n.ID())
			}
		}
		if ups := n.seen(transport.LinkUp); len(ups) != 1 {
			s.Errorf("%s was told of %d connections", n.ID(), len(ups))
		}
	}
	for _, p := range stranger.Peers() {
		if p.Connected || p.ID != "b" {
			s.Errorf("the stranger knows %+v", p)
		}
	}
	if _, err := a.Call(context.Background(), "b", "box", numbered(3, 8)); err != nil {
		s.Errorf("good calls beside it: %v", err)
	}
}

// testRotation changes the cookie of three nodes in the documented steps while
// they call each other, and looks after each step who can connect to whom.
func testRotation(s *suite) {
	names := []string{"a", "b", "c"}
	nodes := map[string]*node{}
	for _, name := range names {
		nodes[name] = s.start(name, nil)
		nodes[name].serve("box", &service{answer: echo})
	}
	var calls atomic.Int64
	stop := make(chan struct{})
	var load sync.WaitGroup
	for _, from := range names {
		for _, to := range names {
			if from == to {
				continue
			}
			if err := nodes[from].Keep(to, s.fabric.Addr(to)); err != nil {
				s.Fatal(err)
			}
			load.Go(func() { s.keepCalling(nodes[from], to, stop, &calls) })
		}
	}
	s.await("all are connected", func() bool {
		return nodes["a"].Stats().Links == 2 && nodes["b"].Stats().Links == 2 && nodes["c"].Stats().Links == 2
	})
	for _, step := range []struct {
		use      string
		accept   []string
		old, new bool // who has that cookie alone can connect
	}{
		{cookie1, []string{cookie2}, true, true},
		{cookie2, []string{cookie1}, true, true},
		{cookie2, nil, false, true},
	} {
		for _, name := range names {
			if err := nodes[name].SetCookies(step.use, step.accept); err != nil {
				s.Fatal(err)
			}
			s.visit(name, cookie1, step.old)
			s.visit(name, cookie2, step.new)
			was := calls.Load()
			s.await("calls go on", func() bool { return calls.Load() > was+20 })
		}
	}
	close(stop)
	load.Wait()
	if calls.Load() < 180 {
		s.Errorf("only %d calls were made", calls.Load())
	}
	for _, name := range names {
		for _, e := range nodes[name].seen(transport.LinkDown) {
			if e.Node != "visitor" {
				s.Errorf("%s lost its connection to %s: %v", name, e.Node, e.Err)
			}
		}
	}
}

// keepCalling makes calls, none of which may fail, and counts them.
func (s *suite) keepCalling(from *node, to string, stop <-chan struct{}, calls *atomic.Int64) {
	for i := uint64(0); ; i++ {
		select {
		case <-stop:
			return
		case <-time.After(time.Millisecond):
		}
		m := numbered(i, 8)
		m.Wait = true
		got, err := from.Call(context.Background(), to, "box", m)
		if calls.Add(1); err != nil || !bytes.Equal(got.Body, m.Body) {
			s.Errorf("%s calls %s: %v", from.ID(), to, err)
		}
	}
}

// visit starts a node that has one cookie alone, and checks whether it can
// connect to the node and call it.
func (s *suite) visit(name, cookie string, welcome bool) {
	s.Helper()
	v := s.start("visitor", func(c *transport.Config) { c.Addr, c.Cookie = "", cookie })
	defer v.Abort()
	_, err := v.Connect(context.Background(), s.fabric.Addr(name))
	switch {
	case !welcome && err == nil:
		s.Errorf("%s has let in who has the old cookie alone", name)
	case welcome && err != nil:
		s.Errorf("%s has not let in who has the cookie %s... alone: %v", name, cookie[:10], err)
	case welcome:
		if _, err := v.Call(context.Background(), name, "box", transport.Message{}); err != nil {
			s.Errorf("the visitor calls %s: %v", name, err)
		}
	}
}
