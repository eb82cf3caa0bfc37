package genserver_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/clusterluck/clusterluck/transport"
	"github.com/clusterluck/clusterluck/transport/genserver"
)

// A tap is a service that keeps what arrives, and answers calls with 7.
type tap struct{ log log[transport.Delivery] }

func (t *tap) Deliver(d *transport.Delivery) bool {
	t.log.add(*d)
	if !d.Call.IsZero() {
		d.Call.Reply([]byte{7})
	}
	return true
}

func (t *tap) Cancel(transport.CallRef)  {}
func (t *tap) LinkDown(transport.LinkID) {}

// The bytes of bodies and headers are part of the format: other programs write
// and read them.
func TestBodiesAndHeadersAreAsTheFormatSays(t *testing.T) {
	bubble(t, func(w *world) {
		raw := new(tap)
		if err := w.nodes["b"].Register("raw", raw); err != nil {
			w.t.Fatal(err)
		}
		for _, name := range []string{"x", "y"} {
			start(w, w.nodes["a"], name, forward(w.nodes["a"]))
		}

		long := strings.Repeat("e", 24)
		if got, err := genserver.Call[int](w.t.Context(), w.nodes["a"], "raw@b", "hello", []int{1, 300}); got != 7 || err != nil {
			w.t.Fatalf("7 is read as %d, %v", got, err)
		}
		traced := genserver.WithTrace(w.t.Context(), map[string]string{"k": "v"})
		genserver.Send(traced, w.nodes["a"], genserver.Message{Ref: "raw@b", Event: long, Value: "x", Urgent: true})
		genserver.Call[string](traced, w.nodes["a"], "x", "via", []string{"y", "raw@b"})

		wants := []struct {
			hdr, body string
			urgent    bool
		}{
			{"", "82" + "65" + hex.EncodeToString([]byte("hello")) + "82" + "01" + "19012c", false},
			{"a1" + "02" + "a1" + "616b" + "6176", "82" + "7818" + hex.EncodeToString([]byte(long)) + "6178", true},
			{
				"a2" + "01" + "82" + "63" + hex.EncodeToString([]byte("x@a")) + "63" + hex.EncodeToString([]byte("y@a")) + "02" + "a1" + "616b" + "6176",
				"82" + "63" + hex.EncodeToString([]byte("via")) + "80", false,
			},
		}
		got := raw.log.list()
		if len(got) != len(wants) {
			w.t.Fatalf("%d messages arrived", len(got))
		}
		for i, want := range wants {
			if hdr := hex.EncodeToString(got[i].Hdr); hdr != want.hdr {
				w.t.Errorf("header %d is %s, want %s", i, hdr, want.hdr)
			}
			if body := hex.EncodeToString(got[i].Body); body != want.body {
				w.t.Errorf("body %d is %s, want %s", i, body, want.body)
			}
			if got[i].Urgent != want.urgent {
				w.t.Errorf("message %d is urgent: %v", i, got[i].Urgent)
			}
		}
	})
}

// The chain goes on over nodes, the first caller first.
func TestTheChainNamesTheFirstCallerFirst(t *testing.T) {
	bubble(t, func(w *world) {
		raw := new(tap)
		if err := w.nodes["a"].Register("raw", raw); err != nil {
			w.t.Fatal(err)
		}
		start(w, w.nodes["a"], "x", forward(w.nodes["a"]))
		start(w, w.nodes["b"], "y", forward(w.nodes["b"]))
		start(w, w.nodes["b"], "z", forward(w.nodes["b"]))
		genserver.Call[string](context.Background(), w.nodes["a"], "x", "via", []string{"y@b", "z", "raw@a"})
		want := "\xa1\x01\x83\x63x@a\x63y@b\x63z@b"
		for _, d := range raw.log.list() {
			if string(d.Hdr) != want {
				w.t.Errorf("header is %q, want %q", d.Hdr, want)
			}
		}
		if n := len(raw.log.list()); n != 1 {
			w.t.Errorf("%d messages arrived", n)
		}
	})
}

// A long byte slice is not copied out of its message. Handlers may change theirs all
// the same, and append to it, though the message went to several servers.
func TestLongBytesBelongToTheirHandler(t *testing.T) {
	everywhereAndTCP(t, func(p *place) {
		const size = 40_000
		names := []string{"a", "b", "c"}
		for _, name := range names {
			p.start(name, func(_ context.Context, s *genserver.Server) error {
				genserver.Handle(s, "fill", func(_ context.Context, _ genserver.From, req []byte) (int, error) {
					for i := range req {
						if req[i] != 'x' {
							p.t.Errorf("server %s finds %q", name, req[i])
							break
						}
						req[i] = name[0]
					}
					_ = append(req, "behind it"...)
					return len(req), nil
				})
				return nil
			})
		}
		body := bytes.Repeat([]byte{'x'}, size)
		var refs []string
		for _, name := range names {
			refs = append(refs, p.ref(name))
		}
		for range 3 {
			if p.here.EncodeLocal() || p.here.ID() != p.there.ID() { // else the servers would share it
				if err := genserver.Abcast(context.Background(), p.here, refs, "fill", body); err != nil {
					p.t.Fatal(err)
				}
			}
			for _, name := range names {
				if n, err := call[int](p, name, "fill", bytes.Clone(body)); n != size || err != nil {
					p.t.Fatalf("%d, %v", n, err)
				}
			}
		}
	})
}
