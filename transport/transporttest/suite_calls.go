package transporttest

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/clusterluck/clusterluck/transport"
	"github.com/clusterluck/clusterluck/transport/wire"
)

// testOrder sends numbered messages of all lengths, casts and calls, in both
// lanes to two servers, each lane from a goroutine of its own.
func testOrder(s *suite) {
	const n = 300
	a, b := s.pair()
	var senders sync.WaitGroup
	servers := map[string]*service{}
	for _, name := range []string{"one", "two"} {
		servers[name] = b.serve(name, &service{answer: echo})
		for _, urgent := range []bool{false, true} {
			senders.Go(func() { sendNumbered(s, a, name, urgent, n) })
		}
	}
	senders.Wait()
	for name, server := range servers {
		s.await("all have arrived", func() bool { return server.count() >= 2*n })
		lanes := map[bool][]transport.Delivery{}
		for _, d := range server.messages() {
			lanes[d.Urgent] = append(lanes[d.Urgent], d)
		}
		for urgent, lane := range lanes {
			if err := inOrder(lane, 0, n); err != nil {
				s.Errorf("server %s, urgent %v: %v", name, urgent, err)
			}
		}
	}
}

// sendNumbered sends n messages: mostly short casts, some long ones, some calls.
func sendNumbered(s *suite, a *node, name string, urgent bool, n int) {
	for i := range uint64(n) {
		size := 8
		switch {
		case i%50 == 7:
			size = 3*wire.BodyMax + int(i)
		case i%10 == 3:
			size = 5000
		}
		m := numbered(i, size)
		m.Urgent = urgent
		if i%9 != 4 {
			if err := a.Cast(context.Background(), "b", name, m); err != nil {
				s.Errorf("cast %d: %v", i, err)
			}
			continue
		}
		got, err := a.Call(context.Background(), "b", name, m)
		if err != nil || !bytes.Equal(got.Body, m.Body) {
			s.Errorf("call %d: %d bytes, %v", i, len(got.Body), err)
		}
	}
}

// testOrderWhenFull has a server that refuses every third message.
func testOrderWhenFull(s *suite) {
	const n = 2000
	a, b := s.pair()
	var asked atomic.Int64
	server := b.serve("box", &service{full: func() bool { return asked.Add(1)%3 == 0 }})
	beside := b.serve("beside", &service{answer: echo})
	for i := range uint64(n) {
		size := 8
		if i%100 == 50 {
			size = 2 * wire.BodyMax
		}
		a.cast("b", "box", numbered(i, size))
		if i%100 == 0 { // others are not held up
			if _, err := a.Call(context.Background(), "b", "beside", numbered(i, 8)); err != nil {
				s.Fatal(err)
			}
		}
		if i%7 == 0 {
			server.resume()
		}
	}
	s.await("all have arrived", func() bool {
		server.resume()
		return server.count() >= n
	})
	if err := inOrder(server.messages(), 0, n); err != nil {
		s.Error(err)
	}
	if beside.count() != n/100 {
		s.Errorf("the server beside got %d calls", beside.count())
	}
}

// testCalls makes calls that end in every way, many at once.
func testCalls(s *suite) {
	const callers, each = 16, 180 // for longer than late answers take
	a, b := s.pair()
	var mu sync.Mutex
	handled := map[uint64]int{}
	var open sync.WaitGroup // answers that come late
	b.serve("box", &service{answer: func(d transport.Delivery) {
		mu.Lock()
		handled[numberOf(d.Body)]++
		mu.Unlock()
		switch numberOf(d.Body) % 6 {
		case 0, 1:
			_ = d.Call.Reply(d.Body)
		case 2:
			_ = d.Call.Fail("own-code", "text", []byte("data"))
		case 3: // answers twice
			_ = d.Call.Reply(d.Body)
			_ = d.Call.Fail("late", "", nil)
		case 4: // answers too late
			open.Go(func() {
				time.Sleep(time.Second)
				_ = d.Call.Reply(d.Body)
			})
		case 5: // never answers
		}
	}})
	var work sync.WaitGroup
	var ended atomic.Int64
	for c := range uint64(callers) {
		work.Go(func() {
			for i := range uint64(each) {
				s.call(a, c*each+i)
				ended.Add(1)
			}
		})
	}
	work.Wait()
	open.Wait()
	if got := ended.Load(); got != callers*each {
		s.Errorf("%d calls ended, want %d", got, callers*each)
	}
	// A handler may still be about to begin; a call that was canceled may have none.
	s.await("every call is handled", func() bool {
		mu.Lock()
		defer mu.Unlock()
		for i := range uint64(callers * each) {
			if handled[i] == 0 && !canceled(i) {
				return false
			}
		}
		return true
	})
	mu.Lock()
	defer mu.Unlock()
	for i, n := range handled {
		if n != 1 {
			s.Errorf("call %d was handled %d times", i, n)
		}
	}
	if st := a.Stats(); st.CallsInFlight != 0 {
		s.Errorf("%d calls are in flight when all have ended", st.CallsInFlight)
	}
}

// canceled reports whether the caller of call i of testCalls gives it up early.
func canceled(i uint64) bool { return i%12 == 5 }

// call makes one call of testCalls and checks how it ends.
func (s *suite) call(a *node, i uint64) {
	ctx, cancel := context.Background(), context.CancelFunc(func() {})
	kind := i % 6
	switch {
	case canceled(i):
		ctx, cancel = context.WithCancel(ctx)
		time.AfterFunc(20*time.Millisecond, cancel)
	case kind >= 4:
		ctx, cancel = context.WithTimeout(ctx, 20*time.Millisecond)
	}
	defer cancel()
	m := numbered(i, 8)
	got, err := a.Call(ctx, "b", "box", m)
	var remote *transport.RemoteError
	switch kind {
	case 0, 1, 3:
		if err != nil || !bytes.Equal(got.Body, m.Body) {
			s.Errorf("call %d: %x, %v", i, got.Body, err)
		}
	case 2:
		if !errors.As(err, &remote) || remote.Code != "own-code" || remote.Text != "text" || string(remote.Data) != "data" {
			s.Errorf("call %d that fails: %v", i, err)
		}
	default:
		want := transport.ErrTimeout
		if ctx.Err() == context.Canceled {
			want = transport.ErrCanceled
		}
		if !errors.Is(err, want) || transport.NotDelivered(err) {
			s.Errorf("call %d that nobody answers: %v, want %v", i, err, want)
		}
	}
}

// testMissingName allows the machine some hiccups: the fastest of 20 counts.
func testMissingName(s *suite) {
	a, _ := s.pair()
	fastest := patience
	for range 20 {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		start := time.Now()
		_, err := a.Call(ctx, "b", "nobody", transport.Message{})
		fastest = min(fastest, time.Since(start))
		cancel()
		if !errors.Is(err, transport.ErrNoServer) || !transport.NotDelivered(err) {
			s.Fatalf("call to nobody: %v", err)
		}
	}
	if fastest > 10*time.Millisecond {
		s.Errorf("a call to nobody takes %v", fastest)
	}
}

// testBodies sends and gets back bodies around every limit, and is refused at
// once above the last.
func testBodies(s *suite) {
	const bodyMax = 1 << 20
	limit := func(c *transport.Config) { c.BodyMax = bodyMax }
	a, b := s.start("a", limit), s.start("b", limit)
	s.connect(a, "b")
	box := b.serve("box", &service{answer: echo})
	long := b.serve("long", &service{answer: func(d transport.Delivery) { _ = d.Call.Reply(make([]byte, bodyMax+1)) }})
	for _, size := range []int{
		0, 1, wire.ChunkMax, wire.BodyMax - 1, wire.BodyMax, wire.BodyMax + 1, wire.BodyMax + wire.ChunkMax,
		wire.FrameMax, 256 << 10, 256<<10 + 1, bodyMax - 1, bodyMax,
	} {
		body := make([]byte, size)
		for i := range body {
			body[i] = byte(i * 31 >> 3)
		}
		before := box.count()
		got, err := a.Call(context.Background(), "b", "box", transport.Message{Body: body})
		if err != nil || !bytes.Equal(got.Body, body) {
			s.Errorf("a call of %d bytes: %d came back, %v", size, len(got.Body), err)
		}
		a.cast("b", "box", transport.Message{Body: body})
		s.await("the cast is there", func() bool { return box.count() == before+2 })
		if last := box.messages()[before+1]; !bytes.Equal(last.Body, body) || !last.Call.IsZero() {
			s.Errorf("a cast of %d bytes arrives as %d", size, len(last.Body))
		}
	}
	before := box.count()
	_, err := a.Call(context.Background(), "b", "box", transport.Message{Body: make([]byte, bodyMax+1)})
	if !errors.Is(err, transport.ErrTooLarge) || !transport.NotDelivered(err) {
		s.Errorf("a call over the limit: %v", err)
	}
	err = a.Cast(context.Background(), "b", "box", transport.Message{Body: make([]byte, bodyMax+1)})
	if !errors.Is(err, transport.ErrTooLarge) {
		s.Errorf("a cast over the limit: %v", err)
	}
	_, err = a.Call(context.Background(), "b", "long", transport.Message{})
	if !errors.Is(err, transport.ErrTooLarge) {
		s.Errorf("an answer over the limit: %v", err)
	}
	if long.count() != 1 || box.count() != before {
		s.Errorf("%d and %d messages arrived", long.count(), box.count()-before)
	}
}
