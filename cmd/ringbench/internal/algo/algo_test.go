package algo_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/algo"
	"github.com/clusterluck/clusterluck/hashring"
)

func nodes(n int) []hashring.Node {
	out := make([]hashring.Node, n)
	for i := range out {
		out[i] = hashring.Node{ID: fmt.Sprintf("n%d", i), Weight: 1, Zone: fmt.Sprintf("z%d", i%3)}
	}
	return out
}

func keys(n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("user:%d", i)
	}
	return out
}

// each runs a test for a placement of every algorithm on 12 nodes.
func each(t *testing.T, test func(t *testing.T, a *algo.Algorithm, p algo.Placement)) {
	for _, a := range algo.All() {
		t.Run(a.Name, func(t *testing.T) {
			p, err := a.New(nodes(12), a.Settings([]int{40}, []int{2})[0])
			if err != nil {
				t.Fatal(err)
			}
			test(t, a, p)
		})
	}
}

func owners(p algo.Placement, keys []string) map[string]string {
	out := make(map[string]string, len(keys))
	for _, key := range keys {
		out[key] = p.Owner(key)
	}
	return out
}

func ids(p algo.Placement) []string {
	var out []string
	for _, n := range p.Nodes() {
		out = append(out, n.ID)
	}
	return out
}

func TestEveryAlgorithmSaysWhatItIsFor(t *testing.T) {
	seen := map[string]bool{}
	for _, a := range algo.All() {
		if seen[a.Name] {
			t.Errorf("two algorithms are called %s", a.Name)
		}
		seen[a.Name] = true
		if a.Title == "" || a.Use == "" || a.Limits == "" || a.Removal == "" {
			t.Errorf("%s does not say what it is, when to use it and what it cannot do", a.Name)
		}
	}
}

// A name that is listed but owns nothing, or owns what is not listed, would
// spoil every balance.
func TestOwnersAreNodesAndAllOwn(t *testing.T) {
	each(t, func(t *testing.T, a *algo.Algorithm, p algo.Placement) {
		want := make(map[string]int)
		for _, id := range ids(p) {
			want[id] = 0
		}
		if len(want) != 12 {
			t.Fatalf("%d nodes, want 12", len(want))
		}
		for _, id := range owners(p, keys(5000)) {
			if _, ok := want[id]; !ok {
				t.Fatalf("owner %q is no node", id)
			}
			want[id]++
		}
		for id, n := range want {
			if n == 0 {
				t.Errorf("node %s owns none of 5000 keys", id)
			}
		}
	})
}

// The timed loop must do the work that Owner does.
func TestLookupFindsTheOwners(t *testing.T) {
	each(t, func(t *testing.T, a *algo.Algorithm, p algo.Placement) {
		index := ids(p)
		byIndex, byLength := 0, 0
		list := keys(300)
		for _, key := range list {
			id := p.Owner(key)
			byIndex += slices.Index(index, id)
			byLength += len(id)
		}
		if a.Name == "bounded" {
			return // Owner leaves its load behind, which changes what Lookup finds
		}
		if got := p.Lookup(list); got != byIndex && got != byLength {
			t.Errorf("Lookup = %d, want the sum of indexes %d or of lengths %d", got, byIndex, byLength)
		}
	})
}

func TestCloneChangesApart(t *testing.T) {
	each(t, func(t *testing.T, a *algo.Algorithm, p algo.Placement) {
		if !a.Moves {
			return // its owners depend on its load, which a clone begins without
		}
		list := keys(2000)
		before := owners(p, list)
		c, err := p.Clone()
		if err != nil {
			t.Fatal(err)
		}
		if !maps.Equal(owners(c, list), before) {
			t.Fatal("a clone has other owners")
		}
		if err := c.Add(hashring.Node{ID: "new", Weight: 1}); err != nil {
			t.Fatal(err)
		}
		if !slices.Contains(ids(c), "new") || slices.Contains(ids(p), "new") {
			t.Errorf("after an addition to the clone it has %v, the original %v", ids(c), ids(p))
		}
		if err := c.Remove("n11"); a.Removal == algo.RemoveAny && err != nil {
			t.Error(err)
		}
		if !maps.Equal(owners(p, list), before) {
			t.Error("changes of the clone moved keys of the original")
		}
		if !maps.Equal(owners(clone(t, p), list), before) {
			t.Error("changes of one clone moved keys of the next")
		}
	})
}

// All but maglev promise that no key moves between nodes that stay.
func TestChangesMoveNoKeyNeedlessly(t *testing.T) {
	each(t, func(t *testing.T, a *algo.Algorithm, p algo.Placement) {
		if !a.Moves {
			return
		}
		list := keys(3000)
		before := owners(p, list)
		gone := "n4"
		if a.Removal == algo.RemoveLast {
			gone = "n11"
		}
		added, removed := clone(t, p), clone(t, p)
		if err := added.Add(hashring.Node{ID: "new", Weight: 1}); err != nil {
			t.Fatal(err)
		}
		if err := removed.Remove(gone); err != nil {
			t.Fatal(err)
		}
		needless, gained := 0, 0
		for key, was := range before {
			if now := added.Owner(key); now != was {
				gained++
				if now != "new" {
					needless++
				}
			}
			if now := removed.Owner(key); now == gone || (now != was && was != gone) {
				needless++
			}
		}
		if gained == 0 {
			t.Error("the new node got no key")
		}
		if (needless > 0) != (a.Name == "maglev") {
			t.Errorf("%d keys moved needlessly", needless)
		}
	})
}

func clone(t *testing.T, p algo.Placement) algo.Placement {
	t.Helper()
	c, err := p.Clone()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// What an algorithm says it cannot do must be an error, and what it says it can
// must work, or its numbers would be of something else.
func TestAbilitiesAreTrue(t *testing.T) {
	each(t, func(t *testing.T, a *algo.Algorithm, p algo.Placement) {
		err := clone(t, p).Reweight("n3", 5)
		if a.Weights && err != nil || !a.Weights && !errors.Is(err, algo.ErrCannot) {
			t.Errorf("Reweight with Weights %v = %v", a.Weights, err)
		}
		err = clone(t, p).Remove("n3")
		if a.Removal == algo.RemoveAny && err != nil || a.Removal == algo.RemoveLast && !errors.Is(err, algo.ErrCannot) {
			t.Errorf("Remove of a node in the middle with Removal %s = %v", a.Removal, err)
		}
		if err := clone(t, p).Remove("nobody"); !errors.Is(err, hashring.ErrUnknown) {
			t.Errorf("Remove of an unknown node = %v, want ErrUnknown", err)
		}
		if a.Weights {
			c := clone(t, p)
			if err := c.Reweight("n3", 8); err != nil {
				t.Fatal(err)
			}
			was, now := 0, 0
			for _, key := range keys(4000) {
				was += btoi(p.Owner(key) == "n3")
				now += btoi(c.Owner(key) == "n3")
			}
			if a.Moves && now < 2*was {
				t.Errorf("8 times the weight lifted %d keys to %d", was, now)
			}
		}
		if _, ok := p.(algo.Replicator); a.Replicas && !ok {
			t.Error("no preference lists")
		}
		if _, ok := p.(algo.Zoner); a.Zones && !ok {
			t.Error("no zones")
		}
		if _, ok := p.(algo.Arcer); a.Arcs && !ok {
			t.Error("no arcs")
		}
		if got := p.Bytes(); got < 8 || got > 1<<20 {
			t.Errorf("Bytes = %d for 12 nodes", got)
		}
	})
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// Memory is compared between results, so it must be the same every time and
// grow with the nodes.
func TestBytesAreReproducible(t *testing.T) {
	for _, a := range algo.All() {
		s := a.Settings([]int{40}, []int{1})[0]
		sizes := map[int]int{}
		for _, n := range []int{10, 10, 200} {
			p, err := a.New(nodes(n), s)
			if err != nil {
				t.Fatal(err)
			}
			if old, ok := sizes[n]; ok && old != p.Bytes() {
				t.Errorf("%s: %d bytes, then %d", a.Name, old, p.Bytes())
			}
			sizes[n] = p.Bytes()
		}
		if fixed := a.Name == "jump" || a.Name == "maglev"; !fixed && sizes[200] <= sizes[10] {
			t.Errorf("%s: 10 nodes take %d bytes, 200 take %d", a.Name, sizes[10], sizes[200])
		}
	}
}

func TestSettings(t *testing.T) {
	all := map[string]int{"ring": 6, "clusterluck": 3, "bounded": 6, "jump": 1, "multiprobe": 1}
	for _, a := range algo.All() {
		got := a.Settings([]int{10, 20, 40}, []int{1, 2})
		if want := all[a.Name]; want != 0 && len(got) != want {
			t.Errorf("%s has settings %v, want %d", a.Name, got, want)
		}
		if !a.Points && got[0].Points != 0 {
			t.Errorf("%s has points %v", a.Name, got)
		}
	}
}

func TestParse(t *testing.T) {
	got, err := algo.Parse("jump, ring,jump")
	if err != nil || len(got) != 2 || got[0].Name != "jump" || got[1].Name != "ring" {
		t.Errorf("Parse = %v, %v; want jump and ring", got, err)
	}
	if all, err := algo.Parse("all"); err != nil || len(all) != len(algo.All()) {
		t.Errorf("Parse(all) = %d algorithms, %v", len(all), err)
	}
	if _, err := algo.Parse("ring,rung"); err == nil || !strings.Contains(err.Error(), `"rung"`) || !strings.Contains(err.Error(), "maglev") {
		t.Errorf("Parse of an unknown name = %v, want an error with it and the known ones", err)
	}
}

// What cannot be built is an error that names the algorithm.
func TestNewNamesTheAlgorithm(t *testing.T) {
	list, err := algo.Parse("ring")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := list[0].New(nodes(2), algo.Setting{Points: 40, Probes: 99}); err == nil || !strings.HasPrefix(err.Error(), "ring: ") {
		t.Errorf("New with 99 probes = %v", err)
	}
}
