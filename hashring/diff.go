package hashring

import (
	"cmp"
	"fmt"
	"slices"
)

// A Delta says what differs between two rings: which keys change owner.
type Delta struct {
	// Moved is the share of all keys whose owner changes, 0 to 1.
	Moved float64
	// Exact reports whether Moved is exact for evenly spread hashes. With
	// Probes > 1 it is exact while nodes only come and go; where a node's
	// weight changes as well, it is an estimate that takes the node's old and
	// new points as independent.
	Exact bool
	// Flows are the shares that go from one node to another, largest first. It
	// is nil with Probes > 1.
	Flows []Flow

	old, new *Snapshot
}

// A Flow is the share of all keys that moves between two nodes. An empty id
// stands for no node: of a ring that is empty.
type Flow struct {
	From, To string
	Fraction float64
}

// A Move is a range of positions whose keys move between two nodes.
type Move struct {
	Range
	From, To string
}

// Diff compares two rings of the same layout and number of probes; the number
// of points may differ. It walks both once, in O(points), O(points x log) with
// probes. It returns an error wrapping [ErrOptions] if the rings place keys
// differently, so that no walk along both means anything.
func Diff(old, new *Snapshot) (*Delta, error) {
	a, b := old.Options(), new.Options()
	if a.Layout != b.Layout || a.Probes != b.Probes || a.truncate != b.truncate {
		return nil, fmt.Errorf("hashring: diff of a %v ring with %d probes and a %v ring with %d: %w",
			a.Layout, a.Probes, b.Layout, b.Probes, ErrOptions)
	}
	d := &Delta{Exact: true, old: old, new: new}
	if a.Probes > 1 {
		d.byGaps(a.Probes)
		return d, nil
	}
	d.byArcs()
	return d, nil
}

// byArcs sums up the moves.
func (d *Delta) byArcs() {
	type pair struct{ from, to string }
	arcs := make(map[pair]uint64)
	moved := uint64(0)
	d.walk(func(r Range, from, to string) {
		arcs[pair{from, to}] += r.Len()
		moved += r.Len()
	})
	d.Moved = float64(moved) / circle
	d.Flows = make([]Flow, 0, len(arcs))
	for p, arc := range arcs {
		d.Flows = append(d.Flows, Flow{p.from, p.to, float64(arc) / circle})
	}
	slices.SortFunc(d.Flows, func(f, g Flow) int {
		return cmp.Or(cmp.Compare(g.Fraction, f.Fraction), cmp.Compare(f.From, g.From), cmp.Compare(f.To, g.To))
	})
}

// Moves returns the ranges whose keys change owner, clockwise, neighbors with
// the same nodes joined; one that wraps comes last. It costs O(points). It
// returns an error wrapping [ErrProbes] with Probes > 1.
func (d *Delta) Moves() ([]Move, error) {
	if d.old.Options().Probes > 1 {
		return nil, fmt.Errorf("hashring: moves with %d probes: %w", d.old.opts.Probes, ErrProbes)
	}
	var moves []Move
	d.walk(func(r Range, from, to string) {
		if last := len(moves) - 1; last >= 0 && moves[last].Last+1 == r.First &&
			moves[last].From == from && moves[last].To == to {
			moves[last].Last = r.Last
			return
		}
		moves = append(moves, Move{r, from, to})
	})
	if last := len(moves) - 1; last > 0 && moves[0].First == 0 && moves[last].Last == circle-1 &&
		moves[0].From == moves[last].From && moves[0].To == moves[last].To {
		moves[last].Last = moves[0].Last
		moves = moves[1:]
	}
	return moves, nil
}

// walk goes along both circles at once, from position 0, and calls f for every
// run of positions whose owner differs. No run wraps.
func (d *Delta) walk(f func(r Range, from, to string)) {
	olds, news := d.old.ends(), d.new.ends()
	for at := uint64(0); at < circle; {
		o, n := olds.owner(), news.owner()
		end := min(olds.last(), news.last())
		if o != n {
			f(Range{at, end}, o, n)
		}
		at = end + 1
		olds.advance(end)
		news.advance(end)
	}
}

// ends walks the last positions of a ring's arcs, from position 0 on.
type ends struct {
	s    *Snapshot
	arcs []point // last position and slot, ascending
	next int
}

func (s *Snapshot) ends() *ends {
	e := &ends{s: s, arcs: make([]point, 0, s.t.n)}
	s.arcs(func(r Range, slot uint32) {
		e.arcs = append(e.arcs, point(r.Last<<slotBits)|point(slot))
	})
	if len(e.arcs) > 1 && e.arcs[0] > e.arcs[1] { // a Clusterluck point at position 0
		e.arcs = append(e.arcs[1:], e.arcs[0])
	}
	return e
}

// owner returns the id of the node of the current arc.
func (e *ends) owner() string {
	if len(e.arcs) == 0 {
		return ""
	}
	return e.s.m.ids[e.arcs[e.next%len(e.arcs)].slot()]
}

// last returns the last position of the current arc, or of the circle.
func (e *ends) last() uint64 {
	if e.next >= len(e.arcs) {
		return circle - 1
	}
	return e.arcs[e.next].at() >> slotBits
}

// advance goes to the arc after position p.
func (e *ends) advance(p uint64) {
	if e.next < len(e.arcs) && e.last() == p {
		e.next++
	}
}

// byGaps computes Moved from the lengths of gaps. On the circle that has the
// points of both rings, call the point nearest to a probe the winner. If it is
// in both rings, it wins in both and the key stays: every other probe is
// farther in either ring. If it is in one only, that ring gives the key to its
// node, and the key moves unless that node owns it in the other ring too, which
// takes a node that has points in both.
func (d *Delta) byGaps(probes int) {
	if d.old.t.n == 0 || d.new.t.n == 0 {
		if d.old.t.n != d.new.t.n {
			d.Moved = 1
		}
		return
	}
	both := d.union()
	gaps := make([]uint64, len(both))
	for i, p := range both {
		gaps[i] = both.gap(i, p)
	}
	wins := newWins(slices.Clone(gaps), probes)
	oldShares, newShares := sharesByID(d.old), sharesByID(d.new)
	for i, p := range both {
		if p.from == p.to {
			continue
		}
		chance := wins.chance(gaps[i])
		stays := 0.0
		switch {
		case p.from == "":
			stays = oldShares[p.to]
		case p.to == "":
			stays = newShares[p.from]
		}
		if stays > 0 {
			d.Exact = false
		}
		d.Moved += chance * (1 - stays)
	}
}

func sharesByID(s *Snapshot) map[string]float64 {
	shares := make(map[string]float64, s.Len())
	for _, share := range s.Ownership() {
		shares[share.ID] = share.Fraction
	}
	return shares
}

// A joint is a position where either ring has a point, with the nodes it
// belongs to; an empty id where a ring has none.
type joint struct {
	at       uint64
	from, to string
}

type joints []joint

// gap returns the number of positions from the joint before the i-th to it.
func (j joints) gap(i int, p joint) uint64 {
	before := j[(i+len(j)-1)%len(j)].at
	return Range{(before + 1) & (circle - 1), p.at}.Len()
}

// union returns the positions of both rings.
func (d *Delta) union() joints {
	olds, news := d.old.ends().arcs, d.new.ends().arcs
	var all joints
	for len(olds)+len(news) > 0 {
		at := ^uint64(0)
		if len(olds) > 0 {
			at = olds[0].at()
		}
		if len(news) > 0 {
			at = min(at, news[0].at())
		}
		j := joint{at: at >> slotBits}
		if len(olds) > 0 && olds[0].at() == at {
			j.from, olds = d.old.m.ids[olds[0].slot()], olds[1:]
		}
		if len(news) > 0 && news[0].at() == at {
			j.to, news = d.new.m.ids[news[0].slot()], news[1:]
		}
		all = append(all, j)
	}
	return all
}
