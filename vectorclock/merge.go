package vectorclock

import (
	"slices"
	"strings"
)

// Merge takes over all that the other clock has seen: for each actor the larger
// entry, by count, then time of update, then time of insertion. It reports
// whether anything changed. Merge is commutative, associative and idempotent,
// down to the times. It counts no event of its own.
//
// Entries that one of them trimmed and the other has come back. What the two
// remember of trimmed entries is joined as far as they can tell: in which order
// clocks are merged can decide whether the sum still vouches for its answers, so
// that trimmed clocks of the same entries need not be [Clock.Identical]. Merge
// costs O(entries), and allocates only if actors are new or the clock is shared.
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
	i, n := 0, len(b.counts)
	for ; n-i >= blockLen; i += blockLen {
		if sameBlock(b.counts[i:], o.counts[i:]) && sameBlock(b.updated[i:], o.updated[i:]) && sameBlock(b.inserted[i:], o.inserted[i:]) {
			continue
		}
		if k := b.firstLessOf(o, i, i+blockLen); k >= 0 {
			return k
		}
	}
	return b.firstLessOf(o, i, n)
}

// firstLessOf is firstLess of the places from i to n.
func (b *body) firstLessOf(o *body, i, n int) int {
	bc, bu, bi := b.counts[i:n], b.updated[i:n], b.inserted[i:n]
	oc, ou, oi := o.counts[i:n], o.updated[i:n], o.inserted[i:n]
	for k, x := range bc {
		if y := oc[k]; x > y {
			continue
		} else if x < y || bu[k] < ou[k] || bu[k] == ou[k] && bi[k] < oi[k] {
			return i + k
		}
	}
	return -1
}

// mergeOther is Merge of entries of other actors.
func (c *Clock) mergeOther(o *body) (changed bool) {
	b := c.read()
	if !b.behind(o) {
		return false
	}
	var few [64]byte
	names, from := unite(few[:0], b.actors.names, o.actors.names)
	merged := newBody(rosterOf(names, b.actors, o.actors), len(names), 0)
	i, j := 0, 0
	for k, whose := range from {
		var e Entry
		switch whose {
		case ofFirst:
			e = b.entry(i)
			i++
		case ofSecond:
			e = o.entry(j)
			j++
		default:
			if e = b.entry(i); e.less(o.entry(j)) {
				e = o.entry(j)
			}
			i++
			j++
		}
		merged.set(k, e)
	}
	c.b = merged
	return true
}

// behind reports whether another body has an actor more, or a larger entry.
func (b *body) behind(o *body) bool {
	names := b.actors.names
	if len(o.actors.names) > len(names) {
		return true
	}
	i := 0
	for j, actor := range o.actors.names {
		for i < len(names) && names[i] < actor {
			i++
		}
		if i == len(names) || names[i] != actor || b.entry(i).less(o.entry(j)) {
			return true
		}
	}
	return false
}

// Whose a name is, of two lists of names.
const (
	ofFirst byte = iota
	ofSecond
	ofBoth
)

// unite returns the names of two ascending lists, ascending, and appends whose
// they are.
func unite(from []byte, a, b []string) ([]string, []byte) {
	names, from := make([]string, 0, len(a)+len(b)), slices.Grow(from, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		switch order := strings.Compare(a[0], b[0]); {
		case order < 0:
			names, from, a = append(names, a[0]), append(from, ofFirst), a[1:]
		case order > 0:
			names, from, b = append(names, b[0]), append(from, ofSecond), b[1:]
		default:
			names, from, a, b = append(names, a[0]), append(from, ofBoth), a[1:], b[1:]
		}
	}
	for range a {
		from = append(from, ofFirst)
	}
	for range b {
		from = append(from, ofSecond)
	}
	names = append(append(names, a...), b...)
	if len(names) < cap(names)*3/4 { // a roster lives long
		names = slices.Clone(names)
	}
	return names, from
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
// entry for, the smaller entry. It reports whether anything changed. It costs
// O(entries). Of trimmed clocks it knows only what they show: unless both
// remember the same, the clock no longer vouches for its answers.
func (c *Clock) Meet(o *Clock) (changed bool) {
	a, b := c.read(), o.read()
	if a == b {
		return false
	}
	met := newBody(nil, 0, min(len(a.counts), len(b.counts)))
	met.lost = a.lost
	if b.trimmed && !a.trimmed || a.trimmed && a.lost != b.lost {
		met.trimmed, met.horizon = true, a.later(&b.lost)
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
