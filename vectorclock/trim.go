package vectorclock

import (
	"cmp"
	"slices"
)

// A Policy says which entries [Clock.Trim] takes out, as Riak does: the oldest
// first, while more than Lower are left and the oldest is older than Young, and
// either more than Upper are left or the oldest is older than Old. Ages are
// microseconds since the entry's time of update.
type Policy struct {
	Lower int   // entries that stay whatever their age
	Upper int   // entries that stay while they are not old
	Young int64 // age up to which entries stay whatever their number
	Old   int64 // age above which entries need not stay
}

// DefaultPolicy is that of the original: 10 to 50 entries, 20 seconds to a day.
var DefaultPolicy = Policy{Lower: 10, Upper: 50, Young: 20e6, Old: 86_400e6}

// A Removed is an entry that was trimmed.
type Removed struct {
	Actor string
	Entry Entry
}

// Trim takes out the entries that the policy gives up and returns them, oldest
// first; entries of one age go in the order of their actors. The clock remembers
// that it lost something, and what, in 17 bytes: see [Clock.CompareTrimmed]. It
// costs O(n log n) for n entries.
func (c *Clock) Trim(now int64, p Policy) []Removed {
	b := c.read()
	n := len(b.counts)
	if n <= p.Lower {
		return nil
	}
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(i, j int) int { return cmp.Or(cmp.Compare(b.updated[i], b.updated[j]), cmp.Compare(i, j)) })
	gone := 0
	for n-gone > p.Lower {
		age := now - b.updated[order[gone]]
		if age <= p.Young || n-gone <= p.Upper && age <= p.Old {
			break
		}
		gone++
		if gone == n {
			break
		}
	}
	if gone == 0 {
		return nil
	}
	removed := make([]Removed, gone)
	memory := b.lost
	for k, i := range order[:gone] {
		removed[k] = Removed{b.actors.names[i], b.entry(i)}
		memory.add(removed[k].Actor, removed[k].Entry)
	}
	places := order[:gone]
	slices.Sort(places)
	c.drop(places)
	c.b.lost = memory
	return removed
}
