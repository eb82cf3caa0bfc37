package vectorclock_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"testing"

	"github.com/clusterluck/clusterluck/vectorclock"
)

// A plain clock is the original's JSON.
type plain map[string]struct {
	Count  uint64 `json:"count"`
	Insert int64  `json:"insert"`
	Time   int64  `json:"time"`
}

func (p plain) clock(t *testing.T) *vectorclock.Clock {
	t.Helper()
	c := new(vectorclock.Clock)
	data, err := json.Marshal(p)
	if err == nil {
		err = json.Unmarshal(data, c)
	}
	if err != nil {
		t.Fatalf("%v: %v", p, err)
	}
	return c
}

func plainOf(t *testing.T, c *vectorclock.Clock) plain {
	t.Helper()
	data, err := json.Marshal(c)
	var p plain
	if err == nil {
		err = json.Unmarshal(data, &p)
	}
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func golden(t *testing.T, name string, into any) {
	t.Helper()
	data, err := os.ReadFile("testdata/clusterluck/" + name)
	if err == nil {
		err = json.Unmarshal(data, into)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// differs collects the cases that differ and compares them with those that may.
func differs(t *testing.T, got map[string]string, want map[string]string) {
	t.Helper()
	for _, name := range slices.Sorted(maps.Keys(got)) {
		if _, ok := want[name]; !ok {
			t.Errorf("%s: %s", name, got[name])
		}
	}
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if _, ok := got[name]; !ok {
			t.Errorf("%s no longer differs (%s): take it off the list", name, want[name])
		}
	}
}

func TestGoldenSequences(t *testing.T) {
	var file struct {
		Sequences []struct {
			Name  string
			Steps []struct {
				Op    string
				Node  string
				Count uint64
				Time  *int64
				Now   int64
				Clock plain
				JSON  plain
				Size  int
				Nodes []string
			}
		}
	}
	golden(t, "vclock_sequences.json", &file)
	got := make(map[string]string)
	for _, seq := range file.Sequences {
		c := new(vectorclock.Clock)
		for i, s := range seq.Steps {
			var err error
			switch s.Op {
			case "insert":
				err = c.Insert(s.Node, s.Now)
			case "increment":
				_, err = c.Increment(s.Node, s.Now)
			case "update":
				at := s.Now
				if s.Time != nil {
					at = *s.Time
				}
				_, err = c.Set(s.Node, s.Count, at, s.Now)
			case "remove":
				c.Remove(s.Node)
			case "merge":
				c.Merge(s.Clock.clock(t))
			default:
				t.Fatalf("%s: step %q", seq.Name, s.Op)
			}
			if err != nil {
				t.Fatal(err)
			}
			if have := plainOf(t, c); !maps.Equal(have, s.JSON) || c.Len() != s.Size {
				got[seq.Name] = fmt.Sprintf("step %d, %s %s: have %v, want %v", i, s.Op, s.Node, have, s.JSON)
				c = s.JSON.clock(t) // goes on from what the original has
			}
			nodes := slices.Sorted(slices.Values(s.Nodes))
			if have := slices.Collect(c.Actors()); !slices.Equal(have, nodes) {
				t.Errorf("%s: step %d: actors %q, want %q", seq.Name, i, have, nodes)
			}
		}
	}
	const back = "increment: the time of an entry never goes back, though the original's does with its wall clock"
	differs(t, got, map[string]string{"random_5": back, "random_19": back, "random_25": back, "random_31": back})
}

func TestGoldenPairs(t *testing.T) {
	var file struct {
		Pairs []struct {
			Name     string
			A, B     plain
			ADescend bool  `json:"a_descends_b"`
			BDescend bool  `json:"b_descends_a"`
			Equals   bool  `json:"equals"`
			BEquals  bool  `json:"b_equals_a"`
			AB       plain `json:"merge_a_b"`
			BA       plain `json:"merge_b_a"`
		}
	}
	golden(t, "vclock_pairs.json", &file)
	got := make(map[string]string)
	for _, p := range file.Pairs {
		a, b := p.A.clock(t), p.B.clock(t)
		ab, ba := a.Clone(), b.Clone()
		ab.Merge(b)
		ba.Merge(a)
		for what, ok := range map[string]bool{
			"a descends b": a.Descends(b) == p.ADescend,
			"b descends a": b.Descends(a) == p.BDescend,
			"a equals b":   a.Identical(b) == p.Equals,
			"b equals a":   b.Identical(a) == p.BEquals,
			"a merged b":   maps.Equal(plainOf(t, &ab), p.AB),
			"b merged a":   maps.Equal(plainOf(t, &ba), p.BA),
		} {
			if !ok {
				got[p.Name+": "+what] = fmt.Sprintf("%v and %v", p.A, p.B)
			}
		}
	}
	differs(t, got, map[string]string{
		"zero count is still an entry: a descends b": "order: an entry that counts zero compares as none, as no event was seen",
	})
}

func TestGoldenTrim(t *testing.T) {
	var file struct {
		Cases []struct {
			Name      string
			Clock     plain
			Threshold int64
			Opts      struct {
				LowerBound, UpperBound int
				YoungBound, OldBound   int64
			}
			Kept []string
		}
	}
	golden(t, "vclock_trim.json", &file)
	got := make(map[string]string)
	for _, tt := range file.Cases {
		c := tt.Clock.clock(t)
		c.Trim(tt.Threshold, vectorclock.Policy{
			Lower: tt.Opts.LowerBound, Upper: tt.Opts.UpperBound, Young: tt.Opts.YoungBound, Old: tt.Opts.OldBound,
		})
		have, want := slices.Collect(c.Actors()), slices.Sorted(slices.Values(tt.Kept))
		if !slices.Equal(have, want) {
			got[tt.Name] = fmt.Sprintf("kept %q, the original %q (%+v)", have, want, tt.Opts)
		}
	}
	const (
		lower = "trim: as many entries stay as the lower bound says, though the original looks at it once only"
		young = "trim: young entries stay, though the original looks at the age of the oldest only"
	)
	differs(t, got, map[string]string{
		"11 entries all older than oldBound": lower,
		"60 entries, youngBound passed by 1": young,
		"random_4":                           lower,
		"random_6":                           lower,
		"random_10":                          lower,
		"random_14":                          lower,
		"random_22":                          lower,
		"random_26":                          lower,
		"random_30":                          lower,
		"random_34":                          lower,
		"random_36":                          lower,
	})
}
