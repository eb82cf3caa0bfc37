// Package result is the file that ringbench run and ringbench clock write and
// compare, report and budgets read: every number with its unit and direction, the
// samples behind it, and the machine and the command that made it.
//
// The file only ever grows: a field keeps its name and its meaning for as long
// as the major number of [Schema] stays.
package result

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Schema is the schema of files written by this version. The number behind the
// dot grows with added fields, the one before it when a reader must change.
const Schema = "ringbench-result/1.1"

// SizeMax bounds a file that Read accepts, in bytes.
const SizeMax = 256 << 20

// NearOne is what a row says of which numbers are better if 1 is perfect, and
// less is no better than more.
const NearOne = "near 1"

// Errors of Read and of its callers.
var (
	ErrCorrupt = errors.New("not a result of ringbench run or clock")
	ErrSchema  = errors.New("a schema that this version does not know")
)

// A File is the result of one run.
type File struct {
	Schema    string    `json:"schema"`
	Version   string    `json:"version"`
	Created   time.Time `json:"created"`
	Machine   Machine   `json:"machine"`
	Settings  Settings  `json:"settings"`
	Keys      Keys      `json:"keys"`
	Clocks    *Clocks   `json:"clocks,omitempty"` // of a result of ringbench clock, which has no keys
	Reference Reference `json:"reference"`
	Rows      []Row     `json:"rows"`
	Words     []string  `json:"words"` // the closing lines of the report
}

// A Machine says what the numbers were measured on.
type Machine struct {
	CPU       string   `json:"cpu"`
	Cores     int      `json:"cores"`
	OS        string   `json:"os"`
	Arch      string   `json:"arch"`
	Go        string   `json:"go"`
	Commit    string   `json:"commit,omitempty"`
	Command   []string `json:"command"`
	Seed      uint64   `json:"seed"`
	LoadStart *float64 `json:"load_start,omitempty"` // load average of the last minute
	LoadEnd   *float64 `json:"load_end,omitempty"`
}

// Settings are the flags that decide what the numbers mean.
type Settings struct {
	Passes   int           `json:"passes"`
	Time     time.Duration `json:"time_ns"`
	Replicas int           `json:"replicas"`
	Zones    int           `json:"zones"`
	Weights  string        `json:"weights,omitempty"`
	Seconds  float64       `json:"seconds"` // how long the run took
}

// Keys say which keys were placed.
type Keys struct {
	Source   string `json:"source"`
	Format   string `json:"format,omitempty"`
	Count    int    `json:"count"`
	Distinct int    `json:"distinct"`
	Skipped  int    `json:"skipped"`
	Digest   string `json:"digest"` // of all keys in order
}

// Clocks say which clocks were timed.
type Clocks struct {
	Actors   string        `json:"actors"` // how they are named
	CountMax uint64        `json:"count_max"`
	Span     time.Duration `json:"span_ns"` // between the first time and the last
	Digest   string        `json:"digest"`
}

// A Reference is the fixed work that is timed beside every batch. Best is how
// fast the machine can do it. A batch is quiet if the reference ran at about
// that speed just before and just after it.
type Reference struct {
	Best    float64 `json:"best_ns"`
	Median  float64 `json:"median_ns"`
	Batches int     `json:"batches"`
	Quiet   int     `json:"quiet_batches"`
}

// Busy returns the share of batches during which something else slowed the
// machine down.
func (r Reference) Busy() float64 {
	if r.Batches == 0 {
		return 0
	}
	return 1 - float64(r.Quiet)/float64(r.Batches)
}

// A Row is one number: a metric of a configuration. It is of a placement of nodes,
// or of a clock of entries.
type Row struct {
	Algo    string `json:"algo"`
	Nodes   int    `json:"nodes,omitempty"`
	Entries int    `json:"entries,omitempty"`
	Points  int    `json:"points,omitempty"`
	Probes  int    `json:"probes,omitempty"`
	Weights string `json:"weights,omitempty"`
	Metric  string `json:"metric"`

	Unit   string  `json:"unit"`
	Better string  `json:"better"` // lower, higher or [NearOne]
	Value  float64 `json:"value"`
	Exact  bool    `json:"exact"` // the same in every run on the same keys

	// Of timed rows.
	Low        float64   `json:"low,omitempty"`
	High       float64   `json:"high,omitempty"`
	Confidence float64   `json:"confidence,omitempty"`
	Samples    []float64 `json:"samples,omitempty"` // medians of quiet batches, one for each instance
	Passes     []int     `json:"passes,omitempty"`  // the pass of each sample
	All        []float64 `json:"all,omitempty"`     // the same of all batches, quiet or not
	Busy       bool      `json:"busy,omitempty"`    // too few quiet batches: Samples are those of all
	Few        bool      `json:"few,omitempty"`     // too few passes for three samples, on any machine
	Spread     *Spread   `json:"spread,omitempty"`
	Batch      *Batch    `json:"batch,omitempty"`

	Detail map[string]float64 `json:"detail,omitempty"`
}

// A Spread is how far the same code differs from itself within a run, as a
// fraction: 0.02 is 2 %.
type Spread struct {
	Twins  float64 `json:"twins"`  // between two instances made alike, over all passes
	Halves float64 `json:"halves"` // between the first half of the passes and the last
	Error  float64 `json:"error"`  // standard error of the value, from blocks of passes
}

// Max returns the larger of the two differences.
func (s *Spread) Max() float64 {
	if s == nil {
		return 0
	}
	return max(s.Twins, s.Halves)
}

// A Batch tells how the time of single batches was distributed, in the unit of
// the row.
type Batch struct {
	Memory int     `json:"memory"` // bytes of the placement or of the clocks that they walk through
	Ops    int     `json:"ops"`    // operations of a batch
	Count  int     `json:"count"`
	Quiet  int     `json:"quiet"`
	P50    float64 `json:"p50"`
	P90    float64 `json:"p90"`
	P99    float64 `json:"p99"`
	Max    float64 `json:"max"`
}

// Size returns how large what a row is of is: its nodes, or its entries.
func (r *Row) Size() int {
	if r.Entries > 0 {
		return r.Entries
	}
	return r.Nodes
}

// Sized says what Size counts: "nodes" or "entries".
func (r *Row) Sized() string {
	if r.Entries > 0 {
		return "entries"
	}
	return "nodes"
}

// Config names the configuration of a row: "ring nodes=100 points=160", or
// "vectorclock entries=100".
func (r *Row) Config() string {
	parts := []string{r.Algo, r.Sized() + "=" + strconv.Itoa(r.Size())}
	if r.Points > 0 {
		parts = append(parts, "points="+strconv.Itoa(r.Points))
	}
	if r.Probes > 0 {
		parts = append(parts, "probes="+strconv.Itoa(r.Probes))
	}
	if r.Weights != "" {
		parts = append(parts, "weights="+r.Weights)
	}
	return strings.Join(parts, " ")
}

// Name names a row: its configuration and its metric.
func (r *Row) Name() string { return r.Config() + " " + r.Metric }

// Timed reports whether the row holds a measured time.
func (r *Row) Timed() bool { return len(r.Samples) > 0 }

// Find returns the row with a name.
func (f *File) Find(name string) (*Row, bool) {
	i := slices.IndexFunc(f.Rows, func(r Row) bool { return r.Name() == name })
	if i < 0 {
		return nil, false
	}
	return &f.Rows[i], true
}

// Write writes f as JSON.
func (f *File) Write(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ")
	return enc.Encode(f)
}

// Load reads the file at path. The errors are those of [Read] and of os.Open.
func Load(path string) (*File, error) {
	in, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer in.Close() // nothing was written
	f, err := Read(in)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return f, nil
}

// Read reads a file. The error wraps [ErrCorrupt] if it is not the output of
// ringbench run or clock, and [ErrSchema] if it is that of another major version.
func Read(r io.Reader) (*File, error) {
	data, err := io.ReadAll(io.LimitReader(r, SizeMax+1))
	if err != nil {
		return nil, err
	}
	if len(data) > SizeMax {
		return nil, fmt.Errorf("more than %d bytes: %w", SizeMax, ErrCorrupt)
	}
	var head struct {
		Schema string `json:"schema"`
	}
	if err := json.Unmarshal(data, &head); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	kind, number, _ := strings.Cut(head.Schema, "/")
	if kind != "ringbench-result" {
		return nil, fmt.Errorf("schema %q: %w", head.Schema, ErrCorrupt)
	}
	if major, _, _ := strings.Cut(number, "."); major != "1" {
		return nil, fmt.Errorf("schema %q, this version reads %s: %w", head.Schema, Schema, ErrSchema)
	}
	f := &File{}
	if err := json.Unmarshal(data, f); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	if err := f.validate(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	return f, nil
}

// Sort orders rows by metric in the order given, then by number of nodes or
// entries, keeping the order of configurations otherwise.
func Sort(rows []Row, metrics []string) {
	rank := make(map[string]int, len(metrics))
	for i, m := range metrics {
		rank[m] = i
	}
	slices.SortStableFunc(rows, func(a, b Row) int {
		return cmp.Or(cmp.Compare(rank[a.Metric], rank[b.Metric]), cmp.Compare(a.Size(), b.Size()))
	})
}
