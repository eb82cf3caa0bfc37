package wire_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"testing"
	"unicode/utf8"

	"github.com/clusterluck/clusterluck/transport/wire"
	"github.com/fxamacker/cbor/v2"
)

// FuzzParseFrame feeds arbitrary streams to the parser. What it accepts must
// append back to the very bytes it came from; what it waits for must be within
// the limit, or a peer could make the reader grow its buffer without end; and
// what it refuses must be over it.
func FuzzParseFrame(f *testing.F) {
	const limit = 1 << 10
	f.Add([]byte(nil))
	f.Add([]byte{0, 0, 0})                      // half a length
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 1})    // a length that lies
	f.Add([]byte{0x80, 0, 0, 0, 1})             // one that is negative in 32 bits
	f.Add([]byte{0, 0, 4, 0})                   // the longest, not here yet
	f.Add(append([]byte{0, 0, 4, 1}, 1, 2))     // one longer
	f.Add(wire.AppendFrame(nil, []byte("one"))) // a frame
	f.Add(append(wire.AppendFrame(wire.AppendFrame(nil, []byte("one")), nil), 0, 0, 0, 2, 1))

	f.Fuzz(func(t *testing.T, stream []byte) {
		var again []byte
		rest := stream
		for {
			body, next, ok, err := wire.ParseFrame(rest, limit)
			over := len(rest) >= wire.FrameHeaderLen && binary.BigEndian.Uint32(rest) > limit
			if over != errors.Is(err, wire.ErrFrameTooLarge) || over != (err != nil) {
				t.Fatalf("a frame that begins with %x is judged with %v", rest[:min(4, len(rest))], err)
			}
			if err != nil || !ok {
				if !bytes.Equal(next, rest) {
					t.Fatalf("lost bytes: %x is left of %x", next, rest)
				}
				if !over && len(rest) >= wire.FrameHeaderLen && uint64(binary.BigEndian.Uint32(rest)) <= uint64(len(rest)-wire.FrameHeaderLen) {
					t.Fatalf("waits for a frame that is there: %x", rest)
				}
				break
			}
			again = wire.AppendFrame(again, body)
			rest = next
		}
		if want := stream[:len(stream)-len(rest)]; !bytes.Equal(again, want) {
			t.Fatalf("reframed to %x, want %x", again, want)
		}
	})
}

// FuzzParse feeds arbitrary bytes to the parser of messages. It must take what
// the judge takes, who knows the page and the library and not the code, and
// nothing else. What it takes must be written again as the very bytes that it
// came from, unless there were elements that it does not know; these apart, it
// must then be the same message.
func FuzzParse(f *testing.F) {
	judge := newJudge(f)
	for _, m := range samples() {
		f.Add(body(f, wire.Append(nil, &m)))
	}
	f.Add([]byte{0x85, 4, 0, 0xf6, 0x40, 0})                       // a lane that need not be there
	f.Add([]byte{0x85, 4, 0, 0xf6, 0x40, 2})                       // a lane that is not
	f.Add([]byte{0x86, 19, 5, 0xa1, 0x61, 'a', 0x81, 0xf6, 0, 20}) // elements of a later version
	f.Add([]byte{0x82, 24, 40, 0xfb, 0, 0, 0, 0, 0, 0, 0, 0})      // a kind of a later version
	f.Add([]byte{0x82, 19, 24, 5})                                 // a number in a longer form
	f.Add([]byte{0x9f, 19, 5, 0xff})                               // an indefinite array

	f.Fuzz(func(t *testing.T, b []byte) {
		m := wire.Msg{Corr: 77, Dsts: make([]wire.Name, 1), Body: []byte("what was here before")}
		err := wire.Parse(b, &m)
		if want := judge.accepts(b); want != (err == nil) {
			t.Fatalf("%x is judged with %v, want taken: %v", b, err, want)
		}
		if err != nil {
			var e *wire.MessageError
			if !errors.As(err, &e) || e.Err == nil || e.Offset < 0 || e.Offset > len(b) {
				t.Fatalf("%x is refused with %#v", b, err)
			}
			if m.Corr != 0 || m.Body != nil || len(m.Dsts) != 0 {
				t.Fatalf("%x is refused and leaves %+v", b, m)
			}
			return
		}
		if !m.Kind.Known() {
			return
		}
		again := body(t, wire.Append(nil, &m))
		if len(elements(&m)) == count(t, judge, b) && !bytes.Equal(again, b) {
			t.Fatalf("%x is written again as %x", b, again)
		}
		var back wire.Msg
		if err := wire.Parse(again, &back); err != nil || !equal(&m, &back) {
			t.Fatalf("%x is read as %v, and that as %v, %v", b, elements(&m), elements(&back), err)
		}
		if !bytes.Contains(b, m.Body) || !bytes.Contains(b, m.Hdr) || !utf8.Valid(m.Code) || !utf8.Valid(m.Text) || !utf8.Valid(m.Dst.Text) {
			t.Fatalf("%x is read as %+v", b, m)
		}
	})
}

// count returns how many elements the array in b has.
func count(t *testing.T, j *judge, b []byte) int {
	t.Helper()
	var all []cbor.RawMessage
	if err := j.well.Unmarshal(b, &all); err != nil {
		t.Fatal(err)
	}
	return len(all)
}

// FuzzUnmarshal feeds arbitrary bodies to the decoder. It must never allocate
// more than it says, and take no two items. What it takes of the types that a
// body may hold must be encoded to something that it takes for the same.
func FuzzUnmarshal(f *testing.F) {
	for _, b := range hostile() {
		if len(b) < 1<<8 {
			f.Add(b)
		}
	}
	for _, v := range []any{nil, true, -1, 1.5, "caf\u00e9", []byte{0, 255}, []any{1, []any{}}, map[string]any{"a": map[int]string{-1: ""}}, order{}} {
		b, err := wire.Marshal(v)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte{0xa2, 0x61, 'a', 1, 0x61, 'a', 2}) // a key twice
	f.Add([]byte{0x61, 0xff})                       // no UTF-8
	f.Add([]byte{0xa1, 0xf9, 0x7e, 0, 0})           // NaN as a key

	f.Fuzz(func(t *testing.T, b []byte) {
		var v any
		var err error
		cost := allocated(func() { err = wire.Unmarshal(b, &v) })
		if most := uint64(allocsEach*len(b) + 16<<10); cost > most { // other goroutines of the fuzzer allocate too
			t.Fatalf("%x costs %d bytes, want at most %d", b, cost, most)
		}
		var o order
		_ = wire.Unmarshal(b, &o) // must not panic
		if err != nil {
			return
		}
		if wire.Unmarshal(append(b[:len(b):len(b)], 0), &v) == nil {
			t.Fatalf("%x and a byte behind it is taken", b)
		}
		again, err := wire.AppendValue(nil, v)
		if err != nil {
			t.Fatalf("%x is decoded as %#v, which cannot be encoded: %v", b, v, err)
		}
		var back any
		if err := wire.Unmarshal(again, &back); err != nil {
			t.Fatalf("%x is decoded as %#v, and encoded as %x, which is refused: %v", b, v, again, err)
		}
		third, err := wire.Marshal(back)
		if err != nil || !bytes.Equal(third, again) {
			t.Fatalf("%x is encoded as %x, and then as %x, %v", b, again, third, err)
		}
	})
}

// FuzzParseRecordHeader feeds arbitrary headers to the parser. What it takes must
// be of a type that there is and no shorter than a tag, as its reader cuts the
// tag off, and must be written again as the same bytes.
func FuzzParseRecordHeader(f *testing.F) {
	f.Add(wire.AppendRecordHeader(nil, wire.RecordData, wire.RecordTag))
	f.Add(wire.AppendRecordHeader(nil, wire.RecordFin, wire.RecordMax))
	f.Add(append(wire.AppendRecordHeader(nil, wire.RecordClose, 300), 7))
	f.Add([]byte{1, 0})      // cut off
	f.Add([]byte{1, 0, 15})  // shorter than a tag
	f.Add([]byte{0, 9, 9})   // no type
	f.Add([]byte{4, 1, 255}) // a type of a later version
	f.Fuzz(func(t *testing.T, b []byte) {
		typ, n, err := wire.ParseRecordHeader(b)
		fits := len(b) >= 3 && b[0] >= 1 && b[0] <= 3 && (b[1] > 0 || b[2] >= 16)
		if fits != (err == nil) || err != nil && !errors.Is(err, wire.ErrMalformed) {
			t.Fatalf("%x is judged with %v, want taken: %v", b, err, fits)
		}
		if err != nil {
			return
		}
		if again := wire.AppendRecordHeader(nil, typ, n); !bytes.Equal(again, b[:3]) {
			t.Fatalf("%x is written again as %x", b, again)
		}
	})
}

// FuzzParsePreamble feeds arbitrary bytes to the first parser that a stranger
// meets. What it takes must be written again as the same bytes, and two sides
// that have a version in common must both speak it.
func FuzzParsePreamble(f *testing.F) {
	node := wire.AppendPreamble(nil, wire.Preamble{Max: 1, Min: 1, Role: wire.RoleNode})
	f.Add(node, node)
	f.Add(node, wire.AppendPreamble(nil, wire.Preamble{Max: 9, Min: 2, Role: wire.RoleObserver, Flags: 1}))
	f.Add(node[:7], []byte("GET / HTTP/1.1\r\n"))
	f.Add([]byte("CLUK\x01\x00\x01\x00"), []byte("CLUK\x01\x02\x01\x00")) // no version
	f.Add([]byte("CLUK\x01\x01\x00\x00"), []byte("CLUK\x01\x01\x04\x00")) // no role
	f.Fuzz(func(t *testing.T, a, b []byte) {
		p, err := wire.ParsePreamble(a)
		fits := len(a) == 8 && string(a[:4]) == "CLUK" && a[5] >= 1 && a[5] <= a[4] && a[6] >= 1 && a[6] <= 3
		if fits != (err == nil) || err != nil && !errors.Is(err, wire.ErrMalformed) {
			t.Fatalf("%x is judged with %v, want taken: %v", a, err, fits)
		}
		if err != nil {
			return
		}
		if again := wire.AppendPreamble(nil, p); !bytes.Equal(again, a) {
			t.Fatalf("%x is written again as %x", a, again)
		}
		q, err := wire.ParsePreamble(b)
		if err != nil {
			return
		}
		v, ok := p.Common(q)
		both := func(v byte) bool { return v >= p.Min && v <= p.Max && v >= q.Min && v <= q.Max }
		for w := 255; w >= 0; w-- {
			if both(byte(w)) {
				if !ok || v != byte(w) {
					t.Fatalf("%+v and %+v have %d, %v in common, want %d", p, q, v, ok, w)
				}
				return
			}
		}
		if ok {
			t.Fatalf("%+v and %+v have %d in common, want none", p, q, v)
		}
	})
}
