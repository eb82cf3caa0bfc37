package algo

import (
	"fmt"
	"slices"

	"github.com/clusterluck/clusterluck/hashring"
)

// An indexed placement finds the index of a node in its list. It is made anew
// for every change, which is what its algorithm costs to change.
type indexed struct {
	nodes   []hashring.Node
	hash    *hashring.Snapshot // of an empty ring: the hash that a ring uses
	place   hashring.Placement
	remake  func(nodes []hashring.Node) (hashring.Placement, error)
	lookup  func(p hashring.Placement, hash *hashring.Snapshot, keys []string) int
	removal Removal
	weights bool
}

// locator is a placement of one concrete type, so that the timed loop calls it
// directly and not through an interface.
type locator interface {
	hashring.Placement
	comparable
}

// newIndexed makes an indexed placement of an algorithm that remake makes.
func newIndexed[P locator](nodes []hashring.Node, removal Removal, weights bool,
	remake func(nodes []hashring.Node) (P, error),
) (*indexed, error) {
	var empty hashring.Ring
	x := &indexed{
		nodes:   slices.Clone(nodes),
		hash:    empty.Snapshot(),
		removal: removal,
		weights: weights,
		remake: func(nodes []hashring.Node) (hashring.Placement, error) {
			return remake(nodes)
		},
		lookup: func(p hashring.Placement, hash *hashring.Snapshot, keys []string) int {
			direct, sum := p.(P), 0
			for _, key := range keys {
				sum += direct.Locate(hash.Hash(key))
			}
			return sum
		},
	}
	return x, x.build(x.nodes)
}

// build replaces the list of nodes and the placement, or neither.
func (x *indexed) build(nodes []hashring.Node) error {
	place, err := x.remake(nodes)
	if err != nil {
		return err
	}
	x.nodes, x.place = nodes, place
	return nil
}

func (x *indexed) Owner(key string) string {
	i := x.place.Locate(x.hash.Hash(key))
	if i < 0 {
		return ""
	}
	return x.nodes[i].ID
}

func (x *indexed) Lookup(keys []string) int { return x.lookup(x.place, x.hash, keys) }

func (x *indexed) Nodes() []hashring.Node { return slices.Clone(x.nodes) }

func (x *indexed) Clone() (Placement, error) {
	c := *x
	return &c, nil // build never changes a list in place
}

func (x *indexed) Add(n hashring.Node) error {
	return x.build(append(slices.Clip(x.nodes), n))
}

func (x *indexed) Remove(id string) error {
	i := x.index(id)
	if i < 0 {
		return fmt.Errorf("node %q: %w", id, hashring.ErrUnknown)
	}
	if x.removal == RemoveLast && i != len(x.nodes)-1 {
		return fmt.Errorf("remove node %q, which is not the last: %w", id, ErrCannot)
	}
	return x.build(slices.Delete(slices.Clone(x.nodes), i, i+1))
}

func (x *indexed) Reweight(id string, weight int) error {
	if !x.weights {
		return fmt.Errorf("weight of node %q: %w", id, ErrCannot)
	}
	i := x.index(id)
	if i < 0 {
		return fmt.Errorf("node %q: %w", id, hashring.ErrUnknown)
	}
	nodes := slices.Clone(x.nodes)
	nodes[i].Weight = weight
	return x.build(nodes)
}

func (x *indexed) index(id string) int {
	return slices.IndexFunc(x.nodes, func(n hashring.Node) bool { return n.ID == id })
}

func (x *indexed) Bytes() int { return deepSize(x.place) }
