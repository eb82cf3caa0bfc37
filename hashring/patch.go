package hashring

import "slices"

// patch returns the table with some points added and some removed, sharing the
// pages that hold none of them. m are the members afterwards. It costs
// O(changed points x page + pages), and now and then O(buckets) more.
func (t *table) patch(o Options, m *members, added, removed []point) table {
	p := patch{opts: o, members: m, old: t, new: *t}
	p.new.n += len(added) - len(removed)
	p.new.pages = slices.Clone(t.pages)
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
	if t.lines.all != nil {
		p.new.setLines(t.lines.change(&p.new, p.buckets()), o)
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
	pts     []point // the page in the making
	changes []place // where points came or went
}

// A place is a bucket of a point and the cursor, in the new table, of the point
// or of what follows where it was.
type place struct {
	bucket uint64
	at     cursor
}

// buckets returns the buckets whose lines are not as they were: those of
// changed points and, where the first point of a bucket changed, those that end
// in it, back to the last that has points. Some may come twice. All pages must
// be made.
func (p *patch) buckets() []uint64 {
	t := &p.new
	buckets := make([]uint64, 0, len(p.changes)+len(p.changes)/4)
	for _, c := range p.changes {
		b := c.bucket
		buckets = append(buckets, b)
		before := t.bucketOf(t.point(t.prev(c.at)))
		if before == b && c.at.index > 0 {
			continue // not the first point of its bucket
		}
		for first := true; first || b != before; first = false {
			if b == 0 {
				b = t.buckets
			}
			b--
			buckets = append(buckets, b)
		}
	}
	return buckets
}

// cut splits sorted changes behind those of a page.
func (p *patch) cut(changes []point, page int) (these, rest []point) {
	n := 0
	for n < len(changes) && p.old.pageOf(changes[n]) == page {
		n++
	}
	return changes[:n], changes[n:]
}

// page makes a page with some points added and some removed. It is made where
// it stays in the nearest cache, and then copied.
func (p *patch) page(page int, added, removed []point) {
	p.pts = p.pts[:0]
	if before := len(p.changes); !p.splice(page, added, removed) {
		p.pts, p.changes = p.pts[:0], p.changes[:before]
		p.resort(page, added, removed)
	}
	p.new.pages[page] = append([]point(nil), p.pts...)
}

// splice appends the points of a page by copying the runs between changes. It
// reports false if a changed point shares its position with another, so that
// the order is not the order of the numbers.
func (p *patch) splice(page int, added, removed []point) bool {
	old, from := p.old.pages[page], 0
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
		p.pts = append(p.pts, old[from:at]...)
		p.changes = append(p.changes, place{p.old.bucketOf(pt), cursor{page, len(p.pts)}})
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
		if last := len(p.pts) - 1; last >= 0 && p.pts[last].at() == pt.at() {
			return false
		}
		p.pts, from = append(p.pts, pt), at
	}
	p.pts = append(p.pts, old[from:]...)
	return true
}

// resort is splice for any points, and slower.
func (p *patch) resort(page int, added, removed []point) {
	p.pts = append(p.pts, p.old.pages[page]...)
	for _, pt := range removed {
		i := slices.Index(p.pts, pt)
		p.pts = slices.Delete(p.pts, i, i+1)
	}
	p.pts = append(p.pts, added...)
	slices.Sort(p.pts)
	p.members.orderTies(p.pts, p.opts)
	for _, pt := range slices.Concat(added, removed) {
		at := 0
		for at < len(p.pts) && p.pts[at].at() < pt.at() {
			at++
		}
		p.changes = append(p.changes, place{p.old.bucketOf(pt), cursor{page, at}})
	}
}
