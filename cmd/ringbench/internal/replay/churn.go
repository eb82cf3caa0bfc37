package replay

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"time"

	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/keys"
	"github.com/clusterluck/clusterluck/hashring"
)

// churnLineMax and churnMax bound a churn file.
const (
	churnLineMax = 1 << 16
	churnMax     = 100_000 // events
)

// A ChurnError says what is wrong with a churn event, and where it stands.
type ChurnError struct {
	File string
	Line int
	Err  error
}

func (e *ChurnError) Error() string { return fmt.Sprintf("%s:%d: %v", e.File, e.Line, e.Err) }

// Unwrap returns the cause, such as [hashring.ErrUnknown].
func (e *ChurnError) Unwrap() error { return e.Err }

// An Event changes the nodes during a replay.
type Event struct {
	Line   int    // of the churn file
	Op     string // add, remove or weight
	ID     string
	Weight int
	Zone   string
	at     when
}

// when is a point of the trace: after a number of keys, at a time, or some time
// after the first key.
type when struct {
	keys  int64
	time  time.Time
	after time.Duration
	timed bool // by time or after
}

// ReadChurn reads events, one JSON object a line; name is what errors call the
// file. Empty lines are allowed. Every error is a [ChurnError].
//
//	{"at": 1000, "op": "add", "id": "d", "weight": 2, "zone": "eu"}
//	{"at": "2025-03-03T12:00:00Z", "op": "remove", "id": "a"}
//	{"at": "90m", "op": "weight", "id": "b", "weight": 3}
//
// A number counts the keys before the event. A time or a duration since the
// first key needs a trace with times.
func ReadChurn(name string, r io.Reader) ([]Event, error) {
	scanner := bufio.NewScanner(r)
	scanner.Buffer(nil, churnLineMax)
	var events []Event
	line := 0
	for scanner.Scan() {
		line++
		text := bytes.TrimSpace(scanner.Bytes())
		if len(text) == 0 {
			continue
		}
		event, err := parseEvent(text)
		if err == nil && len(events) == churnMax {
			err = fmt.Errorf("more than %d events", churnMax)
		}
		if err != nil {
			return nil, &ChurnError{File: name, Line: line, Err: err}
		}
		event.Line = line
		events = append(events, event)
	}
	if err := scanner.Err(); err != nil {
		if errors.Is(err, bufio.ErrTooLong) {
			err = fmt.Errorf("a line longer than %d bytes; one JSON object a line", churnLineMax)
		}
		var path *fs.PathError
		if errors.As(err, &path) {
			err = path.Err // the message names the file already
		}
		return nil, &ChurnError{File: name, Line: line + 1, Err: err}
	}
	if len(events) == 0 {
		return nil, &ChurnError{File: name, Line: 1, Err: errors.New(
			`no events; one a line: {"at": 1000, "op": "add", "id": "d"}`)}
	}
	return events, nil
}

func parseEvent(text []byte) (Event, error) {
	var in struct {
		At     json.RawMessage `json:"at"`
		Op     string          `json:"op"`
		ID     string          `json:"id"`
		Weight *int            `json:"weight"`
		Zone   string          `json:"zone"`
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&in); err != nil {
		return Event{}, fmt.Errorf("not an event: %w", err)
	}
	if _, err := dec.Token(); err != io.EOF {
		return Event{}, errors.New("more than one object on the line")
	}
	e := Event{Op: in.Op, ID: in.ID, Zone: in.Zone, Weight: 1}
	if in.Weight != nil {
		e.Weight = *in.Weight
	}
	switch {
	case in.ID == "":
		return Event{}, errors.New("no id: which node?")
	case in.Op != "add" && in.Op != "remove" && in.Op != "weight":
		return Event{}, fmt.Errorf("op %q: want add, remove or weight", in.Op)
	case in.Weight != nil && (*in.Weight < 1 || *in.Weight > hashring.MaxWeight):
		return Event{}, fmt.Errorf("weight %d: want 1 to %d: %w; op remove takes a node out", *in.Weight, hashring.MaxWeight, hashring.ErrWeight)
	case in.Op == "weight" && in.Weight == nil:
		return Event{}, errors.New("op weight needs a weight")
	case in.Op == "remove" && (in.Weight != nil || in.Zone != ""):
		return Event{}, errors.New("op remove takes no weight and no zone")
	case in.Op == "weight" && in.Zone != "":
		return Event{}, errors.New("op weight takes no zone")
	case len(in.At) == 0:
		return Event{}, errors.New("no at: when?")
	}
	var err error
	e.at, err = parseWhen(in.At)
	return e, err
}

func parseWhen(raw json.RawMessage) (when, error) {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		if at, err := time.Parse(time.RFC3339Nano, text); err == nil {
			return when{time: at, timed: true}, nil
		}
		if after, err := time.ParseDuration(text); err == nil && after >= 0 {
			return when{after: after, timed: true}, nil
		}
		return when{}, fmt.Errorf("at %q: want a number of keys, a time (RFC 3339) or a duration since the first key", text)
	}
	n, err := keys.ParseSize(string(raw))
	if err != nil {
		return when{}, fmt.Errorf("at %s: want a number of keys, a time (RFC 3339) or a duration since the first key", raw)
	}
	return when{keys: n}, nil
}

// place turns every event's time into the number of keys before it and puts
// events in that order; equals stay in the order of the file. Events behind the
// end of the trace come back as late.
func place(name string, events []Event, set *keys.Set) (placed, late []Event, err error) {
	for _, e := range events {
		if e.at.timed {
			if !set.Timed() {
				return nil, nil, &ChurnError{File: name, Line: e.Line, Err: errors.New(
					"at is a time, but the trace has none; count keys, or name the --time-field of a JSON or CSV trace")}
			}
			e.at.keys = int64(firstAt(set, e.at))
		}
		if e.at.keys > int64(set.Len()) {
			late = append(late, e)
			continue
		}
		placed = append(placed, e)
	}
	slices.SortStableFunc(placed, func(a, b Event) int { return int(a.at.keys - b.at.keys) })
	return placed, late, nil
}

// firstAt returns the number of keys before the first one at or after a time,
// one more than all keys if there is none.
func firstAt(set *keys.Set, w when) int {
	at := w.time
	if at.IsZero() {
		at = set.Time(0).Add(w.after)
	}
	for i := range set.Len() {
		if !set.Time(i).Before(at) {
			return i
		}
	}
	return set.Len() + 1
}

// apply changes a ring.
func (e Event) apply(r *hashring.Ring) error {
	switch e.Op {
	case "add":
		return r.Add(hashring.Node{ID: e.ID, Weight: e.Weight, Zone: e.Zone})
	case "weight":
		return r.SetWeight(e.ID, e.Weight)
	}
	if !r.Has(e.ID) {
		return fmt.Errorf("remove %q: %w", e.ID, hashring.ErrUnknown)
	}
	if r.Len() == 1 {
		return fmt.Errorf("remove %q: it is the last node; keys would have no owner", e.ID)
	}
	r.Remove(e.ID)
	return nil
}

// rehearse applies all events to a copy, so that a mistake on the last line is
// found before any work is done.
func rehearse(name string, events []Event, ring *hashring.Ring) error {
	r := ring.Clone()
	for _, e := range events {
		if err := e.apply(r); err != nil {
			return &ChurnError{File: name, Line: e.Line, Err: err}
		}
	}
	return nil
}
