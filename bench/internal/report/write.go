package report

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"text/tabwriter"
)

// A Report is the outcome of one run.
type Report struct {
	Command string  `json:"command"`
	Count   int     `json:"count"`
	Quick   bool    `json:"quick"`
	Machine Machine `json:"machine"`
	Rows    []Row   `json:"rows"`
	// Caveats is the text above the tables of groups that have their own.
	Caveats map[string]string `json:"-"`
}

// Missed returns the number of goals that were missed.
func (r Report) Missed() int {
	n := 0
	for _, row := range r.Rows {
		if row.Status == Missed {
			n++
		}
	}
	return n
}

// Groups returns the names of the groups that have rows, in order.
func (r Report) Groups() []string {
	var out []string
	for _, row := range r.Rows {
		if !slices.Contains(out, row.Group) {
			out = append(out, row.Group)
		}
	}
	return out
}

// Number prints a number to three significant digits, "-" if it is missing.
func Number(n Num) string {
	f := float64(n)
	switch a := math.Abs(f); {
	case n.None():
		return "-"
	case a >= 100 || f == math.Trunc(f):
		return fmt.Sprintf("%.0f", f)
	case a >= 10:
		return fmt.Sprintf("%.1f", f)
	case a >= 0.1:
		return fmt.Sprintf("%.2f", f)
	}
	return fmt.Sprintf("%.3g", f)
}

func (r Row) value(n Num) string {
	if n.None() || r.Unit == "" {
		return Number(n)
	}
	return Number(n) + " " + r.Unit
}

// cells returns the columns of the table of goals.
func (r Row) cells() []string {
	rival, ratio := "-", "-"
	if r.Rival != "" {
		rival = r.Rival + " " + r.value(r.RivalValue)
	}
	if !r.Ratio.None() {
		ratio = fmt.Sprintf("%sx (%s-%s)", Number(r.Ratio), Number(r.RatioLow), Number(r.RatioHigh))
	}
	goal := r.Goal
	if goal == "" {
		goal = "-"
	}
	return []string{r.Work, rival, r.value(r.Ours), ratio, r.value(r.Floor), goal, string(r.Status)}
}

var header = [...]string{"work", "best rival", "ours", "ratio (range)", "floor", "goal", "status"}

// Text writes the table for people.
func (r Report) Text(w io.Writer) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, strings.Join(header[:], "\t"))
	for _, row := range r.Rows {
		fmt.Fprintln(tw, strings.Join(row.cells(), "\t"))
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	for _, row := range r.Rows {
		if row.Note != "" {
			fmt.Fprintf(w, "note: %s: %s\n", row.Work, row.Note)
		}
	}
	met, part, goals := 0, 0, 0
	for _, row := range r.Rows {
		switch row.Status {
		case Met:
			met, goals = met+1, goals+1
		case MetInPart:
			part, goals = part+1, goals+1
		case Missed:
			goals++
		}
	}
	in := ""
	if part > 0 {
		in = fmt.Sprintf(", %d in part: not all rivals were built", part)
	}
	_, err := fmt.Fprintf(w, "%d of %d goals met%s\n", met, goals, in)
	return err
}

// JSON writes the whole report.
func (r Report) JSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(r)
}
