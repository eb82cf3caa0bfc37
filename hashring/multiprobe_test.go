package hashring_test

import (
	"math"
	"testing"

	"github.com/clusterluck/clusterluck/hashring"
	"github.com/zeebo/xxh3"
)

// A multiProbeTwin is the documentation of MultiProbe, word for word: it looks
// at every pair of a probe and a point.
type multiProbeTwin struct {
	nodes  []hashring.Node
	probes uint64
	points [][]uint64 // by node
}

func newMultiProbeTwin(nodes []hashring.Node, probes uint64) *multiProbeTwin {
	twin := &multiProbeTwin{nodes, probes, make([][]uint64, len(nodes))}
	for i, n := range nodes {
		for j := range uint64(placementWeight(n)) {
			twin.points[i] = append(twin.points[i], splitMix(xxh3.HashString(n.ID), j))
		}
	}
	return twin
}

func (m *multiProbeTwin) locate(hash uint64) int {
	best, distance := -1, uint64(0)
	for probe := range m.probes {
		at := splitMixFinish(hash) * (splitMix(0, probe) | 1)
		for _, i := range placementByID(m.nodes) {
			for _, point := range m.points[i] {
				if d := point - at; best < 0 || d < distance {
					best, distance = i, d
				}
			}
		}
	}
	return best
}

func TestMultiProbeAgreesWithTwin(t *testing.T) {
	tests := []struct {
		name    string
		nodes   int
		weights []int
		probes  int
		keys    uint64
	}{
		{"one node", 1, nil, 0, 100},
		{"two nodes", 2, nil, 0, 5000},
		{"few nodes", 5, nil, 0, 5000},
		{"a power of two", 64, nil, 0, 500},
		{"one more", 65, nil, 0, 500},
		{"many nodes", 700, nil, 0, 100},
		{"weighted", 20, []int{1, 2, 30}, 0, 300},
		{"one probe", 50, nil, 1, 3000},
		{"two probes", 50, nil, 2, 3000},
		{"all probes", 20, nil, 64, 500},
		{"all probes, two nodes", 2, nil, 64, 2000},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			nodes := placementNodes(tt.nodes, tt.weights...)
			m, err := hashring.NewMultiProbe(nodes, tt.probes)
			if err != nil {
				t.Fatal(err)
			}
			probes := uint64(tt.probes)
			if probes == 0 {
				probes = 21
			}
			twin := newMultiProbeTwin(nodes, probes)
			for i := range tt.keys {
				hash := splitMix(40, i)
				if got, want := m.Locate(hash), twin.locate(hash); got != want {
					t.Fatalf("hash %#x is of node %d, of node %d by the rule", hash, got, want)
				}
			}
		})
	}
}

// The paper promises a peak of 1.05 times the mean for 21 probes; 1.12 adds 5
// standard deviations of the noise of 5000 keys a node, which are 1.4 % each.
func TestMultiProbePeak(t *testing.T) {
	for _, weights := range [][]int{nil, {10}} {
		const n, keys = 100, 500_000
		m, err := hashring.NewMultiProbe(placementNodes(n, weights...), 0)
		if err != nil {
			t.Fatal(err)
		}
		counts, peak := make([]int, n), 0
		for i := range uint64(keys) {
			owner := m.Locate(splitMix(41, i))
			counts[owner]++
			peak = max(peak, counts[owner])
		}
		ratio := float64(peak) * n / keys
		t.Logf("weights %v: the most loaded node has %.3f times the mean", weights, ratio)
		if ratio > 1.12 {
			t.Errorf("weights %v: the most loaded node has %.3f times the mean, want at most 1.12", weights, ratio)
		}
	}
}

// With many points a node the loads follow the weights. A point's load differs
// from the mean by 0.16 in the root mean square (measured), so that of a node of
// w points by 0.16/sqrt(w); the bound is 5 times that and of the noise of keys.
func TestMultiProbeFollowsWeights(t *testing.T) {
	const n, keys = 20, 200_000
	weight := func(i int) int { return []int{50, 100, 200, 400}[i%4] }
	nodes := placementNodes(n, 50, 100, 200, 400)
	m, err := hashring.NewMultiProbe(nodes, 0)
	if err != nil {
		t.Fatal(err)
	}
	checkPlacementShares(t, "multiprobe", m, n, keys, weight, func(i int, share float64) float64 {
		points := 0.16 / math.Sqrt(float64(weight(i)))
		noise := 1 / math.Sqrt(keys*share)
		return 5 * keys * share * math.Hypot(points, noise)
	})
}
