package vectorclock

import (
	"slices"
	"strings"
	"sync/atomic"
)

// A roster is the actors of clocks, ascending and distinct. It never changes, so
// that clocks of the same actors share one and are compared without looking at
// names.
type roster struct {
	names []string
	// known is shared by rosters that were found to have the same names, when
	// clocks were compared. It is no roster, lest one keeps all others alive.
	known atomic.Pointer[identity]
	// hashes are those of the names, made when first asked for.
	hashes atomic.Pointer[[]uint64]
	// wire is the actor section of the binary encoding, made when first asked
	// for.
	wire atomic.Pointer[rosterWire]
}

// noActors is the roster of the zero Clock.
var noActors = new(roster)

// An identity stands for a list of names. Its address is all that it is.
type identity struct{ _ byte }

// same reports whether two rosters have the same names, and remembers it if so.
// It costs O(1) if that is known, or if their numbers of names differ, and else
// O(names).
func (r *roster) same(o *roster) bool {
	if r == o {
		return true
	}
	if len(r.names) != len(o.names) {
		return false
	}
	known := r.known.Load()
	if known != nil && known == o.known.Load() {
		return true
	}
	if !slices.Equal(r.names, o.names) {
		return false
	}
	if known == nil {
		if known = o.known.Load(); known == nil {
			known = new(identity)
		}
		r.known.Store(known)
	}
	o.known.Store(known)
	return true
}

// hash returns the hashes of the names.
func (r *roster) hash() []uint64 {
	if known := r.hashes.Load(); known != nil {
		return *known
	}
	made := make([]uint64, len(r.names))
	for i, name := range r.names {
		made[i] = hashActor(name)
	}
	r.hashes.Store(&made)
	return made
}

// search returns the place of an actor and whether it is there. It costs O(log
// names).
func (r *roster) search(actor string) (int, bool) {
	return slices.BinarySearchFunc(r.names, actor, strings.Compare)
}

// with returns a roster that has an actor more, at place i.
func (r *roster) with(i int, actor string) *roster {
	names := make([]string, 0, len(r.names)+1)
	names = append(append(append(names, r.names[:i]...), actor), r.names[i:]...)
	return &roster{names: names}
}

// without returns a roster that lacks the actors at the given places, which
// ascend.
func (r *roster) without(places []int) *roster {
	names := make([]string, 0, len(r.names)-len(places))
	from := 0
	for _, i := range places {
		names = append(names, r.names[from:i]...)
		from = i + 1
	}
	return &roster{names: append(names, r.names[from:]...)}
}
