package report_test

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/clusterluck/clusterluck/bench/internal/measure"
	"github.com/clusterluck/clusterluck/bench/internal/report"
)

func series(name string, xs ...float64) measure.Series {
	return measure.Series{Name: name, Samples: xs}
}

// The verdict is what the exit code rests on.
func TestRowVerdicts(t *testing.T) {
	ours := series("ours", 10, 20, 10)
	tests := []struct {
		name  string
		judge func(*report.Row)
		want  report.Status
	}{
		{"7x is at least 7x", func(r *report.Row) {
			r.Against(7, ours, []measure.Series{series("slow", 900, 900, 900), series("fast", 70, 140, 70)})
		}, report.Met},
		{"6.9x is not", func(r *report.Row) { r.Against(7, ours, []measure.Series{series("a", 69, 138, 69)}) }, report.Missed},
		{"a rival was not built", func(r *report.Row) {
			r.Without([]string{"b"})
			r.Against(7, ours, []measure.Series{series("a", 70, 140, 70)})
		}, report.MetInPart},
		{"missed all the same", func(r *report.Row) {
			r.Without([]string{"b"})
			r.Against(8, ours, []measure.Series{series("a", 70, 140, 70)})
		}, report.Missed},
		{"no rival, no verdict", func(r *report.Row) { r.Against(7, ours, []measure.Series{series("a")}) }, report.Skipped},
		{"at the limit of the floor", func(r *report.Row) { r.AtMost(2, "floor", ours, series("floor", 5, 10, 5)) }, report.Met},
		{"above the floor", func(r *report.Row) { r.AtMost(1.9, "floor", ours, series("floor", 5, 10, 5)) }, report.Missed},
		{"no base, no verdict", func(r *report.Row) { r.AtMost(2, "floor", ours, series("floor")) }, report.Skipped},
		{"none of ours, no verdict", func(r *report.Row) { r.AtMost(2, "floor", series("ours"), ours) }, report.Skipped},
		{"value at its limit", func(r *report.Row) { r.Below(15, 15) }, report.Met},
		{"value above", func(r *report.Row) { r.Below(15, 15.01) }, report.Missed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := report.NewRow("work", "ns")
			tt.judge(&r)
			if r.Status != tt.want {
				t.Errorf("status is %q, want %q (row %+v)", r.Status, tt.want, r)
			}
		})
	}
}

func TestAgainstTakesTheBestRival(t *testing.T) {
	r := report.NewRow("w", "us")
	r.Against(2, series("ours", 1000, 1000), []measure.Series{series("slow", 9000, 9000), series("fast", 4000, 6000), series("none")})
	if !slices.Equal(r.Ratios, []report.Num{4, 6}) {
		t.Errorf("ratios by round are %v, want 4 and 6", r.Ratios)
	}
	if r.Rival != "fast" || r.RivalValue != 5 || r.Ours != 1 || r.Ratio != 5 || r.RatioLow != 4 || r.RatioHigh != 6 {
		t.Errorf("row is %+v, want fast, 5 us against 1 us, 5x (4-6)", r)
	}
}

func sample() report.Report {
	met, missed := report.NewRow("owner", "ns"), report.NewRow("top", "ns")
	met.Group, missed.Group = "ring", "ring"
	met.Below(15, 14.25)
	met.Add("ring", "its note", series("rival", 3, 1, 2))
	missed.Below(15, 16)
	missed.Note = "why"
	part := report.NewRow("build", "ns")
	part.Group = "ring"
	part.Without([]string{"slowest"})
	part.Below(15, 14)
	return report.Report{Command: "go run it", Count: 5, Rows: []report.Row{met, missed, part}}
}

func TestTextNamesEveryRow(t *testing.T) {
	var b bytes.Buffer
	if err := sample().Text(&b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"14.2 ns", "ours <= 15 ns", "met", "missed", "note: top: why", "1 of 3 goals met, 1 in part", "slowest"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("text lacks %q:\n%s", want, b.String())
		}
	}
	if n := sample().Missed(); n != 1 {
		t.Errorf("%d goals missed, want 1", n)
	}
}

// JSON has no NaN: a missing number must be null, or the whole report is lost.
func TestJSONWritesMissingNumbersAsNull(t *testing.T) {
	var b bytes.Buffer
	if err := sample().JSON(&b); err != nil {
		t.Fatal(err)
	}
	var back struct {
		Rows []struct {
			Status string
			Ours   *float64
			Floor  *float64
		}
	}
	if err := json.Unmarshal(b.Bytes(), &back); err != nil {
		t.Fatal(err)
	}
	if len(back.Rows) != 3 || back.Rows[0].Floor != nil || *back.Rows[0].Ours != 14.25 || back.Rows[1].Status != "missed" {
		t.Errorf("read back %+v", back)
	}
}

// Notes written by hand must survive every run.
func TestSpliceKeepsWhatIsOutsideTheMarkers(t *testing.T) {
	r := sample()
	doc, err := r.Splice("# Title\n\nBy hand.\n")
	if err != nil {
		t.Fatal(err)
	}
	doc += "\nProfile, by hand.\n"
	r.Rows[1].Note = "another reason"
	again, err := r.Splice(doc)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"# Title\n\nBy hand.\n", "\nProfile, by hand.\n", "another reason", "| rival | ring | 2 ns | 1-3 | its note |"} {
		if !strings.Contains(again, want) {
			t.Errorf("document lacks %q:\n%s", want, again)
		}
	}
	if strings.Contains(again, "why") || strings.Count(again, "Machine:") != 1 {
		t.Errorf("the old block is still there:\n%s", again)
	}
	if same, err := r.Splice(again); err != nil || same != again {
		t.Errorf("a second run changed the document (error %v)", err)
	}
}

func TestSpliceRefusesALoneMarker(t *testing.T) {
	doc, err := sample().Splice("# Title\n")
	if err != nil {
		t.Fatal(err)
	}
	begin := doc[strings.Index(doc, "<!--") : strings.Index(doc, "-->")+3]
	end := doc[strings.LastIndex(doc, "<!--") : strings.LastIndex(doc, "-->")+3]
	for _, lone := range []string{begin, end} {
		if out, err := sample().Splice("# Title\n" + lone + "\ntext\n"); err == nil || out != "" {
			t.Errorf("a lone %q gave error %v and document %q, want an error and no document", lone, err, out)
		}
	}
}

// A group is read with the caveats of what its rows have, and no others.
func TestCaveatsAreThoseOfTheGroup(t *testing.T) {
	floor, other := report.NewRow("a", "ns"), report.NewRow("b", "ns")
	floor.Group, floor.Floor = "floors", 3
	other.Group, other.Peers = "others", []report.Value{{Name: "x", Kind: "other"}}
	r := report.Report{Rows: []report.Row{floor, other}}
	for group, want := range map[string][2]bool{"floors": {true, false}, "others": {false, true}} {
		text := r.Markdown(group)
		if got := [2]bool{strings.Contains(text, `- "Floor" is`), strings.Contains(text, `of kind "other"`)}; got != want {
			t.Errorf("%s: of floors and of others it says %v, want %v", group, got, want)
		}
	}
}

// What holds for work in one process does not for two, so that a group may have
// its own caveats.
func TestGroupHasItsOwnCaveats(t *testing.T) {
	r := report.Report{Rows: []report.Row{report.NewRow("a", "ns"), report.NewRow("b", "ns")}, Caveats: map[string]string{"two": "Caveats: of two.\n"}}
	r.Rows[0].Group, r.Rows[1].Group = "one", "two"
	one, two := r.Markdown("one"), r.Markdown("two")
	if !strings.Contains(one, "collector is off") || strings.Contains(one, "of two") {
		t.Errorf("the group without caveats of its own has not the common ones:\n%s", one)
	}
	if !strings.Contains(two, "of two") || strings.Contains(two, "collector is off") {
		t.Errorf("the group with caveats of its own has others:\n%s", two)
	}
}
