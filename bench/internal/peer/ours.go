package peer

import "github.com/clusterluck/clusterluck/hashring"

func clusterluckPeer() Peer {
	return Peer{
		Name: "hashring", Module: "github.com/clusterluck/clusterluck",
		Kind: Ours, Bulk: true,
		Note: "this project, package hashring, default layout",
		New: func(nodes []string, points int, _ Clock) (Placement, error) {
			return NewHashring(nodes, hashring.Options{Points: points})
		},
	}
}

// A Hashring is this project's ring as a contender.
type Hashring struct {
	R   *hashring.Ring
	dst []string // used by Top only
}

// NewHashring builds the ring of nodes of weight 1.
func NewHashring(nodes []string, o hashring.Options) (*Hashring, error) {
	all := make([]hashring.Node, len(nodes))
	for i, id := range nodes {
		all[i] = hashring.Node{ID: id}
	}
	r, err := hashring.New(o, all...)
	if err != nil {
		return nil, err
	}
	return &Hashring{R: r}, nil
}

// Owner returns the node of a key.
func (h *Hashring) Owner(key string) string {
	id, _ := h.R.Owner(key)
	return id
}

// Owners goes through the Ring, which loads its snapshot for every key: that
// is what a program that also changes the ring does.
func (h *Hashring) Owners(keys []string) (n int) {
	for _, k := range keys {
		id, _ := h.R.Owner(k)
		n += len(id)
	}
	return n
}

// Top returns the first n nodes of a key, until the next call.
func (h *Hashring) Top(key string, n int) []string {
	h.dst = h.R.AppendOwners(h.dst[:0], key, n)
	return h.dst
}

// Tops looks up n nodes of every key.
func (h *Hashring) Tops(keys []string, n int) (sum int) {
	dst := make([]string, 0, n)
	for _, k := range keys {
		dst = h.R.AppendOwners(dst[:0], k, n)
		sum += len(dst)
	}
	return sum
}

// Add adds a node of weight 1.
func (h *Hashring) Add(id string) error { return h.R.Add(hashring.Node{ID: id}) }

// Remove removes a node.
func (h *Hashring) Remove(id string) error {
	h.R.Remove(id)
	return nil
}

// A BoundedHashring takes and gives back leases.
type BoundedHashring struct {
	b      *hashring.Bounded
	window []hashring.Lease
	next   int
}

// NewBoundedHashring returns a contender that holds as many leases as asked.
func NewBoundedHashring(h *Hashring, c float64, held int, keys []string) (*BoundedHashring, error) {
	b, err := hashring.NewBounded(h.R, c)
	if err != nil {
		return nil, err
	}
	w := &BoundedHashring{b: b, window: make([]hashring.Lease, held)}
	for i := range w.window {
		w.window[i], _ = b.Acquire(keys[i%len(keys)])
	}
	return w, nil
}

// Rounds gives back the oldest lease and takes a new one, for every key.
func (w *BoundedHashring) Rounds(keys []string) {
	for _, k := range keys {
		w.window[w.next].Release()
		w.window[w.next], _ = w.b.Acquire(k)
		if w.next++; w.next == len(w.window) {
			w.next = 0
		}
	}
}
