package golden_test

import (
	"bytes"
	"context"
	"errors"
	"regexp"
	"strings"
	"testing"

	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/golden"
	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/keys"
	"github.com/clusterluck/clusterluck/hashring"
)

func load(t *testing.T, spec, text string) *keys.Set {
	t.Helper()
	format, err := keys.ParseFormat("", "")
	if err != nil {
		t.Fatal(err)
	}
	s, err := keys.Parse(spec, format)
	if err != nil {
		t.Fatal(err)
	}
	set, err := s.Load(t.Context(), keys.Config{Seed: 1, Stdin: strings.NewReader(text)})
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// write makes a golden file and returns its text.
func write(t *testing.T, o hashring.Options, set *keys.Set, count int, nodes ...hashring.Node) string {
	t.Helper()
	ring, err := hashring.New(o, nodes...)
	if err != nil {
		t.Fatal(err)
	}
	file, err := golden.Make(t.Context(), ring.Snapshot(), set, count, 3)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := file.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func check(t *testing.T, text string, most int) ([]golden.Difference, int) {
	t.Helper()
	file, err := golden.Read(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	first, total, err := file.Check(t.Context(), most)
	if err != nil {
		t.Fatal(err)
	}
	return first, total
}

var nodes = []hashring.Node{{ID: "a", Weight: 2}, {ID: "b", Zone: "z", Meta: "m\xff"}, {ID: "c", Meta: "host:1"}}

func TestWhatWasWrittenHolds(t *testing.T) {
	for name, o := range map[string]hashring.Options{
		"default": {}, "probes": {Points: 10, Probes: 3}, "clusterluck": {Layout: hashring.Clusterluck, Points: 4},
	} {
		for _, set := range []*keys.Set{load(t, "zipf:n=1e3", ""), load(t, "-", "\xff\xfe\n<&>\n\"quoted\"\nline\u2028\n")} {
			if first, total := check(t, write(t, o, set, 1e6, nodes...), 3); total != 0 {
				t.Errorf("%s: %d differences: %+v", name, total, first)
			}
		}
	}
}

// There are as many owners as nodes at most, and a file need not say how many it
// asked for.
func TestShortListsHoldWhereThereAreNoMoreNodes(t *testing.T) {
	more := append([]hashring.Node{{ID: "d"}}, nodes...)
	for _, nodes := range [][]hashring.Node{nodes[:2], more} {
		text := write(t, hashring.Options{}, load(t, "seq:n=9", ""), 9, nodes...)
		silent := strings.Replace(text, "  \"replicas\": 3,\n", "", 1)
		if silent == text {
			t.Fatal("nothing was altered")
		}
		for _, text := range []string{text, silent} {
			if first, total := check(t, text, 3); total != 0 {
				t.Errorf("%d nodes: %d differences: %+v", len(nodes), total, first)
			}
		}
	}
}

func TestDifferencesAreFound(t *testing.T) {
	text := write(t, hashring.Options{}, load(t, "seq:n=50", ""), 50, nodes...)
	other := write(t, hashring.Options{}, load(t, "seq:n=50", ""), 50, hashring.Node{ID: "a", Weight: 2}, hashring.Node{ID: "b"}, hashring.Node{ID: "d"})
	start := func(s string) string { return s[:strings.Index(s, `"keys"`)] }
	tests := []struct {
		name, text, what string
		total            int
	}{
		{"an owner", strings.Replace(text, `"owners":["a"`, `"owners":["c"`, 1), "owners", 1},
		{"a hash", strings.Replace(text, `"hash":"`, `"hash":"0`, 1), "hash", 1},
		{"the fingerprint", strings.Replace(text, `"fingerprint": "`, `"fingerprint": "0`, 1), "fingerprint", 1},
		{"the order of two replicas", strings.Replace(text, `"a","b","c"]`, `"a","c","b"]`, 1), "owners", 1},
		{"a replica too many", strings.Replace(text, `"c"]`, `"c","d"]`, 1), "owners", 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.text == text {
				t.Fatal("nothing was altered")
			}
			first, total := check(t, tt.text, 3)
			if total != tt.total || len(first) != 1 || first[0].What != tt.what {
				t.Errorf("got %d differences %+v, want %d in %s", total, first, tt.total, tt.what)
			}
		})
	}
	first, total := check(t, start(other)+text[len(start(text)):], 2)
	if len(first) != 2 || total <= 2 {
		t.Errorf("other nodes: %d differences, %d listed; want many, 2 listed", total, len(first))
	}
}

func TestKeysArePickedEvenly(t *testing.T) {
	file, err := golden.Read(strings.NewReader(write(t, hashring.Options{}, load(t, "seq:n=100", ""), 4, nodes...)))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, k := range file.Keys {
		got = append(got, k.Key)
	}
	if want := "key-0 key-25 key-50 key-75"; strings.Join(got, " ") != want {
		t.Errorf("picked %q, want %s", got, want)
	}
}

var owners = regexp.MustCompile(`"owners":\[[^]]*\]`)

func TestFilesThatCannotBeUsed(t *testing.T) {
	good := write(t, hashring.Options{}, load(t, "seq:n=3", ""), 3, nodes...)
	last := regexp.MustCompile(`,"[abc]"\]`).FindStringIndex(good) // owner of the first key
	for name, tt := range map[string]struct{ text, want string }{
		"empty":        {"", "not a golden file"},
		"text":         {"a\nb\n", "line 1: not a golden file"},
		"another JSON": {`{"nodes":["a"]}`, "not a golden file"},
		"cut":          {good[:len(good)/2], "not a golden file"},
		"more":         {good + "{}", "more after the end"},
		"no keys":      {good[:strings.Index(good, `"keys"`)] + `"keys":[]}`, "it holds no keys"},
		"no owners":    {owners.ReplaceAllString(good, `"owners":[]`), `key 1, "key-0": 0 owners where every key has 3`},
		"no owners, and it does not say how many": {owners.ReplaceAllString(strings.Replace(good, "  \"replicas\": 3,\n", "", 1), `"owners":[]`), `key 1, "key-0": 0 owners where every key has 1`},
		"one short list": {good[:last[0]] + "]" + good[last[1]:], `key 1, "key-0": 2 owners where every key has 3`},
		"later version":  {strings.Replace(good, `"version": 1`, `"version": 2`, 1), "it has 2, this reads 1"},
		"unknown field":  {strings.Replace(good, `"version"`, `"verzion"`, 1), "verzion"},
	} {
		if _, err := golden.Read(strings.NewReader(tt.text)); !errors.Is(err, golden.ErrFormat) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got error %v, want ErrFormat with %q", name, err, tt.want)
		}
	}
	for name, text := range map[string]string{
		"bad weight": strings.Replace(good, `"weight": 2`, `"weight": -2`, 1),
		"bad base64": strings.Replace(good, `"key":"key-0"`, `"key_base64":"*"`, 1),
	} {
		file, err := golden.Read(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := file.Check(t.Context(), 1); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestCheckStopsWithItsContext(t *testing.T) {
	file, err := golden.Read(strings.NewReader(write(t, hashring.Options{}, load(t, "seq:n=3", ""), 3, nodes...)))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := file.Check(ctx, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("got error %v, want context.Canceled", err)
	}
}
