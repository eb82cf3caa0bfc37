package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/result"
)

// flatMax is below how many times as long an operation must take on the most
// entries as on the fewest, with what both may be off, to be said to cost the same.
const flatMax = 1.25

// clockWords says what follows from numbers of clocks.
func clockWords(f *result.File) []string {
	s := newClockSheet(f)
	var out []string
	for _, words := range []string{s.dearest(), s.growth(), s.allocated(), s.size(), noise(f)} {
		if words != "" {
			out = append(out, words)
		}
	}
	return out
}

// dearest names the operation that costs most at the most entries, whether the
// next is really cheaper, and the one that costs least, or those that may.
func (s *clockSheet) dearest() string {
	last := s.sizes[len(s.sizes)-1]
	lines := slices.DeleteFunc(slices.Clone(s.lines), func(l *clockLine) bool {
		return l.rows[last] == nil || !l.rows[last].Timed()
	})
	if len(lines) < 2 {
		return ""
	}
	slices.SortStableFunc(lines, func(a, b *clockLine) int { return cmp.Compare(b.rows[last].Value, a.rows[last].Value) })
	first, second := lines[0], lines[1]
	words := fmt.Sprintf("At %s the dearest operation is %s (%s)", sizeText(last), first.name, Duration(first.rows[last].Value))
	words += next(second.name, second.rows[last], second.rows[last], first.rows[last])
	if len(lines) > 2 {
		words += "; " + cheapest(lines, last)
	}
	return words + "."
}

// cheapest names the last of lines in order, and those that may be as cheap at n
// entries.
func cheapest(lines []*clockLine, n int) string {
	least := lines[len(lines)-1]
	text := func(l *clockLine) string { return fmt.Sprintf("%s (%s)", l.name, Duration(l.rows[n].Value)) }
	var tied []string
	for _, l := range lines[:len(lines)-1] {
		if l.rows[n].Low <= least.rows[n].High { // the intervals overlap
			tied = append(tied, text(l))
		}
	}
	words := "the cheapest is " + text(least)
	if len(tied) > 0 {
		words += ", which cannot be told apart from " + strings.Join(tied, ", ")
	}
	return words
}

// A growth is how many times as long an operation takes on the most entries as on
// the fewest, and the least and the most that it may be.
type growth struct {
	name             string
	times, low, high float64
}

// growth says how the cost grows from the fewest entries to the most.
func (s *clockSheet) growth() string {
	first, last := s.sizes[0], s.sizes[len(s.sizes)-1]
	if first == last {
		return ""
	}
	var all []growth
	var unsure []string
	for _, l := range s.lines {
		from, to := l.rows[first], l.rows[last]
		if from == nil || to == nil || !from.Timed() || !to.Timed() {
			continue
		}
		all = append(all, growth{l.name, to.Value / from.Value, to.Low / from.High, to.High / from.Low})
		if mark(from)+mark(to) != "" {
			unsure = append(unsure, l.name)
		}
	}
	if len(all) == 0 {
		return ""
	}
	slices.SortStableFunc(all, func(a, b growth) int { return cmp.Compare(a.times, b.times) })
	more := float64(last) / float64(first)
	words := fmt.Sprintf("From %s to %s, %s times as many, the time %s", group(float64(first)), sizeText(last), digits(more), growthText(all, more))
	switch {
	case len(unsure) == len(all):
		words += " All of this is of too few undisturbed samples to be sure."
	case len(unsure) > 0:
		words += fmt.Sprintf(" Of too few undisturbed samples to be sure: %s.", strings.Join(unsure, ", "))
	}
	return words
}

// growthText says what operations do whose entries become so many times more.
func growthText(all []growth, more float64) string {
	var same, unclear, longer, faster []string
	for _, g := range all {
		switch {
		case g.high < flatMax:
			same = append(same, g.name)
		case g.low <= 1: // the intervals overlap
			unclear = append(unclear, g.name)
		default:
			longer = append(longer, fmt.Sprintf("%s times as long for %s", digits(g.times), g.name))
		}
		if g.low > more {
			faster = append(faster, g.name)
		}
	}
	var parts []string
	if len(same) > 0 {
		parts = append(parts, "stays about the same for "+strings.Join(same, ", "))
	}
	if len(unclear) > 0 {
		parts = append(parts, "cannot be told apart for "+strings.Join(unclear, ", "))
	}
	if len(longer) > 0 {
		parts = append(parts, "is "+strings.Join(longer, ", "))
	}
	words := strings.Join(parts, "; it ") + "."
	if len(faster) > 0 {
		words += fmt.Sprintf(" It grows faster than the entries for %s.", strings.Join(faster, ", "))
	}
	return words
}

// allocated says what allocates.
func (s *clockSheet) allocated() string {
	var none, some []string
	for _, l := range s.lines {
		switch text := l.allocations(); text {
		case "":
		case "0":
			none = append(none, l.name)
		default:
			some = append(some, l.name+" "+text)
		}
	}
	var words []string
	if len(none) > 0 {
		words = append(words, "Nothing is allocated by "+strings.Join(none, ", ")+".")
	}
	if len(some) > 0 {
		words = append(words, "Allocations of one operation: "+strings.Join(some, ", ")+".")
	}
	return strings.Join(words, " ")
}

// size says how long the encoding of an entry is.
func (s *clockSheet) size() string {
	first, last := s.sizes[0], s.sizes[len(s.sizes)-1]
	var parts []string
	for _, l := range s.lines {
		for _, n := range slices.Compact([]int{first, last}) {
			if r := l.rows[n]; r != nil && r.Metric == "clock-bytes" {
				parts = append(parts, fmt.Sprintf("%s bytes at %s", digits(r.Value), sizeText(n)))
			}
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return "In the encoding an entry takes " + strings.Join(parts, ", ") + ". This is exact for these clocks."
}
