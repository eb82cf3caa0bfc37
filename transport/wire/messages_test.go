package wire_test

import (
	"bytes"
	"math"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/clusterluck/clusterluck/transport/wire"
	"github.com/fxamacker/cbor/v2"
)

// kinds are all that version 1 defines.
var kinds = func() (all []wire.Kind) {
	for k := range wire.Kind(255) {
		if k.Known() {
			all = append(all, k)
		}
	}
	return all
}()

// name is a name spelt out.
func name(text string) wire.Name { return wire.Name{Text: []byte(text)} }

// samples returns messages of every kind, with the fields that may be absent
// and without them.
func samples() []wire.Msg {
	long := wire.Name{Index: wire.NamesMax - 1}
	body, hdr, code, text := []byte("body"), []byte{0xa0}, []byte("no-server"), []byte("nobody serves it, and this text is longer than what fits on a stack \u00e9")
	all := []wire.Msg{
		{Kind: wire.KindCall, Corr: 7, Dst: name("counter"), TTL: 5000, Body: body},
		{Kind: wire.KindCall, Corr: math.MaxUint64, Dst: long, TTL: math.MaxUint32, Lane: wire.LaneUrgent, Hdr: hdr, Body: bytes.Repeat(body, 100)},
		{Kind: wire.KindReply, Corr: 1 << 32, Body: body},
		{Kind: wire.KindReply, Body: []byte{}},
		{Kind: wire.KindError, Corr: 7, Code: code, Text: text},
		{Kind: wire.KindError, Corr: 7, Code: code, Text: []byte{}, Data: body},
		{Kind: wire.KindCast, Dst: name("c"), Body: body},
		{Kind: wire.KindCast, Dst: long, Lane: wire.LaneUrgent, Hdr: []byte{}, Body: body},
		{Kind: wire.KindCancel, Corr: 7, Dst: name(strings.Repeat("n", wire.NameMax))},
		{Kind: wire.KindOpen, Sid: 3, Mode: wire.ModeCall, Corr: 7, Dst: long, TTL: 1, HasSize: true, Size: 1 << 40},
		{Kind: wire.KindOpen, Sid: 3, Mode: wire.ModeCast, Dst: name("c"), Hdr: hdr, HasSize: true},
		{Kind: wire.KindOpen, Sid: 3, Mode: wire.ModeReply, Corr: 7, HasSize: true, Size: 300},
		{Kind: wire.KindOpen, Sid: 3, Mode: wire.ModeCallStream, Corr: 7, Dst: long, TTL: 1, Lane: wire.LaneUrgent, Hdr: hdr, Body: body},
		{Kind: wire.KindOpen, Sid: 3, Mode: wire.ModeReplyStream, Corr: 7, Body: []byte{}},
		{Kind: wire.KindData, Sid: 3, Body: body},
		{Kind: wire.KindCredit, Sid: 0, Count: 1 << 18},
		{Kind: wire.KindEnd, Sid: 3},
		{Kind: wire.KindEnd, Sid: 3, Code: code, Text: text},
		{Kind: wire.KindMonitor, Corr: 9, Dst: name("counter")},
		{Kind: wire.KindDown, Corr: 9, Code: code, Text: text},
		{Kind: wire.KindDemonitor, Corr: 9},
		{Kind: wire.KindPing, Seq: 255, Count: 256},
		{Kind: wire.KindPong, Seq: 65535, Count: 65536},
		{Kind: wire.KindGoAway, Text: text},
		{Kind: wire.KindGoAway, Code: code, Text: text, Data: body},
		{Kind: wire.KindMulti, Dsts: []wire.Name{long, name("a"), {Index: 24}}, Body: body},
		{Kind: wire.KindMulti, Dsts: make([]wire.Name, wire.DstsMax), Lane: wire.LaneUrgent, Hdr: hdr, Body: body},
		{Kind: wire.KindStop, Sid: 3},
		{Kind: wire.KindName, Dst: wire.Name{Index: 0, Text: []byte("counter")}},
		{Kind: wire.KindAck, Count: 4294967295},
		{Kind: wire.KindDropped, Dst: long, Count: 12, Code: []byte("overload"), Text: []byte{}},
	}
	return all
}

// random draws a message that keeps to the limits.
func random(rnd *rand.Rand) wire.Msg {
	number := func() uint64 { return rnd.Uint64() >> rnd.IntN(64) }
	some := func(most int) []byte {
		b := make([]byte, min(rnd.IntN(1<<rnd.IntN(17)), most))
		for i := range b {
			b[i] = byte(rnd.Uint32())
		}
		return b
	}
	maybe := func(b []byte) []byte {
		if rnd.IntN(2) == 0 {
			return nil
		}
		return b
	}
	letters := []string{"a", "z", " ", "\x00", "\u00e9", "\u20ac", "\U0001f600"}
	text := func(least, most int) []byte {
		var b []byte
		for n := min(least+rnd.IntN(1<<rnd.IntN(10)), most); n > 0; n-- {
			c := letters[rnd.IntN(len(letters))]
			if len(b)+len(c) > most {
				break
			}
			b = append(b, c...)
		}
		return b
	}
	dst := func() wire.Name {
		if rnd.IntN(2) == 0 {
			return wire.Name{Text: text(1, wire.NameMax)}
		}
		return wire.Name{Index: rnd.Uint32N(wire.NamesMax)}
	}
	m := wire.Msg{
		Kind: kinds[rnd.IntN(len(kinds))], Lane: wire.Lane(rnd.IntN(2)), Mode: wire.Mode(rnd.IntN(5)),
		HasSize: rnd.IntN(2) == 0, TTL: uint32(number()),
		Corr: number(), Sid: number(), Seq: number(), Count: number(), Size: number(),
		Dst: dst(), Hdr: maybe(some(wire.HdrMax)), Body: some(wire.BodyMax),
		Code: text(0, wire.CodeMax), Text: text(0, wire.TextMax), Data: maybe(some(wire.BodyMax)),
	}
	for n := 1 + rnd.IntN(4); n > 0; n-- {
		m.Dsts = append(m.Dsts, dst())
	}
	if m.Kind == wire.KindEnd {
		if m.Code = maybe(text(1, wire.CodeMax)); m.Code == nil {
			m.Text = nil
		}
	}
	if m.Kind == wire.KindName {
		m.Dst = wire.Name{Index: rnd.Uint32N(wire.NamesMax), Text: text(1, wire.NameMax)}
	}
	if m.Kind == wire.KindData {
		m.Body = some(wire.ChunkMax)
	}
	return m
}

// elements returns what docs/wire-format.md says that m's array holds: uint64,
// string, []byte, nil and arrays of these.
func elements(m *wire.Msg) []any {
	k := uint64(m.Kind)
	dst := func(n wire.Name) any {
		if len(n.Text) > 0 {
			return string(n.Text)
		}
		return uint64(n.Index)
	}
	opt := func(b []byte) any {
		if b == nil {
			return nil
		}
		return b
	}
	body, code, text := append([]byte{}, m.Body...), string(m.Code), string(m.Text)
	var all []any
	switch m.Kind {
	case wire.KindCall:
		all = []any{k, m.Corr, dst(m.Dst), uint64(m.TTL), opt(m.Hdr), body}
	case wire.KindReply:
		all = []any{k, m.Corr, body}
	case wire.KindError:
		all = []any{k, m.Corr, code, text, opt(m.Data)}
	case wire.KindCast:
		all = []any{k, dst(m.Dst), opt(m.Hdr), body}
	case wire.KindCancel, wire.KindMonitor:
		all = []any{k, m.Corr, dst(m.Dst)}
	case wire.KindOpen:
		all = []any{k, m.Sid, uint64(m.Mode), m.Corr, nil, uint64(m.TTL), opt(m.Hdr), nil, nil}
		if m.Mode.Request() {
			all[4] = dst(m.Dst)
		}
		if m.HasSize {
			all[7] = m.Size
		}
		if m.Mode.Streams() {
			all[8] = body
		}
	case wire.KindData:
		all = []any{k, m.Sid, body}
	case wire.KindCredit:
		all = []any{k, m.Sid, m.Count}
	case wire.KindEnd:
		all = []any{k, m.Sid, nil, nil}
		if code != "" {
			all[2], all[3] = code, text
		}
	case wire.KindDown:
		all = []any{k, m.Corr, code, text}
	case wire.KindDemonitor:
		all = []any{k, m.Corr}
	case wire.KindPing, wire.KindPong:
		all = []any{k, m.Seq, m.Count}
	case wire.KindGoAway:
		all = []any{k, code, text, opt(m.Data)}
	case wire.KindMulti:
		dsts := []any{}
		for _, d := range m.Dsts {
			dsts = append(dsts, dst(d))
		}
		all = []any{k, dsts, opt(m.Hdr), body}
	case wire.KindStop:
		all = []any{k, m.Sid}
	case wire.KindName:
		all = []any{k, uint64(m.Dst.Index), string(m.Dst.Text)}
	case wire.KindAck:
		all = []any{k, m.Count}
	case wire.KindDropped:
		all = []any{k, dst(m.Dst), m.Count, code, text}
	}
	if laned(m.Kind) && m.Lane != wire.LaneNormal {
		all = append(all, uint64(m.Lane))
	}
	return all
}

// laned reports whether a lane may follow the elements of k.
func laned(k wire.Kind) bool {
	return k == wire.KindCall || k == wire.KindCast || k == wire.KindOpen || k == wire.KindMulti
}

// library returns the core deterministic encoding of v as the library has it.
func library(t testing.TB, v any) []byte {
	t.Helper()
	mode, err := cbor.CoreDetEncOptions().EncMode()
	if err != nil {
		t.Fatal(err)
	}
	b, err := mode.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// equal reports whether two messages say the same: where their kind does not
// use a field, both have none, and no bytes are not empty bytes.
func equal(m, n *wire.Msg) bool {
	return m.Kind == n.Kind && reflect.DeepEqual(elements(m), elements(n))
}

// body returns the body of the one frame that is b.
func body(t testing.TB, b []byte) []byte {
	t.Helper()
	inner, rest, ok, err := wire.ParseFrame(b, wire.FrameMax)
	if !ok || err != nil || len(rest) > 0 {
		t.Fatalf("%x is no frame: ok %v, %v, rest %x", b, ok, err, rest)
	}
	return inner
}
