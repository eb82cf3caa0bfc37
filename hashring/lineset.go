package hashring

import (
	"math/bits"
	"slices"
)

// A lineSet holds the lines of a table, one for each bucket, and says which of
// them are stale: they are of an older table, which had other points there, and
// lookups go to the exact points instead. So an update need not copy the lines:
// tables share them for as long as few are stale.
type lineSet struct {
	all    []line   // shared, and never changed once published
	stale  []uint32 // a bit for each bucket; never changed once published
	stales int      // bits that are set
}

// maxStale is the part of the lines, one in so many, that may be stale before
// an update copies all of them and packs those anew.
const maxStale = 12

// newLineSet packs all lines of a table that has points, from the last bucket
// to the first, so that the next point behind a bucket is always known.
func newLineSet(t *table) lineSet {
	s := lineSet{all: make([]line, t.buckets), stale: make([]uint32, t.buckets/32+1)}
	after := t.point(t.settle(cursor{})).slot()
	bucket := len(s.all)
	for page := len(t.pages) - 1; page >= 0; page-- {
		pts := t.pages[page]
		for range pageBuckets {
			bucket--
			start := len(pts)
			for start > 0 && t.bucketOf(pts[start-1]) == uint64(bucket) {
				start--
			}
			s.all[bucket].fill(pts[start:], after, t)
			if start < len(pts) {
				after = pts[start].slot()
			}
			pts = pts[:start]
		}
	}
	return s
}

// isStale reports whether the line of a bucket is stale.
func (s *lineSet) isStale(bucket uint64) bool {
	return s.stale[bucket/32]>>(bucket%32)&1 != 0
}

// change returns the lines for table t, which differs in these buckets from the
// one that s is for.
func (s *lineSet) change(t *table, buckets []uint64) lineSet {
	c := lineSet{s.all, slices.Clone(s.stale), s.stales}
	for _, b := range buckets {
		if !c.isStale(b) {
			c.stale[b/32] |= 1 << (b % 32)
			c.stales++
		}
	}
	if c.stales <= len(c.all)/maxStale {
		return c
	}
	c.all = slices.Clone(c.all)
	for word, set := range c.stale {
		for ; set != 0; set &= set - 1 {
			b := uint64(word*32 + bits.TrailingZeros32(set))
			pts, after := t.bucket(b)
			c.all[b].fill(pts, after, t)
		}
	}
	clear(c.stale)
	c.stales = 0
	return c
}

// bucket returns the points of a bucket and the slot of the next point behind
// them. The table must have points.
func (t *table) bucket(b uint64) (pts []point, after uint32) {
	page := int(b >> pageShift)
	pts = t.pages[page]
	lo := int(b%pageBuckets) * len(pts) / pageBuckets // near it, if points are spread evenly
	for lo > 0 && t.bucketOf(pts[lo-1]) >= b {
		lo--
	}
	for lo < len(pts) && t.bucketOf(pts[lo]) < b {
		lo++
	}
	hi := lo
	for hi < len(pts) && t.bucketOf(pts[hi]) == b {
		hi++
	}
	return pts[lo:hi], t.point(t.settle(cursor{page, hi})).slot()
}
