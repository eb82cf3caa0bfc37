package peer

import (
	group "github.com/golang/groupcache/consistenthash"
	galaxy "github.com/vimeo/galaxycache/consistenthash"
	"github.com/zeebo/xxh3"
)

// xxh3Low is xxh3 for rivals whose circle has 32 bits.
func xxh3Low(b []byte) uint32 { return uint32(xxh3.Hash(b)) }

// groupcache: a sorted []int of 32-bit hashes and a map from hash to node. It
// has no lock and no way to remove a node. With xxh3 in place of its default
// crc32 it is faster and spreads better. Of 1.6 million points some 300 share a
// hash; the node added last gets it.
func groupcachePeer() Peer {
	return Peer{
		Name: "groupcache", Module: "github.com/golang/groupcache",
		Kind: Ring, Array: true, Bulk: true,
		Note: "hash xxh3, 32 bits of it; no Remove; not safe beside a writer",
		New: func(nodes []string, points int, _ Clock) (Placement, error) {
			m := group.New(points, xxh3Low)
			m.Add(nodes...)
			return &groupcache{m}, nil
		},
	}
}

type groupcache struct{ m *group.Map }

func (g *groupcache) Owner(key string) string { return g.m.Get(key) }

func (g *groupcache) Owners(keys []string) (n int) {
	for _, k := range keys {
		n += len(g.m.Get(k))
	}
	return n
}

func (g *groupcache) Add(id string) error {
	g.m.Add(id)
	return nil
}

// galaxycache: groupcache's ring after years of change: 32-bit hashes, ties
// settled by name, several owners of a key by hashing the key several times
// (not by walking the circle). It has no lock and no way to remove a node.
func galaxycachePeer() Peer {
	return Peer{
		Name: "galaxycache", Module: "github.com/vimeo/galaxycache",
		Kind: Ring, Array: true, Bulk: true,
		Note: "hash xxh3, 32 bits of it; no Remove; not safe beside a writer",
		New: func(nodes []string, points int, _ Clock) (Placement, error) {
			m := galaxy.New(points, xxh3Low)
			m.Add(nodes...)
			return &galaxycache{m}, nil
		},
	}
}

type galaxycache struct{ m *galaxy.Map }

func (g *galaxycache) Owner(key string) string { return g.m.Get(key) }

func (g *galaxycache) Owners(keys []string) (n int) {
	for _, k := range keys {
		n += len(g.m.Get(k))
	}
	return n
}

func (g *galaxycache) Top(key string, n int) []string { return g.m.GetReplicated(key, n) }

func (g *galaxycache) Tops(keys []string, n int) (sum int) {
	for _, k := range keys {
		sum += len(g.m.GetReplicated(k, n))
	}
	return sum
}

func (g *galaxycache) Add(id string) error {
	g.m.Add(id)
	return nil
}
