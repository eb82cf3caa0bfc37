// Package budget holds limits on the numbers of a run, so that a build can fail
// when a placement gets slower, larger or less even than was agreed.
package budget

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/measure"
	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/result"
)

// sizeMax bounds a budget file, in bytes.
const sizeMax = 1 << 20

// ErrBudget reports a budget that is malformed or that nothing can meet.
var ErrBudget = errors.New("bad budget")

// A Budget is a list of limits.
type Budget struct {
	Limits []Limit `json:"limits"`
}

// A Limit bounds the rows that it matches. Algo and Metric are patterns in
// which * stands for anything; "" matches all. A number of 0 matches all.
type Limit struct {
	Algo    string   `json:"algo,omitempty"`
	Metric  string   `json:"metric"`
	Nodes   int      `json:"nodes,omitempty"`
	Entries int      `json:"entries,omitempty"`
	Points  int      `json:"points,omitempty"`
	Probes  int      `json:"probes,omitempty"`
	Max     *float64 `json:"max,omitempty"`
	Min     *float64 `json:"min,omitempty"`
}

// A Known is what a run measures, so that a limit on anything else is found
// before the run.
type Known struct {
	Algos   []string
	Metrics []string
	Nodes   []int
	Entries []int
	Points  []int
	Probes  []int
}

// Load reads the budget at path. The error wraps [ErrBudget] if it is malformed.
func Load(path string) (*Budget, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close() // nothing was written
	data, err := io.ReadAll(io.LimitReader(f, sizeMax+1))
	if err != nil {
		return nil, err
	}
	if len(data) > sizeMax {
		return nil, fmt.Errorf("%w: more than %d bytes", ErrBudget, sizeMax)
	}
	return Parse(data)
}

// Parse reads a budget. The error wraps [ErrBudget].
func Parse(data []byte) (*Budget, error) {
	b := &Budget{}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields() // a misspelled field would be a limit that never bites
	if err := dec.Decode(b); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBudget, err)
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, fmt.Errorf("%w: text behind the JSON value", ErrBudget)
	}
	if len(b.Limits) == 0 {
		return nil, fmt.Errorf(`%w: no limits; write {"limits": [{"metric": "lookup", "max": 50}]}`, ErrBudget)
	}
	for i := range b.Limits {
		if err := b.Limits[i].validate(); err != nil {
			return nil, fmt.Errorf("%w: limit %d: %w", ErrBudget, i+1, err)
		}
	}
	return b, nil
}

func (l *Limit) validate() error {
	for _, pattern := range []string{l.Algo, l.Metric} {
		if _, err := path.Match(pattern, ""); err != nil {
			return fmt.Errorf("pattern %q: %w", pattern, err)
		}
	}
	switch {
	case l.Metric == "":
		return errors.New("it names no metric")
	case l.Max == nil && l.Min == nil:
		return fmt.Errorf("%s has neither max nor min", l.Metric)
	case l.Nodes < 0 || l.Entries < 0 || l.Points < 0 || l.Probes < 0:
		return errors.New("a negative number of nodes, entries, points or probes")
	case l.Max != nil && l.Min != nil && *l.Min > *l.Max:
		return fmt.Errorf("min %v is above max %v", *l.Min, *l.Max)
	}
	return l.possible(l.Metric)
}

// possible returns an error if no number of a metric can be within the limit.
func (l *Limit) possible(metric string) error {
	if l.Max == nil {
		return nil
	}
	m, _ := measure.Describe(metric)
	switch {
	case *l.Max < 1 && (metric == "peak" || metric == "arc-peak"): // some node has at least its fair share
		return fmt.Errorf("max %v: %s is never below 1, so nothing can meet it", *l.Max, metric)
	case *l.Max <= 0 && (m.Timed || metric == "bytes" || metric == "clock-bytes"):
		return fmt.Errorf("max %v: %s is always above 0, so nothing can meet it", *l.Max, metric)
	case *l.Max < 0:
		return fmt.Errorf("max %v: %s is never below 0, so nothing can meet it", *l.Max, metric)
	}
	return nil
}

// Check returns an error wrapping [ErrBudget] if a limit matches nothing that
// the run is going to measure, or something that cannot be within it.
func (b *Budget) Check(k Known) error {
	for i := range b.Limits {
		l := &b.Limits[i]
		var what string
		switch {
		case !anyMatch(l.Metric, k.Metrics):
			what = fmt.Sprintf("metric %q; it measures %s", l.Metric, strings.Join(k.Metrics, ", "))
		case l.Algo != "" && !anyMatch(l.Algo, k.Algos):
			what = fmt.Sprintf("algorithm %q; it measures %s", l.Algo, strings.Join(k.Algos, ", "))
		case lacks(k.Nodes, l.Nodes):
			what = number(l.Nodes, "nodes", k.Nodes, "clocks have no nodes: use entries")
		case lacks(k.Entries, l.Entries):
			what = number(l.Entries, "entries", k.Entries, "placements have no entries: use nodes")
		case lacks(k.Points, l.Points):
			what = number(l.Points, "points", k.Points, "clocks have no points: use entries")
		case lacks(k.Probes, l.Probes):
			what = number(l.Probes, "probes", k.Probes, "clocks have no probes: use entries")
		default:
			for _, metric := range k.Metrics {
				if !match(l.Metric, metric) {
					continue
				}
				if err := l.possible(metric); err != nil {
					return fmt.Errorf("%w: limit %d: %w", ErrBudget, i+1, err)
				}
			}
			continue
		}
		return fmt.Errorf("%w: limit %d: this run does not measure %s", ErrBudget, i+1, what)
	}
	return nil
}

// lacks reports whether a limit asks for a number that is not among those known.
func lacks(known []int, asked int) bool { return asked != 0 && !slices.Contains(known, asked) }

// number says which number a limit asks for, and which are known, or why none is.
func number(asked int, of string, known []int, none string) string {
	if len(known) == 0 {
		return fmt.Sprintf("%d %s; %s", asked, of, none)
	}
	return fmt.Sprintf("%d %s; it measures %v", asked, of, known)
}

func anyMatch(pattern string, names []string) bool {
	return slices.ContainsFunc(names, func(name string) bool { return match(pattern, name) })
}

// match reports whether a validated pattern matches.
func match(pattern, name string) bool {
	ok, _ := path.Match(pattern, name) // the pattern was checked by validate
	return ok
}

// Exceeded returns a line for every row that breaks a limit, and one for every
// limit that no row matches.
func (b *Budget) Exceeded(rows []result.Row) []string {
	var lines []string
	for i := range b.Limits {
		l := &b.Limits[i]
		matched := false
		for j := range rows {
			r := &rows[j]
			if !l.matches(r) {
				continue
			}
			matched = true
			if line := l.broken(r); line != "" {
				lines = append(lines, line)
			}
		}
		if !matched {
			lines = append(lines, fmt.Sprintf("limit %d on %s matches no row", i+1, l.Metric))
		}
	}
	return lines
}

func (l *Limit) matches(r *result.Row) bool {
	return match(l.Metric, r.Metric) && (l.Algo == "" || match(l.Algo, r.Algo)) &&
		(l.Nodes == 0 || l.Nodes == r.Nodes) &&
		(l.Entries == 0 || l.Entries == r.Entries) &&
		(l.Points == 0 || l.Points == r.Points) &&
		(l.Probes == 0 || l.Probes == r.Probes)
}

// broken returns what is wrong with a row, "" if nothing is.
func (l *Limit) broken(r *result.Row) string {
	sure := ""
	if r.Timed() {
		sure = fmt.Sprintf(", %.0f %% interval %.4g to %.4g", 100*r.Confidence, r.Low, r.High)
	}
	switch {
	case l.Max != nil && r.Value > *l.Max:
		return fmt.Sprintf("%s: %.4g %s%s; the limit is at most %v, exceeded by %s%s", r.Name(), r.Value, r.Unit, sure, *l.Max, by(r.Value, *l.Max), doubt(r))
	case l.Min != nil && r.Value < *l.Min:
		return fmt.Sprintf("%s: %.4g %s%s; the limit is at least %v, missed by %s%s", r.Name(), r.Value, r.Unit, sure, *l.Min, by(r.Value, *l.Min), doubt(r))
	}
	return ""
}

// by says how far a value is beyond its limit.
func by(value, limit float64) string {
	if limit == 0 {
		return fmt.Sprintf("%.4g", math.Abs(value))
	}
	return fmt.Sprintf("%.1f %%", 100*math.Abs(value/limit-1))
}

// doubt says why a number is not sure, "" if it is.
func doubt(r *result.Row) string {
	switch {
	case r.Few:
		return "; it is of too few samples to be sure: use a larger --count"
	case r.Busy:
		return "; the machine was too busy to be sure"
	}
	return ""
}
