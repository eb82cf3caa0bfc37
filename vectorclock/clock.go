package vectorclock

import (
	"iter"
	"slices"
	"strconv"
)

// MaxCount is the largest counter of an actor.
const MaxCount = 1<<63 - 1

// A Dot is one event: the count-th of an actor.
type Dot struct {
	Actor string
	Count uint64
}

// An Entry is what a clock knows of one actor. Times are Unix microseconds.
type Entry struct {
	Count    uint64 // events of the actor that were seen
	Inserted int64  // when the entry came to be
	Updated  int64  // when the count last changed
}

// less orders entries by count, time of update, time of insertion: of two
// entries for an actor, Merge keeps the larger whole.
func (e Entry) less(o Entry) bool {
	switch {
	case e.Count != o.Count:
		return e.Count < o.Count
	case e.Updated != o.Updated:
		return e.Updated < o.Updated
	}
	return e.Inserted < o.Inserted
}

// A Clock says, for each actor, how many of its events were seen. The zero Clock
// has seen nothing and is ready to use.
//
// A Clock may be read by any number of goroutines at once, Clone being a read;
// writes need that nobody else uses it. Use [Clock.Clone] to get a second clock:
// two Clock values made by assignment are one clock that forgets who writes.
type Clock struct {
	_ [0]func() // clocks are compared by Compare, not by ==
	b *body
}

func (c *Clock) read() *body {
	if c.b == nil {
		return empty
	}
	return c.b
}

// write returns the body for a change in place.
func (c *Clock) write() *body {
	if c.b == nil || c.b.shared.Load() {
		c.b = c.read().clone(0)
	}
	return c.b
}

// Clone returns a clock that is equal now and changes on its own. It costs O(1)
// and allocates nothing: the first write to either of them copies the entries.
func (c *Clock) Clone() Clock {
	if c.b != nil && !c.b.shared.Load() {
		c.b.shared.Store(true)
	}
	return Clock{b: c.b}
}

// String returns the counts, in the order of the actors' bytes: {a:3 b:1}.
func (c Clock) String() string {
	out := []byte{'{'}
	b := c.read()
	for i, actor := range b.actors.names {
		if i > 0 {
			out = append(out, ' ')
		}
		out = append(append(out, actor...), ':')
		out = strconv.AppendInt(out, b.counts[i], 10)
	}
	return string(append(out, '}'))
}

// Len returns the number of entries, those that count zero events among them.
func (c *Clock) Len() int { return len(c.read().counts) }

// Has reports whether the clock has an entry for an actor, even one that counts
// zero events. It costs O(log entries).
func (c *Clock) Has(actor string) bool {
	_, ok := c.read().actors.search(actor)
	return ok
}

// Count returns the number of events of an actor that were seen, 0 without an
// entry.
func (c *Clock) Count(actor string) uint64 {
	e, _ := c.Entry(actor)
	return e.Count
}

// Entry returns the entry for an actor.
func (c *Clock) Entry(actor string) (Entry, bool) {
	b := c.read()
	i, ok := b.actors.search(actor)
	if !ok {
		return Entry{}, false
	}
	return b.entry(i), true
}

// Covers reports whether the clock has seen an event. Dots of count 0 are seen
// by every clock.
func (c *Clock) Covers(d Dot) bool { return c.Count(d.Actor) >= d.Count }

// All yields the actors and their entries, in the order of the actors' bytes: as
// they are now, though the clock changes meanwhile. So the next write copies the
// entries, as after a Clone; Dots and Explain do the same.
func (c *Clock) All() iter.Seq2[string, Entry] {
	return func(yield func(string, Entry) bool) {
		b := c.share()
		for i, actor := range b.actors.names {
			if !yield(actor, b.entry(i)) {
				return
			}
		}
	}
}

// share returns the body as it is now, for a loop in which the clock may change.
func (c *Clock) share() *body {
	d := c.Clone()
	return d.read()
}

// Actors yields the actors that have an entry, in the order of their bytes.
func (c *Clock) Actors() iter.Seq[string] { return slices.Values(c.read().actors.names) }

// Dots yields the newest event that was seen of each actor, in the order of the
// actors' bytes, without actors of which none was seen.
func (c *Clock) Dots() iter.Seq[Dot] {
	return func(yield func(Dot) bool) {
		for actor, e := range c.All() {
			if e.Count > 0 && !yield(Dot{actor, e.Count}) {
				return
			}
		}
	}
}
