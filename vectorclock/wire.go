package vectorclock

import (
	"encoding/binary"
	"math/bits"
	"slices"
)

// The binary encoding, version 1, is
//
//	"VC" version:1 flags:1 entries:uvarint
//	actors counts updated inserted
//	horizon:8 receipt:8                      if the flag trimmed is set
//
// actors is the length of what follows as a uvarint, and then either 16 bytes an
// actor, if the flag uuids is set because all are UUIDs in lower case, or for
// each actor the number of bytes that it has in common with the one before, the
// number of its other bytes, both as uvarints, and those bytes. Actors ascend.
//
// A column is a width of 0 to 8 bytes, the least value (8 bytes), and for each
// entry what its value is above the least, in width bytes. Everything is
// little-endian and of the least width, so that a clock has one encoding. No
// entries have no columns.
const (
	magic       = "VC"
	wireVersion = 1

	flagUUIDs   = 1 << 0
	flagTrimmed = 1 << 1
	flagTainted = 1 << 2
	flagsKnown  = flagUUIDs | flagTrimmed | flagTainted

	uuidLen   = 16
	columnLen = 9 // of a column without its values
)

// AppendBinary appends the binary encoding of the clock: some 27 bytes an entry
// where actors are UUIDs. It never fails. It costs O(entries), and allocates
// nothing if dst has room, but for the first clock of its actors.
func (c *Clock) AppendBinary(dst []byte) ([]byte, error) {
	b := c.read()
	n := len(b.counts)
	actors, flags := b.actors.encode()
	if b.trimmed {
		flags |= flagTrimmed
	}
	if b.tainted {
		flags |= flagTainted
	}
	dst = append(dst, magic...)
	dst = append(dst, wireVersion, flags)
	dst = binary.AppendUvarint(dst, uint64(n))
	dst = binary.AppendUvarint(dst, uint64(len(actors)))
	dst = append(dst, actors...)
	if n > 0 {
		dst = slices.Grow(dst, 3*(columnLen+8*n)+16)
		dst = appendColumn(dst, b.counts)
		dst = appendTimes(dst, b.updated)
		dst = appendTimes(dst, b.inserted)
	}
	if b.trimmed {
		dst = binary.LittleEndian.AppendUint64(dst, uint64(b.horizon))
		dst = binary.LittleEndian.AppendUint64(dst, b.receipt)
	}
	return dst, nil
}

// MarshalBinary is [Clock.AppendBinary] to a new slice.
func (c *Clock) MarshalBinary() ([]byte, error) { return c.AppendBinary(nil) }

// appendColumn appends values, of which there is one or more.
func appendColumn(dst []byte, values []uint64) []byte {
	least, most := values[0], values[0]
	for _, v := range values {
		least, most = min(least, v), max(most, v)
	}
	width := widthOf(most - least)
	dst = append(dst, byte(width))
	dst = binary.LittleEndian.AppendUint64(dst, least)
	at := len(dst)
	end := at + width*len(values)
	dst = slices.Grow(dst, end-at+8)[:end+8] // a word may be written behind the last value
	for i, v := range values {
		binary.LittleEndian.PutUint64(dst[at+i*width:], v-least)
	}
	return dst[:end]
}

// appendTimes is appendColumn of times.
func appendTimes(dst []byte, times []int64) []byte {
	least, most := times[0], times[0]
	for _, v := range times {
		least, most = min(least, v), max(most, v)
	}
	width := widthOf(uint64(most) - uint64(least))
	dst = append(dst, byte(width))
	dst = binary.LittleEndian.AppendUint64(dst, uint64(least))
	at := len(dst)
	end := at + width*len(times)
	dst = slices.Grow(dst, end-at+8)[:end+8]
	for i, v := range times {
		binary.LittleEndian.PutUint64(dst[at+i*width:], uint64(v)-uint64(least))
	}
	return dst[:end]
}

// widthOf returns the number of bytes that a value needs.
func widthOf(v uint64) int { return (bits.Len64(v) + 7) / 8 }

// encode returns the actor section of a roster and its flag. It is made once.
func (r *roster) encode() (section []byte, flags byte) {
	w := r.wire.Load()
	if w == nil {
		made := encodeActors(r.names)
		w = &made
		r.wire.Store(w)
	}
	return w.section, w.flags
}

// A rosterWire is an encoded roster.
type rosterWire struct {
	section []byte
	flags   byte
}

func encodeActors(names []string) rosterWire {
	var w rosterWire
	if len(names) > 0 && !slices.ContainsFunc(names, func(s string) bool { _, ok := parseUUID(s); return !ok }) {
		w.flags = flagUUIDs
		for _, name := range names {
			id, _ := parseUUID(name)
			w.section = append(w.section, id[:]...)
		}
		return w
	}
	before := ""
	for _, name := range names {
		common := commonPrefix(before, name)
		w.section = binary.AppendUvarint(w.section, uint64(common))
		w.section = binary.AppendUvarint(w.section, uint64(len(name)-common))
		w.section = append(w.section, name[common:]...)
		before = name
	}
	return w
}

func commonPrefix(a, b string) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}

// parseUUID returns the bytes of a UUID in its usual form, in lower case.
func parseUUID(s string) (id [uuidLen]byte, ok bool) {
	if len(s) != 36 || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return id, false
	}
	for i, at := range uuidAt {
		hi, ok1 := hexDigit(s[at])
		lo, ok2 := hexDigit(s[at+1])
		if !ok1 || !ok2 {
			return id, false
		}
		id[i] = hi<<4 | lo
	}
	return id, true
}

// uuidAt is where in its text each byte of a UUID stands.
var uuidAt = [uuidLen]int{0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34}

func hexDigit(c byte) (byte, bool) {
	switch {
	case '0' <= c && c <= '9':
		return c - '0', true
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10, true
	}
	return 0, false
}

// uuidText returns a UUID in its usual form.
func uuidText(dst, id []byte) []byte {
	const digits = "0123456789abcdef"
	for i, b := range id {
		if i == 4 || i == 6 || i == 8 || i == 10 {
			dst = append(dst, '-')
		}
		dst = append(dst, digits[b>>4], digits[b&15])
	}
	return dst
}
