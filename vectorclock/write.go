package vectorclock

import (
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"
)

// What can be wrong with what a caller asks for. Errors wrap one of these.
var (
	ErrActor    = errors.New("bad actor")
	ErrCount    = errors.New("count out of range")
	ErrBase     = errors.New("another base")
	ErrEncoding = errors.New("bad encoding")
	ErrVersion  = errors.New("unknown version")
)

// MaxActorLen is the largest length of an actor's name, in bytes.
const MaxActorLen = 1024

func checkActor(actor string) error {
	switch {
	case actor == "":
		return fmt.Errorf("empty name: %w", ErrActor)
	case len(actor) > MaxActorLen:
		return fmt.Errorf("name of %d bytes (%.32q...): at most %d: %w", len(actor), actor, MaxActorLen, ErrActor)
	case !utf8.ValidString(actor):
		return fmt.Errorf("name %q: not UTF-8: %w", actor, ErrActor)
	}
	return nil
}

func checkCount(actor string, count uint64) error {
	if count > MaxCount {
		return fmt.Errorf("actor %q: count %d: at most %d: %w", actor, count, uint64(MaxCount), ErrCount)
	}
	return nil
}

// Insert makes an entry that counts zero events, unless the actor has one. It
// returns an error wrapping [ErrActor] if the name is empty, too long or not
// UTF-8.
func (c *Clock) Insert(actor string, now int64) error {
	if c.Has(actor) {
		return nil
	}
	return c.put(actor, Entry{Inserted: now, Updated: now})
}

// Increment counts one event more of an actor and returns it. The time of update
// becomes now, or stays if that is newer, so that it never goes back. An actor
// without an entry starts at one: if its entry may have been trimmed, or taken
// out by Compact, or its clock lost, use IncrementFrom or a [Ticker], or it uses
// events twice. It costs
// O(log entries), and less for the actor that was written last; O(entries) for a
// new actor and after a Clone. It returns an error wrapping [ErrActor], or
// [ErrCount] if the count is [MaxCount] already.
func (c *Clock) Increment(actor string, now int64) (Dot, error) {
	b := c.b
	if b == nil || b.shared.Load() || b.hint >= len(b.counts) || b.actors.names[b.hint] != actor || uint64(b.counts[b.hint]-1) >= MaxCount-1 {
		return c.IncrementFrom(actor, 0, now)
	}
	i := b.hint // of the actor that was written last, who counts, in a body that is ours
	b.counts[i]++
	b.updated[i] = max(b.updated[i], now)
	return Dot{actor, uint64(b.counts[i])}, nil
}

// IncrementFrom is Increment from a floor: the new count is above both the old
// one and floor. An actor that may have lost its memory passes a floor that it
// never exceeded before, so that it does not use a dot twice.
func (c *Clock) IncrementFrom(actor string, floor uint64, now int64) (Dot, error) {
	i, ok := c.find(actor)
	if !ok {
		if err := checkFloor(actor, floor); err != nil {
			return Dot{}, fmt.Errorf("vectorclock: %w", err)
		}
		if err := c.put(actor, Entry{floor + 1, now, now}); err != nil {
			return Dot{}, err
		}
		return Dot{actor, floor + 1}, nil
	}
	floor = max(floor, uint64(c.b.counts[i]))
	if err := checkFloor(actor, floor); err != nil {
		return Dot{}, fmt.Errorf("vectorclock: %w", err)
	}
	b := c.write()
	b.count(i, floor+1, now)
	return Dot{actor, floor + 1}, nil
}

// count makes a count larger.
func (b *body) count(i int, to uint64, at int64) {
	if b.counts[i] == 0 {
		b.back(Entry{to, b.inserted[i], at})
	}
	b.counts[i], b.updated[i], b.hint = int64(to), max(b.updated[i], at), i
}

func checkFloor(actor string, floor uint64) error {
	if floor >= MaxCount {
		return fmt.Errorf("actor %q: counted to %d already, the largest: %w", actor, floor, ErrCount)
	}
	return nil
}

// find returns the place of an actor, looking first at the one written last.
func (c *Clock) find(actor string) (int, bool) {
	b := c.read()
	if b.hint < len(b.actors.names) && b.actors.names[b.hint] == actor {
		return b.hint, true
	}
	return b.actors.search(actor)
}

// Witness notes that an event was seen, and with it all earlier ones of its
// actor. The time is that of the event, as its actor has it. It reports whether
// the clock had not seen the event. It returns an error wrapping [ErrActor] or
// [ErrCount].
func (c *Clock) Witness(d Dot, at int64) (news bool, err error) {
	if err := errors.Join(checkActor(d.Actor), checkCount(d.Actor, d.Count)); err != nil {
		return false, fmt.Errorf("vectorclock: %w", err)
	}
	i, ok := c.find(d.Actor)
	switch {
	case !ok && d.Count == 0:
		return false, nil
	case !ok:
		err := c.put(d.Actor, Entry{d.Count, at, at})
		return err == nil, err
	case uint64(c.b.counts[i]) >= d.Count:
		return false, nil
	}
	b := c.write()
	if b.counts[i] == 0 {
		b.updated[i] = at // that of Insert is of no event
	}
	b.count(i, d.Count, at)
	return true, nil
}

// Set makes the count and the time of update of an actor what they are said to
// be; an actor without an entry gets one, inserted now. It reports whether the
// count went back: the clock then has forgotten events that it had seen, and
// others that have seen them will say that it is older. It returns an error
// wrapping [ErrActor] or [ErrCount].
func (c *Clock) Set(actor string, count uint64, updated, now int64) (back bool, err error) {
	if err := checkCount(actor, count); err != nil {
		return false, fmt.Errorf("vectorclock: %w", err)
	}
	i, ok := c.find(actor)
	if !ok {
		return false, c.put(actor, Entry{count, now, updated})
	}
	b := c.write()
	if b.counts[i] == 0 {
		b.back(Entry{count, b.inserted[i], updated})
	}
	back = count < uint64(b.counts[i])
	b.counts[i], b.updated[i], b.hint = int64(count), updated, i
	return back, nil
}

// put writes the entry of an actor, with or without one before.
func (c *Clock) put(actor string, e Entry) error {
	i, ok := c.find(actor)
	if !ok {
		if err := checkActor(actor); err != nil {
			return fmt.Errorf("vectorclock: %w", err)
		}
		c.insert(i, actor)
		c.b.back(e)
	}
	b := c.write()
	b.set(i, e)
	b.hint = i
	return nil
}

// insert makes room for an actor at place i.
func (c *Clock) insert(i int, actor string) {
	b := c.read()
	if b.shared.Load() {
		b = b.clone(1)
	}
	b.actors = b.actors.with(i, actor)
	b.counts = slices.Insert(b.counts, i, 0)
	b.updated = slices.Insert(b.updated, i, 0)
	b.inserted = slices.Insert(b.inserted, i, 0)
	c.b = b
}

// Remove forgets an actor's entry and reports whether there was one. Unlike
// [Clock.Trim] it remembers nothing of it.
func (c *Clock) Remove(actor string) bool {
	i, ok := c.find(actor)
	if ok {
		c.drop([]int{i})
	}
	return ok
}

// drop removes the entries at places that ascend.
func (c *Clock) drop(places []int) {
	b := c.write()
	b.actors = b.actors.without(places)
	b.counts = without(b.counts, places)
	b.updated = without(b.updated, places)
	b.inserted = without(b.inserted, places)
	b.hint = 0
}

// without removes the values at places that ascend, in place.
func without[T any](s []T, places []int) []T {
	kept := s[:places[0]]
	for k, i := range places {
		end := len(s)
		if k+1 < len(places) {
			end = places[k+1]
		}
		kept = append(kept, s[i+1:end]...)
	}
	return kept
}
