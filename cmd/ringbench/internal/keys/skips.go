package keys

import (
	"cmp"
	"fmt"
	"io"
	"slices"
)

// skipsShown is the number of skipped lines that are kept in full.
const skipsShown = 3

// skipTextMax bounds what is kept of a skipped line, in bytes.
const skipTextMax = 80

// Skips tells which lines of the input held no key, and why.
type Skips struct {
	Lines int64            // lines read, the skipped ones included
	Total int64            // lines skipped
	First []Skip           // the first few
	Why   map[string]int64 // how many for each reason
}

// A Skip is one skipped line.
type Skip struct {
	Line   int64
	Reason string
	Text   string // the start of the line
}

// A lineError is why a line holds no key. Its reason is one of a few; its
// detail differs from line to line.
type lineError struct {
	reason string
	detail string
}

func (e *lineError) Error() string {
	if e.detail == "" {
		return e.reason
	}
	return e.reason + ": " + e.detail
}

func skip(reason string) *lineError { return &lineError{reason: reason} }

func skipf(reason, format string, args ...any) *lineError {
	return &lineError{reason: reason, detail: fmt.Sprintf(format, args...)}
}

// add records that a line was skipped.
func (s *Skips) add(line int64, why *lineError, text []byte) {
	s.Total++
	if s.Why == nil {
		s.Why = make(map[string]int64)
	}
	s.Why[why.reason]++
	if len(s.First) < skipsShown {
		s.First = append(s.First, Skip{Line: line, Reason: why.Error(), Text: string(text[:min(len(text), skipTextMax)])})
	}
}

// A Reason is why lines were skipped and how many were.
type Reason struct {
	Text  string
	Lines int64
}

// Reasons returns the reasons for skipping, the most frequent first.
func (s Skips) Reasons() []Reason {
	reasons := make([]Reason, 0, len(s.Why))
	for text, n := range s.Why {
		reasons = append(reasons, Reason{text, n})
	}
	slices.SortFunc(reasons, func(a, b Reason) int {
		return cmp.Or(cmp.Compare(b.Lines, a.Lines), cmp.Compare(a.Text, b.Text))
	})
	return reasons
}

// Explain writes what was skipped and why for a person to read, each line with
// the prefix, and nothing if nothing was skipped.
func (s Skips) Explain(w io.Writer, prefix, source string) {
	if s.Total == 0 {
		return
	}
	fmt.Fprintf(w, "%sskipped %d of %d lines of %s\n", prefix, s.Total, s.Lines, source)
	for _, skip := range s.First {
		fmt.Fprintf(w, "%s  line %d: %s: %q\n", prefix, skip.Line, skip.Reason, skip.Text)
	}
	if s.Total <= int64(len(s.First)) {
		return
	}
	fmt.Fprintf(w, "%s  in all:\n", prefix)
	for _, reason := range s.Reasons() {
		fmt.Fprintf(w, "%s  %6d  %s\n", prefix, reason.Lines, reason.Text)
	}
}
