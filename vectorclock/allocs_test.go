package vectorclock_test

import (
	"fmt"
	"testing"

	"github.com/clusterluck/clusterluck/vectorclock"
)

// What is said to allocate nothing, or once, does so at every size.
func TestAllocations(t *testing.T) {
	for _, n := range []int{1, 10, 100, 1000} {
		var c vectorclock.Clock
		for i := range n {
			if _, err := c.Increment(fmt.Sprintf("actor-%04d", i), int64(i)); err != nil {
				t.Fatal(err)
			}
		}
		data, err := c.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		var decoder vectorclock.Decoder
		alike, err := decoder.Decode(data)
		if err != nil {
			t.Fatal(err)
		}
		ahead := alike.Clone()
		if _, err := ahead.Increment("actor-0000", 1); err != nil {
			t.Fatal(err)
		}
		var dst []byte
		most := 1.0 // the columns of a clock of few entries lie in its one piece of memory
		if n > 128 {
			most = 2
		}
		for name, tt := range map[string]struct {
			do   func()
			most float64
		}{
			"Clone":            {func() { kept = c.Clone() }, 0},
			"Compare":          {func() { _ = c.Compare(&alike) }, 0},
			"Merge of no news": {func() { _ = c.Merge(&alike) }, 0},
			"Increment":        {func() { _, _ = ahead.Increment("actor-0000", 2) }, 0},
			"Hash":             {func() { _ = c.Hash() }, 0},
			"AppendBinary":     {func() { dst, _ = c.AppendBinary(dst[:0]) }, 0},
			"Decode":           {func() { kept, _ = decoder.Decode(data) }, most},
			"clone and write": {func() {
				kept = alike.Clone()
				_, _ = kept.Increment("actor-0000", 2)
			}, most},
		} {
			tt.do() // what is remembered after the first time is not counted
			if got := testing.AllocsPerRun(100, tt.do); got > tt.most {
				t.Errorf("%s of %d entries allocates %v times, want %v at most", name, n, got, tt.most)
			}
		}
	}
}

// kept keeps what a test makes from being left out.
var kept vectorclock.Clock
