package wire_test

import (
	"bytes"
	"errors"
	"math"
	"testing"

	"github.com/clusterluck/clusterluck/transport/wire"
)

func TestParseFrame(t *testing.T) {
	tests := []struct {
		name       string
		stream     []byte
		limit      int
		body, rest []byte
		ok         bool
		err        error
	}{
		{name: "nothing yet", stream: []byte{}, limit: 9, rest: []byte{}},
		{name: "half a length", stream: []byte{0, 0, 0}, limit: 9, rest: []byte{0, 0, 0}},
		{name: "a length alone", stream: []byte{0, 0, 0, 1}, limit: 9, rest: []byte{0, 0, 0, 1}},
		{name: "half a frame", stream: []byte{0, 0, 0, 2, 7}, limit: 9, rest: []byte{0, 0, 0, 2, 7}},
		{name: "an empty frame", stream: []byte{0, 0, 0, 0}, body: []byte{}, rest: []byte{}, ok: true},
		{name: "one frame", stream: []byte{0, 0, 0, 2, 7, 8}, limit: 2, body: []byte{7, 8}, rest: []byte{}, ok: true},
		{name: "and half of the next", stream: []byte{0, 0, 0, 1, 7, 0}, limit: 2, body: []byte{7}, rest: []byte{0}, ok: true},
		{name: "one byte over the limit", stream: []byte{0, 0, 0, 3}, limit: 2, err: wire.ErrFrameTooLarge},
		{name: "all there, and over the limit", stream: []byte{0, 0, 0, 3, 1, 2, 3}, limit: 2, err: wire.ErrFrameTooLarge},
		{name: "a length that is negative in 32 bits", stream: []byte{0x80, 0, 0, 0}, limit: math.MaxInt32, err: wire.ErrFrameTooLarge},
		{name: "the greatest length", stream: []byte{255, 255, 255, 255}, limit: wire.FrameMax, err: wire.ErrFrameTooLarge},
		{name: "the greatest 32-bit length, awaited", stream: []byte{0x7f, 255, 255, 255, 1}, limit: math.MaxInt32, rest: []byte{0x7f, 255, 255, 255, 1}},
		{name: "a limit below zero", stream: []byte{0, 0, 0, 1, 1}, limit: -1, err: wire.ErrFrameTooLarge},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.err != nil {
				tt.rest = tt.stream
			}
			body, rest, ok, err := wire.ParseFrame(tt.stream, tt.limit)
			if !bytes.Equal(body, tt.body) || !bytes.Equal(rest, tt.rest) || ok != tt.ok || !errors.Is(err, tt.err) {
				t.Errorf("ParseFrame = %x, %x, %v, %v, want %x, %x, %v, %v", body, rest, ok, err, tt.body, tt.rest, tt.ok, tt.err)
			}
		})
	}
}

// A frame's body is the caller's: appending to it must not write over the next
// frame.
func TestFrameBodyEndsWhereItEnds(t *testing.T) {
	stream := wire.AppendFrame(wire.AppendFrame(nil, []byte("one")), []byte("two"))
	first, rest, _, _ := wire.ParseFrame(stream, wire.FrameMax)
	_ = append(first, 0xff) // one byte, for which there is room
	if second, _, _, _ := wire.ParseFrame(rest, wire.FrameMax); string(second) != "two" {
		t.Errorf("the second frame is %q", second)
	}
}

// A frame built in place is the frame that AppendFrame copies together.
func TestBeginAndEndFrame(t *testing.T) {
	for _, n := range []int{0, 1, 255, 256, 1 << 16, wire.FrameMax} {
		content := bytes.Repeat([]byte{7}, n)
		b, at := wire.BeginFrame([]byte("before"))
		b = wire.EndFrame(append(b, content...), at)
		if want := wire.AppendFrame([]byte("before"), content); !bytes.Equal(b, want) {
			t.Errorf("a frame of %d bytes begins with %x, want %x", n, b[:10], want[:10])
		}
	}
}

func TestParsePreamble(t *testing.T) {
	node := wire.Preamble{Max: 1, Min: 1, Role: wire.RoleNode}
	if got, want := wire.AppendPreamble(nil, node), []byte("CLUK\x01\x01\x01\x00"); !bytes.Equal(got, want) {
		t.Errorf("the preamble of a node is %x, want %x", got, want)
	}
	tests := []struct {
		name, in string
		want     wire.Preamble
		bad      bool
	}{
		{name: "node", in: "CLUK\x01\x01\x01\x00", want: node},
		{name: "admin of a later version", in: "CLUK\x07\x01\x02\x00", want: wire.Preamble{Max: 7, Min: 1, Role: wire.RoleAdmin}},
		{name: "observer with flags", in: "CLUK\xff\xfe\x03\x80", want: wire.Preamble{Max: 255, Min: 254, Role: wire.RoleObserver, Flags: 128}},
		{name: "nothing", in: "", bad: true},
		{name: "cut off", in: "CLUK\x01\x01\x01", bad: true},
		{name: "a byte too many", in: "CLUK\x01\x01\x01\x00\x00", bad: true},
		{name: "another protocol", in: "GET / HT", bad: true},
		{name: "other letters", in: "CLUk\x01\x01\x01\x00", bad: true},
		{name: "no version", in: "CLUK\x01\x00\x01\x00", bad: true},
		{name: "versions the wrong way round", in: "CLUK\x01\x02\x01\x00", bad: true},
		{name: "no role", in: "CLUK\x01\x01\x00\x00", bad: true},
		{name: "an unknown role", in: "CLUK\x01\x01\x04\x00", bad: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := wire.ParsePreamble([]byte(tt.in))
			if got != tt.want || errors.Is(err, wire.ErrMalformed) != tt.bad || (err != nil) != tt.bad {
				t.Errorf("%q is %+v, %v, want %+v, refused: %v", tt.in, got, err, tt.want, tt.bad)
			}
			if again := wire.AppendPreamble(nil, got); !tt.bad && string(again) != tt.in {
				t.Errorf("%q is appended as %q", tt.in, again)
			}
		})
	}
}

func TestPreambleCommon(t *testing.T) {
	p := func(low, high byte) wire.Preamble { return wire.Preamble{Min: low, Max: high} }
	tests := []struct {
		name string
		p, q wire.Preamble
		want byte
		ok   bool
	}{
		{"the same", p(1, 1), p(1, 1), 1, true},
		{"one speaks more", p(1, 1), p(1, 3), 1, true},
		{"both speak more", p(1, 4), p(2, 3), 3, true},
		{"they meet in one", p(1, 3), p(3, 9), 3, true},
		{"one is too old", p(1, 2), p(3, 9), 0, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, pair := range [][2]wire.Preamble{{tt.p, tt.q}, {tt.q, tt.p}} {
				if got, ok := pair[0].Common(pair[1]); got != tt.want || ok != tt.ok {
					t.Errorf("%v and %v have version %d in common, %v, want %d, %v", pair[0], pair[1], got, ok, tt.want, tt.ok)
				}
			}
		})
	}
}

func TestParseRecordHeader(t *testing.T) {
	tests := []struct {
		name string
		in   []byte
		typ  wire.Record
		n    int
		bad  bool
	}{
		{"empty data", []byte{1, 0, 16}, wire.RecordData, wire.RecordTag, false},
		{"what follows is not looked at", []byte{2, 1, 0, 9, 9}, wire.RecordFin, 256, false},
		{"the longest", []byte{3, 255, 255}, wire.RecordClose, wire.RecordMax, false},
		{"nothing", nil, 0, 0, true},
		{"cut off", []byte{1, 0}, 0, 0, true},
		{"no type", []byte{0, 0, 16}, 0, 0, true},
		{"an unknown type", []byte{4, 0, 16}, 0, 0, true},
		{"shorter than a tag", []byte{1, 0, 15}, 0, 0, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			typ, n, err := wire.ParseRecordHeader(tt.in)
			if typ != tt.typ || n != tt.n || errors.Is(err, wire.ErrMalformed) != tt.bad || (err != nil) != tt.bad {
				t.Errorf("%x is of type %d and %d bytes, %v, want %d, %d, refused: %v", tt.in, typ, n, err, tt.typ, tt.n, tt.bad)
			}
			if again := wire.AppendRecordHeader(nil, typ, n); !tt.bad && !bytes.Equal(again, tt.in[:wire.RecordHeaderLen]) {
				t.Errorf("%x is appended as %x", tt.in, again)
			}
		})
	}
}
