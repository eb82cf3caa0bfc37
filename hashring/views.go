package hashring

import (
	"encoding/binary"
	"encoding/hex"
	"iter"
	"slices"
	"strings"

	"github.com/zeebo/xxh3"
)

// A Point is one of a node's places on the circle.
type Point struct {
	// Position is the place, of [PositionBits] bits.
	Position uint64
	// Label is the position as text: 11 hex digits under [V1], the whole
	// base64 of the SHA-256 under [Clusterluck].
	Label string
	// Node is the id of the point's node.
	Node string
}

// Weights yields the nodes' ids and weights, in id order.
func (s *Snapshot) Weights() iter.Seq2[string, int] {
	return func(yield func(string, int) bool) {
		for _, slot := range s.m.order {
			if !yield(s.m.ids[slot], int(s.m.weights[slot])) {
				return
			}
		}
	}
}

// Nodes yields the nodes in id order.
func (s *Snapshot) Nodes() iter.Seq[Node] {
	return func(yield func(Node) bool) {
		for _, slot := range s.m.order {
			if !yield(s.m.node(slot)) {
				return
			}
		}
	}
}

// All yields the points clockwise from position 0. Under [Clusterluck] it
// computes every SHA-256 again.
func (s *Snapshot) All() iter.Seq[Point] {
	return func(yield func(Point) bool) {
		texts := s.texts()
		for page := range s.t.pages {
			for _, p := range s.t.pages[page] {
				point := Point{Position: uint64(p) >> slotBits, Node: s.m.ids[p.slot()]}
				if s.opts.Layout == Clusterluck {
					at := spot{p.at(), p.slot()}
					t := texts[at]
					point.Label = string(t[0][:])
					if len(t) > 1 { // several points of one node: in order
						texts[at] = t[1:]
					}
				} else {
					point.Label = hexLabel(point.Position)
				}
				if !yield(point) {
					return
				}
			}
		}
	}
}

// hexLabel returns a position as 11 hex digits.
func hexLabel(position uint64) string {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], position)
	return hex.EncodeToString(b[2:])[1:]
}

// A spot is where a node has a point, or several.
type spot struct {
	at   uint64
	slot uint32
}

// texts returns the whole positions of all points of a Clusterluck ring,
// ascending for each place.
func (s *Snapshot) texts() map[spot][]text {
	if s.opts.Layout != Clusterluck {
		return nil
	}
	texts := make(map[spot][]text, s.t.n)
	for _, slot := range s.m.order {
		id := s.m.ids[slot]
		src := s.opts.Layout.pointsOf(id, 0)
		for i := range int(s.m.weights[slot]) * s.opts.Points {
			p := spot{src.next() & s.mask, slot}
			texts[p] = append(texts[p], labelText(id, i+1))
		}
	}
	for _, t := range texts {
		slices.SortFunc(t, func(a, b text) int { return strings.Compare(string(a[:]), string(b[:])) })
	}
	return texts
}

// Fingerprint returns a hash of the options and of all that [Ring.Equal]
// compares of the nodes, the same whatever the order in which they were added.
// It costs O(1). It tells rings apart that differ by chance, not by design: it
// is not cryptographic.
func (s *Snapshot) Fingerprint() [16]byte { return s.m.fingerprint(s.opts.withDefaults()) }

func (m *members) fingerprint(o Options) [16]byte {
	var b [8 * 6]byte
	for i, v := range []uint64{uint64(o.Layout), uint64(o.Points), uint64(o.Probes), uint64(len(m.order)), m.sum[0], m.sum[1]} {
		binary.BigEndian.PutUint64(b[8*i:], v)
	}
	return xxh3.Hash128(b[:]).Bytes()
}

// Bytes returns the memory that the snapshot holds, in bytes, without the text
// of ids, zones and metadata. Snapshots that follow one another share most.
func (s *Snapshot) Bytes() int {
	return s.t.bytes() + s.m.bytes()
}
