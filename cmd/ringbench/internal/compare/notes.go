package compare

import (
	"fmt"
	"math"

	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/result"
)

func (c *comparer) note(format string, args ...any) {
	c.out.Notes = append(c.out.Notes, fmt.Sprintf(format, args...))
}

// notes says what about the files as a whole limits the comparison.
func (c *comparer) notes() {
	old, now := c.before, c.after
	c.sameKeys = old.Keys.Digest == now.Keys.Digest && old.Settings.Zones == now.Settings.Zones
	c.samePlace = old.Machine.CPU == now.Machine.CPU && old.Machine.Arch == now.Machine.Arch
	c.sameClocks = digest(old.Clocks) == digest(now.Clocks)
	c.speed = 1
	if !c.sameClocks && old.Clocks != nil && now.Clocks != nil {
		c.note("The files are of different clocks: what depends on them is shown and not judged. Use the same --seed.")
	}
	if !c.sameKeys {
		c.note("The files are of different keys or zones: what depends on them, the time of a lookup too, is shown and not judged.")
	}
	if !c.samePlace {
		c.note("The files are of different processors (%s; %s): times are shown and not judged.", old.Machine.CPU, now.Machine.CPU)
	}
	if old.Reference.Best > 0 && now.Reference.Best > 0 {
		c.speed = now.Reference.Best / old.Reference.Best
		if off := math.Abs(math.Log(c.speed)); off > speedSlack {
			c.note("The reference ran %+.1f %% slower in the new file: times are compared at equal speed, and must differ by that much more.", 100*(c.speed-1))
		}
	}
}

// digest identifies clocks, "" for none.
func digest(c *result.Clocks) string {
	if c == nil {
		return ""
	}
	return c.Digest
}

// unmatched notes rows of one file only.
func (c *comparer) unmatched() {
	for _, side := range []struct {
		name      string
		has, lack *result.File
	}{{"old", c.before, c.after}, {"new", c.after, c.before}} {
		n := 0
		for i := range side.has.Rows {
			if _, ok := side.lack.Find(side.has.Rows[i].Name()); !ok {
				n++
			}
		}
		if n > 0 {
			c.note("%d rows are in the %s file only.", n, side.name)
		}
	}
}

// power marks the times that have too few samples for any difference to be told
// from chance, those of the rows that were tested together included.
func (c *comparer) power(tested []int) {
	least := 1.0
	for _, k := range tested {
		least = min(least, c.out.Rows[k].least)
	}
	if least*float64(len(tested)) >= Level {
		for _, k := range tested {
			c.out.Rows[k].Why = whyFew
		}
	}
	few := 0
	for i := range c.out.Rows {
		if c.out.Rows[i].Why == whyFew {
			few++
		}
	}
	if few > 0 {
		c.note("With so few samples no difference of %d times can be told from chance: run with a larger --count.", few)
	}
}
