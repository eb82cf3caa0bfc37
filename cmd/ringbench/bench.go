package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/budget"
	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/cli"
	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/measure"
	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/report"
	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/result"
)

// A benchFlags is the flags that run and clock share.
type benchFlags struct {
	only     string
	count    int
	time     time.Duration
	patience time.Duration
	budget   string
	out      string
	output   string
}

// add defines the flags; groups are those of --only.
func (b *benchFlags) add(cmd *cobra.Command, each time.Duration, groups string) {
	flags := cmd.Flags()
	flags.StringVar(&b.only, "only", "", "metrics: some of "+groups)
	flags.IntVar(&b.count, "count", 10, "passes; each takes two samples of every time")
	flags.DurationVar(&b.time, "time", each, "time for each configuration, over all passes")
	flags.DurationVar(&b.patience, "patience", 5*time.Second, "how long to go on if the machine is busy")
	flags.StringVar(&b.budget, "budget", "", "`file` of limits (JSON); exceeding one exits 8")
	flags.StringVarP(&b.out, "out", "o", "", "`file` to write the result to (JSON)")
	flags.StringVar(&b.output, "output", "table", "what to print: table, json, csv, md or bench")
	annotate(cmd, annotateOwn, "yes", "out")
	checkRange(flags, "count", 1, 1000)
	checkDuration(flags, "time", time.Millisecond)
	checkDuration(flags, "patience", 0)
	checkChoice(flags, "output", report.Formats()...)
}

// bench checks what can be checked before, measures, publishes the result and
// holds it against the budget.
func (e *env) bench(b *benchFlags, seed uint64, known budget.Known, measure func() (*result.File, error)) error {
	var limits *budget.Budget
	var err error
	if b.budget != "" {
		if limits, err = budget.Load(b.budget); err != nil {
			return fileError(b.budget, err)
		}
		if err := limits.Check(known); err != nil {
			return cli.Usagef("%s: %w", b.budget, err)
		}
	}
	if b.out == "-" {
		return cli.Usagef("-o -: the report goes to stdout; --output json prints the result there instead")
	}
	if b.out != "" {
		if err := creatable(b.out); err != nil {
			return err // now, not when the samples are there
		}
	}
	if err := e.announce(b.output, seed); err != nil {
		return err
	}
	f, err := measure()
	if err != nil {
		return err
	}
	err = e.publish(f, b)
	if limits == nil {
		return err
	}
	verdict := exceeded(b.budget, limits.Exceeded(f.Rows))
	switch {
	case err == nil:
		return verdict
	case verdict == nil:
		e.note("%s: every limit holds", b.budget)
	default:
		e.note("%v", verdict)
	}
	return err // a result that is lost weighs more than the verdict, which is not
}

// announce prints the seed before anything else: on stdout if a person reads
// it, else on stderr.
func (e *env) announce(output string, seed uint64) error {
	if output != "table" {
		e.note("seed %d", seed)
		return nil
	}
	_, err := fmt.Fprintf(e.stdout, "seed      %d\n", seed)
	return err
}

// fill measures and completes a file that says what is measured and how.
func (e *env) fill(ctx context.Context, f *result.File, seed uint64,
	run func(begin func(what string, steps int64), step func(steps int64)) (*measure.Measured, error)) error {
	started := e.now()
	f.Schema, f.Version, f.Created = result.Schema, version(), started.UTC().Truncate(time.Second)
	f.Machine = result.ThisMachine(append([]string{"ringbench"}, e.args...), seed)
	if f.Machine.Commit == "" {
		f.Machine.Commit = sourceCommit(ctx)
	}
	progress := e.progress("", 0)
	begin := func(what string, steps int64) {
		progress.Done()
		progress = e.progress(what, steps)
	}
	m, err := run(begin, func(n int64) { progress.Add(n) })
	progress.Done()
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return cli.Usagef("%w", err)
	}
	for _, skipped := range m.Skipped {
		e.note("%s", skipped)
	}
	f.Rows, f.Reference = m.Rows, m.Reference
	f.Machine.LoadEnd = result.LoadAverage()
	f.Settings.Seconds = e.now().Sub(started).Seconds()
	f.Words = report.Words(f)
	return nil
}

// publish writes the file, then prints. If the file cannot be written the
// report is printed all the same, since the run cannot be had again.
func (e *env) publish(f *result.File, b *benchFlags) error {
	var failed error
	if b.out != "" {
		if err := cli.WriteFile(b.out, f.Write); err != nil {
			failed = cli.Failedf("%w", err)
		}
	}
	err := report.Write(e.stdout, b.output, []report.Named{{Name: b.out, File: f}}, report.Style{
		Width: cli.Width(e.stdout, 100), Color: cli.Color(e.stdout, e.color, e.getenv),
	})
	if failed != nil {
		return failed
	}
	if err == nil && b.out != "" {
		e.note("wrote %s", b.out)
	}
	return err
}

// exceeded turns broken limits into the error of the command.
func exceeded(path string, broken []string) error {
	if len(broken) == 0 {
		return nil
	}
	return cli.BudgetFailed("%s: %s broken:\n  %s", path, plural(len(broken), "limit"), strings.Join(broken, "\n  "))
}
