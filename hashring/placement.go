package hashring

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/zeebo/xxh3"
)

// A Placement decides which of its nodes owns a key, given the key's hash. The
// hash is 64 bits of which every bit counts, such as xxh3 of the key; the
// methods Hash and HashBytes of a [Ring] under [V1] compute it.
//
// A placement does one thing. Start with a [Ring]: it alone has replicas,
// predecessors, zones, ranges, an exact difference of two states and changes
// beside readers. Take another placement for what it does better:
//
//   - [Jump] has no state at all and an even balance, but its nodes are numbers
//     from 0, have no weights, and only the last may leave. It fits shards that
//     are never lost, such as partitions of a data set.
//   - [Rendezvous] is even, exact in its weights and any node may leave, but a
//     lookup looks at every node: up to some tens of nodes.
//   - [Maglev] has the fastest lookup, one load, and a balance even to one slot
//     of its table. A change of nodes moves a few keys more than it must, and
//     builds the table anew. It fits load balancers that track connections.
//   - [MultiProbe] has one point for each unit of weight, so that its state is
//     the smallest of those that know nodes by name, and its most loaded node
//     has about 1.07 times the mean. A lookup costs more than on a Ring.
//   - [Anchor] is even, fast, and any node may leave and return, but nodes are
//     numbers below a fixed capacity, have no weights, and two Anchors agree
//     only if they saw the same changes in the same order.
//
// All but Maglev move no key needlessly: a node that joins takes keys from the
// others, a node that leaves gives its keys to the others, and no other key
// moves.
//
// The answers of every placement are part of the API: the same nodes, hash and
// parameters give the same answer on every platform and in every version of
// this package. Rendezvous, Maglev and MultiProbe give it by the ids of the
// nodes, whatever their order in the list.
type Placement interface {
	// Locate returns the node that owns the key with this hash: its index in
	// the list of nodes, or -1 if there is no node. It allocates nothing, and
	// any number of goroutines may call it at once.
	Locate(hash uint64) int
	// Len returns the number of nodes.
	Len() int
}

var (
	_ Placement = (*Jump)(nil)
	_ Placement = (*Rendezvous)(nil)
	_ Placement = (*Maglev)(nil)
	_ Placement = (*MultiProbe)(nil)
	_ Placement = (*Anchor)(nil)
)

// A placed node is what a placement by name needs of a [Node].
type placedNode struct {
	id     string
	seed   uint64 // xxh3 of the id
	weight uint32
	index  int32 // in the caller's list
}

// placedNodes checks the nodes and returns them by id.
func placedNodes(nodes []Node) ([]placedNode, error) {
	if len(nodes) > MaxNodes {
		return nil, fmt.Errorf("%d nodes: at most %d: %w", len(nodes), MaxNodes, ErrTooManyNodes)
	}
	sorted := make([]placedNode, len(nodes))
	for i, n := range nodes {
		n = n.withDefaults()
		if err := n.validate(); err != nil {
			return nil, err
		}
		sorted[i] = placedNode{id: n.ID, seed: xxh3.HashString(n.ID), weight: uint32(n.Weight), index: int32(i)}
	}
	slices.SortFunc(sorted, func(a, b placedNode) int { return cmp.Compare(a.id, b.id) })
	for i := 1; i < len(sorted); i++ {
		if sorted[i].id == sorted[i-1].id {
			return nil, fmt.Errorf("node %q is given twice: %w", sorted[i].id, ErrDuplicate)
		}
	}
	return sorted, nil
}

// evenWeights reports whether all nodes weigh the same.
func evenWeights(nodes []placedNode) bool {
	for _, n := range nodes {
		if n.weight != nodes[0].weight {
			return false
		}
	}
	return true
}
