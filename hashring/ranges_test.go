package hashring_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/clusterluck/clusterluck/hashring"
)

// A circle on which all but coarseBits of a position are cleared has so few
// positions that a test can ask for the owner of every one.
const (
	coarseBits  = 8
	coarse      = 1 << coarseBits
	coarseClear = hashring.PositionBits - coarseBits
)

// coarseRing returns a ring on a circle of coarse positions.
func coarseRing(t *testing.T, o hashring.Options, nodes ...hashring.Node) *hashring.Snapshot {
	t.Helper()
	r, err := hashring.New(hashring.Truncated(o, coarseClear), nodes...)
	if err != nil {
		t.Fatal(err)
	}
	return r.Snapshot()
}

// coarseOwners returns the owner of every position; "" if there is none.
func coarseOwners(s *hashring.Snapshot) []string {
	owners := make([]string, coarse)
	for p := range owners {
		owners[p], _ = s.OwnerHash(uint64(p) << (64 - coarseBits))
	}
	return owners
}

// someNodes draws nodes of weights 1 to 3, each of n ids with a chance of one
// half, so that two draws share some.
func someNodes(rng *rand.Rand, n int) []hashring.Node {
	var nodes []hashring.Node
	for i := range n {
		if rng.IntN(2) == 0 {
			nodes = append(nodes, hashring.Node{ID: "n" + strconv.Itoa(i), Weight: 1 + rng.IntN(3)})
		}
	}
	return nodes
}

// eachCoarseRing calls f for many rings of either layout, from those without a
// node to those with more points than positions.
func eachCoarseRing(t *testing.T, f func(*hashring.Snapshot)) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 600 {
		o := hashring.Options{Points: 1 << rng.IntN(5), Layout: hashring.Layout(rng.IntN(2))}
		f(coarseRing(t, o, someNodes(rng, 1+rng.IntN(8))...))
	}
}

// Ownership says that it is exact, so it must count just the positions that
// OwnerHash gives each node.
func TestOwnershipCountsPositions(t *testing.T) {
	empty, nothing := 0, 0
	eachCoarseRing(t, func(s *hashring.Snapshot) {
		counts := make(map[string]uint64)
		for _, id := range coarseOwners(s) {
			counts[id]++
		}
		shares := s.Ownership()
		if len(shares) != s.Len() {
			t.Fatalf("%d shares of %d nodes", len(shares), s.Len())
		}
		if len(shares) == 0 {
			empty++
			return
		}
		i, arcs, fractions := 0, uint64(0), 0.0
		for n := range s.Nodes() {
			got, want := shares[i], hashring.Share{
				ID: n.ID, Arc: counts[n.ID] << coarseClear, Fraction: float64(counts[n.ID]) / coarse,
			}
			if got != want {
				t.Fatalf("%v ring of %d points: share %d is %+v, want %+v", s.Options().Layout, s.Points(), i, got, want)
			}
			if got.Arc == 0 {
				nothing++
			}
			i, arcs, fractions = i+1, arcs+got.Arc, fractions+got.Fraction
		}
		if arcs != 1<<hashring.PositionBits || fractions != 1 {
			t.Fatalf("all arcs are %d positions and %v of the keys, want all", arcs, fractions)
		}
	})
	if empty == 0 || nothing == 0 {
		t.Errorf("of the rings %d are empty and %d nodes own nothing, want some", empty, nothing)
	}
}

// Ranges must hold the positions that OwnerHash gives the node and no others,
// in as few ranges as there can be, clockwise.
func TestRangesHoldOwnedPositions(t *testing.T) {
	wraps, whole := 0, 0
	eachCoarseRing(t, func(s *hashring.Snapshot) {
		owners, held := coarseOwners(s), 0
		shares := s.Ownership()
		for i, share := range shares {
			ranges, err := s.Ranges(share.ID)
			if err != nil {
				t.Fatal(err)
			}
			total := uint64(0)
			for j, r := range ranges {
				total += r.Len()
				if next := ranges[(j+1)%len(ranges)].First; len(ranges) > 1 && (r.Last+1)%(1<<hashring.PositionBits) == next {
					t.Fatalf("%v goes on in the range behind it and is not joined to it", r)
				}
				if r.First > r.Last {
					wraps++
				}
				if last := j == len(ranges)-1; !last && (r.First > r.Last || r.Last >= ranges[j+1].First) {
					t.Fatalf("%v is not before %v", r, ranges[j+1])
				}
				if r.Len() == 1<<hashring.PositionBits {
					whole++
				}
			}
			if total != share.Arc {
				t.Fatalf("the ranges of %q have %d positions, Ownership says %d", share.ID, total, share.Arc)
			}
			for p, owner := range owners {
				in := 0
				for _, r := range ranges {
					if r.Contains(uint64(p) << coarseClear) {
						in++
					}
				}
				held += in
				if want := owner == share.ID; in > 1 || (in == 1) != want {
					t.Fatalf("%v ring: position %d of %q is in %d of the ranges of node %d, %v",
						s.Options().Layout, p, owner, in, i, ranges)
				}
			}
		}
		if held != coarse && len(shares) > 0 {
			t.Fatalf("ranges hold %d positions of %d", held, coarse)
		}
	})
	if wraps == 0 || whole == 0 {
		t.Errorf("of the ranges %d wrap and %d are the whole circle, want some", wraps, whole)
	}
}

// On a circle of all positions, which none can enumerate, the ranges must agree
// with Owner on keys.
func TestRangesHoldKeys(t *testing.T) {
	for _, o := range []hashring.Options{{}, {Layout: hashring.Clusterluck, Points: 8}} {
		var nodes []hashring.Node
		for i := range 20 {
			nodes = append(nodes, hashring.Node{ID: "n" + strconv.Itoa(i), Weight: 1 + i%3})
		}
		r, err := hashring.New(o, nodes...)
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range nodes[:5] {
			ranges, err := r.Ranges(n.ID)
			if err != nil {
				t.Fatal(err)
			}
			for key := range 2000 {
				key := "user:" + strconv.Itoa(key)
				owner, _ := r.Owner(key)
				at, in := r.Hash(key)>>(64-hashring.PositionBits), false
				for _, rg := range ranges {
					in = in || rg.Contains(at)
				}
				if in != (owner == n.ID) {
					t.Fatalf("%v: key %q of %q at %d is in the ranges of %q: %v", o.Layout, key, owner, at, n.ID, in)
				}
			}
		}
	}
}

func TestRange(t *testing.T) {
	const end = 1<<hashring.PositionBits - 1
	tests := []struct {
		name    string
		r       hashring.Range
		length  uint64
		in, out []uint64
	}{
		{"one position", hashring.Range{First: 7, Last: 7}, 1, []uint64{7}, []uint64{0, 6, 8, end}},
		{"two ends", hashring.Range{First: 7, Last: 9}, 3, []uint64{7, 8, 9}, []uint64{0, 6, 10, end}},
		{"wraps", hashring.Range{First: end - 1, Last: 1}, 4, []uint64{end - 1, end, 0, 1}, []uint64{2, end - 2}},
		{"wraps to the first position", hashring.Range{First: end, Last: 0}, 2, []uint64{end, 0}, []uint64{1, end - 1}},
		{"up to the last position", hashring.Range{First: 5, Last: end}, end - 4, []uint64{5, end}, []uint64{0, 4}},
		{"all from 0", hashring.Range{First: 0, Last: end}, end + 1, []uint64{0, 1, end}, nil},
		{"all, wrapping", hashring.Range{First: 8, Last: 7}, end + 1, []uint64{0, 7, 8, end}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.r.Len(); got != tt.length {
				t.Errorf("%v.Len() = %d, want %d", tt.r, got, tt.length)
			}
			for _, p := range tt.in {
				if !tt.r.Contains(p) {
					t.Errorf("%v.Contains(%d) = false, want true", tt.r, p)
				}
			}
			for _, p := range tt.out {
				if tt.r.Contains(p) {
					t.Errorf("%v.Contains(%d) = true, want false", tt.r, p)
				}
			}
		})
	}
}

func TestRangesErrors(t *testing.T) {
	node := hashring.Node{ID: "a"}
	tests := []struct {
		name  string
		opts  hashring.Options
		nodes []hashring.Node
		id    string
		want  error
	}{
		{"empty ring", hashring.Options{}, nil, "a", hashring.ErrUnknown},
		{"node of no ring", hashring.Options{}, []hashring.Node{node}, "b", hashring.ErrUnknown},
		{"two probes", hashring.Options{Probes: 2}, []hashring.Node{node}, "a", hashring.ErrProbes},
		{"one probe", hashring.Options{}, []hashring.Node{node}, "a", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, err := hashring.New(tt.opts, tt.nodes...)
			if err != nil {
				t.Fatal(err)
			}
			ranges, err := r.Ranges(tt.id)
			if !errors.Is(err, tt.want) || (err == nil) != (len(ranges) > 0) {
				t.Errorf("Ranges(%q) = %v, %v, want error %v", tt.id, ranges, err, tt.want)
			}
		})
	}
	var zero hashring.Snapshot
	if _, err := zero.Ranges("a"); !errors.Is(err, hashring.ErrUnknown) {
		t.Errorf("Ranges of a zero snapshot: %v, want ErrUnknown", err)
	}
	if shares := zero.Ownership(); len(shares) != 0 {
		t.Errorf("Ownership of a zero snapshot = %v, want none", shares)
	}
}

// probeCircle is a circle so small that a test can go through all the places
// where the probes of a key may be, and hold a rule against all of them.
type probeCircle struct {
	size  int
	next  []int    // by position: distance to the point that a probe there finds
	owner []string // by position: its node
}

const (
	probeBits  = 5
	probeClear = hashring.PositionBits - probeBits
)

func newProbeCircle(s *hashring.Snapshot) probeCircle {
	c := probeCircle{size: 1 << probeBits, next: make([]int, 1<<probeBits), owner: make([]string, 1<<probeBits)}
	for p := range c.size {
		c.next[p] = c.size
		for pt := range s.All() {
			d := (int(pt.Position>>probeClear) - p + c.size) % c.size
			if d < c.next[p] { // the first of the points that share a position wins
				c.next[p], c.owner[p] = d, pt.Node
			}
		}
	}
	return c
}

// winner returns the owner of a key whose probes are at these places.
func (c probeCircle) winner(probes []int) string {
	if len(probes) == 0 {
		return ""
	}
	best := probes[0]
	for _, p := range probes[1:] {
		if c.next[p] < c.next[best] {
			best = p
		}
	}
	return c.owner[best]
}

// each calls f with all the places where n probes may be.
func (c probeCircle) each(n int, f func(probes []int)) {
	probes := make([]int, n)
	for {
		f(probes)
		i := 0
		for ; i < n; i++ {
			if probes[i]++; probes[i] < c.size {
				break
			}
			probes[i] = 0
		}
		if i == n {
			return
		}
	}
}

// With probes, Ownership is computed from the lengths of gaps. It must be what
// comes of going through all places where the probes may be; the tolerance is
// for rounding alone.
func TestOwnershipWithProbes(t *testing.T) {
	const tolerance = 1e-12
	rng := rand.New(rand.NewPCG(3, 4))
	for range 60 {
		probes := 2 + rng.IntN(2)
		o := hashring.Options{Points: 1 << rng.IntN(4), Probes: probes}
		r, err := hashring.New(hashring.Truncated(o, probeClear), someNodes(rng, 1+rng.IntN(6))...)
		if err != nil {
			t.Fatal(err)
		}
		c, counts := newProbeCircle(r.Snapshot()), make(map[string]int)
		c.each(probes, func(places []int) { counts[c.winner(places)]++ })
		all, sum := math.Pow(float64(c.size), float64(probes)), 0.0
		for _, share := range r.Ownership() {
			want := float64(counts[share.ID]) / all
			if math.Abs(share.Fraction-want) > tolerance || share.Arc != 0 {
				t.Fatalf("%d probes, %d points: share %+v, want %v and no arc", probes, r.Points(), share, want)
			}
			sum += share.Fraction
		}
		if r.Len() > 0 && math.Abs(sum-1) > tolerance {
			t.Fatalf("shares sum to %v, want 1", sum)
		}
	}
}

// Ownership must foretell where keys go. The tolerance is five standard
// deviations of a binomial count: of 120 shares, one in 14,000 runs with other
// keys would have one beyond.
func TestOwnershipForetellsKeys(t *testing.T) {
	const keys = 200_000
	for _, probes := range []int{1, 2, 3} {
		var nodes []hashring.Node
		for i := range 40 {
			nodes = append(nodes, hashring.Node{ID: "n" + strconv.Itoa(i), Weight: 1 + i%4})
		}
		r, err := hashring.New(hashring.Options{Points: 20, Probes: probes}, nodes...)
		if err != nil {
			t.Fatal(err)
		}
		rng, counts := rand.New(rand.NewPCG(5, uint64(probes))), make(map[string]int)
		for range keys {
			id, _ := r.OwnerHash(rng.Uint64())
			counts[id]++
		}
		for _, share := range r.Ownership() {
			if got, want, limit := counts[share.ID], share.Fraction*keys, binomialLimit(keys, share.Fraction); math.Abs(float64(got)-want) > limit {
				t.Errorf("%d probes: %q has %d of %d keys, want %.0f +- %.0f", probes, share.ID, got, keys, want, limit)
			}
		}
	}
}

// binomialLimit returns five standard deviations of the number of n events that
// happen with probability p each.
func binomialLimit(n, p float64) float64 { return 5 * math.Sqrt(n*p*(1-p)) }
