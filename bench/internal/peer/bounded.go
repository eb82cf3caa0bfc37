package peer

import (
	"fmt"

	"github.com/buraksezer/consistent"
	lafikl "github.com/lafikl/consistent"
	"github.com/zeebo/xxh3"
)

// lafikl: ten points a node, which cannot be changed, hashed with BLAKE2b, under
// a read-write lock. It is the one rival with loads that are bounded request by
// request.
func lafiklPeer() Peer {
	return Peer{
		Name: "lafikl", Module: "github.com/lafikl/consistent", Kind: Other,
		Note: "10 points a node, fixed; hash BLAKE2b, fixed; sorts the whole ring for each node added",
		New: func(nodes []string, _ int, c Clock) (Placement, error) {
			r := lafikl.New()
			err := c.each(nodes, func(id string) error {
				r.Add(id)
				return nil
			})
			return &lafiklRing{r: r}, err
		},
	}
}

type lafiklRing struct {
	r      *lafikl.Consistent
	window []string
	next   int
}

func (l *lafiklRing) Owner(key string) string {
	id, _ := l.r.Get(key)
	return id
}

func (l *lafiklRing) Owners(keys []string) (n int) {
	for _, k := range keys {
		id, _ := l.r.Get(k)
		n += len(id)
	}
	return n
}

// NewBoundedLafikl returns a contender that holds as many requests as asked.
func NewBoundedLafikl(nodes []string, held int, keys []string) Bounder {
	l := &lafiklRing{r: lafikl.New(), window: make([]string, held)}
	for _, id := range nodes {
		l.r.Add(id)
	}
	for i := range l.window {
		id, _ := l.r.GetLeast(keys[i%len(keys)])
		l.r.Inc(id)
		l.window[i] = id
	}
	return l
}

func (l *lafiklRing) Rounds(keys []string) {
	for _, k := range keys {
		l.r.Done(l.window[l.next])
		id, _ := l.r.GetLeast(k)
		l.r.Inc(id)
		l.window[l.next] = id
		if l.next++; l.next == len(l.window) {
			l.next = 0
		}
	}
}

// buraksezer: keys fall into a fixed number of partitions by modulo, and only
// partitions are placed on a ring, with bounded loads. A lookup is a hash and
// one lookup in a map. With as many partitions as a ring has points it takes
// about their memory. Its ring gets the 20 replicas that are its default, since
// it sorts all of them for every node it is given.
func buraksezerPeer() Peer {
	return Peer{
		Name: "buraksezer", Module: "github.com/buraksezer/consistent", Kind: Other, Bulk: true, NodesMax: 1000,
		Note: "partitions, as many as our ring has points; hash xxh3; 20 replicas, load 1.25",
		New: func(nodes []string, points int, _ Clock) (p Placement, err error) {
			members := make([]consistent.Member, len(nodes))
			for i, id := range nodes {
				members[i] = member(id)
			}
			defer func() {
				if r := recover(); r != nil {
					p, err = nil, fmt.Errorf("panic: %v", r)
				}
			}()
			return &buraksezer{consistent.New(members, consistent.Config{
				Hasher:            xxh3Hasher{},
				PartitionCount:    len(nodes) * points,
				ReplicationFactor: consistent.DefaultReplicationFactor,
				Load:              consistent.DefaultLoad,
			})}, nil
		},
	}
}

type xxh3Hasher struct{}

func (xxh3Hasher) Sum64(b []byte) uint64 { return xxh3.Hash(b) }

type buraksezer struct{ r *consistent.Consistent }

func (b *buraksezer) Owner(key string) string { return b.r.LocateKey([]byte(key)).String() }

func (b *buraksezer) Owners(keys []string) (n int) {
	for _, k := range keys {
		n += len(b.r.LocateKey([]byte(k)).String())
	}
	return n
}

func (b *buraksezer) Top(key string, n int) []string {
	ids, _ := b.r.GetClosestN([]byte(key), n)
	out := make([]string, len(ids))
	for i, id := range ids {
		out[i] = id.String()
	}
	return out
}

func (b *buraksezer) Tops(keys []string, n int) (sum int) {
	for _, k := range keys {
		ids, _ := b.r.GetClosestN([]byte(k), n)
		sum += len(ids)
	}
	return sum
}

func (b *buraksezer) Add(id string) error {
	b.r.Add(member(id))
	return nil
}

func (b *buraksezer) Remove(id string) error {
	b.r.Remove(id)
	return nil
}
