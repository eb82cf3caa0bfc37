package hashring

import (
	"math/bits"
	"unsafe"
)

// A line is one bucket packed into one cache line, enough to answer almost
// every lookup with a single memory access:
//
//	words 0 to 3: sixteen 16-bit lanes, how far from the end of the bucket its
//	              points are, in 15 bits, sorted; spare lanes hold 0
//	words 4 to 7: sixteen 16-bit lanes, the slots of their nodes; spare lanes
//	              hold the slot of the next point after the bucket
//
// A bucket of more than fifteen points keeps the first fifteen and marks the
// last lane unsure.
type line [lineWords]uint64

const (
	lineWords = 8
	lineLanes = 16
	laneBits  = 16
	laneMask  = 1<<laneBits - 1
	placeBits = 15
	farthest  = 1<<placeBits - 1
	unsure    = laneMask
	// maxHotSlots is the number of nodes whose slots fit a lane beside unsure.
	maxHotSlots = unsure

	lanesOne  = 0x0001000100010001 // 1 in every lane
	lanesHigh = 0x8000800080008000 // the top bit of every lane
)

// lineIn returns the line of a bucket in a page that has lines. An index
// expression would check the page for nil by reading its first byte, which is
// in another cache line.
func lineIn(page *uint64, bucket uint64) *line {
	return (*line)(unsafe.Add(unsafe.Pointer(page), bucket%pageBuckets*(lineWords*wordBytes)))
}

// rank returns the number of points of the line that are before a place, 0 to
// 15. A point at distance d from the end is before place if place + d carries
// into the top bit of its lane.
func (l *line) rank(place uint64) uint64 {
	x := place * lanesOne
	carry := (x+l[0])&lanesHigh | (x+l[1])&lanesHigh>>1 | (x+l[2])&lanesHigh>>2 | (x+l[3])&lanesHigh>>3
	return uint64(bits.OnesCount64(carry))
}

// slot returns the slot in a lane, which may be unsure.
func (l *line) slot(lane uint64) uint64 {
	return l[4+lane/4%4] >> (lane % 4 * laneBits) & laneMask
}

// shares reports whether the point in a lane is just at place, so far as the
// line can tell. A point elsewhere in the bucket may be there too then, and only
// the whole positions say which is first.
func (l *line) shares(lane, place uint64) bool {
	return l[lane/4%4]>>(lane%4*laneBits)&laneMask == farthest-place
}

// fill packs the points of one bucket; after is the slot of the next point
// behind them.
func (l *line) fill(pts []point, after uint32, buckets uint64) {
	n := min(len(pts), lineLanes-1)
	for w := range uint64(4) {
		places, slots := uint64(0), uint64(after)*lanesOne
		for i := 4 * int(w); i < n && i < 4*int(w)+4; i++ {
			_, rest := bits.Mul64(pts[i].at(), buckets)
			shift := i % 4 * laneBits
			places |= (farthest - rest>>(64-placeBits)) << shift
			slots ^= uint64(pts[i].slot()^after) << shift
		}
		l[w], l[4+w] = places, slots
	}
	if len(pts) > n {
		l[7] |= unsure << (3 * laneBits)
	}
}
