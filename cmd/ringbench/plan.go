package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/spf13/cobra"

	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/cli"
	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/keys"
	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/plan"
	"github.com/clusterluck/clusterluck/hashring"
)

const planLong = `Plan tells what moves when one set of nodes takes the place of another: the
exact share of all keys, the least that any placement must move for these
weights, and who gives how much to whom. With --keys it counts how many of your
keys move, checks that count against the exact share, and names the hot keys
that are hit.

A topology is text, "id [weight] [zone]" a line with # comments, or JSON:
{"nodes": ["a", {"id": "b", "weight": 2}], "options": {"points": 160}}. What
hashring encodes and what clusterluck inspect, nodes and weights print is read
as it is. "-" is stdin.

`

const planExample = `  printf 'a\nb\nc\n' > old.txt && printf 'a\nb\nc\nd\n' > new.txt
  ringbench plan --from old.txt --to new.txt
  ringbench plan --from old.txt --to new.txt --keys access
  cat old.txt | ringbench plan --from - --to new.txt --layout clusterluck --points 3`

// A planCommand is the flags of plan.
type planCommand struct {
	from, to string
	keys     keyFlags
	ring     ringFlags
	top      int
	json     bool
}

func newPlanCommand(e *env) *cobra.Command {
	p := &planCommand{}
	cmd := &cobra.Command{
		Use:     "plan --from FILE --to FILE",
		Short:   "what moves when the nodes change, exactly and for your keys",
		Long:    planLong + cli.ExitCodes,
		Example: planExample,
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return e.plan(cmd, p) },
	}
	flags := cmd.Flags()
	flags.StringVar(&p.from, "from", "", "topology `file` before the change")
	flags.StringVar(&p.to, "to", "", "topology `file` after it")
	p.keys.add(flags, "")
	p.ring.add(flags)
	flags.IntVar(&p.top, "top", 10, "how many flows and hot keys to list")
	flags.BoolVar(&p.json, "json", false, "print JSON: everything, not only the top")
	checkRange(flags, "top", 1, math.MaxInt)
	addOutput(cmd, "json")
	markRequired(cmd, "from", "to")
	return cmd
}

// markRequired marks flags that the command has, so it cannot fail.
func markRequired(cmd *cobra.Command, names ...string) {
	for _, name := range names {
		_ = cmd.MarkFlagRequired(name)
	}
}

func (e *env) plan(cmd *cobra.Command, p *planCommand) error {
	if err := onceStdin(p.from, p.to, p.keys.spec); err != nil {
		return err
	}
	from, oldRing, err := e.loadTopology(p.from, p.ring)
	if err != nil {
		return err
	}
	to, newRing, err := e.loadTopology(p.to, p.ring)
	if err != nil {
		return err
	}
	var set *keys.Set
	if p.keys.spec != "" {
		if set, err = e.loadKeys(cmd.Context(), p.keys); err != nil {
			return err
		}
	}
	steps := int64(0)
	if set != nil {
		steps = int64(set.Distinct())
	}
	progress := e.progress("plan", steps)
	result, err := plan.Make(cmd.Context(), oldRing.Snapshot(), newRing.Snapshot(), from.Name, to.Name, set, p.top, progress.Add)
	progress.Done()
	if errors.Is(err, hashring.ErrOptions) {
		return cli.Usagef("%s and %s place keys by different rules: %w; give both one layout and one number of probes, with --layout or --probes if the files leave it open",
			from.Name, to.Name, err)
	}
	if err != nil {
		return err
	}
	if p.json {
		return writeJSON(e.stdout, planJSON{Command: "plan", Version: 1, Seed: p.keys.seed, Plan: result, Units: planUnits()})
	}
	return writePlan(e.stdout, result, p.top, p.keys.seed)
}

type planJSON struct {
	Command string `json:"command"`
	Version int    `json:"version"`
	Seed    uint64 `json:"seed"`
	*plan.Plan
	Units map[string]string `json:"units"`
}

func planUnits() map[string]string {
	return map[string]string{
		"moved_share":        "of all keys, 0 to 1; less is better",
		"optimum_share":      "of all keys, 0 to 1; what moved_share is measured against",
		"moved_over_optimum": "ratio; 1 is perfect; below 1 by the luck of uneven arcs; 0 if nothing must move",
		"needless_share":     "of all keys, 0 to 1; must be 0; null with several probes",
		"flows":              "shares of all keys, 0 to 1",
		"nodes":              "shares of all keys, 0 to 1; weight 0 is an absent node",
		"keys":               "counts of keys; shares of these keys, 0 to 1",
	}
}

func writeJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// writePlan prints a plan for a person.
func writePlan(w io.Writer, p *plan.Plan, top int, seed uint64) error {
	t := &printer{w: w}
	t.line("%s -> %s", describeSide(p.From), describeSide(p.To))
	t.line("")
	exact := "exact"
	if !p.Exact {
		exact = "estimate: weights changed with several probes"
	}
	t.line("moved     %9s  of all keys (%s); less is better", percent(p.Moved), exact)
	t.line("optimum   %9s  the least that any placement exactly even by weight must move", percent(p.Optimum))
	if p.Optimum > 0 {
		t.line("ratio     %9.2f  moved / optimum; 1.00 is perfect, below 1 is the luck of uneven arcs", p.Ratio)
	}
	if p.Needless != nil {
		t.line("needless  %9s  between nodes that did not change; must be 0", percent(*p.Needless))
	}
	t.line("")
	planNodes(t, p, top)
	planFlows(t, p, top)
	if p.Keys != nil {
		planKeys(t, p.Keys, seed)
	}
	t.line("%s", planVerdict(p))
	return t.err
}

func describeSide(s plan.Side) string {
	probes := ""
	if s.Probes > 1 {
		probes = fmt.Sprintf(" and %d probes", s.Probes)
	}
	return fmt.Sprintf("%s (%s, layout %s, %s%s)", s.Name, plural(s.Nodes, "node"), s.Layout, plural(s.Points, "point"), probes)
}

// planNodes lists the nodes whose share changes, the largest change first.
func planNodes(t *printer, p *plan.Plan, top int) {
	table := [][]string{{"node", "weight", "", "share", "", "change"}}
	shown := 0
	for _, n := range byChange(p.Nodes) {
		if shown++; shown > top {
			break
		}
		table = append(table, []string{
			n.ID, weightText(n.WeightFrom), "-> " + weightText(n.WeightTo),
			percent(n.ShareFrom), "-> " + percent(n.ShareTo), signedPercent(n.ShareTo - n.ShareFrom),
		})
	}
	t.table(table, "lrlrlr")
	t.more(len(p.Nodes)-(len(table)-1), "node", "")
	t.line("")
}

func weightText(w int) string {
	if w == 0 {
		return "absent"
	}
	return fmt.Sprint(w)
}

// planFlows prints who gives to whom: as a matrix while that is readable, else
// as a list of the largest.
func planFlows(t *printer, p *plan.Plan, top int) {
	if len(p.Flows) == 0 {
		return
	}
	froms, tos := flowEnds(p.Flows)
	if len(froms) <= 12 && len(tos) <= 8 {
		table := [][]string{append([]string{"from \\ to"}, tos...)}
		shares := make(map[plan.Flow]float64)
		for _, f := range p.Flows {
			shares[plan.Flow{From: f.From, To: f.To}] = f.Share
		}
		align := "l"
		for _, from := range froms {
			row := []string{from}
			for _, to := range tos {
				cell := "-"
				if s, ok := shares[plan.Flow{From: from, To: to}]; ok {
					cell = percent(s)
				}
				row = append(row, cell)
			}
			table = append(table, row)
		}
		for range tos {
			align += "r"
		}
		t.table(table, align)
		t.line("")
		return
	}
	table := [][]string{{"from", "to", "share"}}
	rest := 0.0
	for i, f := range p.Flows {
		if i >= top {
			rest += f.Share
			continue
		}
		table = append(table, []string{f.From, f.To, percent(f.Share)})
	}
	t.table(table, "llr")
	t.more(len(p.Flows)-(len(table)-1), "flow", ", together "+percent(rest))
	t.line("")
}

func planKeys(t *printer, k *plan.Keys, seed uint64) {
	seeded := &seed
	if !k.Seeded {
		seeded = nil
	}
	t.line("keys: %s", describeKeys(k.Source, k.Format, seeded, k.Total, k.Distinct))
	t.line("distinct moved  %s of %s = %s; %s", group(k.Moved), group(k.Distinct), percent(k.DistinctCheck.Share), checkText(k.DistinctCheck))
	if k.Total != k.Distinct {
		t.line("all moved       %s of %s = %s; %s", group(k.MovedTotal), group(k.Total), percent(k.TotalCheck.Share), checkText(k.TotalCheck))
		t.line("  popularity makes them as uneven as %s equally frequent keys, which widens that bound",
			group(int(math.Round(k.Effective))))
	}
	if k.Needless > 0 {
		t.line("needless        %s between nodes that did not change; must be 0", plural(k.Needless, "key"))
	}
	t.line("")
	if len(k.Hot) == 0 {
		return
	}
	table := [][]string{{"hot key", "count", "share", "owner"}}
	for _, h := range k.Hot {
		owner := h.From + " stays"
		if h.Moves {
			owner = h.From + " -> " + h.To
		}
		table = append(table, []string{keyText(h.Key), group(h.Count), percent(h.Share), owner})
	}
	t.table(table, "lrrl")
	t.line("")
}

func checkText(c plan.Check) string {
	verdict := "agrees"
	if c.Bound >= max(c.Exact, 1-c.Exact) {
		return fmt.Sprintf("exact %s; too few keys to compare", percent(c.Exact))
	}
	if !c.Agrees {
		verdict = "DISAGREES: the keys are no even sample"
	}
	return fmt.Sprintf("exact %s +- %s by chance: %s", percent(c.Exact), percent(c.Bound), verdict)
}

// planVerdict says in words what follows.
func planVerdict(p *plan.Plan) string {
	if p.Moved == 0 {
		return "Nothing moves: both topologies give every key the same owner."
	}
	s := fmt.Sprintf("%s of all keys move, against %s for a perfectly even placement.", percent(p.Moved), percent(p.Optimum))
	if p.Optimum == 0 {
		s = fmt.Sprintf("%s of all keys move although the weights ask for none.", percent(p.Moved))
	}
	if p.Needless != nil && *p.Needless > 0 {
		s += fmt.Sprintf(" %s move needlessly.", percent(*p.Needless))
	}
	if p.Keys == nil {
		return s
	}
	hit, share := 0, 0.0
	for _, h := range p.Keys.Hot {
		if h.Moves {
			hit++
			share += h.Share
		}
	}
	if len(p.Keys.Hot) == 0 {
		return s
	}
	hottest := plural(len(p.Keys.Hot), "hottest key")
	switch hit {
	case 0:
		return s + fmt.Sprintf(" Of the %s, none moves.", hottest)
	case 1:
		return s + fmt.Sprintf(" Of the %s, 1 moves, with %s of all requests.", hottest, percent(share))
	}
	return s + fmt.Sprintf(" Of the %s, %d move, with %s of all requests.", hottest, hit, percent(share))
}
