package replay

import (
	"context"
	"slices"
	"time"

	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/keys"
	"github.com/clusterluck/clusterluck/hashring"
)

// A state is a replay under way.
type state struct {
	ctx     context.Context
	ring    *hashring.Ring
	set     *keys.Set
	config  Config
	result  *Result
	slots   map[string]int // the index of a node in result.Nodes
	window  func(i int) int
	start   func(w int) time.Time // of a window; nil unless by time
	owners  []int32               // of each distinct key, now
	left    []uint32              // how often each distinct key is still to come
	pending []int                 // keys of each window since the last event

	bounded *hashring.Bounded
	flight  []hashring.Lease // a ring buffer of the requests under way
}

func (s *state) prepare() error {
	n, of, err := s.windows()
	if err != nil {
		return err
	}
	s.window = of
	s.result.Windows = make([]Window, n)
	for i := range s.result.Windows {
		s.result.Windows[i].Start = -1
	}
	s.pending = make([]int, n)
	s.left = make([]uint32, s.set.Distinct())
	for i := range s.left {
		s.left[i] = uint32(s.set.Count(i))
	}
	if s.config.Bound > 0 {
		if s.bounded, err = hashring.NewBounded(s.ring, s.config.Bound); err != nil {
			return err
		}
		s.flight = make([]hashring.Lease, max(s.config.InFlight, 1))
		s.result.InFlight = len(s.flight)
	}
	for node := range s.ring.Nodes() {
		s.slot(node.ID)
	}
	s.owners = make([]int32, s.set.Distinct())
	return s.place(func(int, int32) {})
}

// slot returns the index of a node, which it appends if it is new.
func (s *state) slot(id string) int {
	slot, known := s.slots[id]
	if !known {
		slot = len(s.result.Nodes)
		s.slots[id] = slot
		s.result.Nodes = append(s.result.Nodes, id)
	}
	return slot
}

// place finds the owner of every distinct key and calls moved for those whose
// owner is another than before.
func (s *state) place(moved func(i int, owner int32)) error {
	for i := range s.owners {
		if i&0xfff == 0 && s.ctx.Err() != nil {
			return s.ctx.Err()
		}
		id, _ := s.ring.Owner(s.set.Key(i)) // never empty: the last node cannot be removed
		if owner := int32(s.slot(id)); owner != s.owners[i] {
			moved(i, owner)
			s.owners[i] = owner
		}
	}
	return nil
}

func (s *state) replay(events []Event) error {
	done := 0
	for i := range s.set.Len() {
		for len(events) > 0 && events[0].at.keys <= int64(i) {
			if err := s.change(events[0], i); err != nil {
				return err
			}
			events = events[1:]
		}
		if i&0xfff == 0 {
			if s.ctx.Err() != nil {
				return s.ctx.Err()
			}
			if s.config.Progress != nil {
				s.config.Progress(int64(i - done))
				done = i
			}
		}
		s.request(i)
	}
	for _, e := range events { // those that come after the last key
		if err := s.change(e, s.set.Len()); err != nil {
			return err
		}
	}
	s.settle()
	return nil
}

// request counts one key.
func (s *state) request(i int) {
	number := s.window(i)
	w := &s.result.Windows[number]
	if w.Start < 0 {
		w.Start = i
	}
	w.Keys++
	s.pending[number]++
	key := s.set.Index(i)
	s.left[key]--
	owner := int(s.owners[key])
	if s.bounded == nil {
		w.Load = count(w.Load, owner)
		return
	}
	w.Owners = count(w.Owners, owner)
	place := &s.flight[i%len(s.flight)]
	place.Release() // the oldest request ends; the zero lease does nothing
	lease, _ := s.bounded.Acquire(s.set.Key(key))
	*place = lease
	got := s.slots[lease.Node]
	w.Load = count(w.Load, got)
	if got != owner {
		w.Diverted++
		s.result.Diverted++
	}
}

func count(loads []int, slot int) []int {
	if missing := slot + 1 - len(loads); missing > 0 {
		loads = append(loads, make([]int, missing)...)
	}
	loads[slot]++
	return loads
}

// change applies an event before the i-th key and counts what it moves.
func (s *state) change(e Event, i int) error {
	s.settle()
	before := s.ring.Snapshot()
	if err := e.apply(s.ring); err != nil {
		return &ChurnError{File: s.config.ChurnName, Line: e.Line, Err: err}
	}
	delta, err := hashring.Diff(before, s.ring.Snapshot())
	if err != nil {
		return err
	}
	c := Change{At: i, Op: e.Op, ID: e.ID, MovedShare: delta.Moved, Exact: delta.Exact, Later: s.set.Len() - i}
	if e.Op != "remove" {
		c.Weight = e.Weight
		s.slot(e.ID)
	}
	if err := s.place(func(key int, _ int32) {
		c.Moved++
		c.MovedLater += int(s.left[key])
	}); err != nil {
		return err
	}
	s.result.Events = append(s.result.Events, c)
	return nil
}

// settle credits every node with its fair part of the keys since the last
// event, while the weights were what they are.
func (s *state) settle() {
	total := 0
	for _, weight := range s.ring.Weights() {
		total += weight
	}
	for number, n := range s.pending {
		if n == 0 {
			continue
		}
		s.pending[number] = 0
		w := &s.result.Windows[number]
		for id, weight := range s.ring.Weights() {
			slot := s.slots[id]
			if missing := slot + 1 - len(w.Fair); missing > 0 {
				w.Fair = append(w.Fair, make([]float64, missing)...)
			}
			w.Fair[slot] += float64(n) * float64(weight) / float64(total)
		}
	}
}

// finish finds the peaks and the totals.
func (s *state) finish() {
	r := s.result
	r.Totals = make([]Total, len(r.Nodes))
	for i, id := range r.Nodes {
		r.Totals[i].Node = id
		if n, ok := s.ring.Get(id); ok {
			r.Totals[i].Weight = n.Weight
		}
	}
	for i := range r.Windows {
		w := &r.Windows[i]
		if s.start != nil {
			at := s.start(i)
			w.Time = &at
		}
		w.Start = max(w.Start, 0)
		w.Load = append(w.Load, make([]int, len(w.Fair)-min(len(w.Load), len(w.Fair)))...)
		w.Peak = s.peak(w.Load, w.Fair)
		if s.bounded != nil {
			p := s.peak(w.Owners, w.Fair)
			w.ByOwner = &p
		}
		for slot, load := range w.Load {
			r.Totals[slot].Load += load
		}
		for slot, fair := range w.Fair {
			r.Totals[slot].Fair += fair
		}
	}
	r.Windows = slices.DeleteFunc(r.Windows, func(w Window) bool { return w.Keys == 0 && s.start == nil })
}

func (s *state) peak(loads []int, fair []float64) Peak {
	var p Peak
	for slot, load := range loads {
		if slot < len(fair) && fair[slot] > 0 && float64(load)/fair[slot] > p.Ratio {
			p = Peak{s.result.Nodes[slot], float64(load) / fair[slot]}
		}
	}
	return p
}
