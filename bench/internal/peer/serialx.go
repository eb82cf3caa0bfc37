package peer

import (
	"github.com/serialx/hashring"
	"github.com/zeebo/xxh3"
)

// serialx: sorted hash keys behind an interface and a map from key to node. Its
// default hash is MD5; the documented NewWithHashAndWeights takes another one,
// here xxh3. Add and Remove return a new ring that is laid out from nothing.
func serialxPeer() Peer {
	return Peer{
		Name: "serialx", Module: "github.com/serialx/hashring",
		Kind: Ring, Array: true, Bulk: true,
		Note: "hash xxh3 instead of MD5; a change lays out a new ring",
		New: func(nodes []string, points int, _ Clock) (Placement, error) {
			weights := make(map[string]int, len(nodes))
			for _, id := range nodes {
				weights[id] = points
			}
			return &serialx{hashring.NewWithHashAndWeights(weights, hash64), points}, nil
		},
	}
}

// A key64 is a position; serialx wants an interface and so allocates each.
type key64 uint64

func (k key64) Less(o hashring.HashKey) bool { return k < o.(key64) }

func hash64(b []byte) hashring.HashKey { return key64(xxh3.Hash(b)) }

type serialx struct {
	r      *hashring.HashRing
	points int
}

func (s *serialx) Owner(key string) string {
	id, _ := s.r.GetNode(key)
	return id
}

func (s *serialx) Owners(keys []string) (n int) {
	for _, k := range keys {
		id, _ := s.r.GetNode(k)
		n += len(id)
	}
	return n
}

func (s *serialx) Top(key string, n int) []string {
	ids, _ := s.r.GetNodes(key, n)
	return ids
}

func (s *serialx) Tops(keys []string, n int) (sum int) {
	for _, k := range keys {
		ids, _ := s.r.GetNodes(k, n)
		sum += len(ids)
	}
	return sum
}

func (s *serialx) Add(id string) error {
	s.r = s.r.AddWeightedNode(id, s.points)
	return nil
}

func (s *serialx) Remove(id string) error {
	s.r = s.r.RemoveNode(id)
	return nil
}
