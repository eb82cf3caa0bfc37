package measure

import (
	"fmt"
	"slices"
	"strings"

	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/result"
)

// A Group is a set of metrics that --only can name.
type Group string

// The groups of placements.
const (
	Lookup   Group = "lookup"
	Balance  Group = "balance"
	Moved    Group = "moved"
	Build    Group = "build"
	Memory   Group = "memory"
	Replicas Group = "replicas"
)

// The groups of clocks.
const (
	Increments Group = "increment"
	Compares   Group = "compare"
	Merges     Group = "merge"
	Clones     Group = "clone"
	Encodes    Group = "encode"
	Decodes    Group = "decode"
)

// Groups returns every group of placements.
func Groups() []Group { return []Group{Lookup, Balance, Moved, Build, Memory, Replicas} }

// ClockGroups returns every group of clocks.
func ClockGroups() []Group { return []Group{Increments, Compares, Merges, Clones, Encodes, Decodes} }

// ParseGroups reads a list of groups of placements, separated by commas; "" means
// all.
func ParseGroups(list string) ([]Group, error) { return parseGroups(list, Groups()) }

// ParseClockGroups does so for groups of clocks.
func ParseClockGroups(list string) ([]Group, error) { return parseGroups(list, ClockGroups()) }

func parseGroups(list string, known []Group) ([]Group, error) {
	if list == "" {
		return known, nil
	}
	var groups []Group
	for name := range strings.SplitSeq(list, ",") {
		g := Group(strings.TrimSpace(name))
		if !slices.Contains(known, g) {
			return nil, fmt.Errorf("no metrics are called %q; use some of %s", name, joinGroups(known))
		}
		groups = append(groups, g)
	}
	return groups, nil
}

func joinGroups(groups []Group) string {
	names := make([]string, 0, len(groups))
	for _, g := range groups {
		names = append(names, string(g))
	}
	return strings.Join(names, ",")
}

// A Metric is a number that ringbench measures.
type Metric struct {
	Name   string
	Group  Group
	Unit   string
	Better string // lower, higher or [result.NearOne]
	Timed  bool   // differs from run to run
	Means  string
}

// Metrics returns every metric of placements in the order of the report. The name topN stands
// for top3 if lists of 3 nodes are asked for. What moves and preference lists are
// counted on 200,000 distinct keys, evenly taken, if there are more.
func Metrics() []Metric {
	return []Metric{
		{"lookup", Lookup, "ns/op", "lower", true, "time to find the owner of a key, key hashing included"},
		{"lookup-allocs", Lookup, "allocs/op", "lower", false, "allocations of a lookup"},
		{"topN", Replicas, "ns/op", "lower", true, "time to find the first N nodes of a key"},
		{"topN-allocs", Replicas, "allocs/op", "lower", false, "allocations of that"},
		{"replica-faults", Replicas, "keys", "lower", false, "keys whose list holds a node twice, is short, or repeats a zone while another is free; must be 0"},
		{"peak", Balance, "x mean", "lower", false, "load of the fullest node over its fair share, by your keys"},
		{"cv", Balance, "ratio", "lower", false, "standard deviation of load over fair share, by your keys"},
		{"chi2", Balance, "x freedom", "lower", false, "chi-squared of distinct keys a node, over its degrees of freedom; 1 is what pure chance gives"},
		{"arc-peak", Balance, "x mean", "lower", false, "share of all possible keys that the fullest node owns, over its fair share"},
		{"arc-cv", Balance, "ratio", "lower", false, "standard deviation of those shares"},
		{"weight-error", Balance, "ratio", "lower", false, "largest deviation of a node's load from what its weight asks for"},
		{"moved-add", Moved, "x optimum", result.NearOne, false, "keys moved when a node joins, over its fair share, mean of 4 trials; 1.00 is perfect, less means that the node got less"},
		{"needless-add", Moved, "keys", "lower", false, "of those, keys moved to another node than the new one, summed over the trials; must be 0"},
		{"moved-remove", Moved, "x optimum", result.NearOne, false, "keys moved when a node leaves, over its fair share, mean of 4 trials; 1.00 is perfect"},
		{"needless-remove", Moved, "keys", "lower", false, "of those, keys that the leaving node did not own, summed over the trials; must be 0"},
		{"moved-weight", Moved, "x optimum", result.NearOne, false, "keys moved when a node's weight doubles, over what it gains by right, mean of 4 trials; 1.00 is perfect"},
		{"needless-weight", Moved, "keys", "lower", false, "of those, keys moved to another node than that one, summed over the trials; must be 0"},
		{"build", Build, "ns/op", "lower", true, "time to build from a list of nodes"},
		{"add", Build, "ns/op", "lower", true, "time to add one node"},
		{"remove", Build, "ns/op", "lower", true, "time to remove one node"},
		{"bytes", Memory, "B", "lower", false, "memory that lookups need"},
	}
}

// clockBytes is the metric of the length of an encoding.
const clockBytes = "clock-bytes"

// ClockMetrics returns every metric of clocks in the order of the report.
func ClockMetrics() []Metric {
	var all []Metric
	for _, op := range clockOps() {
		all = append(all,
			Metric{op.metric(), op.group, "ns/op", "lower", true, op.means},
			Metric{op.metric() + "-allocs", op.group, "allocs/op", "lower", false, "allocations of that"})
		if op.group == Encodes {
			all = append(all, Metric{clockBytes, op.group, "B/entry", "lower", false, "bytes of an entry in that encoding"})
		}
	}
	return all
}

// describe returns the metric of a name; top3 is described by topN.
func describe(name string) Metric {
	known := name
	if strings.HasPrefix(name, "top") {
		known = "topN"
		if strings.HasSuffix(name, "-allocs") {
			known += "-allocs"
		}
	}
	all := append(Metrics(), ClockMetrics()...)
	i := slices.IndexFunc(all, func(m Metric) bool { return m.Name == known })
	if i < 0 {
		return Metric{Name: name}
	}
	m := all[i]
	m.Name = name
	return m
}

// Describe returns the metric of a row, and whether there is one of that name.
func Describe(name string) (Metric, bool) {
	m := describe(name)
	return m, m.Unit != ""
}
