package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/algo"
	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/result"
	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/stats"
)

const (
	spreadNoisy = 0.05 // a spread above this is named
	busyNoisy   = 0.25 // a share of disturbed batches above this is named
)

// Words says what follows from the numbers and how sure that is, a paragraph a
// line.
func Words(f *result.File) []string {
	if ofClocks(f) {
		return clockWords(f)
	}
	s := newSheet(f)
	var out []string
	for _, words := range []string{
		s.fastest(), s.evenest(), s.moves(f), s.faults(f), s.advice(), noise(f),
	} {
		if words != "" {
			out = append(out, words)
		}
	}
	return out
}

// fastest names the quickest lookups and whether the next is really slower.
func (s *sheet) fastest() string {
	var parts []string
	for _, nodes := range s.nodes {
		lines := s.find(nodes, "lookup")
		if len(lines) < 2 {
			continue
		}
		slices.SortStableFunc(lines, func(a, b *line) int {
			return cmp.Compare(a.rows["lookup"].Value, b.rows["lookup"].Value)
		})
		first, second, last := lines[0].rows["lookup"], lines[1].rows["lookup"], lines[len(lines)-1].rows["lookup"]
		part := fmt.Sprintf("at %s nodes %s (%s)", group(float64(nodes)), lines[0].label, Duration(first.Value))
		part += next(lines[1].label, second, first, second)
		if len(lines) > 2 && last.Value > 2*first.Value {
			part += fmt.Sprintf("; %s takes %.0f times as long", lines[len(lines)-1].label, last.Value/first.Value)
		}
		parts = append(parts, part)
	}
	if len(parts) == 0 {
		return ""
	}
	return "Fastest lookup: " + strings.Join(parts, "; ") + "."
}

// next names the second of two times that were put in order, and says whether the
// larger is really larger.
func next(name string, second, small, large *result.Row) string {
	switch sure, enough := apart(small, large); {
	case sure:
		return fmt.Sprintf(", then %s (%s)", name, Duration(second.Value))
	case enough:
		return fmt.Sprintf(", not distinguishable from %s (%s)", name, Duration(second.Value))
	case small.Few || large.Few:
		return fmt.Sprintf(", then %s (%s; too few samples to be sure)", name, Duration(second.Value))
	default:
		return fmt.Sprintf(", then %s (%s; too few undisturbed samples to be sure)", name, Duration(second.Value))
	}
}

// level is the probability at which a difference is taken for chance.
const level = 0.01

// apart reports whether two times differ beyond what chance and the spread of
// the same code explain, and whether there are samples enough to tell.
func apart(a, b *result.Row) (sure, enough bool) {
	if a.Busy || b.Busy || a.Few || b.Few || stats.LeastP(len(a.Samples), len(b.Samples)) >= level {
		return false, false
	}
	off := b.Value/a.Value - 1
	return stats.Differ(a.Samples, b.Samples) < level && off > max(a.Spread.Max(), b.Spread.Max()), true
}

// evenest names the placements with the most and the least even load.
func (s *sheet) evenest() string {
	nodes := s.nodes[len(s.nodes)-1]
	lines := slices.DeleteFunc(s.find(nodes, "peak"), func(l *line) bool { return strings.HasPrefix(l.label, "bounded") })
	if len(lines) == 0 {
		return ""
	}
	slices.SortStableFunc(lines, func(a, b *line) int { return cmp.Compare(a.rows["peak"].Value, b.rows["peak"].Value) })
	best, worst := lines[0], lines[len(lines)-1]
	words := ""
	if f := lines[0].rows["peak"]; f.Weights != "" {
		words = s.deaf(nodes)
	}
	words += fmt.Sprintf("Most even load of your keys over %s nodes: %s, whose fullest node has %.2f times its share",
		group(float64(nodes)), best.label, best.rows["peak"].Value)
	if len(lines) > 1 {
		words += fmt.Sprintf("; least even: %s with %.2f", worst.label, worst.rows["peak"].Value)
	}
	words += ". This is exact for these keys and these names of nodes."
	if chance := s.chance(nodes, best.rows["peak"]); chance > 1.1 {
		words += fmt.Sprintf(" With so few keys a node, chance alone lifts the fullest to about %.2f.", chance)
	}
	hottest := best.rows["peak"].Detail["hottest_key"] * float64(nodes)
	if hottest > 0.5 {
		words += fmt.Sprintf(" The hottest key alone is %.2f times the share of a node, which no placement can divide.", hottest)
	}
	return words
}

// deaf names the placements that have no weights, where weights were asked for.
func (s *sheet) deaf(nodes int) string {
	var names []string
	for _, a := range algo.All() {
		for _, l := range s.find(nodes, "peak") {
			if r := l.rows["peak"]; r.Algo == a.Name && !a.Weights && !slices.Contains(names, a.Name) {
				names = append(names, a.Name)
			}
		}
	}
	if len(names) == 0 {
		return ""
	}
	return fmt.Sprintf("No weights are known to: %s; their load shows it. ", strings.Join(names, ", "))
}

// chance estimates the load of the fullest of n nodes that draw their keys at
// random: the mean and as many deviations as the largest of n draws is away.
func (s *sheet) chance(nodes int, r *result.Row) float64 {
	each := r.Detail["effective"] / float64(nodes)
	if each <= 0 || nodes < 2 {
		return 1
	}
	return 1 + math.Sqrt(2*math.Log(float64(nodes))/each)
}

// moves names what moves more keys than the change calls for.
func (s *sheet) moves(f *result.File) string {
	var bad, good []string
	var sample, trials float64
	for _, nodes := range s.nodes {
		for _, l := range s.lines[nodes] {
			n, ok := l.needless()
			if !ok {
				continue
			}
			sample, trials = max(sample, n.sample), max(trials, n.trials)
			if n.sum > 0 {
				bad = append(bad, fmt.Sprintf("%s (%s keys at %s nodes%s)", l.label, group(n.sum), group(float64(nodes)), n.share()))
			} else if !slices.Contains(good, l.label) {
				good = append(good, l.label)
			}
		}
	}
	switch {
	case len(bad) == 0 && len(good) == 0:
		return ""
	case len(bad) == 0:
		return "No placement moved a key without need when nodes joined, left or changed weight. " + counted(f, sample, trials)
	default:
		return "Keys were moved without need by " + strings.Join(bad, ", ") + "; by no other placement. " + counted(f, sample, trials)
	}
}

// counted says on how many of the keys moves were counted.
func counted(f *result.File, sample, trials float64) string {
	of := fmt.Sprintf("on all %s keys", group(sample))
	switch {
	case sample == 0:
		return "This was counted, not estimated."
	case sample < float64(f.Keys.Count):
		of = fmt.Sprintf("on a sample of %s of the %s keys", group(sample), group(float64(f.Keys.Count)))
	}
	if trials > 1 {
		return fmt.Sprintf("This was counted %s, in up to %s trials of each change, which are summed.", of, group(trials))
	}
	return fmt.Sprintf("This was counted %s, in one trial of each change.", of)
}

// faults names preference lists that break their promise.
func (s *sheet) faults(f *result.File) string {
	var bad []string
	for i := range f.Rows {
		if r := &f.Rows[i]; r.Metric == "replica-faults" && r.Value > 0 {
			bad = append(bad, fmt.Sprintf("%s at %d nodes (%s keys)", label(r), r.Nodes, group(r.Value)))
		}
	}
	if len(bad) == 0 {
		return ""
	}
	return "Preference lists with a node twice, too few nodes or a zone twice: " + strings.Join(bad, ", ") + "."
}

// advice compares the settings of the ring, which is what most will use.
func (s *sheet) advice() string {
	nodes := s.nodes[len(s.nodes)-1]
	rings := slices.DeleteFunc(s.find(nodes, "peak"), func(l *line) bool {
		return l.rows["peak"].Algo != "ring" || l.rows["lookup"] == nil
	})
	if len(rings) < 2 {
		return ""
	}
	slices.SortStableFunc(rings, func(a, b *line) int { return cmp.Compare(a.rows["peak"].Value, b.rows["peak"].Value) })
	best, worst := rings[0], rings[len(rings)-1]
	gain := worst.rows["peak"].Value - best.rows["peak"].Value
	cost := best.rows["lookup"].Value / worst.rows["lookup"].Value
	words := fmt.Sprintf("Of the rings with %s nodes, %s lowers the peak from %.2f to %.2f against %s",
		group(float64(nodes)), best.label, worst.rows["peak"].Value, best.rows["peak"].Value, worst.label)
	switch {
	case gain < 0.005:
		return ""
	case cost > 1.05:
		words += fmt.Sprintf(", for %.1f times the lookup time", cost)
	default:
		words += ", at no cost in lookup time that shows"
	}
	return words + ". To find the cheapest setting for a peak that you choose, run ringbench tune."
}

// noise says how far the times can be trusted.
func noise(f *result.File) string {
	var spreads []float64
	var busy []string
	few := 0
	worst := (*result.Row)(nil)
	for i := range f.Rows {
		r := &f.Rows[i]
		if !r.Timed() {
			continue
		}
		if r.Few {
			few++
			continue
		}
		if r.Busy {
			busy = append(busy, fmt.Sprintf("%s at %d %s", named(r), r.Size(), r.Sized()))
			continue
		}
		spreads = append(spreads, r.Spread.Max())
		if worst == nil || r.Spread.Max() > worst.Spread.Max() {
			worst = r
		}
	}
	if len(spreads)+len(busy)+few == 0 {
		return ""
	}
	var words []string
	if share := f.Reference.Busy(); share > busyNoisy {
		line := fmt.Sprintf("The machine was noisy: something else slowed it down during %.0f %% of the batches, which were left out", 100*share)
		if f.Machine.LoadStart != nil && f.Machine.LoadEnd != nil {
			line += fmt.Sprintf(" (load average %.1f to %.1f on %d cores)", *f.Machine.LoadStart, *f.Machine.LoadEnd, f.Machine.Cores)
		}
		words = append(words, line+".")
	}
	if len(spreads) > 0 {
		words = append(words, fmt.Sprintf("Times: the same code differed from itself by %s in the middle and %s at worst (%s, %s %s); smaller differences mean nothing.",
			Percent(stats.Median(spreads)), Percent(worst.Spread.Max()), named(worst), group(float64(worst.Size())), worst.Sized()))
		if worst.Spread.Max() > spreadNoisy {
			words = append(words, "Use a quieter machine or a larger --time for closer answers.")
		}
	}
	if n := len(busy); n > 0 {
		words = append(words, fmt.Sprintf("%d of the times had too few undisturbed batches and are marked with a question mark: do not rely on them (%s%s).",
			n, strings.Join(busy[:min(n, 3)], ", "), more(n-3)))
	}
	if few > 0 {
		words = append(words, fmt.Sprintf("%d of the times come from fewer than three samples and are marked with an exclamation mark: nothing tells what they may be off. Use a larger --count.", few))
	}
	return strings.Join(words, " ")
}

// named names the time of a row.
func named(r *result.Row) string {
	if r.Entries > 0 {
		return operation(r)
	}
	return label(r) + " " + r.Metric
}

func more(n int) string {
	if n <= 0 {
		return ""
	}
	return fmt.Sprintf(" and %d more", n)
}
