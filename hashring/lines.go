package hashring

import (
	"encoding/binary"
	"math/bits"
)

// A line is one bucket packed into one cache line, enough to answer almost
// every lookup with a single memory access. Lanes are in the order of the
// points. Spare lanes hold 0 in ends, and in slots the slot of the next point
// after the bucket. A bucket of more than fifteen points keeps the first
// fifteen and has the last slot unsure.
type line struct {
	ends  [lineLanes * 2]byte // how far from the end of the bucket each point is, in places, little-endian
	slots [lineLanes]uint16   // whose point it is
}

const (
	lineBytes = 64
	lineLanes = 16
	// placeBits is how finely a line tells positions: in 4,096th parts of a
	// bucket. Fewer bits send more keys to the exact points, which is slower
	// (now one key in 400); with one bit more, rank must do more.
	placeBits = 12
	farthest  = 1<<placeBits - 1
	unsure    = 1<<16 - 1
	// maxHotSlots is the number of nodes whose slots fit a lane beside unsure.
	maxHotSlots = unsure

	lanesOne   = 0x0001000100010001 // 1 in every lane
	lanesCarry = lanesOne << placeBits
)

// rank returns the number of points of the line that are before a place, 0 to
// 15. It adds place to all ends at once, in lanes of 16 bits: a lane carries
// just where the point is before place. The product adds up the carries of all
// lanes in its top four bits, which hold them since one lane is always spare.
func (l *line) rank(place uint64) uint64 {
	x := place * lanesOne
	a := (x + binary.LittleEndian.Uint64(l.ends[0:])) & lanesCarry
	b := (x + binary.LittleEndian.Uint64(l.ends[8:])) & lanesCarry
	c := (x + binary.LittleEndian.Uint64(l.ends[16:])) & lanesCarry
	d := (x + binary.LittleEndian.Uint64(l.ends[24:])) & lanesCarry
	return (a + b + c + d) * lanesOne >> (48 + placeBits)
}

// shares reports whether the point in a lane is just at place, so far as the
// line can tell. Only the whole positions say then which is first.
func (l *line) shares(lane, place uint64) bool {
	return l.end(lane) == farthest-place
}

// end returns how far from the end of the bucket the point in a lane is, or 0
// in a spare lane.
func (l *line) end(lane uint64) uint64 {
	return uint64(binary.LittleEndian.Uint16(l.ends[2*(lane%lineLanes):]))
}

// fill packs the points of one bucket; after is the slot of the next point
// behind them.
func (l *line) fill(pts []point, after uint32, t *table) {
	n := min(len(pts), lineLanes-1)
	for i, p := range pts[:n] {
		_, rest := bits.Mul64(t.end(p), t.buckets)
		// A point at the very end is put one place before it, to differ from a
		// spare lane. Keys of that last place find a spare lane, share its place,
		// and are looked up among the points.
		end := max(farthest-rest>>(64-placeBits), 1)
		binary.LittleEndian.PutUint16(l.ends[2*i:], uint16(end))
		l.slots[i] = uint16(p.slot())
	}
	clear(l.ends[2*n:])
	for i := n; i < lineLanes; i++ {
		l.slots[i] = uint16(after)
	}
	if len(pts) > n {
		l.slots[n] = unsure
	}
}
