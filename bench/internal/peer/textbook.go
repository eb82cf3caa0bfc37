package peer

import (
	"cmp"
	"slices"

	"github.com/zeebo/xxh3"
)

// textbook is no module: it is the ring that one writes in an afternoon, the
// positions in one sorted array, the owners in a second one, and a binary
// search. It has no lock, no map and no way to change. It is shown so that a
// reader sees what of a ratio is the merit of ours and what the fault of a
// rival.
func textbookPeer() Peer {
	return Peer{
		Name: "textbook", Kind: Other, Bulk: true,
		Note: "no module: sorted array, parallel owners, slices.BinarySearch, xxh3, written for this comparison",
		New: func(nodes []string, points int, _ Clock) (Placement, error) {
			return newTextbook(nodes, points), nil
		},
	}
}

type textbook struct {
	at    []uint64
	owner []uint32
	ids   []string
}

func newTextbook(nodes []string, points int) *textbook {
	type point struct {
		at    uint64
		owner uint32
	}
	all := make([]point, 0, len(nodes)*points)
	for i, id := range nodes {
		seed := xxh3.HashString(id)
		for p := range points {
			all = append(all, point{mix(seed + uint64(p)*0x9e3779b97f4a7c15), uint32(i)})
		}
	}
	slices.SortFunc(all, func(a, b point) int { return cmp.Compare(a.at, b.at) })
	t := &textbook{make([]uint64, len(all)), make([]uint32, len(all)), nodes}
	for i, p := range all {
		t.at[i], t.owner[i] = p.at, p.owner
	}
	return t
}

// mix is the finalizer of splitmix64.
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

func (t *textbook) Owner(key string) string {
	i, _ := slices.BinarySearch(t.at, xxh3.HashString(key))
	if i == len(t.at) {
		i = 0
	}
	return t.ids[t.owner[i]]
}

func (t *textbook) Owners(keys []string) (n int) {
	for _, k := range keys {
		n += len(t.Owner(k))
	}
	return n
}
