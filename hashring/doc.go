// Package hashring decides which node owns a key.
//
// A [Ring] spreads each node over many points of a circle of 2^44 positions; a
// key belongs to the node of the first point at or after the key's hash.
// Adding, removing or re-weighting one node therefore moves only the keys that
// node gains or loses, about 1/n of them, and leaves every other key where it
// was.
//
// Two rings with the same [Options] and the same weighted nodes give the same
// answers on every platform and in every version of this package, in whatever
// order the nodes were added: the point layout is part of the API. See
// docs/ring-format.md.
//
// A Ring may be read by any number of goroutines while others change it:
// readers load an immutable [Snapshot] and never lock, writers take turns. A
// lookup allocates nothing. Ids, weights and encodings that are out of bounds
// are errors and leave the ring as it was; no data make the package panic (a nil
// argument is no data).
//
// Beside the ring stand other placements behind one small interface,
// [Placement]: [Jump], [Rendezvous], [Maglev], [MultiProbe] and [Anchor]. Each
// says when it is the better tool.
//
// The package imports only the standard library, xxh3 and go-jump.
package hashring
