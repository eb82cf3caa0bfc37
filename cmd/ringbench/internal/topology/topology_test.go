package topology_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/topology"
	"github.com/clusterluck/clusterluck/hashring"
)

func parse(t *testing.T, text string) *topology.Topology {
	t.Helper()
	top, err := topology.Parse("f", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return top
}

func TestFormsAreToldApart(t *testing.T) {
	ring, err := hashring.New(hashring.Options{Points: 40, Probes: 2}, hashring.Node{ID: "b", Weight: 2, Zone: "z", Meta: "m\xff"}, hashring.Node{ID: "a"})
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := json.Marshal(ring)
	if err != nil {
		t.Fatal(err)
	}
	ab := []hashring.Node{{ID: "a", Weight: 1}, {ID: "b", Weight: 2, Zone: "eu"}}
	tests := []struct {
		name, text string
		form       topology.Form
		options    hashring.Options
		stated     topology.Stated
		nodes      []hashring.Node
	}{
		{"text", "a\nb 2 eu\n", topology.Text, hashring.Options{}, topology.Stated{}, ab},
		{"text with comments", "# nodes\n\n a  # the first\r\nb\t2 eu #x\n", topology.Text, hashring.Options{}, topology.Stated{}, ab},
		{"an id may hold a #", "a#1", topology.Text, hashring.Options{}, topology.Stated{}, []hashring.Node{{ID: "a#1", Weight: 1}}},
		{"byte order mark", "\xef\xbb\xbfa\nb 2 eu", topology.Text, hashring.Options{}, topology.Stated{}, ab},
		{"list", `["a", {"id":"b","weight":2,"zone":"eu"}]`, topology.JSON, hashring.Options{}, topology.Stated{}, ab},
		{"object", ` {"nodes": [{"id":"a"}, {"id":"b","weight":2,"zone":"eu"}]}`, topology.JSON, hashring.Options{}, topology.Stated{}, ab},
		{"options", `{"options":{"points":7,"probes":2,"layout":"v1"},"nodes":["a"]}`, topology.JSON,
			hashring.Options{Points: 7, Probes: 2}, topology.Stated{Layout: true, Points: true, Probes: true}, []hashring.Node{{ID: "a", Weight: 1}}},
		{"some options", `{"options":{"layout":"clusterluck"},"nodes":["a"]}`, topology.JSON,
			hashring.Options{Layout: hashring.Clusterluck}, topology.Stated{Layout: true}, []hashring.Node{{ID: "a", Weight: 1}}},
		{"a ring of hashring", string(encoded), topology.Ring, hashring.Options{Points: 40, Probes: 2},
			topology.Stated{Layout: true, Points: true, Probes: true},
			[]hashring.Node{{ID: "a", Weight: 1}, {ID: "b", Weight: 2, Zone: "z", Meta: "m\xff"}}},
		{"weights by clusterluck", `{"ok":true,"data":{"foo":3,"bar":5}}`, topology.Weighed, hashring.Options{Layout: hashring.Clusterluck},
			topology.Stated{}, []hashring.Node{{ID: "bar", Weight: 5}, {ID: "foo", Weight: 3}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			top := parse(t, tt.text)
			if top.Form != tt.form || top.Options != tt.options || top.Stated != tt.stated {
				t.Errorf("got form %s, options %+v, stated %+v; want %s, %+v, %+v", top.Form, top.Options, top.Stated, tt.form, tt.options, tt.stated)
			}
			if !slices.Equal(top.Nodes, tt.nodes) {
				t.Errorf("got nodes %+v, want %+v", top.Nodes, tt.nodes)
			}
		})
	}
}

// What the original printed must give the ring it had: the very same points.
func TestInspectOfTheOriginalGivesItsRing(t *testing.T) {
	for file, want := range map[string][]hashring.Node{
		"inspect_one.json": {{ID: "foo", Weight: 3}},
		"inspect_two.json": {{ID: "bar", Weight: 3}, {ID: "foo", Weight: 3}},
	} {
		top, err := topology.Load(filepath.Join("testdata", file), nil)
		if err != nil {
			t.Fatal(err)
		}
		if top.Form != topology.Inspect || top.Options.Layout != hashring.Clusterluck || len(top.Notes) != 0 {
			t.Errorf("%s: form %s, layout %v, notes %q; want inspect, clusterluck, none", file, top.Form, top.Options.Layout, top.Notes)
		}
		if !slices.Equal(top.Nodes, want) {
			t.Errorf("%s: got nodes %+v, want %+v", file, top.Nodes, want)
		}
		ring, err := top.Ring()
		if err != nil {
			t.Fatal(err)
		}
		var printed struct {
			Data struct {
				Tree []struct{ Key string } `json:"tree"`
			} `json:"data"`
		}
		data, err := os.ReadFile(filepath.Join("testdata", file))
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(data, &printed); err != nil {
			t.Fatal(err)
		}
		i := 0
		for point := range ring.All() {
			if point.Label != printed.Data.Tree[i].Key {
				t.Errorf("%s: point %d is %s, the original printed %s", file, i, point.Label, printed.Data.Tree[i].Key)
			}
			i++
		}
	}
}

func TestNodesOfTheOriginalSayWhatIsAssumed(t *testing.T) {
	top, err := topology.Load(filepath.Join("testdata", "nodes_two.json"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if want := []hashring.Node{{ID: "bar", Weight: 3}, {ID: "foo", Weight: 3}}; !slices.Equal(top.Nodes, want) {
		t.Errorf("got nodes %+v, want %+v", top.Nodes, want)
	}
	if len(top.Notes) != 1 || !strings.Contains(top.Notes[0], "taking weight 3 for each") {
		t.Errorf("got notes %q, want one about the weights", top.Notes)
	}
	top = parse(t, `{"ok":true,"data":[{"id":"a","host":"x","port":1},{"id":"a","host":"y","port":2}]}`)
	if len(top.Nodes) != 1 || !strings.Contains(top.Notes[0], "listed twice") {
		t.Errorf("one id at two addresses: nodes %+v, notes %q", top.Nodes, top.Notes)
	}
}

// inspect prints a ring as clusterluck inspect does.
func inspect(t *testing.T, o hashring.Options, nodes ...hashring.Node) string {
	t.Helper()
	ring, err := hashring.New(o, nodes...)
	if err != nil {
		t.Fatal(err)
	}
	var tree []string
	for p := range ring.All() {
		tree = append(tree, fmt.Sprintf(`{"key":%q,"value":{"id":%q,"host":"h","port":1}}`, p.Label, p.Node))
	}
	return `{"ok":true,"data":{"rfactor":3,"pfactor":2,"tree":[` + strings.Join(tree, ",") + `]}}`
}

func TestInspectOfLayoutV1(t *testing.T) {
	nodes := []hashring.Node{{ID: "a", Weight: 1}, {ID: "b", Weight: 2}}
	for points, want := range map[int]struct {
		points, a int
	}{160: {160, 1}, 7: {1, 7}} {
		top := parse(t, inspect(t, hashring.Options{Points: points}, nodes...))
		weights := make(map[string]int)
		for _, n := range top.Nodes {
			weights[n.ID] = n.Weight
		}
		if top.Options.Points != want.points || weights["a"] != want.a || weights["b"] != 2*want.a {
			t.Errorf("%d points: got points %d, weights %v; want points %d and weight %d of a", points, top.Options.Points, weights, want.points, want.a)
		}
		original, err := hashring.New(hashring.Options{Points: points}, nodes...)
		if err != nil {
			t.Fatal(err)
		}
		ring, err := top.Ring()
		if err != nil {
			t.Fatal(err)
		}
		delta, err := hashring.Diff(original.Snapshot(), ring.Snapshot())
		if err != nil || delta.Moved != 0 {
			t.Errorf("%d points: the ring differs from the one inspected: %+v, %v", points, delta, err)
		}
	}
}

func TestInspectOfForeignPoints(t *testing.T) {
	text := inspect(t, hashring.Options{Layout: hashring.Clusterluck}, hashring.Node{ID: "foo", Weight: 3})
	one := strings.Replace(text, "avmox6", "Avmox6", 1)
	if one == text {
		t.Fatal("the point to alter is not there")
	}
	top := parse(t, one)
	if len(top.Notes) != 1 || !strings.Contains(top.Notes[0], "1 of 3 keys are not points that layout clusterluck gives") {
		t.Errorf("got notes %q, want one about the altered key", top.Notes)
	}
	if top := parse(t, text); len(top.Notes) != 0 {
		t.Errorf("unaltered, yet noted: %q", top.Notes)
	}
	_, err := topology.Parse("f", []byte(strings.ReplaceAll(text, `"foo"`, `"bar"`)))
	if err == nil || !strings.Contains(err.Error(), "3 of 3 keys are not points") {
		t.Errorf("no key is a point: got error %v", err)
	}
}

func TestTopologiesThatCannotBeUsed(t *testing.T) {
	tests := []struct {
		name, text string
		want       string
		is         error
	}{
		{"empty", "", "f: no nodes; write one a line", topology.ErrEmpty},
		{"comments only", "# a\n", "f: no nodes", topology.ErrEmpty},
		{"empty list", "[]", "f: no nodes", topology.ErrEmpty},
		{"empty tree", `{"ok":true,"data":{"tree":[]}}`, "f: no nodes", topology.ErrEmpty},
		{"NUL byte", "a\n\x00", "f:2: a NUL byte", nil},
		{"too many fields", "a\nb 1 eu x\n", "f:2: 4 fields; want id, weight, zone", nil},
		{"weight is no number", "a eu\n", `f:1: weight "eu" is no number`, hashring.ErrWeight},
		{"weight 0", "a\n\nb 0\n", `f:3: node "b": weight 0: want 1 to 65536`, hashring.ErrWeight},
		{"weight too large", "a 65537", "f:1: node \"a\": weight 65537", hashring.ErrWeight},
		{"duplicate", "a\nb\na\n", `f:3: node "a" is on line 1 already`, hashring.ErrDuplicate},
		{"id too long", strings.Repeat("x", 1025), "of 1025 bytes: at most 1024", hashring.ErrID},
		{"id is not UTF-8", "a\nb\xff\n", "f:2: node id", hashring.ErrID},
		{"zone too long", "a 1 " + strings.Repeat("x", 1025), "zone of 1025 bytes", hashring.ErrID},
		{"no JSON", "{\n\"nodes\": [}\n", "f:2: invalid character", nil},
		{"cut JSON", "{\n\"nodes\": [\"a\",\n", "f:3: the JSON ends too early", nil},
		{"JSON that is not UTF-8", "[\n\"a\xff\"]", "f:2: not UTF-8", nil},
		{"two values", "[\"a\"]\n[\"b\"]", "f:2: more after the topology", nil},
		{"unknown field", "{\"nodes\":[\"a\"],\n\"option\":{}}", `f:2: unknown field "option"`, nil},
		{"misspelled weight", "[\n\"a\",\n{\"id\":\"b\",\"wieght\":2}]", `f:3: json: unknown field "wieght"`, nil},
		{"JSON weight 0", "[\n{\"id\":\"b\",\"weight\":0}]", `f:2: node "b": weight 0`, hashring.ErrWeight},
		{"JSON weight as text", "[\n{\"id\":\"b\",\"weight\":\"2\"}]", `f:2: field "weight": want int, not string`, nil},
		{"JSON duplicate", "[\"a\",\n\"b\",\n\"a\"]", `f:3: node "a" is on line 1 already`, hashring.ErrDuplicate},
		{"JSON without an id", "[\n{}]", "f:2: a node without an id", hashring.ErrID},
		{"nodes is no list", "{\n\"nodes\": 3}", "f:2: want nodes as a list", nil},
		{"unknown option", "{\"nodes\":[\"a\"],\n\"options\":{\"point\":1}}", `f:2: json: unknown field "point"`, nil},
		{"option out of range", "{\"nodes\":[\"a\"],\n\"options\":{\"points\":-1}}", "f:2: ", hashring.ErrOptions},
		{"unknown layout", "{\"nodes\":[\"a\"],\n\"options\":{\"layout\":\"v9\"}}", "f:2: ", hashring.ErrOptions},
		{"a reply that failed", `{"ok":false,"error":{"message":"'bar' is not defined in this ring.","_error":true}}`,
			"a command that failed: 'bar' is not defined", nil},
		{"a reply of another command", `{"ok":true,"data":"pong"}`, "holds no topology", nil},
		{"a reply without data", `{"ok":true}`, "holds no topology", nil},
		{"get prints one node", `{"ok":true,"data":{"id":"foo","host":"localhost","port":7022}}`, "holds no topology", nil},
		{"keys of no layout", `{"ok":true,"data":{"tree":[{"key":"x","value":{"id":"a"}}]}}`, "a point of neither layout", nil},
		{"an edited ring", `{"version":1,"layout":"v1","points":160,"probes":1,"fingerprint":"00000000000000000000000000000000","nodes":[{"id":"a","weight":1}]}`,
			"the nodes were edited", hashring.ErrFingerprint},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := topology.Parse("f", []byte(tt.text))
			var bad *topology.Error
			if !errors.As(err, &bad) || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("got error %v, want an Error with %q", err, tt.want)
			}
			if tt.is != nil && !errors.Is(err, tt.is) {
				t.Errorf("error %v does not wrap %v", err, tt.is)
			}
		})
	}
	if _, err := topology.Load("no/such/file", nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got error %v, want fs.ErrNotExist", err)
	}
}

func TestOverrideFillsButDoesNotContradict(t *testing.T) {
	clusterluck, v1 := hashring.Clusterluck, hashring.V1
	open := parse(t, "a")
	if err := open.Override(&clusterluck, 5, 0); err != nil {
		t.Fatal(err)
	}
	if want := (hashring.Options{Layout: clusterluck, Points: 5}); open.Options != want {
		t.Errorf("got options %+v, want %+v", open.Options, want)
	}
	const stated = `{"nodes":["a"],"options":{"layout":"v1","points":8,"probes":2}}`
	if err := parse(t, stated).Override(&v1, 8, 2); err != nil {
		t.Errorf("repeating what is stated: %v", err)
	}
	for what, err := range map[string]error{
		"layout": parse(t, stated).Override(&clusterluck, 0, 0),
		"points": parse(t, stated).Override(nil, 9, 0),
		"probes": parse(t, stated).Override(nil, 0, 3),
	} {
		if !errors.Is(err, hashring.ErrOptions) || !strings.Contains(err.Error(), "--"+what) {
			t.Errorf("%s: got error %v, want one that names --%s", what, err, what)
		}
	}
}

func TestReadTakesStdin(t *testing.T) {
	top, err := topology.Load("-", strings.NewReader("a\n"))
	if err != nil || top.Name != "stdin" || len(top.Nodes) != 1 {
		t.Errorf("got %+v, %v", top, err)
	}
	if _, err := topology.Load("-", nil); !errors.Is(err, topology.ErrEmpty) {
		t.Errorf("without stdin: got error %v, want ErrEmpty", err)
	}
}
