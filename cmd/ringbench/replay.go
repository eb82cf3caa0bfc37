package main

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/cli"
	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/keys"
	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/replay"
	"github.com/clusterluck/clusterluck/hashring"
)

const replayLong = `Replay sends a trace of keys through a ring, in order, and tells the load of
every node over time: how uneven it is in each window, and what moves when a
node comes, goes or changes weight.

A churn file has one JSON object a line; "at" is a number of keys, a time, or a
duration since the first key:

  {"at": 20000, "op": "add", "id": "d", "weight": 2}
  {"at": "2025-03-03T12:00:00Z", "op": "remove", "id": "a"}
  {"at": "90m", "op": "weight", "id": "b", "weight": 3}

With --bounded C no node gets more than C times its fair share of the requests
under way: a key whose owner is full goes to the next node that is not. A
request is under way until --in-flight later ones have begun.

Load is compared with the fair load, which is what a node would get exactly by
its weight; 1.00 is perfect.

`

const replayExample = `  printf 'a\nb\nc\n' > nodes.txt
  ringbench replay --trace access --topology nodes.txt
  ringbench replay --trace access --topology nodes.txt --window 1h --bounded 1.25
  echo '{"at": "12h", "op": "add", "id": "d"}' > churn.ndjson
  ringbench replay --trace access --topology nodes.txt --churn churn.ndjson --csv > load.csv`

// barWidth is the width of the longest bar of a table.
const barWidth = 30

// A replayCommand is the flags of replay.
type replayCommand struct {
	topology string
	churn    string
	window   string
	bounded  float64
	inFlight int
	keys     keyFlags
	ring     ringFlags
	top      int
	json     bool
	csv      bool
}

func newReplayCommand(e *env) *cobra.Command {
	r := &replayCommand{}
	cmd := &cobra.Command{
		Use:     "replay --trace KEYS --topology FILE",
		Short:   "load per node over time, for a trace of your keys",
		Long:    replayLong + cli.ExitCodes,
		Example: replayExample,
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return e.replay(cmd, r) },
	}
	flags := cmd.Flags()
	flags.StringVar(&r.keys.spec, "trace", "", "the keys, in order: "+keys.Sources)
	flags.StringVar(&r.keys.format, "format", "", "how a text holds keys: "+keys.Formats+"; auto finds out")
	flags.StringVar(&r.keys.time, "time-field", "", "the JSON `field` or CSV column that holds a record's time")
	flags.Uint64Var(&r.keys.seed, "seed", 1, "seed of generated keys")
	flags.StringVar(&r.topology, "topology", "", "topology `file` at the start; see plan --help")
	flags.StringVar(&r.churn, "churn", "", "`file` of changes to the nodes")
	flags.StringVar(&r.window, "window", "", "keys (5k) or time (15m) of a window (default: a tenth of the keys)")
	flags.Float64Var(&r.bounded, "bounded", 0, "bound of a node's load over its fair load, such as 1.25; 0 is no bound")
	flags.IntVar(&r.inFlight, "in-flight", 1000, "requests under way at once, with --bounded")
	r.ring.add(flags)
	flags.IntVar(&r.top, "top", 20, "how many windows, nodes and events to list")
	flags.BoolVar(&r.json, "json", false, "print JSON: everything, not only the top")
	flags.BoolVar(&r.csv, "csv", false, "print CSV: a line for each window and node")
	checkRange(flags, "top", 1, math.MaxInt)
	checkRange(flags, "in-flight", 1, 1e8)
	checkFloat(flags, "bounded", "1 to 1e6, such as 1.25, or 0 for no bound", func(v float64) bool {
		return v == 0 || v >= 1 && v <= 1e6
	})
	addOutput(cmd, "json", "csv")
	markRequired(cmd, "trace", "topology")
	return cmd
}

func (e *env) replay(cmd *cobra.Command, r *replayCommand) error {
	config, err := r.config()
	if err != nil {
		return err
	}
	if err := onceStdin(r.topology, r.churn, r.keys.spec); err != nil {
		return err
	}
	if config.Events, err = e.loadChurn(r.churn); err != nil {
		return err
	}
	nodes, ring, err := e.loadTopology(r.topology, r.ring)
	if err != nil {
		return err
	}
	set, err := e.loadKeys(cmd.Context(), r.keys)
	if err != nil {
		return err
	}
	start := describeRing(nodes.Name, ring)
	progress := e.progress("replay", int64(set.Len()))
	config.Progress = progress.Add
	result, err := replay.Run(cmd.Context(), ring, set, config)
	progress.Done()
	var churn *replay.ChurnError
	if errors.As(err, &churn) || errors.Is(err, replay.ErrWindow) || errors.Is(err, hashring.ErrBound) {
		return cli.Usagef("%w", err)
	}
	if err != nil {
		return err
	}
	for _, late := range result.Late {
		e.note("%s:%d: %s %q comes after the end of the trace and was not applied", r.churn, late.Line, late.Op, late.ID)
	}
	switch {
	case r.json:
		return writeJSON(e.stdout, replayJSON{"replay", 1, r.keys.seed, r.keys.spec, nodes.Name, result, replayUnits()})
	case r.csv:
		return writeReplayCSV(e.stdout, result)
	}
	t := &printer{w: e.stdout}
	seed := &r.keys.seed
	if !set.Generated() {
		seed = nil
	}
	t.line("%s", describeKeys(set.Source(), set.Format(), seed, set.Len(), set.Distinct()))
	t.line("%s", start)
	writeReplay(t, result, r.top)
	return t.err
}

// config checks the flags that replay itself reads.
func (r *replayCommand) config() (replay.Config, error) {
	c := replay.Config{Bound: r.bounded, InFlight: r.inFlight, ChurnName: r.churn}
	if r.churn == "-" {
		c.ChurnName = "stdin"
	}
	if r.window == "" {
		return c, nil
	}
	if n, err := keys.ParseSize(r.window); err == nil && n > 0 {
		c.Keys = int(n)
		return c, nil
	}
	span, err := time.ParseDuration(r.window)
	if err != nil || span <= 0 {
		return c, cli.Usagef("--window %q: want a number of keys, such as 5k, or a time, such as 15m", r.window)
	}
	c.Span = span
	return c, nil
}

func (e *env) loadChurn(path string) ([]replay.Event, error) {
	if path == "" {
		return nil, nil
	}
	name, in := "stdin", e.stdin
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return nil, unreadable(path, err)
		}
		defer f.Close()
		name, in = path, f
	}
	events, err := replay.ReadChurn(name, in)
	if err != nil {
		return nil, cli.Usagef("%w", err)
	}
	return events, nil
}

type replayJSON struct {
	Command  string `json:"command"`
	Version  int    `json:"version"`
	Seed     uint64 `json:"seed"`
	Trace    string `json:"trace"`
	Topology string `json:"topology"`
	*replay.Result
	Units map[string]string `json:"units"`
}

func replayUnits() map[string]string {
	return map[string]string{
		"load":          "keys; nearer to fair is better",
		"fair":          "keys a node would get exactly by its weight",
		"over_fair":     "ratio of load to fair load; 1 is perfect, less is better",
		"moved_share":   "of all keys, 0 to 1; less is better",
		"diverted_keys": "keys; less is better",
		"window_ns":     "nanoseconds",
	}
}

// writeReplayCSV prints a line for each window and node.
func writeReplayCSV(w io.Writer, r *replay.Result) error {
	out := csv.NewWriter(w)
	// The writer keeps its first error, which Flush and Error report.
	_ = out.Write([]string{"window", "start_key", "start_time", "node", "load_keys", "fair_keys", "load_over_fair", "load_by_owner_keys"})
	for i, window := range r.Windows {
		at := ""
		if window.Time != nil {
			at = window.Time.Format(time.RFC3339)
		}
		for slot, load := range window.Load {
			fair, ratio, owners := 0.0, "", ""
			if slot < len(window.Fair) {
				fair = window.Fair[slot]
			}
			if fair > 0 {
				ratio = strconv.FormatFloat(float64(load)/fair, 'f', 4, 64)
			}
			if r.Bound > 0 {
				owners = "0"
				if slot < len(window.Owners) {
					owners = strconv.Itoa(window.Owners[slot])
				}
			}
			_ = out.Write([]string{
				strconv.Itoa(i + 1), strconv.Itoa(window.Start), at, r.Nodes[slot], strconv.Itoa(load),
				strconv.FormatFloat(fair, 'f', 2, 64), ratio, owners,
			})
		}
	}
	out.Flush()
	return out.Error()
}

// bar draws a value on a scale that ends at most.
func bar(value, most float64) string {
	if most <= 0 || value <= 0 {
		return ""
	}
	return strings.Repeat("#", max(1, int(value/most*barWidth+0.5)))
}

func describeRing(name string, r *hashring.Ring) string {
	o := r.Options()
	probes := ""
	if o.Probes > 1 {
		probes = fmt.Sprintf(" and %d probes", o.Probes)
	}
	return fmt.Sprintf("%s (%s, layout %s, %s%s)", name, plural(r.Len(), "node"), o.Layout, plural(o.Points, "point"), probes)
}
