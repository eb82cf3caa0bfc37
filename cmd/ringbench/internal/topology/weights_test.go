package topology_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/topology"
	"github.com/clusterluck/clusterluck/hashring"
)

func weights(nodes []hashring.Node) []int {
	var w []int
	for _, n := range nodes {
		w = append(w, n.Weight)
	}
	return w
}

func TestWeights(t *testing.T) {
	tests := []struct {
		spec string
		want []int
	}{
		{"2", []int{2, 2, 2, 2, 2}},
		{"1,2,4", []int{1, 2, 4, 1, 2}},
		{"1, 2", []int{1, 2, 1, 2, 1}},
		{"node-2=7", []int{1, 7, 1, 1, 1}},
		{"node-2=7,*=3,node-5=9", []int{3, 7, 3, 3, 9}},
		{"uniform:4-4", []int{4, 4, 4, 4, 4}},
	}
	for _, tt := range tests {
		w, err := topology.ParseWeights(tt.spec)
		if err != nil {
			t.Errorf("%s: %v", tt.spec, err)
			continue
		}
		before := topology.Numbered(5)
		got, err := w.Apply(before, 1)
		if err != nil || !slices.Equal(weights(got), tt.want) {
			t.Errorf("%s: got weights %v, %v; want %v", tt.spec, weights(got), err, tt.want)
		}
		if !slices.Equal(before, topology.Numbered(5)) {
			t.Errorf("%s: changed the nodes it was given", tt.spec)
		}
		if w.String() != tt.spec {
			t.Errorf("%s: calls itself %s", tt.spec, w)
		}
	}
}

func TestUniformWeightsCoverTheirRangeBySeed(t *testing.T) {
	w, err := topology.ParseWeights("uniform:2-5")
	if err != nil {
		t.Fatal(err)
	}
	draw := func(seed uint64) []int {
		nodes, err := w.Apply(topology.Numbered(200), seed)
		if err != nil {
			t.Fatal(err)
		}
		return weights(nodes)
	}
	one := draw(1)
	if !slices.Equal(one, draw(1)) || slices.Equal(one, draw(2)) {
		t.Error("the draws do not depend on the seed alone")
	}
	distinct := slices.Compact(slices.Sorted(slices.Values(one)))
	if !slices.Equal(distinct, []int{2, 3, 4, 5}) {
		t.Errorf("200 draws from 2 to 5 gave the values %v", distinct)
	}
}

func TestZeroWeightsLeaveNodesAsTheyAre(t *testing.T) {
	nodes := []hashring.Node{{ID: "a", Weight: 6}}
	got, err := topology.Weights{}.Apply(nodes, 1)
	if err != nil || !slices.Equal(got, nodes) {
		t.Errorf("got %+v, %v; want %+v", got, err, nodes)
	}
}

func TestWeightsThatCannotBeUsed(t *testing.T) {
	for spec, want := range map[string]string{
		"": "want 1 to 65536", "0": "want 1 to 65536", "x": "want 1 to 65536", "1,,2": "want 1 to 65536", "65537": "want 1 to 65536",
		"a=": "want 1 to 65536", "=1": "want id=weight", "a=1,b": "want id=weight", "a=1,a=2": "two weights", "*=1,*=2": "two weights",
		"uniform:": "needs a range", "uniform:3": "needs a range", "uniform:5-2": "5 is above 2", "uniform:0-2": "want 1 to",
	} {
		if _, err := topology.ParseWeights(spec); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got error %v, want one with %q", spec, err, want)
		}
	}
	w, err := topology.ParseWeights("ghost=2")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Apply(topology.Numbered(1), 1); !errors.Is(err, hashring.ErrUnknown) {
		t.Errorf("a weight for a node that is not there: got error %v, want ErrUnknown", err)
	}
}
