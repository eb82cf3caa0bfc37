package transport_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/clusterluck/clusterluck/transport"
	"github.com/clusterluck/clusterluck/transport/wire"
)

// pair runs a test with two connected nodes.
func pair(t *testing.T, test func(w *world, a, b *transport.Kernel)) {
	t.Helper()
	bubble(t, func(w *world) {
		a, b := w.start("a", nil), w.start("b", nil)
		w.connect(a, "b")
		test(w, a, b)
	})
}

func body(s string) transport.Message { return transport.Message{Body: []byte(s)} }

// A long cast goes in chunks behind everything else; what is sent after it to
// the same server must not overtake it.
func TestLongRequestsKeepTheirPlace(t *testing.T) {
	pair(t, func(w *world, a, b *transport.Kernel) {
		box := record(w, b, "box", -1)
		other := record(w, b, "other", -1)
		long := strings.Repeat("0123456789", 100_000)
		for i := range 5 {
			for _, m := range []string{fmt.Sprint("before ", i), long, fmt.Sprint("after ", i)} {
				if err := a.Cast(w.t.Context(), "b", "box", body(m)); err != nil {
					w.t.Fatal(err)
				}
			}
			if err := a.Cast(w.t.Context(), "b", "other", body("x")); err != nil {
				w.t.Fatal(err)
			}
		}
		got := box.bodies()
		for i := range 15 {
			want := []string{fmt.Sprint("before ", i/3), long, fmt.Sprint("after ", i/3)}[i%3]
			if i >= len(got) || got[i] != want || !box.got[i].Call.IsZero() {
				w.t.Fatalf("message %d of %d is not the one that was sent", i, len(got))
			}
		}
		if n := len(other.bodies()); n != 5 {
			w.t.Errorf("another server got %d messages, want 5", n)
		}
	})
}

func TestCastToSeveralServers(t *testing.T) {
	pair(t, func(w *world, a, b *transport.Kernel) {
		var boxes []*recorder
		var names []string
		for i := range 1500 { // more than one frame takes
			names = append(names, fmt.Sprintf("box%04d%s", i, strings.Repeat("x", 200)))
			boxes = append(boxes, record(w, b, names[i], -1))
		}
		if err := a.CastMulti(w.t.Context(), "b", append(names, "nobody"), body("all")); err != nil {
			w.t.Fatal(err)
		}
		settle()
		for i, box := range boxes {
			if len(box.got) != 1 || string(box.got[0].Body) != "all" {
				w.t.Fatalf("server %d got %d messages", i, len(box.got))
			}
		}
		for range 40 { // enough for the window to be granted anew
			if err := a.CastMulti(w.t.Context(), "b", names[:10], transport.Message{Body: make([]byte, 60_000)}); err != nil {
				w.t.Fatal(err)
			}
		}
		if n := len(boxes[9].bodies()); n != 41 || len(w.seen("a", transport.LinkDown)) > 0 {
			w.t.Errorf("%d of 41 casts arrived, or the link broke", n)
		}
		if drops := w.drops("a"); len(drops) != 1 || drops["nobody no-server"] != 1 {
			w.t.Errorf("the cast to nobody was reported as %v", drops)
		}
	})
}

// What cannot be sent is refused before anything is.
func TestUnsendableRequests(t *testing.T) {
	pair(t, func(w *world, a, b *transport.Kernel) {
		record(w, b, "box", -1)
		tests := []struct {
			name, node, server string
			m                  transport.Message
			want               error
		}{
			{"body over the limit", "b", "box", transport.Message{Body: make([]byte, 16<<20+1)}, transport.ErrTooLarge},
			{"header over the limit", "b", "box", transport.Message{Hdr: make([]byte, wire.HdrMax+1)}, transport.ErrTooLarge},
			{"unknown node", "zed", "box", body("x"), transport.ErrUnknownNode},
			{"no name", "b", "", body("x"), transport.ErrName},
			{"name that is not UTF-8", "b", "\xff", body("x"), transport.ErrName},
			{"name too long", "b", strings.Repeat("x", 70_000), body("x"), transport.ErrName},
			{"own id", "a", "box", body("x"), transport.ErrUnknownNode},
		}
		for _, tt := range tests {
			_, err := a.Call(w.t.Context(), tt.node, tt.server, tt.m)
			var request *transport.RequestError
			if !errors.Is(err, tt.want) || !transport.NotDelivered(err) || !errors.As(err, &request) || request.Node != tt.node {
				w.t.Errorf("%s: Call = %v, want %v", tt.name, err, tt.want)
			}
			if err := a.Cast(w.t.Context(), tt.node, tt.server, tt.m); !errors.Is(err, tt.want) {
				w.t.Errorf("%s: Cast = %v, want %v", tt.name, err, tt.want)
			}
			if !errors.Is(tt.want, transport.ErrName) {
				continue
			}
			var down error
			a.Monitor(tt.node, tt.server, func(err error) { down = err })
			if settle(); !errors.Is(down, tt.want) || !transport.NotDelivered(down) {
				w.t.Errorf("%s: the monitor got %v, want %v", tt.name, down, tt.want)
			}
		}
		if downs := w.seen("a", transport.LinkDown); len(downs) > 0 {
			w.t.Errorf("the link broke: %v", downs[0].Err)
		}
	})
}

// An error of a server keeps its identity, its text and its data.
func TestErrorsCrossTheWire(t *testing.T) {
	pair(t, func(w *world, a, b *transport.Kernel) {
		box := record(w, b, "box", -1)
		result := make(chan error, 1)
		go func() {
			_, err := a.Call(w.t.Context(), "b", "box", body("x"))
			result <- err
		}()
		box.calls()[0].Fail("overload", "the box is full", []byte{1, 2})
		err := <-result
		var remote *transport.RemoteError
		if !errors.As(err, &remote) || remote.Text != "the box is full" || !bytes.Equal(remote.Data, []byte{1, 2}) {
			w.t.Errorf("Call = %v", err)
		}
		if !errors.Is(err, transport.ErrOverload) || errors.Is(err, transport.ErrNoServer) || !transport.NotDelivered(err) {
			w.t.Errorf("Call = %v, want ErrOverload alone", err)
		}
	})
}

// A call ends at its deadline, its server learns that, and a late answer
// reaches nobody, above all no later call in the same slot.
func TestLateAnswersReachNobody(t *testing.T) {
	pair(t, func(w *world, a, b *transport.Kernel) {
		box := record(w, b, "box", -1)
		start := time.Now()
		_, err := a.Call(w.t.Context(), "b", "box", body("first"))
		if took := time.Since(start); !errors.Is(err, transport.ErrTimeout) || took != 5*time.Second || transport.NotDelivered(err) {
			w.t.Fatalf("a call without an answer: %v after %v", err, took)
		}
		ctx, cancel := context.WithTimeout(w.t.Context(), time.Second)
		defer cancel()
		if _, err = a.Call(ctx, "b", "box", body("second")); !errors.Is(err, transport.ErrTimeout) || !errors.Is(err, context.DeadlineExceeded) {
			w.t.Fatalf("a call with a context of a second: %v", err)
		}
		ctx, stop := context.WithCancel(w.t.Context())
		go func() {
			settle()
			stop()
		}()
		if _, err = a.Call(ctx, "b", "box", body("given up")); !errors.Is(err, transport.ErrCanceled) || !errors.Is(err, context.Canceled) {
			w.t.Fatalf("a call that was given up: %v", err)
		}
		result := make(chan string, 1)
		go func() {
			got, err := a.Call(w.t.Context(), "b", "box", body("third"))
			result <- fmt.Sprint(string(got.Body), err)
		}()
		calls := box.calls()
		if len(calls) != 4 || box.cancels != 3 {
			w.t.Fatalf("the server saw %d calls and %d that were given up", len(calls), box.cancels)
		}
		for i, c := range calls {
			c.Reply(fmt.Append(nil, "answer ", i))
			c.Reply([]byte("again"))
		}
		if got := <-result; got != "answer 3<nil>" {
			w.t.Errorf("the third call got %s", got)
		}
		if d := box.got[1].Deadline; d.Sub(box.got[0].Deadline) != time.Second {
			w.t.Errorf("deadlines travel as %v and %v", box.got[0].Deadline, d)
		}
	})
}

// Streams go both ways beside a call, at the reader's pace, and their ends and
// failures arrive.
func TestStreams(t *testing.T) {
	pair(t, func(w *world, a, b *transport.Kernel) {
		box := record(w, b, "box", -1)
		data := bytes.Repeat([]byte("stream "), 300_000)
		source := &countingReader{r: io.MultiReader(bytes.NewReader(data), iotestErr(errors.New("source ran dry")))}
		result := make(chan transport.Answer, 1)
		go func() {
			got, err := a.Call(w.t.Context(), "b", "box", transport.Message{Body: []byte("request"), Stream: source})
			if err != nil {
				w.t.Error(err)
			}
			result <- got
		}()
		settle()
		if source.n > 512<<10 {
			w.t.Errorf("%d bytes were read before the handler read any", source.n)
		}
		d := box.got[0]
		got, err := io.ReadAll(d.Stream)
		if !bytes.Equal(got, data) || err == nil || !strings.Contains(err.Error(), "source ran dry") {
			w.t.Errorf("the handler read %d bytes of %d, and %v", len(got), len(data), err)
		}
		d.Call.ReplyStream([]byte("reply"), &shortReader{bytes.NewReader(data)})
		answer := <-result
		if string(answer.Body) != "reply" {
			w.t.Errorf("the answer is %q", answer.Body)
		}
		if got, err = io.ReadAll(answer.Stream); !bytes.Equal(got, data) || err != nil {
			w.t.Errorf("the caller read %d bytes of %d, and %v", len(got), len(data), err)
		}
	})
}

// A reader that closes its stream stops the writer.
func TestClosedStreamStopsItsWriter(t *testing.T) {
	pair(t, func(w *world, a, b *transport.Kernel) {
		box := record(w, b, "box", -1)
		source := &countingReader{r: endless{}, closed: make(chan struct{})}
		go a.Call(w.t.Context(), "b", "box", transport.Message{Stream: source})
		settle()
		box.got[0].Stream.Close()
		settle()
		select {
		case <-source.closed:
		default:
			w.t.Error("the source is still open")
		}
		if _, err := box.got[0].Stream.Read(make([]byte, 1)); err == nil {
			w.t.Error("a closed stream can be read")
		}
		box.calls()[0].Reply(nil)
	})
}

// A shortReader returns little at a time.
type shortReader struct{ r io.Reader }

func (r *shortReader) Read(p []byte) (int, error) { return r.r.Read(p[:min(len(p), 1000)]) }

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

type countingReader struct {
	r      io.Reader
	n      int
	closed chan struct{}
}

func (r *countingReader) Read(p []byte) (int, error) {
	n, err := r.r.Read(p)
	r.n += n
	return n, err
}

func (r *countingReader) Close() error {
	if r.closed != nil {
		close(r.closed)
	}
	return nil
}

type errReader struct{ err error }

func iotestErr(err error) io.Reader { return errReader{err} }

func (r errReader) Read([]byte) (int, error) { return 0, r.err }

// An answer over the limit is an error for both sides.
func TestAnswerOverTheLimit(t *testing.T) {
	pair(t, func(w *world, a, b *transport.Kernel) {
		box := record(w, b, "box", -1)
		result := make(chan error, 1)
		go func() {
			_, err := a.Call(w.t.Context(), "b", "box", body("x"))
			result <- err
		}()
		if err := box.calls()[0].Reply(make([]byte, 16<<20+1)); !errors.Is(err, transport.ErrTooLarge) {
			w.t.Errorf("Reply = %v", err)
		}
		if err := <-result; !errors.Is(err, transport.ErrTooLarge) {
			w.t.Errorf("Call = %v", err)
		}
	})
}

// A deadline that has passed ends a call before it is sent, also if its context has
// not noticed.
func TestCallsAfterTheirDeadlineAreNotSent(t *testing.T) {
	bubble(t, func(w *world) {
		a, b := w.start("a", nil), w.start("b", nil)
		w.connect(a, "b")
		box := record(w, b, "box", -1)
		_, err := a.Call(lateContext{w.t.Context()}, "b", "box", body("x"))
		if !errors.Is(err, transport.ErrTimeout) || !transport.NotDelivered(err) {
			w.t.Errorf("the call ended with %v", err)
		}
		if got := box.bodies(); len(got) != 0 {
			w.t.Errorf("it arrived all the same: %q", got)
		}
	})
}

// A lateContext has a deadline that is now, and has not ended.
type lateContext struct{ context.Context }

func (lateContext) Deadline() (time.Time, bool) { return time.Now(), true }
