package vectorclocktest_test

import (
	"fmt"
	"maps"
	"strings"

	"github.com/clusterluck/clusterluck/vectorclock"
	"github.com/clusterluck/clusterluck/vectorclock/vectorclocktest"
)

// A printer stands for a test, which an example does not have: pass the t of
// yours.
type printer struct{}

func (printer) Helper() {}

func (printer) Errorf(format string, args ...any) {
	law, _, _ := strings.Cut(fmt.Sprintf(format, args...), ":")
	fmt.Println("broken:", law)
}

// A map of counts is a clock, too. This one has a bug that several libraries
// have had: it looks only at the actors of one side.
func ExampleCheck() {
	type counts = map[string]uint64
	compare := func(a, b counts) vectorclock.Ordering {
		ahead, behind := false, false
		for actor, n := range a {
			ahead = ahead || n > b[actor]
			behind = behind || n < b[actor]
		}
		return vectorclock.OrderingOf(ahead, behind)
	}
	vectorclocktest.Check(printer{}, vectorclocktest.Implementation[counts]{
		New:   func() counts { return counts{} },
		Clone: maps.Clone[counts],
		Increment: func(c counts, actor string, _ int64) counts {
			c[actor]++
			return c
		},
		Merge: func(a, b counts) (counts, bool) {
			m, changed := maps.Clone(a), false
			for actor, n := range b {
				if n > m[actor] {
					m[actor], changed = n, true
				}
			}
			return m, changed
		},
		Compare: compare,
		Count:   func(c counts, actor string) uint64 { return c[actor] },
	}, 1, 100)
	// Unordered output:
	// broken: order is pointwise
	// broken: order mirrors
}
