package hashring_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/clusterluck/clusterluck/hashring"
)

var updateGolden = flag.Bool("update", false, "write testdata/v1.json anew")

// A v1Ring is a ring and what it answers, as testdata/v1.json has it.
type v1Ring struct {
	Name        string
	Points      int
	Probes      int
	Nodes       []string // quoted as in Go: metadata may be any bytes
	Fingerprint string
	Binary      string // hexadecimal
	JSON        json.RawMessage
	Size        int      // number of points
	All         string   // SHA-256 of a line "label node" for each point
	First, Last []string // lines of the first and the last points
	Arcs        []string // "node positions"; none with several probes
	Neighbors   []v1Neighbors
	Keys        []v1Key
	Hashes      []v1Hash

	nodes []hashring.Node
}

type (
	v1Neighbors struct {
		Node       string
		Next, Prev []string
	}
	v1Key struct {
		Key        string // quoted as in Go, so that any bytes may be a key
		Hash       string
		Owners     []string // four
		ZoneOwners []string // four
		Preceding  []string // three
	}
	v1Hash struct{ Hash, Owner string }
)

func v1Path() string { return filepath.Join("testdata", "v1.json") }

// v1Specs returns the rings of the golden file: weights, zones, ids in which
// bytes, runes and normal forms differ, few points and many, and each number
// of probes over the same nodes.
func v1Specs() []v1Ring {
	weights := []hashring.Node{{ID: "a", Weight: 1}, {ID: "b", Weight: 2}, {ID: "c", Weight: 7}, {ID: "d", Weight: 3}}
	zones := []hashring.Node{
		{ID: "ams-1", Weight: 1, Zone: "ams"}, {ID: "ams-2", Weight: 1, Zone: "ams"}, {ID: "ams-3", Weight: 4, Zone: "ams"},
		{ID: "fra-1", Weight: 2, Zone: "fra"}, {ID: "none", Weight: 1}, {ID: "nyc-1", Weight: 1, Zone: "nyc", Meta: "10.0.0.7:7022"},
	}
	var odd, hundred []hashring.Node
	for i, id := range []string{
		"10", "9", "1x", "x", "x_1", " ", "UPPER", "upper", "\u00e9", "e\u0301", "\u65e5\u672c\u8a9e", "\U0001f600", "\x00",
		"__proto__", "10.0.0.1:7022", strings.Repeat("x", 300),
	} {
		odd = append(odd, hashring.Node{ID: id, Weight: 1 + i%3, Meta: "<" + id[:1] + "&\xff>"})
	}
	for i := range 100 {
		hundred = append(hundred, hashring.Node{ID: "node-" + strconv.Itoa(i), Weight: 1})
	}
	specs := []v1Ring{
		{Name: "empty", Points: 160, Probes: 1},
		{Name: "one node of one point", Points: 1, Probes: 1, nodes: []hashring.Node{{ID: "a", Weight: 1}}},
		{Name: "zones, one point each", Points: 1, Probes: 1, nodes: zones},
		{Name: "zones", Points: 160, Probes: 1, nodes: zones},
		{Name: "odd ids", Points: 16, Probes: 1, nodes: odd},
		{Name: "odd ids, two probes", Points: 16, Probes: 2, nodes: odd},
	}
	for probes := 1; probes <= 3; probes++ {
		specs = append(specs,
			v1Ring{Name: fmt.Sprintf("weights, probes=%d", probes), Points: 160, Probes: probes, nodes: weights},
			v1Ring{Name: fmt.Sprintf("hundred nodes, probes=%d", probes), Points: 160, Probes: probes, nodes: hundred})
	}
	return specs
}

func v1Keys() []string {
	keys := []string{"", "a", "b", "foo_1", "\u00e9", "e\u0301", "\u65e5\u672c\u8a9e", "\x00", "\xff\xfe", " ", strings.Repeat("x", 1000)}
	for i := range 24 {
		keys = append(keys, "user:"+strconv.Itoa(i))
	}
	return keys
}

// v1Nodes describes nodes, which need not be text.
func v1Nodes(nodes []hashring.Node) (lines []string) {
	for _, n := range nodes {
		lines = append(lines, fmt.Sprintf("%+q weight=%d zone=%+q meta=%+q", n.ID, n.Weight, n.Zone, n.Meta))
	}
	return lines
}

// points sets what is derived from the lines of all points.
func (r *v1Ring) points(lines []string) {
	sum := sha256.Sum256([]byte(strings.Join(lines, "\n")))
	r.All = hex.EncodeToString(sum[:])
	n := min(len(lines), 8)
	r.First, r.Last = lines[:n], lines[len(lines)-n:]
}

// askV1 has the package answer what is recorded, of the ring of spec.
func askV1(t *testing.T, spec, recorded v1Ring) v1Ring {
	t.Helper()
	ring := newRing(t, hashring.Options{Points: spec.Points, Probes: spec.Probes}, spec.nodes...)
	r := v1Ring{Name: spec.Name, Points: ring.Options().Points, Probes: ring.Options().Probes, Nodes: v1Nodes(spec.nodes), Size: ring.Points()}
	fingerprint := ring.Fingerprint()
	r.Fingerprint = hex.EncodeToString(fingerprint[:])
	data, err := ring.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	r.Binary = hex.EncodeToString(data)
	if r.JSON, err = ring.MarshalJSON(); err != nil {
		t.Fatal(err)
	}
	var lines []string
	for p := range ring.All() {
		if p.Label != fmt.Sprintf("%011x", p.Position) {
			t.Errorf("point at %011x has the label %s", p.Position, p.Label)
		}
		lines = append(lines, p.Label+" "+p.Node)
	}
	r.points(lines)
	for _, share := range ring.Ownership() {
		if r.Probes == 1 {
			r.Arcs = append(r.Arcs, fmt.Sprint(share.ID, " ", share.Arc))
		}
	}
	for n := range ring.Nodes() {
		r.Neighbors = append(r.Neighbors, v1Neighbors{n.ID, ring.Next(n.ID, 3), ring.Prev(n.ID, 3)})
	}
	for _, k := range recorded.Keys {
		key, err := strconv.Unquote(k.Key)
		if err != nil {
			t.Fatalf("key %s: %v", k.Key, err)
		}
		if owner, ok := ring.Owner(key); ok != (r.Size > 0) || ok && owner != k.Owners[0] {
			t.Errorf("Owner(%.40q) = %q, %v, want first of %q", key, owner, ok, k.Owners)
		}
		r.Keys = append(r.Keys, v1Key{k.Key, fmt.Sprintf("%016x", ring.Hash(key)),
			ring.AppendOwners(nil, key, 4), ring.AppendZoneOwners(nil, key, 4), ring.AppendPreceding(nil, key, 3)})
	}
	for _, h := range recorded.Hashes {
		hash, err := strconv.ParseUint(h.Hash, 16, 64)
		if err != nil {
			t.Fatal(err)
		}
		owner, _ := ring.OwnerHash(hash)
		r.Hashes = append(r.Hashes, v1Hash{h.Hash, owner})
	}
	return r
}

// compareV1 reports each field of an answer that is not as recorded.
func compareV1(t *testing.T, who string, got, want v1Ring) {
	t.Helper()
	g, w := reflect.ValueOf(got), reflect.ValueOf(want)
	for i := range g.NumField() {
		if !g.Type().Field(i).IsExported() {
			continue
		}
		a, _ := json.Marshal(g.Field(i).Interface())
		b, _ := json.Marshal(w.Field(i).Interface())
		if !bytes.Equal(a, b) {
			t.Errorf("%s: %s is\n%.500s\nrecorded is\n%.500s", who, g.Type().Field(i).Name, a, b)
		}
	}
}

// The point layout, the order of answers and both encodings are API: they must
// stay as testdata/v1.json has them. The scan is held against the file too, so
// that neither can drift alone.
func TestV1Golden(t *testing.T) {
	specs := v1Specs()
	if *updateGolden {
		var rings [][]byte // one to a line
		for _, spec := range specs {
			data, err := json.Marshal(newV1Scan(spec).answer())
			if err != nil {
				t.Fatal(err)
			}
			rings = append(rings, data)
		}
		data := fmt.Appendf(nil, "[\n%s\n]\n", bytes.Join(rings, []byte(",\n")))
		if err := os.WriteFile(v1Path(), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	data, err := os.ReadFile(v1Path())
	if err != nil {
		t.Fatal(err)
	}
	var recorded []v1Ring
	if err := json.Unmarshal(data, &recorded); err != nil {
		t.Fatal(err)
	}
	if len(recorded) != len(specs) {
		t.Fatalf("%d rings are recorded, want %d", len(recorded), len(specs))
	}
	for i, want := range recorded {
		t.Run(want.Name, func(t *testing.T) {
			compareV1(t, "package", askV1(t, specs[i], want), want)
			compareV1(t, "scan", newV1Scan(specs[i]).answer(), want)
		})
	}
}
