package keys

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Formats is what [ParseFormat] accepts, for messages and help.
const Formats = "auto, lines, combined[:path|uri|host|user|agent], json:.FIELD[.FIELD], csv:COLUMN"

// A Format tells how to find the key, and the time if there is one, in the
// lines of a text. The zero Format finds out by looking: a combined access log
// or else plain lines.
type Format struct {
	kind  kind
	key   string // the combined field or the CSV column
	path  []string
	time  string // the time field, as given
	times []string
}

type kind uint8

const (
	kindAuto kind = iota
	kindLines
	kindCombined
	kindJSON
	kindCSV
)

// ParseFormat reads a format. For JSON and CSV, timeField names the field or
// column that holds the time of a record; "" means none. A combined log always
// has times, plain lines never do.
//
// The error is a [SpecError].
func ParseFormat(format, timeField string) (Format, error) {
	bad := func(text string, args ...any) (Format, error) {
		return Format{}, &SpecError{What: "format", Spec: format, Err: fmt.Errorf(text, args...)}
	}
	name, arg, _ := strings.Cut(format, ":")
	f := Format{key: arg, time: timeField}
	switch name {
	case "", "auto", "lines":
		if arg != "" {
			return bad("%s takes no field; use %s", name, Formats)
		}
		if name == "lines" {
			f.kind = kindLines
		}
	case "combined":
		f.kind = kindCombined
		if arg == "" {
			f.key = "path"
		}
		if !combinedField(f.key) {
			return bad("no field %q in a combined log; use path, uri, host, user or agent", arg)
		}
	case "json":
		f.kind = kindJSON
		var err error
		if f.path, err = parsePath(arg); err != nil {
			return bad("%w", err)
		}
	case "csv":
		f.kind = kindCSV
		if arg == "" {
			return bad("no column; use csv:NAME with a header line, or csv:1 for the first column")
		}
		if n, err := strconv.Atoi(arg); err == nil && n < 1 {
			return bad("columns count from 1")
		}
	default:
		return bad("unknown; use %s", Formats)
	}
	return f.withTime()
}

// withTime checks the time field against the kind.
func (f Format) withTime() (Format, error) {
	if f.time == "" {
		return f, nil
	}
	bad := func(err error) (Format, error) {
		return Format{}, &SpecError{What: "time field", Spec: f.time, Err: err}
	}
	switch f.kind {
	case kindJSON:
		path, err := parsePath(f.time)
		if err != nil {
			return bad(err)
		}
		f.times = path
	case kindCSV:
		if _, err := strconv.Atoi(f.time); (err == nil) != f.numbered() {
			return bad(errors.New("name both columns, or number both"))
		}
	default:
		return bad(errors.New("only json and csv have one; a combined log has its own times, lines have none"))
	}
	return f, nil
}

// numbered reports whether a CSV column is given by number, which means that
// there is no header line.
func (f Format) numbered() bool {
	_, err := strconv.Atoi(f.key)
	return err == nil
}

// String returns the format as [ParseFormat] reads it.
func (f Format) String() string {
	switch f.kind {
	case kindCombined:
		return "combined:" + f.key
	case kindJSON:
		return "json:." + strings.Join(f.path, ".")
	case kindCSV:
		return "csv:" + f.key
	case kindLines:
		return "lines"
	default:
		return "auto"
	}
}

// parsePath reads ".a.b" into its fields.
func parsePath(s string) ([]string, error) {
	if !strings.HasPrefix(s, ".") {
		return nil, errors.New("a field starts with a dot, as in json:.user.id")
	}
	path := strings.Split(s[1:], ".")
	for _, field := range path {
		if field == "" {
			return nil, errors.New("an empty field name; write .user.id")
		}
	}
	return path, nil
}

// A Record is one key of the input. Its Key is valid until the next record.
type Record struct {
	Key  []byte
	Line int64     // where the record starts, from 1; its number if generated
	Time time.Time // zero if the input has no times
}

// records returns the function that turns a line into a record, for the
// formats whose records are lines.
func (f Format) records() func(line []byte) (Record, *lineError) {
	switch f.kind {
	case kindCombined:
		return combinedRecord(f.key)
	case kindJSON:
		return f.jsonRecord
	default:
		return func(line []byte) (Record, *lineError) { return Record{Key: line}, nil }
	}
}

func (f Format) jsonRecord(line []byte) (Record, *lineError) {
	key, why := jsonField(line, f.path)
	if why != nil {
		return Record{}, why
	}
	if len(f.times) == 0 {
		return Record{Key: key}, nil
	}
	text, why := jsonField(line, f.times)
	if why != nil {
		return Record{}, why
	}
	at, why := parseTime(string(text))
	return Record{Key: key, Time: at}, why
}

// jsonField returns the text of a string, or the literal of a number or a
// boolean, at a path.
func jsonField(line []byte, path []string) ([]byte, *lineError) {
	value := json.RawMessage(line)
	for i, field := range path {
		var object map[string]json.RawMessage
		if err := json.Unmarshal(value, &object); err != nil {
			if i == 0 {
				return nil, skipf("not a JSON object", "%v", err)
			}
			return nil, skipf("no such JSON field", ".%s is not an object", strings.Join(path[:i], "."))
		}
		inner, ok := object[field]
		if !ok {
			return nil, skipf("no such JSON field", ".%s", strings.Join(path[:i+1], "."))
		}
		value = inner
	}
	switch value = bytes.TrimSpace(value); value[0] {
	case '"':
		var s string
		if err := json.Unmarshal(value, &s); err != nil {
			return nil, skipf("not a JSON object", "%v", err)
		}
		if s == "" {
			return nil, skip("empty key")
		}
		return []byte(s), nil
	case '{', '[', 'n':
		return nil, skipf("JSON field is no string, number or boolean", ".%s", strings.Join(path, "."))
	default:
		return value, nil
	}
}

// parseTime reads RFC 3339, or seconds or milliseconds since 1970.
func parseTime(s string) (time.Time, *lineError) {
	if at, err := time.Parse(time.RFC3339Nano, s); err == nil && sane(at) {
		return at, nil
	}
	const millis = 1e11 // as seconds, the year 5138
	if f, err := strconv.ParseFloat(s, 64); err == nil && f >= 0 && f < 7e12 {
		if f >= millis {
			f /= 1000
		}
		return time.Unix(0, int64(f*1e9)).UTC(), nil
	}
	return time.Time{}, skipf("no time", "%q is neither RFC 3339 nor seconds since 1970", s)
}

// sane reports whether a time is one that a log may hold; a [Set] stores times
// as nanoseconds since 1970, which overflow in the year 2262.
func sane(at time.Time) bool { return at.Year() >= 1900 && at.Year() < 2200 }
