package vectorclock

// Merge takes over all that the other clock has seen: for each actor the larger
// entry, by count, then time of update, then time of insertion. It reports
// whether anything changed. Merge is commutative, associative and idempotent,
// down to the times. It counts no event of its own.
//
// Entries that one of them trimmed and the other has come back. It costs
// O(entries), and allocates only if actors are new or the clock is shared.
func (c *Clock) Merge(o *Clock) (changed bool) {
	a, b := c.read(), o.read()
	if a == b || len(b.counts) == 0 && !b.trimmed {
		return false
	}
	memory := a.mergeLost(b)
	if a.actors.same(b.actors) {
		changed = c.mergeSame(b)
	} else {
		changed = c.mergeOther(b)
	}
	if memory != c.read().lost {
		c.write().lost = memory
		changed = true
	}
	return changed
}

// mergeSame is Merge of entries of the same actors.
func (c *Clock) mergeSame(o *body) (changed bool) {
	b := c.read()
	i := b.firstLess(o)
	if i < 0 {
		return false
	}
	b = c.write()
	for ; i < len(b.counts); i++ {
		if e := o.entry(i); b.entry(i).less(e) {
			b.set(i, e)
		}
	}
	return true
}

// firstLess returns the first place at which a body has a smaller entry than
// another of the same actors, or -1.
func (b *body) firstLess(o *body) int {
	n := len(b.counts)
	oc, bu, ou, bi, oi := o.counts[:n], b.updated[:n], o.updated[:n], b.inserted[:n], o.inserted[:n]
	for i, x := range b.counts {
		if y := oc[i]; x > y {
			continue
		} else if x < y || bu[i] < ou[i] || bu[i] == ou[i] && bi[i] < oi[i] {
			return i
		}
	}
	return -1
}

// mergeOther is Merge of entries of other actors.
func (c *Clock) mergeOther(o *body) (changed bool) {
	b := c.read()
	fresh := 0
	for d := range differences(b, o) {
		if !d.inA {
			fresh++
		} else if d.inB && d.a.less(d.b) {
			changed = true
		}
	}
	if fresh == 0 && !changed {
		return false
	}
	names := b.actors.names
	if fresh > 0 {
		names = make([]string, 0, len(b.counts)+fresh)
	}
	n := len(b.counts) + fresh
	merged := &body{counts: make([]uint64, 0, n), updated: make([]int64, 0, n), inserted: make([]int64, 0, n), lost: b.lost}
	for d := range differences(b, o) {
		if fresh > 0 {
			names = append(names, d.actor)
		}
		e := d.a
		if !d.inA || d.inB && d.a.less(d.b) {
			e = d.b
		}
		merged.append(e)
	}
	merged.actors = rosterOf(names, b.actors, o.actors)
	c.b = merged
	return true
}

func (b *body) append(e Entry) {
	b.counts = append(b.counts, e.Count)
	b.updated = append(b.updated, e.Updated)
	b.inserted = append(b.inserted, e.Inserted)
}

// rosterOf returns a roster of names that ascend, one of the given if it has as
// many: names hold all of theirs.
func rosterOf(names []string, known ...*roster) *roster {
	for _, r := range known {
		if len(r.names) == len(names) {
			return r
		}
	}
	return &roster{names: names}
}

// Meet keeps only what both clocks have seen: for each actor that both have an
// entry for, the smaller entry. It reports whether anything changed.
func (c *Clock) Meet(o *Clock) (changed bool) {
	a, b := c.read(), o.read()
	if a == b {
		return false
	}
	met := &body{lost: a.lost}
	if b.trimmed && !a.trimmed || a.trimmed && a.lost != b.lost {
		met.trimmed, met.horizon = true, max(a.horizon, b.horizon)
		met.taint()
		changed = met.lost != a.lost
	}
	var names []string
	for d := range differences(a, b) {
		switch {
		case !d.inA:
			continue
		case !d.inB:
			changed = true
			continue
		case d.b.less(d.a):
			d.a = d.b
			changed = true
		}
		names = append(names, d.actor)
		met.append(d.a)
	}
	if changed {
		if len(names) == len(a.actors.names) {
			names = a.actors.names
		}
		met.actors = rosterOf(names, a.actors)
		c.b = met
	}
	return changed
}
