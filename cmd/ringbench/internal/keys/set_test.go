package keys_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/keys"
)

func TestTimesAreRead(t *testing.T) {
	at := time.Date(2025, 3, 3, 11, 0, 1, 0, time.UTC)
	tests := []struct{ name, text, format, field string }{
		{"access log with an offset", logLine, "combined", ""},
		{"JSON, RFC 3339", `{"k":"a","t":"2025-03-03T12:00:01+01:00"}`, "json:.k", ".t"},
		{"JSON, seconds", `{"k":"a","t":1740999601}`, "json:.k", ".t"},
		{"JSON, milliseconds", `{"k":"a","t":1740999601000}`, "json:.k", ".t"},
		{"CSV by name", "t,k\n2025-03-03T11:00:01Z,a\n", "csv:k", "t"},
		{"CSV by number", "2025-03-03T11:00:01Z,a\n", "csv:2", "1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			set, err := load(t, tt.text, tt.format, tt.field)
			if err != nil {
				t.Fatal(err)
			}
			if !set.Timed() || !set.Time(0).Equal(at) {
				t.Errorf("timed %v, want the time %v", set.Timed(), at)
			}
		})
	}
	if set := mustLoad(t, "a\n", "lines"); set.Timed() {
		t.Error("plain lines have times")
	}
	set, err := load(t, `{"k":"a","t":1}`+"\n"+`{"k":"a","t":"noon"}`, "json:.k", ".t")
	if err != nil {
		t.Fatal(err)
	}
	if skips := set.Skips(); skips.Total != 1 || !strings.Contains(skips.First[0].Reason, "neither RFC 3339") {
		t.Errorf("skipped %+v, want the line without a time", skips)
	}
}

func TestSetCountsKeys(t *testing.T) {
	set := mustLoad(t, "b\na\nb\nc\nb\na\n", "lines")
	if set.Len() != 6 || set.Distinct() != 3 {
		t.Fatalf("%d keys, %d distinct; want 6 and 3", set.Len(), set.Distinct())
	}
	var got []string
	for _, i := range set.Top(2) {
		got = append(got, set.Key(i))
	}
	if want := []string{"b", "a"}; !slices.Equal(got, want) {
		t.Errorf("the top keys are %q, want %q", got, want)
	}
	if n := len(set.Top(99)); n != 3 {
		t.Errorf("the top 99 of 3 keys are %d", n)
	}
	if set.Count(0) != 3 || set.At(1) != "a" || set.Index(5) != 1 {
		t.Errorf("b comes %d times, key 1 is %q, key 5 is distinct key %d; want 3, a, 1", set.Count(0), set.At(1), set.Index(5))
	}
	// 6 keys with counts 3, 2, 1: 36 / (9+4+1).
	if got, want := set.Effective(), 36.0/14; got != want {
		t.Errorf("effective number of keys %v, want %v", got, want)
	}
}

func TestLimitsBoundASet(t *testing.T) {
	for name, limits := range map[string]keys.Limits{"keys": {Keys: 9}, "bytes": {Bytes: 700}} {
		_, err := source(t, "seq:n=10,prefix=some-long-prefix-", "", "").Load(t.Context(), keys.Config{Limits: limits})
		if !errors.Is(err, keys.ErrTooLarge) {
			t.Errorf("limit on %s: got error %v, want ErrTooLarge", name, err)
		}
	}
	// Repeats cost four bytes, so they do not count against the bytes.
	repeats := strings.Repeat("same\n", 1000)
	set, err := source(t, "-", "lines", "").Load(t.Context(), keys.Config{Stdin: strings.NewReader(repeats), Limits: keys.Limits{Bytes: 100}})
	if err != nil || set.Len() != 1000 {
		t.Errorf("1000 repeats of a key: error %v", err)
	}
}

func TestShippedDataIsAsTheReadmeSays(t *testing.T) {
	for _, tt := range []struct {
		spec, format     string
		n, distinct, bad int
	}{
		{"words", "lines", 104_334, 104_334, 0},
		{"access", "combined:path", 44_956, 3_885, 44},
	} {
		set, err := source(t, tt.spec, "", "").Load(t.Context(), keys.Config{})
		if err != nil {
			t.Fatal(err)
		}
		skipped := int(set.Skips().Total)
		if set.Len() != tt.n || set.Distinct() != tt.distinct || skipped != tt.bad || set.Format() != tt.format {
			t.Errorf("%s: %d keys, %d distinct, %d skipped, format %s; want %d, %d, %d, %s", tt.spec,
				set.Len(), set.Distinct(), skipped, set.Format(), tt.n, tt.distinct, tt.bad, tt.format)
		}
	}
}

func TestFileIsReadByName(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys.txt.gz")
	if err := os.WriteFile(path, []byte(pack(t, "a\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, spec := range []string{path, "file:" + path} {
		set, err := source(t, spec, "", "").Load(t.Context(), keys.Config{})
		if err != nil || set.At(0) != "a" {
			t.Errorf("%s: error %v", spec, err)
		}
	}
}

// A read that hangs, as on a terminal, must end when the context does.
func TestCancelEndsAHangingRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, w := io.Pipe()
		ctx, cancel := context.WithCancel(t.Context())
		s := source(t, "-", "lines", "")
		done := make(chan error)
		go func() {
			_, err := s.Load(ctx, keys.Config{Stdin: r})
			done <- err
		}()
		if _, err := io.WriteString(w, "a\n"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait() // until the read hangs
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("got error %v, want context.Canceled", err)
		}
		if err := w.Close(); err != nil { // lets the read go, or the bubble would not end
			t.Fatal(err)
		}
	})
}

func TestCancelEndsAGenerator(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, spec := range []string{"seq:n=1e12", "accesslog:n=1e8"} {
		if _, err := source(t, spec, "", "").Load(ctx, keys.Config{}); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: got error %v, want context.Canceled", spec, err)
		}
	}
}

func TestSkipsExplainThemselves(t *testing.T) {
	set := mustLoad(t, "\na\n\n\n\x00\n", "lines")
	var b bytes.Buffer
	skips := set.Skips()
	skips.Explain(&b, "> ", "f")
	want := `> skipped 4 of 5 lines of f
>   line 1: empty line: ""
>   line 3: empty line: ""
>   line 4: empty line: ""
>   in all:
>        3  empty line
>        1  holds a NUL byte; is this a text file?
`
	if b.String() != want {
		t.Errorf("got\n%swant\n%s", b.String(), want)
	}
}

// Lines skipped for one reason count together, whatever else is said of each.
func TestReasonsAreFew(t *testing.T) {
	text := "a\n"
	for i := range 4 {
		text += strings.Repeat("x", keys.LineMax+1+i) + "\n"
	}
	skips := mustLoad(t, text+"\n", "lines").Skips()
	want := []keys.Reason{{Text: "line too long", Lines: 4}, {Text: "empty line", Lines: 1}}
	if got := skips.Reasons(); !slices.Equal(got, want) {
		t.Errorf("got reasons %+v, want %+v", got, want)
	}
}
