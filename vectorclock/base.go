package vectorclock

import "fmt"

// Compact takes out the entries that count what base counts, which must be a
// clock that everybody keeps: what is stable, since all have seen it.
// [Clock.Expand] puts them back, with the times that they have in base. Between
// the two the clock must be compared, and merged, only with clocks that were
// compacted by the same base, and who counts must count from what base has:
// Increment would start at one again, so use [Clock.IncrementFrom] or a [Ticker]
// with base.Count(actor) as its floor. Compact returns an error wrapping [ErrBase], and
// changes nothing, if the clock has not seen all that base has. It costs
// O(entries).
func (c *Clock) Compact(base *Clock) error {
	b := c.read()
	var places []int
	i := 0
	for d := range differences(b, base.read()) {
		switch {
		case d.a.Count < d.b.Count:
			return fmt.Errorf("vectorclock: compact: actor %q counts %d, and %d in the base: %w", d.actor, d.a.Count, d.b.Count, ErrBase)
		case !d.inA:
			continue
		case d.inB && d.a.Count == d.b.Count:
			places = append(places, i)
		}
		i++
	}
	if len(places) > 0 {
		c.drop(places)
	}
	return nil
}

// Expand puts back the entries that Compact with the same base took out: those
// of base for all actors that the clock has none for. What Trim took out between
// the two comes back as it was in base. It costs O(entries).
func (c *Clock) Expand(base *Clock) {
	b := c.read()
	var names []string
	full := newBody(nil, 0, max(len(b.counts), base.Len()))
	full.lost = b.lost
	for d := range differences(b, base.read()) {
		if !d.inA {
			d.a = d.b
			full.back(d.b)
		}
		names = append(names, d.actor)
		full.append(d.a)
	}
	full.actors = rosterOf(names, b.actors, base.read().actors)
	c.b = full
}
