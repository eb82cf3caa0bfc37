package clock

import (
	"github.com/clusterluck/clusterluck/vectorclock"
)

// oursCalls is package vectorclock, with a decoder that has seen the actors
// before, as a process has that hears from its peers.
type oursCalls struct{ decoder vectorclock.Decoder }

func (*oursCalls) load(es []entry) (c vectorclock.Clock) {
	for _, e := range es {
		if _, err := c.Set(e.actor, e.count, e.updated, e.inserted); err != nil {
			panic(err) // entries are valid
		}
	}
	return c
}

func (*oursCalls) clone(c vectorclock.Clock) vectorclock.Clock { return c.Clone() }

func (*oursCalls) increment(c vectorclock.Clock, actor string, now int64) vectorclock.Clock {
	if _, err := c.Increment(actor, now); err != nil {
		panic(err)
	}
	return c
}

func (*oursCalls) merge(a, b vectorclock.Clock) (vectorclock.Clock, bool) {
	changed := a.Merge(&b)
	return a, changed
}

func (*oursCalls) compare(a, b vectorclock.Clock) vectorclock.Ordering { return a.Compare(&b) }

func (*oursCalls) count(c vectorclock.Clock, actor string) uint64 { return c.Count(actor) }

func (*oursCalls) appendTo(dst []byte, c vectorclock.Clock) []byte {
	dst, err := c.AppendBinary(dst)
	if err != nil {
		panic(err) // it never fails
	}
	return dst
}

func (o *oursCalls) decode(data []byte) (vectorclock.Clock, error) { return o.decoder.Decode(data) }
