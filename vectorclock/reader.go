package vectorclock

import (
	"encoding/binary"
	"fmt"
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

// int reads a uvarint of the least length, below 2^31.
func (r *reader) int() int {
	v, n := binary.Uvarint(r.data[r.at:])
	switch {
	case n <= 0:
		r.fail("truncated or overlong number")
		return 0
	case v >= 1<<31:
		r.fail(fmt.Sprintf("number %d is out of range", v))
		return 0
	case n > 1 && v>>(7*(n-1)) == 0:
		r.fail("number is not in its shortest form")
		return 0
	}
	r.at += n
	return int(v)
}

// columns reads the columns of n entries into b.
func (r *reader) columns(b *body, n int) {
	if len(r.data)-r.at < 3*columnLen {
		r.fail("truncated")
		return
	}
	if widths := r.widths(n); r.err != nil || len(r.data)-r.at < 3*columnLen+widths*n {
		r.fail("truncated")
		return
	}
	b.counts = make([]uint64, n)
	times := make([]int64, 2*n)
	b.updated, b.inserted = times[:n:n], times[n:]
	if most := column(r, b.counts); r.err == nil && most > MaxCount {
		r.err = fmt.Errorf("byte %d: count %d: at most %d: %w", r.at, most, uint64(MaxCount), ErrCount)
	}
	column(r, b.updated)
	column(r, b.inserted)
}

// widths returns the sum of the widths of three columns of n entries, so that
// what they claim is known to be there before memory is taken.
func (r *reader) widths(n int) (sum int) {
	at := r.at
	for range 3 {
		if at >= len(r.data) {
			r.fail("truncated")
			return 0
		}
		width := int(r.data[at])
		if width > 8 {
			r.fail(fmt.Sprintf("a column of width %d", width))
			return 0
		}
		sum += width
		at += columnLen + width*n
	}
	return sum
}

// column reads values and returns the largest. Times are taken as they are in
// order, by their distance from the least.
func column[T int64 | uint64](r *reader, values []T) (most uint64) {
	width, base := int(r.byte()), r.uint64()
	start := r.at
	r.bytes(width * len(values))
	if r.err != nil {
		return 0
	}
	rest := r.data[start:]
	mask := ^uint64(0) >> (64 - 8*width)
	least, i := ^uint64(0), 0
	for ; i < len(values) && i*width+8 <= len(rest); i++ {
		d := binary.LittleEndian.Uint64(rest[i*width:]) & mask
		values[i] = T(base + d)
		least, most = min(least, d), max(most, d)
	}
	for ; i < len(values); i++ {
		var word [8]byte
		copy(word[:], rest[i*width:i*width+width])
		d := binary.LittleEndian.Uint64(word[:])
		values[i] = T(base + d)
		least, most = min(least, d), max(most, d)
	}
	var first, last T = T(base), T(base + most)
	if least != 0 || widthOf(most) != width || last < first {
		r.fail("a column that is not in its one form")
	}
	return base + most
}
