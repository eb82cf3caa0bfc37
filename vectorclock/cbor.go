package vectorclock

import (
	"encoding/binary"
	"fmt"
	"math"
	"unicode/utf8"
)

// The CBOR of a clock (RFC 8949, core deterministic encoding: definite and
// shortest lengths) is an array: of a map from actor to [count, inserted,
// updated], keys in bytewise order of their encodings, and, of a clock that was
// trimmed, its horizon and its receipt, null where that does not tell.
const (
	cborUint  = 0 << 5
	cborNeg   = 1 << 5
	cborBytes = 2 << 5
	cborText  = 3 << 5
	cborArray = 4 << 5
	cborMap   = 5 << 5
	cborNull  = 0xf6
)

// leastOf is the least number that needs so many bytes behind the head.
var leastOf = [9]uint64{1: 24, 2: 1 << 8, 4: 1 << 16, 8: 1 << 32}

// appendHead appends the head of a CBOR item.
func appendHead(dst []byte, major byte, v uint64) []byte {
	switch {
	case v < 24:
		return append(dst, major|byte(v))
	case v <= math.MaxUint8:
		return append(dst, major|24, byte(v))
	case v <= math.MaxUint16:
		return binary.BigEndian.AppendUint16(append(dst, major|25), uint16(v))
	case v <= math.MaxUint32:
		return binary.BigEndian.AppendUint32(append(dst, major|26), uint32(v))
	}
	return binary.BigEndian.AppendUint64(append(dst, major|27), v)
}

func appendInt(dst []byte, v int64) []byte {
	if v < 0 {
		return appendHead(dst, cborNeg, uint64(-(v + 1)))
	}
	return appendHead(dst, cborUint, uint64(v))
}

// MarshalCBOR returns the clock as CBOR. It imports no CBOR library; those that
// know its name, such as fxamacker/cbor, call it.
func (c Clock) MarshalCBOR() ([]byte, error) {
	b := c.read()
	n := len(b.counts)
	out := make([]byte, 0, 16+64*n)
	if b.trimmed {
		out = appendHead(out, cborArray, 3)
	} else {
		out = appendHead(out, cborArray, 1)
	}
	out = appendHead(out, cborMap, uint64(n))
	for _, i := range b.byLength() {
		name, e := b.actors.names[i], b.entry(i)
		out = append(appendHead(out, cborText, uint64(len(name))), name...)
		out = appendHead(out, cborArray, 3)
		out = appendHead(out, cborUint, e.Count)
		out = appendInt(appendInt(out, e.Inserted), e.Updated)
	}
	if b.trimmed {
		out = appendInt(out, b.horizon)
		if b.tainted {
			out = append(out, cborNull)
		} else {
			out = appendHead(out, cborUint, b.receipt)
		}
	}
	return out, nil
}

// byLength returns the places of actors in the order of their CBOR: shorter ones
// first, as the length comes first.
func (b *body) byLength() []int {
	lengths := make(map[int]int)
	longest := 0
	for _, name := range b.actors.names {
		lengths[len(name)]++
		longest = max(longest, len(name))
	}
	start, sum := make([]int, longest+1), 0
	for n := range start {
		start[n] = sum
		sum += lengths[n]
	}
	places := make([]int, len(b.actors.names))
	for i, name := range b.actors.names {
		places[start[len(name)]] = i
		start[len(name)]++
	}
	return places
}

// UnmarshalCBOR makes the clock what MarshalCBOR encoded, within the default
// limits of a [Decoder]; other encodings of the same are refused. Errors are
// those of [Decoder.Decode], and leave the clock as it was.
func (c *Clock) UnmarshalCBOR(data []byte) error {
	decoded, err := new(Decoder).DecodeCBOR(data)
	if err == nil {
		c.b = decoded.b
	}
	return err
}

// DecodeCBOR is [Clock.UnmarshalCBOR] within the limits of the decoder.
func (d *Decoder) DecodeCBOR(data []byte) (Clock, error) {
	b, err := decodeCBOR(data, d)
	if err != nil {
		return Clock{}, fmt.Errorf("vectorclock: decode CBOR: %w", err)
	}
	return Clock{b: b}, nil
}

func decodeCBOR(data []byte, d *Decoder) (*body, error) {
	maxBytes, maxEntries := d.limits()
	if len(data) > maxBytes {
		return nil, fmt.Errorf("%d bytes: the limit is %d: %w", len(data), maxBytes, ErrEncoding)
	}
	r := cborReader{reader{data: data}}
	parts := r.head(cborArray, "an array")
	n := r.head(cborMap, "a map")
	switch {
	case r.err != nil:
		return nil, r.err
	case parts != 1 && parts != 3:
		return nil, fmt.Errorf("an array of %d: want 1 or 3: %w", parts, ErrEncoding)
	case n > uint64(maxEntries):
		return nil, fmt.Errorf("%d entries: the limit is %d: %w", n, maxEntries, ErrEncoding)
	}
	const least = 6 // bytes of an entry: two of the actor, four of the array
	entries := make([]named, 0, min(n, uint64(len(data)/least)))
	for range n {
		e := r.entry()
		if r.err != nil {
			return nil, r.err
		}
		if len(entries) > 0 {
			before := entries[len(entries)-1].actor
			if len(before) > len(e.actor) || len(before) == len(e.actor) && before >= e.actor {
				return nil, fmt.Errorf("byte %d: actor %q after %q: not in the one order: %w", r.at, e.actor, before, ErrEncoding)
			}
		}
		entries = append(entries, e)
	}
	var memory lost
	if parts == 3 {
		memory = r.lost()
	}
	if r.err == nil && r.at < len(data) {
		r.fail(fmt.Sprintf("%d bytes more after the clock", len(data)-r.at))
	}
	if r.err != nil {
		return nil, r.err
	}
	return bodyOf(entries, memory)
}

// A cborReader takes CBOR apart. After an error it returns zeros.
type cborReader struct{ reader }

// head reads the head of an item of a major type.
func (r *cborReader) head(major byte, what string) uint64 {
	m, v := r.any()
	if r.err == nil && m != major {
		r.fail("want " + what)
	}
	if r.err != nil {
		return 0
	}
	return v
}

// any reads the head of an item.
func (r *cborReader) any() (major byte, v uint64) {
	first := r.byte()
	major, v = first&^31, uint64(first&31)
	if v < 24 {
		return major, v
	}
	if v > 27 {
		r.fail("a length that is not definite")
		return 0, 0
	}
	size := 1 << (v - 24)
	var word [8]byte
	copy(word[8-size:], r.bytes(size))
	v = binary.BigEndian.Uint64(word[:])
	if r.err == nil && v < leastOf[size] {
		r.fail("a number that is not in its shortest form")
	}
	return major, v
}

func (r *cborReader) int() int64 {
	major, v := r.any()
	switch {
	case r.err != nil:
		return 0
	case v > math.MaxInt64 || major != cborUint && major != cborNeg:
		r.fail("want a number of 64 bits")
		return 0
	case major == cborNeg:
		return -1 - int64(v)
	}
	return int64(v)
}

func (r *cborReader) entry() named {
	size := r.head(cborText, "the name of an actor")
	if size > MaxActorLen {
		r.fail(fmt.Sprintf("a name of %d bytes", size))
		return named{}
	}
	name := r.bytes(int(size))
	if r.err == nil && !utf8.Valid(name) {
		r.err = fmt.Errorf("byte %d: name %q: not UTF-8: %w", r.at, name, ErrActor)
	}
	if r.head(cborArray, "an array of count and times") != 3 {
		r.fail("want an array of three")
	}
	e := Entry{Count: r.head(cborUint, "a count")}
	e.Inserted = r.int()
	e.Updated = r.int()
	return named{string(name), e}
}

func (r *cborReader) lost() lost {
	l := lost{trimmed: true, horizon: r.int()}
	if r.err == nil && r.at < len(r.data) && r.data[r.at] == cborNull {
		r.at++
		l.tainted = true
		return l
	}
	l.receipt = r.head(cborUint, "a receipt")
	return l
}
