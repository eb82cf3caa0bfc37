// Package replay sends a trace of keys through a ring whose nodes come, go and
// change weight, and counts the load of every node over time.
//
// [ReadChurn] reads the changes; [Run] replays. The package keeps no state.
package replay

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/keys"
	"github.com/clusterluck/clusterluck/hashring"
)

// WindowsMax is the largest number of windows of a replay.
const WindowsMax = 10_000

// ErrWindow reports windows that do not fit the trace.
var ErrWindow = errors.New("bad window")

// Config says how to replay.
type Config struct {
	// Keys is the number of keys of a window, and Span its length in time. One
	// of them may be set; without, there are ten windows of equally many keys.
	Keys int
	Span time.Duration
	// Bound is the c of hashring.NewBounded; 0 sends every key to its owner.
	Bound float64
	// InFlight is the number of requests that are under way at once when Bound
	// is set: a request ends when this many later ones have begun.
	InFlight  int
	ChurnName string // what errors call the churn file
	Events    []Event
	Progress  func(n int64) // nil, or called with the number of keys done
}

// A Result is the load of every node over time.
type Result struct {
	Keys     int           `json:"keys"`
	Distinct int           `json:"distinct_keys"`
	Nodes    []string      `json:"nodes"` // in order of first appearance
	Windows  []Window      `json:"windows"`
	Events   []Change      `json:"events"`
	Late     []Late        `json:"late_events"` // behind the end of the trace, not applied
	Totals   []Total       `json:"totals"`      // of Nodes, in their order
	Bound    float64       `json:"bound"`       // 0: not bounded
	InFlight int           `json:"in_flight"`
	Diverted int           `json:"diverted_keys"` // that went to another node than their owner
	Span     time.Duration `json:"window_ns,omitempty"`
}

// A Window is a part of the trace. Its lists are in the order of Result.Nodes
// and may be shorter, where later nodes have not come yet.
type Window struct {
	Start    int        `json:"start_key"` // keys before the window; with Span, the first key's
	Time     *time.Time `json:"start_time,omitempty"`
	Keys     int        `json:"keys"`
	Load     []int      `json:"load"`
	Fair     []float64  `json:"fair"` // what each node would get exactly by weight
	Peak     Peak       `json:"peak"`
	Owners   []int      `json:"load_by_owner,omitempty"` // without the bound
	ByOwner  *Peak      `json:"peak_by_owner,omitempty"`
	Diverted int        `json:"diverted_keys"`
}

// A Peak is the node with the most load for its weight.
type Peak struct {
	Node  string  `json:"node"`
	Ratio float64 `json:"over_fair"` // its load over its fair load
}

// A Total is the load of a node over the whole trace.
type Total struct {
	Node   string  `json:"node"`
	Weight int     `json:"weight"` // at the end; 0 if the node has left
	Load   int     `json:"load"`
	Fair   float64 `json:"fair"`
}

// A Change is an event and what it moved.
type Change struct {
	At     int    `json:"at_key"` // keys before it
	Op     string `json:"op"`
	ID     string `json:"id"`
	Weight int    `json:"weight,omitempty"`
	// MovedShare is the exact share of all keys that hashring.Diff computes.
	MovedShare float64 `json:"moved_share"`
	Exact      bool    `json:"moved_is_exact"`
	Moved      int     `json:"moved_distinct_keys"`
	// MovedLater is how many of the keys after the event have another owner.
	MovedLater int `json:"moved_keys_after"`
	Later      int `json:"keys_after"`
}

// A Late event was not applied.
type Late struct {
	Line int    `json:"line"`
	Op   string `json:"op"`
	ID   string `json:"id"`
}

// Run replays a set of keys through the ring, which is changed by the events
// and must not be used meanwhile. It returns a [ChurnError] for an event that
// cannot be applied, before any work; an error wrapping [ErrWindow]; or that of
// ctx as soon as it is done.
func Run(ctx context.Context, ring *hashring.Ring, set *keys.Set, c Config) (*Result, error) {
	placed, late, err := place(c.ChurnName, c.Events, set)
	if err != nil {
		return nil, err
	}
	if err := rehearse(c.ChurnName, placed, ring); err != nil {
		return nil, err
	}
	s := &state{ctx: ctx, ring: ring, set: set, config: c, slots: make(map[string]int)}
	s.result = &Result{Keys: set.Len(), Distinct: set.Distinct(), Bound: c.Bound, Span: c.Span, Events: []Change{}, Late: []Late{}}
	for _, e := range late {
		s.result.Late = append(s.result.Late, Late{e.Line, e.Op, e.ID})
	}
	if err := s.prepare(); err != nil {
		return nil, err
	}
	if err := s.replay(placed); err != nil {
		return nil, err
	}
	s.finish()
	return s.result, nil
}

// windows finds how many windows there are and where a key belongs.
func (s *state) windows() (n int, of func(i int) int, err error) {
	c, total := s.config, s.set.Len()
	if c.Span > 0 {
		return s.timeWindows()
	}
	size := c.Keys
	if size <= 0 {
		size = max((total+9)/10, 1)
	}
	if n = (total + size - 1) / size; n > WindowsMax {
		return 0, nil, fmt.Errorf("%w: %d keys make %d windows of %d; at most %d", ErrWindow, total, n, size, WindowsMax)
	}
	return n, func(i int) int { return i / size }, nil
}

// timeWindows cuts the trace at multiples of the span. A log may be slightly
// out of order, so every key is put by its own time.
func (s *state) timeWindows() (n int, of func(i int) int, err error) {
	set, span := s.set, s.config.Span
	if !set.Timed() {
		return 0, nil, fmt.Errorf("%w: %v is a time, but the trace has none; count keys, or name the --time-field of a JSON or CSV trace",
			ErrWindow, span)
	}
	first, last := set.Time(0), set.Time(0)
	for i := range set.Len() {
		if at := set.Time(i); at.Before(first) {
			first = at
		} else if at.After(last) {
			last = at
		}
	}
	first = first.Truncate(span)
	if windows := last.Sub(first) / span; windows >= WindowsMax {
		return 0, nil, fmt.Errorf("%w: %v make more than %d windows of %v", ErrWindow, last.Sub(first), WindowsMax, span)
	}
	n = int(last.Sub(first)/span) + 1
	s.start = func(w int) time.Time { return first.Add(time.Duration(w) * span) }
	return n, func(i int) int { return int(set.Time(i).Sub(first) / span) }, nil
}
