package genserver_test

import (
	"bytes"
	"context"
	"reflect"
	"testing"
	"time"

	"github.com/clusterluck/clusterluck/transport"
	"github.com/clusterluck/clusterluck/transport/genserver"
	"github.com/clusterluck/clusterluck/transport/wire"
)

// seeds are bodies and headers with what each is.
var seeds = []struct{ hdr, body []byte }{
	{nil, []byte{0x82, 0x65, 'h', 'e', 'l', 'l', 'o', 0xf6}},                                         // a request
	{[]byte{0xa1, 0x01, 0x81, 0x63, 'x', '@', 'a'}, []byte{0x82, 0x61, 'x', 0x01}},                   // from a server that waits
	{[]byte{0xa1, 0x01, 0x81, 0x65, 's', 'r', 'v', '@', 'a'}, []byte{0x82, 0x61, 'x', 0x01}},         // from the server itself
	{[]byte{0xa1, 0x02, 0xa1, 0x61, 'k', 0x61, 'v'}, []byte{0x82, 0x65, 'e', 'r', 'r', 'o', 'r', 0}}, // with a trace
	{[]byte{0xa0}, []byte{0x82, 0x78, 0x18}},                                                         // an event cut off
	{[]byte{0xff}, []byte{0x82, 0x61, 'x', 0x9f, 0xff}},                                              // a list without an end
	{nil, []byte{0x82, 0x61, 'x', 0x9b, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}},             // a list that lies
	{nil, nil},
}

// An arrival is what a handler was given.
type arrival struct {
	event string
	value any
	err   error
	trace map[string]string
}

// FuzzDeliver gives a server messages as a kernel does, from a node that may send
// anything. What is handled must be what the encoder wrote, what the encoder
// wrote must be handled, and the server must live.
func FuzzDeliver(f *testing.F) {
	for _, s := range seeds {
		f.Add(s.hdr, s.body)
	}
	k := loopback(f, "a")
	arrived := make(chan arrival, 1)
	_, err := genserver.Start(k, "srv", func(_ context.Context, s *genserver.Server) error {
		s.HandleAny(func(ctx context.Context, _ genserver.From, event string, req genserver.Payload) (any, error) {
			a := arrival{event: event, trace: genserver.Trace(ctx)}
			a.err = req.Decode(&a.value)
			arrived <- a
			return nil, nil
		})
		genserver.Handle(s, "done?", func(context.Context, genserver.From, any) (bool, error) { return true, nil })
		return nil
	})
	if err != nil {
		f.Fatal(err)
	}
	service, _ := k.Lookup("srv")
	f.Fuzz(func(t *testing.T, hdr, body []byte) {
		if !service.Deliver(&transport.Delivery{From: "b", Role: transport.RoleNode, Hdr: hdr, Body: body}) {
			t.Fatal("a mailbox with room refuses a message")
		}
		if ok, err := genserver.Call[bool](t.Context(), k, "srv", "done?", nil); !ok || err != nil {
			t.Fatalf("the server is not there any more: %v", err)
		}
		var got *arrival
		select {
		case a := <-arrived:
			got = &a
		default:
		}
		event, value, whole := decode(body)
		if whole && event == "done?" {
			return
		}
		trace, goodHeader := decodeHeader(hdr)
		switch {
		case got == nil:
			if again, err := wire.Marshal([]any{event, value}); whole && goodHeader && err == nil && string(again) == string(body) {
				t.Fatalf("the encoder wrote %x, and nobody got it", body)
			}
		case !goodHeader:
			t.Fatalf("the header %x was taken", hdr)
		case len(got.trace)+len(trace) > 0 && !reflect.DeepEqual(got.trace, trace):
			t.Fatalf("the trace is %v, want %v", got.trace, trace)
		case got.err == nil != whole:
			t.Fatalf("decoding %x ends with %v, but it is whole: %v", body, got.err, whole)
		case whole && (got.event != event || !equal(got.value, value)):
			t.Fatalf("%x arrives as %q, %v, want %q, %v", body, got.event, got.value, event, value)
		}
	})
}

// decode reads a body in the plain way.
func decode(body []byte) (event string, value any, ok bool) {
	var both []any
	if err := wire.Unmarshal(body, &both); err != nil || len(both) != 2 {
		return "", nil, false
	}
	event, ok = both[0].(string)
	return event, both[1], ok && event != "" && len(event) <= wire.NameMax
}

// decodeHeader reads a header in the plain way.
func decodeHeader(hdr []byte) (trace map[string]string, ok bool) {
	if len(hdr) == 0 {
		return nil, true
	}
	var h struct {
		Via   []string          `cbor:"1,keyasint"`
		Trace map[string]string `cbor:"2,keyasint"`
	}
	err := wire.Unmarshal(hdr, &h)
	return h.Trace, err == nil
}

// equal compares decoded values. NaN is like itself.
func equal(a, b any) bool {
	x, errX := wire.Marshal(a)
	y, errY := wire.Marshal(b)
	return errX == nil && errY == nil && string(x) == string(y) || reflect.DeepEqual(a, b)
}

// FuzzCall sends any bytes from one node to another as a call, with a stream, a
// deadline and a lane. It must be answered once, in time, and the next call too.
func FuzzCall(f *testing.F) {
	for _, s := range seeds {
		f.Add(s.hdr, s.body, []byte(nil), false)
		f.Add(s.hdr, s.body, []byte("stream"), true)
	}
	a, b := loopback(f, "a"), loopback(f, "b")
	if _, err := a.Connect(f.Context(), b.Addr()); err != nil {
		f.Fatal(err)
	}
	_, err := genserver.Start(b, "srv", func(ctx context.Context, s *genserver.Server) error {
		s.HandleAny(func(_ context.Context, from genserver.From, _ string, req genserver.Payload) (any, error) {
			var v any
			if err := req.Decode(&v); err != nil {
				return nil, err
			}
			return v, nil
		})
		return hello(ctx, s)
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, hdr, body, stream []byte, urgent bool) {
		if len(hdr) > wire.HdrMax || len(body) > wire.BodyMax {
			return
		}
		m := transport.Message{Hdr: hdr, Body: body, Urgent: urgent}
		if len(stream) > 0 {
			m.Stream = bytes.NewReader(stream)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		answer, err := a.Call(ctx, "b", "srv", m)
		if ctx.Err() != nil {
			t.Fatalf("no answer in 5 s: %v", err)
		}
		if event, value, whole := decode(body); err == nil && event != "hello" {
			var got any
			if bad := wire.Unmarshal(answer.Body, &got); bad != nil || !whole || !equal(got, value) {
				t.Fatalf("%x is answered by %x", body, answer.Body)
			}
		}
		if got, err := genserver.Call[string](t.Context(), a, "srv@b", "hello", nil); got != "world" || err != nil {
			t.Fatalf("hello is answered by %q, %v", got, err)
		}
	})
}
