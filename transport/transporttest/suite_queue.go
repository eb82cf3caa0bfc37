package transporttest

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/clusterluck/clusterluck/transport"
	"github.com/clusterluck/clusterluck/transport/wire"
)

// testKilled kills a node that calls wait for.
func testKilled(s *suite) {
	const calls = 200
	a, b := s.pair()
	box := b.serve("box", &service{})
	ended := make(chan error, calls)
	for i := range uint64(calls) {
		go func() {
			ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
			defer cancel()
			size := 8
			if i%50 == 0 {
				size = 2 * wire.BodyMax
			}
			_, err := a.Call(ctx, "b", "box", numbered(i, size))
			ended <- err
		}()
	}
	s.await("all calls have arrived", func() bool { return box.count() == calls })
	start := time.Now()
	s.fabric.Kill("b")
	for range calls {
		if err := <-ended; !errors.Is(err, transport.ErrNodeDown) || transport.NotDelivered(err) {
			s.Errorf("a call to a killed node: %v", err)
		}
	}
	if took := time.Since(start); took > patience/2 {
		s.Errorf("the calls failed after %v", took)
	}
	b.Abort()
	if _, err := a.Call(context.Background(), "b", "box", numbered(0, 8)); err == nil || !transport.NotDelivered(err) {
		s.Errorf("a call while the node is down: %v", err)
	}
	s.start("b", nil).serve("box", &service{answer: echo})
	if _, err := a.Call(context.Background(), "b", "box", transport.Message{Wait: true}); err != nil {
		s.Errorf("a call that waits for the node: %v", err)
	}
}

// testQueued casts to a node that is down, and goes on while it comes up.
func testQueued(s *suite) {
	const before, queued, after = 100, 500, 500
	a, b := s.pair()
	box := b.serve("box", &service{})
	for i := range uint64(before) {
		a.cast("b", "box", numbered(i, 8))
	}
	s.await("the first are there", func() bool { return box.count() == before })
	s.fabric.Kill("b")
	b.Abort()
	s.await("the break is noticed", func() bool { return len(a.seen(transport.LinkDown)) == 1 })

	for i := range uint64(queued) {
		size := 8
		if i%100 == 40 {
			size = 2 * wire.BodyMax
		}
		a.cast("b", "box", numbered(before+i, size))
	}
	box = s.start("b", nil).serve("box", &service{})
	for i := range uint64(after) {
		a.cast("b", "box", numbered(before+queued+i, 8))
		if i%50 == 0 {
			time.Sleep(20 * time.Millisecond) // the connection comes up somewhere among them
		}
	}
	s.await("all are there", func() bool { return box.count() >= queued+after })
	if err := inOrder(box.messages(), before, queued+after); err != nil {
		s.Error(err)
	}
	if n := a.counted(transport.Dropped, "box"); n != 0 {
		s.Errorf("%d casts were reported as dropped", n)
	}
}

// testOverflowByCount sends more than the queue holds. Urgent casts stay.
func testOverflowByCount(s *suite) {
	const room, normal, urgent = 20, 50, 5
	a := s.start("a", func(c *transport.Config) { c.QueueLen = room })
	b := s.down(a)
	for i := range uint64(normal) {
		a.cast("b", "box", numbered(i, 8))
		if i < urgent {
			m := numbered(1000+i, 8)
			m.Urgent = true
			a.cast("b", "hot", m)
		}
	}
	s.await("the drops are reported", func() bool { return a.counted(transport.Dropped, "box") == normal+urgent-room })
	if n := a.counted(transport.Dropped, "hot"); n != 0 {
		s.Errorf("%d urgent casts were dropped", n)
	}
	for _, e := range a.seen(transport.Dropped) {
		if e.Node != "b" || e.Reason != "queue" {
			s.Errorf("reported as %+v", e)
		}
	}
	box, hot := b()
	s.await("the rest has arrived", func() bool { return box.count()+hot.count() == room })
	if err := inOrder(box.messages(), normal+urgent-room, room-urgent); err != nil {
		s.Error(err)
	}
	if err := inOrder(hot.messages(), 1000, urgent); err != nil {
		s.Error(err)
	}
	if st := a.Stats(); st.Dropped["queue"] != normal+urgent-room || st.QueuedCasts != 0 || st.QueuedBytes != 0 {
		s.Errorf("stats %+v", st)
	}
}

// testOverflowByBytes sends 64 KiB casts into a queue of 1 MiB.
func testOverflowByBytes(s *suite) {
	const size, sent = 64 << 10, 40
	a := s.start("a", func(c *transport.Config) { c.QueueBytes = 1 << 20 })
	b := s.down(a)
	for i := range uint64(sent) {
		a.cast("b", "box", numbered(i, size))
	}
	const most = 1 << 20 / (size + 3) // the name counts too
	s.await("the drops are reported", func() bool { return a.counted(transport.Dropped, "box") == sent-most })
	var reported int
	for _, e := range a.seen(transport.Dropped) {
		reported += int(e.Bytes)
	}
	if least := (sent - most) * size; reported < least {
		s.Errorf("%d bytes were reported as dropped, at least %d are", reported, least)
	}
	if st := a.Stats(); st.QueuedBytes > 1<<20 || st.QueuedCasts != most {
		s.Errorf("%d casts of %d bytes are queued", st.QueuedCasts, st.QueuedBytes)
	}
	box, _ := b()
	s.await("the rest has arrived", func() bool { return box.count() >= most })
	if err := inOrder(box.messages(), sent-most, most); err != nil {
		s.Error(err)
	}
}

// down lets a know a node b that is down, and returns what starts it again.
func (s *suite) down(a *node) (start func() (box, hot *service)) {
	s.Helper()
	b := s.start("b", nil)
	s.connect(a, "b")
	s.fabric.Kill("b")
	b.Abort()
	s.await("the break is noticed", func() bool { return len(a.seen(transport.LinkDown)) == 1 })
	return func() (box, hot *service) {
		b := s.start("b", nil)
		return b.serve("box", &service{}), b.serve("hot", &service{})
	}
}

// testDrain lets a node leave in order right after it sent, while the other is
// busy with what came.
func testDrain(s *suite) {
	const n = 500
	for name, leave := range map[string]func(a *node){
		"close": func(a *node) { a.Close() },
		"drop":  func(a *node) { a.Drop("b", false) },
	} {
		a, b := s.pair()
		var asked atomic.Int64
		box := b.serve("box", &service{full: func() bool { return asked.Add(1)%50 == 0 }})
		for i := range uint64(n) {
			size := 8
			if i%100 == 99 {
				size = 2 * wire.BodyMax
			}
			a.cast("b", "box", numbered(i, size))
		}
		leave(a)
		s.await(name+": all have arrived", func() bool {
			box.resume()
			return box.count() >= n
		})
		if err := inOrder(box.messages(), 0, n); err != nil {
			s.Errorf("%s: %v", name, err)
		}
		s.await(name+": the connection is gone", func() bool { return !b.isConnected("a") && !a.isConnected("b") })
		s.await(name+": the end is told", func() bool { return len(b.seen(transport.LinkDown)) == 1 })
		if e := b.seen(transport.LinkDown)[0]; e.Reason != "closed" {
			s.Errorf("%s: the other side was told %q: %v", name, e.Reason, e.Err)
		}
		for _, kind := range []transport.EventKind{transport.Dropped, transport.Unconfirmed} {
			if lost := a.counted(kind, "box"); lost != 0 {
				s.Errorf("%s: %d casts are reported as %v", name, lost, kind)
			}
		}
		a.Abort()
		b.Abort()
	}
}

// testForce drops a connection whose peer does not take anything.
func testForce(s *suite) {
	a, b := s.pair()
	b.serve("box", &service{full: func() bool { return true }})
	ended := make(chan error, 1)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
		defer cancel()
		_, err := a.Call(ctx, "b", "box", transport.Message{})
		ended <- err
	}()
	s.await("the call waits", func() bool { return a.Stats().CallsInFlight == 1 })
	start := time.Now()
	a.Drop("b", true)
	if err := <-ended; !errors.Is(err, transport.ErrNodeDown) {
		s.Errorf("the call ends with %v", err)
	}
	if took := time.Since(start); took > time.Second {
		s.Errorf("force took %v", took)
	}
	s.await("b has noticed", func() bool { return !b.isConnected("a") })
	if err := a.Cast(context.Background(), "b", "box", transport.Message{}); !errors.Is(err, transport.ErrUnknownNode) {
		s.Errorf("a cast to the dropped node: %v", err)
	}
}
