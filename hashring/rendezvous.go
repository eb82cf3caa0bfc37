package hashring

import (
	"fmt"
	"math"
	"math/bits"
)

// A Rendezvous places keys by highest random weight (Thaler and Ravishankar,
// 1998): each node draws a number for the key, and the best draw wins. The
// balance is as even as independent draws can be, shares follow the weights
// exactly, and any node may join, leave or change its weight without moving a
// key needlessly.
//
// A lookup looks at every node: about 2 ns each, and up to twice that if weights
// differ. The state is 12 bytes a node, or 24 and 2 KiB if weights differ.
//
// A Rendezvous never changes; make another for other nodes. The zero
// Rendezvous has no node.
//
// The draw of a node for a key with hash h is x, the top 44 bits of
// mix64(h ^ mix64(s)), where s is xxh3 of the node's id and mix64 is the
// finalizer of SplitMix64. The score is E(x)/w, where w is the node's weight and
// E(x) = -log2(1 - x/2^44), and the least score wins, then the least id. (That
// is the greatest -w/ln(u) for u = 1 - x/2^44.) With even weights the least x
// wins, since E rises with x.
//
// No two platforms need agree on a logarithm in floating point. E is therefore
// a number with 58 fractional bits, computed in integers by a rule that any
// language can follow; see rendezvousScore. Floating point only tells which
// nodes need not be compared so.
type Rendezvous struct {
	seeds   []uint64  // by id
	indexes []int32   // in the caller's list
	weights []uint32  // nil if even
	parts   []uint64  // floor((2^64 - 1) / weight)
	curve   []float64 // see estimate
}

// NewRendezvous returns the placement on nodes. It costs O(n log n).
//
// It returns an error wrapping [ErrID], [ErrDuplicate], [ErrWeight], [ErrMeta]
// or [ErrTooManyNodes] as [New] does.
func NewRendezvous(nodes []Node) (*Rendezvous, error) {
	sorted, err := placedNodes(nodes)
	if err != nil {
		return nil, fmt.Errorf("hashring: rendezvous: %w", err)
	}
	r := &Rendezvous{seeds: make([]uint64, len(sorted)), indexes: make([]int32, len(sorted))}
	for i, n := range sorted {
		r.seeds[i], r.indexes[i] = mix64(n.seed), n.index
	}
	if evenWeights(sorted) {
		return r, nil
	}
	r.weights, r.parts = make([]uint32, len(sorted)), make([]uint64, len(sorted))
	for i, n := range sorted {
		r.weights[i], r.parts[i] = n.weight, math.MaxUint64/uint64(n.weight)
	}
	r.curve = rendezvousCurve()
	return r, nil
}

// rendezvousFew is the number of nodes up to which a lookup does without
// branches on draws. Among few nodes a new least is not predicted, and costs
// more than the two instructions that avoid it; among many it is rare.
const rendezvousFew = 64

// Locate returns the index of the node that owns the key with this hash, or -1
// if there is no node.
func (r *Rendezvous) Locate(hash uint64) int {
	switch {
	case len(r.seeds) == 0:
		return -1
	case r.weights != nil:
		return int(r.indexes[r.locateWeighted(hash)])
	}
	// The draw is kept above the node, so that the least number is both.
	best, few := uint64(math.MaxUint64), min(len(r.seeds), rendezvousFew)
	for i, seed := range r.seeds[:few] {
		draw := mix64(hash^seed)&^slotMask | uint64(i)
		_, less := bits.Sub64(draw, best, 0)
		best ^= (best ^ draw) & -less
	}
	for i, seed := range r.seeds[few:] {
		if draw := mix64(hash ^ seed); draw < best {
			best = min(best, draw&^slotMask|uint64(few+i))
		}
	}
	return int(r.indexes[best&slotMask])
}

// Len returns the number of nodes.
func (r *Rendezvous) Len() int { return len(r.seeds) }

// locateWeighted returns the node with the least score. E(x)*ln(2) is x/2^44
// and a little more, so x/weight is a bound of the score that costs one
// multiplication. With few nodes the one of the least bound is the answer if its
// score is below the next bound.
func (r *Rendezvous) locateWeighted(hash uint64) int {
	if len(r.seeds) > rendezvousFew {
		return r.searchWeighted(hash)
	}
	first, second := uint64(math.MaxUint64), uint64(math.MaxUint64)
	parts := r.parts[:len(r.seeds)]
	for i, seed := range r.seeds {
		bound, _ := bits.Mul64(mix64(hash^seed)&^slotMask, parts[i])
		bound = bound&^slotMask | uint64(i)
		_, less := bits.Sub64(bound, first, 0)
		swap := (first ^ bound) & -less
		first, bound = first^swap, bound^swap
		_, less = bits.Sub64(bound, second, 0)
		second ^= (second ^ bound) & -less
	}
	node := int(first & slotMask)
	score := r.estimate(mix64(hash^r.seeds[node])>>slotBits) / float64(r.weights[node])
	if second&^slotMask > rendezvousLimit(score) {
		return node
	}
	return r.searchWeighted(hash)
}

// rendezvousSlack bounds how far the quotient of two estimated scores is from
// that of the scores, relatively: the sum of the errors of estimate, 2^-14 each,
// and of the rounding of E, which is 2^-14 each for the least draw.
const rendezvousSlack = 0x1p-11

// rendezvousLimit returns the bound above which a node surely loses to one with
// this estimated score.
func rendezvousLimit(score float64) uint64 {
	if score >= 1-rendezvousSlack {
		return math.MaxUint64
	}
	return uint64(score * ((1 + rendezvousSlack) * 0x1p64))
}

// searchWeighted is locateWeighted for any nodes: it passes over those whose
// bound is too high, estimates the score of the others, and where two estimates
// are too close, compares the scores.
func (r *Rendezvous) searchWeighted(hash uint64) int {
	best, bestDraw, bestScore := -1, uint64(0), math.Inf(1)
	limit := uint64(math.MaxUint64)
	parts := r.parts[:len(r.seeds)]
	for i, seed := range r.seeds {
		draw := mix64(hash ^ seed)
		if bound, _ := bits.Mul64(draw&^slotMask, parts[i]); bound > limit {
			continue
		}
		draw >>= slotBits
		score := r.estimate(draw) / float64(r.weights[i])
		slack := bestScore * rendezvousSlack
		switch {
		case score > bestScore+slack:
			continue
		case best >= 0 && score >= bestScore-slack && !r.wins(i, draw, best, bestDraw):
			continue
		}
		best, bestDraw, bestScore = i, draw, score
		limit = rendezvousLimit(score)
	}
	return best
}

// wins reports whether node i with draw x has a lower score than node j with
// draw y. Scores are compared crosswise, so that nothing is rounded.
func (r *Rendezvous) wins(i int, x uint64, j int, y uint64) bool {
	iHi, iLo := bits.Mul64(rendezvousScore(x), uint64(r.weights[j]))
	jHi, jLo := bits.Mul64(rendezvousScore(y), uint64(r.weights[i]))
	return iHi < jHi || iHi == jHi && iLo < jLo
}

// rendezvousScore returns E(x) * 2^58 for x below 2^44. It writes 1 - x/2^44 as
// z / 2^n with z in [1, 2), takes 58 bits of log2(z), and returns n less that.
// z has 63 fractional bits. To square z doubles its logarithm: if the square is
// 2 or more the next bit is 1 and the square is halved. What does not fit is
// cut off. The result rises strictly with x, since no step can change the order
// of two z.
func rendezvousScore(x uint64) uint64 {
	rest := 1<<44 - x
	zeros := bits.LeadingZeros64(rest)
	z, log := rest<<zeros, uint64(0)
	for range 58 {
		hi, lo := bits.Mul64(z, z)
		bit := hi >> 63
		log = log<<1 | bit
		z = hi<<(1-bit) | lo>>63&(1-bit)
	}
	return uint64(zeros-19)<<58 - log
}

// rendezvousCurve returns the values of E(x)*ln(2)/(x/2^44) at the first 225 of
// 256 equal steps of x. They may differ in the last bit between platforms.
func rendezvousCurve() []float64 {
	curve := make([]float64, 225)
	curve[0] = 1
	for i := 1; i < len(curve); i++ {
		x := float64(i) / 256
		curve[i] = -math.Log1p(-x) / x
	}
	return curve
}

// estimate returns E(x)*ln(2) within 2^-14 of itself. Between the steps of the
// curve a line errs by less than 2^-19 times the second derivative, which is 58
// at the last step.
func (r *Rendezvous) estimate(x uint64) float64 {
	i := x >> 36
	if i >= 224 {
		return -math.Log(float64(1<<44-x) * 0x1p-44)
	}
	part := float64(x&(1<<36-1)) * 0x1p-36
	return float64(x) * 0x1p-44 * (r.curve[i] + part*(r.curve[i+1]-r.curve[i]))
}
