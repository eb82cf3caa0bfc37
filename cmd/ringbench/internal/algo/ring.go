package algo

import (
	"fmt"
	"slices"

	"github.com/clusterluck/clusterluck/hashring"
)

func ring() *Algorithm {
	return &Algorithm{
		Name:   "ring",
		Title:  "hash ring, layout v1",
		Use:    "nodes come and go in any order, carry weights or hold replicas: the default choice",
		Limits: "balance costs memory: the spread of load falls with the square root of the points",
		Points: true, Probes: true, Weights: true, Replicas: true, Zones: true, Arcs: true,
		Removal: RemoveAny, Moves: true,
		make: func(nodes []hashring.Node, s Setting) (Placement, error) {
			return newRing(nodes, s, hashring.V1)
		},
	}
}

func clusterluckRing() *Algorithm {
	return &Algorithm{
		Name:   "clusterluck",
		Title:  "hash ring, layout of the original clusterluck (SHA-256)",
		Use:    "a ring that must agree with nodes that run the original",
		Limits: "one SHA-256 a key and one a point: lookups and builds are slower than layout v1",
		Points: true, Weights: true, Replicas: true, Zones: true, Arcs: true,
		Removal: RemoveAny, Moves: true, fixed: Setting{Probes: 1},
		make: func(nodes []hashring.Node, s Setting) (Placement, error) {
			return newRing(nodes, s, hashring.Clusterluck)
		},
	}
}

// A ringPlacement reads from a snapshot, as a program that looks up many keys
// does, and changes the ring.
type ringPlacement struct {
	ring  *hashring.Ring
	snap  *hashring.Snapshot
	order []string // ids in order of addition
}

func newRing(nodes []hashring.Node, s Setting, layout hashring.Layout) (*ringPlacement, error) {
	r, err := hashring.New(hashring.Options{Points: s.Points, Probes: s.Probes, Layout: layout}, nodes...)
	if err != nil {
		return nil, err
	}
	p := &ringPlacement{ring: r, snap: r.Snapshot(), order: make([]string, len(nodes))}
	for i := range nodes {
		p.order[i] = nodes[i].ID
	}
	return p, nil
}

func (p *ringPlacement) Owner(key string) string {
	id, _ := p.snap.Owner(key) // "" on an empty ring
	return id
}

func (p *ringPlacement) Lookup(keys []string) int {
	sum := 0
	for _, key := range keys {
		id, _ := p.snap.Owner(key)
		sum += len(id)
	}
	return sum
}

func (p *ringPlacement) AppendOwners(dst []string, key string, n int) []string {
	return p.snap.AppendOwners(dst, key, n)
}

func (p *ringPlacement) AppendZoneOwners(dst []string, key string, n int) []string {
	return p.snap.AppendZoneOwners(dst, key, n)
}

func (p *ringPlacement) Top(keys []string, n int) int {
	sum := 0
	owners := make([]string, 0, n)
	for _, key := range keys {
		owners = p.snap.AppendOwners(owners[:0], key, n)
		sum += len(owners)
	}
	return sum
}

func (p *ringPlacement) Ownership() []hashring.Share { return p.snap.Ownership() }

func (p *ringPlacement) Nodes() []hashring.Node {
	nodes := make([]hashring.Node, len(p.order))
	for i, id := range p.order {
		nodes[i], _ = p.snap.Get(id) // every id of order is on the ring
	}
	return nodes
}

func (p *ringPlacement) Clone() (Placement, error) {
	r := p.ring.Clone()
	return &ringPlacement{ring: r, snap: r.Snapshot(), order: slices.Clone(p.order)}, nil
}

func (p *ringPlacement) Add(n hashring.Node) error {
	if err := p.ring.Add(n); err != nil {
		return err
	}
	p.snap = p.ring.Snapshot()
	p.order = append(p.order, n.ID)
	return nil
}

func (p *ringPlacement) Remove(id string) error {
	if !p.ring.Remove(id) {
		return fmt.Errorf("node %q: %w", id, hashring.ErrUnknown)
	}
	p.snap = p.ring.Snapshot()
	p.order = slices.DeleteFunc(p.order, func(o string) bool { return o == id })
	return nil
}

func (p *ringPlacement) Reweight(id string, weight int) error {
	if err := p.ring.SetWeight(id, weight); err != nil {
		return err
	}
	p.snap = p.ring.Snapshot()
	return nil
}

func (p *ringPlacement) Bytes() int { return p.snap.Bytes() }
