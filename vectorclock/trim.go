package vectorclock

import (
	"cmp"
	"math"
	"slices"
)

// A Policy says which entries [Clock.Trim] takes out, as Riak does: the oldest
// first, while more than Lower are left and the oldest is older than Young, and
// either more than Upper are left or the oldest is older than Old. Ages are
// microseconds since the entry's time of update. The zero Policy takes out all
// that is older than now: see [DefaultPolicy].
type Policy struct {
	Lower int    // entries that stay whatever their age
	Upper int    // entries that stay while they are not old
	Young int64  // age up to which entries stay whatever their number
	Old   int64  // age above which entries need not stay
	Keep  string // actor whose entry stays, such as the one that counts with this clock
}

// DefaultPolicy returns the bounds of the original: 10 to 50 entries, 20 seconds
// to a day.
func DefaultPolicy() Policy { return Policy{Lower: 10, Upper: 50, Young: 20e6, Old: 86_400e6} }

// A Removed is an entry that was trimmed.
type Removed struct {
	Actor string
	Entry Entry
}

// Trim takes out the entries that the policy gives up and returns them, oldest
// first; entries of one age go in the order of their actors. The clock remembers
// that it lost something, and what, in 17 bytes: see [Clock.CompareTrimmed]. An
// actor that counts on after its entry went uses events twice: let the policy
// keep the one that writes this clock. Trim costs O(n log n) for n entries.
func (c *Clock) Trim(now int64, p Policy) []Removed {
	b := c.read()
	n := len(b.counts)
	if n <= p.Lower {
		return nil
	}
	order := make([]int, 0, n)
	for i, actor := range b.actors.names {
		if actor != p.Keep {
			order = append(order, i)
		}
	}
	slices.SortFunc(order, func(i, j int) int { return cmp.Or(cmp.Compare(b.updated[i], b.updated[j]), cmp.Compare(i, j)) })
	gone := 0
	for ; gone < len(order) && n-gone > p.Lower; gone++ {
		age := since(now, b.updated[order[gone]])
		if age <= p.Young || n-gone <= p.Upper && age <= p.Old {
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

// since returns how long ago a time was, as far as an int64 reaches.
func since(now, at int64) int64 {
	age := now - at
	switch {
	case now >= at && age < 0:
		return math.MaxInt64
	case now < at && age >= 0:
		return math.MinInt64
	}
	return age
}
