package budget_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/budget"
	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/result"
)

func TestParseRefuses(t *testing.T) {
	tests := []struct{ name, text, says string }{
		{"no JSON", "lookup: 50", "invalid character"},
		{"no limits", `{}`, "no limits"},
		{"a misspelled field", `{"limits": [{"metric": "lookup", "maximum": 5}]}`, "maximum"},
		{"no metric", `{"limits": [{"max": 5}]}`, "names no metric"},
		{"neither max nor min", `{"limits": [{"metric": "lookup"}]}`, "neither max nor min"},
		{"min above max", `{"limits": [{"metric": "lookup", "min": 6, "max": 5}]}`, "min 6 is above max 5"},
		{"a peak below the mean is impossible", `{"limits": [{"metric": "peak", "max": 0.9}]}`, "never below 1"},
		{"a negative time is impossible", `{"limits": [{"metric": "lookup", "max": -1}]}`, "max -1: lookup is always above 0, so nothing can meet it"},
		{"so is one of 0", `{"limits": [{"metric": "lookup", "max": 0}]}`, "max 0: lookup is always above 0"},
		{"of preference lists too", `{"limits": [{"metric": "top5", "max": 0}]}`, "top5 is always above 0"},
		{"lookups need memory", `{"limits": [{"metric": "bytes", "max": 0}]}`, "bytes is always above 0"},
		{"a negative count is impossible", `{"limits": [{"metric": "cv", "max": -0.5}]}`, "cv is never below 0"},
		{"a bad pattern", `{"limits": [{"metric": "[", "max": 1}]}`, "syntax error"},
		{"negative nodes", `{"limits": [{"metric": "lookup", "nodes": -1, "max": 1}]}`, "negative"},
		{"negative entries", `{"limits": [{"metric": "lookup", "entries": -1, "max": 1}]}`, "negative"},
		{"an encoding has a length", `{"limits": [{"metric": "clock-bytes", "max": 0}]}`, "clock-bytes is always above 0"},
		{"a clock takes time", `{"limits": [{"metric": "clock-clone", "max": 0}]}`, "clock-clone is always above 0"},
		{"more than a value", `{"limits": [{"metric": "lookup", "max": 1}]} {}`, "behind the JSON"},
		{"the second limit is the bad one", `{"limits": [{"metric": "lookup", "max": 1}, {"metric": "cv"}]}`, "limit 2"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := budget.Parse([]byte(tt.text))
			if !errors.Is(err, budget.ErrBudget) || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("Parse = %v, want ErrBudget that says %q", err, tt.says)
			}
		})
	}
}

func parse(t *testing.T, limits string) *budget.Budget {
	t.Helper()
	b, err := budget.Parse([]byte(`{"limits": [` + limits + `]}`))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// A limit on what the run does not measure would never bite.
func TestCheck(t *testing.T) {
	known := budget.Known{
		Algos: []string{"ring", "jump"}, Metrics: []string{"lookup", "top3", "peak", "needless-add", "lookup-allocs"},
		Nodes: []int{10, 100}, Points: []int{160}, Probes: []int{1},
	}
	tests := []struct{ name, limit, says string }{
		{"known", `{"algo": "r*", "metric": "needless-*", "nodes": 10, "points": 160, "probes": 1, "max": 0}`, ""},
		{"unknown metric", `{"metric": "latency", "max": 1}`, `metric "latency"; it measures lookup, top3, peak, needless-add, lookup-allocs`},
		{"nothing is allocated", `{"metric": "*-allocs", "max": 0}`, ""},
		{"an impossible peak behind a pattern", `{"metric": "pea?", "max": 0.5}`, "limit 1: max 0.5: peak is never below 1, so nothing can meet it"},
		{"an impossible time behind a pattern", `{"metric": "l*", "max": 0}`, "lookup is always above 0"},
		{"one of many is impossible", `{"metric": "*", "max": 0.5}`, "peak is never below 1"},
		{"unknown algorithm", `{"algo": "rung", "metric": "lookup", "max": 1}`, `algorithm "rung"`},
		{"entries of a run of placements", `{"metric": "lookup", "entries": 10, "max": 1}`, "10 entries; placements have no entries: use nodes"},
		{"other nodes", `{"metric": "lookup", "nodes": 11, "max": 1}`, "11 nodes; it measures [10 100]"},
		{"other points", `{"metric": "lookup", "points": 11, "max": 1}`, "11 points"},
		{"other probes", `{"metric": "lookup", "probes": 2, "max": 1}`, "2 probes"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := parse(t, tt.limit).Check(known)
			if tt.says == "" {
				if err != nil {
					t.Errorf("Check = %v", err)
				}
				return
			}
			if !errors.Is(err, budget.ErrBudget) || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("Check = %v, want ErrBudget that says %q", err, tt.says)
			}
		})
	}
}

// A budget of clocks names entries, and what a run of clocks measures.
func TestCheckClocks(t *testing.T) {
	known := budget.Known{Algos: []string{"vectorclock"}, Metrics: []string{"clock-encode", "clock-bytes"}, Entries: []int{3, 100}}
	for limit, says := range map[string]string{
		`{"algo": "vectorclock", "metric": "clock-*", "entries": 3, "max": 9}`: "",
		`{"metric": "clock-encode", "entries": 10, "max": 9}`:                  "10 entries; it measures [3 100]",
		`{"metric": "clock-encode", "nodes": 3, "max": 9}`:                     "3 nodes; clocks have no nodes: use entries",
		`{"metric": "clock-encode", "points": 3, "max": 9}`:                    "3 points; clocks have no points: use entries",
		`{"metric": "clock-encode", "probes": 3, "max": 9}`:                    "3 probes; clocks have no probes: use entries",
		`{"metric": "lookup", "max": 9}`:                                       `metric "lookup"; it measures clock-encode, clock-bytes`,
	} {
		err := parse(t, limit).Check(known)
		if (err == nil) != (says == "") || err != nil && !strings.Contains(err.Error(), says) {
			t.Errorf("Check of %s = %v, want %q", limit, err, says)
		}
	}
}

func TestExceeded(t *testing.T) {
	rows := []result.Row{
		{Algo: "ring", Nodes: 10, Points: 160, Probes: 1, Metric: "lookup", Unit: "ns/op", Value: 20, Low: 19, High: 21, Confidence: 0.95, Samples: []float64{19, 20, 21}},
		{Algo: "ring", Nodes: 100, Points: 160, Probes: 1, Metric: "lookup", Unit: "ns/op", Value: 30},
		{Algo: "jump", Nodes: 10, Metric: "needless-add", Unit: "keys", Value: 3},
		{Algo: "ring", Nodes: 10, Metric: "build", Unit: "ns/op", Value: 6, Busy: true},
		{Algo: "ring", Nodes: 10, Metric: "add", Unit: "ns/op", Value: 6, Few: true},
		{Algo: "vectorclock", Entries: 10, Metric: "clock-encode", Unit: "ns/op", Value: 7},
		{Algo: "vectorclock", Entries: 100, Metric: "clock-encode", Unit: "ns/op", Value: 7},
	}
	tests := []struct {
		name, limit string
		want        []string
	}{
		{"exactly at the limit is within it", `{"metric": "lookup", "max": 30}`, nil},
		{
			"the row and by how much", `{"metric": "lookup", "nodes": 10, "max": 16}`,
			[]string{"ring nodes=10 points=160 probes=1 lookup: 20 ns/op, 95 % interval 19 to 21; the limit is at most 16, exceeded by 25.0 %"},
		},
		{"every row that matches", `{"metric": "lookup", "max": 10}`, []string{"nodes=10 ", "nodes=100 "}},
		{"a limit of 0 has no percentage", `{"metric": "needless-*", "max": 0}`, []string{"exceeded by 3"}},
		{"too little", `{"metric": "lookup", "nodes": 100, "min": 40}`, []string{"at least 40, missed by 25.0 %"}},
		{"a busy machine is named", `{"metric": "build", "max": 5}`, []string{"exceeded by 20.0 %; the machine was too busy to be sure"}},
		{"so are too few samples", `{"metric": "add", "min": 8}`, []string{"missed by 25.0 %; it is of too few samples to be sure: use a larger --count"}},
		{"the entries that are named", `{"metric": "clock-*", "entries": 100, "max": 6}`, []string{"vectorclock entries=100 clock-encode: 7 ns/op"}},
		{"only the algorithm that is named", `{"algo": "jump", "metric": "*", "max": 5}`, nil},
		{"nothing matches", `{"algo": "jump", "metric": "lookup", "max": 5}`, []string{"matches no row"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := parse(t, tt.limit).Exceeded(rows)
			if len(got) != len(tt.want) {
				t.Fatalf("Exceeded = %q, want %d lines", got, len(tt.want))
			}
			for i := range got {
				if !strings.Contains(got[i], tt.want[i]) {
					t.Errorf("line %q does not say %q", got[i], tt.want[i])
				}
			}
		})
	}
}

func TestLoad(t *testing.T) {
	path := filepath.Join(t.TempDir(), "budget.json")
	if _, err := budget.Load(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Load of no file = %v", err)
	}
	if err := os.WriteFile(path, []byte(`{"limits": [{"metric": "peak", "max": 1.2}]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	b, err := budget.Load(path)
	if err != nil || len(b.Limits) != 1 || *b.Limits[0].Max != 1.2 {
		t.Errorf("Load = %+v, %v", b, err)
	}
}
