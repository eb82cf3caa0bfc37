package hashring

import (
	"fmt"
	"slices"
)

// circle is the number of positions.
const circle = 1 << PositionBits

// A Share is the part of the keys that a node owns.
type Share struct {
	// ID is the node's id.
	ID string
	// Arc is the number of the circle's 1<<[PositionBits] positions at which a
	// key is the node's. It is 0 with Probes > 1, where a node owns no arcs.
	Arc uint64
	// Fraction is the share of all keys, 0 to 1.
	Fraction float64
}

// Ownership returns every node's share of the keys, in id order; the fractions
// sum to 1. It is exact for evenly spread hashes, not a sample. With Probes > 1
// it is computed from the lengths of the gaps between points, as if the probes
// of a key were independent. It costs O(points), O(points x log) with probes.
func (s *Snapshot) Ownership() []Share {
	shares := make([]Share, len(s.m.ids))
	if s.opts.Probes > 1 {
		gaps := make([]uint64, 0, s.t.n)
		s.arcs(func(r Range, _ uint32) { gaps = append(gaps, r.Len()) })
		wins := newWins(gaps, s.opts.Probes)
		s.arcs(func(r Range, slot uint32) { shares[slot].Fraction += wins.chance(r.Len()) })
	} else {
		s.arcs(func(r Range, slot uint32) { shares[slot].Arc += r.Len() })
		for i := range shares {
			shares[i].Fraction = float64(shares[i].Arc) / circle
		}
	}
	ordered := make([]Share, len(s.m.order))
	for i, slot := range s.m.order {
		ordered[i] = shares[slot]
		ordered[i].ID = s.m.ids[slot]
	}
	return ordered
}

// A Range is a run of positions, both ends included. It wraps around the circle
// if First > Last.
type Range struct{ First, Last uint64 }

// Len returns the number of positions, 1 to 1<<[PositionBits].
func (r Range) Len() uint64 { return (r.Last-r.First)&(circle-1) + 1 }

// Contains reports whether position p is in the range.
func (r Range) Contains(p uint64) bool { return (p-r.First)&(circle-1) < r.Len() }

// Ranges returns the positions at which keys are a node's, clockwise, neighbors
// joined, by their first position: a range that wraps comes last. A key's
// position is the top [PositionBits] bits of its [Snapshot.Hash]; under
// [Clusterluck] a key that shares all of them with a point may be the next
// node's.
//
// Ranges returns an error wrapping [ErrUnknown] if the ring lacks id, and
// [ErrProbes] with Probes > 1. It costs O(points).
func (s *Snapshot) Ranges(id string) ([]Range, error) {
	if s.opts.Probes > 1 {
		return nil, fmt.Errorf("hashring: ranges of %q with %d probes: %w", id, s.opts.Probes, ErrProbes)
	}
	slot, ok := s.m.slot(id)
	if !ok {
		return nil, fmt.Errorf("hashring: ranges of %q: %w", id, ErrUnknown)
	}
	var ranges []Range
	s.arcs(func(r Range, of uint32) {
		if of == slot {
			ranges = appendRange(ranges, r)
		}
	})
	return joinEnds(ranges), nil
}

// appendRange appends r, joined to the last range if it goes on there.
func appendRange(ranges []Range, r Range) []Range {
	if last := len(ranges) - 1; last >= 0 && (ranges[last].Last+1)&(circle-1) == r.First {
		ranges[last].Last = r.Last
		return ranges
	}
	return append(ranges, r)
}

// joinEnds joins the first range to the last if it goes on there, and moves a
// range that wraps to the end.
func joinEnds(ranges []Range) []Range {
	if len(ranges) < 2 {
		return ranges
	}
	first, last := ranges[0], &ranges[len(ranges)-1]
	if (last.Last+1)&(circle-1) == first.First {
		last.Last = first.Last
		return ranges[1:]
	}
	if first.First > ranges[1].First { // it wraps, or ends with the circle
		return append(ranges[1:], first)
	}
	return ranges
}

// arcs calls f for every run of positions whose keys belong to one point,
// clockwise from the first point, with the slot of its node.
func (s *Snapshot) arcs(f func(Range, uint32)) {
	if s.t.n == 0 {
		return
	}
	prev, started := s.t.point(s.t.prev(s.t.settle(cursor{}))).at()>>slotBits, false
	for page := range s.t.pages {
		for _, p := range s.t.pages[page] {
			at := p.at() >> slotBits
			if started && at == prev {
				continue // behind another point of this position
			}
			f(s.arc(prev, at), p.slot())
			prev, started = at, true
		}
	}
}

// arc returns the positions that belong to a point, given the last point's.
func (s *Snapshot) arc(prev, at uint64) Range {
	if s.opts.Layout == Clusterluck {
		return Range{prev, (at - 1) & (circle - 1)}
	}
	return Range{(prev + 1) & (circle - 1), at}
}

// wins holds the chance of a point to be the nearest to one of several
// independent probes, by the length of the gap before it.
type wins struct {
	gaps    []uint64 // ascending, distinct
	chances []float64
}

// newWins works on the distance x from a probe to the next point. A single
// probe is farther than x with probability S(x), the sum of max(0, gap-x); the
// point behind a gap g wins with the integral of k S(x)^(k-1) from 0 to g. S is
// linear between two gap lengths, so the integral is exact piece by piece.
func newWins(gaps []uint64, probes int) *wins {
	slices.Sort(gaps)
	w := &wins{}
	far, x, sum := 1.0, 0.0, 0.0
	for i := 0; i < len(gaps); {
		g := float64(gaps[i]) / circle
		longer := float64(len(gaps) - i) // gaps that reach beyond x
		next := max(0, far-longer*(g-x))
		sum += (power(far, probes) - power(next, probes)) / longer
		w.gaps, w.chances = append(w.gaps, gaps[i]), append(w.chances, sum)
		far, x = next, g
		for i++; i < len(gaps) && gaps[i] == w.gaps[len(w.gaps)-1]; i++ {
		}
	}
	return w
}

func (w *wins) chance(gap uint64) float64 {
	i, _ := slices.BinarySearch(w.gaps, gap)
	return w.chances[i]
}

func power(x float64, n int) float64 {
	y := 1.0
	for range n {
		y *= x
	}
	return y
}
