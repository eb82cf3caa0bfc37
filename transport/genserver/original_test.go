package genserver_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/clusterluck/clusterluck/transport"
	"github.com/clusterluck/clusterluck/transport/genserver"
	"github.com/clusterluck/clusterluck/transport/wire"
)

// The tests of this file are of what makes the JavaScript clusterluck 2.0.1 die,
// hang, lose messages or go deaf, as far as it is not the subject of another
// file. docs/testing.md lists all such defects and the tests of each.

// There, an event "error" from another node kills the process, and "pause" makes
// the server deaf.
func TestEventNamesHaveNoMeaningOfTheirOwn(t *testing.T) {
	names := []string{
		"error", "pause", "resume", "stop", "idle", "newListener", "__proto__", "constructor", "toString", "children", "later", "\x00",
		strings.Repeat("x", 255),
	}
	everywhere(t, func(p *place) {
		p.start("bare", hello)
		p.start("srv", func(_ context.Context, s *genserver.Server) error {
			for _, name := range names {
				genserver.Handle(s, name, func(context.Context, genserver.From, any) (string, error) { return name, nil })
			}
			return nil
		})
		for _, name := range names {
			if got, err := call[string](p, "srv", name, nil); got != name || err != nil {
				p.t.Errorf("event %q is answered by %q, %v", name, got, err)
			}
			if err := cast(p, "bare", name, nil); err != nil {
				p.t.Error(err)
			}
			_, err := call[string](p, "bare", name, nil)
			want(p.t, err, transport.ErrNoHandler)
		}
		for _, name := range []string{"", strings.Repeat("x", 256), "\xff"} {
			if _, err := call[string](p, "bare", name, nil); !transport.NotDelivered(err) && !errors.Is(err, transport.ErrName) {
				p.t.Errorf("event %q: %v", name, err)
			}
		}
		if got, err := call[string](p, "bare", "hello", nil); got != "world" || err != nil {
			p.t.Errorf("after all that hello is answered by %q, %v", got, err)
		}
	})
}

// There, servers named after what every object has confuse the node.
func TestServerNamesHaveNoMeaningOfTheirOwn(t *testing.T) {
	everywhere(t, func(p *place) {
		for _, name := range []string{"error", "__proto__", "constructor", "toString", "ping", "message", " ", "a/b"} {
			_, err := call[string](p, name, "hello", nil)
			want(p.t, err, transport.ErrNoServer)
			p.start(name, hello)
			if got, err := call[string](p, name, "hello", nil); got != "world" || err != nil {
				p.t.Errorf("server %q answers %q, %v", name, got, err)
			}
		}
	})
}

// There, a server that was stopped and started again is deaf.
func TestAServerThatStoppedCanBeStartedAgain(t *testing.T) {
	everywhere(t, func(p *place) {
		for range 3 {
			s := p.start("srv", hello)
			if got, err := call[string](p, "srv", "hello", nil); got != "world" || err != nil {
				p.t.Fatalf("answered by %q, %v", got, err)
			}
			if err := s.Stop(p.t.Context()); err != nil {
				p.t.Fatal(err)
			}
		}
	})
}

// There, a message that cannot be decoded is dropped and its caller waits for
// ever, or the node dies.
func TestGarbageIsRefusedAtOnce(t *testing.T) {
	good, err := wire.Marshal([]any{"hello", nil})
	if err != nil {
		t.Fatal(err)
	}
	bodies := map[string][]byte{
		"empty": {}, "null": {0xf6}, "a number": {0x01}, "an empty array": {0x80}, "no value": {0x81, 0x61, 'x'},
		"three elements": {0x83, 0x61, 'x', 0xf6, 0xf6}, "one of two": {0x81, 0x61, 'x', 0xf6}, "two of three": {0x83, 0x61, 'x', 0xf6},
		"the event is a number": {0x82, 0x01, 0xf6}, "no event": {0x82, 0x60, 0xf6},
		"the event is cut off": {0x82, 0x65, 'h', 'e'}, "the event is no text": {0x82, 0x61, 0xff, 0xf6},
		"a long event": append([]byte{0x82, 0x79, 0x01, 0x00}, make([]byte, 257)...), "the value is cut off": {0x82, 0x61, 'x', 0x82, 0x01},
		"something follows": append(slices.Clone(good), 0xf6), "an array without an end": {0x9f, 0x61, 'x', 0xf6, 0xff},
		"a value without an end": {0x82, 0x61, 'x', 0x5f, 0xff}, "an array that lies": {0x82, 0x61, 'x', 0x9b, 0, 0, 0, 1, 0, 0, 0, 0},
		"nested deep": append([]byte{0x82, 0x61, 'x'}, bytes.Repeat([]byte{0x81}, 100)...), "a tag": {0x82, 0x61, 'x', 0xc1, 0x01},
		"a key twice": {0x82, 0x61, 'x', 0xa2, 0x01, 0x01, 0x01, 0x01},
	}
	headers := map[string][]byte{
		"a number": {0x01}, "cut off": {0xa1, 0x01}, "a chain of numbers": {0xa1, 0x01, 0x81, 0x01},
		"a trace of lists": {0xa1, 0x02, 0xa1, 0x61, 'x', 0x80}, "something follows": {0xa0, 0xa0},
	}
	bubble(t, func(w *world) {
		k := w.nodes["a"]
		s := start(w, w.nodes["b"], "srv", func(ctx context.Context, s *genserver.Server) error {
			genserver.Handle(s, "x", func(context.Context, genserver.From, any) (string, error) { return "handled", nil })
			return hello(ctx, s)
		})
		begin := time.Now()
		refused := 0
		try := func(name string, m transport.Message) {
			answer, err := k.Call(w.t.Context(), "b", "srv", m)
			if !errors.Is(err, transport.ErrBadRequest) || answer.Body != nil {
				w.t.Errorf("%s: answered by %x, %v", name, answer.Body, err)
			}
			if err := k.Cast(w.t.Context(), "b", "srv", m); err != nil {
				w.t.Error(err)
			}
			settle()
			refused++
		}
		for name, body := range bodies {
			try(name, transport.Message{Body: body})
		}
		for name, hdr := range headers {
			try("header: "+name, transport.Message{Hdr: hdr, Body: good})
		}
		if d := time.Since(begin); d > time.Duration(refused)*2*time.Millisecond {
			w.t.Errorf("it took %v", d)
		}
		answer, err := k.Call(w.t.Context(), "b", "srv", transport.Message{Body: good})
		if err != nil || string(answer.Body) != "\x65world" {
			w.t.Errorf("after all that hello is answered by %x, %v", answer.Body, err)
		}
		if s.Err() != nil {
			w.t.Error(s.Err())
		}
	})
}

// There, a call whose peer goes away hangs until its timeout, by default for
// ever.
func TestCallsFailWhenTheNodeGoes(t *testing.T) {
	bubble(t, func(w *world) {
		start(w, w.nodes["b"], "srv", recorder(new(log[int]), make(chan struct{})))
		end := make(chan error, 1)
		go func() {
			_, err := genserver.Call[bool](w.t.Context(), w.nodes["a"], "srv@b", "hold", nil)
			end <- err
		}()
		settle()
		begin := time.Now()
		w.nodes["b"].Abort()
		err := <-end
		want(w.t, err, transport.ErrNodeDown)
		took(w.t, begin, 0)
		if transport.NotDelivered(err) {
			w.t.Error("the call was delivered")
		}
	})
}

// The server must learn it too: nobody waits for its answer any more.
func TestHandlersLearnThatTheCallerIsGone(t *testing.T) {
	bubble(t, func(w *world) {
		var ended log[string]
		s := start(w, w.nodes["b"], "srv", func(_ context.Context, s *genserver.Server) error {
			genserver.Handle(s, "wait", func(ctx context.Context, _ genserver.From, name string) (bool, error) {
				<-ctx.Done()
				ended.add(name)
				return true, ctx.Err()
			})
			genserver.Handle(s, "later", func(ctx context.Context, from genserver.From, name string) (bool, error) {
				return genserver.Async(ctx, from, func(ctx context.Context) (bool, error) {
					<-ctx.Done()
					ended.add(name)
					return true, nil
				})
			})
			return nil
		})
		for _, event := range []string{"later", "wait", "never"} {
			go genserver.Call[bool](context.Background(), w.nodes["a"], "srv@b", event, event)
			settle()
		}
		w.nodes["a"].Abort()
		got := ended.list()
		if slices.Sort(got); !slices.Equal(got, []string{"later", "wait"}) {
			w.t.Errorf("learnt it: %v", got)
		}
		if got := s.Stats(); got.Handled != 2 || got.Apart != 0 || got.Waiting != 0 {
			w.t.Errorf("stats are %+v", got)
		}
	})
}

// There, a stream that stalls is dropped after 30 s, and its handler is never
// told.
func TestStreamsThatStallTimeOut(t *testing.T) {
	everywhere(t, func(p *place) {
		read := make(chan error, 1)
		p.start("srv", func(_ context.Context, s *genserver.Server) error {
			genserver.HandleReader(s, "read", func(ctx context.Context, from genserver.From, _ any, body io.Reader) (int64, error) {
				return genserver.Async(ctx, from, func(context.Context) (int64, error) {
					n, err := io.Copy(io.Discard, body)
					read <- err
					return n, err
				})
			})
			return nil
		})
		r, pipe := io.Pipe()
		go pipe.Write([]byte("x"))
		begin := time.Now()
		_, err := genserver.CallReader[int64](p.t.Context(), p.here, p.ref("srv"), "read", nil, r)
		want(p.t, err, transport.ErrTimeout)
		took(p.t, begin, 5*time.Second)
		pipe.Write([]byte("y")) // a read that was under way gets it; the next must fail
		pipe.Close()
		if err := <-read; err == nil && p.here != p.there {
			p.t.Error("the handler took a broken stream for a complete one")
		}
	})
}

// There, 50 MB take 12 s and a buffer travels as a list of decimals.
func TestLargeValues(t *testing.T) {
	everywhereAndTCP(t, func(p *place) {
		p.start("echo", func(_ context.Context, s *genserver.Server) error {
			echo[[]byte](s, "bytes")
			genserver.Handle(s, "grow", func(_ context.Context, _ genserver.From, n int) ([]byte, error) { return make([]byte, n), nil })
			return nil
		})
		for _, n := range []int{65_000, 65_536, 70_000, 5 << 20} {
			roundTrip(p, "bytes", random(n))
		}
		if p.here == p.there {
			return
		}
		_, err := call[[]byte](p, "echo", "bytes", make([]byte, 17<<20))
		want(p.t, err, transport.ErrTooLarge)
		_, err = call[[]byte](p, "echo", "grow", 17<<20)
		want(p.t, err, transport.ErrTooLarge)
		if transport.NotDelivered(err) {
			p.t.Errorf("%v, though the handler ran", err)
		}
		roundTrip(p, "bytes", []byte("still there"))
	})
}

// Casts and calls sent while a node was away arrive after it returns, in order;
// there, a call that had timed out was handled all the same.
func TestMessagesWaitForANodeThatReturns(t *testing.T) {
	bubble(t, func(w *world) {
		var l log[int]
		start(w, w.nodes["b"], "srv", recorder(&l, nil))
		put := func(n int) {
			if err := genserver.Cast(w.t.Context(), w.nodes["a"], "srv@b", "put", n); err != nil {
				w.t.Error(err)
			}
		}
		put(0)
		settle()
		w.net.Cut("a", "b")
		pass(time.Minute)
		for n := 1; n < 10; n++ {
			put(n)
		}
		_, err := genserver.Do[int](w.t.Context(), w.nodes["a"], genserver.Message{Ref: "srv@b", Event: "put", Value: 99, Wait: true})
		want(w.t, err, transport.ErrTimeout)
		err = genserver.Send(w.t.Context(), w.nodes["a"], genserver.Message{Ref: "srv@b", Event: "put", Value: 98, NoWait: true})
		want(w.t, err, transport.ErrNotConnected)
		w.net.Heal("a", "b")
		put(10)
		pass(time.Minute)
		if got := l.list(); !slices.Equal(got, numbers(0, 11)) {
			w.t.Errorf("arrived: %v", got)
		}
	})
}

// There, a port in use ends the process with a TypeError.
func TestAnAddressInUseIsAnError(t *testing.T) {
	bubble(t, func(w *world) {
		k, err := transport.Start(w.t.Context(), transport.Config{
			ID: "c", Addr: w.nodes["a"].Addr(), Insecure: true, InsecureAnywhere: true, Network: w.net.Host("a"),
		})
		if err == nil {
			k.Close()
			w.t.Fatal("two nodes listen at one address")
		}
		start(w, w.nodes["b"], "srv", hello)
		if got, err := genserver.Call[string](w.t.Context(), w.nodes["a"], "srv@b", "hello", nil); got != "world" || err != nil {
			w.t.Errorf("the first node is answered %q, %v", got, err)
		}
	})
}
