// Package plan computes what moves when one ring takes the place of another:
// the exact share of all keys, the least that any placement must move, and what
// that means for a set of real keys.
//
// It only reads its arguments and keeps no state.
package plan

import (
	"context"
	"encoding/hex"

	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/keys"
	"github.com/clusterluck/clusterluck/hashring"
)

// A Plan says what moves between two rings. Shares are parts of all keys, from
// 0 to 1.
type Plan struct {
	From Side `json:"from"`
	To   Side `json:"to"`
	// Moved is what hashring.Diff computes.
	Moved float64 `json:"moved_share"`
	Exact bool    `json:"moved_is_exact"`
	// Optimum is the least that a placement must move which gives every node
	// exactly its share by weight, before and after.
	Optimum float64 `json:"optimum_share"`
	// Ratio is Moved over Optimum. It is 0 if nothing must move.
	Ratio float64 `json:"moved_over_optimum"`
	// Needless is the share that goes between nodes neither of which changed.
	// It is nil with several probes, where no flows are known.
	Needless *float64 `json:"needless_share"`
	Flows    []Flow   `json:"flows"` // largest first; nil with several probes
	Nodes    []Node   `json:"nodes"` // all of both sides, in id order
	Keys     *Keys    `json:"keys,omitempty"`
}

// A Side describes one of the two rings.
type Side struct {
	Name        string `json:"name"`
	Nodes       int    `json:"nodes"`
	Layout      string `json:"layout"`
	Points      int    `json:"points_per_weight"`
	Probes      int    `json:"probes"`
	Fingerprint string `json:"fingerprint"`
}

// A Flow is the share that moves from one node to another.
type Flow struct {
	From  string  `json:"from"`
	To    string  `json:"to"`
	Share float64 `json:"share"`
}

// A Node is what becomes of one node. Its weight is 0 where it is absent.
type Node struct {
	ID          string  `json:"id"`
	WeightFrom  int     `json:"weight_from"`
	WeightTo    int     `json:"weight_to"`
	ShareFrom   float64 `json:"share_from"`
	ShareTo     float64 `json:"share_to"`
	shareByFrom float64 // by weight
	shareByTo   float64
	pointsFrom  int
	pointsTo    int
}

// DescribeRing returns the side of a snapshot.
func DescribeRing(name string, s *hashring.Snapshot) Side {
	o, f := s.Options(), s.Fingerprint()
	return Side{
		Name: name, Nodes: s.Len(), Layout: o.Layout.String(), Points: o.Points, Probes: o.Probes,
		Fingerprint: hex.EncodeToString(f[:]),
	}
}

// Make compares two rings. The set may be nil; hot is the number of its most
// frequent keys to report. Progress, if not nil, is told of distinct keys that
// were placed. Make returns the error of hashring.Diff if the rings cannot be
// compared, and that of ctx once it is done.
func Make(ctx context.Context, from, to *hashring.Snapshot, fromName, toName string, set *keys.Set, hot int, progress func(n int64)) (*Plan, error) {
	delta, err := hashring.Diff(from, to)
	if err != nil {
		return nil, err
	}
	p := &Plan{From: DescribeRing(fromName, from), To: DescribeRing(toName, to), Moved: delta.Moved, Exact: delta.Exact}
	p.Nodes = compare(from, to)
	for _, n := range p.Nodes {
		p.Optimum += max(0, n.shareByTo-n.shareByFrom)
	}
	// The sum of many shares is off by rounding; nothing to move is exactly 0.
	if p.Optimum < 1e-12 {
		p.Optimum = 0
	}
	if p.Optimum > 0 {
		p.Ratio = p.Moved / p.Optimum
	}
	changes := changesOf(p.Nodes)
	if from.Options().Probes == 1 {
		needless := 0.0
		for _, f := range delta.Flows {
			p.Flows = append(p.Flows, Flow{f.From, f.To, f.Fraction})
			if !changes.needed(f.From, f.To) {
				needless += f.Fraction
			}
		}
		p.Needless = &needless
	}
	if set != nil {
		if p.Keys, err = count(ctx, from, to, set, hot, p.Moved, changes, progress); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// compare lists the nodes of both sides in id order, by a merge of the two
// sorted lists.
func compare(from, to *hashring.Snapshot) []Node {
	olds, news := sideNodes(from), sideNodes(to)
	var nodes []Node
	for len(olds) > 0 || len(news) > 0 {
		var n Node
		takeOld := len(olds) > 0 && (len(news) == 0 || olds[0].ID <= news[0].ID)
		takeNew := len(news) > 0 && (len(olds) == 0 || news[0].ID <= olds[0].ID)
		if takeOld {
			n = olds[0]
			olds = olds[1:]
		}
		if takeNew {
			o := news[0]
			n.ID, n.WeightTo, n.ShareTo = o.ID, o.WeightFrom, o.ShareFrom
			n.shareByTo, n.pointsTo = o.shareByFrom, o.pointsFrom
			news = news[1:]
		}
		nodes = append(nodes, n)
	}
	return nodes
}

// sideNodes lists the nodes of one side, as if it were the old one.
func sideNodes(s *hashring.Snapshot) []Node {
	total := 0
	for _, w := range s.Weights() {
		total += w
	}
	nodes := make([]Node, 0, s.Len())
	for id, w := range s.Weights() {
		nodes = append(nodes, Node{
			ID: id, WeightFrom: w, shareByFrom: float64(w) / float64(total), pointsFrom: w * s.Options().Points,
		})
	}
	for i, share := range s.Ownership() {
		nodes[i].ShareFrom = share.Fraction
	}
	return nodes
}

// changes says for each node whether it has more points now (1), fewer (-1) or
// as many as before (0).
type changes map[string]int

func changesOf(nodes []Node) changes {
	c := make(changes, len(nodes))
	for _, n := range nodes {
		switch {
		case n.pointsTo > n.pointsFrom:
			c[n.ID] = 1
		case n.pointsTo < n.pointsFrom:
			c[n.ID] = -1
		}
	}
	return c
}

// needed reports whether a key has a reason to go from one node to another: one
// lost points or the other gained some.
func (c changes) needed(from, to string) bool { return c[from] < 0 || c[to] > 0 }
