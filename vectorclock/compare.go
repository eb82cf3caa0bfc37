package vectorclock

import (
	"cmp"
	"iter"
	"slices"
)

// Compare says how the clock stands to another: the causal order of Fidge and
// Mattern. An actor without an entry compares as one that counts zero. It costs
// O(entries) and allocates nothing. Where both have the same actors it is less
// than a nanosecond an entry, and tens of them the first time, which finds that
// out by their names; clocks of one [Decoder], and clones, need no first time.
//
// Of a clock that was trimmed, Compare knows only what is left; use
// [Clock.CompareTrimmed].
func (c *Clock) Compare(o *Clock) Ordering {
	a, b := c.read(), o.read()
	if a == b {
		return Equal
	}
	if a.actors.same(b.actors) {
		return OrderingOf(compareCounts(a.counts, b.counts))
	}
	ahead, behind := false, false
	for d := range differences(a, b) {
		if d.a.Count > d.b.Count {
			ahead = true
		} else if d.a.Count < d.b.Count {
			behind = true
		}
		if ahead && behind {
			break
		}
	}
	return OrderingOf(ahead, behind)
}

// blockLen is the number of values that are compared as one piece of memory.
const blockLen = 64

// compareCounts reports whether some count of a is larger than that of b, and
// whether some is smaller. Once both are known it stops.
func compareCounts(a, b []int64) (ahead, behind bool) {
	b = b[:len(a)]
	for len(a) >= blockLen {
		if !sameBlock(a, b) {
			more, less := compareBlock(a[:blockLen], b[:blockLen])
			if ahead, behind = ahead || more, behind || less; ahead && behind {
				return true, true
			}
		}
		a, b = a[blockLen:], b[blockLen:]
	}
	more, less := compareBlock(a, b)
	return ahead || more, behind || less
}

// sameBlock reports whether the first blockLen values are the same.
func sameBlock(a, b []int64) bool { return *(*[blockLen]int64)(a) == *(*[blockLen]int64)(b) }

// compareBlock is compareCounts for few counts. It has no branch on them: which
// clock is ahead is for the processor to guess.
func compareBlock(a, b []int64) (ahead, behind bool) {
	var more, less int64
	for i, x := range a[:len(b)] {
		y := b[i]
		more |= y - x // counts are not negative: the difference is, if x > y
		less |= x - y
	}
	return more < 0, less < 0
}

// A difference is what two clocks have for one actor; zero where they have
// nothing.
type difference struct {
	actor    string
	a, b     Entry
	inA, inB bool
}

// differences yields the actors of either body in ascending order.
func differences(a, b *body) iter.Seq[difference] {
	return func(yield func(difference) bool) {
		as, bs := a.actors.names, b.actors.names
		for i, j := 0, 0; i < len(as) || j < len(bs); {
			order := 0
			switch {
			case i == len(as):
				order = 1
			case j == len(bs):
				order = -1
			default:
				order = cmp.Compare(as[i], bs[j])
			}
			var d difference
			if order <= 0 {
				d.actor, d.a, d.inA = as[i], a.entry(i), true
				i++
			}
			if order >= 0 {
				d.actor, d.b, d.inB = bs[j], b.entry(j), true
				j++
			}
			if !yield(d) {
				return
			}
		}
	}
}

// Descends reports whether the clock has seen all that the other has: Compare is
// Equal or After.
func (c *Clock) Descends(o *Clock) bool {
	order := c.Compare(o)
	return order == Equal || order == After
}

// Equal reports whether both have seen the same: Compare is Equal.
func (c *Clock) Equal(o *Clock) bool { return c.Compare(o) == Equal }

// Identical reports whether both have the same entries, with their times and
// those that count zero, and remember the same of what was trimmed.
func (c *Clock) Identical(o *Clock) bool {
	a, b := c.read(), o.read()
	return a == b || a.lost == b.lost && a.actors.same(b.actors) && slices.Equal(a.counts, b.counts) &&
		slices.Equal(a.updated, b.updated) && slices.Equal(a.inserted, b.inserted)
}

// Explain yields the actors for which the clocks count differently, with both
// counts: what makes them concurrent, or one of them the newer. Actors are in
// the order of their bytes.
func (c *Clock) Explain(o *Clock) iter.Seq2[string, [2]uint64] {
	return func(yield func(string, [2]uint64) bool) {
		for d := range differences(c.share(), o.share()) {
			if d.a.Count != d.b.Count && !yield(d.actor, [2]uint64{d.a.Count, d.b.Count}) {
				return
			}
		}
	}
}
