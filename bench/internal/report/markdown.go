package report

import (
	"fmt"
	"slices"
	"strings"
)

// markers returns the lines between which a group's block stands in a document.
func markers(group string) (begin, end string) {
	return "<!-- compare " + group + ": begin, generated, do not edit -->",
		"<!-- compare " + group + ": end -->"
}

// Splice returns the document with the block of each group of the report in
// place of the one it had. What is outside the markers stays as it is; the block
// of a group that the document lacks is appended. It returns an error if a
// marker stands alone, and then no document.
func (r Report) Splice(doc string) (string, error) {
	for _, g := range r.Groups() {
		begin, end := markers(g)
		block := begin + "\n\n" + r.Markdown(g) + "\n" + end
		before, rest, found := strings.Cut(doc, begin)
		if !found {
			if strings.Contains(doc, end) {
				return "", fmt.Errorf("marker %q stands without its begin marker", end)
			}
			doc = strings.TrimRight(doc, "\n") + "\n\n## Measured: " + g + "\n\n" + block + "\n"
			continue
		}
		_, after, found := strings.Cut(rest, end)
		if !found {
			return "", fmt.Errorf("marker %q stands without its end marker", begin)
		}
		doc = before + block + after
	}
	return strings.TrimLeft(doc, "\n"), nil
}

// Markdown returns the section of one group: machine, command, caveats, the
// table of goals, then what every contender reached.
func (r Report) Markdown(group string) string {
	var b strings.Builder
	m := r.Machine
	fmt.Fprintf(&b, "Machine: %s, %d cores, %s, %s, commit %s, load average %s before and %s after.\n\n",
		m.CPU, m.Cores, m.System, m.Go, m.Commit, m.LoadBefore, m.LoadAfter)
	fmt.Fprintf(&b, "Command: `%s`\n\n", r.Command)
	b.WriteString(r.caveatsOf(group))
	b.WriteString("\n| " + strings.Join(header[:], " | ") + " |\n" + strings.Repeat("|---", len(header)) + "|\n")
	for _, row := range r.Rows {
		if row.Group == group {
			b.WriteString("| " + strings.Join(row.cells(), " | ") + " |\n")
		}
	}
	r.notes(&b, group)
	r.contenders(&b, group)
	return b.String()
}

const caveats = `Caveats:

- The machine is virtual and shared. Absolute times move by tens of percent from
  run to run; ratios, each the median over rounds in which all contenders ran
  one after another, move less. The range is the lowest and the highest round.
- Times of one goroutine are CPU time, so that other processes are not in them;
  what works in several goroutines, or beside a writer, is wall time.
- A goal that is met by less than its range may be missed in the next run.
- "Best rival" is the rival that counts with the lowest median.
- The collector is off during a sample, which favours those that allocate.
`

// Caveats that only some groups need.
const (
	caveatOther = `- Contenders of kind "other" answer another question or cannot be set to as many
  points; they are in the second table and count for no goal.
`
	caveatFloor = `- "Floor" is the cost of hashing the key and loading one word from a table as large
  as the hot part of our ring, over the same keys in the same run.
`
)

// caveatsOf returns the caveats of a group.
func (r Report) caveatsOf(group string) string {
	if own := r.Caveats[group]; own != "" {
		return own
	}
	other, floor := false, false
	for _, row := range r.Rows {
		if row.Group == group {
			floor = floor || !row.Floor.None()
			other = other || slices.ContainsFunc(row.Peers, func(v Value) bool { return v.Kind == "other" })
		}
	}
	text := caveats
	if other {
		text += caveatOther
	}
	if floor {
		text += caveatFloor
	}
	return text
}

func (r Report) notes(b *strings.Builder, group string) {
	var notes []string
	for _, row := range r.Rows {
		if row.Group == group && row.Note != "" {
			notes = append(notes, "- "+row.Work+": "+row.Note+".\n")
		}
	}
	if len(notes) > 0 {
		b.WriteString("\nNotes:\n\n" + strings.Join(notes, ""))
	}
}

// contenders writes the second table: every contender of every row.
func (r Report) contenders(b *strings.Builder, group string) {
	b.WriteString("\nEvery contender, median and range over the rounds:\n\n")
	b.WriteString("| work | contender | kind | value | range | remark |\n|---|---|---|---|---|---|\n")
	for _, row := range r.Rows {
		if row.Group != group {
			continue
		}
		for _, p := range row.Peers {
			span := "-"
			if !p.Low.None() {
				span = Number(p.Low) + "-" + Number(p.High)
			}
			fmt.Fprintf(b, "| %s | %s | %s | %s | %s | %s |\n", row.Work, p.Name, p.Kind, row.value(p.Value), span, p.Note)
		}
	}
}
