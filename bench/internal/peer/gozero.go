package peer

import (
	"github.com/zeebo/xxh3"
	"github.com/zeromicro/go-zero/core/hash"
)

// go-zero: sorted 64-bit hashes and a map from hash to a list of nodes, under a
// read-write lock. Keys and nodes are of type any and are turned to strings by
// reflection. It sorts all hashes for every node added.
func goZeroPeer() Peer {
	return Peer{
		Name: "go-zero", Module: "github.com/zeromicro/go-zero",
		Kind: Ring, Array: true,
		Note: "hash xxh3 instead of murmur3; sorts the whole ring for each node added",
		New: func(nodes []string, points int, c Clock) (Placement, error) {
			g := &goZero{hash.NewCustomConsistentHash(points, xxh3.Hash)}
			return g, c.each(nodes, g.Add)
		},
	}
}

type goZero struct{ r *hash.ConsistentHash }

func (g *goZero) Owner(key string) string {
	id, _ := g.r.Get(key)
	s, _ := id.(string)
	return s
}

func (g *goZero) Owners(keys []string) (n int) {
	for _, k := range keys {
		id, _ := g.r.Get(k)
		s, _ := id.(string)
		n += len(s)
	}
	return n
}

func (g *goZero) Add(id string) error {
	g.r.Add(id)
	return nil
}

func (g *goZero) Remove(id string) error {
	g.r.Remove(id)
	return nil
}
