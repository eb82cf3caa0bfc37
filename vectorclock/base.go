package vectorclock

import "fmt"

// Compact takes out the entries that are the same in base, which must be a clock
// that everybody keeps: what is stable, since all have seen it. [Clock.Expand]
// puts them back. Between the two the clock must be compared with clocks that
// were compacted by the same base only. Compact returns an error wrapping
// [ErrBase], and changes nothing, if the clock lacks an actor of base.
func (c *Clock) Compact(base *Clock) error {
	b := c.read()
	var places []int
	i := 0
	for d := range differences(b, base.read()) {
		switch {
		case !d.inA:
			return fmt.Errorf("vectorclock: compact: the clock lacks actor %q of the base: %w", d.actor, ErrBase)
		case d.inB && d.a == d.b:
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
// of base for all actors that the clock has none for.
func (c *Clock) Expand(base *Clock) {
	b := c.read()
	var names []string
	full := newBody(nil, 0, max(len(b.counts), base.Len()))
	full.lost = b.lost
	for d := range differences(b, base.read()) {
		if !d.inA {
			d.a = d.b
		}
		names = append(names, d.actor)
		full.append(d.a)
	}
	full.actors = rosterOf(names, b.actors, base.read().actors)
	c.b = full
}
