package main

import (
	"encoding/csv"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/cli"
	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/compare"
	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/report"
)

const compareLong = `Compare tells which numbers of two results of ringbench run, or of two of ringbench
clock, differ. A time differs only if chance cannot explain it (Mann-Whitney,
corrected by Holm for the number of rows) and if it differs by more than the same
code differs from itself by, which every result records. Everything else is "~".
Numbers that are exact differ if they are not the same.

It cannot see every difference. With --time 700ms, as internal/aatest measured on a
machine that did other work meanwhile, the smallest that it sees of a lookup is
about 7 % with up to 100 nodes and about 9 % with 1000, where placements are large.

A time is shown and not judged if the machine was busy, if the processors, the
keys or the clocks differ, or if there are too few samples. Of keys moved over the
optimum neither less nor more is better: they are never judged; needless moves are.

With --fail-on 5% the command exits 8 if any row is worse by more than that. It
exits 1 if there are times and none of them could be judged: then it could not
find out.

`

const compareExample = `  ringbench run -o old.json
  ringbench run -o new.json
  ringbench compare old.json new.json
  ringbench compare --fail-on 5% old.json new.json`

// A compareCommand is the flags of compare.
type compareCommand struct {
	failOn string
	all    bool
	output string
}

func newCompareCommand(e *env) *cobra.Command {
	c := &compareCommand{}
	cmd := &cobra.Command{
		Use:     "compare OLD NEW",
		Short:   "which numbers of two results differ",
		Long:    compareLong + cli.ExitCodes,
		Example: compareExample,
		Args:    cobra.ExactArgs(2),
		RunE:    func(_ *cobra.Command, args []string) error { return e.compare(c, args[0], args[1]) },
	}
	flags := cmd.Flags()
	flags.StringVar(&c.failOn, "fail-on", "", "exit 8 if a row is worse by more than this, such as 5% or 0.05")
	flags.BoolVar(&c.all, "all", false, "list exact numbers that did not change, too")
	flags.StringVar(&c.output, "output", "table", "what to print: table, json, csv or md")
	return cmd
}

// share reads 5% or 0.05.
func share(text string) (float64, error) {
	digits, percent := strings.CutSuffix(strings.TrimSpace(text), "%")
	v, err := strconv.ParseFloat(strings.TrimSpace(digits), 64)
	if err != nil || math.IsNaN(v) || math.IsInf(v, 0) || v < 0 {
		return 0, fmt.Errorf("%q is no share; write 5%% or 0.05", text)
	}
	if percent {
		v /= 100
	}
	return v, nil
}

// compare is the compare command.
func (e *env) compare(c *compareCommand, oldPath, newPath string) error {
	limit := math.Inf(1)
	if c.failOn != "" {
		var err error
		if limit, err = share(c.failOn); err != nil {
			return cli.Usagef("--fail-on: %w", err)
		}
	}
	if !slices.Contains([]string{"table", "json", "csv", "md"}, c.output) {
		return cli.Usagef("--output %q: use table, json, csv or md", c.output)
	}
	before, err := loadResult(oldPath)
	if err != nil {
		return err
	}
	after, err := loadResult(newPath)
	if err != nil {
		return err
	}
	res, err := compare.Files(before, after)
	if err != nil {
		return cli.Usagef("%s, %s: %w", oldPath, newPath, err)
	}
	if err := e.printCompare(c, oldPath, newPath, res); err != nil {
		return err
	}
	worse := res.Regressions(limit)
	if len(worse) == 0 {
		return e.unjudged(c, res)
	}
	lines := make([]string, len(worse))
	for i, row := range worse {
		lines[i] = fmt.Sprintf("%s %s: %s", row.Config, row.Metric, delta(row.Delta))
	}
	return cli.BudgetFailed("%s worse by more than %s:\n  %s", plural(len(worse), "row"), c.failOn, strings.Join(lines, "\n  "))
}

// unjudged returns an error if --fail-on asks for a verdict on times and there is
// none on any of them. If there is one on some, it says so on stderr.
func (e *env) unjudged(c *compareCommand, res *compare.Result) error {
	times, blind := res.Times()
	switch {
	case c.failOn == "" || blind == 0:
		return nil
	case blind == times:
		return cli.Failedf("--fail-on %s: none of %s could be judged, so nothing is known of them", c.failOn, plural(times, "time"))
	}
	e.note("--fail-on %s: %d of %s could not be judged", c.failOn, blind, plural(times, "time"))
	return nil
}

// delta formats a relative difference with its sign.
func delta(d float64) string { return fmt.Sprintf("%+.1f %%", 100*d) }

type compareJSON struct {
	Command string `json:"command"`
	Version int    `json:"version"`
	Old     string `json:"old"`
	New     string `json:"new"`
	*compare.Result
	Words []string          `json:"words"`
	Units map[string]string `json:"units"`
}

func (e *env) printCompare(c *compareCommand, oldPath, newPath string, res *compare.Result) error {
	words := compareWords(res)
	switch c.output {
	case "json":
		return writeJSON(e.stdout, compareJSON{"compare", 1, oldPath, newPath, res, words, map[string]string{
			"delta":   "fraction of old; times at equal speed of the machine; the sign and better tell which way is good",
			"p":       "probability of such a difference by chance, of the row alone",
			"p_holm":  "the same, corrected for the number of rows",
			"limit":   "what the logarithm of the ratio of two times must exceed",
			"verdict": "better, worse or ~",
			"why":     "why a row is not judged; its verdict is ~ and says nothing",
		}})
	case "csv":
		return e.compareCSV(res)
	}
	grid, hidden := compareGrid(res, c.all)
	p := &printer{w: e.stdout}
	if c.output == "md" {
		for i, row := range grid.Rows {
			p.line("| %s |", strings.Join(row, " | "))
			if i == 0 {
				p.line("|%s", strings.NewReplacer("l", "---|", "r", "---:|").Replace(grid.Align))
			}
		}
	} else if p.err = grid.Write(e.stdout); p.err != nil {
		return p.err
	}
	if hidden > 0 {
		words = append(words, fmt.Sprintf("%s did not change at all; --all lists them.", plural(hidden, "exact number")))
	}
	for _, w := range append(words, res.Notes...) {
		p.line("")
		if c.output == "table" {
			w = report.Wrap(w, cli.Width(e.stdout, 100))
		}
		for line := range strings.SplitSeq(w, "\n") {
			p.line("%s", line)
		}
	}
	return p.err
}

// compareGrid lays the rows out, without exact numbers that are the same unless
// all is set.
func compareGrid(res *compare.Result, all bool) (grid *report.Grid, hidden int) {
	grid = &report.Grid{Align: "lrrrlll"}
	grid.Add("row", "old", "new", "delta", "95 % interval", "p (Holm)", "verdict")
	for _, row := range res.Rows {
		if row.Exact && row.Delta == 0 && !all {
			hidden++
			continue
		}
		change, interval, p, verdict := delta(row.Delta), delta(row.Low)+" to "+delta(row.High), pText(row.Holm), string(row.Verdict)
		if row.Exact {
			interval, p = "exact", ""
			if row.Delta == 0 {
				change = "0"
			} else if row.Old == 0 {
				change = "from 0"
			}
		}
		if row.Why != "" {
			verdict += " (" + row.Why + ")"
			p = ""
		}
		grid.Add(row.Config+" "+row.Metric, report.Value(row.Old, row.Unit), report.Value(row.New, row.Unit), change, interval, p, verdict)
	}
	return grid, hidden
}

func pText(p float64) string {
	if p < 0.001 {
		return "<0.001"
	}
	return strconv.FormatFloat(p, 'f', 3, 64)
}

func (e *env) compareCSV(res *compare.Result) error {
	w := csv.NewWriter(e.stdout)
	number := func(v float64) string { return strconv.FormatFloat(v, 'g', 6, 64) }
	// The writer keeps its first error for Error.
	_ = w.Write([]string{"config", "metric", "unit", "better", "old", "new", "delta", "low", "high", "p", "p_holm", "limit", "exact", "verdict", "why"})
	for _, r := range res.Rows {
		_ = w.Write([]string{
			r.Config, r.Metric, r.Unit, r.Better, number(r.Old), number(r.New), number(r.Delta), number(r.Low), number(r.High),
			number(r.P), number(r.Holm), number(r.Limit), strconv.FormatBool(r.Exact), string(r.Verdict), r.Why,
		})
	}
	w.Flush()
	return w.Error()
}

// compareWords says what follows from a comparison.
func compareWords(res *compare.Result) []string {
	var better, worse, unjudged int
	var largest compare.Row
	limits := 0.0
	for _, r := range res.Rows {
		switch r.Verdict {
		case compare.Better:
			better++
		case compare.Worse:
			worse++
		}
		if r.Verdict != compare.Same && math.Abs(r.Delta) > math.Abs(largest.Delta) {
			largest = r
		}
		if r.Exact && r.Why != "" && r.Delta != 0 {
			unjudged++
		}
		if !r.Exact {
			limits = max(limits, r.Limit)
		}
	}
	times, blind := res.Times()
	var words []string
	if blind > 0 {
		words = append(words, fmt.Sprintf("%d of %s could not be judged.", blind, plural(times, "time")))
	}
	if unjudged > 0 {
		words = append(words, fmt.Sprintf("%s changed and cannot be called better or worse.", plural(unjudged, "exact number")))
	}
	rest := len(res.Rows) - blind - unjudged
	switch {
	case better+worse > 0:
		words = append(words, fmt.Sprintf("Of %s %d are better and %d worse. The largest difference is %s, %s %s. A row that shows a difference without cause is to be expected in fewer than 1 of 100 comparisons.",
			plural(len(res.Rows), "row"), better, worse, delta(largest.Delta), largest.Config, largest.Metric))
	case rest == 0:
	case len(words) > 0:
		words = append(words, fmt.Sprintf("Of the rest nothing differs: %s, of which %d are times.", plural(rest, "row"), times-blind))
	default:
		words = append(words, fmt.Sprintf("Nothing differs: %s, of which %d are times. What is left is within what chance and the same code explain.", plural(rest, "row"), times))
	}
	if len(words) > 1 {
		words = []string{strings.Join(words, " ")}
	}
	if times > blind && limits > 0.1 {
		words = append(words, fmt.Sprintf("One of the results is noisy: the least certain row would have to differ by %s to be called different.", percent(limits)))
	}
	return words
}
