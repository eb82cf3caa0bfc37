package wire_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/clusterluck/clusterluck/transport/wire"
)

// refused parses b and fails the test unless it is refused with an error that
// says so, and leaves nothing behind.
func refused(t *testing.T, b []byte, want error, why string) {
	t.Helper()
	m := wire.Msg{Corr: 77, Dsts: make([]wire.Name, 1)}
	err := wire.Parse(b, &m)
	var e *wire.MessageError
	switch {
	case err == nil:
		t.Errorf("%s: %x is taken for %+v", why, b, m)
	case !errors.As(err, &e) || want != nil && !errors.Is(err, want):
		t.Errorf("%s: %x is refused with %v, want %v", why, b, err, want)
	case e.Offset < 0 || e.Offset > len(b):
		t.Errorf("%s: %x is refused at byte %d", why, b, e.Offset)
	case len(m.Dsts) != 0 || !reflect.DeepEqual(m, wire.Msg{Dsts: m.Dsts}):
		t.Errorf("%s: %x is refused, and leaves %+v", why, b, m)
	}
}

// A connection that breaks, or a peer that lies about lengths, cuts a message
// anywhere.
func TestParseRefusesTruncation(t *testing.T) {
	for _, m := range samples() {
		b := body(t, wire.Append(nil, &m))
		for n := range b {
			refused(t, b[:n:n], wire.ErrMalformed, "cut off")
		}
		refused(t, append(b, 0), wire.ErrMalformed, "a byte behind the end")
		refused(t, append(b, b...), wire.ErrMalformed, "twice")
		for _, d := range []int{-1, 1} {
			lie := append([]byte{byte(int(b[0]) + d)}, b[1:]...)
			refused(t, lie, wire.ErrMalformed, fmt.Sprintf("%v that announces %+d elements", m.Kind, d))
		}
		fewer := elements(&m)
		least := len(fewer)
		if laned(m.Kind) && m.Lane != 0 {
			least-- // without its lane it is a message
		}
		for n := range least {
			refused(t, library(t, fewer[:n]), wire.ErrMalformed, fmt.Sprintf("%d elements of %v", n, m.Kind))
		}
	}
}

// A wide encodes like the library, but for one head: the one whose turn it is
// is written in a longer form, or as indefinite, which changes no value.
type wide struct {
	turn int // counts down at each head
	info byte
}

const indefinite = 31

func (w *wide) head(dst []byte, major byte, n uint64) []byte {
	w.turn--
	if w.turn != -1 {
		switch {
		case n < 24:
			return append(dst, major<<5|byte(n))
		case n < 1<<8:
			return append(dst, major<<5|24, byte(n))
		case n < 1<<16:
			return binary.BigEndian.AppendUint16(append(dst, major<<5|25), uint16(n))
		case n < 1<<32:
			return binary.BigEndian.AppendUint32(append(dst, major<<5|26), uint32(n))
		}
		return binary.BigEndian.AppendUint64(append(dst, major<<5|27), n)
	}
	dst = append(dst, major<<5|w.info)
	switch w.info {
	case 24:
		return append(dst, byte(n))
	case 25:
		return binary.BigEndian.AppendUint16(dst, uint16(n))
	case 26:
		return binary.BigEndian.AppendUint32(dst, uint32(n))
	case 27:
		return binary.BigEndian.AppendUint64(dst, n)
	}
	return dst
}

func (w *wide) item(dst []byte, v any) []byte {
	switch v := v.(type) {
	case uint64:
		return w.head(dst, 0, v)
	case []byte:
		return w.string(dst, 2, string(v))
	case string:
		return w.string(dst, 3, v)
	case []any:
		now := w.turn == 0 && w.info == indefinite
		dst = w.head(dst, 4, uint64(len(v)))
		for _, e := range v {
			dst = w.item(dst, e)
		}
		if now {
			dst = append(dst, 0xff)
		}
		return dst
	}
	return append(dst, 0xf6)
}

func (w *wide) string(dst []byte, major byte, s string) []byte {
	if w.turn == 0 && w.info == indefinite { // one chunk
		dst = w.head(dst, major, 0)
		dst = w.head(dst, major, uint64(len(s)))
		return append(append(dst, s...), 0xff)
	}
	return append(w.head(dst, major, uint64(len(s))), s...)
}

// A number in a longer form than it needs is the same number to a library, so
// that a message would have many encodings.
func TestParseRefusesLongAndIndefiniteForms(t *testing.T) {
	judge, tried := newJudge(t), 0
	for _, m := range samples() {
		v := elements(&m)
		for turn := 0; ; turn++ {
			plain := (&wide{turn: -1}).item(nil, v)
			w := wide{turn: turn, info: 27}
			if w.item(nil, v); w.turn >= 0 {
				break // no head has that number
			}
			for _, info := range []byte{24, 25, 26, 27, 28, 29, 30, indefinite} {
				b := (&wide{turn: turn, info: info}).item(nil, v)
				if len(b) > len(plain) || info >= 28 {
					tried++
					refused(t, b, wire.ErrMalformed, fmt.Sprintf("head %d of %v with info %d", turn, m.Kind, info))
					if judge.accepts(b) {
						t.Errorf("the judge takes %x", b)
					}
				}
			}
		}
	}
	if tried < 500 {
		t.Errorf("only %d forms were tried", tried)
	}
}

// Each element must be of its type. What is put in its place is well-formed, so
// that only the type is wrong; where it happens to fit, the judge says so.
func TestParseRefusesWrongTypes(t *testing.T) {
	judge, refusals, fits := newJudge(t), 0, 0
	others := []any{
		-1, int64(-1 << 40), uint64(0), uint64(4095), uint64(4096), uint64(1 << 32), []byte{}, []byte{1}, "", "x", "\xff",
		[]any{}, []any{uint64(1)}, map[string]int{}, map[string]int{"a": 1}, nil, true, 1.5, 1e300,
	}
	for _, m := range samples() {
		for i := range elements(&m) {
			for _, other := range others {
				v := elements(&m)
				v[i] = other
				b := library(t, v)
				if judge.accepts(b) {
					fits++
					if err := wire.Parse(b, new(wire.Msg)); err != nil {
						t.Errorf("%v with %v as element %d is refused: %v", m.Kind, other, i, err)
					}
					continue
				}
				refusals++
				refused(t, b, nil, fmt.Sprintf("%v with %v as element %d", m.Kind, other, i))
			}
		}
	}
	if refusals < 1000 || fits < 200 {
		t.Errorf("%d were refused and %d fit: too few to say anything", refusals, fits)
	}
}

// A tag says that what follows means something else.
func TestParseRefusesTags(t *testing.T) {
	b := body(t, wire.AppendAck(nil, 5))
	refused(t, slices.Concat(b[:2], []byte{0xc1}, b[2:]), wire.ErrMalformed, "a tag before an element")
	refused(t, append([]byte{0xd9, 0xd9, 0xf7}, b...), wire.ErrMalformed, "a tag before the message")
	refused(t, []byte{0x83, 19, 5, 0xc1, 0}, wire.ErrMalformed, "a tag in an unknown element")
}

// What is as long as it may be is taken, and what is one longer is not.
func TestParseKeepsLimits(t *testing.T) {
	text := func(n int) string { return strings.Repeat("t", n) }
	tests := []struct {
		name string
		most int
		of   func(n int) []any
	}{
		{"body of CALL", wire.BodyMax, func(n int) []any { return []any{1, 7, 0, 1, nil, make([]byte, n)} }},
		{"header of CALL", wire.HdrMax, func(n int) []any { return []any{1, 7, 0, 1, make([]byte, n), []byte{}} }},
		{"name of CALL", wire.NameMax, func(n int) []any { return []any{1, 7, text(n), 1, nil, []byte{}} }},
		{"index of CALL", wire.NamesMax - 1, func(n int) []any { return []any{1, 7, n, 1, nil, []byte{}} }},
		{"TTL of CALL", 1<<31 - 1, func(n int) []any { return []any{1, 7, 0, 2*uint64(n) + 1, nil, []byte{}} }},
		{"lane of CALL", 1, func(n int) []any { return []any{1, 7, 0, 1, nil, []byte{}, n} }},
		{"body of REPLY", wire.BodyMax, func(n int) []any { return []any{2, 7, make([]byte, n)} }},
		{"code of ERROR", wire.CodeMax, func(n int) []any { return []any{3, 7, text(n), "", nil} }},
		{"text of ERROR", wire.TextMax, func(n int) []any { return []any{3, 7, "c", text(n), nil} }},
		{"data of ERROR", wire.BodyMax, func(n int) []any { return []any{3, 7, "c", "", make([]byte, n)} }},
		{"body of CAST", wire.BodyMax, func(n int) []any { return []any{4, 0, nil, make([]byte, n)} }},
		{"lane of CAST", 1, func(n int) []any { return []any{4, 0, nil, []byte{}, n} }},
		{"mode of OPEN", 4, func(n int) []any { return []any{6, 1, n, 1, nil, 1, nil, nil, []byte{}} }},
		{"body of OPEN", wire.BodyMax, func(n int) []any { return []any{6, 1, 3, 1, 0, 1, nil, nil, make([]byte, n)} }},
		{"lane of OPEN", 1, func(n int) []any { return []any{6, 1, 3, 1, 0, 1, nil, nil, []byte{}, n} }},
		{"chunk of DATA", wire.ChunkMax, func(n int) []any { return []any{7, 1, make([]byte, n)} }},
		{"code of END", wire.CodeMax, func(n int) []any { return []any{9, 1, text(n), ""} }},
		{"data of GOAWAY", wire.BodyMax, func(n int) []any { return []any{15, "c", "", make([]byte, n)} }},
		{"servers of MULTI", wire.DstsMax, func(n int) []any { return []any{16, make([]uint64, n), nil, []byte{}} }},
		{"body of MULTI", wire.BodyMax, func(n int) []any { return []any{16, []any{0}, nil, make([]byte, n)} }},
		{"index of NAME", wire.NamesMax - 1, func(n int) []any { return []any{18, n, "a"} }},
		{"name of NAME", wire.NameMax, func(n int) []any { return []any{18, 0, text(n)} }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if err := wire.Parse(library(t, tt.of(tt.most)), new(wire.Msg)); err != nil {
				t.Errorf("%d are refused: %v", tt.most, err)
			}
			refused(t, library(t, tt.of(tt.most+1)), wire.ErrLimit, "one too many")
		})
	}
	refused(t, make([]byte, wire.FrameMax+1), wire.ErrFrameTooLarge, "longer than a frame")
}

// Lengths are compared as 64 bits: in 32 they would be small or negative.
func TestParseRefusesLengthsThatLie(t *testing.T) {
	for _, n := range []uint64{5, 0xff, 1 << 16, 1<<31 - 1, 1 << 31, 1<<32 - 1, 1 << 32, 1<<63 - 1, 1 << 63, 1<<64 - 1} {
		for _, major := range []byte{2, 3, 4, 5} {
			head := (&wide{turn: -1}).head(nil, major, n)
			refused(t, append(head, 1, 0), nil, "as the message")
			refused(t, slices.Concat([]byte{0x86, 1, 7}, head, []byte{0, 0, 0}), nil, "as a name")
			refused(t, slices.Concat([]byte{0x83, 2, 7}, head, []byte{0, 0}), nil, "as a body")
			refused(t, slices.Concat([]byte{0x84, 16}, head, []byte{0, 0}), nil, "as the servers of a MULTI")
			refused(t, slices.Concat([]byte{0x83, 19, 0}, head, []byte{0, 0}), wire.ErrMalformed, "as an unknown element")
		}
	}
}

// A later version may add elements and kinds. This one passes over them, if
// they are well-formed and not deeper than it bears.
func TestParseSkipsTheUnknown(t *testing.T) {
	deep := func(n int) (v any) {
		for v = uint64(1); n > 0; n-- {
			v = []any{v}
		}
		return v
	}
	more := []any{uint64(1), -1, "x", []byte("x"), []any{nil, []any{}}, map[string]any{"a": 1, "b": map[int]int{1: 2}}, 1.5, float32(1e30), true, deep(wire.NestMax - 1)}
	for _, m := range samples() {
		v := elements(&m)
		if laned(m.Kind) && m.Lane == 0 {
			v = append(v, uint64(0)) // what follows would be the lane
		}
		var got wire.Msg
		if err := wire.Parse(library(t, append(v, more...)), &got); err != nil || !equal(&m, &got) {
			t.Errorf("%v with more elements is %v, %v", m.Kind, elements(&got), err)
		}
		refused(t, library(t, append(v, deep(wire.NestMax))), wire.ErrLimit, "too deep")
		refused(t, append(library(t, append(v, 1)), 1), wire.ErrMalformed, "a byte behind them")
	}
	for _, kind := range []any{uint64(32), uint64(255)} {
		for n := range more {
			var got wire.Msg
			if err := wire.Parse(library(t, append([]any{kind}, more[:n]...)), &got); err != nil || got.Kind.Known() || uint64(got.Kind) != kind {
				t.Errorf("kind %d is read as %d, %v", kind, got.Kind, err)
			}
		}
		refused(t, append(library(t, []any{kind, 1}), 1), wire.ErrMalformed, "a byte behind an unknown kind")
	}
	for _, kind := range []uint64{0, 21, 23, 24, 31, 256, 257, 256 + 19, 1 << 16, 1<<64 - 1} {
		refused(t, library(t, []any{kind, 1}), wire.ErrKind, "no kind")
	}
}

// What no encoder writes must be refused in what is skipped, too.
func TestParseRefusesMalformedUnknown(t *testing.T) {
	for _, tt := range []struct {
		name string
		item []byte
	}{
		{"nothing", nil},
		{"a number without its byte", []byte{0x18}},
		{"a number in a longer form", []byte{0x18, 23}},
		{"a reserved length", []byte{0x1c}},
		{"an indefinite number", []byte{0x1f}},
		{"bytes cut off", []byte{0x42, 1}},
		{"indefinite bytes", []byte{0x5f, 0x41, 1, 0xff}},
		{"an array cut off", []byte{0x82, 1}},
		{"an indefinite array", []byte{0x9f, 1, 0xff}},
		{"a map without its last value", []byte{0xa2, 1, 1, 1}},
		{"a map of half of 2^64 pairs", []byte{0xbb, 0x80, 0, 0, 0, 0, 0, 0, 0}},
		{"an indefinite map", []byte{0xbf, 0xff}},
		{"a tag", []byte{0xc0, 0x60}},
		{"half a float", []byte{0xf9, 0}},
		{"half a float of 32 bits", []byte{0xfa, 0, 0, 0}},
		{"half a float of 64 bits", []byte{0xfb, 0, 0, 0, 0, 0, 0, 0}},
		{"a simple value in a longer form", []byte{0xf8, 31}},
		{"a simple value without its byte", []byte{0xf8}},
		{"a reserved simple value", []byte{0xfc}},
		{"a break", []byte{0xff}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			refused(t, append([]byte{0x83, 19, 5}, tt.item...), wire.ErrMalformed, "behind the known")
			refused(t, append([]byte{0x82, 32}, tt.item...), wire.ErrMalformed, "in an unknown kind")
		})
	}
	for _, item := range [][]byte{{0xf8, 32}, {0xf7}, {0xe0}, {0xf9, 0, 0}, {0xa1, 0x80, 0x80}, {0xa2, 1, 1, 1, 1}, {0x61, 0xff}} {
		if err := wire.Parse(append([]byte{0x83, 19, 5}, item...), new(wire.Msg)); err != nil {
			t.Errorf("%x is well-formed, and refused: %v", item, err)
		}
	}
}
