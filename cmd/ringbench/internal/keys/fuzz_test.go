package keys_test

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/keys"
)

// renderCombined writes a log line the way a server does.
func renderCombined(c keys.Combined) string {
	escape := strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace
	line := fmt.Sprintf(`%s %s %s [%s] "%s %s %s" %s %s`, c.Host, c.Ident, c.User, c.Time.Format("02/Jan/2006:15:04:05 -0700"),
		escape(c.Method), escape(c.URI), escape(c.Protocol), c.Status, c.Bytes)
	if c.Common {
		return line
	}
	return line + fmt.Sprintf(` "%s" "%s"`, escape(c.Referer), escape(c.Agent))
}

// FuzzParseCombined feeds arbitrary lines to the parser. What it accepts must
// be the same when written by a server and read again.
func FuzzParseCombined(f *testing.F) {
	f.Add(`198.18.0.1 - - [03/Mar/2025:12:00:01 +0100] "GET /a?b HTTP/1.1" 200 12 "-" "curl/8"`)
	f.Add(`2001:db8::1 - ada [03/Mar/2025:12:00:01 +0000] "GET / HTTP/2.0" 304 -`) // the common format
	f.Add(`h - - [03/Mar/2025:12:00:01 +0000] "GET /\"\\ HTTP/1.1" 200 1 "a\"" "b\\"`)
	f.Add(`h - - [03/Mar/2025:12:00:01 +0000] "\x16\x03\x01" 400 0 "-" "-"`)
	f.Add(`h - - [03/Mar/2025:12:00:01 +0000] "-" 408 - "-" "-"`)
	f.Add(`h - - [03/Mar/2025:12:00:01 +0000] "GET http:///x HTTP/1.1" 200 1 "-" "-"`)

	f.Fuzz(func(t *testing.T, line string) {
		c, err := keys.ParseCombined(line)
		if err != nil {
			return
		}
		again, err := keys.ParseCombined(renderCombined(c))
		if err != nil {
			t.Fatalf("%+v\nwas written as %q\nwhich is refused: %v", c, renderCombined(c), err)
		}
		if !again.Time.Equal(c.Time) {
			t.Fatalf("the time %v came back as %v", c.Time, again.Time)
		}
		again.Time = c.Time
		if again != c {
			t.Fatalf("%+v\ncame back as\n%+v", c, again)
		}
		if path := c.Path(); path != "" && (path[0] != '/' || strings.ContainsAny(path, "?#")) {
			t.Fatalf("path %q of %q", path, c.URI)
		}
	})
}

// FuzzText feeds arbitrary text to every format. Every line must be accounted
// for: as a key, as skipped, or within a CSV record of several lines.
func FuzzText(f *testing.F) {
	f.Add("a\nb\n", uint8(0))
	f.Add("k,v\n\"a\nb\",1\n\"open\n", uint8(3))
	f.Add("1,\"a\"\"\",\n\r\n,,\n", uint8(4))
	f.Add("{\"k\":{\"i\":1}}\n{\"k\":null}\n", uint8(2))
	f.Add(logLine+"\x00\n", uint8(1))
	f.Add("{\"k\":\"\"}\n{\"k\":\"x\"}\n", uint8(2)) // a key that is empty
	f.Add("\xef\xbb\xbf\n", uint8(5))
	formats := []string{"lines", "combined", "json:.k", "csv:k", "csv:1", ""}

	f.Fuzz(func(t *testing.T, text string, choice uint8) {
		format := formats[int(choice)%len(formats)]
		if strings.HasPrefix(text, "\x1f\x8b") {
			return // gzip, whose lines are not these
		}
		good, last := int64(0), int64(0)
		skips, err := source(t, "-", format, "").Each(t.Context(), keys.Config{Stdin: strings.NewReader(text)}, func(r keys.Record) error {
			if good++; len(r.Key) == 0 || r.Line <= last {
				t.Fatalf("key %q on line %d after line %d", r.Key, r.Line, last)
			}
			last = r.Line
			return nil
		})
		var input *keys.InputError
		if errors.As(err, &input) && good == 0 {
			return // no keys, or no such column
		}
		if err != nil {
			t.Fatalf("%d keys, then: %v", good, err)
		}
		lines := int64(strings.Count(text, "\n"))
		if text != "" && !strings.HasSuffix(text, "\n") && text != "\xef\xbb\xbf" {
			lines++
		}
		if skips.Lines != lines {
			t.Fatalf("read %d lines of %d", skips.Lines, lines)
		}
		sum := good + skips.Total
		if sum > lines || (sum < lines && !strings.HasPrefix(format, "csv")) {
			t.Fatalf("%d keys and %d skipped lines of %d", good, skips.Total, lines)
		}
	})
}

// FuzzSpec feeds arbitrary specs and formats to their parsers. A generator that
// is accepted must make keys that can be written one a line, and the same ones
// twice.
func FuzzSpec(f *testing.F) {
	for _, spec := range []string{
		"uniform:n=10,len=3", "seq:n=2^3,prefix=a", "uuid", "zipf:s=0.99,distinct=5", "hotspot:share=1,hot=1",
		"accesslog:n=1k", "words", "file:x", "zipf:n=1,n=2",
	} {
		f.Add(spec, "")
	}
	f.Add("-", "combined:host")
	f.Add("-", "json:.a.b")
	f.Add("-", "csv:2")

	f.Fuzz(func(t *testing.T, spec, format string) {
		parsed, err := keys.ParseFormat(format, "")
		if err != nil {
			return
		}
		if again, err := keys.ParseFormat(parsed.String(), ""); err != nil || again.String() != parsed.String() {
			t.Fatalf("format %q reads as %q, which reads as %q, %v", format, parsed, again, err)
		}
		s, err := keys.Parse(spec, parsed)
		if err != nil || s.File() {
			return
		}
		first, second := take(t, s, 20), take(t, s, 20)
		if len(first) == 0 || !slices.Equal(first, second) {
			t.Fatalf("%q makes %q, then %q", spec, first, second)
		}
		for _, key := range first {
			if key == "" || strings.ContainsAny(key, "\n\r\x00") {
				t.Fatalf("%q makes the key %q", spec, key)
			}
		}
	})
}

var errEnough = errors.New("enough")

// take returns the first keys of a source.
func take(t *testing.T, s *keys.Source, n int) []string {
	var got []string
	_, err := s.Each(t.Context(), keys.Config{Seed: 1}, func(r keys.Record) error {
		got = append(got, string(r.Key))
		if len(got) == n {
			return errEnough
		}
		return nil
	})
	var input *keys.InputError
	if err != nil && !errors.Is(err, errEnough) && !errors.As(err, &input) {
		t.Fatal(err)
	}
	if errors.As(err, &input) { // such as words read as JSON
		return []string{"none"}
	}
	return got
}

// FuzzParseSize checks that a size is in range and comes back from its digits.
func FuzzParseSize(f *testing.F) {
	for _, s := range []string{"1e6", "2^20", "1.5k", "1_000", "9G", "1e400", "2^63", "4611686018427387905"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n, err := keys.ParseSize(s)
		if err != nil {
			return
		}
		if n < 0 || n > 1<<62 {
			t.Fatalf("ParseSize(%q) = %d, out of range", s, n)
		}
		if again, err := keys.ParseSize(strconv.FormatInt(n, 10)); err != nil || again != n {
			t.Fatalf("ParseSize(%q) = %d, whose digits give %d, %v", s, n, again, err)
		}
	})
}
