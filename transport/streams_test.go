package transport_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/clusterluck/clusterluck/transport"
	"github.com/clusterluck/clusterluck/transport/wire"
)

// reads answers each call with a stream of what the caller streamed.
type reads struct{}

func (reads) Deliver(d *transport.Delivery) bool {
	call, stream := d.Call, d.Stream
	go func() {
		data, err := io.ReadAll(stream)
		if err != nil {
			call.Fail("unread", err.Error(), nil)
			return
		}
		call.ReplyStream(nil, strings.NewReader(string(data)))
	}()
	return true
}
func (reads) Cancel(transport.CallRef)  {}
func (reads) LinkDown(transport.LinkID) {}

// A node never has more streams open than the other bears: those that are too many
// wait. A peer cuts a link that has more.
func TestMoreStreamsThanAPeerBears(t *testing.T) {
	a, b := node(t, "a", nil), node(t, "b", nil)
	if err := b.Register("reads", reads{}); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Connect(t.Context(), b.Addr()); err != nil {
		t.Fatal(err)
	}
	var wait sync.WaitGroup
	for range 3000 {
		wait.Go(func() {
			answer, err := a.Call(t.Context(), "b", "reads", transport.Message{Stream: strings.NewReader("text")})
			if err != nil {
				t.Error(err)
				return
			}
			defer answer.Stream.Close()
			if got, err := io.ReadAll(answer.Stream); err != nil || string(got) != "text" {
				t.Errorf("the stream came back as %q, %v", got, err)
			}
		})
	}
	wait.Wait()
}

// chunksUntilQuiet reads until nothing comes for a while, and returns how many bytes
// of chunks came.
func (e *evil) chunksUntilQuiet() (n int) {
	var b []byte
	for {
		e.conn.SetReadDeadline(time.Now().Add(200 * time.Millisecond))
		var err error
		if b, err = e.s.Read(b); err != nil {
			return n
		}
		for {
			body, rest, ok, err := wire.ParseFrame(b, wire.FrameMax)
			if err != nil {
				e.t.Fatal(err)
			}
			if !ok {
				break
			}
			var m wire.Msg
			if err := wire.Parse(body, &m); err != nil {
				e.t.Fatal(err)
			}
			n += len(m.Body) * map[bool]int{true: 1}[m.Kind == wire.KindData]
			b = rest
		}
	}
}

// A long answer uses its whole credit when it is alone, and a part of it when there
// are calls beside it, which would wait behind it.
func TestStreamsMakeWay(t *testing.T) {
	for _, calls := range []int{0, 1} {
		k := node(t, "node", nil)
		for name, s := range map[string]transport.Service{"talker": talker(2 << 20), "echo": &echo{}} {
			if err := k.Register(name, s); err != nil {
				t.Fatal(err)
			}
		}
		e := newEvil(t, k)
		await(t, k, 1)
		e.say(messages(named(wire.KindCall, "talker", wire.Msg{Corr: 1, TTL: 60_000})))
		if got := e.chunksUntilQuiet(); got != 256<<10 {
			t.Fatalf("%d bytes came on a new stream, want its credit", got)
		}
		for i := range calls {
			e.say(messages(named(wire.KindCall, "echo", wire.Msg{Corr: uint64(2 + i), TTL: 60_000})))
		}
		await(t, k, 1)
		<-time.After(20 * time.Millisecond)
		e.say(messages(wire.Msg{Kind: wire.KindCredit, Sid: 1, Count: 256 << 10}))
		want := []int{256 << 10, 48 << 10}[calls]
		if got := e.chunksUntilQuiet(); got != want {
			t.Errorf("%d bytes came beside %d calls, want %d", got, calls, want)
		}
	}
}

// What makes way for calls must come to its end all the same, however long it is.
func TestStreamsBesideCallsEnd(t *testing.T) {
	a, b := node(t, "a", nil), node(t, "b", nil)
	for name, s := range map[string]transport.Service{"reads": reads{}, "echo": &echo{}} {
		if err := b.Register(name, s); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := a.Connect(t.Context(), b.Addr()); err != nil {
		t.Fatal(err)
	}
	stop := make(chan struct{})
	var calls sync.WaitGroup
	for range 2 {
		calls.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if _, err := a.Call(t.Context(), "b", "echo", transport.Message{Body: []byte("small")}); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for _, n := range []int{66 << 10, 112 << 10, 113<<10 + 1, 256 << 10, 304<<10 + 7, 1 << 20, 5 << 20} {
		body := make([]byte, n)
		if got, err := a.Call(t.Context(), "b", "echo", transport.Message{Body: body}); err != nil || len(got.Body) != n {
			t.Errorf("a body of %d bytes comes back with %d, %v", n, len(got.Body), err)
		}
		answer, err := a.Call(t.Context(), "b", "reads", transport.Message{Stream: bytes.NewReader(body)})
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(answer.Stream); err != nil || len(got) != n {
			t.Errorf("a stream of %d bytes comes back with %d, %v", n, len(got), err)
		}
	}
	close(stop)
	calls.Wait()
}

// answerPings shows that the connection is alive, until it ends.
func (e *evil) answerPings() {
	var b []byte
	for {
		var err error
		if b, err = e.s.Read(b); err != nil {
			return
		}
		for {
			body, rest, ok, err := wire.ParseFrame(b, wire.FrameMax)
			if err != nil || !ok {
				break
			}
			var m wire.Msg
			if wire.Parse(body, &m) == nil && m.Kind == wire.KindPing {
				e.say(messages(wire.Msg{Kind: wire.KindPong, Seq: m.Seq}))
			}
			b = rest
		}
	}
}

// A node that dials and is turned away can have nothing done on that connection.
func TestOthersConnectionsServeNothing(t *testing.T) {
	victim := node(t, "victim", nil)
	victim.Register("hole", &hole{})
	first := newEvilAs(t, victim, [16]byte{1})
	await(t, victim, 1)
	go first.answerPings()
	second := newEvilAs(t, victim, [16]byte{1})
	second.say(messages(named(wire.KindMonitor, "hole", wire.Msg{Corr: 1}), named(wire.KindCast, "hole", wire.Msg{Body: []byte("x")})))
	if !second.isCutOff(3 * time.Second) {
		t.Error("a connection that was turned away stays")
	}
	if n := transport.Watchers(victim); n != 0 {
		t.Errorf("it left %d monitors", n)
	}
}

// Long requests that wait for a busy service must not keep long answers from the
// same node.
func TestLongAnswersDoNotWaitForLongRequests(t *testing.T) {
	bubble(t, func(w *world) {
		a, b := w.start("a", nil), w.start("b", nil)
		w.connect(a, "b")
		record(w, b, "busy", 0)
		if err := a.Register("talker", talker(100_000)); err != nil {
			w.t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(w.t.Context())
		defer cancel()
		long := transport.Message{Body: make([]byte, 1<<20)}
		for i := range 600 {
			if i%2 == 0 {
				go a.Cast(ctx, "b", "busy", long)
			} else {
				go a.Call(ctx, "b", "busy", long)
			}
		}
		pass(time.Second)
		if got, err := b.Call(w.t.Context(), "a", "talker", transport.Message{}); err != nil || len(got.Body) != 100_000 {
			w.t.Errorf("the answer has %d bytes, %v", len(got.Body), err)
		}
	})
}

// What is told of a broken link may end links.
func TestMonitorsMayDropTheNode(t *testing.T) {
	bubble(t, func(w *world) {
		a, b := w.start("a", nil), w.start("b", nil)
		w.connect(a, "b")
		record(w, b, "box", 1)
		told := make(chan error, 1)
		a.Monitor("b", "box", func(err error) {
			a.Drop("b", true)
			told <- err
		})
		settle()
		b.Abort()
		if err := <-told; !errors.Is(err, transport.ErrNodeDown) {
			w.t.Errorf("the monitor got %v", err)
		}
	})
}
