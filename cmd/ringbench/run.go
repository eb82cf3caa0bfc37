package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/algo"
	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/budget"
	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/cli"
	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/keys"
	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/measure"
	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/result"
	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/topology"
	"github.com/clusterluck/clusterluck/hashring"
)

const runLong = `Run measures placements on your keys: lookup time, evenness of load, what moves
when nodes join, leave or change weight, build time, memory and replicas. It
prints the seed first and says last, in words, what follows and how sure that is.

Times count only batches during which nothing else slowed the processor down. If
there are too few of those, it measures longer, up to --patience. Even on a quiet
machine timing takes twice --time for each placement: the 15 of a run with default
flags take 12 seconds.

A budget file holds limits: {"limits": [{"algo": "ring", "metric": "lookup",
"max": 50}, {"metric": "needless-*", "max": 0}]}. Patterns take *, nodes, points
and probes take numbers. The run exits 8 if a limit is broken.

`

const runExample = `  ringbench run
  ringbench run --algo ring,jump --nodes 12 --keys access --format combined:host
  ringbench run --algo ring --points 40,160,512 --only balance,memory
  zcat -f /var/log/access.log* | ringbench run --keys file:-
  ringbench run -o new.json && ringbench compare old.json new.json`

// A runCommand is the flags of run.
type runCommand struct {
	algos    string
	nodes    []string
	points   []string
	probes   []string
	keys     keyFlags
	replicas int
	zones    int
	weights  string
	slowdown float64
	benchFlags
}

func newRunCommand(e *env) *cobra.Command {
	r := &runCommand{}
	cmd := &cobra.Command{
		Use:     "run",
		Short:   "measure placements on your keys",
		Long:    runLong + cli.ExitCodes,
		Example: runExample,
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return e.runBenchmarks(cmd.Context(), r) },
	}
	flags := cmd.Flags()
	flags.StringVar(&r.algos, "algo", "ring,jump,rendezvous,maglev", "algorithms, or all; see ringbench list")
	flags.StringSliceVar(&r.nodes, "nodes", []string{"10", "100", "1000"}, "numbers of nodes")
	flags.StringSliceVar(&r.points, "points", []string{"160"}, "points per unit of weight, of rings")
	flags.StringSliceVar(&r.probes, "probes", []string{"1", "2"}, "probes of a lookup, of rings")
	r.keys.add(flags, "words")
	flags.IntVar(&r.replicas, "rf", 3, "nodes in a preference list")
	flags.IntVar(&r.zones, "zones", 3, "zones that nodes are dealt to in turn")
	flags.StringVar(&r.weights, "weights", "", "weights of nodes: "+topology.WeightsHelp)
	r.benchFlags.add(cmd, 400*time.Millisecond, "lookup,balance,moved,build,memory,replicas")
	flags.Float64Var(&r.slowdown, "slowdown", 1, "factor by which timed lookups do too much, to test compare")
	_ = flags.MarkHidden("slowdown") // the flag is there
	checkNumbers(flags, "nodes", hashring.MaxNodes)
	checkNumbers(flags, "points", hashring.MaxWeight)
	checkNumbers(flags, "probes", hashring.MaxProbes)
	checkRange(flags, "rf", 1, 1000)
	checkRange(flags, "zones", 1, hashring.MaxNodes)
	checkFloat(flags, "slowdown", "1 to 2", func(v float64) bool { return v >= 1 && v <= 2 })
	return cmd
}

// config checks the flags.
func (r *runCommand) config() (measure.Config, error) {
	c := measure.Config{
		Replicas: r.replicas, Zones: r.zones, Passes: r.count, Time: r.time,
		Patience: r.patience, Seed: r.keys.seed, Slowdown: r.slowdown,
	}
	var err error
	if c.Algorithms, err = algo.Parse(r.algos); err != nil {
		return c, cli.Usagef("--algo: %w", err)
	}
	if c.Groups, err = measure.ParseGroups(r.only); err != nil {
		return c, cli.Usagef("--only: %w", err)
	}
	for _, list := range []struct {
		flag  string
		texts []string
		max   int64
		to    *[]int
	}{
		{"--nodes", r.nodes, hashring.MaxNodes, &c.Nodes},
		{"--points", r.points, hashring.MaxWeight, &c.Points},
		{"--probes", r.probes, hashring.MaxProbes, &c.Probes},
	} {
		if *list.to, err = numbers(list.texts, list.max); err != nil {
			return c, cli.Usagef("%s: %w", list.flag, err)
		}
	}
	if r.weights != "" {
		if c.Weights, err = topology.ParseWeights(r.weights); err != nil {
			return c, cli.Usagef("--%w", err)
		}
	}
	return c, nil
}

// numbers reads counts such as 1000, 1k or 1e3, each once and in ascending
// order.
func numbers(texts []string, most int64) ([]int, error) {
	var out []int
	for _, text := range texts {
		n, err := keys.ParseSize(strings.TrimSpace(text))
		if err != nil {
			return nil, err
		}
		if n < 1 || n > most {
			return nil, fmt.Errorf("%q: use 1 to %d", text, most)
		}
		out = append(out, int(n))
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("no number given; use 1 to %d", most)
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

// runBenchmarks is the run command.
func (e *env) runBenchmarks(ctx context.Context, r *runCommand) error {
	c, err := r.config()
	if err != nil {
		return err
	}
	return e.bench(&r.benchFlags, r.keys.seed, known(c), func() (*result.File, error) {
		if c.Keys, err = e.loadKeys(ctx, r.keys); err != nil {
			return nil, err
		}
		return e.measure(ctx, c)
	})
}

// measure runs the benchmarks and fills in what the file says of them.
func (e *env) measure(ctx context.Context, c measure.Config) (*result.File, error) {
	f := &result.File{
		Settings: result.Settings{Passes: c.Passes, Time: c.Time, Replicas: c.Replicas, Zones: c.Zones, Weights: c.Weights.String()},
		Keys: result.Keys{
			Source: c.Keys.Source(), Format: c.Keys.Format(), Count: c.Keys.Len(), Distinct: c.Keys.Distinct(),
			Skipped: int(c.Keys.Skips().Total), Digest: measure.Digest(c.Keys),
		},
	}
	return f, e.fill(ctx, f, c.Seed, func(begin func(string, int64), step func(int64)) (*measure.Measured, error) {
		c.Begin, c.Step = begin, step
		return measure.Run(ctx, c)
	})
}

// known lists what a run measures.
func known(c measure.Config) budget.Known {
	k := budget.Known{Nodes: c.Nodes, Points: c.Points, Probes: c.Probes}
	for _, a := range c.Algorithms {
		k.Algos = append(k.Algos, a.Name)
	}
	for _, m := range measure.Metrics() {
		if slices.Contains(c.Groups, m.Group) {
			k.Metrics = append(k.Metrics, strings.Replace(m.Name, "topN", fmt.Sprintf("top%d", c.Replicas), 1))
		}
	}
	return k
}
