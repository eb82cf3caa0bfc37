package measure

import (
	"math/bits"

	"github.com/zeebo/xxh3"
)

// A Floor is the least that a lookup in a table can cost: hash the key, load
// one word. It has no contents worth loading.
type Floor struct{ lines [][8]uint64 }

// NewFloor returns a floor over a table of about the given number of bytes, in
// cache lines.
func NewFloor(bytes int) *Floor {
	f := &Floor{make([][8]uint64, max(bytes/64, 1))}
	for i := range f.lines {
		f.lines[i][0] = uint64(i) & 7 // written, so that the pages exist
	}
	return f
}

// Owners hashes every key and loads the first word of a line.
func (f *Floor) Owners(keys []string) (n int) {
	for _, k := range keys {
		line, _ := bits.Mul64(xxh3.HashString(k), uint64(len(f.lines)))
		n += int(f.lines[line][0])
	}
	return n
}
