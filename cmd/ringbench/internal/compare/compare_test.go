package compare_test

import (
	"math"
	"strings"
	"testing"

	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/compare"
	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/result"
)

// timed returns a row of 20 samples around ns, a tenth of a percent apart.
func timed(metric string, ns float64) result.Row {
	r := result.Row{
		Algo: "ring", Nodes: 10, Metric: metric, Unit: "ns/op", Better: "lower", Value: ns,
		Spread: &result.Spread{Twins: 0.001, Halves: 0.001, Error: 0.001},
		Batch:  &result.Batch{Count: 400, Quiet: 400, Memory: 1 << 10},
	}
	for i := range 20 {
		r.Samples = append(r.Samples, ns*(1+0.001*(float64(i)-9.5)))
		r.Passes = append(r.Passes, i/2)
	}
	return r
}

func exact(metric string, value float64) result.Row {
	return result.Row{Algo: "ring", Nodes: 10, Metric: metric, Unit: "x mean", Better: "lower", Value: value, Exact: true}
}

func file(rows ...result.Row) *result.File {
	return &result.File{
		Schema: result.Schema, Rows: rows,
		Machine:   result.Machine{CPU: "test", Arch: "any"},
		Keys:      result.Keys{Digest: "d"},
		Reference: result.Reference{Best: 1.5, Batches: 1, Quiet: 1},
	}
}

func compareFiles(t *testing.T, a, b *result.File) *compare.Result {
	t.Helper()
	res, err := compare.Files(a, b)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// The rules by which a time is called different, one by one: each case differs
// from a plain one by what its name says.
func TestVerdictOfATime(t *testing.T) {
	const same, worse, better = compare.Same, compare.Worse, compare.Better
	tests := []struct {
		name string
		to   float64 // of 100 ns
		edit func(a, b *result.File)
		want compare.Verdict
	}{
		{"equal", 100, nil, same},
		{"10 % slower", 110, nil, worse},
		{"10 % faster", 90, nil, better},
		{"more may be better", 110, func(a, b *result.File) { a.Rows[0].Better, b.Rows[0].Better = "higher", "higher" }, better},
		{"1 % is below the floor, however plain", 101, nil, same},
		{"as far apart as twins are", 110, func(a, b *result.File) { b.Rows[0].Spread.Twins = 0.12 }, same},
		{"as far apart as halves of the old run are", 110, func(a, b *result.File) { a.Rows[0].Spread.Halves = 0.12 }, same},
		{"within three standard errors", 110, func(a, b *result.File) { a.Rows[0].Spread.Error = 0.04 }, same},
		{"beyond three standard errors", 110, func(a, b *result.File) { a.Rows[0].Spread.Error = 0.02 }, worse},
		{"a busy row", 110, func(a, b *result.File) { b.Rows[0].Busy = true }, same},
		{"half of the batches disturbed, 4 % slower", 104, func(a, b *result.File) { b.Rows[0].Batch.Quiet = 200 }, same},
		{"none disturbed, 4 % slower", 104, nil, worse},
		{"much memory, 5 % slower", 105, func(a, b *result.File) { a.Rows[0].Batch.Memory = 1 << 20 }, same},
		{"4 % slower is not enough for what allocates", 104, func(a, b *result.File) { a.Rows[0].Metric, b.Rows[0].Metric = "build", "build" }, same},
		{"another processor", 110, func(a, b *result.File) { b.Machine.CPU = "other" }, same},
		{"the machine itself is 10 % slower", 110, func(a, b *result.File) { b.Reference.Best = 1.65 }, same},
		{"a faster machine hides slower code", 100, func(a, b *result.File) { b.Reference.Best = 1.5 / 1.03 }, worse},
		{"three samples tell nothing", 110, func(a, b *result.File) {
			a.Rows[0].Samples, b.Rows[0].Samples = a.Rows[0].Samples[:3], b.Rows[0].Samples[:3]
		}, same},
		{"a lookup of other keys is other work", 110, func(a, b *result.File) { b.Keys.Digest = "e" }, same},
		{"so is a preference list", 110, func(a, b *result.File) {
			a.Rows[0].Metric, b.Rows[0].Metric, b.Keys.Digest = "top3", "top3", "e"
		}, same},
		{"a build is the same work with other keys", 110, func(a, b *result.File) {
			a.Rows[0].Metric, b.Rows[0].Metric, b.Keys.Digest = "build", "build", "e"
		}, worse},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a, b := file(timed("lookup", 100)), file(timed("lookup", tt.to))
			if tt.edit != nil {
				tt.edit(a, b)
			}
			r := compareFiles(t, a, b).Rows[0]
			if r.Verdict != tt.want {
				t.Errorf("verdict %s of %+v, want %s", r.Verdict, r, tt.want)
			}
			if r.Low > r.Delta || r.Delta > r.High {
				t.Errorf("delta %v is not in its interval %v to %v", r.Delta, r.Low, r.High)
			}
		})
	}
}

func TestExactNumbersDifferIfTheyAreNotTheSame(t *testing.T) {
	a := file(exact("peak", 1.20), exact("cv", 0.1), exact("needless-add", 0), exact("bytes", 100))
	b := file(exact("peak", 1.21), exact("cv", 0.1), exact("needless-add", 2), exact("bytes", 90))
	want := []compare.Verdict{compare.Worse, compare.Same, compare.Worse, compare.Better}
	for i, r := range compareFiles(t, a, b).Rows {
		if r.Verdict != want[i] || !r.Exact {
			t.Errorf("%s: %+v, want %s", r.Metric, r, want[i])
		}
	}
	b.Keys.Digest = "other"
	for _, r := range compareFiles(t, a, b).Rows {
		if judged := r.Metric == "bytes"; (r.Verdict != compare.Same) != judged {
			t.Errorf("with other keys %s is called %s", r.Metric, r.Verdict)
		}
	}
}

// One row of many that differs a little by chance must not be called different:
// that is what the correction is for.
func TestTheNumberOfRowsCounts(t *testing.T) {
	noisy := func(metric string, shift float64) result.Row {
		r := timed(metric, 100)
		for i := range r.Samples {
			r.Samples[i] = 100 * math.Exp(shift+0.06*math.Sin(float64(7*i)))
		}
		r.Value = 100 * math.Exp(shift)
		return r
	}
	a, b := file(noisy("lookup", 0)), file(noisy("lookup", 0.065))
	alone := compareFiles(t, a, b).Rows[0]
	if alone.P >= compare.Level || alone.P < compare.Level/100 {
		t.Fatalf("p = %v: the case is no longer one between", alone.P)
	}
	for i := range 120 {
		name := "m" + strings.Repeat("x", i)
		a.Rows, b.Rows = append(a.Rows, noisy(name, 0)), append(b.Rows, noisy(name, 0))
	}
	among := compareFiles(t, a, b).Rows[0]
	if alone.Verdict != compare.Worse || among.Verdict != compare.Same || among.Holm <= alone.Holm {
		t.Errorf("alone %s (p %v), among 121 %s (p %v)", alone.Verdict, alone.Holm, among.Verdict, among.Holm)
	}
}

func TestNotes(t *testing.T) {
	tests := []struct {
		name string
		edit func(a, b *result.File)
		says string
	}{
		{"other keys", func(a, b *result.File) { b.Keys.Digest = "e" }, "different keys"},
		{"another processor", func(a, b *result.File) { b.Machine.CPU = "other" }, "different processors (test; other)"},
		{"another speed", func(a, b *result.File) { b.Reference.Best = 1.8 }, "ran +20.0 % slower"},
		{"rows of one file", func(a, b *result.File) { a.Rows = append(a.Rows, timed("build", 1)) }, "1 rows are in the old file only"},
		{"few samples", func(a, b *result.File) { b.Rows[0].Samples = b.Rows[0].Samples[:1] }, "no difference of 1 times can be told from chance: run with a larger --count"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a, b := file(timed("lookup", 100)), file(timed("lookup", 100))
			tt.edit(a, b)
			notes := strings.Join(compareFiles(t, a, b).Notes, "\n")
			if !strings.Contains(notes, tt.says) {
				t.Errorf("notes %q do not say %q", notes, tt.says)
			}
		})
	}
	if notes := compareFiles(t, file(timed("lookup", 100)), file(timed("lookup", 100))).Notes; len(notes) > 0 {
		t.Errorf("equal files have notes %q", notes)
	}
}

func TestFilesWithoutACommonRow(t *testing.T) {
	if _, err := compare.Files(file(timed("lookup", 1)), file(timed("build", 1))); err == nil {
		t.Error("files without a common row were compared")
	}
}

// What could not be judged must never be taken for what did not differ: it says
// why, and is counted.
func TestTimesThatCannotBeJudgedSayWhy(t *testing.T) {
	few := func(f *result.File, n int) { f.Rows[0].Samples = f.Rows[0].Samples[:n] }
	tests := []struct {
		name string
		edit func(a, b *result.File)
		why  string
	}{
		{"nothing wrong", func(a, b *result.File) {}, ""},
		{"busy", func(a, b *result.File) { a.Rows[0].Busy = true }, "the machine was busy"},
		{"other processor", func(a, b *result.File) { b.Machine.CPU = "other" }, "another processor"},
		{"other keys", func(a, b *result.File) { b.Keys.Digest = "e" }, "other keys"},
		{"other zones", func(a, b *result.File) { b.Settings.Zones = 5 }, "other keys"},
		{"few samples", func(a, b *result.File) { few(a, 3); few(b, 3) }, "too few samples"},
		{"few samples of a busy machine", func(a, b *result.File) { few(a, 3); few(b, 3); a.Rows[0].Busy = true }, "too few samples"},
		{"two samples of many", func(a, b *result.File) { few(a, 2); a.Rows[0].Few = true }, "too few samples"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a, b := file(timed("lookup", 100)), file(timed("lookup", 300))
			tt.edit(a, b)
			res := compareFiles(t, a, b)
			all, blind := res.Times()
			want := 0
			if tt.why != "" {
				want = 1
			}
			if got := res.Rows[0].Why; got != tt.why || all != 1 || blind != want {
				t.Errorf("why %q, %d of %d times blind; want %q, %d of 1", got, blind, all, tt.why, want)
			}
		})
	}
}

// Results of clocks are judged if the clocks are the same, and what allocates must
// differ by more.
func TestClocks(t *testing.T) {
	clocks := func(rows ...result.Row) *result.File {
		f := file(rows...)
		f.Keys, f.Clocks = result.Keys{}, &result.Clocks{Digest: "d"}
		for i := range f.Rows {
			f.Rows[i].Algo, f.Rows[i].Nodes, f.Rows[i].Entries = "vectorclock", 0, 10
		}
		return f
	}
	tests := []struct {
		name  string
		a, b  result.Row
		other bool // clocks
		want  compare.Verdict
		why   string
	}{
		{"slower", timed("clock-encode", 100), timed("clock-encode", 110), false, compare.Worse, ""},
		{"4 % slower", timed("clock-clone", 100), timed("clock-clone", 104), false, compare.Worse, ""},
		{"4 % slower is not enough for what allocates", timed("clock-decode", 100), timed("clock-decode", 104), false, compare.Same, ""},
		{"nor for a clone that is written", timed("clock-clone-write", 100), timed("clock-clone-write", 104), false, compare.Same, ""},
		{"nor for a merge of others", timed("clock-merge-others", 100), timed("clock-merge-others", 104), false, compare.Same, ""},
		{"10 % is", timed("clock-decode", 100), timed("clock-decode", 110), false, compare.Worse, ""},
		{"longer", exact("clock-bytes", 27), exact("clock-bytes", 29), false, compare.Worse, ""},
		{"slower with other clocks", timed("clock-encode", 100), timed("clock-encode", 300), true, compare.Same, "other clocks"},
		{"longer with other clocks", exact("clock-bytes", 27), exact("clock-bytes", 29), true, compare.Same, "other clocks"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a, b := clocks(tt.a), clocks(tt.b)
			if tt.other {
				b.Clocks.Digest = "e"
			}
			res := compareFiles(t, a, b)
			r := res.Rows[0]
			if r.Verdict != tt.want || r.Why != tt.why || !strings.Contains(r.Config, "entries=10") {
				t.Errorf("%+v, want %s (%s)", r, tt.want, tt.why)
			}
			if notes := strings.Join(res.Notes, " "); strings.Contains(notes, "different clocks") != tt.other || strings.Contains(notes, "keys") {
				t.Errorf("notes %q", notes)
			}
		})
	}
	if _, err := compare.Files(clocks(timed("lookup", 1)), file(timed("lookup", 1))); err == nil {
		t.Error("clocks were compared with placements")
	}
}

// Six samples tell one row from chance, and not one of a hundred.
func TestSamplesMayBeTooFewForSoManyRows(t *testing.T) {
	a, b := file(), file()
	for i := range 100 {
		was, now := timed("m"+strings.Repeat("x", i), 100), timed("m"+strings.Repeat("x", i), 300)
		was.Samples, now.Samples = was.Samples[:6], now.Samples[:6]
		a.Rows, b.Rows = append(a.Rows, was), append(b.Rows, now)
	}
	if all, blind := compareFiles(t, a, b).Times(); all != 100 || blind != 100 {
		t.Errorf("%d of %d times could not be judged, want all of 100", blind, all)
	}
	a.Rows[1], b.Rows[1] = timed("build", 100), timed("build", 300)
	a.Rows[2].Samples = a.Rows[2].Samples[:3] // with the samples of one other row, that one still has too few
	if r := compareFiles(t, a, b).Rows; r[1].Verdict != compare.Worse || r[2].Why == "" {
		t.Errorf("a row of many samples is %+v, one of three %+v", r[1], r[2])
	}
	a.Rows, b.Rows = a.Rows[:1], b.Rows[:1]
	if r := compareFiles(t, a, b).Rows[0]; r.Verdict != compare.Worse || r.Why != "" {
		t.Errorf("alone: %+v, want worse", r)
	}
}

// Of moved keys 1.00 is perfect: a move towards it is no regression, away from
// it neither, and old files that say less is better are read alike.
func TestMovedKeysAreNotJudged(t *testing.T) {
	near := exact("moved-weight", 0.29)
	near.Better = result.NearOne
	after := near
	after.Value = 1
	a := file(exact("moved-add", 0.29), near, exact("needless-add", 0))
	b := file(exact("moved-add", 1), after, exact("needless-add", 3))
	res := compareFiles(t, a, b)
	for _, r := range res.Rows[:2] {
		if r.Verdict != compare.Same || r.Why == "" || r.Better != result.NearOne || r.Delta < 2 {
			t.Errorf("%s: %+v, want it shown and not judged", r.Metric, r)
		}
	}
	if got := res.Regressions(0); len(got) != 1 || got[0].Metric != "needless-add" {
		t.Errorf("Regressions = %+v, want needless-add alone", got)
	}
	if all, blind := res.Times(); all != 0 || blind != 0 {
		t.Errorf("%d of %d exact numbers are counted as times", blind, all)
	}
}

func TestRegressions(t *testing.T) {
	a := file(timed("lookup", 100), timed("top3", 100), timed("add", 100))
	b := file(timed("lookup", 110), timed("top3", 104), timed("add", 80))
	res := compareFiles(t, a, b)
	if got := res.Regressions(0.05); len(got) != 1 || got[0].Metric != "lookup" {
		t.Errorf("Regressions(5 %%) = %+v, want lookup alone", got)
	}
	if got := res.Regressions(0); len(got) != 2 {
		t.Errorf("Regressions(0) = %+v, want lookup and top3", got)
	}
	if got := res.Regressions(0.2); len(got) != 0 {
		t.Errorf("Regressions(20 %%) = %+v", got)
	}
}
