package hashring

import (
	"fmt"
	"math/bits"
)

const (
	maglevSizeDefault = 65537
	maglevSizeMax     = 1 << 28
)

// A Maglev places keys by the table of Maglev (Eisenbud and others, NSDI 2016,
// section 3.4). A lookup costs one load from the table, whatever the number of
// nodes. The balance is even to one slot of the table: make the table at least
// a hundred times as large as the number of nodes for a balance within 1 %.
//
// A change of nodes builds the table anew and moves somewhat more keys than it
// must. When one of 10, 100 or 1000 nodes left a table of 65537 slots, 0.2 %,
// 0.6 % or 0.6 % of the slots moved that it had not owned; of a table of 655373
// slots, 0.1 %, 0.1 % or 0.3 %.
//
// A Maglev never changes; make another for other nodes. The zero Maglev has no
// node.
//
// Node i prefers the slots offset + j*skip mod size for j = 0, 1, 2, ..., where
// offset is mix64(s) mod size, skip is mix64(s + 0x9e3779b97f4a7c15) mod
// (size-1) + 1, s is xxh3 of its id and mix64 is the finalizer of SplitMix64.
// Nodes take turns, in each of which one takes the first free slot that it
// prefers. The turns are ordered by round, then by id: a node of weight w has
// its first turn in round 0 and turn k in round ceil((2k+1) * heaviest / 2w).
// With even weights that is one turn a round, as in the paper. A key with hash
// h belongs to the node in slot floor(h * size / 2^64).
type Maglev struct {
	narrow []uint16 // the table, if indexes fit, or nil
	wide   []int32  // the table otherwise
	n      int
}

// NewMaglev returns the placement on nodes by a table of size slots, which must
// be a prime not less than the number of nodes. 0 means 65537. A table holds 2
// bytes a slot for up to 65536 nodes and 4 for more. It costs O(size log size)
// on average, and O(log n) more for each slot if weights differ.
//
// A node has at least one slot, however light. Other than that, it has its
// share of the slots by weight, rounded.
//
// It returns an error wrapping [ErrOptions] if size is not such a prime or over
// 2^28, and one wrapping [ErrID], [ErrDuplicate], [ErrWeight], [ErrMeta] or
// [ErrTooManyNodes] as [New] does.
func NewMaglev(nodes []Node, size int) (*Maglev, error) {
	sorted, err := placedNodes(nodes)
	if err != nil {
		return nil, fmt.Errorf("hashring: maglev: %w", err)
	}
	if size == 0 {
		size = maglevSizeDefault
	}
	switch {
	case size < len(nodes):
		return nil, fmt.Errorf("hashring: maglev: table of %d slots for %d nodes: want a prime of some hundred times the nodes: %w",
			size, len(nodes), ErrOptions)
	case size > maglevSizeMax:
		return nil, fmt.Errorf("hashring: maglev: table of %d slots: at most %d: %w", size, maglevSizeMax, ErrOptions)
	case !isPrime(size):
		return nil, fmt.Errorf("hashring: maglev: table of %d slots: want a prime: %w", size, ErrOptions)
	}
	m := &Maglev{n: len(nodes)}
	if len(nodes) == 0 {
		return m, nil
	}
	table := maglevTable(sorted, uint32(size))
	if len(nodes) > 1<<16 {
		m.wide = table
		return m, nil
	}
	m.narrow = make([]uint16, size)
	for i, node := range table {
		m.narrow[i] = uint16(node)
	}
	return m, nil
}

// Locate returns the index of the node that owns the key with this hash, or -1
// if there is no node.
func (m *Maglev) Locate(hash uint64) int {
	if len(m.narrow) > 0 {
		slot, _ := bits.Mul64(hash, uint64(len(m.narrow)))
		return int(m.narrow[slot])
	}
	if len(m.wide) > 0 {
		slot, _ := bits.Mul64(hash, uint64(len(m.wide)))
		return int(m.wide[slot])
	}
	return -1
}

// Len returns the number of nodes.
func (m *Maglev) Len() int { return m.n }

// A maglevNode walks the slots that a node prefers.
type maglevNode struct{ next, skip uint32 }

// maglevTable fills a table for nodes that are sorted by id.
func maglevTable(sorted []placedNode, size uint32) []int32 {
	table := make([]int32, size)
	for i := range table {
		table[i] = -1
	}
	walks := make([]maglevNode, len(sorted))
	for i, n := range sorted {
		walks[i] = maglevNode{
			next: uint32(mix64(n.seed) % uint64(size)),
			skip: uint32(mix64(n.seed+golden)%uint64(size-1)) + 1,
		}
	}
	turns := newMaglevTurns(sorted)
	for range table {
		node := turns.next()
		w := &walks[node]
		for table[w.next] >= 0 {
			w.next += w.skip
			if w.next >= size {
				w.next -= size
			}
		}
		table[w.next] = sorted[node].index
	}
	return table
}

// maglevTurns tells whose turn it is. It is a heap of each node's next turn as
// round<<20 | node, so that the least is next. With even weights all nodes have
// a turn each round, and the heap is not needed.
type maglevTurns struct {
	sorted   []placedNode
	heaviest uint64
	heap     []uint64 // nil if weights are even
	taken    []uint64 // by node: the turns that it had
	last     int      // the node before, if weights are even
}

func newMaglevTurns(sorted []placedNode) *maglevTurns {
	t := &maglevTurns{sorted: sorted, last: len(sorted) - 1}
	if evenWeights(sorted) {
		return t
	}
	t.heap = make([]uint64, len(sorted))
	t.taken = make([]uint64, len(sorted))
	for i, n := range sorted {
		t.heap[i] = uint64(i)
		t.heaviest = max(t.heaviest, uint64(n.weight))
	}
	return t
}

// next returns the node whose turn it is.
func (t *maglevTurns) next() int {
	if t.heap == nil {
		t.last++
		if t.last == len(t.sorted) {
			t.last = 0
		}
		return t.last
	}
	node := int(t.heap[0] & slotMask)
	t.taken[node]++
	// A round is below 2^28 + 2^17: the heaviest node has a turn in each but
	// one. So rounds fit beside 20 bits of node.
	twice := 2 * uint64(t.sorted[node].weight)
	round := ((2*t.taken[node]+1)*t.heaviest + twice - 1) / twice
	t.sink(round<<slotBits | uint64(node))
	return node
}

// sink replaces the least turn of the heap.
func (t *maglevTurns) sink(turn uint64) {
	at := 0
	for {
		child := 2*at + 1
		if child >= len(t.heap) {
			break
		}
		if child+1 < len(t.heap) && t.heap[child+1] < t.heap[child] {
			child++
		}
		if turn <= t.heap[child] {
			break
		}
		t.heap[at] = t.heap[child]
		at = child
	}
	t.heap[at] = turn
}

func isPrime(n int) bool {
	for d := 2; d*d <= n; d++ {
		if n%d == 0 {
			return false
		}
	}
	return n > 1
}
