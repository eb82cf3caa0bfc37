package result

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Numbers of a result are 0 or lie between numberMin and numberMax, so that
// ratios and logarithms of any two of them are finite.
const (
	numberMin = 1e-30
	numberMax = 1e18
)

// validate returns an error that names the row and the field if a report or a
// comparison could not work with f.
func (f *File) validate() error {
	if c := f.Clocks; c != nil && !printable(c.Actors) {
		return fmt.Errorf("actors of clocks %q: want text that can be printed", c.Actors)
	}
	seen := make(map[string]bool, len(f.Rows))
	for i := range f.Rows {
		r := &f.Rows[i]
		if err := r.validateName(); err != nil {
			return fmt.Errorf("row %d: %w", i+1, err)
		}
		if (r.Entries > 0) != (f.Clocks != nil) {
			return fmt.Errorf("row %d: it is of %s; a result with clocks has rows of entries alone, any other rows of nodes", i+1, r.Sized())
		}
		name := r.Name()
		if seen[name] {
			return fmt.Errorf("row %q comes twice", name)
		}
		seen[name] = true
		if err := r.validateNumbers(); err != nil {
			return fmt.Errorf("row %q: %w", name, err)
		}
	}
	if !slices.ContainsFunc(f.Rows, func(r Row) bool { return r.Timed() }) {
		return nil
	}
	if f.Reference.Best == 0 {
		return errors.New("times without the speed of the reference: best_ns of reference is 0")
	}
	return within("best_ns of reference", f.Reference.Best, numberMin)
}

// validateName checks what names a row and says how to read its number.
func (r *Row) validateName() error {
	switch {
	case r.Algo == "":
		return errors.New("algo is missing")
	case r.Metric == "":
		return errors.New("metric is missing")
	case r.Unit == "":
		return errors.New("unit is missing")
	case !word(r.Algo):
		return fmt.Errorf("algo %q: want lower case words with - between them", r.Algo)
	case !word(r.Metric):
		return fmt.Errorf("metric %q: want lower case words with - between them", r.Metric)
	case !printable(r.Unit):
		return fmt.Errorf("unit %q: want text that can be printed", r.Unit)
	case !printable(r.Weights):
		return fmt.Errorf("weights %q: want text that can be printed", r.Weights)
	case r.Entries < 0:
		return fmt.Errorf("entries is %d; a clock has 1 or more", r.Entries)
	case r.Entries > 0 && (r.Nodes != 0 || r.Points != 0 || r.Probes != 0 || r.Weights != ""):
		return fmt.Errorf("entries is %d beside nodes, points, probes or weights; a clock has none of these", r.Entries)
	case r.Entries == 0 && r.Nodes <= 0:
		return fmt.Errorf("nodes is %d; a placement has 1 or more", r.Nodes)
	case r.Points < 0:
		return fmt.Errorf("points is %d; want 0 or more", r.Points)
	case r.Probes < 0:
		return fmt.Errorf("probes is %d; want 0 or more", r.Probes)
	case r.Better != "lower" && r.Better != "higher" && r.Better != NearOne:
		return fmt.Errorf("better is %q, not lower, higher or %s", r.Better, NearOne)
	}
	return nil
}

// word reports whether s is words of lower case letters and digits, one - between
// each two and a letter first.
func word(s string) bool {
	after := byte('-')
	for i := range len(s) {
		c := s[i]
		switch {
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9' && i > 0:
		case c == '-' && after != '-':
		default:
			return false
		}
		after = c
	}
	return after != '-'
}

func printable(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return !strconv.IsPrint(r) })
}

// validateNumbers checks the numbers of a row.
func (r *Row) validateNumbers() error {
	if len(r.Passes) != len(r.Samples) {
		return fmt.Errorf("%d samples of %d passes", len(r.Samples), len(r.Passes))
	}
	if !r.Timed() {
		return within("value", r.Value, 0)
	}
	switch {
	case r.Batch == nil:
		return errors.New("samples without batch")
	case r.Spread == nil:
		return errors.New("samples without spread")
	case r.Batch.Count < 1 || r.Batch.Quiet < 0 || r.Batch.Quiet > r.Batch.Count:
		return fmt.Errorf("batch: %d quiet of %d", r.Batch.Quiet, r.Batch.Count)
	case !(r.Confidence >= 0 && r.Confidence <= 1):
		return fmt.Errorf("confidence is %v; want 0 to 1", r.Confidence)
	case r.Low > r.Value || r.High < r.Value:
		return fmt.Errorf("value %v is not between low %v and high %v", r.Value, r.Low, r.High)
	}
	for _, n := range []struct {
		field string
		value float64
		least float64
	}{
		{"value", r.Value, numberMin}, {"low", r.Low, numberMin}, {"high", r.High, numberMin},
		{"twins of spread", r.Spread.Twins, 0}, {"halves of spread", r.Spread.Halves, 0}, {"error of spread", r.Spread.Error, 0},
		{"p99 of batch", r.Batch.P99, 0},
	} {
		if err := within(n.field, n.value, n.least); err != nil {
			return err
		}
	}
	for _, s := range r.Samples {
		if err := within("a sample", s, numberMin); err != nil {
			return err
		}
	}
	return nil
}

// within checks that a number is finite and in the range that a result can have.
// The least is 0 or numberMin, for a time, which is above 0.
func within(field string, v, least float64) error {
	switch {
	case v == 0 && least == 0, v >= numberMin && v <= numberMax:
		return nil
	case least > 0 && v <= 0:
		return fmt.Errorf("%s is %v; a time is above 0", field, v)
	}
	return fmt.Errorf("%s is %v; want 0, or %v to %v", field, v, numberMin, numberMax)
}
