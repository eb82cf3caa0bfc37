package vectorclock_test

import (
	"math"
	"testing"

	"github.com/clusterluck/clusterluck/vectorclock"
)

// seen returns a clock that saw events at times, all of them the first of their
// actors.
func seen(t *testing.T, at map[string]int64) *vectorclock.Clock {
	t.Helper()
	c := new(vectorclock.Clock)
	for actor, now := range at {
		if _, err := c.Witness(vectorclock.Dot{Actor: actor, Count: 1}, now); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

// oldest trims a clock of all but one entry.
func oldest(c *vectorclock.Clock) []vectorclock.Removed {
	return c.Trim(1000, vectorclock.Policy{Lower: 1, Upper: 1})
}

// What a trimmed clock remembers: each step, and what it then says of the clock
// from before the trim, which is older.
func TestWhatComesBackIsNotVouchedFor(t *testing.T) {
	old := seen(t, map[string]int64{"x": 5})
	dot := vectorclock.Dot{Actor: "x", Count: 1}
	for name, tt := range map[string]struct {
		do    func(c *vectorclock.Clock) error
		order vectorclock.Ordering
		exact bool
	}{
		"nothing":                  {func(*vectorclock.Clock) error { return nil }, vectorclock.After, true},
		"an entry of no event":     {func(c *vectorclock.Clock) error { return c.Insert("x", 100) }, vectorclock.After, true},
		"an old entry of no event": {func(c *vectorclock.Clock) error { return c.Insert("x", 3) }, vectorclock.After, true},
		"one that was merged": {func(c *vectorclock.Clock) error {
			empty := new(vectorclock.Clock)
			err := empty.Insert("x", 100)
			c.Merge(empty)
			return err
		}, vectorclock.After, true},
		"the event itself": {func(c *vectorclock.Clock) error {
			_, err := c.Witness(dot, 5)
			return err
		}, vectorclock.After, false},
		"the event, in an entry of none": {func(c *vectorclock.Clock) error {
			if err := c.Insert("x", 100); err != nil {
				return err
			}
			_, err := c.Witness(dot, 5)
			return err
		}, vectorclock.After, false},
		"the event, by Set": {func(c *vectorclock.Clock) error {
			_, err := c.Set("x", 1, 5, 5)
			return err
		}, vectorclock.After, false},
		"the event, by Set in an entry of none": {func(c *vectorclock.Clock) error {
			if err := c.Insert("x", 100); err != nil {
				return err
			}
			_, err := c.Set("x", 1, 5, 5)
			return err
		}, vectorclock.After, false},
		"the event, by Expand": {func(c *vectorclock.Clock) error {
			c.Expand(old)
			return nil
		}, vectorclock.After, false},
		"the event, by Merge": {func(c *vectorclock.Clock) error {
			c.Merge(old)
			return nil
		}, vectorclock.After, true}, // the receipt is that of nothing again
		"a meeting with a clock that lost nothing": {func(c *vectorclock.Clock) error {
			c.Meet(seen(t, map[string]int64{"x": 5, "y": 20}))
			return nil
		}, vectorclock.After, false},
	} {
		c := seen(t, map[string]int64{"x": 5, "y": 20})
		if gone := oldest(c); len(gone) != 1 || gone[0].Actor != "x" {
			t.Fatalf("%v went", gone)
		}
		if err := tt.do(c); err != nil {
			t.Fatal(err)
		}
		if order, exact := c.CompareTrimmed(old); order != tt.order || exact != tt.exact {
			t.Errorf("%s: %v %v, want %v %v", name, order, exact, tt.order, tt.exact)
		}
		// The same must hold of what it is once it was sent.
		data, err := c.MarshalCBOR()
		if err != nil {
			t.Fatal(err)
		}
		var sent vectorclock.Clock
		if err := sent.UnmarshalCBOR(data); err != nil || !sent.Identical(c) || sent.Hash() != c.Hash() {
			t.Fatalf("%s: sent, it is %s, %v", name, text(&sent), err)
		}
		if order, exact := sent.CompareTrimmed(old); order != tt.order || exact != tt.exact {
			t.Errorf("%s, and sent: %v %v, want %v %v", name, order, exact, tt.order, tt.exact)
		}
	}
}

// An event that was lost, came back and was lost again must not cancel itself
// out: a clock that never saw it would seem to know as much.
func TestWhatIsLostTwiceIsNotForgotten(t *testing.T) {
	never := seen(t, map[string]int64{"y": 20})
	for name, back := range map[string]func(c *vectorclock.Clock) error{
		"by Witness": func(c *vectorclock.Clock) error {
			_, err := c.Witness(vectorclock.Dot{Actor: "x", Count: 1}, 5)
			return err
		},
		"by Set": func(c *vectorclock.Clock) error {
			_, err := c.Set("x", 1, 5, 5)
			return err
		},
		"by Expand": func(c *vectorclock.Clock) error {
			c.Expand(seen(t, map[string]int64{"x": 5}))
			return nil
		},
	} {
		for _, entry := range []bool{false, true} {
			c := seen(t, map[string]int64{"x": 5, "y": 20})
			oldest(c)
			if entry && name != "by Expand" {
				if err := c.Insert("x", 3); err != nil {
					t.Fatal(err)
				}
			}
			if err := back(c); err != nil {
				t.Fatal(err)
			}
			if gone := oldest(c); len(gone) != 1 || gone[0].Actor != "x" {
				t.Fatalf("%s: %v went", name, gone)
			}
			if order, exact := c.CompareTrimmed(never); exact {
				t.Errorf("%s, an entry before %v: %v, exactly", name, entry, order)
			}
		}
	}
}

// A clock that no longer vouches for what it lost is not exactly equal even to a
// clone of itself: merging another that lost more may have changed nothing.
func TestSharedClocksAreNotExactForIt(t *testing.T) {
	c, other := seen(t, map[string]int64{"x": 5, "k": 20}), seen(t, map[string]int64{"y": 5, "k": 20})
	oldest(c)
	oldest(other)
	c.Merge(other)
	d := c.Clone()
	if order, exact := c.CompareTrimmed(&d); order != vectorclock.Equal || exact {
		t.Errorf("%v %v, want equal, not exactly", order, exact)
	}
}

// What is remembered is a part of the clock.
func TestMemoryMakesClocksDiffer(t *testing.T) {
	kept := seen(t, map[string]int64{"k": 20})
	var all []*vectorclock.Clock
	for _, lost := range []map[string]int64{{"k": 20}, {"x": 5, "k": 20}, {"x": 6, "k": 20}, {"y": 5, "k": 20}, {"x": 0, "k": 20}} {
		c := seen(t, lost)
		oldest(c)
		all = append(all, c)
	}
	tainted := all[1].Clone()
	tainted.Merge(all[3])
	all = append(all, &tainted)
	for i, a := range all {
		if !a.Equal(kept) {
			t.Errorf("%s shows more than it should", text(a))
		}
		for j, b := range all {
			if a.Identical(b) != (i == j) || (a.Hash() == b.Hash()) != (i == j) {
				t.Errorf("%s and %s: identical %v, hashes %x and %x", text(a), text(b), a.Identical(b), a.Hash(), b.Hash())
			}
		}
	}
	past := seen(t, map[string]int64{"x": -9, "k": -5}) // long before 1970
	oldest(past)
	past.Meet(seen(t, map[string]int64{"k": -5, "z": 1}))
	if got, want := text(past), `{"":{"horizon":-9,"receipt":null},"k":{"count":1,"insert":-5,"time":-5}}`; got != want {
		t.Errorf("it met, and is %s, want %s", got, want)
	}
}

// Merging clocks of which one lost nothing keeps what the other vouches for.
func TestMergeOfOneTrimmedClock(t *testing.T) {
	old := seen(t, map[string]int64{"x": 5})
	c := seen(t, map[string]int64{"x": 5, "k": 20})
	oldest(c)
	for name, merged := range map[string]*vectorclock.Clock{"into": c, "from": seen(t, map[string]int64{"n": 30})} {
		m := merged.Clone()
		if name == "into" {
			m.Merge(seen(t, map[string]int64{"n": 30}))
		} else {
			m.Merge(c)
		}
		if order, exact := m.CompareTrimmed(old); order != vectorclock.After || !exact {
			t.Errorf("%s: %v %v, want after, exactly", name, order, exact)
		}
	}
}

// Times at the ends of an int64 are old, or young: they stop no trim.
func TestTrimOfExtremeTimes(t *testing.T) {
	c := seen(t, map[string]int64{"first": math.MinInt64, "last": math.MaxInt64, "a": 10, "b": 20, "c": 900})
	gone := c.Trim(1000, vectorclock.Policy{Lower: 1, Upper: 2, Young: 50, Old: 5000})
	var actors []string
	for _, r := range gone {
		actors = append(actors, r.Actor)
	}
	if got := len(gone); got != 3 || c.Has("first") || c.Has("a") || c.Has("b") {
		t.Errorf("%v went", actors)
	}
	if gone := c.Trim(1000, vectorclock.Policy{Lower: -5, Upper: -5, Young: math.MinInt64, Old: math.MinInt64}); len(gone) != 2 || c.Len() != 0 {
		t.Errorf("with bounds below zero %v went, want all", gone)
	}
}

func TestTrimKeepsTheActorThatItIsTold(t *testing.T) {
	c := seen(t, map[string]int64{"me": 1, "a": 10, "b": 20})
	gone := c.Trim(1000, vectorclock.Policy{Upper: 1, Keep: "me"})
	if len(gone) != 2 || !c.Has("me") {
		t.Errorf("%v went", gone)
	}
	if d, err := c.Increment("me", 2000); err != nil || d.Count != 2 {
		t.Errorf("it counts on at %v, %v", d, err)
	}
}
