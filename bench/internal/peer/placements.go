package peer

import (
	"unsafe"

	"github.com/dgryski/go-jump"
	"github.com/dgryski/go-maglev"
	"github.com/dgryski/go-mpchash"
	"github.com/dgryski/go-rendezvous"
	"github.com/edwingeng/doublejump/v2"
	kkdai "github.com/kkdai/maglev"
	"github.com/nspcc-dev/hrw/v2"
	"github.com/zeebo/xxh3"
)

// What follows is not a ring: no points, and other costs when nodes come and
// go. It is shown and not counted.

// mpchash: one point a node, 21 probes a key, which spreads keys about as evenly
// as 400 points a node.
func mpchashPeer() Peer {
	return Peer{
		Name: "mpchash", Module: "github.com/dgryski/go-mpchash", Kind: Other, Bulk: true,
		Note: "multi-probe: 1 point a node, 21 probes; cannot change",
		New: func(nodes []string, _ int, _ Clock) (Placement, error) {
			return &mpcHash{mpchash.New(nodes, xxh3.HashSeed, [2]uint64{1, 2}, 21)}, nil
		},
	}
}

type mpcHash struct{ m *mpchash.Multi }

func (m *mpcHash) Owner(key string) string { return m.m.Hash(key) }

func (m *mpcHash) Owners(keys []string) (n int) {
	for _, k := range keys {
		n += len(m.m.Hash(k))
	}
	return n
}

// go-maglev: a table of 655,373 entries for any number of nodes.
func maglevPeer() Peer {
	return Peer{
		Name: "go-maglev", Module: "github.com/dgryski/go-maglev", Kind: Other, Bulk: true,
		Note: "table of 655,373 entries; a change moves some keys needlessly",
		New: func(nodes []string, _ int, _ Clock) (Placement, error) {
			return &goMaglev{maglev.New(nodes, maglev.BigM), nodes}, nil
		},
	}
}

type goMaglev struct {
	t   *maglev.Table
	ids []string
}

func (m *goMaglev) Owner(key string) string { return m.ids[m.t.Lookup(xxh3.HashString(key))] }

func (m *goMaglev) Owners(keys []string) (n int) {
	for _, k := range keys {
		n += len(m.ids[m.t.Lookup(xxh3.HashString(k))])
	}
	return n
}

// kkdai/maglev keeps the permutation of every node, 8 bytes an entry: 524 KB a
// node with a table of 65,537, so that it is built for 100 nodes at most.
func kkdaiPeer() Peer {
	return Peer{
		Name: "kkdai/maglev", Module: "github.com/kkdai/maglev", Kind: Other, Bulk: true, NodesMax: 100,
		Note: "table of 65,537 entries, SipHash; 524 KB a node, so not built for more than 100",
		New: func(nodes []string, _ int, _ Clock) (Placement, error) {
			m, err := kkdai.NewMaglev(nodes, 65537)
			return &kkdaiMaglev{m}, err
		},
	}
}

type kkdaiMaglev struct{ m *kkdai.Maglev }

func (m *kkdaiMaglev) Owner(key string) string {
	id, _ := m.m.Get(key)
	return id
}

func (m *kkdaiMaglev) Owners(keys []string) (n int) {
	for _, k := range keys {
		id, _ := m.m.Get(k)
		n += len(id)
	}
	return n
}

// go-jump: no memory at all, but only the last node can leave.
func jumpPeer() Peer {
	return Peer{
		Name: "go-jump", Module: "github.com/dgryski/go-jump", Kind: Other, Bulk: true,
		Note: "no memory; only the last node can leave",
		New: func(nodes []string, _ int, _ Clock) (Placement, error) {
			return &goJump{nodes}, nil
		},
	}
}

type goJump struct{ ids []string }

func (j *goJump) Owner(key string) string {
	return j.ids[jump.Hash(xxh3.HashString(key), len(j.ids))]
}

func (j *goJump) Owners(keys []string) (n int) {
	for _, k := range keys {
		n += len(j.ids[jump.Hash(xxh3.HashString(k), len(j.ids))])
	}
	return n
}

// doublejump: go-jump twice, so that any node can leave.
func doublejumpPeer() Peer {
	return Peer{
		Name: "doublejump", Module: "github.com/edwingeng/doublejump/v2", Kind: Other,
		Note: "go-jump twice, so that any node can leave; a change moves some keys needlessly",
		New: func(nodes []string, _ int, c Clock) (Placement, error) {
			d := &doubleJump{doublejump.NewHash[string]()}
			return d, c.each(nodes, d.Add)
		},
	}
}

type doubleJump struct{ h *doublejump.Hash[string] }

func (d *doubleJump) Owner(key string) string {
	id, _ := d.h.Get(xxh3.HashString(key))
	return id
}

func (d *doubleJump) Owners(keys []string) (n int) {
	for _, k := range keys {
		id, _ := d.h.Get(xxh3.HashString(k))
		n += len(id)
	}
	return n
}

func (d *doubleJump) Add(id string) error {
	d.h.Add(id)
	return nil
}

func (d *doubleJump) Remove(id string) error {
	d.h.Remove(id)
	return nil
}

// go-rendezvous: the highest of n hashes, O(n) a lookup. Its Remove always
// panics, so that it is not offered.
func rendezvousPeer() Peer {
	return Peer{
		Name: "go-rendezvous", Module: "github.com/dgryski/go-rendezvous", Kind: Other, Bulk: true,
		Note: "O(nodes) a lookup; its Remove panics",
		New: func(nodes []string, _ int, _ Clock) (Placement, error) {
			return &goRendezvous{rendezvous.New(nodes, xxh3.HashString)}, nil
		},
	}
}

type goRendezvous struct{ r *rendezvous.Rendezvous }

func (r *goRendezvous) Owner(key string) string { return r.r.Lookup(key) }

func (r *goRendezvous) Owners(keys []string) (n int) {
	for _, k := range keys {
		n += len(r.r.Lookup(k))
	}
	return n
}

func (r *goRendezvous) Add(id string) error {
	r.r.Add(id)
	return nil
}

// nspcc/hrw sorts the caller's nodes for every key, in place, and hashes every
// node again. It is built for 100 nodes at most.
func hrwPeer() Peer {
	return Peer{
		Name: "nspcc/hrw", Module: "github.com/nspcc-dev/hrw/v2", Kind: Other, Bulk: true, NodesMax: 100,
		Note: "rendezvous; sorts all nodes for each key, so not built for more than 100",
		New: func(nodes []string, _ int, _ Clock) (Placement, error) {
			h := &hrwSort{}
			for _, id := range nodes {
				h.nodes = append(h.nodes, hrw.WrapBytes([]byte(id)))
			}
			return h, nil
		},
	}
}

type hrwSort struct{ nodes []hrw.HashableBytes }

func (h *hrwSort) Owner(key string) string {
	hrw.Sort(h.nodes, hrw.WrapBytes([]byte(key)))
	return string(h.nodes[0])
}

func (h *hrwSort) Owners(keys []string) (n int) {
	for _, k := range keys {
		hrw.Sort(h.nodes, hrw.WrapBytes(unsafe.Slice(unsafe.StringData(k), len(k))))
		n += len(h.nodes[0])
	}
	return n
}
