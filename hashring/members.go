package hashring

import (
	"cmp"
	"math/bits"
	"slices"
	"strings"

	"github.com/zeebo/xxh3"
)

// members are the nodes of a ring, in columns, by slot. The columns that a
// lookup reads are apart from those that it does not. A slot whose id is empty
// is free and has weight 0. Members are never changed once published.
type members struct {
	ids     []string
	weights []int32
	extras  []extra  // nil while no node has any
	order   []uint32 // the used slots, by id
	free    []uint32
	weight  int64     // of all nodes
	zones   int       // number of distinct zones
	sum     [2]uint64 // of the nodes' hashes: see fingerprint
}

// An extra is what few nodes have.
type extra struct{ zone, meta string }

// newMembers returns the members for nodes that are sorted by id, valid and
// distinct.
func newMembers(nodes []Node) *members {
	m := &members{
		ids:     make([]string, len(nodes)),
		weights: make([]int32, len(nodes)),
		order:   make([]uint32, len(nodes)),
	}
	for i, n := range nodes {
		m.order[i] = uint32(i)
		m.put(uint32(i), n)
	}
	m.countZones()
	return m
}

// put writes a node into a free slot.
func (m *members) put(slot uint32, n Node) {
	m.ids[slot], m.weights[slot] = n.ID, int32(n.Weight)
	if m.extras == nil && (n.Zone != "" || n.Meta != "") {
		m.extras = make([]extra, len(m.ids))
	}
	if m.extras != nil {
		m.extras[slot] = extra{n.Zone, n.Meta}
	}
	m.weight += int64(n.Weight)
	m.addHash(n)
}

// take frees the slot of a node.
func (m *members) take(slot uint32) {
	n := m.node(slot)
	m.ids[slot], m.weights[slot] = "", 0
	if m.extras != nil {
		m.extras[slot] = extra{}
	}
	m.weight -= int64(n.Weight)
	m.subHash(n)
}

// clone returns members that may be changed, with room for so many more nodes.
func (m *members) clone(more int) *members {
	c := *m
	if more -= len(m.free); more < 0 {
		more = 0
	}
	c.ids = cloneWithRoom(m.ids, more)
	c.weights = cloneWithRoom(m.weights, more)
	if m.extras != nil {
		c.extras = cloneWithRoom(m.extras, more)
	}
	c.order = cloneWithRoom(m.order, more+len(m.free))
	c.free = slices.Clone(m.free)
	return &c
}

func cloneWithRoom[T any](s []T, more int) []T {
	return append(make([]T, 0, len(s)+more), s...)
}

// grow returns a free slot.
func (m *members) grow() uint32 {
	if last := len(m.free) - 1; last >= 0 {
		slot := m.free[last]
		m.free = m.free[:last]
		return slot
	}
	m.ids = append(m.ids, "")
	m.weights = append(m.weights, 0)
	if m.extras != nil {
		m.extras = append(m.extras, extra{})
	}
	return uint32(len(m.ids) - 1)
}

// search returns the place of id in order, and whether it is there.
func (m *members) search(id string) (int, bool) {
	return slices.BinarySearchFunc(m.order, id, func(slot uint32, id string) int {
		return strings.Compare(m.ids[slot], id)
	})
}

// slot returns the slot of a node.
func (m *members) slot(id string) (uint32, bool) {
	i, ok := m.search(id)
	if !ok {
		return 0, false
	}
	return m.order[i], true
}

func (m *members) node(slot uint32) Node {
	n := Node{ID: m.ids[slot], Weight: int(m.weights[slot])}
	if m.extras != nil {
		n.Zone, n.Meta = m.extras[slot].zone, m.extras[slot].meta
	}
	return n
}

func (m *members) zone(slot uint32) string {
	if m.extras == nil {
		return ""
	}
	return m.extras[slot].zone
}

// points returns the number of points on the circle.
func (m *members) points(o Options) int { return int(m.weight) * o.Points }

func (m *members) countZones() {
	m.zones = min(len(m.order), 1)
	if m.extras == nil {
		return
	}
	seen := make(map[string]struct{})
	for _, slot := range m.order {
		seen[m.extras[slot].zone] = struct{}{}
	}
	m.zones = len(seen)
}

// orderTies puts runs of points that share a position, in points that are
// sorted otherwise, into the layout's order.
func (m *members) orderTies(pts []point, o Options) {
	for i := 1; i < len(pts); i++ {
		if pts[i].at() != pts[i-1].at() {
			continue
		}
		start := i - 1
		for i < len(pts) && pts[i].at() == pts[start].at() {
			i++
		}
		m.orderRun(pts[start:i], o)
	}
}

// orderRun orders points that all share a position.
func (m *members) orderRun(run []point, o Options) {
	if o.Layout == Clusterluck {
		for i, t := range m.runTexts(run, o) {
			run[i] = point(run[i].at()) | point(t.slot)
		}
		return
	}
	slices.SortFunc(run, func(p, q point) int {
		return strings.Compare(m.ids[p.slot()], m.ids[q.slot()])
	})
}

// A slotText is the whole position of a point of the clusterluck layout.
type slotText struct {
	text text
	slot uint32
}

// runTexts returns the whole positions of points that share the 44 bits that a
// table keeps, in order. They are computed again, which is slow, and so rare
// that it does not matter: 44 bits agree by chance once in 2^44 pairs.
func (m *members) runTexts(run []point, o Options) []slotText {
	var texts []slotText
	slots := make([]uint32, len(run))
	for i, p := range run {
		slots[i] = p.slot()
	}
	slices.Sort(slots)
	for _, slot := range slices.Compact(slots) {
		src := o.Layout.pointsOf(m.ids[slot], 0)
		for i := range int(m.weights[slot]) * o.Points {
			if src.next()&o.mask() == run[0].at() {
				texts = append(texts, slotText{labelText(m.ids[slot], i+1), slot})
			}
		}
	}
	slices.SortFunc(texts, func(a, b slotText) int {
		return cmp.Or(strings.Compare(string(a.text[:]), string(b.text[:])), strings.Compare(m.ids[a.slot], m.ids[b.slot]))
	})
	return texts
}

// mask clears the bits of a hash that are not position.
func (o Options) mask() uint64 { return ^uint64(1<<(slotBits+o.truncate) - 1) }

// addHash and subHash keep the sum of the nodes' hashes.
func (m *members) addHash(n Node) {
	h := nodeHash(n)
	m.sum[0], m.sum[1] = m.sum[0]+h.Hi, m.sum[1]+h.Lo
}

func (m *members) subHash(n Node) {
	h := nodeHash(n)
	m.sum[0], m.sum[1] = m.sum[0]-h.Hi, m.sum[1]-h.Lo
}

// nodeHash hashes all that Equal compares of a node, each part behind its
// length so that no two nodes read alike.
func nodeHash(n Node) xxh3.Uint128 {
	return xxh3.Hash128(appendNode(make([]byte, 0, 64), n))
}

// bytes returns the memory that the columns hold, without the text of ids.
func (m *members) bytes() int {
	const word = bits.UintSize / 8
	return cap(m.ids)*2*word + cap(m.weights)*4 + cap(m.extras)*4*word + cap(m.order)*4 + cap(m.free)*4
}
