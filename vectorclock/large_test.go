package vectorclock_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/clusterluck/clusterluck/vectorclock"
)

// Clocks are compared and merged in blocks, and stored in pieces of several
// sizes: all sizes around theirs must answer as a map would, wherever one entry
// differs and in whatever it does.
func TestClocksOfAllSizesAgreeWithMaps(t *testing.T) {
	rnd := rand.New(rand.NewPCG(11, 1))
	for _, n := range []int{1, 4, 5, 12, 13, 63, 64, 65, 96, 127, 128, 129, 191, 192, 193, 300} {
		for round := range 60 {
			a := sized(t, rnd, n)
			b := a.Clone()
			if round%2 == 0 { // the same actors in a roster of their own
				data, err := a.MarshalBinary()
				if err != nil {
					t.Fatal(err)
				}
				if err := b.UnmarshalBinary(data); err != nil {
					t.Fatal(err)
				}
			}
			for range round % 4 {
				alter(t, rnd, &b, n)
			}
			for range round / 20 {
				alter(t, rnd, a, n)
			}
			if round%5 == 0 {
				b.Remove(fmt.Sprintf("actor-%03d", rnd.IntN(n)))
			}
			if round%7 == 0 {
				if _, err := b.Increment(fmt.Sprintf("actor-%03d+", rnd.IntN(n)), 5); err != nil {
					t.Fatal(err)
				}
			}
			agree(t, a, &b)
			agree(t, &b, a)
		}
	}
}

// sized returns a clock of n entries.
func sized(t *testing.T, rnd *rand.Rand, n int) *vectorclock.Clock {
	t.Helper()
	c := new(vectorclock.Clock)
	for i := range n {
		if _, err := c.Set(fmt.Sprintf("actor-%03d", i), 100+rnd.Uint64N(100), 500+rnd.Int64N(100), 500+rnd.Int64N(100)); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

// alter changes one number of one entry.
func alter(t *testing.T, rnd *rand.Rand, c *vectorclock.Clock, n int) {
	t.Helper()
	actor := fmt.Sprintf("actor-%03d", rnd.IntN(n))
	e, _ := c.Entry(actor)
	c.Remove(actor)
	by := int64(rnd.IntN(2)*2 - 1)
	switch rnd.IntN(3) {
	case 0:
		e.Count += uint64(by)
	case 1:
		e.Updated += by
	default:
		e.Inserted += by
	}
	if _, err := c.Set(actor, e.Count, e.Updated, e.Inserted); err != nil {
		t.Fatal(err)
	}
}

// agree holds the answers on two clocks against those of maps of their entries.
func agree(t *testing.T, a, b *vectorclock.Clock) {
	t.Helper()
	union := make(map[string]bool)
	for _, c := range []*vectorclock.Clock{a, b} {
		for actor := range c.Actors() {
			union[actor] = true
		}
	}
	merged, met := a.Clone(), a.Clone()
	changed, fewer := merged.Merge(b), met.Meet(b)
	ahead, behind := false, false
	for actor := range union {
		x, inA := a.Entry(actor)
		y, inB := b.Entry(actor)
		ahead, behind = ahead || x.Count > y.Count, behind || x.Count < y.Count
		most, least := x, y
		if !inA || inB && larger(y, x) {
			most, least = y, x
		}
		if got, ok := merged.Entry(actor); !ok || got != most {
			t.Fatalf("%d entries: %v and %v merge to %v", a.Len(), x, y, got)
		}
		if got, ok := met.Entry(actor); ok != (inA && inB) || ok && got != least {
			t.Fatalf("%d entries: %v and %v meet in %v, %v", a.Len(), x, y, got, ok)
		}
	}
	if got, want := a.Compare(b), vectorclock.OrderingOf(ahead, behind); got != want {
		t.Fatalf("%d entries: compare says %v, want %v", a.Len(), got, want)
	}
	if merged.Len() != len(union) || changed == merged.Identical(a) || fewer == met.Identical(a) {
		t.Fatalf("%d entries: merged %d of %d, changed %v; met, changed %v", a.Len(), merged.Len(), len(union), changed, fewer)
	}
	if a.Identical(b) != (a.Hash() == b.Hash()) {
		t.Fatalf("%d entries: identical %v, and the hashes say otherwise", a.Len(), a.Identical(b))
	}
}
