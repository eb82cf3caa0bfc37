package peer

import (
	"github.com/authzed/consistent/hashring"
	"github.com/zeebo/xxh3"
)

// authzed: a sorted array of 72-byte virtual nodes under a read-write lock. It
// sorts the whole array for every node added, and FindN makes a map and a slice
// for every lookup, also for one owner.
func authzedPeer() Peer {
	return Peer{
		Name: "authzed", Module: "github.com/authzed/consistent",
		Kind: Ring, Array: true,
		Note: "hash xxh3; sorts the whole ring for each node added",
		New: func(nodes []string, points int, c Clock) (Placement, error) {
			r, err := hashring.New(xxh3.Hash, uint16(points))
			if err != nil {
				return nil, err
			}
			a := &authzed{r}
			return a, c.each(nodes, a.Add)
		},
	}
}

type authzed struct{ r *hashring.Ring }

func (a *authzed) Owner(key string) string {
	ids, err := a.r.FindN([]byte(key), 1)
	if err != nil {
		return ""
	}
	return ids[0].Key()
}

func (a *authzed) Owners(keys []string) (n int) {
	for _, k := range keys {
		ids, err := a.r.FindN([]byte(k), 1)
		if err == nil {
			n += len(ids[0].Key())
		}
	}
	return n
}

func (a *authzed) Top(key string, n int) []string {
	ids, _ := a.r.FindN([]byte(key), uint8(n))
	out := make([]string, len(ids))
	for i, id := range ids {
		out[i] = id.Key()
	}
	return out
}

func (a *authzed) Tops(keys []string, n int) (sum int) {
	for _, k := range keys {
		ids, _ := a.r.FindN([]byte(k), uint8(n))
		sum += len(ids)
	}
	return sum
}

func (a *authzed) Add(id string) error { return a.r.Add(member(id)) }

func (a *authzed) Remove(id string) error { return a.r.Remove(member(id)) }
