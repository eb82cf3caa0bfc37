package main

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/plan"
)

// keyWidth is the widest that a key is shown in a table.
const keyWidth = 48

// A printer writes lines until one fails, and keeps that error.
type printer struct {
	w   io.Writer
	err error
}

func (p *printer) line(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintln(p.w, safe(strings.TrimRight(fmt.Sprintf(format, args...), " ")))
	}
}

// safe escapes what would steer a terminal, line ends excepted.
func safe(s string) string {
	if printable(s) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if r == '\n' || (strconv.IsPrint(r) && r != utf8.RuneError) {
			b.WriteRune(r)
			continue
		}
		quoted := strconv.QuoteRune(r)
		b.WriteString(quoted[1 : len(quoted)-1])
	}
	return b.String()
}

// table writes rows under aligned columns; align has an l or an r for each. An
// id that would steer the terminal is quoted.
func (p *printer) table(rows [][]string, align string) {
	widths := make([]int, len(align))
	for _, row := range rows {
		for i, cell := range row {
			if cell != "" && !printable(cell) {
				cell = strconv.Quote(cell)
				row[i] = cell
			}
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	for _, row := range rows {
		var line strings.Builder
		for i, cell := range row {
			if i > 0 {
				line.WriteString("  ")
			}
			pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			if align[i] == 'r' {
				line.WriteString(pad + cell)
			} else {
				line.WriteString(cell + pad)
			}
		}
		p.line("%s", line.String())
	}
}

// more says how many things a list left out.
func (p *printer) more(n int, what, rest string) {
	if n > 0 {
		p.line("... and %s more%s; --json lists all", plural(n, what), rest)
	}
}

// percent prints a share with two decimals, and more where two would hide it.
func percent(share float64) string {
	if share > 0 && share < 0.00005 {
		return strconv.FormatFloat(100*share, 'g', 2, 64) + " %"
	}
	return fmt.Sprintf("%.2f %%", 100*share)
}

func signedPercent(share float64) string {
	switch {
	case share == 0:
		return "0"
	case share > 0:
		return "+" + percent(share)
	}
	return "-" + percent(-share)
}

// group prints a number with a comma every three digits.
func group[T int | int64](n T) string {
	s := strconv.FormatInt(int64(n), 10)
	start := 0
	if n < 0 {
		start = 1
	}
	for i := len(s) - 3; i > start; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return group(n) + " " + noun + "s"
}

// keyText shortens a key and makes it safe for a terminal.
func keyText(key string) string {
	if !printable(key) {
		key = strconv.Quote(key)
	}
	if runes := []rune(key); len(runes) > keyWidth {
		return string(runes[:keyWidth-3]) + "..."
	}
	return key
}

func printable(s string) bool {
	for _, r := range s {
		if !strconv.IsPrint(r) || r == utf8.RuneError {
			return false
		}
	}
	return s != ""
}

// describeKeys says what the keys are; seed is nil unless they depend on it.
func describeKeys(source, format string, seed *uint64, total, distinct int) string {
	if format != "" {
		source += " (" + format + ")"
	}
	if seed != nil {
		source += fmt.Sprintf(" (seed %d)", *seed)
	}
	return fmt.Sprintf("%s: %s, %s distinct", source, plural(total, "key"), group(distinct))
}

// byChange orders nodes by how much their share changes, the most first.
func byChange(nodes []plan.Node) []plan.Node {
	nodes = slices.Clone(nodes)
	slices.SortStableFunc(nodes, func(a, b plan.Node) int {
		return cmp.Compare(math.Abs(b.ShareTo-b.ShareFrom), math.Abs(a.ShareTo-a.ShareFrom))
	})
	return nodes
}

// flowEnds returns the nodes that give and those that get, each in id order.
func flowEnds(flows []plan.Flow) (froms, tos []string) {
	for _, f := range flows {
		froms = append(froms, f.From)
		tos = append(tos, f.To)
	}
	slices.Sort(froms)
	slices.Sort(tos)
	return slices.Compact(froms), slices.Compact(tos)
}
