package vectorclock

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// The JSON of a clock is that of the original library: an object of an object
// for each actor,
//
//	{"a":{"count":1,"insert":1500000000000000,"time":1500000000000000}}
//
// A clock that was trimmed has a field more, under the name that no actor has:
//
//	"":{"horizon":1500000000000000,"receipt":"0123456789abcdef"}
//
// with "receipt":null where the clock no longer knows what it lost.
type entryJSON struct {
	Count  *uint64 `json:"count"`
	Insert *int64  `json:"insert"`
	Time   *int64  `json:"time"`
}

type lostJSON struct {
	Horizon *int64  `json:"horizon"`
	Receipt *string `json:"receipt"`
}

// MarshalJSON returns the clock as JSON, actors in the order of their bytes.
func (c Clock) MarshalJSON() ([]byte, error) {
	b := c.read()
	out := []byte{'{'}
	if b.trimmed {
		out = append(out, `"":{"horizon":`...)
		out = strconv.AppendInt(out, b.horizon, 10)
		if b.tainted {
			out = append(out, `,"receipt":null}`...)
		} else {
			out = fmt.Appendf(out, `,"receipt":"%016x"}`, b.receipt)
		}
	}
	for i, actor := range b.actors.names {
		if len(out) > 1 {
			out = append(out, ',')
		}
		name, err := json.Marshal(actor)
		if err != nil {
			return nil, fmt.Errorf("vectorclock: %w", err)
		}
		e := b.entry(i)
		out = append(append(out, name...), `:{"count":`...)
		out = strconv.AppendUint(out, e.Count, 10)
		out = append(out, `,"insert":`...)
		out = strconv.AppendInt(out, e.Inserted, 10)
		out = append(out, `,"time":`...)
		out = append(strconv.AppendInt(out, e.Updated, 10), '}')
	}
	return append(out, '}'), nil
}

// UnmarshalJSON makes the clock what MarshalJSON or the original library wrote,
// within the default limits of a [Decoder]. Actors may be in any order; a field
// that is unknown, missing or there twice is an error, as is an actor that is.
// Errors are those of [Decoder.Decode], and leave the clock as it was; so does
// null.
func (c *Clock) UnmarshalJSON(data []byte) error {
	if string(bytes.TrimSpace(data)) == "null" {
		return nil
	}
	decoded, err := new(Decoder).DecodeJSON(data)
	if err == nil {
		c.b = decoded.b
	}
	return err
}

// DecodeJSON is [Clock.UnmarshalJSON] within the limits of the decoder. null is
// no clock.
func (d *Decoder) DecodeJSON(data []byte) (Clock, error) {
	b, err := decodeJSON(data, d)
	if err != nil {
		return Clock{}, fmt.Errorf("vectorclock: decode JSON: %w", err)
	}
	return Clock{b: b}, nil
}

// A named entry is one that is not in order yet.
type named struct {
	actor string
	entry Entry
}

func decodeJSON(data []byte, d *Decoder) (*body, error) {
	maxBytes, maxEntries := d.limits()
	if len(data) > maxBytes {
		return nil, fmt.Errorf("%d bytes: the limit is %d: %w", len(data), maxBytes, ErrEncoding)
	}
	if !utf8.Valid(data) || halfSurrogate(data) {
		return nil, fmt.Errorf("not UTF-8, or half a character behind \\u: %w", ErrEncoding)
	}
	r := jsonReader{dec: json.NewDecoder(bytes.NewReader(data))}
	var entries []named
	var memory lost
	err := r.object(func(actor string) error {
		if actor == "" {
			if memory.trimmed {
				return fmt.Errorf("byte %d: %q is there twice: %w", r.dec.InputOffset(), actor, ErrEncoding)
			}
			return r.lost(&memory)
		}
		if len(entries) == maxEntries {
			return fmt.Errorf("more than %d entries, the limit: %w", maxEntries, ErrEncoding)
		}
		if err := checkActor(actor); err != nil {
			return err
		}
		e, err := r.entry(actor)
		entries = append(entries, named{actor, e})
		return err
	})
	if err != nil {
		return nil, err
	}
	if _, err := r.dec.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("byte %d: more after the clock: %w", r.dec.InputOffset(), ErrEncoding)
	}
	return bodyOf(entries, memory)
}

// bodyOf returns the body of entries in any order.
func bodyOf(entries []named, memory lost) (*body, error) {
	slices.SortFunc(entries, func(a, b named) int { return bytes.Compare([]byte(a.actor), []byte(b.actor)) })
	n := len(entries)
	b := (&body{actors: noActors, lost: memory}).clone(n)
	names := make([]string, n)
	for i, e := range entries {
		if i > 0 && e.actor == names[i-1] {
			return nil, fmt.Errorf("actor %q is there twice: %w", e.actor, ErrEncoding)
		}
		if err := checkActor(e.actor); err != nil {
			return nil, err
		}
		if err := checkCount(e.actor, e.entry.Count); err != nil {
			return nil, err
		}
		names[i] = e.actor
		b.append(e.entry)
	}
	b.actors = rosterOf(names, noActors)
	return b, nil
}

// A jsonReader takes JSON apart, token by token, so that the first error ends it.
type jsonReader struct{ dec *json.Decoder }

func (r *jsonReader) wrap(err error) error {
	if wrong := new(json.UnmarshalTypeError); errors.As(err, &wrong) { // its text holds the whole value
		return fmt.Errorf("byte %d: want a whole number of 64 bits, have %.40s: %w", r.dec.InputOffset(), wrong.Value, ErrEncoding)
	}
	return fmt.Errorf("byte %d: %w: %w", r.dec.InputOffset(), err, ErrEncoding)
}

// object calls field for each name of an object; field reads its value.
func (r *jsonReader) object(field func(name string) error) error {
	t, err := r.dec.Token()
	switch {
	case err != nil:
		return r.wrap(err)
	case t != json.Delim('{'):
		return fmt.Errorf("byte %d: want an object, have %.40v: %w", r.dec.InputOffset(), t, ErrEncoding)
	}
	for r.dec.More() {
		t, err := r.dec.Token()
		if err != nil {
			return r.wrap(err)
		}
		if err := field(t.(string)); err != nil { // names of fields are strings
			return err
		}
	}
	if _, err := r.dec.Token(); err != nil {
		return r.wrap(err)
	}
	return nil
}

// entry reads the entry of an actor.
func (r *jsonReader) entry(actor string) (Entry, error) {
	var e entryJSON
	err := r.object(func(name string) error {
		switch {
		case name == "count" && e.Count == nil:
			return value(r, &e.Count)
		case name == "insert" && e.Insert == nil:
			return value(r, &e.Insert)
		case name == "time" && e.Time == nil:
			return value(r, &e.Time)
		}
		return fmt.Errorf("actor %.40q: field %.40q is unknown or there twice: %w", actor, name, ErrEncoding)
	})
	if err != nil {
		return Entry{}, err
	}
	if e.Count == nil || e.Insert == nil || e.Time == nil {
		return Entry{}, fmt.Errorf("actor %.40q: want count, insert and time: %w", actor, ErrEncoding)
	}
	return Entry{*e.Count, *e.Insert, *e.Time}, nil
}

// value reads a number, which is not null.
func value[T any](r *jsonReader, into **T) error {
	if err := r.dec.Decode(into); err != nil {
		return r.wrap(err)
	}
	if *into == nil {
		return fmt.Errorf("byte %d: null: %w", r.dec.InputOffset(), ErrEncoding)
	}
	return nil
}

// halfSurrogate reports whether a \u escape is half of a pair without the other
// half. Package json reads it as U+FFFD, and so would take two names for one.
func halfSurrogate(data []byte) bool {
	unit := func(i int) rune { // the UTF-16 unit escaped at i, or -1
		if i+6 > len(data) || data[i] != '\\' || data[i+1] != 'u' {
			return -1
		}
		u, err := strconv.ParseUint(string(data[i+2:i+6]), 16, 16)
		if err != nil {
			return -1
		}
		return rune(u)
	}
	for i := 0; i < len(data); i++ {
		if data[i] != '\\' {
			continue
		}
		if u := unit(i); utf16.IsSurrogate(u) {
			if utf16.DecodeRune(u, unit(i+6)) == utf8.RuneError {
				return true
			}
			i += 6
		}
		i++
	}
	return false
}

// lost reads what a trimmed clock remembers.
func (r *jsonReader) lost(l *lost) error {
	var in lostJSON
	seen := false
	err := r.object(func(name string) error {
		switch {
		case name == "horizon" && in.Horizon == nil:
			return value(r, &in.Horizon)
		case name == "receipt" && !seen:
			seen = true
			if err := r.dec.Decode(&in.Receipt); err != nil {
				return r.wrap(err)
			}
			return nil
		}
		return fmt.Errorf("memory: field %.40q is unknown or there twice: %w", name, ErrEncoding)
	})
	if err != nil {
		return err
	}
	if in.Horizon == nil || !seen {
		return fmt.Errorf("memory: want horizon and receipt: %w", ErrEncoding)
	}
	*l = lost{horizon: *in.Horizon, trimmed: true, tainted: in.Receipt == nil}
	if !l.tainted {
		receipt, err := strconv.ParseUint(*in.Receipt, 16, 64)
		if err != nil || len(*in.Receipt) != 16 {
			return fmt.Errorf("memory: receipt %.40q: want 16 hex digits: %w", *in.Receipt, ErrEncoding)
		}
		l.receipt = receipt
	}
	return nil
}
