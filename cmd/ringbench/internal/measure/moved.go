package measure

import (
	"context"
	"fmt"

	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/algo"
	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/result"
	"github.com/clusterluck/clusterluck/hashring"
)

// movedTrials is how many different nodes join, and how many leave, each from
// the same start. The share of one node of a ring of 160 points is 8 % off; the
// mean of four is 4 % off.
const movedTrials = 4

// A move is what a change did to the keys.
type move struct {
	moved    int     // keys, popularity counted
	needless int     // keys that the change did not call for
	optimum  float64 // keys that change hands if every node has its fair share
}

// moved counts what moves when nodes join, leave and change weight.
func (s *subject) moved(ctx context.Context, p algo.Placement, sample *sample) ([]result.Row, error) {
	before := sample.owners(p)
	total := 0
	for _, n := range p.Nodes() {
		total += s.weightIn(n)
	}
	var rows []result.Row
	for _, kind := range []struct {
		name string
		try  func(trial, total int) (change, bool)
	}{
		{"add", s.adding(p)}, {"remove", s.removing(p)}, {"weight", s.reweighting(p)},
	} {
		var sum move
		trials := 0
		for trial := range movedTrials {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			ch, ok := kind.try(trial, total)
			if !ok {
				break
			}
			m, err := ch.count(p, before, sample)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", s.algo.Name, err)
			}
			sum.moved += m.moved
			sum.needless += m.needless
			sum.optimum += m.optimum
			trials++
		}
		if trials == 0 || sum.optimum == 0 {
			continue
		}
		r := s.exact("moved-"+kind.name, float64(sum.moved)/sum.optimum)
		r.Detail = map[string]float64{
			"moved": float64(sum.moved) / float64(sample.total*trials), "trials": float64(trials), "keys": float64(sample.total),
		}
		needless := s.exact("needless-"+kind.name, float64(sum.needless))
		needless.Detail = map[string]float64{
			"share": needless.Value / float64(sample.total*trials), "trials": float64(trials), "keys": float64(sample.total),
		}
		rows = append(rows, r, needless)
	}
	return rows, nil
}

// weightIn returns the weight that the algorithm gives a node: 1 if it has no
// weights.
func (s *subject) weightIn(n hashring.Node) int {
	if !s.algo.Weights {
		return 1
	}
	return weightOf(n)
}

// A change is one change to a placement.
type change struct {
	id    string // of the node that joins, leaves or changes
	share float64
	leave bool
	make  func(p algo.Placement) error
}

// count makes the change to a copy and compares the owners.
func (ch change) count(p algo.Placement, before []string, sample *sample) (move, error) {
	after, err := p.Clone()
	if err != nil {
		return move{}, err
	}
	if err := ch.make(after); err != nil {
		return move{}, err
	}
	m := move{optimum: ch.share * float64(sample.total)}
	for i, now := range sample.owners(after) {
		if now == before[i] {
			continue
		}
		m.moved += sample.counts[i]
		if (ch.leave && before[i] != ch.id) || (!ch.leave && now != ch.id) {
			m.needless += sample.counts[i]
		}
	}
	return m, nil
}

// adding returns the joining of a node of weight 1.
func (s *subject) adding(algo.Placement) func(trial, total int) (change, bool) {
	return func(trial, total int) (change, bool) {
		n := hashring.Node{ID: fmt.Sprintf("joining-%d", trial+1), Weight: 1}
		return change{
			id: n.ID, share: 1 / float64(total+1),
			make: func(p algo.Placement) error { return p.Add(n) },
		}, true
	}
}

// removing returns the leaving of nodes spread over the list, or of the last if
// the algorithm can lose no other.
func (s *subject) removing(p algo.Placement) func(trial, total int) (change, bool) {
	nodes := p.Nodes()
	return func(trial, total int) (change, bool) {
		at := (trial*len(nodes) + len(nodes)/2) / movedTrials
		if s.algo.Removal == algo.RemoveLast {
			at = len(nodes) - 1
			if trial > 0 {
				return change{}, false
			}
		}
		if len(nodes) < 2 || at >= len(nodes) {
			return change{}, false
		}
		n := nodes[at]
		return change{
			id: n.ID, share: float64(s.weightIn(n)) / float64(total), leave: true,
			make: func(p algo.Placement) error { return p.Remove(n.ID) },
		}, true
	}
}

// reweighting returns the doubling of the weight of nodes spread over the list.
func (s *subject) reweighting(p algo.Placement) func(trial, total int) (change, bool) {
	nodes := p.Nodes()
	return func(trial, total int) (change, bool) {
		at := (trial*len(nodes) + len(nodes)/2) / movedTrials
		if !s.algo.Weights || len(nodes) < 2 || at >= len(nodes) {
			return change{}, false
		}
		n := nodes[at]
		w := weightOf(n)
		if 2*w > hashring.MaxWeight {
			return change{}, false
		}
		return change{
			id: n.ID, share: float64(2*w)/float64(total+w) - float64(w)/float64(total),
			make: func(p algo.Placement) error { return p.Reweight(n.ID, 2*w) },
		}, true
	}
}
