package hashring

import (
	"fmt"

	"github.com/dgryski/go-jump"
)

// A Jump places keys on the nodes 0 to n-1 by the jump consistent hash of
// Lamping and Veach (2014). Its state is n alone, its balance is even, and a
// lookup costs O(log n) steps.
//
// Nodes are numbers: going from n to n+1 moves keys to node n only, going back
// moves them off it only, and no other node can join or leave. Nodes have no
// weights.
//
// A Jump never changes; make another for another n. The zero Jump has no node.
// Its answers are those of every other jump hash for the same hash.
type Jump struct {
	n int
}

// NewJump returns the placement on n nodes. It costs nothing.
//
// It returns an error wrapping [ErrOptions] if n is negative, and one wrapping
// [ErrTooManyNodes] if n is over [MaxNodes].
func NewJump(n int) (*Jump, error) {
	switch {
	case n < 0:
		return nil, fmt.Errorf("hashring: jump: %d nodes: want 0 to %d: %w", n, MaxNodes, ErrOptions)
	case n > MaxNodes:
		return nil, fmt.Errorf("hashring: jump: %d nodes: at most %d: %w", n, MaxNodes, ErrTooManyNodes)
	}
	return &Jump{n}, nil
}

// Locate returns the number of the node that owns the key with this hash, or
// -1 if there is no node.
func (j *Jump) Locate(hash uint64) int {
	if j.n == 0 {
		return -1
	}
	return int(jump.Hash(hash, j.n))
}

// Len returns the number of nodes.
func (j *Jump) Len() int { return j.n }
