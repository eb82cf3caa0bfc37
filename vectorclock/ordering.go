package vectorclock

import "strconv"

// An Ordering says how one clock stands to another.
type Ordering int8

const (
	// Equal clocks have seen the same.
	Equal Ordering = iota
	// Before: the other clock has seen all that this one has, and more.
	Before
	// After: this clock has seen all that the other has, and more.
	After
	// Concurrent: each has seen something that the other has not.
	Concurrent
)

// String returns the name of the ordering.
func (o Ordering) String() string {
	switch o {
	case Equal:
		return "equal"
	case Before:
		return "before"
	case After:
		return "after"
	case Concurrent:
		return "concurrent"
	}
	return "Ordering(" + strconv.Itoa(int(o)) + ")"
}

// Reverse returns the ordering as the other clock sees it.
func (o Ordering) Reverse() Ordering {
	switch o {
	case Before:
		return After
	case After:
		return Before
	}
	return o
}

// OrderingOf returns how a clock stands to another: ahead says that it has seen
// something that the other has not, behind that the other has seen something that
// it has not.
func OrderingOf(ahead, behind bool) Ordering {
	switch {
	case ahead && behind:
		return Concurrent
	case ahead:
		return After
	case behind:
		return Before
	}
	return Equal
}
