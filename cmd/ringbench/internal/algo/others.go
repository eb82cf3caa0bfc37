package algo

import (
	"fmt"
	"slices"

	"github.com/clusterluck/clusterluck/hashring"
)

func jump() *Algorithm {
	return &Algorithm{
		Name:    "jump",
		Title:   "jump hash (Lamping and Veach 2014)",
		Use:     "shards that are numbered and only ever grow or shrink at the end: no memory, even load",
		Limits:  "no weights, no replicas; only the last node can leave without moving other keys",
		Removal: RemoveLast, Moves: true,
		make: func(nodes []hashring.Node, _ Setting) (Placement, error) {
			return newIndexed(nodes, RemoveLast, false, func(nodes []hashring.Node) (*hashring.Jump, error) {
				return hashring.NewJump(len(nodes))
			})
		},
	}
}

func rendezvous() *Algorithm {
	return &Algorithm{
		Name:    "rendezvous",
		Title:   "rendezvous hash, highest random weight (Thaler and Ravishankar 1998)",
		Use:     "up to a few dozen nodes, where even load and simple state matter more than speed",
		Limits:  "a lookup scores every node, so it costs time in proportion to them",
		Weights: true, Removal: RemoveAny, Moves: true,
		make: newRendezvous,
	}
}

func weightedRendezvous() *Algorithm {
	return &Algorithm{
		Name:    "weighted-rendezvous",
		Title:   "weighted rendezvous hash",
		Use:     "a few nodes whose weights must be met almost exactly",
		Limits:  "a lookup scores every node and takes a logarithm for each; equal weights become 1,2,3 in turn",
		Weights: true, Removal: RemoveAny, Moves: true,
		make: func(nodes []hashring.Node, s Setting) (Placement, error) {
			return newRendezvous(unequal(nodes), s)
		},
	}
}

// unequal returns nodes whose weights differ, since equal weights would measure
// plain rendezvous.
func unequal(nodes []hashring.Node) []hashring.Node {
	for i := range nodes {
		if weight(nodes[i]) != weight(nodes[0]) {
			return nodes
		}
	}
	out := make([]hashring.Node, len(nodes))
	for i := range nodes {
		out[i] = nodes[i]
		out[i].Weight = 1 + i%3
	}
	return out
}

func weight(n hashring.Node) int { return max(n.Weight, 1) }

func newRendezvous(nodes []hashring.Node, _ Setting) (Placement, error) {
	return newIndexed(nodes, RemoveAny, true, hashring.NewRendezvous)
}

func maglev() *Algorithm {
	return &Algorithm{
		Name:    "maglev",
		Title:   "Maglev hash (Eisenbud et al. 2016)",
		Use:     "load balancers: one table load a lookup and even load, where a few needless moves do no harm",
		Limits:  "no replicas; any change rebuilds the table and moves some keys between nodes that stay",
		Weights: true, Removal: RemoveAny, Moves: true,
		make: func(nodes []hashring.Node, _ Setting) (Placement, error) {
			return newIndexed(nodes, RemoveAny, true, func(nodes []hashring.Node) (*hashring.Maglev, error) {
				return hashring.NewMaglev(nodes, 0)
			})
		},
	}
}

// multiProbes is the number of probes of its paper, for a peak of about 1.05.
const multiProbes = 21

func multiProbe() *Algorithm {
	return &Algorithm{
		Name:    "multiprobe",
		Title:   "multi-probe hash (Appleton and O'Reilly 2015)",
		Use:     "even load by name from one point for each unit of weight, where memory is short and lookups may take longer",
		Limits:  "no replicas; a lookup searches once for each of its 21 probes",
		Weights: true, Removal: RemoveAny, Moves: true, fixed: Setting{Probes: multiProbes},
		make: func(nodes []hashring.Node, _ Setting) (Placement, error) {
			return newIndexed(nodes, RemoveAny, true, func(nodes []hashring.Node) (*hashring.MultiProbe, error) {
				return hashring.NewMultiProbe(nodes, multiProbes)
			})
		},
	}
}

func bounded() *Algorithm {
	return &Algorithm{
		Name:   "bounded",
		Title:  "ring with bounded loads, c = 1.25 (Mirrokni et al. 2016)",
		Use:    "hot keys: no node ever holds more than 1.25 times its share of the work under way",
		Limits: "where a key goes depends on the load, so it is no answer to where a key is stored",
		Points: true, Probes: true, Weights: true, Removal: RemoveAny,
		make: newBounded,
	}
}

// bound is the load factor of the bounded ring.
const bound = 1.25

// A boundedPlacement acquires and releases once a lookup.
type boundedPlacement struct {
	*ringPlacement
	bounded *hashring.Bounded
}

func newBounded(nodes []hashring.Node, s Setting) (Placement, error) {
	r, err := newRing(nodes, s, hashring.V1)
	if err != nil {
		return nil, err
	}
	return r.bound()
}

func (p *ringPlacement) bound() (*boundedPlacement, error) {
	b, err := hashring.NewBounded(p.ring, bound)
	if err != nil {
		return nil, err
	}
	return &boundedPlacement{ringPlacement: p, bounded: b}, nil
}

// Owner puts the key on a node and leaves it there.
func (p *boundedPlacement) Owner(key string) string {
	lease, _ := p.bounded.Acquire(key) // "" on an empty ring
	return lease.Node
}

func (p *boundedPlacement) Lookup(keys []string) int {
	sum := 0
	for _, key := range keys {
		lease, _ := p.bounded.Acquire(key)
		sum += len(lease.Node)
		lease.Release()
	}
	return sum
}

func (p *boundedPlacement) Clone() (Placement, error) {
	r := p.ring.Clone()
	c := &ringPlacement{ring: r, snap: r.Snapshot(), order: slices.Clone(p.order)}
	return c.bound()
}

func (p *boundedPlacement) Bytes() int {
	// A padded counter a node, and its entry in two maps.
	return p.ringPlacement.Bytes() + p.snap.Len()*(64+2*32)
}

func anchor() *Algorithm {
	return &Algorithm{
		Name:    "anchor",
		Title:   "AnchorHash (Mendelson et al. 2020)",
		Use:     "numbered nodes that may leave in any order, with little memory and even load",
		Limits:  "no weights, no replicas; its capacity is fixed, the last to leave returns first, and two agree only after the same changes",
		Removal: RemoveAny, Moves: true,
		make: newAnchor,
	}
}

// An anchorPlacement maps the numbers of an anchor to nodes.
type anchorPlacement struct {
	place *hashring.Anchor
	hash  *hashring.Snapshot
	nodes []hashring.Node // by number; ID "" if the number is not in use
}

func newAnchor(nodes []hashring.Node, _ Setting) (Placement, error) {
	capacity := anchorCapacity(len(nodes))
	place, err := hashring.NewAnchor(capacity, len(nodes))
	if err != nil {
		return nil, err
	}
	var empty hashring.Ring
	a := &anchorPlacement{place: place, hash: empty.Snapshot(), nodes: make([]hashring.Node, capacity)}
	copy(a.nodes, nodes)
	return a, nil
}

// anchorCapacity leaves room for as many nodes again.
func anchorCapacity(nodes int) int { return min(max(2*nodes, 16), hashring.MaxNodes) }

func (a *anchorPlacement) Owner(key string) string {
	i := a.place.Locate(a.hash.Hash(key))
	if i < 0 {
		return ""
	}
	return a.nodes[i].ID
}

func (a *anchorPlacement) Lookup(keys []string) int {
	sum := 0
	for _, key := range keys {
		sum += a.place.Locate(a.hash.Hash(key))
	}
	return sum
}

func (a *anchorPlacement) Nodes() []hashring.Node {
	var nodes []hashring.Node
	for _, n := range a.nodes {
		if n.ID != "" {
			nodes = append(nodes, n)
		}
	}
	return nodes
}

func (a *anchorPlacement) Clone() (Placement, error) {
	return &anchorPlacement{place: a.place.Clone(), hash: a.hash, nodes: slices.Clone(a.nodes)}, nil
}

func (a *anchorPlacement) Add(n hashring.Node) error {
	i, err := a.place.Add()
	if err != nil {
		return err
	}
	a.nodes[i] = n
	return nil
}

func (a *anchorPlacement) Remove(id string) error {
	i := slices.IndexFunc(a.nodes, func(n hashring.Node) bool { return n.ID == id })
	if i < 0 || id == "" {
		return fmt.Errorf("node %q: %w", id, hashring.ErrUnknown)
	}
	if err := a.place.Remove(i); err != nil {
		return err
	}
	a.nodes[i] = hashring.Node{}
	return nil
}

func (a *anchorPlacement) Reweight(id string, _ int) error {
	return fmt.Errorf("weight of node %q: %w", id, ErrCannot)
}

func (a *anchorPlacement) Bytes() int { return deepSize(a.place) }
