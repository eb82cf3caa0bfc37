package hashring

import (
	"iter"
	"math/bits"
	"slices"
)

// bucketsFor returns the number of buckets for n points.
func bucketsFor(n int) uint64 {
	const per = bucketPoints * pageBuckets
	return uint64((n+per-1)/per) * pageBuckets
}

// newTable returns the table of all points of the members. It costs O(points):
// points are counted by page and scattered to pages, then each page is sorted
// by itself, in the nearest cache.
func newTable(o Options, m *members) table {
	n := m.points(o)
	if n == 0 {
		return table{}
	}
	t := table{buckets: bucketsFor(n), n: n, noise: ^o.mask()}
	pages := t.buckets / pageBuckets
	sizes := make([]uint32, pages)
	for _, hashes := range m.eachPoint(o) {
		for _, h := range hashes {
			page, _ := bits.Mul64(h|t.noise, pages)
			sizes[page]++
		}
	}
	t.pages = make([][]point, pages)
	for page, size := range sizes {
		t.pages[page] = make([]point, size)
	}
	clear(sizes)
	for slot, hashes := range m.eachPoint(o) {
		for _, h := range hashes {
			page, _ := bits.Mul64(h|t.noise, pages)
			t.pages[page][sizes[page]] = point(h) | point(slot)
			sizes[page]++
		}
	}
	var s sorter
	for page := range t.pages {
		pts := t.pages[page]
		s.sort(pts, &t)
		m.orderTies(pts, o)
	}
	if hasLines(o, len(m.ids)) {
		t.setLines(newLineSet(&t), o)
	}
	return t
}

// eachPoint yields the positions of all points, with the slot of their node, a
// few at a time.
func (m *members) eachPoint(o Options) iter.Seq2[uint32, []uint64] {
	return func(yield func(uint32, []uint64) bool) {
		var buf [256]uint64
		for _, slot := range m.order {
			src := o.Layout.pointsOf(m.ids[slot], 0)
			for left := int(m.weights[slot]) * o.Points; left > 0; {
				hashes := buf[:min(left, len(buf))]
				src.fill(hashes, o.mask())
				yield(slot, hashes)
				left -= len(hashes)
			}
		}
	}
}

// A sorter sorts pages of points. It counts the points by the part of the page
// they are in, in as many parts as there are points or more, so that almost
// none is left out of place for the insertion sort that follows.
type sorter struct {
	ends [1 << sorterBits]uint16
	tmp  [1<<sorterBits - 1]point
}

const sorterBits = 9

func (s *sorter) sort(page []point, t *table) {
	if len(page) > len(s.tmp) {
		slices.Sort(page)
		return
	}
	pages, width := t.buckets/pageBuckets, bits.Len(uint(len(page)))
	shift, ends := 64-width, s.ends[:1<<width]
	clear(ends)
	most := uint16(0)
	for _, p := range page {
		_, rest := bits.Mul64(t.end(p), pages)
		end := &ends[rest>>shift]
		*end++
		most = max(most, *end)
	}
	if most > 32 { // positions that bunch together
		slices.Sort(page)
		return
	}
	sum := uint16(0)
	for i, n := range ends {
		ends[i] = sum
		sum += n
	}
	for _, p := range page {
		_, rest := bits.Mul64(t.end(p), pages)
		end := &ends[rest>>shift]
		s.tmp[*end] = p
		*end++
	}
	copy(page, s.tmp[:])
	insertionSort(page)
}

// insertionSort is the fastest sort of what is nearly sorted.
func insertionSort(pts []point) {
	for i := 1; i < len(pts); i++ {
		p, j := pts[i], i
		for ; j > 0 && pts[j-1] > p; j-- {
			pts[j] = pts[j-1]
		}
		pts[j] = p
	}
}

// setLines gives the table its lines.
func (t *table) setLines(s lineSet, o Options) {
	t.lines = s
	if o.Probes == 1 {
		t.lit = s.all
	}
}

// hasLines reports whether a table of so many slots has lines. The clusterluck layout has another
// rule for keys; a lane has no room for the slots of more than 65,535 nodes; and
// several probes compare distances, of which places say too little where
// positions are cut.
func hasLines(o Options, slots int) bool {
	return o.Layout == V1 && slots <= maxHotSlots && (o.Probes == 1 || o.truncate == 0)
}
