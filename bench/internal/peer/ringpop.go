package peer

import (
	"github.com/uber/ringpop-go/hashring"
	"github.com/uber/ringpop-go/membership"
)

// ringpop: a red-black tree of points under a read-write lock. After every
// change it walks the whole tree for two checksums, which its users cannot turn
// off and which is most of what adding a node costs.
func ringpopPeer() Peer {
	return Peer{
		Name: "ringpop", Module: "github.com/uber/ringpop-go",
		Kind: Ring, Bulk: true,
		Note: "red-black tree under a lock, hash xxh3, 32 bits of it; two checksums of the whole tree at each change",
		New: func(nodes []string, points int, _ Clock) (Placement, error) {
			r := hashring.New(xxh3Low, points)
			members := make([]membership.Member, len(nodes))
			for i, id := range nodes {
				members[i] = member(id)
			}
			r.AddMembers(members...)
			return &ringpop{r}, nil
		},
	}
}

// A member is a node as several rivals want it.
type member string

func (m member) GetAddress() string          { return string(m) }
func (m member) Label(string) (string, bool) { return "", false }
func (m member) Identity() string            { return string(m) }
func (m member) Key() string                 { return string(m) }
func (m member) String() string              { return string(m) }

type ringpop struct{ r *hashring.HashRing }

func (r *ringpop) Owner(key string) string {
	id, _ := r.r.Lookup(key)
	return id
}

func (r *ringpop) Owners(keys []string) (n int) {
	for _, k := range keys {
		id, _ := r.r.Lookup(k)
		n += len(id)
	}
	return n
}

func (r *ringpop) Top(key string, n int) []string { return r.r.LookupN(key, n) }

func (r *ringpop) Tops(keys []string, n int) (sum int) {
	for _, k := range keys {
		sum += len(r.r.LookupN(k, n))
	}
	return sum
}

func (r *ringpop) Add(id string) error {
	r.r.AddMembers(member(id))
	return nil
}

func (r *ringpop) Remove(id string) error {
	r.r.RemoveMembers(member(id))
	return nil
}
