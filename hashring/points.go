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
	pageShift   = 4
)

// A point is a position in the top 44 bits and the slot of its node in the low
// 20, so that points sort by position.
type point uint64

func (p point) slot() uint32 { return uint32(p & slotMask) }

// at returns the position, in place: the low 20 bits are zero.
func (p point) at() uint64 { return uint64(p) &^ slotMask }

// A table holds the points of a ring, sorted by position and then by the
// layout's rule for ties. The circle is cut into equal buckets, so that the
// bucket of a hash is one multiplication; pages of buckets are shared between
// the tables of successive snapshots and never changed once published.
//
// A table is written by [newTable] and [table.patch] only.
type table struct {
	buckets uint64     // a multiple of pageBuckets; 0 if there are no points
	hot     []*hotPage // nil where lookups must use cold alone
	cold    [][]point  // by page
	n       int        // points
}

// A cursor is the place of a point in a table.
type cursor struct{ page, index int }

func (t *table) point(c cursor) point { return t.cold[c.page][c.index] }

// next returns the cursor of the point after c, around the circle.
func (t *table) next(c cursor) cursor {
	c.index++
	return t.settle(c)
}

// settle moves a cursor that is past the end of its page to the next point.
func (t *table) settle(c cursor) cursor {
	for c.index >= len(t.cold[c.page]) {
		c.index = 0
		if c.page++; c.page == len(t.cold) {
			c.page = 0
		}
	}
	return c
}

// prev returns the cursor of the point before c, around the circle.
func (t *table) prev(c cursor) cursor {
	for c.index == 0 {
		if c.page == 0 {
			c.page = len(t.cold)
		}
		c.page--
		c.index = len(t.cold[c.page])
	}
	c.index--
	return c
}

// seek returns the cursor of the first point at or after h, around the circle.
// The table must have points.
func (t *table) seek(h uint64) cursor {
	c := t.lowerBound(h)
	return t.settle(c)
}

// lowerBound returns the place in h's page before which all points are before
// h. Points are spread evenly, so a guess in proportion lands within a few.
func (t *table) lowerBound(h uint64) cursor {
	bucket, rest := bits.Mul64(h, t.buckets)
	page := t.cold[bucket>>pageShift]
	guess, _ := bits.Mul64(bucket<<(64-pageShift)|rest>>pageShift, uint64(len(page)))
	i := int(guess)
	for i > 0 && uint64(page[i-1]) >= h {
		i--
	}
	for i < len(page) && uint64(page[i]) < h {
		i++
	}
	return cursor{int(bucket >> pageShift), i}
}

// bucketOf returns the bucket of a point.
func (t *table) bucketOf(p point) uint64 {
	bucket, _ := bits.Mul64(p.at(), t.buckets)
	return bucket
}

// bucketPointsOf returns the points of a bucket. Some point of it, or the
// place where one would stand, is near guess in the bucket's page.
func (t *table) bucketPointsOf(bucket uint64) []point {
	page := t.cold[bucket>>pageShift]
	lo := int(bucket%pageBuckets) * len(page) / pageBuckets
	for lo > 0 && t.bucketOf(page[lo-1]) >= bucket {
		lo--
	}
	for lo < len(page) && t.bucketOf(page[lo]) < bucket {
		lo++
	}
	hi := lo
	for hi < len(page) && t.bucketOf(page[hi]) == bucket {
		hi++
	}
	return page[lo:hi]
}

// firstFrom returns the first point at or after the start of a bucket, around
// the circle. The table must have points.
func (t *table) firstFrom(bucket uint64) point {
	if pts := t.bucketPointsOf(bucket); len(pts) > 0 {
		return pts[0]
	}
	page := t.cold[bucket>>pageShift]
	for i := range page {
		if t.bucketOf(page[i]) > bucket {
			return page[i]
		}
	}
	return t.point(t.settle(cursor{int(bucket >> pageShift), len(page)}))
}

// bytes returns the memory that the table holds, size classes included as far
// as the capacities tell.
func (t *table) bytes() (hot, cold int) {
	const pointer, header = bits.UintSize / 8, 3 * bits.UintSize / 8
	hot = len(t.hot) * (hotPageBytes + pointer)
	for _, page := range t.cold {
		cold += cap(page)*8 + header
	}
	return hot, cold
}
