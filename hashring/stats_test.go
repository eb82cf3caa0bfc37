package hashring_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/clusterluck/clusterluck/hashring"
)

// The claims below are about fixed ids and keys, so that each test passes always
// or never. Its tolerance says how often other ids of the same kind would fail.

// A node with p of a circle's N random points owns a share that is distributed
// as Beta(p, N-p): of n such nodes the squared standard deviation is
// (n-1)/(pn+1) of the squared mean, about 1/p. Of k probes the point behind a
// gap of y mean gaps wins k/(k-1) (1 - exp(-(k-1)y)) keys for each that it
// would have, of which the variance is 1/(2k-1), so the square is that much
// smaller: two probes are worth three times the points. Over several rings, it
// is known within sqrt((2/(n-1) + 6/(pn)) / rings), where 6/p is the excess
// kurtosis of a share; the limit is four times that, once in 16,000.
func TestBalanceIsThatOfRandomPoints(t *testing.T) {
	type shape struct{ points, probes int }
	shapes := []shape{{16, 1}, {64, 1}, {160, 1}, {512, 1}, {16, 2}, {160, 2}, {160, 3}}
	for _, n := range []int{10, 100, 1000} {
		for _, sh := range shapes {
			t.Run(fmt.Sprintf("nodes=%d/points=%d/probes=%d", n, sh.points, sh.probes), func(t *testing.T) {
				rings := max(2, 500/n)
				square, most := 0.0, 0.0
				for i := range rings {
					o := hashring.Options{Points: sh.points, Probes: sh.probes}
					for _, share := range snapshotOf(t, o, namedNodes(fmt.Sprintf("ring%d-", i), n)...).Ownership() {
						x := share.Fraction * float64(n)
						square += (x - 1) * (x - 1)
						most = max(most, x)
					}
				}
				fn, fp, fr := float64(n), float64(sh.points), float64(rings)
				got, want := square/(fn*fr), (fn-1)/(fp*fn+1)/float64(2*sh.probes-1)
				limit := 4 * math.Sqrt((2/(fn-1)+6/(fp*fn))/fr)
				if math.Abs(got/want-1) > limit {
					t.Errorf("deviation %.4f of the mean, want %.4f; its square is off by %.0f %%, want at most %.0f %%",
						math.Sqrt(got), math.Sqrt(want), 100*(got/want-1), 100*limit)
				}
				if limit := largestShare(sh.points, n*rings); most > limit {
					t.Errorf("the largest share is %.3f of the mean, want at most %.3f", most, limit)
				}
			})
		}
	}
}

// largestShare returns what none of n nodes of p points exceeds, but once in
// 10,000. A share is no wider than Gamma(p)/p, of which Chernoff's bound is
// P(x > m) <= exp(-p(m - 1 - ln m)).
func largestShare(p, n int) float64 {
	chance := math.Log(1e4 * float64(n))
	lo, hi := 1.0, 10.0
	for range 60 {
		if m := (lo + hi) / 2; float64(p)*(m-1-math.Log(m)) < chance {
			lo = m
		} else {
			hi = m
		}
	}
	return hi
}

func namedNodes(prefix string, n int) []hashring.Node {
	nodes := make([]hashring.Node, n)
	for i := range nodes {
		nodes[i].ID = prefix + strconv.Itoa(i)
	}
	return nodes
}

// Two probes keep the busiest of 1000 nodes within 1.17 of the mean, by the
// share of the key space, which is what the ring decides. Over 2^21 keys, 2097
// a node, counting adds a deviation of 1/sqrt(2097) = 2.2 % to the 4.6 % that the
// shares have, and so a tenth to the distance of the largest from the mean.
func TestTwoProbesKeepTheBusiestNodeNear(t *testing.T) {
	const nodes, limit, keys = 1000, 1.17, 1 << 21
	for _, prefix := range []string{"n", "node-", "10.0.0."} {
		most := 0.0
		r := snapshotOf(t, hashring.Options{Probes: 2}, namedNodes(prefix, nodes)...)
		for _, share := range r.Ownership() {
			most = max(most, share.Fraction*nodes)
		}
		if most > limit {
			t.Errorf("the busiest node of %q has %.3f of the mean, want at most %v", prefix, most, limit)
		}
	}
	r := snapshotOf(t, hashring.Options{Probes: 2}, namedNodes("node-", nodes)...)
	rng, counts := rand.New(rand.NewPCG(14, 15)), make(map[string]int, nodes)
	for range keys {
		id, _ := r.OwnerHash(rng.Uint64())
		counts[id]++
	}
	most := 0
	for _, n := range counts {
		most = max(most, n)
	}
	if got := float64(most) * nodes / keys; got > limit {
		t.Errorf("the busiest node has %.3f of the mean keys, want at most %v", got, limit)
	}
}

// Ids and keys in the field are sequences: numbered hosts, addresses. Their
// places must be as uniform as those of random ids, high bits and low, and so
// must the distances between the places of one id and the next, or neighbors
// would stay neighbors. The statistic is chi-squared with 255 degrees of freedom:
// mean 255, deviation sqrt(2 x 255). The limit is five deviations either way.
func TestPositionsAreUniform(t *testing.T) {
	const n = 20_000
	names := map[string]func(i int) string{
		"sequential": func(i int) string { return "node-" + strconv.Itoa(i) },
		"addresses":  func(i int) string { return fmt.Sprintf("10.0.%d.%d", i/256, i%256) },
		"ports":      func(i int) string { return fmt.Sprintf("192.168.0.1:%d", i) },
		"numbers":    strconv.Itoa,
	}
	for name, id := range names {
		for _, layout := range []hashring.Layout{hashring.V1, hashring.Clusterluck} {
			t.Run(name+"/"+layout.String(), func(t *testing.T) {
				nodes := make([]hashring.Node, n)
				for i := range nodes {
					nodes[i].ID = id(i)
				}
				s := snapshotOf(t, hashring.Options{Layout: layout, Points: 1}, nodes...)
				places := make(map[string]uint64, n)
				for p := range s.All() {
					places[p.Node] = p.Position
				}
				points, keys := make([]uint64, n), make([]uint64, n)
				for i := range points {
					points[i] = places[id(i)]
					keys[i] = s.Hash(id(i)) >> (64 - hashring.PositionBits)
				}
				checkUniform(t, "points", points)
				checkUniform(t, "keys", keys)
			})
		}
	}
	t.Run("points of one node", func(t *testing.T) {
		var points []uint64
		for p := range snapshotOf(t, hashring.Options{Points: 1 << 15}, hashring.Node{ID: "n"}).All() {
			points = append(points, p.Position)
		}
		// Their order is that of the circle, so the distances are not uniform.
		checkCells(t, "high bits", points, hashring.PositionBits-8)
		checkCells(t, "low bits", points, 0)
	})
}

func checkUniform(t *testing.T, what string, positions []uint64) {
	t.Helper()
	checkCells(t, what+", high bits", positions, hashring.PositionBits-8)
	checkCells(t, what+", low bits", positions, 0)
	steps := make([]uint64, len(positions)-1)
	for i := range steps {
		steps[i] = positions[i+1] - positions[i]
	}
	checkCells(t, what+", distance to the next", steps, hashring.PositionBits-8)
}

// checkCells sorts positions into 256 cells by the eight bits from shift on.
func checkCells(t *testing.T, what string, positions []uint64, shift int) {
	t.Helper()
	const cells = 256
	var counts [cells]float64
	for _, p := range positions {
		counts[p>>shift%cells]++
	}
	mean, sum := float64(len(positions))/cells, 0.0
	for _, n := range counts {
		sum += (n - mean) * (n - mean) / mean
	}
	if limit := 5 * math.Sqrt(2*(cells-1)); math.Abs(sum-(cells-1)) > limit {
		t.Errorf("%s: chi-squared = %.0f, want %d +- %.0f", what, sum, cells-1, limit)
	}
}

// A node of weight w must own w times the keys of one of weight 1. The share of
// a of N points is distributed as Beta(a, N-a); the limit is five standard
// deviations, for the nodes of one weight together and for each.
func TestSharesAreProportionalToWeights(t *testing.T) {
	weights := []int{1, 2, 5, 30}
	const each = 50
	var nodes []hashring.Node
	total := 0
	for i := range each {
		for _, w := range weights {
			nodes = append(nodes, hashring.Node{ID: fmt.Sprintf("n%d-%d", w, i), Weight: w})
			total += w
		}
	}
	for _, o := range []hashring.Options{{}, {Layout: hashring.Clusterluck, Points: 8}} {
		t.Run(o.Layout.String(), func(t *testing.T) {
			s := snapshotOf(t, o, nodes...)
			all := float64(s.Points())
			deviation := func(weight int) (mean, limit float64) {
				mean = float64(weight) / float64(total)
				return mean, 5 * math.Sqrt(mean*(1-mean)/(all+1))
			}
			groups := make(map[int]float64)
			for _, share := range s.Ownership() {
				n, _ := s.Get(share.ID)
				groups[n.Weight] += share.Fraction
				if mean, limit := deviation(n.Weight); math.Abs(share.Fraction-mean) > limit {
					t.Errorf("%q of weight %d owns %.5f, want %.5f +- %.5f", n.ID, n.Weight, share.Fraction, mean, limit)
				}
			}
			for _, w := range weights {
				if mean, limit := deviation(w * each); math.Abs(groups[w]-mean) > limit {
					t.Errorf("all nodes of weight %d own %.4f, want %.4f +- %.4f", w, groups[w], mean, limit)
				}
			}
		})
	}
}
