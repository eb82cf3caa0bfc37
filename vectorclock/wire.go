package vectorclock

import (
	"encoding/binary"
	"math/bits"
	"slices"
)

// The binary encoding, version 1, is
//
//	"C" head:1 entries:uvarint
//	actors counts updated inserted           if there are entries
//	horizon:8 receipt:8                      if the flag trimmed is set
//
// head is the version in its upper four bits and flags in the lower. actors is 16
// bytes an actor, if the flag uuids is set because all are UUIDs in lower case;
// or else the length of what follows as a uvarint, and for each actor the number
// of bytes that it has in common with the one before, 64 at most lest few bytes
// claim many, the number of its other bytes, both as uvarints, and those bytes.
// Actors ascend.
//
// A column is a byte, the least value, and what each value is above the least, in
// so many bytes each as the lower four bits of the byte say. The least value is
// taken from 0, or from the least of updated for inserted; its sign is turned
// into the lowest bit, as in protocol buffers, and the upper four bits say how
// many bytes it has. Numbers are little-endian and of the least width, so that a
// clock has one encoding.
const (
	magic       = "C"
	wireVersion = 1

	flagUUIDs   = 1 << 0
	flagTrimmed = 1 << 1
	flagTainted = 1 << 2
	flagsMask   = 1<<4 - 1
	flagsKnown  = flagUUIDs | flagTrimmed | flagTainted

	prefixMax = 64 // bytes that a name is said to have in common
	uuidLen   = 16
	columnMax = 1 + 8 // bytes of a column without its values
)

// AppendBinary appends the binary encoding of the clock: some 27 bytes an entry
// where actors are UUIDs. It never fails. It costs O(entries), and allocates
// nothing, but for the first clock of its actors, if dst has room for the longest
// form: 24 bytes an entry and 43 more beside the actors, as a slice has that is
// used again and again. The first clock of its actors costs several times as
// much.
func (c Clock) AppendBinary(dst []byte) ([]byte, error) {
	b := c.read()
	n := len(b.counts)
	actors, flags := b.actors.encode()
	if b.trimmed {
		flags |= flagTrimmed
	}
	if b.tainted {
		flags |= flagTainted
	}
	dst = append(append(dst, magic...), wireVersion<<4|flags)
	dst = binary.AppendUvarint(dst, uint64(n))
	if n > 0 {
		if flags&flagUUIDs == 0 {
			dst = binary.AppendUvarint(dst, uint64(len(actors)))
		}
		dst = append(dst, actors...)
		dst = slices.Grow(dst, 3*(columnMax+8*n)+16)
		var least int64
		dst, _ = appendColumn(dst, b.counts, 0)
		dst, least = appendColumn(dst, b.updated, 0)
		dst, _ = appendColumn(dst, b.inserted, least)
	}
	if b.trimmed {
		dst = binary.LittleEndian.AppendUint64(dst, uint64(b.horizon))
		dst = binary.LittleEndian.AppendUint64(dst, b.receipt)
	}
	return dst, nil
}

// MarshalBinary is [Clock.AppendBinary] to a new slice.
func (c Clock) MarshalBinary() ([]byte, error) { return c.AppendBinary(nil) }

// appendColumn appends values, of which there is one or more, to dst, which has
// room. It returns the least of them.
func appendColumn(dst []byte, values []int64, from int64) (_ []byte, least int64) {
	least, most := values[0], values[0]
	for _, v := range values {
		least, most = min(least, v), max(most, v)
	}
	width, base := widthOf(uint64(most)-uint64(least)), zigzag(least-from)
	head := widthOf(base)
	at := len(dst)
	end := at + 1 + head + width*len(values)
	dst = slices.Grow(dst, end-at+8)[:end+8] // a word may be written behind the last value
	dst[at] = byte(width | head<<4)
	binary.LittleEndian.PutUint64(dst[at+1:], base)
	pack(dst[at+1+head:], values, width, least)
	return dst[:end], least
}

// pack writes what values are above the least, each a word that the next one
// overwrites.
func pack(to []byte, values []int64, width int, least int64) {
	for _, v := range values {
		binary.LittleEndian.PutUint64(to, uint64(v)-uint64(least))
		to = to[width:]
	}
}

// zigzag returns a number with its sign in the lowest bit; zagzig undoes that.
func zigzag(v int64) uint64 { return uint64(v<<1) ^ uint64(v>>63) }

func zagzig(u uint64) int64 { return int64(u>>1) ^ -int64(u&1) }

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
	if section, ok := packUUIDs(names); ok {
		return rosterWire{section, flagUUIDs}
	}
	var w rosterWire
	before := ""
	for _, name := range names {
		w.section = appendName(w.section, before, name)
		before = name
	}
	return w
}

// packUUIDs returns the bytes of UUIDs, if all names are some, and there are any.
func packUUIDs(names []string) ([]byte, bool) {
	if len(names) == 0 || len(names[0]) != 36 {
		return nil, false
	}
	section := make([]byte, 0, uuidLen*len(names))
	for _, name := range names {
		id, ok := parseUUID(name)
		if !ok {
			return nil, false
		}
		section = append(section, id[:]...)
	}
	return section, true
}

// appendName appends a name by what it has in common with the one before.
func appendName(dst []byte, before, name string) []byte {
	common := commonPrefix(before, name)
	dst = binary.AppendUvarint(dst, uint64(common))
	dst = binary.AppendUvarint(dst, uint64(len(name)-common))
	return append(dst, name[common:]...)
}

// commonPrefix returns the number of bytes that two names have in common, 64 at
// most.
func commonPrefix(a, b string) int {
	n := min(len(a), len(b), prefixMax)
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
	wrong := byte(0)
	for i, at := range uuidAt {
		hi, lo := hexValue[s[at]], hexValue[s[at+1]]
		wrong |= hi | lo
		id[i] = hi<<4 | lo&15
	}
	return id, wrong < noHex
}

// uuidAt is where in its text each byte of a UUID stands.
var uuidAt = [uuidLen]int{0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34}

// hexValue is what a digit stands for; noHex of what is none.
var hexValue = func() (values [256]byte) {
	for c := range values {
		values[c] = noHex
	}
	for v, c := range []byte("0123456789abcdef") {
		values[c] = byte(v)
	}
	return values
}()

const noHex = 16

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
