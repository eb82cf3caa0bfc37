package keys

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A csvReader reads records that may span lines. A quote that never closes
// costs the line it is on, not the rest of the file.
type csvReader struct {
	lines   *lineReader
	pending []csvLine // read, not yet used
	end     error     // what ended the input; io.EOF is the ordinary end
	skips   *Skips
	key, at int // columns from 0; at < 0: no time
	key1    string
	time1   string
}

type csvLine struct {
	n    int64
	text []byte
	why  *lineError
}

// each calls f for every record of a CSV text. With a named column the first
// record is the header.
func (f Format) eachCSV(ctx context.Context, source string, lines *lineReader, skips *Skips, yield func(Record) error) error {
	c := &csvReader{lines: lines, skips: skips, at: -1, key1: f.key, time1: f.time}
	if f.numbered() {
		n, _ := strconv.Atoi(f.key) // checked by ParseFormat
		c.key = n - 1
		if n, err := strconv.Atoi(f.time); err == nil {
			c.at = n - 1
		}
	} else if err := c.header(source); err != nil {
		return err
	}
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		fields, n, text, err := c.next()
		if err != nil {
			return err
		}
		if fields == nil {
			return nil
		}
		r, why := c.record(fields)
		if why != nil {
			skips.add(n, why, text)
			continue
		}
		r.Line = n
		if err := yield(r); err != nil {
			return err
		}
	}
}

// header reads the first record and finds the columns in it.
func (c *csvReader) header(source string) error {
	fields, n, _, err := c.next()
	if err != nil {
		return err
	}
	if fields == nil {
		return nil // empty input, which the caller reports
	}
	find := func(name string) (int, error) {
		if i := slices.Index(fields, name); i >= 0 {
			return i, nil
		}
		return 0, &InputError{Source: source, Line: n, Err: fmt.Errorf(
			"no column %q; the header has %q; name one of these, or give its number for a file without a header", name, fields)}
	}
	if c.key, err = find(c.key1); err != nil {
		return err
	}
	if c.time1 != "" {
		c.at, err = find(c.time1)
	}
	return err
}

func (c *csvReader) record(fields []string) (Record, *lineError) {
	if c.key >= len(fields) {
		return Record{}, skipf("too few columns", "%d, the key is in column %d", len(fields), c.key+1)
	}
	key := fields[c.key]
	if key == "" {
		return Record{}, skip("empty key")
	}
	if len(key) > LineMax {
		return Record{}, skipf("key too long", "%d bytes, at most %d", len(key), LineMax)
	}
	if c.at < 0 {
		return Record{Key: []byte(key)}, nil
	}
	if c.at >= len(fields) {
		return Record{}, skipf("too few columns", "%d, the time is in column %d", len(fields), c.at+1)
	}
	var at time.Time
	at, why := parseTime(strings.TrimSpace(fields[c.at]))
	return Record{Key: []byte(key), Time: at}, why
}

// next returns the fields of the next good record, the number of its first
// line and its text. At the end of the input fields is nil.
func (c *csvReader) next() (fields []string, n int64, text []byte, err error) {
	for {
		first, ok, err := c.line(0)
		if err != nil || !ok {
			return nil, 0, nil, err
		}
		if first.why != nil {
			c.skip(1, first.why)
			continue
		}
		text, used, why, err := c.span()
		if err != nil {
			return nil, 0, nil, err
		}
		if why != nil {
			c.skip(1, why)
			continue
		}
		r := csv.NewReader(bytes.NewReader(text))
		r.FieldsPerRecord = -1
		fields, err := r.Read()
		if err != nil {
			c.skip(used, skipf("not CSV", "%v", csvCause(err)))
			continue
		}
		c.pending = c.pending[used:]
		return fields, first.n, text, nil
	}
}

// span joins lines until all quotes are closed.
func (c *csvReader) span() (text []byte, used int, why *lineError, err error) {
	for quotes := 0; ; {
		line, ok, err := c.line(used)
		if err != nil {
			return nil, 0, nil, err
		}
		broken := line.why != nil && line.why.reason != reasonEmpty
		if !ok || broken || len(text)+len(line.text) > LineMax {
			return nil, 0, skip("a quote that is never closed"), nil
		}
		if used > 0 {
			text = append(text, '\n')
		}
		text = append(text, line.text...)
		used++
		if quotes += bytes.Count(line.text, []byte(`"`)); quotes%2 == 0 {
			return text, used, nil, nil
		}
	}
}

// line returns the i-th line not yet used.
func (c *csvReader) line(i int) (csvLine, bool, error) {
	for len(c.pending) <= i && c.end == nil {
		text, why, err := c.lines.next()
		if err != nil {
			c.end = err
			break
		}
		c.pending = append(c.pending, csvLine{n: c.lines.n, text: bytes.Clone(text), why: why})
	}
	if i < len(c.pending) {
		return c.pending[i], true, nil
	}
	if c.end == io.EOF {
		return csvLine{}, false, nil
	}
	return csvLine{}, false, c.end
}

// skip drops the first n pending lines as one skipped record a line.
func (c *csvReader) skip(n int, why *lineError) {
	for _, line := range c.pending[:n] {
		c.skips.add(line.n, why, line.text)
	}
	c.pending = c.pending[n:]
}

// csvCause drops the line and column of the one-record text that was parsed.
func csvCause(err error) error {
	var parse *csv.ParseError
	if errors.As(err, &parse) {
		return parse.Err
	}
	return err
}
