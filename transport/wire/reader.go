package wire

import (
	"encoding/binary"
	"math"
	"unicode/utf8"
)

// The major types of CBOR, as the high bits of an item's first byte.
const (
	majorUint   = 0 << 5
	majorNegInt = 1 << 5
	majorBytes  = 2 << 5
	majorText   = 3 << 5
	majorArray  = 4 << 5
	majorMap    = 5 << 5
	majorTag    = 6 << 5
	majorSimple = 7 << 5

	majorMask = 7 << 5
	null      = 0xf6
)

// A reader is the bytes of a message. Its methods read the item at a position
// and return the position behind it, so that they can be chained without a
// look at each result: what is refused gives a negative position, which says
// why and where, and every method hands a negative position on.
//
// It is not a struct with a position of its own because all that a method
// takes and gives then fits into registers, which halves the time.
type reader []byte

// malformed is the position that refuses the item at p as [ErrMalformed].
func malformed(p int) int { return min(p, -1-3*p) }

// tooMuch is the position that refuses the item at p as [ErrLimit].
func tooMuch(p int) int { return min(p, -2-3*p) }

// noKind is the position that refuses the item at p as [ErrKind].
func noKind(p int) int { return min(p, -3-3*p) }

// refusal returns what a negative position says.
func refusal(p int) (at int, err error) {
	p = -1 - p
	switch p % 3 {
	case 0:
		return p / 3, ErrMalformed
	case 1:
		return p / 3, ErrLimit
	default:
		return p / 3, ErrKind
	}
}

// number reads the first byte of an item, which must be of a major type, and
// the number that belongs to it. It refuses what has no number, a number that
// could be shorter, and one above limit.
func (r reader) number(p int, major byte, limit uint64) (n uint64, next int) {
	if uint(p) >= uint(len(r)) {
		return 0, malformed(p)
	}
	info := r[p] - major
	if n = uint64(info); n < 24 && n <= limit {
		return n, p + 1
	}
	least, left := uint64(0), len(r)-p
	switch {
	case info == 24 && left > 1:
		n, next, least = uint64(r[p+1]), p+2, 24
	case info == 25 && left > 2:
		n, next, least = uint64(binary.BigEndian.Uint16(r[p+1:])), p+3, 1<<8
	case info == 26 && left > 4:
		n, next, least = uint64(binary.BigEndian.Uint32(r[p+1:])), p+5, 1<<16
	case info == 27 && left > 8:
		n, next, least = binary.BigEndian.Uint64(r[p+1:]), p+9, 1<<32
	case info < 24:
		return 0, tooMuch(p)
	default: // of another type, without a number, or cut off
		return 0, malformed(p)
	}
	switch {
	case n < least:
		return 0, malformed(p)
	case n > limit:
		return 0, tooMuch(p)
	}
	return n, next
}

// uint reads an unsigned integer of at most limit.
func (r reader) uint(p int, limit uint64) (n uint64, next int) {
	return r.number(p, majorUint, limit)
}

// uint32 reads an unsigned integer of at most limit.
func (r reader) uint32(p int, limit uint32) (n uint32, next int) {
	long, next := r.number(p, majorUint, uint64(limit))
	return uint32(long), next
}

// null reports whether there is a null.
func (r reader) null(p int) bool { return uint(p) < uint(len(r)) && r[p] == null }

// mustNull reads a null.
func (r reader) mustNull(p int) (next int) {
	if !r.null(p) {
		return malformed(p)
	}
	return p + 1
}

// string reads a byte string or a text, as major says, of at most limit bytes.
func (r reader) string(p int, major byte, limit uint64) (s []byte, next int) {
	n, next := r.number(p, major, limit)
	if next < 0 {
		return nil, next
	}
	if end := next + int(n); end <= len(r) { // no overflow: limit is small
		return r[next:end:end], end
	}
	return nil, malformed(p)
}

// bytes reads a byte string.
func (r reader) bytes(p int, limit uint64) (s []byte, next int) {
	return r.string(p, majorBytes, limit)
}

// bytesOrNull reads a byte string, or nil for null.
func (r reader) bytesOrNull(p int, limit uint64) (s []byte, next int) {
	if r.null(p) {
		return nil, p + 1
	}
	return r.string(p, majorBytes, limit)
}

// text reads a text of valid UTF-8.
func (r reader) text(p int, limit uint64) (s []byte, next int) {
	s, next = r.string(p, majorText, limit)
	if !utf8.Valid(s) {
		return nil, malformed(p)
	}
	return s, next
}

// someText reads a text that may not be empty.
func (r reader) someText(p int, limit uint64) (s []byte, next int) {
	s, next = r.text(p, limit)
	if next >= 0 && len(s) == 0 {
		return nil, malformed(p)
	}
	return s, next
}

// name reads an index or a name.
func (r reader) name(p int) (n Name, next int) {
	if uint(p) < uint(len(r)) && r[p]&majorMask == majorText {
		n.Text, next = r.someText(p, NameMax)
		return n, next
	}
	n.Index, next = r.uint32(p, NamesMax-1)
	return n, next
}

// array reads the head of an array of at most limit elements, which need not be
// there.
func (r reader) array(p int, limit uint64) (n, next int) {
	elements, next := r.number(p, majorArray, limit)
	return int(elements), next
}

// skip reads an item of any type that stands inside level arrays and maps.
func (r reader) skip(p, level int) (next int) {
	if uint(p) >= uint(len(r)) {
		return malformed(p)
	}
	major := r[p] & majorMask
	if major == majorSimple {
		return r.simple(p)
	}
	n, next := r.number(p, major, math.MaxUint64)
	if next < 0 {
		return next
	}
	left := uint64(len(r) - next)
	switch {
	case major == majorUint || major == majorNegInt:
		return next
	case (major == majorBytes || major == majorText) && n <= left:
		return next + int(n)
	case (major == majorArray || major == majorMap) && level == NestMax:
		return tooMuch(p)
	case major == majorArray && n <= left:
		return r.skipAll(next, int(n), level+1)
	case major == majorMap && n <= left/2:
		return r.skipAll(next, 2*int(n), level+1)
	}
	return malformed(p) // a tag, or longer than what is left
}

// skipAll reads n items that stand inside level arrays and maps.
func (r reader) skipAll(p, n, level int) (next int) {
	for ; n > 0 && p >= 0; n-- {
		p = r.skip(p, level)
	}
	return p
}

// simple reads a float or a simple value such as true.
func (r reader) simple(p int) (next int) {
	switch info, left := r[p]&^majorMask, len(r)-p; {
	case info < 24:
		return p + 1
	case info == 24 && left >= 2 && r[p+1] >= 32: // lower ones have a shorter form
		return p + 2
	case info == 25 && left >= 3:
		return p + 3
	case info == 26 && left >= 5:
		return p + 5
	case info == 27 && left >= 9:
		return p + 9
	}
	return malformed(p)
}
