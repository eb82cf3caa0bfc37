package main

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/replay"
)

// writeReplay prints a replay for a person.
func writeReplay(t *printer, r *replay.Result, top int) {
	if r.Bound > 0 {
		t.line("bounded at %.2f with %s under way; %s of %s went past a full owner (%s)", r.Bound, plural(r.InFlight, "request"),
			group(r.Diverted), plural(r.Keys, "key"), percent(float64(r.Diverted)/float64(max(r.Keys, 1))))
	}
	t.line("")
	replayWindows(t, r, top)
	replayEvents(t, r, top)
	replayTotals(t, r, top)
	t.line("%s", replayVerdict(r))
}

func replayWindows(t *printer, r *replay.Result, top int) {
	header, align := []string{"window", "from", "keys", "busiest", "peak/fair", ""}, "rrrlrl"
	if r.Bound > 0 {
		header, align = []string{"window", "from", "keys", "busiest", "peak/fair", "unbounded", "past owner", ""}, "rrrlrrrl"
	}
	most := 0.0
	for _, w := range r.Windows {
		most = max(most, w.Peak.Ratio)
	}
	table := [][]string{header}
	for i, w := range r.Windows {
		if i >= top {
			break
		}
		from := "key " + group(w.Start)
		if w.Time != nil {
			from = w.Time.Format("2006-01-02 15:04:05")
		}
		row := []string{fmt.Sprint(i + 1), from, group(w.Keys), w.Peak.Node, fmt.Sprintf("%.2f", w.Peak.Ratio)}
		if r.Bound > 0 {
			row = append(row, fmt.Sprintf("%.2f", w.ByOwner.Ratio), group(w.Diverted))
		}
		table = append(table, append(row, bar(w.Peak.Ratio, most)))
	}
	t.table(table, align)
	t.more(len(r.Windows)-(len(table)-1), "window", "")
	t.line("")
}

func replayEvents(t *printer, r *replay.Result, top int) {
	if len(r.Events) == 0 {
		return
	}
	table := [][]string{{"at", "event", "moved", "of distinct keys", "of keys to come"}}
	for i, c := range r.Events {
		if i >= top {
			break
		}
		event := c.Op + " " + c.ID
		if c.Weight > 0 {
			event += fmt.Sprintf(" (weight %d)", c.Weight)
		}
		moved := percent(c.MovedShare)
		if !c.Exact {
			moved = "about " + moved
		}
		table = append(table, []string{
			"key " + group(c.At), event, moved,
			fmt.Sprintf("%s = %s", group(c.Moved), percent(ratio(c.Moved, r.Distinct))),
			fmt.Sprintf("%s = %s", group(c.MovedLater), percent(ratio(c.MovedLater, c.Later))),
		})
	}
	t.table(table, "rlrrr")
	t.more(len(r.Events)-(len(table)-1), "event", "")
	t.line("")
}

func ratio(part, whole int) float64 { return float64(part) / float64(max(whole, 1)) }

// replayTotals lists the nodes, the busiest for their weight first.
func replayTotals(t *printer, r *replay.Result, top int) {
	totals := slices.Clone(r.Totals)
	slices.SortStableFunc(totals, func(a, b replay.Total) int { return cmp.Compare(overFair(b), overFair(a)) })
	most := 0.0
	for _, n := range totals {
		most = max(most, overFair(n))
	}
	table := [][]string{{"node", "weight", "keys", "fair", "load/fair", ""}}
	for i, n := range totals {
		if i >= top {
			break
		}
		weight := fmt.Sprint(n.Weight)
		if n.Weight == 0 {
			weight = "left"
		}
		table = append(table, []string{
			n.Node, weight, group(n.Load), group(int(n.Fair + 0.5)), fmt.Sprintf("%.2f", overFair(n)), bar(overFair(n), most),
		})
	}
	t.table(table, "lrrrrl")
	t.more(len(totals)-(len(table)-1), "node", "")
	t.line("")
}

func overFair(n replay.Total) float64 {
	if n.Fair == 0 {
		return 0
	}
	return float64(n.Load) / n.Fair
}

// replayVerdict says in words what follows.
func replayVerdict(r *replay.Result) string {
	var worst replay.Window
	for _, w := range r.Windows {
		if w.Peak.Ratio > worst.Peak.Ratio {
			worst = w
		}
	}
	s := fmt.Sprintf("In the worst window %s had %.2f times its fair share.", worst.Peak.Node, worst.Peak.Ratio)
	if r.Bound > 0 {
		s += fmt.Sprintf(" Without the bound the worst would be %.2f.", worstByOwner(r))
	}
	if len(r.Events) > 0 {
		moved := 0.0
		for _, c := range r.Events {
			moved += c.MovedShare
		}
		s += fmt.Sprintf(" The %s moved %s of all keys in sum.", plural(len(r.Events), "event"), percent(moved))
	}
	return s
}

func worstByOwner(r *replay.Result) float64 {
	worst := 0.0
	for _, w := range r.Windows {
		if w.ByOwner != nil {
			worst = max(worst, w.ByOwner.Ratio)
		}
	}
	return worst
}
