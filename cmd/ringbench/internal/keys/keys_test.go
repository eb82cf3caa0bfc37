package keys_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/keys"
)

// source parses a spec and a format.
func source(t *testing.T, spec, format, timeField string) *keys.Source {
	t.Helper()
	f, err := keys.ParseFormat(format, timeField)
	if err != nil {
		t.Fatal(err)
	}
	s, err := keys.Parse(spec, f)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// load reads text as standard input.
func load(t *testing.T, text, format, timeField string) (*keys.Set, error) {
	t.Helper()
	return source(t, "-", format, timeField).Load(t.Context(), keys.Config{Stdin: strings.NewReader(text)})
}

func mustLoad(t *testing.T, text, format string) *keys.Set {
	t.Helper()
	set, err := load(t, text, format, "")
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func pack(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := io.WriteString(z, text); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

const logLine = `198.18.0.1 - ada [03/Mar/2025:12:00:01 +0100] "GET /a/b?q=1 HTTP/1.1" 200 12 "-" "curl/8"` + "\n"

func TestFormatsFindTheKey(t *testing.T) {
	tests := []struct {
		name, text, format string
		want               []string
	}{
		{"lines keep order and repeats", "b\na\nb\n", "lines", []string{"b", "a", "b"}},
		{"last line without an end", "a\nb", "lines", []string{"a", "b"}},
		{"windows line ends", "a\r\nb\r\n", "lines", []string{"a", "b"}},
		{"byte order mark", "\xef\xbb\xbfa\n", "lines", []string{"a"}},
		{"spaces belong to a key", " a b \n", "lines", []string{" a b "}},
		{"bytes that are not UTF-8", "\xff\xfe\n", "lines", []string{"\xff\xfe"}},
		{"path by default", logLine, "combined", []string{"/a/b"}},
		{"path", logLine, "combined:path", []string{"/a/b"}},
		{"uri keeps the query", logLine, "combined:uri", []string{"/a/b?q=1"}},
		{"host", logLine, "combined:host", []string{"198.18.0.1"}},
		{"user", logLine, "combined:user", []string{"ada"}},
		{"agent", logLine, "combined:agent", []string{"curl/8"}},
		{"common format", `h - - [03/Mar/2025:12:00:01 +0000] "GET /x HTTP/1.0" 404 -`, "combined", []string{"/x"}},
		{"fields of the server's own", strings.TrimSpace(logLine) + ` 0.003 "upstream"`, "combined", []string{"/a/b"}},
		{"quote in a path", `h - - [03/Mar/2025:12:00:01 +0000] "GET /a\"b HTTP/1.0" 200 1 "-" "-"`, "combined", []string{`/a"b`}},
		{"space in a path", `h - - [03/Mar/2025:12:00:01 +0000] "GET /a b HTTP/1.0" 200 1 "-" "-"`, "combined", []string{"/a b"}},
		{"whole url", `h - - [03/Mar/2025:12:00:01 +0000] "GET http://e.example/p?q HTTP/1.1" 200 1 "-" "-"`, "combined", []string{"/p"}},
		{"whole url without a path", `h - - [03/Mar/2025:12:00:01 +0000] "GET http://e.example HTTP/1.1" 200 1 "-" "-"`, "combined", []string{"/"}},
		{"found out: an access log", "\n" + logLine + logLine, "", []string{"/a/b", "/a/b"}},
		{"found out: lines", "GET /a/b\n", "", []string{"GET /a/b"}},
		{"json string", `{"k":"a\u0062"}`, "json:.k", []string{"ab"}},
		{"json number is its literal", `{"k":1.50}`, "json:.k", []string{"1.50"}},
		{"json boolean", `{"k":true}`, "json:.k", []string{"true"}},
		{"json path", `{"u":{"id":"x"}}`, "json:.u.id", []string{"x"}},
		{"csv by name", "id,name\n1,ada\n2,\"gr,ace\"\n", "csv:name", []string{"ada", "gr,ace"}},
		{"csv by number has no header", "1,ada\n2,grace\n", "csv:2", []string{"ada", "grace"}},
		{"csv quotes and line ends in a field", "id,name\n1,\"a\"\"b\n\nc\"\n", "csv:name", []string{"a\"b\n\nc"}},
		{"csv of uneven width", "id,name\n1,ada,extra\n", "csv:name", []string{"ada"}},
		{"gzip by its first bytes", pack(t, "a\nb\n"), "lines", []string{"a", "b"}},
		{"two gzip files in one", pack(t, "a\n") + pack(t, "b\n"), "lines", []string{"a", "b"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			set := mustLoad(t, tt.text, tt.format)
			if got := slices.Collect(set.All()); !slices.Equal(got, tt.want) {
				t.Errorf("got keys %q, want %q", got, tt.want)
			}
		})
	}
}

// Every line that holds no key must be counted with the reason for it.
func TestLinesWithoutAKeyAreExplained(t *testing.T) {
	const good = `{"k":"good"}` + "\n"
	tests := []struct {
		name, text, format string
		line               int64
		reason             string
	}{
		{"empty line", "a\n\nb\n", "lines", 2, "empty line"},
		{"NUL byte", "a\nb\x00c\n", "lines", 2, "NUL"},
		{"very long line", "a\n" + strings.Repeat("x", keys.LineMax+1) + "\nb\n", "lines", 2, "65537 bytes, at most 65536"},
		{"far too long line", "a\n" + strings.Repeat("x", 3*keys.LineMax+5) + "\nb\n", "lines", 2, "196613 bytes, at most 65536"},
		{"long last line", "a\n" + strings.Repeat("x", 3*keys.LineMax), "lines", 2, "196608 bytes, at most 65536"},
		{"no log line", logLine + "hello\n", "combined", 2, "not an access log line"},
		{"no time", logLine + "h - - nope\n", "combined", 2, "no time in brackets"},
		{"bad time", logLine + `h - - [03/Mrz/2025:12:00:01 +0000] "GET / HTTP/1.1" 200 1`, "combined", 2, "bad time"},
		{"time out of range", logLine + `h - - [03/Mar/9999:12:00:01 +0000] "GET / HTTP/1.1" 200 1`, "combined", 2, "bad time"},
		{"no request", logLine + `h - - [03/Mar/2025:12:00:01 +0000] GET`, "combined", 2, "no request in quotes"},
		{"request cut off", logLine + `h - - [03/Mar/2025:12:00:01 +0000] "GET /a`, "combined", 2, "no request in quotes"},
		{"tls on a plain port", logLine + `h - - [03/Mar/2025:12:00:01 +0000] "\x16\x03" 400 0 "-" "-"`, "combined", 2, "request without a method"},
		{"no protocol", logLine + `h - - [03/Mar/2025:12:00:01 +0000] "GET /a" 400 0 "-" "-"`, "combined", 2, "request without a protocol"},
		{"no status", logLine + `h - - [03/Mar/2025:12:00:01 +0000] "GET /a HTTP/1.1" 20 0 "-" "-"`, "combined", 2, "no status"},
		{"no size", logLine + `h - - [03/Mar/2025:12:00:01 +0000] "GET /a HTTP/1.1" 200 x "-" "-"`, "combined", 2, "no size"},
		{"no referer", logLine + `h - - [03/Mar/2025:12:00:01 +0000] "GET /a HTTP/1.1" 200 1 x`, "combined", 2, "no referer"},
		{"no agent", logLine + `h - - [03/Mar/2025:12:00:01 +0000] "GET /a HTTP/1.1" 200 1 "-" `, "combined", 2, "no agent"},
		{"common format has no agent", logLine + `h - - [03/Mar/2025:12:00:01 +0000] "GET /a HTTP/1.1" 200 1`, "combined:agent", 2, "common format"},
		{"nobody logged in", logLine + `h - - [03/Mar/2025:12:00:01 +0000] "GET /a HTTP/1.1" 200 1`, "combined:user", 2, "no user"},
		{"request for no path", logLine + `h - - [03/Mar/2025:12:00:01 +0000] "OPTIONS * HTTP/1.1" 200 1`, "combined", 2, "no path"},
		{"not JSON", good + "{\n", "json:.k", 2, "not a JSON object"},
		{"JSON but no object", good + "[1]\n", "json:.k", 2, "not a JSON object"},
		{"missing JSON field", good + `{"j":1}`, "json:.k", 2, "no such JSON field: .k"},
		{"path through a string", `{"k":{"i":1}}` + "\n" + good, "json:.k.i", 2, "no such JSON field: .k is not an object"},
		{"JSON null", good + `{"k":null}`, "json:.k", 2, "no string, number or boolean"},
		{"JSON object", good + `{"k":{}}`, "json:.k", 2, "no string, number or boolean"},
		{"empty JSON string", good + `{"k":""}`, "json:.k", 2, "empty key"},
		{"CSV with too few columns", "a,b\n1,2\n3\n", "csv:b", 3, "too few columns: 1, the key is in column 2"},
		{"CSV with an empty field", "a,b\n1,2\n3,\n", "csv:b", 3, "empty key"},
		{"CSV quote never closed", "a,b\n1,2\n3,\"x\n4,5\n", "csv:b", 3, "a quote that is never closed"},
		{"CSV quote in the wrong place", "a,b\n1,2\n3,x\"y\"\n", "csv:b", 3, "not CSV"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			set := mustLoad(t, tt.text, tt.format)
			skips := set.Skips()
			if skips.Total != 1 || len(skips.First) != 1 {
				t.Fatalf("skipped %+v, want one line", skips)
			}
			if got := skips.First[0]; got.Line != tt.line || !strings.Contains(got.Reason, tt.reason) {
				t.Errorf("skipped line %d because %q, want line %d because %q", got.Line, got.Reason, tt.line, tt.reason)
			}
			if lines := skips.Reasons(); len(lines) != 1 || lines[0].Lines != 1 {
				t.Errorf("reasons %v, want one", lines)
			}
		})
	}
}

// A quote that is never closed must cost its own line, not the rest of the file.
func TestCSVGoesOnAfterAnOpenQuote(t *testing.T) {
	set := mustLoad(t, "k\n\"open\nb\nc\n", "csv:k")
	if got, want := slices.Collect(set.All()), []string{"b", "c"}; !slices.Equal(got, want) {
		t.Errorf("got keys %q, want %q", got, want)
	}
}

func TestInputThatCannotBeUsed(t *testing.T) {
	cut := pack(t, strings.Repeat("some line or other\n", 10_000))
	tests := []struct {
		name, text, format string
		want               string
	}{
		{"empty", "", "lines", "stdin: no keys: the input is empty"},
		{"empty gzip", pack(t, ""), "lines", "the input is empty"},
		{"header only", "a,b\n", "csv:a", "only a header line"},
		{"no such column", "a,b\n1,2\n", "csv:c", `stdin:1: no column "c"; the header has ["a" "b"]`},
		{"no line of the format", "x\ny\n", "combined", "none of the 2 lines is in the format combined:path; the first, line 1: not an access log line"},
		{"cut gzip", cut[:len(cut)/2], "lines", "damaged or cut off"},
		{"no gzip after all", "\x1f\x8bxx", "lines", "damaged or cut off"},
		{"altered gzip", cut[:40] + "\xff\xff\xff" + cut[43:], "lines", "damaged or cut off"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := load(t, tt.text, tt.format, "")
			var input *keys.InputError
			if !errors.As(err, &input) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got error %v, want an InputError with %q", err, tt.want)
			}
		})
	}
	if _, err := load(t, "", "lines", ""); !errors.Is(err, keys.ErrNoKeys) {
		t.Errorf("got error %v, want ErrNoKeys", err)
	}
	if _, err := source(t, "no/such/file", "", "").Load(t.Context(), keys.Config{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got error %v, want fs.ErrNotExist", err)
	}
	if _, err := source(t, "file:"+t.TempDir(), "", "").Load(t.Context(), keys.Config{}); err == nil {
		t.Error("a directory: no error")
	}
}

func TestSpecsThatCannotBeUsed(t *testing.T) {
	tests := []struct{ spec, format, time, want string }{
		{"foo", "", "", "no such source; use file:PATH"},
		{"foo:n=1", "", "", "no such source"},
		{"", "", "", "no such source"},
		{"file:", "", "", "no file named"},
		{"words:n=1", "", "", "takes no parameters"},
		{"zipf:n=0", "", "", `n: "0": want 1 to`},
		{"zipf:n=x", "", "", "not a whole number"},
		{"zipf:n=1.5", "", "", "not a whole number"},
		{"zipf:s=0", "", "", "want a number above 0"},
		{"zipf:s=-1", "", "", "want a number above 0"},
		{"zipf:s=NaN", "", "", "want a number above 0"},
		{"zipf:s=x", "", "", "want a number above 0"},
		{"zipf:distinct=0", "", "", "distinct"},
		{"zipf:x=1", "", "", `no parameter "x"; it has n, s, distinct`},
		{"zipf:n", "", "", "want name=value"},
		{"zipf:n=1,n=2", "", "", "each name once"},
		{"hotspot:share=1.5", "", "", "at most 1"},
		{"hotspot:hot=0", "", "", "hot"},
		{"uniform:len=0", "", "", "len"},
		{"uniform:len=5000", "", "", "len"},
		{"seq:prefix=a\nb", "", "", "line end"},
		{"seq:prefix=" + strings.Repeat("x", 2000), "", "", "2000 bytes"},
		{"accesslog:n=1e12", "", "", "want 1 to"},
		{"uuid:n=1", "lines", "", "drop the format"},
		{"-", "xml", "", "unknown; use auto, lines"},
		{"-", "lines:x", "", "takes no field"},
		{"-", "combined:referer", "", "use path, uri, host, user or agent"},
		{"-", "json:id", "", "starts with a dot"},
		{"-", "json:", "", "starts with a dot"},
		{"-", "json:.a..b", "", "empty field name"},
		{"-", "csv:", "", "no column"},
		{"-", "csv:0", "", "columns count from 1"},
		{"-", "lines", ".t", "only json and csv"},
		{"-", "json:.k", "t", "starts with a dot"},
		{"-", "csv:k", "2", "name both columns, or number both"},
		{"-", "csv:1", "t", "name both columns, or number both"},
	}
	for _, tt := range tests {
		f, err := keys.ParseFormat(tt.format, tt.time)
		if err == nil {
			_, err = keys.Parse(tt.spec, f)
		}
		var spec *keys.SpecError
		if !errors.As(err, &spec) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q %q %q: got error %v, want a SpecError with %q", tt.spec, tt.format, tt.time, err, tt.want)
		}
	}
}
