package vectorclocktest

import "github.com/clusterluck/clusterluck/vectorclock"

// Vectorclock returns the implementation of package vectorclock, by its binary
// encoding: to try a change of one function, or to see how each is meant.
func Vectorclock() Implementation[*vectorclock.Clock] {
	type clock = *vectorclock.Clock
	clone := func(c clock) clock {
		d := c.Clone()
		return &d
	}
	return Implementation[clock]{
		New:   func() clock { return new(vectorclock.Clock) },
		Clone: clone,
		Increment: func(c clock, actor string, now int64) clock {
			if _, err := c.Increment(actor, now); err != nil {
				panic(err) // the actors of programs have names, and count little
			}
			return c
		},
		Merge: func(a, b clock) (clock, bool) {
			m := clone(a)
			changed := m.Merge(b)
			return m, changed
		},
		Compare: func(a, b clock) vectorclock.Ordering { return a.Compare(b) },
		Count:   func(c clock, actor string) uint64 { return c.Count(actor) },
		Insert: func(c clock, actor string, now int64) clock {
			if err := c.Insert(actor, now); err != nil {
				panic(err)
			}
			return c
		},
		Entry: func(c clock, actor string) (vectorclock.Entry, bool) { return c.Entry(actor) },
		Meet: func(a, b clock) clock {
			m := clone(a)
			m.Meet(b)
			return m
		},
		Covers: func(c clock, d vectorclock.Dot) bool { return c.Covers(d) },
		Delta:  func(c, base clock) ([]byte, error) { return c.AppendDelta(nil, base) },
		Apply: func(base clock, delta []byte) (clock, error) {
			d := clone(base)
			return d, d.ApplyDelta(delta)
		},
		Encode: func(c clock) ([]byte, error) { return c.MarshalBinary() },
		Decode: func(data []byte) (clock, error) {
			c := new(vectorclock.Clock)
			return c, c.UnmarshalBinary(data)
		},
	}
}
