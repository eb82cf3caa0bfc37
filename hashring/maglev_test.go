package hashring_test

import (
	"math"
	"math/bits"
	"slices"
	"testing"

	"github.com/clusterluck/clusterluck/hashring"
	"github.com/zeebo/xxh3"
)

// maglevSlots returns the table of a Maglev, which it reads by the least hash
// of each slot.
func maglevSlots(m *hashring.Maglev, size int) []int {
	slots := make([]int, size)
	for i := range slots {
		hash, rest := bits.Div64(uint64(i), 0, uint64(size))
		if rest > 0 {
			hash++
		}
		slots[i] = m.Locate(hash)
	}
	return slots
}

// maglevTwin fills a table as the pseudocode of the paper does, from a
// permutation of all slots for each node, with the turns of the documentation.
func maglevTwin(nodes []hashring.Node, size int) []int {
	m, order, heaviest := uint64(size), placementByID(nodes), 0
	permutation := make([][]uint64, len(nodes))
	for i, n := range nodes {
		seed := xxh3.HashString(n.ID)
		offset, skip := splitMixFinish(seed)%m, splitMixFinish(seed+splitMixStep)%(m-1)+1
		for j := range m {
			permutation[i] = append(permutation[i], (offset+j*skip)%m)
		}
		heaviest = max(heaviest, placementWeight(n))
	}
	entry, next, turns := make([]int, size), make([]int, len(nodes)), make([]int, len(nodes))
	for i := range entry {
		entry[i] = -1
	}
	for n, round := 0, 0; ; round++ {
		for _, i := range order {
			// due is ceil((2k+1) * heaviest / 2w), and 0 for the first turn.
			twice := 2 * placementWeight(nodes[i])
			due := ((2*turns[i]+1)*heaviest + twice - 1) / twice
			if turns[i] > 0 && due != round || turns[i] == 0 && round > 0 {
				continue
			}
			turns[i]++
			c := permutation[i][next[i]]
			for entry[c] >= 0 {
				next[i]++
				c = permutation[i][next[i]]
			}
			entry[c] = i
			next[i]++
			if n++; n == size {
				return entry
			}
		}
	}
}

func TestMaglevAgreesWithTwin(t *testing.T) {
	tests := []struct {
		name    string
		nodes   int
		weights []int
		size    int
	}{
		{"one node", 1, nil, 2},
		{"as many slots as nodes", 7, nil, 7},
		{"even", 10, nil, 1009},
		{"even by weight", 10, []int{9}, 1009},
		{"weighted", 10, []int{1, 2, 3}, 1009},
		{"as many slots as nodes, weighted", 11, []int{1, 1000}, 11},
		{"far apart", 5, []int{1, hashring.MaxWeight}, 251},
		{"many", 400, []int{3, 1, 4, 1, 5, 9, 2, 6}, 4099},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			nodes := placementNodes(tt.nodes, tt.weights...)
			m, err := hashring.NewMaglev(nodes, tt.size)
			if err != nil {
				t.Fatal(err)
			}
			got, want := maglevSlots(m, tt.size), maglevTwin(nodes, tt.size)
			if !slices.Equal(got, want) {
				t.Errorf("table is\n%v\nby the pseudocode\n%v", got, want)
			}
			if last := m.Locate(math.MaxUint64); last != want[tt.size-1] {
				t.Errorf("the greatest hash is of node %d, its slot of %d", last, want[tt.size-1])
			}
		})
	}
}

// More than 65536 nodes need wider entries.
func TestMaglevManyNodes(t *testing.T) {
	const size = 65543
	for _, n := range []int{1 << 16, 1<<16 + 1} {
		m, err := hashring.NewMaglev(placementNodes(n), size)
		if err != nil {
			t.Fatal(err)
		}
		seen := make([]int, n)
		for _, i := range maglevSlots(m, size) {
			seen[i]++
		}
		for i, count := range seen {
			if count < 1 || count > 2 {
				t.Fatalf("node %d of %d has %d of %d slots, want 1 or 2", i, n, count, size)
			}
		}
	}
}

func TestMaglevBalance(t *testing.T) {
	tests := []struct {
		name    string
		nodes   int
		weights []int
		size    int
	}{
		{"even", 100, nil, 0},
		{"even, few slots", 100, nil, 211},
		{"weighted", 100, []int{1, 2, 3, 4}, 0},
		{"one heavy", 50, append(slices.Repeat([]int{1}, 49), 1000), 0},
		{"shares below one slot", 30, []int{1, 1, hashring.MaxWeight}, 1009},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			nodes := placementNodes(tt.nodes, tt.weights...)
			m, err := hashring.NewMaglev(nodes, tt.size)
			if err != nil {
				t.Fatal(err)
			}
			size := tt.size
			if size == 0 {
				size = 65537
			}
			counts, total := make([]int, tt.nodes), 0
			for _, i := range maglevSlots(m, size) {
				counts[i]++
			}
			for _, n := range nodes {
				total += placementWeight(n)
			}
			for i, n := range nodes {
				// A node's turns are its share rounded, so half a slot off, or a
				// slot too many if its share is below half. What the others have
				// too many or too few, it lacks or gains by its weight. The last
				// round may be cut short: one slot.
				share := float64(placementWeight(n)) / float64(total)
				want := share * float64(size)
				limit := 2 + share*float64(tt.nodes)
				if counts[i] == 0 || math.Abs(float64(counts[i])-want) > limit {
					t.Errorf("node %d of weight %d has %d slots, want 1 at least and %.1f +- %.1f", i, n.Weight, counts[i], want, limit)
				}
			}
			if tt.weights == nil && slices.Max(counts)-slices.Min(counts) > 1 {
				t.Errorf("nodes have from %d to %d slots, want no more than one apart", slices.Min(counts), slices.Max(counts))
			}
		})
	}
}

// When a node leaves, its slots must move and few others. The bounds are 1.5
// times the mean of ten nodes that were measured: see the documentation of
// Maglev, which states the figures.
func TestMaglevMovesFewKeysNeedlessly(t *testing.T) {
	tests := []struct {
		nodes    int
		weights  []int
		measured float64 // of the slots
	}{
		{10, nil, 0.0024},
		{100, nil, 0.0057},
		{1000, nil, 0.0055},
		{100, []int{1, 2, 3, 4}, 0.0051},
	}
	const size = 65537
	for _, tt := range tests {
		nodes := placementNodes(tt.nodes, tt.weights...)
		full, err := hashring.NewMaglev(nodes, 0)
		if err != nil {
			t.Fatal(err)
		}
		before, sum := maglevSlots(full, size), 0.0
		for k := range 10 {
			gone := k * tt.nodes / 10
			rest := slices.Delete(slices.Clone(nodes), gone, gone+1)
			less, err := hashring.NewMaglev(rest, 0)
			if err != nil {
				t.Fatal(err)
			}
			needless := 0
			for i, now := range maglevSlots(less, size) {
				if before[i] != gone && nodes[before[i]].ID != rest[now].ID {
					needless++
				}
			}
			sum += float64(needless) / size
		}
		mean := sum / 10
		t.Logf("%d nodes, weights %v: %.2f %% of the slots moved needlessly", tt.nodes, tt.weights, mean*100)
		if mean > 1.5*tt.measured || mean == 0 {
			t.Errorf("%d nodes, weights %v: %.4f of the slots moved needlessly, want about %.4f", tt.nodes, tt.weights, mean, tt.measured)
		}
	}
}
