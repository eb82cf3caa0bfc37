package main

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/algo"
	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/cli"
	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/keys"
	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/measure"
	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/report"
)

const listLong = `List shows the algorithms with when to use them and what they cannot do, the
sources of keys, and the metrics with their units.

`

const listExample = `  ringbench list
  ringbench list metrics
  ringbench list --output json`

func newListCommand(e *env) *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use:       "list [algorithms|keys|metrics]",
		Short:     "algorithms, key sources, metrics",
		Long:      listLong + cli.ExitCodes,
		Example:   listExample,
		Args:      cobra.MatchAll(cobra.MaximumNArgs(1), cobra.OnlyValidArgs),
		ValidArgs: []string{"algorithms", "keys", "metrics"},
		RunE: func(_ *cobra.Command, args []string) error {
			return e.list(strings.Join(args, ""), output)
		},
	}
	cmd.Flags().StringVar(&output, "output", "table", "what to print: table or json")
	checkChoice(cmd.Flags(), "output", "table", "json")
	return cmd
}

// A listJSON is what list knows.
type listJSON struct {
	Command    string          `json:"command"`
	Version    int             `json:"version"`
	Algorithms []algorithmJSON `json:"algorithms,omitempty"`
	Keys       []string        `json:"keys,omitempty"`
	Formats    []string        `json:"formats,omitempty"`
	Metrics    []metricJSON    `json:"metrics,omitempty"`
}

type algorithmJSON struct {
	Name     string `json:"name"`
	Title    string `json:"title"`
	Use      string `json:"use"`
	Limits   string `json:"limits"`
	Weights  bool   `json:"weights"`
	Replicas bool   `json:"replicas"`
	Zones    bool   `json:"zones"`
	Removal  string `json:"removal"` // any or last
	Points   bool   `json:"points"`
	Probes   bool   `json:"probes"`
}

type metricJSON struct {
	Name   string `json:"name"`
	Group  string `json:"group"`
	Unit   string `json:"unit"`
	Better string `json:"better"`
	Timed  bool   `json:"timed"`
	Means  string `json:"means"`
	Of     string `json:"of"` // the command that measures it
}

// list is the list command.
func (e *env) list(what, output string) error {
	l := listJSON{Command: "list", Version: 1}
	if what == "" || what == "algorithms" {
		for _, a := range algo.All() {
			l.Algorithms = append(l.Algorithms, algorithmJSON{
				a.Name, a.Title, a.Use, a.Limits, a.Weights, a.Replicas, a.Zones, string(a.Removal), a.Points, a.Probes,
			})
		}
	}
	if what == "" || what == "keys" {
		l.Keys = splitList(keys.Sources)
		l.Formats = splitList(keys.Formats)
	}
	if what == "" || what == "metrics" {
		for _, m := range measure.Metrics() {
			l.Metrics = append(l.Metrics, metricJSON{m.Name, string(m.Group), m.Unit, m.Better, m.Timed, m.Means, "run"})
		}
		for _, m := range measure.ClockMetrics() {
			l.Metrics = append(l.Metrics, metricJSON{m.Name, string(m.Group), m.Unit, m.Better, m.Timed, m.Means, "clock"})
		}
	}
	if output == "json" {
		return writeJSON(e.stdout, l)
	}
	return e.printList(l)
}

// splitList splits "a, b or c".
func splitList(s string) []string {
	return strings.Split(strings.ReplaceAll(s, " or ", ", "), ", ")
}

func (e *env) printList(l listJSON) error {
	p := &printer{w: e.stdout}
	width := cli.Width(e.stdout, 100)
	if len(l.Algorithms) > 0 {
		p.line("Algorithms (--algo)")
	}
	for _, a := range l.Algorithms {
		p.line("")
		p.line("  %-20s %s", a.Name, a.Title)
		p.line("  %-20s use: %s", "", indent(a.Use, width))
		p.line("  %-20s but: %s", "", indent(a.Limits, width))
		p.line("  %-20s weights %s, replicas %s, zones %s, %s node can leave", "", yes(a.Weights), yes(a.Replicas), yes(a.Zones), a.Removal)
	}
	if len(l.Algorithms) > 0 && len(l.Keys) > 0 {
		p.line("")
	}
	if len(l.Keys) > 0 {
		p.line("Keys (--keys)")
		for _, k := range l.Keys {
			p.line("  %s", k)
		}
		p.line("")
		p.line("Formats of keys in a text (--format)")
		for _, f := range l.Formats {
			p.line("  %s", f)
		}
	}
	if len(l.Metrics) > 0 && len(l.Keys) > 0 {
		p.line("")
	}
	if p.err != nil || len(l.Metrics) == 0 {
		return p.err
	}
	for i, part := range []struct{ of, head string }{
		{"run", "Metrics (--only takes the group; less is better, but of moved: there 1.00 is perfect)"},
		{"clock", "Metrics of ringbench clock (--only takes the group; less is better)"},
	} {
		if i > 0 {
			p.line("")
		}
		p.line("%s", part.head)
		grid := &report.Grid{Align: "llll"}
		for _, m := range l.Metrics {
			if m.Of == part.of {
				grid.Add("  "+m.Name, m.Group, m.Unit, m.Means)
			}
		}
		if p.err == nil {
			p.err = grid.Write(e.stdout)
		}
	}
	return p.err
}

// indent breaks a text that begins at column 28.
func indent(s string, width int) string {
	return strings.ReplaceAll(report.Wrap(s, max(width-28, 40)), "\n", "\n"+strings.Repeat(" ", 28))
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
