package fuzz_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"reflect"
	"testing"

	"github.com/clusterluck/clusterluck/transport/wire"
	"github.com/fxamacker/cbor/v2"
	"github.com/leanovate/gopter"
	"github.com/leanovate/gopter/gen"
	"github.com/leanovate/gopter/prop"
)

// A field is what a message of any kind may have, few values of each so that
// forms of every length turn up.
type field struct {
	Kind, Lane, Mode, Dsts int
	HasSize, Null, Spelt   bool
	Number, Other          uint64
	TTL, Index             uint32
	Text                   string
	Bytes                  []byte
}

func genField() gopter.Gen {
	number := gen.OneConstOf(uint64(0), uint64(23), uint64(24), uint64(255), uint64(256), uint64(65535), uint64(65536), uint64(1)<<32-1, uint64(1)<<32, uint64(math.MaxUint64))
	return gen.Struct(reflect.TypeFor[field](), map[string]gopter.Gen{
		"Kind": gen.IntRange(1, 20), "Lane": gen.IntRange(0, 1), "Mode": gen.IntRange(0, 4), "Dsts": gen.IntRange(1, 30),
		"HasSize": gen.Bool(), "Null": gen.Bool(), "Spelt": gen.Bool(),
		"Number": number, "Other": number,
		"TTL":   gen.OneConstOf(uint32(0), uint32(23), uint32(255), uint32(5000), uint32(math.MaxUint32)),
		"Index": gen.UInt32Range(0, wire.NamesMax-1),
		"Text":  gen.OneConstOf("", "a", "counter", "caf\u00e9", "\u20ac and \U0001f600", "more than twenty-three bytes"),
		"Bytes": gen.SliceOf(gen.UInt8()),
	})
}

// message returns the message that f describes.
func (f field) message() wire.Msg {
	dst := wire.Name{Index: f.Index}
	if f.Spelt {
		dst = wire.Name{Text: []byte("n" + f.Text)}
	}
	m := wire.Msg{
		Kind: wire.Kind(f.Kind), Lane: wire.Lane(f.Lane), Mode: wire.Mode(f.Mode), HasSize: f.HasSize, TTL: f.TTL,
		Corr: f.Number, Sid: f.Number, Seq: f.Number, Count: f.Other, Size: f.Other,
		Dst: dst, Hdr: f.Bytes, Body: f.Bytes, Code: []byte("c" + f.Text), Text: []byte(f.Text), Data: f.Bytes,
	}
	for range f.Dsts {
		m.Dsts = append(m.Dsts, dst)
	}
	if m.Kind == wire.KindName {
		m.Dst = wire.Name{Index: f.Index, Text: []byte("n" + f.Text)}
	}
	if f.Null {
		m.Hdr, m.Data, m.HasSize = nil, nil, false
	}
	if f.Null && m.Kind == wire.KindEnd {
		m.Code, m.Text = nil, nil
	}
	return m
}

// parsed returns the message in the one frame that is b.
func parsed(b []byte) (m wire.Msg, err error) {
	body, rest, ok, err := wire.ParseFrame(b, wire.FrameMax)
	if err != nil || !ok || len(rest) > 0 {
		return m, fmt.Errorf("no single frame: %v, %d bytes behind it, %w", ok, len(rest), err)
	}
	return m, wire.Parse(body, &m)
}

// A message must survive its way, or two nodes would disagree about what was
// said; and it must have one encoding, or a signature or a cache over frames
// would take one message for two.
func TestWireMessages(t *testing.T) {
	plain := must(cbor.CoreDetEncOptions().EncMode())
	props := gopter.NewProperties(lawful(3000, 40))
	props.Property("come back", prop.ForAll(func(f field) string {
		m := f.message()
		b := wire.Append(nil, &m)
		back, err := parsed(b)
		if err != nil {
			return fmt.Sprintf("%x: %v", b, err)
		}
		if again := wire.Append(nil, &back); !bytes.Equal(again, b) {
			return fmt.Sprintf("%x comes back as %x", b, again)
		}
		if third, err := parsed(b); err != nil || !reflect.DeepEqual(third, back) {
			return "two readings differ"
		}
		return ""
	}, genField()))
	props.Property("are core deterministic CBOR", prop.ForAll(func(f field) string {
		m := f.message()
		b := wire.Append(nil, &m)[wire.FrameHeaderLen:]
		var v []any
		if err := cbor.Unmarshal(b, &v); err != nil {
			return fmt.Sprintf("%x: %v", b, err)
		}
		if again := must(plain.Marshal(v)); !bytes.Equal(again, b) {
			return fmt.Sprintf("%x is written by the library as %x", b, again)
		}
		return ""
	}, genField()))
	props.Property("are refused when cut off", prop.ForAll(func(f field, at uint16) string {
		m := f.message()
		b := wire.Append(nil, &m)[wire.FrameHeaderLen:]
		b = b[:int(at)%len(b)]
		if err := wire.Parse(b, &m); !errors.Is(err, wire.ErrMalformed) {
			return fmt.Sprintf("%x: %v", b, err)
		}
		return ""
	}, genField(), gen.UInt16()))
	props.Property("differ where they say something else", prop.ForAll(func(f, g field) string {
		m, n := f.message(), g.message()
		a, b := wire.Append(nil, &m), wire.Append(nil, &n)
		x, y := must(parsed(a)), must(parsed(b))
		if reflect.DeepEqual(x, y) != bytes.Equal(a, b) {
			return fmt.Sprintf("%x and %x", a, b)
		}
		return ""
	}, genField(), genField()))
	props.TestingRun(t)
}

// A stream of frames must give the same frames however it is cut into reads: the
// network cuts where it likes.
func TestWireFramesInPieces(t *testing.T) {
	props := gopter.NewProperties(lawful(1000, 30))
	props.Property("frames", prop.ForAll(func(bodies [][]byte, cuts []uint8) string {
		var stream []byte
		for _, b := range bodies {
			stream = wire.AppendFrame(stream, b)
		}
		var buf []byte
		var got [][]byte
		for i := 0; len(stream) > 0; i++ {
			n := len(stream)
			if i < len(cuts) {
				n = min(n, int(cuts[i])%13)
			}
			buf, stream = append(buf, stream[:n]...), stream[n:]
			for {
				body, rest, ok, err := wire.ParseFrame(buf, wire.FrameMax)
				if err != nil {
					return err.Error()
				}
				if !ok {
					break
				}
				got, buf = append(got, body), rest
			}
		}
		if len(buf) > 0 || len(got) != len(bodies) {
			return fmt.Sprintf("%d frames of %d, %d bytes left", len(got), len(bodies), len(buf))
		}
		for i := range got {
			if !bytes.Equal(got[i], bodies[i]) {
				return fmt.Sprintf("frame %d is %x, want %x", i, got[i], bodies[i])
			}
		}
		return ""
	}, gen.SliceOf(gen.SliceOf(gen.UInt8())), gen.SliceOf(gen.UInt8())))
	props.Property("no limit lets a longer frame through", prop.ForAll(func(n uint32, limit int32) bool {
		_, _, ok, err := wire.ParseFrame(binary.BigEndian.AppendUint32(nil, n), int(limit))
		over := int64(n) > max(int64(limit), 0)
		return over == errors.Is(err, wire.ErrFrameTooLarge) && ok == (n == 0 && !over)
	}, gen.UInt32(), gen.Int32()))
	props.TestingRun(t)
}

// A value must come back from a body, and equal values must be equal bytes.
func TestWireBodies(t *testing.T) {
	type inner struct {
		Name  string         `cbor:"name"`
		Count int64          `cbor:"count,omitempty"`
		More  map[string]int `cbor:"more"`
		List  []uint64       `cbor:"list"`
		On    bool           `cbor:"on"`
	}
	props := gopter.NewProperties(lawful(1000, 20))
	props.Property("come back", prop.ForAll(func(v inner) string {
		b := must(wire.Marshal(v))
		var back inner
		if err := wire.Unmarshal(b, &back); err != nil {
			return fmt.Sprintf("%x: %v", b, err)
		}
		var free any
		if err := wire.Unmarshal(b, &free); err != nil {
			return fmt.Sprintf("%x: %v", b, err)
		}
		if again := must(wire.AppendValue([]byte("x"), free)); !bytes.Equal(again[1:], b) {
			return fmt.Sprintf("%x is %x without its type", b, again[1:])
		}
		if !reflect.DeepEqual(back, v) {
			return fmt.Sprintf("%+v comes back as %+v", v, back)
		}
		return ""
	}, gen.Struct(reflect.TypeFor[inner](), map[string]gopter.Gen{
		"Name": gen.AnyString(), "Count": gen.Int64(), "More": gen.MapOf(gen.AnyString(), gen.Int()),
		"List": gen.SliceOf(gen.UInt64()), "On": gen.Bool(),
	})))
	props.TestingRun(t)
}
