package hashring

import (
	"slices"
	"unsafe"
)

// patch returns the table with some points added and some removed, sharing the
// pages that hold none of them. m are the members afterwards. It costs
// O(changed points x page + pages).
func (t *table) patch(o Options, m *members, added, removed []point) table {
	p := patch{opts: o, members: m, old: t, new: *t}
	p.new.n += len(added) - len(removed)
	p.new.pages, p.new.sizes = slices.Clone(t.pages), slices.Clone(t.sizes)
	p.new.lit = p.new.litPages(o)
	slices.Sort(added)
	slices.Sort(removed)
	for len(added)+len(removed) > 0 {
		page := len(t.pages)
		for _, changes := range [][]point{added, removed} {
			if len(changes) > 0 {
				page = min(page, t.pageOf(changes[0]))
			}
		}
		var a, r []point
		a, added = p.cut(added, page)
		r, removed = p.cut(removed, page)
		p.page(page, a, r)
	}
	for _, page := range p.started {
		p.carry(page)
	}
	return p.new
}

func (t *table) pageOf(p point) int { return int(t.bucketOf(p) >> pageShift) }

// A patch is a table in the making.
type patch struct {
	opts    Options
	members *members
	old     *table
	new     table
	words   []uint64 // the page in the making
	changes []place  // where in it points came or went
	started []int    // pages whose first point changed
}

// A place is a bucket and the number of points of the page before a position.
type place struct {
	bucket uint64
	index  int
}

// cut splits sorted changes behind those of a page.
func (p *patch) cut(changes []point, page int) (these, rest []point) {
	n := 0
	for n < len(changes) && p.old.pageOf(changes[n]) == page {
		n++
	}
	return changes[:n], changes[n:]
}

// page makes a page with some points added and some removed. It is made in
// words, which stay in the nearest cache, and then copied.
func (p *patch) page(page int, added, removed []point) {
	lead := p.old.lead
	p.words = append(p.words[:0], unsafe.Slice(p.old.pages[page], lead)...)
	if !p.splice(page, added, removed) {
		p.words = p.words[:lead]
		p.resort(page, added, removed)
	}
	if lead > 0 {
		p.relight(page)
	}
	p.new.setPage(page, append([]uint64(nil), p.words...))
	if len(p.words) == 0 {
		p.new.pages[page] = new(uint64)
	}
}

// splice appends the points to words by copying the runs between changes. It
// reports false if a changed point shares its position with another, so that
// the order is not the order of the numbers.
func (p *patch) splice(page int, added, removed []point) bool {
	p.changes = p.changes[:0]
	old, from := p.old.points(page), 0
	for len(added)+len(removed) > 0 {
		add := len(removed) == 0 || len(added) > 0 && added[0] < removed[0]
		changes := &removed
		if add {
			changes = &added
		}
		pt := (*changes)[0]
		*changes = (*changes)[1:]
		at := p.old.lowerBound(pt.at()).index
		if at < from {
			return false
		}
		p.words = appendPoints(p.words, old[from:at])
		p.changes = append(p.changes, place{p.old.bucketOf(pt), len(p.words) - p.old.lead})
		if !add {
			if old[at] != pt || at+1 < len(old) && old[at+1].at() == pt.at() {
				return false
			}
			from = at + 1
			continue
		}
		if at < len(old) && old[at].at() == pt.at() {
			return false
		}
		if last := len(p.words) - 1; last >= p.old.lead && point(p.words[last]).at() == pt.at() {
			return false
		}
		p.words, from = append(p.words, uint64(pt)), at
	}
	p.words = appendPoints(p.words, old[from:])
	return true
}

func appendPoints(words []uint64, pts []point) []uint64 {
	return append(words, unsafe.Slice((*uint64)(unsafe.SliceData(pts)), len(pts))...)
}

// resort is splice for any points, and slower.
func (p *patch) resort(page int, added, removed []point) {
	pts := slices.Clone(p.old.points(page))
	for _, pt := range removed {
		i := slices.Index(pts, pt)
		pts = slices.Delete(pts, i, i+1)
	}
	pts = append(pts, added...)
	slices.Sort(pts)
	p.members.orderTies(pts, p.opts)
	p.changes = p.changes[:0]
	for _, pt := range slices.Concat(added, removed) {
		before := 0
		for before < len(pts) && pts[before].at() < pt.at() {
			before++
		}
		p.changes = append(p.changes, place{p.old.bucketOf(pt), before})
	}
	p.words = appendPoints(p.words, pts)
}

// relight packs the lines of words anew that its changes touch.
func (p *patch) relight(page int) {
	words := p.words[p.old.lead:]
	pts := unsafe.Slice((*point)(unsafe.SliceData(words)), len(words))
	for _, c := range p.changes {
		lo, hi := c.index, c.index
		for lo > 0 && p.old.bucketOf(pts[lo-1]) == c.bucket {
			lo--
		}
		for hi < len(pts) && p.old.bucketOf(pts[hi]) == c.bucket {
			hi++
		}
		after := p.after(page, pts[hi:])
		lineIn(&p.words[0], c.bucket).fill(pts[lo:hi], after, p.old)
		if lo < c.index {
			continue
		}
		// The first point of the bucket changed, behind which others end.
		first := p.after(page, pts[lo:])
		if !p.end(page, &p.words[0], c.bucket, pts[:lo], first) {
			p.started = append(p.started, page)
		}
	}
}

// after returns the slot of the first of the points, which end with their page,
// or else of those that follow. Pages that are not made yet may still change
// their first point; carry sees to that.
func (p *patch) after(page int, pts []point) uint32 {
	if len(pts) > 0 {
		return pts[0].slot()
	}
	for range p.new.pages {
		if page++; page == len(p.new.pages) {
			page = 0
		}
		if next := p.new.points(page); len(next) > 0 {
			return next[0].slot()
		}
	}
	return 0 // no other page has points, and carry will come back here
}

// end packs the lines of a page, of which head is the first word, before a
// bucket, back to the last that has points, which all end in first. pts are the points before the bucket. It reports false if
// the page has none, so that the page before ends in first too.
func (p *patch) end(page int, head *uint64, bucket uint64, pts []point, first uint32) bool {
	for bucket > uint64(page)*pageBuckets {
		bucket--
		lo := len(pts)
		for lo > 0 && p.old.bucketOf(pts[lo-1]) == bucket {
			lo--
		}
		lineIn(head, bucket).fill(pts[lo:], first, p.old)
		if lo < len(pts) {
			return true
		}
	}
	return false
}

// carry packs the lines before a page that end in its first point, or in the
// next if it has none. All pages must be made.
func (p *patch) carry(page int) {
	first := p.new.point(p.new.settle(cursor{page: page})).slot()
	for range p.new.pages {
		if page == 0 {
			page = len(p.new.pages)
		}
		page--
		if p.new.pages[page] == p.old.pages[page] {
			size := p.old.lead + int(p.old.sizes[page])
			p.new.setPage(page, append([]uint64(nil), unsafe.Slice(p.old.pages[page], size)...))
		}
		if p.end(page, p.new.pages[page], uint64(page+1)*pageBuckets, p.new.points(page), first) {
			return
		}
	}
}
