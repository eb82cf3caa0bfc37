package transporttest

import (
	"context"
	"os"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/clusterluck/clusterluck/transport"
)

// testDuplicates lets two nodes dial each other at about the same time, again
// and again.
func testDuplicates(s *suite) {
	for round := range 20 {
		a, b := s.start("a", nil), s.start("b", nil)
		a.serve("box", &service{answer: echo})
		b.serve("box", &service{answer: echo})
		step := 500 * time.Nanosecond // in a bubble a handshake takes microseconds
		if round%2 == 1 {
			step *= 100
		}
		var dials sync.WaitGroup
		for i := range 4 {
			from, to := a, "b"
			if i%2 == 1 {
				from, to = b, "a"
			}
			dials.Go(func() {
				time.Sleep(time.Duration(round*i) * step)
				if err := from.Keep(to, s.fabric.Addr(to)); err != nil {
					s.Error(err)
				}
				if _, err := from.Call(context.Background(), to, "box", transport.Message{Wait: true}); err != nil {
					s.Errorf("round %d: call from %s: %v", round, from.ID(), err)
				}
			})
		}
		dials.Wait()
		s.await("both are connected", func() bool { return a.isConnected("b") && b.isConnected("a") })
		since := func() [2]time.Time {
			x, _ := a.Peer("b")
			y, _ := b.Peer("a")
			return [2]time.Time{x.Since, y.Since}
		}
		settled := since()
		for range 50 {
			if _, err := a.Call(context.Background(), "b", "box", transport.Message{}); err != nil {
				s.Errorf("round %d: %v", round, err)
			}
			if _, err := b.Call(context.Background(), "a", "box", transport.Message{}); err != nil {
				s.Errorf("round %d: %v", round, err)
			}
		}
		if x, y := a.Stats().Links, b.Stats().Links; x != 1 || y != 1 {
			s.Errorf("round %d: %d and %d connections", round, x, y)
		}
		for _, n := range []*node{a, b} {
			s.await(n.ID()+" was told of one connection more than of ends", func() bool {
				return len(n.seen(transport.LinkUp)) == len(n.seen(transport.LinkDown))+1
			})
		}
		if now := since(); now != settled {
			s.Errorf("round %d: the connection changes from %v to %v", round, settled, now)
		}
		a.Abort()
		b.Abort()
	}
}

// testRestarts kills a node twice; the third start is reached as the first was.
func testRestarts(s *suite) {
	a := s.start("a", nil)
	instances := map[[16]byte]bool{}
	for round := range uint64(3) {
		b := s.start("b", nil)
		box := b.serve("box", &service{answer: echo})
		if instances[b.Instance()] {
			s.Error("two starts have one instance")
		}
		instances[b.Instance()] = true
		if round == 0 {
			s.connect(a, "b")
			if err := a.Keep("b", ""); err != nil {
				s.Fatal(err)
			}
		}
		s.await("a has connected by itself", func() bool { return a.isConnected("b") })
		got, err := a.Call(context.Background(), "b", "box", transport.Message{Body: []byte("x"), Wait: true})
		if err != nil || string(got.Body) != "x" {
			s.Fatalf("start %d: %q, %v", round, got.Body, err)
		}
		for i := range uint64(100) {
			a.cast("b", "box", numbered(i, 8))
		}
		s.await("the casts are there", func() bool { return box.count() == 101 })
		if err := inOrder(box.messages()[1:], 0, 100); err != nil {
			s.Error(err)
		}
		ups := a.seen(transport.LinkUp)
		if len(ups) != int(round)+1 || ups[round].Peer.Instance != b.Instance() {
			s.Errorf("start %d: %d connections were told", round, len(ups))
		}
		s.fabric.Kill("b")
		b.Abort()
		s.await("the break is told", func() bool { return len(a.seen(transport.LinkDown)) == int(round)+1 })
	}
}

// testLeftovers connects and restarts often. In a bubble any goroutine that is
// left fails the test; elsewhere they are counted, and so are open files.
func testLeftovers(s *suite) {
	connects, restarts := 1000, 200
	if !s.harness.Bubble && (testing.Short() || s.harness.TLS != nil) {
		connects, restarts = 100, 20
	}
	a := s.start("a", nil)
	b := s.start("b", nil)
	box := b.serve("box", &service{answer: echo})
	s.connect(a, "b")
	a.Drop("b", true)
	s.await("b has noticed", func() bool { return !b.isConnected("a") })
	before := inUse()
	for i := range connects {
		s.connect(a, "b")
		if _, err := a.Call(context.Background(), "b", "box", transport.Message{}); err != nil {
			s.Fatalf("connect %d: %v", i, err)
		}
		a.Drop("b", i%2 == 0)
		s.await("the connection is gone", func() bool { return !b.isConnected("a") && !a.isConnected("b") })
	}
	if n := box.count(); n != connects {
		s.Errorf("%d calls arrived, want %d", n, connects)
	}
	s.settled("connects", before)
	b.Abort()
	for i := range restarts {
		s.fabric.Kill("b")
		b := s.start("b", nil)
		b.serve("box", &service{answer: echo})
		s.connect(a, "b")
		if _, err := a.Call(context.Background(), "b", "box", transport.Message{}); err != nil {
			s.Fatalf("restart %d: %v", i, err)
		}
		if i%2 == 0 {
			b.Close()
		} else {
			b.Abort()
		}
		a.Drop("b", true)
	}
	s.settled("restarts", before)
	s.await("a has forgotten b", func() bool { return len(a.Peers()) == 0 })
}

// usage is what is left when something leaks.
type usage struct{ goroutines, files int }

// inUse counts the goroutines and, on Linux, the open files of the process.
func inUse() usage {
	files, _ := os.ReadDir("/proc/self/fd") // elsewhere there is no such thing
	return usage{runtime.NumGoroutine(), len(files)}
}

// settled waits until there are no more goroutines and files than before. A
// bubble tells of goroutines by itself, and has no files.
func (s *suite) settled(after string, before usage) {
	if s.harness.Bubble {
		return
	}
	s.await("goroutines have ended and files are closed after "+after, func() bool {
		now := inUse()
		return now.goroutines <= before.goroutines && now.files <= before.files
	})
}
