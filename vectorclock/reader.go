package vectorclock

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"unicode/utf8"
)

// A reader takes an encoding apart. After an error it returns zeros.
type reader struct {
	data []byte
	at   int
	err  error
}

func (r *reader) fail(what string) {
	if r.err == nil {
		r.err = fmt.Errorf("byte %d: %s: %w", r.at, what, ErrEncoding)
	}
	r.data = r.data[:r.at]
}

func (r *reader) bytes(n int) []byte {
	if r.err != nil || n > len(r.data)-r.at {
		r.fail("truncated")
		return nil
	}
	r.at += n
	return r.data[r.at-n : r.at]
}

func (r *reader) byte() byte {
	if b := r.bytes(1); len(b) == 1 {
		return b[0]
	}
	return 0
}

func (r *reader) uint64() uint64 {
	if b := r.bytes(8); len(b) == 8 {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

// uvarint reads a uvarint of the least length, at most most.
func (r *reader) uvarint(most uint64) uint64 {
	v, n := binary.Uvarint(r.data[r.at:])
	switch {
	case n <= 0:
		r.fail("truncated or overlong number")
		return 0
	case v > most:
		r.fail(fmt.Sprintf("number %d is out of range", v))
		return 0
	case n > 1 && v>>(7*(n-1)) == 0:
		r.fail("number is not in its shortest form")
		return 0
	}
	r.at += n
	return v
}

// int reads a uvarint below 2^31.
func (r *reader) int() int { return int(r.uvarint(math.MaxInt32)) }

// name reads the name of an actor, which comes after the one before.
func (r *reader) name(before string) (string, error) {
	common, rest := r.int(), r.int()
	own := r.bytes(rest)
	switch {
	case r.err != nil:
		return "", r.err
	case common > len(before) || common+rest > MaxActorLen || common+rest == 0:
		return "", fmt.Errorf("%d bytes in common with the one before, %d of its own: %w", common, rest, ErrActor)
	}
	name := before[:common] + string(own)
	switch {
	case !utf8.ValidString(name):
		return "", fmt.Errorf("name %q: not UTF-8: %w", name, ErrActor)
	case before != "" && name <= before || commonPrefix(before, name) != common:
		return "", fmt.Errorf("%q after %q: not in the one form: %w", name, before, ErrEncoding)
	}
	return name, nil
}

// columns reads the columns of n entries, whose actors were there: what is
// claimed here takes no more memory than they did.
func (r *reader) columns(actors *roster, n int) *body {
	b := newBody(actors, n, 0)
	if least := r.column(b.counts, 0); r.err == nil && least < 0 {
		r.err = fmt.Errorf("byte %d: count %d: at most %d: %w", r.at, uint64(least), uint64(MaxCount), ErrCount)
	}
	least := r.column(b.updated, 0)
	r.column(b.inserted, least)
	return b
}

// column reads values and returns the least.
func (r *reader) column(values []int64, base int64) (least int64) {
	sizes := r.byte()
	width, head := int(sizes&15), int(sizes>>4)
	if width > 8 || head > 8 {
		r.fail(fmt.Sprintf("values of %d bytes, and %d of the least", width, head))
		return 0
	}
	var word [8]byte
	copy(word[:], r.bytes(head))
	above := binary.LittleEndian.Uint64(word[:])
	least = base + zagzig(above)
	from := r.at
	r.bytes(width * len(values))
	if r.err != nil {
		return 0
	}
	rest := r.data[from:]
	words := 0 // values that can be loaded as words, which reach beyond a column
	if width > 0 && len(rest) >= 8 {
		words = min((len(rest)-8)/width+1, len(values))
	}
	zero, all := unpack(values[:words], rest, width, least)
	if words < len(values) {
		var room [2 * 8 * 8]byte // the last values, fewer than eight, and a word
		copy(room[:], rest[words*width:r.at-from])
		z, a := unpack(values[words:], room[:], width, least)
		zero, all = zero|z, all|a
	}
	const top = 1 << 63
	switch {
	case zero&top == 0, all&top != 0 && !slices.Contains(values, least), widthOf(all) != width, widthOf(above) != head:
		r.fail("a column that is not in its one form")
	case all > uint64(math.MaxInt64)-uint64(least) && slices.Min(values) < least:
		r.fail("a value beyond the largest")
	}
	return least
}

// unpack reads values of width bytes each, from where there is a word for each.
// It returns the bits of what they are above the least, and a word whose highest
// bit is set if one of them is the least: also if one is more than 2^63 above it,
// which the other word shows. It is kept out of its caller, where the compiler
// has too few registers for it: decoding took a fifth longer.
//
//go:noinline
func unpack(values []int64, from []byte, width int, least int64) (zero, all uint64) {
	mask := ^uint64(0) >> (64 - 8*width)
	for i := range values {
		if len(from) < 8 {
			break
		}
		d := binary.LittleEndian.Uint64(from) & mask
		from = from[width:]
		values[i] = least + int64(d)
		zero |= d - 1
		all |= d
	}
	return zero, all
}
