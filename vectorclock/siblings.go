package vectorclock

import (
	"cmp"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
)

// Siblings are the values of one thing that were written without knowledge of
// each other, and what is known of all its writes: a compact dotted version
// vector set (Almeida, Preguica and others, "Scalable and Accurate Causality
// Tracking for Eventually Consistent Stores", 2014). A value goes once a write
// covers it; a value that no write covered never goes. The zero Siblings hold
// nothing.
//
// Reads may be made by any number of goroutines at once; writes need that nobody
// else uses the Siblings. Values are shared with clones, so they must not be
// changed.
type Siblings[V any] struct {
	writers []writer[V] // ascending by actor
}

// A writer is an actor with the number of its writes that are known, and the
// values of the last of them, newest first, that no write covered.
type writer[V any] struct {
	actor  string
	count  uint64
	values []V
}

// Put writes a value as the next event of an actor, in place of all values that
// context covers: that of a [Siblings.Context] that was read before, or a new
// Clock if nothing was read. It
// returns the event. It costs O(writers), and returns an error wrapping
// [ErrActor] or [ErrCount].
//
// An actor must not write in two places at once, nor go on with a name after it
// lost what it had written under it: two writes would be the same event, and
// replicas would not notice that they hold different values. After a loss, write
// under a new name.
func (s *Siblings[V]) Put(context *Clock, actor string, value V) (Dot, error) {
	if err := checkActor(actor); err != nil {
		return Dot{}, fmt.Errorf("vectorclock: %w", err)
	}
	if err := checkFloor(actor, max(s.count(actor), context.Count(actor))); err != nil {
		return Dot{}, fmt.Errorf("vectorclock: %w", err)
	}
	s.discard(context)
	i, ok := s.search(actor)
	if !ok {
		s.writers = slices.Insert(s.writers, i, writer[V]{actor: actor}) // discard made them anew
	}
	w := &s.writers[i]
	w.count++
	w.values = append([]V{value}, w.values...)
	return Dot{actor, w.count}, nil
}

// discard takes out what a clock covers, and learns of all writes that it knows.
func (s *Siblings[V]) discard(context *Clock) {
	kept := make([]writer[V], 0, len(s.writers)+context.Len())
	i := 0
	for actor, e := range context.All() {
		for i < len(s.writers) && s.writers[i].actor < actor {
			kept = append(kept, s.writers[i])
			i++
		}
		if i < len(s.writers) && s.writers[i].actor == actor {
			kept = append(kept, s.writers[i].without(e.Count))
			i++
		} else if e.Count > 0 {
			kept = append(kept, writer[V]{actor: actor, count: e.Count})
		}
	}
	s.writers = append(kept, s.writers[i:]...)
}

// without returns the writer after the first writes, so many, were covered.
func (w writer[V]) without(covered uint64) writer[V] {
	if covered >= w.count {
		return writer[V]{w.actor, covered, nil}
	}
	if left := w.count - covered; uint64(len(w.values)) > left {
		w.values = w.values[:left:left]
	}
	return w
}

// first returns the number of writes of which no value is left.
func (w writer[V]) first() uint64 { return w.count - uint64(len(w.values)) }

// merge returns what is known of an actor by two writers of it: of the values
// those that neither knows to be covered.
func (w writer[V]) merge(o writer[V]) writer[V] {
	if w.count < o.count {
		w, o = o, w
	}
	return w.without(o.first())
}

// Sync takes over all that others know: it keeps the values that neither knows
// to be covered. It is commutative, associative and idempotent, and reports
// whether anything changed. It costs O(writers), and allocates nothing if
// nothing changes.
func (s *Siblings[V]) Sync(o *Siblings[V]) (changed bool) {
	if !s.behind(o) {
		return false
	}
	merged := make([]writer[V], 0, len(s.writers)+len(o.writers))
	a, b := s.writers, o.writers
	for len(a) > 0 || len(b) > 0 {
		switch order := compareFirst(a, b); {
		case order < 0:
			merged, a = append(merged, a[0]), a[1:]
		case order > 0:
			merged, b = append(merged, b[0]), b[1:]
		default:
			merged, a, b = append(merged, a[0].merge(b[0])), a[1:], b[1:]
		}
	}
	s.writers = merged
	return true
}

func compareFirst[V any](a, b []writer[V]) int {
	switch {
	case len(a) == 0:
		return 1
	case len(b) == 0:
		return -1
	}
	return strings.Compare(a[0].actor, b[0].actor)
}

// behind reports whether others know of a write, or of one that was covered,
// that s does not know of.
func (s *Siblings[V]) behind(o *Siblings[V]) bool {
	a := s.writers
	for _, w := range o.writers {
		for len(a) > 0 && a[0].actor < w.actor {
			a = a[1:]
		}
		if len(a) == 0 || a[0].actor != w.actor || a[0].count < w.count || a[0].first() < w.first() {
			return true
		}
	}
	return false
}

func (s *Siblings[V]) search(actor string) (int, bool) {
	return slices.BinarySearchFunc(s.writers, actor, func(w writer[V], actor string) int { return cmp.Compare(w.actor, actor) })
}

func (s *Siblings[V]) count(actor string) uint64 {
	if i, ok := s.search(actor); ok {
		return s.writers[i].count
	}
	return 0
}

// Len returns the number of values.
func (s *Siblings[V]) Len() int {
	n := 0
	for _, w := range s.writers {
		n += len(w.values)
	}
	return n
}

// Values yields the values with their events, by actor and then newest first.
func (s *Siblings[V]) Values() iter.Seq2[Dot, V] {
	return func(yield func(Dot, V) bool) {
		for _, w := range s.writers {
			for i, v := range w.values {
				if !yield(Dot{w.actor, w.count - uint64(i)}, v) {
					return
				}
			}
		}
	}
}

// Context returns a clock of all writes that are known. A Put with it replaces
// the values that are there now, and no others. Its times are zero.
func (s *Siblings[V]) Context() Clock {
	b := (&body{actors: noActors}).clone(len(s.writers))
	names := make([]string, len(s.writers))
	for i, w := range s.writers {
		names[i] = w.actor
		b.append(Entry{Count: w.count})
	}
	b.actors = rosterOf(names, noActors)
	return Clock{b: b}
}

// Reconcile writes one value in place of all, as an event of an actor: what f
// makes of them. It does nothing if there are fewer than two. Errors are those
// of Put.
func (s *Siblings[V]) Reconcile(actor string, f func([]V) V) error {
	if s.Len() < 2 {
		return nil
	}
	values := make([]V, 0, s.Len())
	for _, v := range s.Values() {
		values = append(values, v)
	}
	context := s.Context()
	_, err := s.Put(&context, actor, f(values))
	return err
}

// MarshalJSON returns an error: Siblings have no JSON, and an empty object would
// lose them without a word.
func (s Siblings[V]) MarshalJSON() ([]byte, error) {
	return nil, errors.New("vectorclock: siblings have no JSON: use a SiblingsCodec")
}

// Clone returns Siblings that are equal now and change on their own. It costs
// O(1): the two share what neither has changed.
func (s *Siblings[V]) Clone() Siblings[V] { return Siblings[V]{slices.Clip(s.writers)} }
