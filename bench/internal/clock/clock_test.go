package clock

import (
	"slices"
	"testing"

	"github.com/clusterluck/clusterluck/bench/internal/report"
)

// A contender that breaks a law is no rival: it may be fast because of it.
func TestContendersKeepTheLaws(t *testing.T) {
	for _, c := range contenders() {
		t.Run(c.name, func(t *testing.T) { c.laws(t, 200) })
	}
}

// All contenders must do the same work: the sums that their loops return agree,
// but for encodings, whose sums are lengths.
func TestContendersAgree(t *testing.T) {
	keys := make([]string, 5)
	for _, g := range goals {
		for _, n := range sizes {
			var sums []int
			for _, c := range contenders() {
				sums = append(sums, c.loop(g.work, n)(keys))
			}
			if g.work == encode {
				continue
			}
			if slices.Min(sums) != slices.Max(sums) {
				t.Errorf("%s, %d entries: the loops return %v", g.work, n, sums)
			}
		}
	}
}

// The works of merging and of decoding must find what their names say.
func TestLoopsDoWhatTheyAreCalled(t *testing.T) {
	keys := make([]string, 7)
	c := contenders()[0]
	for work, want := range map[string]int{
		compareEqual: 0, compareAhead: 7 * 2, compareConcurrent: 7 * 3, mergeNothing: 0, mergeOthers: 7, decode: 7,
	} {
		if got := c.loop(work, 10)(keys); got != want {
			t.Errorf("%s: the loop returns %d, want %d", work, got, want)
		}
	}
}

// Every work has a row at every size.
func TestWorksAreOfAllSizes(t *testing.T) {
	if got, want := len(works(report.Env{})), len(sizes)*(len(goals)+3); got != want {
		t.Errorf("%d works, want %d", got, want)
	}
}
