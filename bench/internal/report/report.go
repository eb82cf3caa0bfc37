// Package report holds what a comparison found and writes it out.
package report

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"

	"github.com/clusterluck/clusterluck/bench/internal/measure"
)

// An Env is what a workload may use.
type Env struct {
	// Count is the number of rounds of what is slow; lookups get three times
	// as many.
	Count int
	// Quick asks for a run of a minute: shorter samples, no 10,000 nodes, and
	// builds that are given up early.
	Quick bool
	// Logf reports progress, a line a call.
	Logf func(format string, args ...any)
}

// A Group is the workloads of one package.
type Group struct {
	Name string
	// Works returns the workloads in the order in which they run. They may
	// share state; nothing is built before the first runs.
	Works func(Env) []Work
	// Done is called after the last work that ran, if it is not nil. It gives
	// back what the works share.
	Done func()
	// Caveats is the text above the group's table; empty stands for that of work
	// of one process.
	Caveats string
}

// A Work measures something and returns the rows that it found.
type Work struct {
	Name string
	// Goals says what must hold, one line each, for -list.
	Goals []string
	Run   func() ([]Row, error)
}

// A Status says how a row stands to its goal.
type Status string

const (
	// Met is the status of a row that reaches its goal.
	Met Status = "met"
	// MetInPart is the status of a row that reaches its goal against the rivals
	// that could be measured, where others could not.
	MetInPart Status = "met in part"
	// Missed is the status of a row that does not.
	Missed Status = "missed"
	// Shown is the status of a row without a goal.
	Shown Status = "shown"
	// Skipped is the status of a row that could not be measured.
	Skipped Status = "not measured"
)

// A Num is a number that may be missing: NaN, null in JSON.
type Num float64

// None is the missing number.
func None() Num { return Num(math.NaN()) }

// None reports whether the number is missing.
func (n Num) None() bool { return math.IsNaN(float64(n)) || math.IsInf(float64(n), 0) }

// MarshalJSON writes a missing number as null.
func (n Num) MarshalJSON() ([]byte, error) {
	if n.None() {
		return []byte("null"), nil
	}
	return json.Marshal(float64(n))
}

// A Row is one line of the comparison.
type Row struct {
	Group string `json:"group"`
	Work  string `json:"work"`
	Unit  string `json:"unit"`
	// Rival is the best contender that counts, and its value.
	Rival      string `json:"rival,omitempty"`
	RivalValue Num    `json:"rival_value"`
	Ours       Num    `json:"ours"`
	// Ratio is the median over the rounds of what RatioOf names, with its
	// extremes.
	RatioOf   string `json:"ratio_of,omitempty"`
	Ratio     Num    `json:"ratio"`
	RatioLow  Num    `json:"ratio_low"`
	RatioHigh Num    `json:"ratio_high"`
	Ratios    []Num  `json:"ratios,omitempty"` // by round
	Floor     Num    `json:"floor"`
	Goal      string `json:"goal,omitempty"`
	Status    Status `json:"status"`
	partial   bool   // a rival that counts could not be measured
	Note      string `json:"note,omitempty"`
	// Peers is every contender's value, ours included.
	Peers []Value `json:"peers,omitempty"`
}

// A Value is what one contender reached.
type Value struct {
	Name  string `json:"name"`
	Kind  string `json:"kind"`
	Value Num    `json:"value"`
	Low   Num    `json:"low"`
	High  Num    `json:"high"`
	Note  string `json:"note,omitempty"`
}

// NewRow returns a row without numbers.
func NewRow(work, unit string) Row {
	return Row{
		Work: work, Unit: unit, Status: Shown, RivalValue: None(), Ours: None(),
		Ratio: None(), RatioLow: None(), RatioHigh: None(), Floor: None(),
	}
}

// Units are the nanoseconds, or whatever a series counts, of one unit of a row.
func unit(name string) float64 {
	switch name {
	case "us":
		return 1e3
	case "ms":
		return 1e6
	case "s":
		return 1e9
	}
	return 1
}

// SetOurs sets our value from a series of nanoseconds.
func (r *Row) SetOurs(s measure.Series) { r.Ours = Num(s.Median() / unit(r.Unit)) }

// SetFloor sets the floor from a series of nanoseconds.
func (r *Row) SetFloor(s measure.Series) { r.Floor = Num(s.Median() / unit(r.Unit)) }

// SetRatio sets the ratio from a series with a ratio for each round.
func (r *Row) SetRatio(of string, s measure.Series) {
	r.RatioOf = of
	r.Ratio, r.RatioLow, r.RatioHigh = Num(s.Median()), Num(s.Low()), Num(s.High())
	r.Ratios = nil
	for _, x := range s.Samples {
		r.Ratios = append(r.Ratios, Num(x))
	}
}

// Add adds a contender's series of nanoseconds to the row.
func (r *Row) Add(kind, note string, s measure.Series) {
	u := unit(r.Unit)
	r.Peers = append(r.Peers, Value{s.Name, kind, Num(s.Median() / u), Num(s.Low() / u), Num(s.High() / u), note})
}

// Against compares ours with the best of the rivals, which must be at least
// times as slow. Without a rival the row is not measured.
func (r *Row) Against(times float64, ours measure.Series, rivals []measure.Series) {
	r.SetOurs(ours)
	r.Goal = fmt.Sprintf("rival/ours >= %gx", times)
	best, ok := measure.Best(rivals)
	if !ok || len(ours.Samples) == 0 {
		r.Status = Skipped
		return
	}
	r.Rival, r.RivalValue = best.Name, Num(best.Median()/unit(r.Unit))
	r.SetRatio("rival/ours", best.Ratio(ours))
	r.Judge(float64(r.Ratio) >= times)
}

// AtMost compares ours with a base that it may exceed times at most. Without
// either the row is not measured.
func (r *Row) AtMost(times float64, name string, ours, base measure.Series) {
	r.SetOurs(ours)
	r.Goal = fmt.Sprintf("ours/%s <= %gx", name, times)
	if len(ours.Samples) == 0 || len(base.Samples) == 0 {
		r.Status = Skipped
		return
	}
	r.SetRatio("ours/"+name, ours.Ratio(base))
	r.Judge(float64(r.Ratio) <= times)
}

// Below compares a value of ours with a limit.
func (r *Row) Below(limit, ours float64) {
	r.Ours = Num(ours)
	r.Goal = fmt.Sprintf("ours <= %g", limit)
	if r.Unit != "" {
		r.Goal += " " + r.Unit
	}
	r.Judge(ours <= limit)
}

// Judge sets the status of a row whose goal is met or not.
func (r *Row) Judge(ok bool) {
	switch {
	case !ok:
		r.Status = Missed
	case r.partial:
		r.Status = MetInPart
	default:
		r.Status = Met
	}
}

// Without notes the rivals that count and could not be measured: call it before
// the row is judged.
func (r *Row) Without(rivals []string) {
	if len(rivals) > 0 {
		r.partial = true
		r.Note = "not built in time, so not counted: " + strings.Join(rivals, ", ")
	}
}
