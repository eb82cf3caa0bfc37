package hashring_test

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"math/rand"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/clusterluck/clusterluck/hashring"
	"github.com/zeebo/xxh3"
)

// A twin is a ring as docs/ring-format.md defines it and nothing more: every
// question is a scan of every point.
type twin struct {
	opts     hashring.Options
	truncate uint8
	nodes    map[string]hashring.Node
	points   []twinPoint // in order
	ats      []uint64    // their positions
}

type twinPoint struct {
	at   uint64 // 44 bits, truncated
	text string // clusterluck
	id   string
}

func newTwin(o hashring.Options, truncate uint8) *twin {
	return &twin{opts: o, truncate: truncate, nodes: make(map[string]hashring.Node)}
}

func (w *twin) position(h uint64) uint64 { return h >> 20 >> w.truncate << w.truncate }

func twinMix(x uint64) uint64 {
	x ^= x >> 30
	x *= 0xbf58476d1ce4e5b9
	x ^= x >> 27
	x *= 0x94d049bb133111eb
	return x ^ x>>31
}

func twinText(s string) (text string, h uint64) {
	digest := sha256.Sum256([]byte(s))
	text = base64.StdEncoding.EncodeToString(digest[:])
	const ranks = "+/0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	for i := range 10 {
		h = h<<6 | uint64(strings.IndexByte(ranks, text[i]))
	}
	return text, h << 4
}

// lay computes all points anew.
func (w *twin) lay() {
	w.points = nil
	for id, n := range w.nodes {
		seed := xxh3.HashString(id)
		for i := range n.Weight * w.opts.Points {
			p := twinPoint{id: id}
			if w.opts.Layout == hashring.Clusterluck {
				var h uint64
				p.text, h = twinText(id + "_" + strconv.Itoa(i+1))
				p.at = w.position(h)
			} else {
				p.at = w.position(twinMix(seed + uint64(i+1)*0x9e3779b97f4a7c15))
			}
			w.points = append(w.points, p)
		}
	}
	slices.SortFunc(w.points, func(p, q twinPoint) int {
		switch {
		case p.at != q.at && p.at < q.at:
			return -1
		case p.at != q.at:
			return 1
		case p.text != q.text:
			return strings.Compare(p.text, q.text)
		}
		return strings.Compare(p.id, q.id)
	})
	w.ats = nil
	for _, p := range w.points {
		w.ats = append(w.ats, p.at)
	}
}

// start returns the index of the point that a key belongs to.
func (w *twin) start(key string) int {
	if w.opts.Layout == hashring.Clusterluck {
		text, _ := twinText(key)
		return w.first(func(p twinPoint) bool { return p.text > text })
	}
	return w.startHash(xxh3.HashString(key))
}

func (w *twin) startHash(h uint64) int {
	best, least := 0, uint64(1)<<63
	for i := range w.opts.Probes {
		if i > 0 {
			h = twinMix(h + 0x9e3779b97f4a7c15)
		}
		at := w.position(h)
		j := max(slices.IndexFunc(w.ats, func(p uint64) bool { return p >= at }), 0)
		if d := (w.points[j].at - at) % (1 << 44); d < least {
			best, least = j, d
		}
	}
	return best
}

func (w *twin) first(after func(twinPoint) bool) int {
	for i, p := range w.points {
		if after(p) {
			return i
		}
	}
	return 0
}

// before returns the index of the last point strictly before a key.
func (w *twin) before(key string) int {
	text, _ := twinText(key)
	at := w.position(xxh3.HashString(key))
	for i := len(w.points) - 1; i >= 0; i-- {
		p := w.points[i]
		if w.opts.Layout == hashring.Clusterluck && p.text < text || w.opts.Layout == hashring.V1 && p.at < at {
			return i
		}
	}
	return len(w.points) - 1
}

// distinct returns the first n distinct nodes from a point on, except one.
func (w *twin) distinct(from, step, n int, except string) []string {
	ids := []string{}
	for i := 0; i < len(w.points) && len(ids) < n; i++ {
		id := w.points[((from+i*step)%len(w.points)+len(w.points))%len(w.points)].id
		if id != except && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids
}

// firstOf returns the index of a point that stands where the node's first does.
func (w *twin) firstOf(id string) int {
	text, _ := twinText(id + "_1")
	at := w.position(twinMix(xxh3.HashString(id) + 0x9e3779b97f4a7c15))
	return w.first(func(p twinPoint) bool {
		if w.opts.Layout == hashring.Clusterluck {
			return p.id == id && p.text == text
		}
		return p.id == id && p.at == at
	})
}

// check compares the ring with the twin on one key.
func (w *twin) check(t *testing.T, r *hashring.Ring, key string) {
	t.Helper()
	got, ok := r.Owner(key)
	if len(w.points) == 0 {
		if ok || got != "" {
			t.Fatalf("Owner(%q) of an empty ring = %q, %v", key, got, ok)
		}
		return
	}
	start := w.start(key)
	if want := w.points[start].id; got != want || !ok {
		t.Fatalf("%s: Owner(%q) = %q, %v, want %q", w, key, got, ok, want)
	}
	if start%8 > 0 {
		return // the rest costs much more
	}
	for _, n := range []int{1, 3, 20} {
		if got, want := r.AppendOwners(nil, key, n), w.distinct(start, 1, n, ""); !slices.Equal(got, want) {
			t.Fatalf("%s: AppendOwners(%q, %d) = %q, want %q", w, key, n, got, want)
		}
	}
	if got, _ := r.OwnerBytes([]byte(key)); got != w.points[start].id {
		t.Fatalf("%s: OwnerBytes(%q) = %q, want %q", w, key, got, w.points[start].id)
	}
	if got, want := r.AppendPreceding(nil, key, 3), w.distinct(w.before(key), -1, 3, ""); !slices.Equal(got, want) {
		t.Fatalf("%s: AppendPreceding(%q, 3) = %q, want %q", w, key, got, want)
	}
}

// checkHash compares owners at and beside a position, where the rules for ties
// and boundaries show. OwnerHash has no texts, so it is for V1.
func (w *twin) checkHash(t *testing.T, r *hashring.Ring, at uint64) {
	t.Helper()
	if w.opts.Layout != hashring.V1 || len(w.points) == 0 {
		return
	}
	for _, h := range []uint64{at << 20, at<<20 | 0xfffff, (at + 1) << 20, (at - 1) << 20} {
		start := w.startHash(h)
		if got, _ := r.OwnerHash(h); got != w.points[start].id {
			t.Fatalf("%s: OwnerHash(%x) = %q, want %q", w, h, got, w.points[start].id)
		}
		if got, want := r.AppendOwnersHash(nil, h, 2), w.distinct(start, 1, 2, ""); !slices.Equal(got, want) {
			t.Fatalf("%s: AppendOwnersHash(%x, 2) = %q, want %q", w, h, got, want)
		}
	}
}

// checkAll compares what does not depend on a key.
func (w *twin) checkAll(t *testing.T, r *hashring.Ring) {
	t.Helper()
	if r.Len() != len(w.nodes) || r.Points() != len(w.points) {
		t.Fatalf("%s: Len, Points = %d, %d, want %d, %d", w, r.Len(), r.Points(), len(w.nodes), len(w.points))
	}
	i := 0
	for p := range r.All() {
		want := w.points[i]
		if w.opts.Layout == hashring.V1 {
			want.text = fmt.Sprintf("%011x", want.at)
		}
		if (twinPoint{p.Position, p.Label, p.Node}) != want {
			t.Fatalf("%s: point %d is %v, want %v", w, i, p, want)
		}
		i++
	}
	for id, want := range w.nodes {
		if got, ok := r.Get(id); got != want || !ok {
			t.Fatalf("%s: Get(%q) = %v, %v, want %v", w, id, got, ok, want)
		}
	}
}

// checkNeighbors compares the neighbors of a node.
func (w *twin) checkNeighbors(t *testing.T, r *hashring.Ring, id string) {
	t.Helper()
	from := w.firstOf(id)
	if got, want := r.Next(id, 3), w.distinct(from, 1, 3, id); !slices.Equal(got, want) {
		t.Fatalf("%s: Next(%q, 3) = %q, want %q", w, id, got, want)
	}
	if got, want := r.Prev(id, 3), w.distinct(from, -1, 3, id); !slices.Equal(got, want) {
		t.Fatalf("%s: Prev(%q, 3) = %q, want %q", w, id, got, want)
	}
}

func (w *twin) String() string {
	return fmt.Sprintf("%v ring, %d probes, %d nodes, %d points, %d bits cut", w.opts.Layout, w.opts.Probes, len(w.nodes), len(w.points), w.truncate)
}

// TestRingAgreesWithScan changes rings at random and compares every answer with
// a scan. Positions cut to 8 bits make ties and exact hits common; rings of
// thousands of points are patched, small ones built anew.
func TestRingAgreesWithScan(t *testing.T) {
	pairs, seeds := 0, int64(150)
	if testing.Short() {
		seeds = 15
	}
	for seed := range seeds {
		rng := rand.New(rand.NewSource(seed))
		opts := hashring.Options{Points: 1 + rng.Intn(40), Probes: 1 + rng.Intn(3)*rng.Intn(2)}
		truncate := []uint8{0, 0, 28, 36}[rng.Intn(4)]
		if rng.Intn(6) == 0 {
			opts = hashring.Options{Points: 1 + rng.Intn(4), Probes: 1, Layout: hashring.Clusterluck}
		}
		r, err := hashring.New(hashring.Truncated(opts, truncate))
		if err != nil {
			t.Fatal(err)
		}
		w := newTwin(opts, truncate)
		domain := 4 + rng.Intn(80)
		for range 12 {
			changeBoth(t, rng, r, w, domain)
			w.checkAll(t, r)
			for range 600 {
				w.check(t, r, strconv.Itoa(rng.Int()))
				if len(w.points) > 0 {
					pairs++
				}
			}
			for range 20 {
				if len(w.points) > 0 {
					p := w.points[rng.Intn(len(w.points))]
					w.checkHash(t, r, p.at)
					w.checkNeighbors(t, r, p.id)
					w.check(t, r, p.id+"_"+strconv.Itoa(1+rng.Intn(3)))
				}
			}
		}
	}
	if pairs < 1_000_000 && !testing.Short() {
		t.Errorf("compared %d pairs of ring and key, want at least 1,000,000", pairs)
	}
}

// changeBoth makes the same random changes to both, in one update.
func changeBoth(t *testing.T, rng *rand.Rand, r *hashring.Ring, w *twin, domain int) {
	t.Helper()
	changes := 1 + rng.Intn(1+rng.Intn(8))
	if len(w.nodes) == 0 {
		changes = domain
	}
	err := r.Update(func(tx *hashring.Tx) error {
		for range changes {
			n := hashring.Node{ID: "n" + strconv.Itoa(rng.Intn(domain)), Weight: 1 + rng.Intn(5)}
			_, had := w.nodes[n.ID]
			switch rng.Intn(4) {
			case 0:
				if tx.Remove(n.ID) != had {
					t.Errorf("Remove(%q) = %v, want %v", n.ID, !had, had)
				}
				delete(w.nodes, n.ID)
			case 1:
				n.Zone, n.Meta = "z"+strconv.Itoa(rng.Intn(3)), "m"
				fallthrough
			default:
				if err := tx.Set(n); err != nil {
					return err
				}
				w.nodes[n.ID] = n
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	w.lay()
}

// Under clusterluck several points of a node may share the bits that a table
// keeps, with another node's between them. Taking one of them off must leave
// the others in the order of their whole positions.
func TestTiesKeepTheirOrderWhenWeightsFall(t *testing.T) {
	opts := hashring.Options{Points: 1, Probes: 1, Layout: hashring.Clusterluck}
	for seed := range int64(20) {
		rng := rand.New(rand.NewSource(seed))
		r, err := hashring.New(hashring.Truncated(opts, 40))
		if err != nil {
			t.Fatal(err)
		}
		w := newTwin(opts, 40)
		for i := range 40 {
			n := hashring.Node{ID: "n" + strconv.Itoa(i), Weight: 3}
			if err := r.Set(n); err != nil {
				t.Fatal(err)
			}
			w.nodes[n.ID] = n
		}
		for range 30 {
			n := hashring.Node{ID: "n" + strconv.Itoa(rng.Intn(40)), Weight: 1 + rng.Intn(3)}
			if err := r.Set(n); err != nil {
				t.Fatal(err)
			}
			w.nodes[n.ID] = n
			w.lay()
			w.checkAll(t, r)
			for i := range 20 {
				w.check(t, r, strconv.Itoa(i))
			}
		}
	}
}
