package main

import (
	"context"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/budget"
	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/cli"
	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/measure"
	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/result"
)

const clockLong = `Clock measures vector clocks of a few sizes: the time to count an event, to
compare, merge, clone, encode and decode, what each of these allocates, and the
bytes of an entry in the encoding. ringbench list metrics explains every number.

Actors are UUIDs, counts go up to a million, times lie within a day, all made from
--seed. An operation takes a few clocks in turn, which stay in the caches: in a
program that does other things between, it takes longer. The loop around an
operation takes a nanosecond or less, which is counted in. Clocks are compared and
merged whose actors were compared before, as package vectorclock remembers; the
first time costs about as much as comparing all names.

Times are taken as ringbench run takes them, and results are files of the same
kind: compare, report and budgets work on them. A limit of a budget may name
entries: {"limits": [{"metric": "clock-encode", "entries": 100, "max": 900},
{"metric": "clock-compare-*-allocs", "max": 0}]}. In csv the size of a clock stands
in the column entries.

`

const clockExample = `  ringbench clock
  ringbench clock --entries 3,30 --only compare,merge
  ringbench clock -o old.json
  ringbench clock --output bench > clock.bench`

// A clockCommand is the flags of clock.
type clockCommand struct {
	entries []string
	seed    uint64
	benchFlags
}

func newClockCommand(e *env) *cobra.Command {
	c := &clockCommand{}
	cmd := &cobra.Command{
		Use:     "clock",
		Short:   "measure vector clocks",
		Long:    clockLong + cli.ExitCodes,
		Example: clockExample,
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return e.clock(cmd.Context(), c) },
	}
	flags := cmd.Flags()
	flags.StringSliceVar(&c.entries, "entries", []string{"3", "10", "100", "1000"}, "numbers of entries of a clock")
	flags.Uint64Var(&c.seed, "seed", 1, "seed of the clocks")
	c.benchFlags.add(cmd, time.Second, "increment,compare,merge,clone,encode,decode")
	flags.Lookup("time").Usage = "time for each number of entries, over all passes"
	annotate(cmd, annotateOwn, "yes", "only", "budget") // what is set for all is meant for run
	checkNumbers(flags, "entries", measure.ClockEntriesMax)
	return cmd
}

// config checks the flags.
func (c *clockCommand) config() (measure.ClockConfig, error) {
	mc := measure.ClockConfig{Passes: c.count, Time: c.time, Patience: c.patience, Seed: c.seed}
	var err error
	if mc.Groups, err = measure.ParseClockGroups(c.only); err != nil {
		return mc, cli.Usagef("--only: %w", err)
	}
	if mc.Entries, err = numbers(c.entries, measure.ClockEntriesMax); err != nil {
		return mc, cli.Usagef("--entries: %w", err)
	}
	return mc, nil
}

// clock is the clock command.
func (e *env) clock(ctx context.Context, c *clockCommand) error {
	mc, err := c.config()
	if err != nil {
		return err
	}
	return e.bench(&c.benchFlags, c.seed, knownOfClocks(mc), func() (*result.File, error) {
		f := &result.File{
			Settings: result.Settings{Passes: mc.Passes, Time: mc.Time},
			Clocks: &result.Clocks{
				Actors: "UUID", CountMax: measure.ClockCountMax, Span: measure.ClockSpan, Digest: measure.ClockDigest(mc.Seed),
			},
		}
		return f, e.fill(ctx, f, mc.Seed, func(begin func(string, int64), step func(int64)) (*measure.Measured, error) {
			mc.Begin, mc.Step = begin, step
			return measure.Clocks(ctx, mc)
		})
	})
}

// knownOfClocks lists what clock measures.
func knownOfClocks(c measure.ClockConfig) budget.Known {
	k := budget.Known{Algos: []string{measure.ClockAlgo}, Entries: c.Entries}
	for _, m := range measure.ClockMetrics() {
		if slices.Contains(c.Groups, m.Group) {
			k.Metrics = append(k.Metrics, m.Name)
		}
	}
	return k
}
