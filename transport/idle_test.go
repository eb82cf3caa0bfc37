package transport_test

import (
	"bytes"
	"io"
	"testing"
	"time"

	"github.com/clusterluck/clusterluck/transport"
)

// A slowReader yields a byte a second.
type slowReader struct{ left int }

func (r *slowReader) Read(p []byte) (int, error) {
	if r.left == 0 {
		return 0, io.EOF
	}
	pass(time.Second)
	r.left--
	p[0] = 'x'
	return 1, nil
}

// A link is idle when nothing at all is under way on it, not when no request was
// sent for a while.
func TestIdleMeansThatNothingIsUnderWay(t *testing.T) {
	tests := []struct {
		name  string
		begin func(w *world, a, b *transport.Kernel) (end func())
	}{
		{"a stream to the other node", func(w *world, a, b *transport.Kernel) func() {
			box := record(w, b, "box", -1)
			go a.Call(w.t.Context(), "b", "box", transport.Message{Stream: &slowReader{20}})
			box.calls()[0].Reply(nil)
			go io.Copy(io.Discard, box.got[0].Stream)
			return nil
		}},
		{"a stream from it", func(w *world, a, b *transport.Kernel) func() {
			box := record(w, b, "box", -1)
			go func() {
				got, err := a.Call(w.t.Context(), "b", "box", body("x"))
				if err != nil {
					w.t.Error(err)
					return
				}
				if all, err := io.ReadAll(got.Stream); len(all) != 20 || err != nil {
					w.t.Errorf("the stream ended after %d bytes of 20: %v", len(all), err)
				}
			}()
			box.calls()[0].ReplyStream(nil, &slowReader{20})
			return nil
		}},
		{"a monitor", func(w *world, a, b *transport.Kernel) func() {
			record(w, b, "box", -1)
			return a.Monitor("b", "box", func(err error) { w.t.Errorf("the monitor got %v", err) })
		}},
		{"a monitor of the other node", func(w *world, a, b *transport.Kernel) func() {
			record(w, a, "box", -1)
			return b.Monitor("a", "box", func(err error) { w.t.Errorf("the monitor got %v", err) })
		}},
		{"a call of the other node", func(w *world, a, b *transport.Kernel) func() {
			box := record(w, a, "box", -1)
			ctx, cancel := contextFor(w, time.Minute)
			go func() {
				defer cancel()
				if _, err := b.Call(ctx, "a", "box", body("x")); err != nil {
					w.t.Errorf("the call ended with %v", err)
				}
			}()
			return func() { box.calls()[0].Reply(nil) }
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(w *world) {
				a, b := w.start("a", func(c *transport.Config) { c.IdleTimeout = 3 * time.Second }), w.start("b", nil)
				w.connect(a, "b")
				end := tt.begin(w, a, b)
				pass(19 * time.Second)
				if len(w.seen("a", transport.LinkDown)) > 0 {
					w.t.Error("closed in the midst of it")
				}
				if end != nil {
					end()
				}
				pass(10 * time.Second)
				if len(w.seen("a", transport.LinkDown)) == 0 {
					w.t.Error("open though nothing is under way any more")
				}
			})
		})
	}
	bubble(t, func(w *world) {
		a, b := w.start("a", func(c *transport.Config) { c.IdleTimeout = 3 * time.Second }), w.start("b", nil)
		w.connect(b, "a")
		pass(time.Minute)
		if p, _ := a.Peer("b"); !p.Connected {
			w.t.Error("a link that the other node dialed was closed")
		}
	})
}

// Whoever drops a node in order has the streams that are open to their ends, in
// both directions and on whichever side the drop began.
func TestDropWaitsForStreams(t *testing.T) {
	for _, dropper := range []string{"a", "b"} {
		pair(t, func(w *world, a, b *transport.Kernel) {
			box := record(w, b, "box", -1)
			const size = 2 << 20 // more than may be under way
			data := make([]byte, size)
			var answer []byte
			go func() {
				got, err := a.Call(w.t.Context(), "b", "box", transport.Message{Stream: io.MultiReader(&slowReader{2}, bytes.NewReader(data))})
				if err != nil {
					w.t.Error(err)
					return
				}
				answer, _ = io.ReadAll(got.Stream)
			}()
			box.calls()[0].ReplyStream(nil, io.MultiReader(&slowReader{2}, bytes.NewReader(data)))
			var request []byte
			go func() { request, _ = io.ReadAll(box.got[0].Stream) }()
			settle()
			w.nodes[dropper].Drop(map[string]string{"a": "b", "b": "a"}[dropper], false)
			pass(10 * time.Second)
			settle()
			if len(request) != size+2 || len(answer) != size+2 {
				w.t.Errorf("%s drops: %d and %d bytes of %d arrived", dropper, len(request), len(answer), size+2)
			}
			if p, _ := a.Peer("b"); p.Connected {
				w.t.Error("still connected")
			}
		})
	}
}

// Calls that are given up, answered just then or not, must neither keep a link
// open for ever nor let one close under a call that is under way.
func TestGivenUpCallsDoNotMiscountThoseUnderWay(t *testing.T) {
	bubble(t, func(w *world) {
		a, b := w.start("a", func(c *transport.Config) { c.IdleTimeout = 3 * time.Second }), w.start("b", nil)
		w.connect(a, "b")
		box := record(w, a, "box", -1)
		for range 5 { // the caller gives up while the answer is on its way
			ctx, cancel := contextFor(w, time.Minute)
			done := make(chan struct{})
			go func() { defer close(done); b.Call(ctx, "a", "box", body("x")) }()
			call := box.calls()[len(box.got)-1]
			call.Reply(nil)
			cancel()
			<-done
		}
		ctx, cancel := contextFor(w, time.Minute)
		defer cancel()
		end := make(chan error, 1)
		go func() { _, err := b.Call(ctx, "a", "box", body("x")); end <- err }()
		settle()
		pass(15 * time.Second)
		box.calls()[5].Reply(nil)
		if err := <-end; err != nil {
			w.t.Errorf("a call under way ended with %v", err)
		}
		pass(10 * time.Second)
		if len(w.seen("a", transport.LinkDown)) == 0 {
			w.t.Error("the link is open though nothing is under way any more")
		}
	})
}
