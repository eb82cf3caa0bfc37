package hashring

import "slices"

// patch returns the table with some points added and some removed, sharing the
// pages that hold none of them. m are the members afterwards. It costs
// O(changed points x page + pages).
func (t *table) patch(o Options, m *members, added, removed []point) table {
	p := patch{old: t, new: table{
		buckets: t.buckets,
		n:       t.n + len(added) - len(removed),
		hot:     slices.Clone(t.hot),
		cold:    slices.Clone(t.cold),
	}}
	slices.Sort(added)
	slices.Sort(removed)
	for len(added)+len(removed) > 0 {
		page := t.buckets
		for _, changes := range [][]point{added, removed} {
			if len(changes) > 0 {
				page = min(page, t.bucketOf(changes[0])>>pageShift)
			}
		}
		var a, r []point
		a, added = p.cut(added, page)
		r, removed = p.cut(removed, page)
		p.new.cold[page] = splice(t, t.cold[page], a, r)
		if p.new.cold[page] == nil {
			p.new.cold[page] = resort(t.cold[page], a, r)
			m.orderTies(p.new.cold[page], o)
		}
		if t.hot != nil {
			p.relight(a)
			p.relight(r)
		}
	}
	p.carry()
	return p.new
}

// A patch is a table in the making.
type patch struct {
	old     *table
	new     table
	started []uint64 // buckets whose first point changed
}

// cut splits sorted changes behind those of a page.
func (p *patch) cut(changes []point, page uint64) (these, rest []point) {
	n := 0
	for n < len(changes) && p.old.bucketOf(changes[n])>>pageShift == page {
		n++
	}
	return changes[:n], changes[n:]
}

// splice returns a page with some points added and some removed, by copying the
// runs between them. It returns nil if a changed point shares its position with
// another, so that the order is not the order of the numbers.
func splice(t *table, old, added, removed []point) []point {
	page := make([]point, 0, len(old)+len(added)-len(removed))
	from := 0
	for len(added)+len(removed) > 0 {
		add := len(removed) == 0 || len(added) > 0 && added[0] < removed[0]
		changes := &removed
		if add {
			changes = &added
		}
		pt := (*changes)[0]
		*changes = (*changes)[1:]
		at := t.lowerBound(pt.at()).index
		if at < from {
			return nil
		}
		page = append(page, old[from:at]...)
		if !add {
			if old[at] != pt {
				return nil
			}
			from = at + 1
			continue
		}
		if at < len(old) && old[at].at() == pt.at() || len(page) > 0 && page[len(page)-1].at() == pt.at() {
			return nil
		}
		page, from = append(page, pt), at
	}
	return append(page, old[from:]...)
}

// resort is splice for any points, but leaves ties to be ordered.
func resort(old, added, removed []point) []point {
	page := slices.Clone(old)
	for _, pt := range removed {
		i := slices.Index(page, pt)
		page = slices.Delete(page, i, i+1)
	}
	page = append(page, added...)
	slices.Sort(page)
	return page
}

// relight packs the buckets of some changed points anew.
func (p *patch) relight(changes []point) {
	last := p.new.buckets
	for _, pt := range changes {
		bucket := p.new.bucketOf(pt)
		if bucket == last {
			continue
		}
		last = bucket
		now, was := p.new.bucketPointsOf(bucket), p.old.bucketPointsOf(bucket)
		p.fill(bucket, now)
		if len(now) == 0 || len(was) == 0 || now[0] != was[0] {
			p.started = append(p.started, bucket)
		}
	}
}

// carry packs the buckets anew that end in the first point of another: the
// empty ones before it and the first that is not. All cold pages must be done.
func (p *patch) carry() {
	for _, bucket := range p.started {
		for range p.new.buckets {
			if bucket == 0 {
				bucket = p.new.buckets
			}
			bucket--
			pts := p.new.bucketPointsOf(bucket)
			p.fill(bucket, pts)
			if len(pts) > 0 {
				break
			}
		}
	}
}

// fill packs a bucket into a line of a page that no other table has.
func (p *patch) fill(bucket uint64, pts []point) {
	page := bucket >> pageShift
	if p.new.hot[page] == p.old.hot[page] {
		lines := *p.old.hot[page]
		p.new.hot[page] = &lines
	}
	after := p.new.firstFrom((bucket + 1) % p.new.buckets).slot()
	p.new.hot[page][bucket%pageBuckets].fill(pts, after, p.new.buckets)
}
