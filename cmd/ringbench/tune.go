package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/algo"
	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/cli"
	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/measure"
	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/report"
	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/topology"
	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/tune"
	"github.com/clusterluck/clusterluck/hashring"
)

const tuneLong = `Tune finds the cheapest ring with which no node has more than --peak times its
share of your keys. For each number of probes it finds the fewest points that
reach the target with five different sets of node names, then measures what they
cost in memory and lookup time, and names the cheapest.

If no setting reaches the target it says why and exits 8: a target may be below
what your keys allow, since a hot key cannot be divided and a few keys never fall
evenly.

`

const tuneExample = `  ringbench tune --nodes 12 --peak 1.1
  ringbench tune --nodes 12 --peak 1.05 --keys uniform:n=1e6
  ringbench tune --nodes 100 --peak 1.2 --prefer memory
  ringbench tune --nodes 6 --weights 1,2,4 --peak 1.1 --keys uuid:n=1e5`

// pointsAll bounds the points of one ring that tune builds.
const pointsAll = 1 << 23

// A tuneCommand is the flags of tune.
type tuneCommand struct {
	nodes   string
	peak    float64
	keys    keyFlags
	weights string
	points  string
	probes  []string
	prefer  string
	output  string

	patience time.Duration
}

func newTuneCommand(e *env) *cobra.Command {
	t := &tuneCommand{}
	cmd := &cobra.Command{
		Use:     "tune --nodes N --peak P",
		Short:   "the cheapest ring that is as even as you ask",
		Long:    tuneLong + cli.ExitCodes,
		Example: tuneExample,
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return e.tune(cmd.Context(), t) },
	}
	flags := cmd.Flags()
	flags.StringVar(&t.nodes, "nodes", "", "number of nodes")
	flags.Float64Var(&t.peak, "peak", 0, "load of the fullest node over its share, at most; above 1")
	t.keys.add(flags, "words")
	flags.StringVar(&t.weights, "weights", "", "weights of nodes: "+topology.WeightsHelp)
	flags.StringVar(&t.points, "max-points", "4096", "points per unit of weight to try, at most")
	flags.StringSliceVar(&t.probes, "probes", []string{"1", "2", "3", "4"}, "probes of a lookup to try")
	flags.StringVar(&t.prefer, "prefer", "time", "what makes a ring cheap: time or memory")
	flags.DurationVar(&t.patience, "patience", 5*time.Second, "how long to go on measuring times if the machine is busy")
	flags.StringVar(&t.output, "output", "table", "what to print: table or json")
	checkNumber(flags, "nodes", hashring.MaxNodes)
	checkNumber(flags, "max-points", hashring.MaxWeight)
	checkNumbers(flags, "probes", hashring.MaxProbes)
	checkFloat(flags, "peak", "more than 1; 1 is every node at exactly its share", func(v float64) bool { return v > 1 })
	checkDuration(flags, "patience", 0)
	checkChoice(flags, "prefer", "time", "memory")
	checkChoice(flags, "output", "table", "json")
	markRequired(cmd, "nodes", "peak")
	return cmd
}

// config checks the flags.
func (t *tuneCommand) config() (tune.Config, error) {
	c := tune.Config{Peak: t.peak}
	count, err := numbers([]string{t.nodes}, hashring.MaxNodes)
	if err != nil {
		return c, cli.Usagef("--nodes: %w", err)
	}
	points, err := numbers([]string{t.points}, hashring.MaxWeight)
	if err != nil {
		return c, cli.Usagef("--max-points: %w", err)
	}
	if c.Probes, err = numbers(t.probes, hashring.MaxProbes); err != nil {
		return c, cli.Usagef("--probes: %w", err)
	}
	var rule topology.Weights
	if t.weights != "" {
		if rule, err = topology.ParseWeights(t.weights); err != nil {
			return c, cli.Usagef("--%w", err)
		}
	}
	if c.Nodes, err = rule.Apply(topology.Numbered(count[0]), t.keys.seed); err != nil {
		return c, cli.Usagef("--%w", err)
	}
	weight := 0
	for _, n := range c.Nodes {
		weight += max(n.Weight, 1)
	}
	c.Points = max(1, min(points[0], pointsAll/weight))
	return c, nil
}

// A tuned is one candidate and its cost.
type tuned struct {
	tune.Candidate
	Bytes  float64 `json:"bytes"`
	Lookup float64 `json:"lookup_ns"`
	Low    float64 `json:"lookup_low_ns"`
	High   float64 `json:"lookup_high_ns"`
}

// A tuneReport is the answer of tune as JSON.
type tuneReport struct {
	Command    string   `json:"command"`
	Version    int      `json:"version"`
	Seed       uint64   `json:"seed"`
	Nodes      int      `json:"nodes"`
	Peak       float64  `json:"peak"` // x mean; less is better
	Keys       string   `json:"keys"`
	Chance     float64  `json:"chance"`
	Hottest    float64  `json:"hottest"`
	Candidates []tuned  `json:"candidates"`
	Best       *tuned   `json:"best"` // null if none reaches the target
	Words      []string `json:"words"`

	Units map[string]string `json:"units"`
}

func tuneUnits() map[string]string {
	return map[string]string{
		"peak":           "load of the fullest node over its share, at most; less is better",
		"chance":         "the same of a placement that divides hashes evenly: what these keys allow",
		"hottest":        "share of the most frequent key over that of the lightest node; less is better",
		"peak_worst":     "the peak in the worst of five sets of node names; less is better",
		"peak_median":    "the peak in the middle one; less is better",
		"points":         "points per unit of weight",
		"probes":         "points tried for a key",
		"bytes":          "bytes that lookups need; less is better",
		"lookup_ns":      "nanoseconds of a lookup, median; less is better",
		"lookup_low_ns":  "nanoseconds, lower end of the confidence interval",
		"lookup_high_ns": "nanoseconds, upper end of the confidence interval",
	}
}

// tune is the tune command.
func (e *env) tune(ctx context.Context, t *tuneCommand) error {
	c, err := t.config()
	if err != nil {
		return err
	}
	if err := e.announce(t.output, t.keys.seed); err != nil {
		return err
	}
	if c.Keys, err = e.loadKeys(ctx, t.keys); err != nil {
		return err
	}
	progress := e.progress("search", c.Rings())
	c.Step = progress.Add
	found, err := tune.Search(ctx, c)
	progress.Done()
	if err != nil {
		return err
	}
	rep := &tuneReport{
		Command: "tune", Version: 1, Seed: t.keys.seed, Nodes: len(c.Nodes), Peak: t.peak,
		Keys:   describeKeys(c.Keys.Source(), c.Keys.Format(), nil, c.Keys.Len(), c.Keys.Distinct()),
		Chance: found.Chance, Hottest: found.Hottest, Units: tuneUnits(),
	}
	if err := e.price(ctx, t, c, found, rep); err != nil {
		return err
	}
	rep.choose(t.prefer)
	if t.output == "json" {
		err = writeJSON(e.stdout, rep)
	} else {
		err = e.printTune(t, rep)
	}
	if err == nil && rep.Best == nil {
		return cli.BudgetFailed("no setting reaches a peak of %v", t.peak)
	}
	return err
}

// price measures what the candidates cost, side by side.
func (e *env) price(ctx context.Context, t *tuneCommand, c tune.Config, found *tune.Result, rep *tuneReport) error {
	mc := measure.Config{
		Nodes: []int{len(c.Nodes)}, Keys: c.Keys, Groups: []measure.Group{measure.Lookup, measure.Memory},
		Replicas: 3, Zones: 1, Passes: 5, Time: 400 * time.Millisecond, Patience: t.patience, Seed: t.keys.seed,
	}
	var err error
	if mc.Algorithms, err = algo.Parse("ring"); err != nil {
		return err
	}
	if t.weights != "" {
		if mc.Weights, err = topology.ParseWeights(t.weights); err != nil {
			return err
		}
	}
	for _, cand := range found.Candidates {
		mc.Settings = append(mc.Settings, cand.Setting)
	}
	progress := e.progress("", 0)
	mc.Begin = func(what string, steps int64) {
		progress.Done()
		progress = e.progress(what, steps)
	}
	mc.Step = func(n int64) { progress.Add(n) }
	m, err := measure.Run(ctx, mc)
	progress.Done()
	if err != nil {
		return err
	}
	for _, cand := range found.Candidates {
		out := tuned{Candidate: cand}
		for i := range m.Rows {
			r := &m.Rows[i]
			if r.Points != cand.Setting.Points || r.Probes != cand.Setting.Probes {
				continue
			}
			switch r.Metric {
			case "lookup":
				out.Lookup, out.Low, out.High = r.Value, r.Low, r.High
			case "bytes":
				out.Bytes = r.Value
			}
		}
		rep.Candidates = append(rep.Candidates, out)
	}
	return nil
}

// alike is the share of lookup time within which memory decides.
const alike = 1.05

// choose names the cheapest candidate that reaches the target and says what
// follows.
func (rep *tuneReport) choose(prefer string) {
	for i := range rep.Candidates {
		c := &rep.Candidates[i]
		if !c.Reached {
			continue
		}
		best := rep.Best
		switch {
		case best == nil,
			prefer == "memory" && c.Bytes < best.Bytes,
			prefer == "time" && c.Lookup*alike < best.Lookup,
			prefer == "time" && c.Lookup < best.Lookup*alike && c.Bytes < best.Bytes:
			rep.Best = c
		}
	}
	rep.Words = rep.words(prefer)
}

func (rep *tuneReport) words(prefer string) []string {
	var out []string
	if b := rep.Best; b != nil {
		out = append(out, fmt.Sprintf(
			"Cheapest by %s: %s and %s. It takes %s and a lookup takes %s. The fullest node has %.3f times its share in the middle of five sets of node names and %.3f times in the worst.",
			prefer, plural(b.Setting.Points, "point"), plural(b.Setting.Probes, "probe"),
			report.Bytes(b.Bytes), report.Duration(b.Lookup), b.Median, b.Worst))
	} else {
		out = append(out, fmt.Sprintf("No setting that was tried keeps every node below %v times its share.", rep.Peak))
	}
	switch {
	case rep.Hottest > rep.Peak:
		out = append(out, fmt.Sprintf(
			"The most frequent key alone is %.2f times the share of a node. A key cannot be divided: cache it, or bound the load of nodes (ringbench run --algo bounded).", rep.Hottest))
	case rep.Best == nil && rep.Chance > rep.Peak:
		out = append(out, fmt.Sprintf(
			"These keys are too few or too uneven for that: even a placement that divides hashes exactly evenly puts %.3f times its share on a node. Ask for a peak above that, or bring more keys.", rep.Chance))
	case rep.Best == nil:
		out = append(out, fmt.Sprintf(
			"The keys allow it, since an exactly even placement has %.3f: try a larger --max-points or more --probes, or a placement that is even by itself (ringbench run --algo jump,maglev).", rep.Chance))
	}
	return out
}

// printTune prints the answer for a person.
func (e *env) printTune(t *tuneCommand, rep *tuneReport) error {
	p := &printer{w: e.stdout}
	p.line("keys      %s", rep.Keys)
	p.line("target    %s, peak at most %v", plural(rep.Nodes, "node"), rep.Peak)
	p.line("")
	rows := [][]string{{"", "probes", "points", "peak", "worst", "memory", "lookup", "interval"}}
	for i := range rep.Candidates {
		c := &rep.Candidates[i]
		mark := ""
		switch {
		case c == rep.Best:
			mark = "->"
		case !c.Reached:
			mark = "x"
		}
		rows = append(rows, []string{
			mark, strconv.Itoa(c.Setting.Probes), strconv.Itoa(c.Setting.Points),
			fmt.Sprintf("%.3f", c.Median), fmt.Sprintf("%.3f", c.Worst), report.Bytes(c.Bytes),
			report.Duration(c.Lookup), report.Duration(c.Low) + " to " + report.Duration(c.High),
		})
	}
	table := &report.Grid{Align: "lrrrrrrl", Rows: rows}
	if p.err == nil {
		p.err = table.Write(e.stdout)
	}
	p.line("")
	p.line("-> the cheapest by %s; x the target is not reached with that many points. Less is better.", t.prefer)
	for _, words := range rep.Words {
		p.line("")
		for line := range strings.SplitSeq(report.Wrap(words, cli.Width(e.stdout, 100)), "\n") {
			p.line("%s", line)
		}
	}
	return p.err
}
