package vectorclocktest

import "github.com/clusterluck/clusterluck/vectorclock"

// An Implementation is a clock type under test. But for Increment and Insert its
// functions must not change their arguments; whether they do is one of the laws.
// A function that is optional may be nil: the laws that need it are left out.
type Implementation[C any] struct {
	// New returns a clock that has seen nothing.
	New func() C
	// Clone returns a clock that is equal and changes on its own.
	Clone func(C) C
	// Increment counts one event of an actor, at a time, in the clock itself or
	// in the one that it returns.
	Increment func(c C, actor string, now int64) C
	// Merge returns a clock that has seen what either has, and whether that is
	// more than a has.
	Merge func(a, b C) (merged C, changed bool)
	// Compare says how a stands to b.
	Compare func(a, b C) vectorclock.Ordering
	// Count returns the number of events of an actor that were seen.
	Count func(c C, actor string) uint64

	// Insert makes an entry that counts nothing, in the clock itself or in the
	// one that it returns. Optional.
	Insert func(c C, actor string, now int64) C
	// Entry returns what is known of an actor, with its times. Optional: without
	// it only counts are looked at.
	Entry func(c C, actor string) (vectorclock.Entry, bool)
	// Meet returns a clock that has seen what both have. Optional.
	Meet func(a, b C) C
	// Encode and Decode are there and back. Optional.
	Encode func(C) ([]byte, error)
	Decode func([]byte) (C, error)
	// Covers reports whether an event was seen. Optional.
	Covers func(C, vectorclock.Dot) bool
	// Delta returns what turns a base into a clock that has seen all that the base
	// has, and Apply is the way back: it returns an error if the delta is of
	// another base, and leaves its argument alone. Optional.
	Delta func(c, base C) ([]byte, error)
	Apply func(base C, delta []byte) (C, error)
	// Loose says that Decode is not meant to refuse input that Encode cannot
	// have written.
	Loose bool
}
