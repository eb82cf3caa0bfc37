package hashring_test

import (
	"math"
	"math/big"
	"testing"

	"github.com/clusterluck/clusterluck/hashring"
	"github.com/zeebo/xxh3"
)

// rendezvousTwin is the documentation of Rendezvous, word for word and without
// a thought of speed.
func rendezvousTwin(nodes []hashring.Node, hash uint64) int {
	best := -1
	var bestScore *big.Rat
	for _, i := range placementByID(nodes) {
		x := splitMixFinish(hash^splitMixFinish(xxh3.HashString(nodes[i].ID))) >> 20
		score := big.NewRat(1, int64(placementWeight(nodes[i])))
		score.Mul(score, new(big.Rat).SetInt(rendezvousTwinLog(x)))
		if best < 0 || score.Cmp(bestScore) < 0 {
			best, bestScore = i, score
		}
	}
	return best
}

// rendezvousTwinLog returns 58 fractional bits of -log2(1 - x/2^44).
func rendezvousTwinLog(x uint64) *big.Int {
	one := new(big.Int).Lsh(big.NewInt(1), 63)
	two := new(big.Int).Lsh(one, 1)
	z := new(big.Int).Lsh(new(big.Int).SetUint64(1<<44-x), 19) // 1 - x/2^44
	log := new(big.Int)
	for ; z.Cmp(one) < 0; z.Lsh(z, 1) {
		log.Add(log, big.NewInt(1<<58))
	}
	for bit := int64(1 << 57); bit > 0; bit >>= 1 {
		z.Rsh(z.Mul(z, z), 63)
		if z.Cmp(two) >= 0 {
			z.Rsh(z, 1)
			log.Sub(log, big.NewInt(bit))
		}
	}
	return log
}

func TestRendezvousAgreesWithTwin(t *testing.T) {
	tests := []struct {
		name    string
		nodes   int
		weights []int
		keys    uint64
	}{
		{"even", 7, nil, 1000},
		{"even, beyond the run without branches", 200, []int{3}, 100},
		{"two nodes", 2, []int{1, 2}, 3000},
		{"two nodes, far apart", 2, []int{1, hashring.MaxWeight}, 3000},
		{"few nodes", 5, []int{5, 4, 9}, 2000},
		{"some nodes", 20, []int{1, 1, 1, 1000}, 400},
		{"all but one even", 64, append(make([]int, 63), 2), 150},
		{"one more than few", 65, []int{1, 2, 4, 8, 16}, 150},
		{"many nodes", 300, []int{1, 10, 100}, 50},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			nodes := placementNodes(tt.nodes, tt.weights...)
			r, err := hashring.NewRendezvous(nodes)
			if err != nil {
				t.Fatal(err)
			}
			for i := range tt.keys {
				hash := splitMix(30, i)
				if got, want := r.Locate(hash), rendezvousTwin(nodes, hash); got != want {
					t.Fatalf("hash %#x is of node %d, of node %d by the rule", hash, got, want)
				}
			}
		})
	}
}

// A lookup estimates scores and compares them exactly only where estimates are
// close. Keys whose two best scores are within 1 part in 1000 must be right too,
// and those, found by search, whose estimates are in the wrong order.
func TestRendezvousDecidesCloseScores(t *testing.T) {
	tests := []struct {
		nodes   int // few and many nodes are searched apart
		weights []int
		wrong   []uint64
	}{
		{3, []int{3, 5, 7}, []uint64{
			0x810a7d83bee388c9, 0xad6f14a692e4a2f4, 0x6150ab7bfef01aa4, 0xdffc584b9f1b8508,
			0xc5a666c76caf2ae0, 0xba4a6a302fc25f50, 0xadd75868b7946309, 0x4f3b590737f99fa7,
		}},
		{100, []int{3, 5, 7}, []uint64{0xa3b3df8a8f49898f}},
		{4, []int{40_000, 50_000, 60_000, hashring.MaxWeight}, []uint64{ // products of more than 64 bits
			0x1305036f5c6f789d, 0x44261d8fb807234c, 0x23ef711c5d691c7e, 0xa3a0538c9f8d7971, 0x38b91d36c61dbf7d,
		}},
	}
	for _, tt := range tests {
		nodes := placementNodes(tt.nodes, tt.weights...)
		r, err := hashring.NewRendezvous(nodes)
		if err != nil {
			t.Fatal(err)
		}
		seeds := make([]uint64, len(nodes))
		for i, node := range nodes {
			seeds[i] = splitMixFinish(xxh3.HashString(node.ID))
		}
		hashes := tt.wrong
		for i := uint64(0); len(hashes) < 60; i++ {
			hash, first, second := splitMix(31, i), math.Inf(1), math.Inf(1)
			for j, node := range nodes {
				x := float64(splitMixFinish(hash^seeds[j])>>20) / (1 << 44)
				score := -math.Log1p(-x) / float64(node.Weight)
				first, second = min(first, score), max(first, min(second, score))
			}
			if second < first*1.001 {
				hashes = append(hashes, hash)
			}
		}
		for _, hash := range hashes {
			if got, want := r.Locate(hash), rendezvousTwin(nodes, hash); got != want {
				t.Errorf("hash %#x is of node %d of %d, of node %d by the rule", hash, got, tt.nodes, want)
			}
		}
	}
}

// The rule must be the weighted rendezvous of the literature: the greatest
// -w/ln(u) wins. Scores of two nodes agree to within an error of floating point
// once in some 10^12 keys, so never here.
func TestRendezvousIsGreatestWeightOverLog(t *testing.T) {
	nodes := placementNodes(12, 1, 2, 50)
	r, err := hashring.NewRendezvous(nodes)
	if err != nil {
		t.Fatal(err)
	}
	for i := range uint64(50_000) {
		hash, best, bestScore := splitMix(32, i), -1, math.Inf(-1)
		for j, n := range nodes {
			x := splitMixFinish(hash^splitMixFinish(xxh3.HashString(n.ID))) >> 20
			u := 1 - float64(x)/(1<<44)
			if score := -float64(n.Weight) / math.Log(u); score > bestScore {
				best, bestScore = j, score
			}
		}
		if got := r.Locate(hash); got != best {
			t.Fatalf("hash %#x is of node %d, the greatest -w/ln(u) is of node %d", hash, got, best)
		}
	}
}

// A node of weight 65536 beside one of weight 1 must leave that one its share.
func TestRendezvousExtremeWeights(t *testing.T) {
	const keys, light = 2_000_000, 1.0 / (1 + hashring.MaxWeight)
	r, err := hashring.NewRendezvous([]hashring.Node{{ID: "light", Weight: 1}, {ID: "heavy", Weight: hashring.MaxWeight}})
	if err != nil {
		t.Fatal(err)
	}
	count := 0
	for i := range uint64(keys) {
		if r.Locate(splitMix(33, i)) == 0 {
			count++
		}
	}
	// The count is nearly Poisson with mean 31; 5 standard deviations are 28.
	mean := keys * light
	if math.Abs(float64(count)-mean) > 5*math.Sqrt(mean) {
		t.Errorf("the node of weight 1 has %d keys of %d, want %.0f +- %.0f", count, keys, mean, 5*math.Sqrt(mean))
	}
}
