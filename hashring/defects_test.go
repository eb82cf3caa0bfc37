package hashring_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/clusterluck/clusterluck/hashring"
)

// The JavaScript library clusterluck 2.0.1 has the faults R1 to R9. Each has a
// test here of the same name, which that library would fail.
//
//	R1  a count of 0, below 0, or of thousands overflows the stack
//	R2  weights of 0, below 0 and with fractions are accepted
//	R3  a union of one id with two addresses has both, point by point
//	R4  lookups are cached by the identity of a buffer, not by its content
//	R5  a lookup in an empty ring gives undefined
//	R6  iteration from a node never finds it; has, as documented, is missing
//	R7  at the default weight nodes own from 3.8 % to 19.7 % of the keys
//	R8  replacing the points keeps the old weights
//	R9  ids that look like integers come first

func TestR1AnyCountHasAnAnswer(t *testing.T) {
	counts := []int{math.MinInt, -1, 0, 1, 2, 3, 16, 17, 1 << 20, math.MaxInt}
	for _, nodes := range []int{0, 1, 3, 40} {
		for _, opts := range []hashring.Options{{}, {Probes: 2}, clusterluckOptions} {
			r := newRing(t, opts, numbered(nodes)...)
			for _, n := range counts {
				want, others := max(0, min(n, nodes)), max(0, min(n, nodes-1))
				for _, key := range []string{"", "key", "n0_1"} {
					for name, got := range map[string][]string{
						"AppendOwners":     r.AppendOwners(nil, key, n),
						"AppendOwnersHash": r.AppendOwnersHash(nil, r.Hash(key), n),
						"AppendZoneOwners": r.AppendZoneOwners(nil, key, n),
						"AppendPreceding":  r.AppendPreceding(nil, key, n),
					} {
						if !distinct(got) || len(got) != want {
							t.Errorf("%v, %d nodes: %s(%q, %d) has %d nodes, want %d, each once", opts, nodes, name, key, n, len(got), want)
						}
					}
				}
				for name, got := range map[string][]string{"Next": r.Next("n0", n), "Prev": r.Prev("n0", n)} {
					if !distinct(got) || len(got) != others || slices.Contains(got, "n0") {
						t.Errorf("%v, %d nodes: %s(n0, %d) = %q, want %d others, each once", opts, nodes, name, n, got, others)
					}
				}
			}
		}
	}
}

func TestR1LongWalksEnd(t *testing.T) {
	r := newRing(t, hashring.Options{Points: 1}, numbered(5000)...)
	if got := r.AppendOwners(nil, "key", 5000); len(got) != 5000 || !distinct(got) {
		t.Errorf("AppendOwners of all 5000 nodes has %d, want each once", len(got))
	}
	for _, layout := range []hashring.Layout{hashring.V1, hashring.Clusterluck} {
		r := newRing(t, hashring.Options{Points: 1, Layout: layout},
			hashring.Node{ID: "heavy", Weight: 20_000}, hashring.Node{ID: "a"}, hashring.Node{ID: "b"})
		for name, got := range map[string][]string{"Next": r.Next("heavy", 2), "Prev": r.Prev("heavy", 2)} {
			if slices.Sort(got); !slices.Equal(got, []string{"a", "b"}) {
				t.Errorf("%v: %s of a node of 20,000 points = %q, want a and b", layout, name, got)
			}
		}
	}
}

func TestR2WeightsAreWholeAndPositive(t *testing.T) {
	r := newRing(t, hashring.Options{}, hashring.Node{ID: "zero", Weight: 0}, hashring.Node{ID: "three", Weight: 3})
	if n, _ := r.Get("zero"); n.Weight != 1 {
		t.Errorf("a node given weight 0 has %d, want 1", n.Weight)
	}
	before := r.Fingerprint()
	for _, weight := range []int{-1, math.MinInt, hashring.MaxWeight + 1, math.MaxInt} {
		if err := r.Set(hashring.Node{ID: "three", Weight: weight}); !errors.Is(err, hashring.ErrWeight) {
			t.Errorf("Set of weight %d: %v, want ErrWeight", weight, err)
		}
	}
	data, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	for _, weight := range []string{"2.5", "0.5", "-3", "0", "1e400", `"3"`, "null"} {
		altered := strings.Replace(string(data), `"weight":3`, `"weight":`+weight, 1)
		if err := r.UnmarshalJSON([]byte(altered)); !errors.Is(err, hashring.ErrEncoding) && !errors.Is(err, hashring.ErrWeight) {
			t.Errorf("UnmarshalJSON of weight %s: %v, want ErrEncoding or ErrWeight", weight, err)
		}
	}
	if r.Fingerprint() != before {
		t.Errorf("refused weights changed the ring to %v", slices.Collect(r.Nodes()))
	}
	checkWeights(t, r)
}

func TestR3MergeKeepsNodesWhole(t *testing.T) {
	for _, c := range recordedSetCases(t) {
		if c.Name != "address_differs" {
			continue
		}
		a, b := c.rings(t)
		for _, set := range []struct {
			name string
			f, g func(*hashring.Ring) (*hashring.Ring, error)
			want hashring.Node
		}{
			{"Merge", a.Merge, b.Merge, hashring.Node{ID: "foo", Weight: 4, Meta: "localhost:9999"}},
			{"Intersect", a.Intersect, b.Intersect, hashring.Node{ID: "foo", Weight: 2, Meta: "localhost:7022"}},
		} {
			ab, err := set.f(b)
			if err != nil {
				t.Fatal(err)
			}
			ba, err := set.g(a)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range []*hashring.Ring{ab, ba} {
				if got := slices.Collect(r.Nodes()); !slices.Equal(got, []hashring.Node{set.want}) {
					t.Errorf("%s = %v, want one node %v", set.name, got, set.want)
				}
				checkWeights(t, r)
			}
			if !ab.Equal(ba) || ab.Fingerprint() != ba.Fingerprint() {
				t.Errorf("%s depends on the side it is called on", set.name)
			}
		}
		return
	}
	t.Error("the recording of one id with two addresses is missing")
}

func TestR4BuffersMayBeReused(t *testing.T) {
	for _, opts := range []hashring.Options{{}, {Probes: 2}, clusterluckOptions} {
		r := newRing(t, opts, numbered(20)...)
		buf, owners := make([]byte, 8), make(map[string]bool)
		for i := range 200 {
			copy(buf, fmt.Sprintf("%08d", i))
			got, _ := r.OwnerBytes(buf)
			if want, _ := r.Owner(string(buf)); got != want {
				t.Fatalf("%v: OwnerBytes of a reused buffer with %q = %q, want %q", opts, buf, got, want)
			}
			if got, want := r.HashBytes(buf), r.Hash(string(buf)); got != want {
				t.Fatalf("%v: HashBytes of a reused buffer with %q = %x, want %x", opts, buf, got, want)
			}
			owners[got] = true
		}
		if len(owners) < 15 {
			t.Errorf("%v: 200 keys have %d owners of 20", opts, len(owners))
		}
	}
}

func TestR5EmptyRingAnswers(t *testing.T) {
	left := newRing(t, hashring.Options{}, hashring.Node{ID: "a"})
	left.Remove("a")
	for name, s := range map[string]*hashring.Snapshot{
		"zero Snapshot": {}, "zero Ring": new(hashring.Ring).Snapshot(), "last node left": left.Snapshot(),
		"new": newRing(t, hashring.Options{}).Snapshot(), "two probes": newRing(t, hashring.Options{Probes: 2}).Snapshot(),
		"clusterluck": newRing(t, clusterluckOptions).Snapshot(),
	} {
		for call, f := range map[string]func(string) (string, bool){
			"Owner":      s.Owner,
			"OwnerBytes": func(key string) (string, bool) { return s.OwnerBytes([]byte(key)) },
			"OwnerHash":  func(key string) (string, bool) { return s.OwnerHash(s.Hash(key)) },
		} {
			if id, ok := f("key"); id != "" || ok {
				t.Errorf("%s: %s = %q, %v, want no node", name, call, id, ok)
			}
		}
		for range s.Successors("key") {
			t.Errorf("%s: Successors yields a node", name)
		}
		for range s.Predecessors("key") {
			t.Errorf("%s: Predecessors yields a node", name)
		}
		if s.Len() != 0 || s.Points() != 0 || len(s.Ownership()) != 0 || s.Has("a") || s.Next("a", 1) != nil {
			t.Errorf("%s: it has nodes", name)
		}
	}
	var r hashring.Ring
	if id, ok := r.Owner("key"); id != "" || ok {
		t.Errorf("zero Ring: Owner = %q, %v, want no node", id, ok)
	}
}

func TestR6NodesAreFound(t *testing.T) {
	for _, opts := range []hashring.Options{{}, clusterluckOptions} {
		r := newRing(t, opts, numbered(12)...)
		for n := range r.Nodes() {
			if got, ok := r.Get(n.ID); !ok || got != n || !r.Has(n.ID) {
				t.Errorf("%v: Get(%q) = %v, %v, want %v", opts, n.ID, got, ok, n)
			}
			points := 0
			for p := range r.All() {
				if p.Node == n.ID {
					points++
				}
			}
			if want := n.Weight * r.Options().Points; points != want {
				t.Errorf("%v: All yields %d points of %q, want %d", opts, points, n.ID, want)
			}
			next, prev := r.Next(n.ID, 11), r.Prev(n.ID, 11)
			if len(next) != 11 || len(prev) != 11 {
				t.Errorf("%v: walks from %q find %d and %d nodes, want the 11 others", opts, n.ID, len(next), len(prev))
			}
		}
		if r.Has("n12") || r.Next("n12", 3) != nil || r.Prev("n12", 3) != nil {
			t.Errorf("%v: finds a node that it lacks", opts)
		}
	}
}

// The standard deviation of a node's share is 1/sqrt(160) = 7.9 % of the mean
// at the default number of points. The bounds are four of them.
func TestR7DefaultSpreadIsEven(t *testing.T) {
	const least, most = 0.10 * (1 - 4*0.079), 0.10 * (1 + 4*0.079)
	spread := func(r *hashring.Ring) (low, high float64) {
		low = 1
		for _, share := range r.Ownership() {
			low, high = min(low, share.Fraction), max(high, share.Fraction)
		}
		return low, high
	}
	nodes := numbered(10)
	if low, high := spread(newRing(t, hashring.Options{}, nodes...)); low < least || high > most {
		t.Errorf("ten nodes own %.1f %% to %.1f %%, want %.1f %% to %.1f %%", 100*low, 100*high, 100*least, 100*most)
	}
	for i := range nodes {
		nodes[i].Weight = 3 // the original's default
	}
	if low, high := spread(newRing(t, clusterluckOptions, nodes...)); low > least && high < most {
		t.Errorf("nodes of three points own %.1f %% to %.1f %%: the bounds are too wide to tell", 100*low, 100*high)
	}
}

func TestR8WeightsFollowThePoints(t *testing.T) {
	for _, opts := range []hashring.Options{{Points: 4}, clusterluckOptions} {
		heavy := newRing(t, opts, hashring.Node{ID: "a", Weight: 9}, hashring.Node{ID: "b", Weight: 8}, hashring.Node{ID: "c"})
		light := newRing(t, opts, hashring.Node{ID: "a", Weight: 2}, hashring.Node{ID: "b", Weight: 8})
		data, err := light.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		text, err := light.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		for name, replace := range map[string]func(*hashring.Ring) error{
			"UnmarshalBinary": func(r *hashring.Ring) error { return r.UnmarshalBinary(data) },
			"UnmarshalJSON":   func(r *hashring.Ring) error { return r.UnmarshalJSON(text) },
			"Update": func(r *hashring.Ring) error {
				return r.Update(func(tx *hashring.Tx) error {
					tx.Remove("c")
					return tx.Reweight("a", 2)
				})
			},
			"Set": func(r *hashring.Ring) error {
				r.Remove("c")
				return r.Set(hashring.Node{ID: "a", Weight: 2})
			},
		} {
			r := heavy.Clone()
			if err := replace(r); err != nil {
				t.Fatal(err)
			}
			checkWeights(t, r)
			if !r.Equal(light) {
				t.Errorf("%v: after %s the ring has %v", opts, name, slices.Collect(r.Nodes()))
			}
		}
		checkWeights(t, heavy)
	}
}

func TestR9NodesComeInOrderOfTheirIDs(t *testing.T) {
	ids := []string{"b", "10", "9", "a", "2", "-1", "1e3", "01", "B"}
	want := []string{"-1", "01", "10", "1e3", "2", "9", "B", "a", "b"}
	for shift := range ids {
		r := newRing(t, clusterluckOptions)
		for i := range ids {
			if err := r.Set(hashring.Node{ID: ids[(i+shift)%len(ids)]}); err != nil {
				t.Fatal(err)
			}
		}
		var nodes, weights, shares []string
		for n := range r.Nodes() {
			nodes = append(nodes, n.ID)
		}
		for id := range r.Weights() {
			weights = append(weights, id)
		}
		for _, share := range r.Ownership() {
			shares = append(shares, share.ID)
		}
		for name, got := range map[string][]string{"Nodes": nodes, "Weights": weights, "Ownership": shares} {
			if !slices.Equal(got, want) {
				t.Errorf("%s has the ids %q, want %q", name, got, want)
			}
		}
	}
}

// checkWeights compares every node's weight with its points.
func checkWeights(t *testing.T, r *hashring.Ring) {
	t.Helper()
	points := make(map[string]int)
	for p := range r.All() {
		points[p.Node]++
	}
	sum := 0
	for id, weight := range r.Weights() {
		n, _ := r.Get(id)
		if want := weight * r.Options().Points; points[id] != want || n.Weight != weight {
			t.Errorf("node %q of weight %d (Get: %d) has %d points, want %d", id, weight, n.Weight, points[id], want)
		}
		sum += points[id]
	}
	if r.Points() != sum || len(points) != r.Len() {
		t.Errorf("ring of %d points and %d nodes yields %d points of %d nodes", r.Points(), r.Len(), sum, len(points))
	}
}

// numbered returns n nodes of ids n0, n1 and so on.
func numbered(n int) []hashring.Node {
	nodes := make([]hashring.Node, n)
	for i := range nodes {
		nodes[i] = hashring.Node{ID: "n" + strconv.Itoa(i), Weight: 1}
	}
	return nodes
}

// distinct reports whether no id is there twice.
func distinct(ids []string) bool {
	seen := make(map[string]bool, len(ids))
	for _, id := range ids {
		seen[id] = true
	}
	return len(seen) == len(ids)
}
