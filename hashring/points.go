package hashring

import "math/bits"

const (
	// slotBits is the part of a point that says whose it is.
	slotBits = 20
	slotMask = 1<<slotBits - 1
	// bucketPoints is the mean number of points of a bucket. More save memory;
	// fewer leave less often a bucket with more than its line can hold.
	bucketPoints = 11
	// pageBuckets is the number of buckets that an update copies together.
	pageBuckets = 1 << pageShift
	pageShift   = 3
	wordBytes   = 8
)

// A point is a position in the top 44 bits and the slot of its node in the low
// 20, so that points sort by position.
type point uint64

func (p point) slot() uint32 { return uint32(p & slotMask) }

// at returns the position, in place: the low 20 bits are zero.
func (p point) at() uint64 { return uint64(p) &^ slotMask }

// A table holds the points of a ring, sorted by position and then by the
// layout's rule for ties. The circle is cut into equal buckets, so that the
// bucket of a hash is one multiplication. A page holds the points of a few
// buckets, in one allocation; pages are shared between the tables of
// successive snapshots and never changed once published.
//
// A table is written by [newTable] and [table.patch] only.
type table struct {
	lit     []line  // the lines, if they answer lookups of one probe
	buckets uint64  // a multiple of pageBuckets; 0 if there are no points
	noise   uint64  // the bits of a hash that are not position
	lines   lineSet // none unless hasLines
	pages   [][]point
	n       int // points
}

// A cursor is the place of a point in a table.
type cursor struct{ page, index int }

func (t *table) point(c cursor) point { return t.pages[c.page][c.index] }

// next returns the cursor of the point after c, around the circle.
func (t *table) next(c cursor) cursor {
	c.index++
	return t.settle(c)
}

// settle moves a cursor that is past the end of its page to the next point.
func (t *table) settle(c cursor) cursor {
	for c.index >= len(t.pages[c.page]) {
		c.index = 0
		if c.page++; c.page == len(t.pages) {
			c.page = 0
		}
	}
	return c
}

// prev returns the cursor of the point before c, around the circle.
func (t *table) prev(c cursor) cursor {
	for c.index == 0 {
		if c.page == 0 {
			c.page = len(t.pages)
		}
		c.page--
		c.index = len(t.pages[c.page])
	}
	c.index--
	return c
}

// seek returns the cursor of the first point at or after the position of h,
// around the circle. The table must have points.
func (t *table) seek(h uint64) cursor {
	c := t.lowerBound(h)
	return t.settle(c)
}

// lowerBound returns the place in h's page before which all points are before
// the position of h.
func (t *table) lowerBound(h uint64) cursor {
	h |= t.noise // as the ends of points, by which pages are cut
	bucket, rest := bits.Mul64(h, t.buckets)
	page := int(bucket >> pageShift)
	return cursor{page, lowerBound(t.pages[page], h&^t.noise, bucket<<(64-pageShift)|rest>>pageShift)}
}

// lowerBound returns the number of points before h; part is how far into the
// page h is, of 2^64. Points are spread evenly, so that a guess in proportion
// lands within a few.
func lowerBound(pts []point, h, part uint64) int {
	guess, _ := bits.Mul64(part, uint64(len(pts)))
	i := int(guess)
	for i > 0 && uint64(pts[i-1]) >= h {
		i--
	}
	for i < len(pts) && uint64(pts[i]) < h {
		i++
	}
	return i
}

// bucketOf returns the bucket of a point.
func (t *table) bucketOf(p point) uint64 {
	bucket, _ := bits.Mul64(t.end(p), t.buckets)
	return bucket
}

// end returns the last hash at the point's position. Buckets and places are of
// this end, so that a hash at the position is never beyond the point.
func (t *table) end(p point) uint64 { return uint64(p) | t.noise }

// bytes returns the memory of the table's pages, as asked of the allocator.
func (t *table) bytes() int {
	const pageHead = 3 * bits.UintSize / 8
	n := len(t.pages)*pageHead + t.n*wordBytes
	return n + len(t.lines.all)*lineBytes + len(t.lines.stale)*4
}
