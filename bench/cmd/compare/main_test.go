package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/clusterluck/clusterluck/bench/internal/flood"
	"github.com/clusterluck/clusterluck/bench/internal/pair"
)

// The test binary also is the second process of a measurement.
func TestMain(m *testing.M) {
	if serve := server(os.Args[1:]); serve != nil {
		if err := serve(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func command(args ...string) (code int, stdout, stderr string) {
	var out, err bytes.Buffer
	code = run(args, &out, &err)
	return code, out.String(), err.String()
}

func TestBadUsageIsStatus2AndMeasuresNothing(t *testing.T) {
	tests := []struct {
		name string
		args []string
		says string
	}{
		{"unknown flag", []string{"-fast"}, "fast"},
		{"unknown group", []string{"-only", "ring,rong"}, `"rong"`},
		{"no rounds", []string{"-count", "0"}, "-count 0"},
		{"bad expression", []string{"-run", "("}, "-run"},
		{"an argument", []string{"ring"}, `"ring"`},
		{"half a document", []string{"-quick", "-md", "x.md"}, "-md"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			code, stdout, stderr := command(tt.args...)
			if code != exitUsage || stdout != "" || !strings.Contains(stderr, tt.says) {
				t.Errorf("status %d, stdout %q, stderr %q, want 2, nothing, and a word about %s", code, stdout, stderr, tt.says)
			}
		})
	}
}

func TestListNamesEveryGoal(t *testing.T) {
	code, stdout, _ := command("-list")
	if code != 0 {
		t.Fatalf("status %d, want 0", code)
	}
	for _, want := range []string{
		"ring: owner, 10 nodes: rival/ours >= 4x; ours/floor <= 1.5x\n",
		"ring: owner, 100 nodes: rival/ours >= 7x",
		"ring: owner, 1000 nodes: rival/ours >= 12x",
		"ring: owner, 10,000 nodes: rival/ours >= 6x",
		"ring: top 3, 10 nodes: rival/ours >= 6x",
		"ring: top 3, 100 nodes: rival/ours >= 6x",
		"ring: top 3, 1000 nodes: rival/ours >= 10x",
		"ring: top 3, 10,000 nodes: rival/ours >= 3x",
		"ring: bulk build, 1000 nodes: rival/ours >= 10x",
		"ring: build, rivals node by node, 1000 nodes: rival/ours >= 2000x",
		"ring: add one node of 1000: array rival/ours >= 80x",
		"ring: remove one node of 1000: array rival/ours >= 30x",
		"ring: memory of a point, 1000 nodes: ours <= 15 B; hot part <= 7 B",
		"ring: bounded load, acquire + release, 100 nodes: ours/Owner <= 3x",
		"ring: owner, 2 goroutines, 100 nodes: rival/ours >= 6x",
		"ring: owner beside a writer, 100 nodes: ours/serial <= 1.1x",
		"ring: max/mean load, 1000 nodes, 2 probes: ours <= 1.17",
		"ring: decode and first lookup, 1000 nodes: ours <= 5 ms",
		"ring: allocations of a lookup: ours <= 0",
		"clock: compare, equal, 1000 entries: rival/ours >= 15x\n",
		"clock: clone, 1000 entries: rival/ours >= 1000x\n",
		"clock: bytes of an entry, 1000 entries: ours <= 27 B\n",
		"transport: local: call: ours/channel <= 1.3x; cast: rival/ours >= 3x",
		"transport: call, 1 outstanding: p50: rival/ours >= 1x; p50: ours/floor <= 1.3x\n",
		"transport: calls, 64 outstanding: ours/rival >= 3x, of grpc stream, nats and protoactor, encrypted\n",
		"transport: calls, 1024 outstanding: ours/rival >= 5x",
		"transport: one way, 64 B: ours/rival >= 2.5x",
		"transport: one way, 1 KiB: ours/rival >= 1x",
		"transport: one way, 64 KiB: ours/rival >= 1x",
		"transport: call beside a transfer of 64 MiB: p99: ours/idle <= 3x\n",
		"transport: call under 1000 wrong cookies a second: p99: ours/idle <= 2x; answered: ours <= 0; memory: ours <= 64 MiB\n",
		"transport: call beside 5000 idle sockets: p99: ours/idle <= 2x; open after 6 s: ours <= 0; memory: ours <= 64 MiB\n",
		"membership: no goals yet\n",
	} {
		if !strings.Contains(stdout, want) {
			t.Errorf("the list lacks %q:\n%s", want, stdout)
		}
	}
}

// The status must follow from the rows, whatever the machine made of them.
func TestStatusFollowsFromTheRows(t *testing.T) {
	code, stdout, stderr := command("-only", "ring", "-quick", "-count", "1", "-json", "-run", "^(owner|top 3), 10 nodes")
	var r struct {
		Rows []struct {
			Group, Work, Status string
			Ours                *float64
			Peers               []struct{ Name string }
		}
	}
	if err := json.Unmarshal([]byte(stdout), &r); err != nil {
		t.Fatalf("stdout is no JSON: %v\n%s\n%s", err, stdout, stderr)
	}
	want := 0
	for _, row := range r.Rows {
		if row.Group != "ring" || row.Ours == nil || *row.Ours <= 0 {
			t.Errorf("row %+v has no value of ours", row)
		}
		if row.Status == "missed" {
			want = exitMissed
		}
	}
	if len(r.Rows) != 3 || len(r.Rows[0].Peers) < 15 {
		t.Errorf("%d rows, want 3, the first with all contenders", len(r.Rows))
	}
	if code != want {
		t.Errorf("status %d, want %d", code, want)
	}
}

// Only the command lines that this command gives itself make it serve.
func TestServersAreForItsOwnUse(t *testing.T) {
	for _, args := range [][]string{{pair.Flag, "nats"}, {flood.Flag}} {
		if server(args) == nil {
			t.Errorf("%q does not serve", args)
		}
	}
	for _, args := range [][]string{nil, {"-list"}, {pair.Flag}, {flood.Flag, "x"}, {"-only", "transport"}} {
		if server(args) != nil {
			t.Errorf("%q serves", args)
		}
	}
}

// The numbers of two processes must come out as those of one do.
func TestTransportIsMeasuredInTwoProcesses(t *testing.T) {
	code, stdout, stderr := command("-only", "transport", "-quick", "-json", "-run", "^calls, 64")
	var r struct {
		Rows []struct {
			Work   string
			Ours   *float64
			Ratios []float64
			Peers  []struct {
				Name, Note string
				Value      *float64
			}
		}
	}
	if err := json.Unmarshal([]byte(stdout), &r); err != nil {
		t.Fatalf("status %d, stdout is no JSON: %v\n%s\n%s", code, err, stdout, stderr)
	}
	if len(r.Rows) != 2 || r.Rows[0].Ours == nil || len(r.Rows[0].Ratios) != 1 {
		t.Fatalf("%d rows, want one with a value of ours and one ratio, and one of CPU; stderr:\n%s", len(r.Rows), stderr)
	}
	for _, p := range r.Rows[0].Peers {
		if p.Value == nil && p.Name != "erlang" || p.Value != nil && *p.Value <= 0 {
			t.Errorf("%s has no rate: %s", p.Name, p.Note)
		}
	}
}

// Floods come from a third process, and their rows must have numbers too.
func TestFloodsAreMeasuredFromAThirdProcess(t *testing.T) {
	code, stdout, stderr := command("-only", "transport", "-quick", "-json", "-run", "wrong cookies|idle sockets")
	var r struct {
		Rows []struct {
			Work, Note string
			Ours       *float64
		}
	}
	if err := json.Unmarshal([]byte(stdout), &r); err != nil {
		t.Fatalf("status %d, stdout is no JSON: %v\n%s\n%s", code, err, stdout, stderr)
	}
	if len(r.Rows) != 11 {
		t.Errorf("%d rows, want 11", len(r.Rows))
	}
	for _, row := range r.Rows {
		if row.Ours == nil && !strings.Contains(row.Note, "does not tell") {
			t.Errorf("%s: no value; %s", row.Work, row.Note)
		}
	}
}

// A report that cannot be written must be refused before minutes are spent.
func TestUnwritableDocumentIsRefusedFirst(t *testing.T) {
	code, stdout, stderr := command("-md", filepath.Join(t.TempDir(), "no", "such", "folder.md"))
	if code != exitFailed || stdout != "" || strings.Contains(stderr, "building") || !strings.Contains(stderr, "folder.md") {
		t.Errorf("status %d, stdout %q, stderr %q, want 1 and nothing measured", code, stdout, stderr)
	}
}

func TestGroupWithoutGoalsLeavesTheDocumentAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "doc.md")
	if err := os.WriteFile(path, []byte("# Title\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	code, _, stderr := command("-only", "membership", "-md", path)
	data, err := os.ReadFile(path)
	if code != 0 || err != nil || string(data) != "# Title\n" || !strings.Contains(stderr, "membership: no goals yet") {
		t.Errorf("status %d, document %q, error %v, stderr %q", code, data, err, stderr)
	}
}
