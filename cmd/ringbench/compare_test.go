package main

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/result"
)

// altered writes result_a.json with changes to a new file.
func altered(t *testing.T, name string, change func(f *result.File)) {
	t.Helper()
	f, err := result.Load("result_a.json")
	if err != nil {
		t.Fatal(err)
	}
	change(f)
	var b bytes.Buffer
	if err := f.Write(&b); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}

// slower makes the times of rows three times as long, on a machine that was busy.
func slower(rows []result.Row, busy bool) {
	for i := range rows {
		r := &rows[i]
		if !r.Timed() {
			continue
		}
		r.Value, r.Low, r.High, r.Busy = 3*r.Value, 3*r.Low, 3*r.High, busy
		for k := range r.Samples {
			r.Samples[k] *= 3
		}
	}
}

// A gate that could not find out must not say that nothing differs, and must not
// pass if it found nothing out at all.
func TestCompareThatJudgedNothing(t *testing.T) {
	workFolder(t)
	altered(t, "busy.json", func(f *result.File) { slower(f.Rows, true) })
	altered(t, "partly.json", func(f *result.File) { slower(f.Rows[:1], true) })
	altered(t, "slower.json", func(f *result.File) { slower(f.Rows[:1], true); slower(f.Rows[1:2], false) })
	altered(t, "keys.json", func(f *result.File) { f.Keys.Digest = "other"; slower(f.Rows[:6], false) })
	altered(t, "exact.json", func(f *result.File) {
		slower(f.Rows, true)
		for i := range f.Rows {
			if f.Rows[i].Metric == "bytes" {
				f.Rows[i].Value *= 2
			}
		}
	})
	tests := []struct {
		name, file  string
		code        int
		says, warns string
	}{
		{"all busy", "busy.json", 1, "26 of 26 times could not be judged. Of the rest nothing differs: 70 rows, of which 0 are times.", "none of 26 times could be judged"},
		{"some busy", "partly.json", 0, "1 of 26 times could not be judged. Of the rest nothing differs: 95 rows, of which 25 are times.", "--fail-on 5%: 1 of 26 times could not be judged"},
		{"some busy, one worse", "slower.json", 8, "1 of 26 times could not be judged. Of 96 rows 0 are better and 1 worse.", "jump nodes=10 lookup"},
		{"lookups of other keys", "keys.json", 0, "8 of 26 times could not be judged.", "8 of 26 times"},
		{"all busy, exact numbers worse", "exact.json", 8, "26 of 26 times could not be judged. Of 96 rows 0 are better and 6 worse.", "6 rows worse"},
		{"the same file", "result_a.json", 0, "Nothing differs: 96 rows, of which 26 are times.", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			stdout, stderr := expect(t, tt.code, "compare --fail-on 5% result_a.json "+tt.file)
			if text := strings.Join(strings.Fields(stdout), " "); !strings.Contains(text, tt.says) {
				t.Errorf("it does not say %q:\n%s", tt.says, stdout)
			}
			if !strings.Contains(stderr, tt.warns) || tt.warns == "" && stderr != "" {
				t.Errorf("stderr %q does not say %q", stderr, tt.warns)
			}
			if tt.code == 1 {
				expect(t, 0, "compare result_a.json "+tt.file) // shown, where no gate was asked for
			}
		})
	}
}

// Of moved keys 1.00 is perfect: more of them than before may be for the better.
func TestCompareDoesNotJudgeMovedKeys(t *testing.T) {
	workFolder(t)
	altered(t, "moved.json", func(f *result.File) {
		for i := range f.Rows {
			if f.Rows[i].Metric == "moved-add" {
				f.Rows[i].Value = 1
			}
		}
	})
	stdout, _ := expect(t, 0, "compare --fail-on 5% result_a.json moved.json")
	text := strings.Join(strings.Fields(stdout), " ")
	for _, want := range []string{
		"moved-add 0.29 1.00 +241.4 % exact ~ (1.00 is perfect, less is not better)",
		"6 exact numbers changed and cannot be called better or worse. Of the rest nothing differs: 90 rows, of which 26 are times.",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("it does not say %q:\n%s", want, stdout)
		}
	}
}
