package hashring

import "iter"

// The reads of a Ring are those of its current snapshot.

// Hash is [Snapshot.Hash].
func (r *Ring) Hash(key string) uint64 { return r.load().Hash(key) }

// HashBytes is [Snapshot.HashBytes].
func (r *Ring) HashBytes(key []byte) uint64 { return r.load().HashBytes(key) }

// Owner returns the node that owns a key; ok is false if the ring is empty. It
// costs O(1), allocates nothing and never waits: see [Snapshot.Owner].
func (r *Ring) Owner(key string) (id string, ok bool) { return r.snap.Load().Owner(key) }

// OwnerBytes is [Snapshot.OwnerBytes].
func (r *Ring) OwnerBytes(key []byte) (id string, ok bool) { return r.snap.Load().OwnerBytes(key) }

// OwnerHash is [Snapshot.OwnerHash].
func (r *Ring) OwnerHash(h uint64) (id string, ok bool) { return r.load().OwnerHash(h) }

// AppendOwners appends to dst the first n distinct nodes clockwise from a key,
// its owner first: see [Snapshot.AppendOwners].
func (r *Ring) AppendOwners(dst []string, key string, n int) []string {
	return r.load().AppendOwners(dst, key, n)
}

// AppendOwnersHash is [Snapshot.AppendOwnersHash].
func (r *Ring) AppendOwnersHash(dst []string, h uint64, n int) []string {
	return r.load().AppendOwnersHash(dst, h, n)
}

// AppendZoneOwners is [Snapshot.AppendZoneOwners].
func (r *Ring) AppendZoneOwners(dst []string, key string, n int) []string {
	return r.load().AppendZoneOwners(dst, key, n)
}

// AppendPreceding is [Snapshot.AppendPreceding].
func (r *Ring) AppendPreceding(dst []string, key string, n int) []string {
	return r.load().AppendPreceding(dst, key, n)
}

// Successors is [Snapshot.Successors] of the ring as it is now.
func (r *Ring) Successors(key string) iter.Seq[Node] { return r.load().Successors(key) }

// Predecessors is [Snapshot.Predecessors] of the ring as it is now.
func (r *Ring) Predecessors(key string) iter.Seq[Node] { return r.load().Predecessors(key) }

// Next is [Snapshot.Next].
func (r *Ring) Next(id string, n int) []string { return r.load().Next(id, n) }

// Prev is [Snapshot.Prev].
func (r *Ring) Prev(id string, n int) []string { return r.load().Prev(id, n) }

// Get is [Snapshot.Get].
func (r *Ring) Get(id string) (Node, bool) { return r.load().Get(id) }

// Has is [Snapshot.Has].
func (r *Ring) Has(id string) bool { return r.load().Has(id) }

// Len is [Snapshot.Len].
func (r *Ring) Len() int { return r.load().Len() }

// Points is [Snapshot.Points].
func (r *Ring) Points() int { return r.load().Points() }

// Options is [Snapshot.Options].
func (r *Ring) Options() Options { return r.load().Options() }

// Weights is [Snapshot.Weights] of the ring as it is now.
func (r *Ring) Weights() iter.Seq2[string, int] { return r.load().Weights() }

// Nodes is [Snapshot.Nodes] of the ring as it is now.
func (r *Ring) Nodes() iter.Seq[Node] { return r.load().Nodes() }

// All is [Snapshot.All] of the ring as it is now.
func (r *Ring) All() iter.Seq[Point] { return r.load().All() }

// Fingerprint is [Snapshot.Fingerprint].
func (r *Ring) Fingerprint() [16]byte { return r.load().Fingerprint() }

// Ownership is [Snapshot.Ownership].
func (r *Ring) Ownership() []Share { return r.load().Ownership() }

// Ranges is [Snapshot.Ranges].
func (r *Ring) Ranges(id string) ([]Range, error) { return r.load().Ranges(id) }

// Bytes is [Snapshot.Bytes].
func (r *Ring) Bytes() int { return r.load().Bytes() }
