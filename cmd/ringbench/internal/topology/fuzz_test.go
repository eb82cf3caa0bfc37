package topology_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/topology"
	"github.com/clusterluck/clusterluck/hashring"
)

// pointsMax bounds the rings that fuzzing builds.
const pointsMax = 1 << 14

// FuzzParse feeds arbitrary topologies to the parser. What it accepts must make
// a ring, and must be the same when written as JSON and read again.
func FuzzParse(f *testing.F) {
	f.Add([]byte("a\nb 2 eu # comment\n"))
	f.Add([]byte(`{"nodes":["a",{"id":"b","weight":2,"zone":"z"}],"options":{"points":3,"probes":2,"layout":"v1"}}`))
	f.Add([]byte(`["a","a"]`))
	f.Add([]byte(`{"ok":true,"data":{"a":3,"b":0}}`))
	f.Add([]byte(`{"version":1,"layout":"v1","points":1,"probes":1,"fingerprint":"","nodes":[]}`))
	for _, name := range []string{"inspect_one.json", "nodes_two.json", "weights_one.json"} {
		data, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}

	f.Fuzz(func(t *testing.T, data []byte) {
		top, err := topology.Parse("f", data)
		if err != nil {
			return
		}
		points := 0
		for _, n := range top.Nodes {
			if n.Weight < 1 || n.Weight > hashring.MaxWeight {
				t.Fatalf("accepted %+v", n)
			}
			points += n.Weight * max(top.Options.Points, 160)
		}
		if points <= pointsMax {
			ring, err := top.Ring()
			if err != nil {
				t.Fatalf("accepted, but makes no ring: %v", err)
			}
			if ring.Len() != len(top.Nodes) {
				t.Fatalf("%d nodes make a ring of %d", len(top.Nodes), ring.Len())
			}
		}
		if slices.ContainsFunc(top.Nodes, func(n hashring.Node) bool { return n.Meta != "" }) {
			return // metadata may be any bytes, which this JSON cannot hold
		}
		type options struct {
			Points int             `json:"points"`
			Probes int             `json:"probes"`
			Layout hashring.Layout `json:"layout"`
		}
		again, err := json.Marshal(struct {
			Nodes   []hashring.Node `json:"nodes"`
			Options options         `json:"options"`
		}{top.Nodes, options{top.Options.Points, top.Options.Probes, top.Options.Layout}})
		if err != nil {
			t.Fatal(err)
		}
		back, err := topology.Parse("again", again)
		if err != nil {
			t.Fatalf("%s\nis refused: %v", again, err)
		}
		if back.Options != top.Options || !slices.Equal(back.Nodes, top.Nodes) {
			t.Fatalf("%+v %+v\ncame back as\n%+v %+v", top.Options, top.Nodes, back.Options, back.Nodes)
		}
	})
}

// FuzzParseWeights checks that a rule that is accepted gives weights in range.
func FuzzParseWeights(f *testing.F) {
	for _, spec := range []string{"2", "1,2,4", "node-1=2,*=3", "uniform:1-10", "a=b=3", "uniform:5-2", "*=65537"} {
		f.Add(spec)
	}
	f.Fuzz(func(t *testing.T, spec string) {
		w, err := topology.ParseWeights(spec)
		if err != nil {
			return
		}
		nodes, err := w.Apply(topology.Numbered(3), 1)
		if err != nil {
			return // it names nodes that are not there
		}
		for _, n := range nodes {
			if n.Weight < 1 || n.Weight > hashring.MaxWeight {
				t.Fatalf("%q gives weight %d", spec, n.Weight)
			}
		}
	})
}
