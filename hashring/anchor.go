package hashring

import (
	"fmt"
	"math/bits"
	"slices"
)

// An Anchor places keys on numbered nodes by AnchorHash (Mendelson, Vargaftik,
// Barabash, Lorenz, Keslassy and Orda, 2021). A node is one of the numbers 0 to
// capacity-1. Any may leave, and the last that left is the first to return;
// neither moves a key needlessly. The balance is even.
//
// A lookup costs about 1 + ln(capacity/nodes) steps, a change O(1), and the
// state is 16 bytes for each number below the capacity and 4 for each that is
// absent. Nodes have no weights.
//
// The answers depend on which nodes left and in which order: two Anchors agree
// if they were made with the same capacity and number of nodes and then saw the
// same changes in the same order.
//
// A key with hash h falls on node floor(h * capacity / 2^64). If node i is absent
// and r nodes were left when it left, the key goes on to number
// floor(mix64(h + i*0x9e3779b97f4a7c15 mod 2^64) * r / 2^64) of those, where mix64
// is the finalizer of SplitMix64. They are numbered as a list, 0 to capacity-1
// at first, in which the last takes the place of one that leaves; the nodes from
// n on leave first, from the last.
//
// Any number of goroutines may read an Anchor at once, but not while another
// calls [Anchor.Add] or [Anchor.Remove]: to change one beside its readers,
// change a [Anchor.Clone] and publish that. The zero Anchor has capacity 0.
type Anchor struct {
	nodes []anchorNode
	// works lists the nodes that are present in its first n entries, and
	// places says where in it each node is or was when it left: W and L of the
	// paper.
	works, places []uint32
	left          []uint32 // the absent nodes, the last to leave last: R of the paper
	n             int
}

// An anchorNode is what a lookup reads of one node: A and K of the paper.
type anchorNode struct {
	// rest is 0 while the node is present, else the number of nodes that were
	// left when it left.
	rest uint32
	// heir is the node that took its place in works when it left.
	heir uint32
}

// NewAnchor returns the placement on the nodes 0 to n-1 that may grow to
// capacity nodes. A lookup is fast while capacity is a small multiple of n. It
// costs O(capacity).
//
// It returns an error wrapping [ErrOptions] if capacity is less than 1 or n is
// not 0 to capacity, and one wrapping [ErrTooManyNodes] if capacity is over
// [MaxNodes].
func NewAnchor(capacity, n int) (*Anchor, error) {
	switch {
	case capacity < 1:
		return nil, fmt.Errorf("hashring: anchor: capacity %d: want 1 to %d: %w", capacity, MaxNodes, ErrOptions)
	case capacity > MaxNodes:
		return nil, fmt.Errorf("hashring: anchor: capacity %d: at most %d: %w", capacity, MaxNodes, ErrTooManyNodes)
	case n < 0 || n > capacity:
		return nil, fmt.Errorf("hashring: anchor: %d nodes: want 0 to the capacity, %d: %w", n, capacity, ErrOptions)
	}
	a := &Anchor{
		nodes:  make([]anchorNode, capacity),
		works:  make([]uint32, capacity),
		places: make([]uint32, capacity),
		n:      capacity,
	}
	for i := range a.nodes {
		a.nodes[i].heir, a.works[i], a.places[i] = uint32(i), uint32(i), uint32(i)
	}
	for i := capacity - 1; i >= n; i-- {
		a.remove(uint32(i))
	}
	return a, nil
}

// Locate returns the number of the node that owns the key with this hash, or
// -1 if no node is present.
//
// A key that falls on an absent node looks again among those that were left
// when it left: works held them then, and the heirs of later leavers lead to
// who stands where in that older state.
func (a *Anchor) Locate(hash uint64) int {
	if a.n == 0 {
		return -1
	}
	at, _ := bits.Mul64(hash, uint64(len(a.nodes)))
	for {
		rest := a.nodes[at].rest
		if rest == 0 {
			return int(at)
		}
		next, _ := bits.Mul64(mix64(hash+at*golden), uint64(rest))
		for a.nodes[next].rest >= rest {
			next = uint64(a.nodes[next].heir)
		}
		at = next
	}
}

// Len returns the number of nodes that are present.
func (a *Anchor) Len() int { return a.n }

// Has reports whether node i is present.
func (a *Anchor) Has(i int) bool {
	return a.n > 0 && i >= 0 && i < len(a.nodes) && a.nodes[i].rest == 0
}

// Add brings back the node that left last and returns its number. On an Anchor
// from which none was removed that is the number of nodes it had. The node
// gains the keys that it owned before it left, and no other key moves.
//
// Add returns an error wrapping [ErrTooManyNodes] if all nodes below the
// capacity are present.
func (a *Anchor) Add() (int, error) {
	if a.n == len(a.nodes) {
		return -1, fmt.Errorf("hashring: anchor: add to %d nodes: at the capacity: %w", a.n, ErrTooManyNodes)
	}
	last := len(a.left) - 1
	i := a.left[last]
	a.left = a.left[:last]
	place, end := a.places[i], uint32(a.n)
	a.places[a.works[end]] = end
	a.works[place] = i
	a.nodes[i] = anchorNode{rest: 0, heir: i}
	a.n++
	return int(i), nil
}

// Remove takes node i away. Its keys go to the others evenly, and no other key
// moves.
//
// Remove returns an error wrapping [ErrUnknown] if node i is not present, and
// then changes nothing.
func (a *Anchor) Remove(i int) error {
	if !a.Has(i) {
		return fmt.Errorf("hashring: anchor: remove node %d: not present: %w", i, ErrUnknown)
	}
	a.remove(uint32(i))
	return nil
}

func (a *Anchor) remove(i uint32) {
	a.left = append(a.left, i)
	a.n--
	place, heir := a.places[i], a.works[a.n]
	a.nodes[i] = anchorNode{rest: uint32(a.n), heir: heir}
	a.works[place], a.places[heir] = heir, place
}

// Clone returns a copy that changes independently. It costs O(capacity).
func (a *Anchor) Clone() *Anchor {
	return &Anchor{
		nodes:  slices.Clone(a.nodes),
		works:  slices.Clone(a.works),
		places: slices.Clone(a.places),
		left:   slices.Clone(a.left),
		n:      a.n,
	}
}
