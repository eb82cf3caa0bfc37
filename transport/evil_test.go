package transport_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/clusterluck/clusterluck/transport"
	"github.com/clusterluck/clusterluck/transport/internal/session"
	"github.com/clusterluck/clusterluck/transport/wire"
)

var long = flag.Bool("long", false, "run the tests of hostile input at full length")

// An evil peer has the cookie and says what it likes.
type evil struct {
	t    *testing.T
	conn net.Conn
	s    *session.Session
}

// newEvil connects to a node as a member.
func newEvil(t *testing.T, k *transport.Kernel) *evil {
	t.Helper()
	var instance [16]byte
	for i := range instance {
		instance[i] = byte(rand.N(256))
	}
	return newEvilAs(t, k, instance)
}

// newEvilAs is newEvil for one start of a node, which may connect again.
func newEvilAs(t *testing.T, k *transport.Kernel, instance [16]byte) *evil {
	t.Helper()
	c, err := net.Dial("tcp", k.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	secrets, err := session.NewSecrets(cookie, nil, session.SecretOptions{})
	if err != nil {
		t.Fatal(err)
	}
	local := &session.Local{ID: "evil", Instance: instance, Window: 1 << 20, Role: session.Node, Secrets: func() *session.Secrets { return secrets }}
	s, err := session.Initiate(t.Context(), c, local, "")
	if err != nil {
		t.Fatal(err)
	}
	return &evil{t, c, s}
}

// say seals bytes of the stream of frames and sends them. What the node says in
// between is not read, and an error is what the node thinks of it.
func (e *evil) say(stream []byte) {
	sealed, err := e.s.Seal(nil, stream)
	if err != nil {
		e.t.Fatal(err)
	}
	e.conn.SetWriteDeadline(time.Now().Add(5 * time.Second))
	_, _ = e.conn.Write(sealed)
}

// isCutOff reports whether the node closes the connection, or has. The end of
// what it says is not that.
func (e *evil) isCutOff(within time.Duration) bool {
	e.conn.SetReadDeadline(time.Now().Add(within))
	_, err := e.s.Read(nil)
	for err == nil {
		_, err = e.s.Read(nil)
	}
	if err == io.EOF {
		_, err = e.conn.Read(make([]byte, 1))
	}
	var timeout net.Error
	return !errors.As(err, &timeout) || !timeout.Timeout()
}

func messages(list ...wire.Msg) []byte {
	var b []byte
	for i := range list {
		b = wire.Append(b, &list[i])
	}
	return b
}

func named(kind wire.Kind, name string, m wire.Msg) wire.Msg {
	m.Kind, m.Dst = kind, wire.Name{Text: []byte(name)}
	return m
}

func frame(body ...byte) []byte { return wire.AppendFrame(nil, body) }

// flood returns n messages.
func flood(n int, m func(i int) wire.Msg) []byte {
	var b []byte
	for i := range n {
		msg := m(i)
		b = wire.Append(b, &msg)
	}
	return b
}

// A member that breaks the protocol is cut off, and one that is only odd is put
// up with; neither harms the node, nor what others do with it.
func TestEvilMembers(t *testing.T) {
	stream := wire.Msg{Kind: wire.KindOpen, Mode: wire.ModeCallStream, Sid: 1, TTL: 1000, Dst: wire.Name{Text: []byte("hole")}, Body: []byte{}}
	halfSent := func(i int) wire.Msg {
		return named(wire.KindOpen, "hole", wire.Msg{Mode: wire.ModeCast, Sid: uint64(i + 1), HasSize: true, Size: 16 << 20})
	}
	tests := []struct {
		name   string
		stream []byte
		cut    bool
	}{
		{"a length that lies", []byte{0xff, 0xff, 0xff, 0xff, 0x80}, true},
		{"an empty frame", frame(), true},
		{"an empty array", frame(0x80), true},
		{"no array", frame(0xa1, 0x01, 0x02), true},
		{"arrays in arrays", frame(bytes.Repeat([]byte{0x81}, 10_000)...), true},
		{"an array of 2^32 elements", frame(0x9a, 0xff, 0xff, 0xff, 0xff, 0x01), true},
		{"a body of 2^63 bytes", frame(0x83, 0x02, 0x01, 0x5b, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff), true},
		{"an unassigned kind", frame(0x81, 0x1f), true},
		{"a kind of the future", frame(0x82, 0x18, 0x20, 0x01), false},
		{"a name that was not announced", messages(wire.Msg{Kind: wire.KindCast, Dst: wire.Name{Index: 7}, Body: []byte{1}}), true},
		{"a name out of order", wire.AppendBind(nil, 1, "x"), true},
		{"a name announced twice", wire.AppendBind(wire.AppendBind(nil, 0, "x"), 0, "y"), true},
		{"more names than may be", flood(wire.NamesMax+1, func(i int) wire.Msg {
			return wire.Msg{Kind: wire.KindName, Dst: wire.Name{Index: uint32(i), Text: fmt.Append(nil, "n", i)}}
		}), true},
		{"the names of prototypes", messages(
			named(wire.KindCast, "__proto__", wire.Msg{Body: []byte{1}}), named(wire.KindCall, "constructor", wire.Msg{Corr: 1, TTL: 1, Body: []byte{1}}),
			named(wire.KindCast, "error", wire.Msg{Body: nil}), named(wire.KindMonitor, "toString", wire.Msg{Corr: 1})), false},
		{"answers to calls that nobody made", messages(
			wire.Msg{Kind: wire.KindReply, Corr: 0, Body: []byte{1}}, wire.Msg{Kind: wire.KindReply, Corr: 1<<64 - 1},
			wire.Msg{Kind: wire.KindError, Corr: 1 << 32, Code: []byte("x")}, wire.Msg{Kind: wire.KindDown, Corr: 9, Code: []byte("x")},
			wire.Msg{Kind: wire.KindPong, Seq: 9}), false},
		{"streams that are not open", messages(
			wire.Msg{Kind: wire.KindData, Sid: 5, Body: []byte{1}}, wire.Msg{Kind: wire.KindEnd, Sid: 6},
			wire.Msg{Kind: wire.KindStop, Sid: 7}, wire.Msg{Kind: wire.KindCredit, Sid: 8, Count: 1 << 60}), false},
		{"more accepted than was sent", messages(wire.Msg{Kind: wire.KindAck, Count: 1}), true},
		{"more accepted, in a ping", messages(wire.Msg{Kind: wire.KindPing, Count: 1 << 63}), true},
		{"a window beyond the window", messages(wire.Msg{Kind: wire.KindCredit, Count: 1}), true},
		{"a window of 2^63", messages(wire.Msg{Kind: wire.KindCredit, Count: 1 << 63}), true},
		{"a stream twice", messages(stream, stream), true},
		{"more streams than may be", flood(2000, func(i int) wire.Msg { m := stream; m.Sid = uint64(i); return m }), true},
		{"a stream beyond its credit", append(messages(stream), flood(40, func(int) wire.Msg {
			return wire.Msg{Kind: wire.KindData, Sid: 1, Body: make([]byte, wire.ChunkMax)}
		})...), true},
		{"a body of 2^40 bytes", messages(named(wire.KindOpen, "hole", wire.Msg{Mode: wire.ModeCall, Sid: 1, Corr: 1, TTL: 1000, HasSize: true, Size: 1 << 40})), false},
		{"a body longer than it said", append(messages(named(wire.KindOpen, "hole", wire.Msg{Mode: wire.ModeCast, Sid: 1, HasSize: true, Size: 10})),
			wire.AppendData(nil, 1, make([]byte, 11))...), true},
		{"a body shorter than it said", messages(named(wire.KindOpen, "hole", wire.Msg{Mode: wire.ModeCast, Sid: 1, HasSize: true, Size: 10}),
			wire.Msg{Kind: wire.KindData, Sid: 1, Body: []byte{1}}, wire.Msg{Kind: wire.KindEnd, Sid: 1}), false},
		{"half-sent bodies, as many as the window has room for", flood(16, halfSent), false},
		{"half-sent bodies by the thousand", flood(1000, halfSent), true},
		{"long answers to calls that nobody made", flood(100*17, func(i int) wire.Msg {
			if i%17 == 0 {
				return wire.Msg{Kind: wire.KindOpen, Mode: wire.ModeReply, Sid: uint64(i / 17), Corr: 1, HasSize: true, Size: 16 << 20}
			}
			return wire.Msg{Kind: wire.KindData, Sid: uint64(i / 17), Body: make([]byte, wire.ChunkMax)}
		}), false},
		{"requests beyond the window", flood(100, func(int) wire.Msg { return named(wire.KindCast, "wall", wire.Msg{Body: make([]byte, 60_000)}) }), true},
		{"requests within the window that others free", flood(100, func(int) wire.Msg { return named(wire.KindCast, "hole", wire.Msg{Body: make([]byte, 60_000)}) }), false},
		{"monitors without end", flood(70_000, func(i int) wire.Msg { return named(wire.KindMonitor, "hole", wire.Msg{Corr: uint64(i)}) }), true},
		{"the end of monitors that are not", flood(1000, func(i int) wire.Msg { return wire.Msg{Kind: wire.KindDemonitor, Corr: uint64(i)} }), false},
		{"farewells", messages(wire.Msg{Kind: wire.KindGoAway}, wire.Msg{Kind: wire.KindGoAway}, named(wire.KindCast, "hole", wire.Msg{})), true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			good, victim := node(t, "good", nil), node(t, "victim", func(c *transport.Config) { c.DrainTimeout = 100 * time.Millisecond })
			victim.Register("echo", &echo{})
			victim.Register("hole", &hole{})
			victim.Register("wall", newWall())
			if _, err := good.Connect(t.Context(), victim.Addr()); err != nil {
				t.Fatal(err)
			}
			before := heap()
			e := newEvil(t, victim)
			e.say(tt.stream)
			if tt.cut && !e.isCutOff(5*time.Second) {
				t.Error("the evil member is still connected")
			}
			if !tt.cut {
				if e.say(wire.AppendPing(nil, 1, 0)); e.isCutOff(50 * time.Millisecond) {
					t.Error("a member that did nothing wrong was cut off")
				}
			}
			if got, err := good.Call(t.Context(), "victim", "echo", body("still there")); err != nil || string(got.Body) != "still there" {
				t.Errorf("another member's call: %q, %v", got.Body, err)
			}
			if grew := heap() - before; grew > 16<<20 {
				t.Errorf("%d bytes of input cost the node %d bytes", len(tt.stream), grew)
			}
		})
	}
}

// heap returns the bytes in use.
func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// A hole takes everything and answers nothing.
type hole struct{}

func (*hole) Deliver(*transport.Delivery) bool { return true }
func (*hole) Cancel(transport.CallRef)         {}
func (*hole) LinkDown(transport.LinkID)        {}

// Streams of frames that are nearly right: a node neither panics nor stops
// serving others, whatever a member sends.
func TestMutatedFrames(t *testing.T) {
	good, victim := node(t, "good", nil), node(t, "victim", nil)
	victim.Register("echo", &echo{casts: make(chan string, 1<<20)})
	victim.Register("hole", &hole{})
	if _, err := good.Connect(t.Context(), victim.Addr()); err != nil {
		t.Fatal(err)
	}
	valid := messages(
		wire.Msg{Kind: wire.KindName, Dst: wire.Name{Text: []byte("hole")}},
		wire.Msg{Kind: wire.KindCall, Corr: 1, TTL: 10, Body: []byte{1}}, wire.Msg{Kind: wire.KindCast, Body: []byte{1}},
		wire.Msg{Kind: wire.KindOpen, Mode: wire.ModeCall, Sid: 1, Corr: 2, TTL: 10, HasSize: true, Size: 3},
		wire.Msg{Kind: wire.KindOpen, Mode: wire.ModeCallStream, Sid: 2, Corr: 3, TTL: 10, Body: []byte{}},
		wire.Msg{Kind: wire.KindData, Sid: 1, Body: []byte{1, 2, 3}}, wire.Msg{Kind: wire.KindEnd, Sid: 1},
		wire.Msg{Kind: wire.KindData, Sid: 2, Body: []byte("x")}, wire.Msg{Kind: wire.KindCancel, Corr: 1},
		wire.Msg{Kind: wire.KindMonitor, Corr: 1}, wire.Msg{Kind: wire.KindDemonitor, Corr: 1}, wire.Msg{Kind: wire.KindPing, Seq: 1},
		wire.Msg{Kind: wire.KindMulti, Dsts: []wire.Name{{}, {Text: []byte("nobody")}}, Body: []byte{1}},
		wire.Msg{Kind: wire.KindGoAway, Code: []byte("x")},
	)
	rounds := 300
	if *long {
		rounds = 30_000
	}
	r := rand.New(rand.NewPCG(1, 2))
	for round := range rounds {
		b := bytes.Clone(valid)
		for range 1 + r.IntN(4) {
			switch at := r.IntN(len(b)); r.IntN(4) {
			case 0:
				b[at] ^= 1 << r.IntN(8)
			case 1:
				b[at] = byte(r.IntN(256))
			case 2:
				b = append(b[:at], b[min(at+1+r.IntN(8), len(b)):]...)
			default:
				b = append(b[:at:at], append(bytes.Clone(b[at:min(at+r.IntN(16), len(b))]), b[at:]...)...)
			}
		}
		e := newEvil(t, victim)
		e.say(b)
		e.conn.Close()
		if round%50 == 0 {
			if _, err := good.Call(t.Context(), "victim", "echo", body("x")); err != nil {
				t.Fatalf("round %d: another member's call: %v", round, err)
			}
		}
	}
}

// Without the cookie nothing is learnt: no byte, no difference between causes.
func TestStrangersLearnNothing(t *testing.T) {
	victim := node(t, "victim", nil)
	other, err := transport.Start(t.Context(), transport.Config{ID: "stranger", Addr: "127.0.0.1:0", Cookie: transport.NewCookie()})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if _, err := other.Connect(t.Context(), victim.Addr()); err == nil || !strings.Contains(err.Error(), "cookie") {
		t.Errorf("with another cookie: %v", err)
	}
	if len(victim.Peers()) != 0 || len(other.Peers()) != 0 {
		t.Errorf("the nodes know of each other: %v, %v", victim.Peers(), other.Peers())
	}
	for _, text := range []string{"", "GET / HTTP/1.1\r\n\r\n", "{\"type\":\"message\"}\f", "{\"type\":\"__proto__\",\"data\":null}\f", "CLUK\x01\x01\x01\x00\x00\x30" + strings.Repeat("x", 48), strings.Repeat("\x00", 5000)} {
		c, err := net.Dial("tcp", victim.Addr())
		if err != nil {
			t.Fatal(err)
		}
		c.Write([]byte(text))
		c.(*net.TCPConn).CloseWrite()
		c.SetReadDeadline(time.Now().Add(6 * time.Second))
		if n, err := c.Read(make([]byte, 1)); n > 0 || err == nil {
			t.Errorf("%.20q was answered", text)
		}
		c.Close()
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if good := node(t, "good", nil); true {
		if _, err := good.Connect(ctx, victim.Addr()); err != nil {
			t.Errorf("a member after all that: %v", err)
		}
	}
}
