package tune_test

import (
	"context"
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/keys"
	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/topology"
	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/tune"
	"github.com/clusterluck/clusterluck/hashring"
)

func load(t *testing.T, spec string) *keys.Set {
	t.Helper()
	source, err := keys.Parse(spec, keys.Format{})
	if err != nil {
		t.Fatal(err)
	}
	set, err := source.Load(t.Context(), keys.Config{Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func search(t *testing.T, c tune.Config) *tune.Result {
	t.Helper()
	res, err := tune.Search(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// worst counts the peak over all sets of names again, key by key.
func worst(t *testing.T, c tune.Config, points, probes int) float64 {
	t.Helper()
	weights := 0
	for _, n := range c.Nodes {
		weights += max(n.Weight, 1)
	}
	peak := 0.0
	for set := range tune.Names {
		nodes := tune.Rename(c.Nodes, set)
		r, err := hashring.New(hashring.Options{Points: points, Probes: probes}, nodes...)
		if err != nil {
			t.Fatal(err)
		}
		load := map[string]int{}
		for key := range c.Keys.All() {
			id, _ := r.Owner(key)
			load[id]++
		}
		for _, n := range nodes {
			fair := float64(c.Keys.Len()) * float64(max(n.Weight, 1)) / float64(weights)
			peak = max(peak, float64(load[n.ID])/fair)
		}
	}
	return peak
}

func TestSearchFindsSettingsThatReachTheTarget(t *testing.T) {
	weights, err := topology.ParseWeights("1,2")
	if err != nil {
		t.Fatal(err)
	}
	weighted, err := weights.Apply(topology.Numbered(6), 1)
	if err != nil {
		t.Fatal(err)
	}
	for name, nodes := range map[string][]hashring.Node{"equal": topology.Numbered(8), "weighted": weighted} {
		t.Run(name, func(t *testing.T) {
			c := tune.Config{Nodes: nodes, Peak: 1.2, Keys: load(t, "uuid:n=20000"), Probes: []int{1, 2}, Points: 2048}
			steps := int64(0)
			c.Step = func(n int64) { steps += n }
			res := search(t, c)
			if len(res.Candidates) != 2 || steps != c.Rings() {
				t.Fatalf("candidates %+v after %d steps, want %d", res.Candidates, steps, c.Rings())
			}
			for _, cand := range res.Candidates {
				got := worst(t, c, cand.Setting.Points, cand.Setting.Probes)
				if !cand.Reached || got > 1.2+1e-9 || math.Abs(got-cand.Worst) > 1e-9 || cand.Median > cand.Worst {
					t.Errorf("%+v: the peak is %v", cand, got)
				}
			}
			one, two := res.Candidates[0].Setting.Points, res.Candidates[1].Setting.Points
			if two >= one {
				t.Errorf("two probes need %d points, one needs %d", two, one)
			}
			// Half of the points must be too few, or the search stopped early.
			if got := worst(t, c, one/2, 1); got <= 1.2 {
				t.Errorf("%d points were found, yet %d give %v", one, one/2, got)
			}
		})
	}
}

// The estimate of the time left rests on the number of rings, so no search may
// try more than it was said to, whatever the most points are.
func TestSearchKeepsToItsRings(t *testing.T) {
	set := load(t, "uuid:n=3000")
	for _, points := range []int{1, 2, 3, 64, 100, 1000} {
		for _, peak := range []float64{1.01, 1.1, 1.3, 1.6, 3, 9} {
			c := tune.Config{Nodes: topology.Numbered(5), Peak: peak, Keys: set, Probes: []int{1, 3}, Points: points}
			steps := int64(0)
			c.Step = func(n int64) {
				if steps += n; n < 0 {
					t.Errorf("at most %d points, peak %v: %d rings more than said", points, peak, -n)
				}
			}
			search(t, c)
			if steps != c.Rings() {
				t.Errorf("at most %d points, peak %v: %d rings, said %d", points, peak, steps, c.Rings())
			}
		}
	}
}

func TestSearchSaysWhenItCannotBe(t *testing.T) {
	c := tune.Config{Nodes: topology.Numbered(8), Peak: 1.01, Keys: load(t, "uuid:n=2000"), Probes: []int{1}, Points: 64}
	res := search(t, c)
	if cand := res.Candidates[0]; cand.Reached || cand.Setting.Points != 64 {
		t.Errorf("candidate %+v, want the most points, not reached", cand)
	}
	// 250 keys a node: chance alone gives the fullest several percent more.
	if res.Chance < 1.03 || res.Chance > 1.3 {
		t.Errorf("the keys alone give a peak of %v", res.Chance)
	}
	hot := search(t, tune.Config{Nodes: topology.Numbered(8), Peak: 1.5, Keys: load(t, "zipf:n=1000,s=2"), Probes: []int{1}, Points: 64})
	if hot.Hottest < 3 || hot.Candidates[0].Reached {
		t.Errorf("the hottest key is %v of a share, candidate %+v", hot.Hottest, hot.Candidates[0])
	}
}

func TestSearchStopsWhenToldTo(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	c := tune.Config{Nodes: topology.Numbered(8), Peak: 1.0001, Keys: load(t, "uuid:n=100"), Probes: []int{1}, Points: 1 << 12}
	c.Step = func(int64) { cancel() }
	if _, err := tune.Search(ctx, c); !errors.Is(err, context.Canceled) {
		t.Errorf("Search = %v, want context.Canceled", err)
	}
}

func TestRename(t *testing.T) {
	nodes := topology.Numbered(3)
	if got := tune.Rename(nodes, 0); !slices.Equal(got, nodes) {
		t.Errorf("set 0 is %v, want the names there are", got)
	}
	other := tune.Rename(nodes, 1)
	if other[0].ID == nodes[0].ID || nodes[0].ID != "node-1" || other[0].Weight != nodes[0].Weight {
		t.Errorf("set 1 of %v is %v", nodes, other)
	}
}
