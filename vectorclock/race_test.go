package vectorclock_test

import (
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/clusterluck/clusterluck/vectorclock"
)

// Any number of goroutines may read one clock, cloning included, while clones of
// it are written. What readers remember of a clock, they remember for all, and
// all of them are the first to ask: the race detector must see nothing of it, and
// nobody another clock.
func TestReadersBesideWritersOfClones(t *testing.T) {
	rnd := rand.New(rand.NewPCG(8, 8))
	source, other := random(t, rnd, 200), random(t, rnd, 200)
	data, err := source.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	want, hash := source.Compare(other), source.Hash()
	for range 20 {
		shared, alike := new(vectorclock.Clock), new(vectorclock.Clock)
		for _, c := range []*vectorclock.Clock{shared, alike} { // nothing is remembered of them
			if err := c.UnmarshalJSON([]byte(text(source))); err != nil {
				t.Fatal(err)
			}
		}
		var all sync.WaitGroup
		for g := range 4 {
			all.Add(1)
			go func() {
				defer all.Done()
				c := shared.Clone()
				if shared.Compare(alike) != vectorclock.Equal || shared.Compare(other) != want || shared.Hash() != hash {
					t.Errorf("goroutine %d: the shared clock compares in another way", g)
				}
				if _, err := c.Increment("writer", 7); err != nil {
					t.Error(err)
				}
				c.Merge(other)
				c.Trim(1<<50, vectorclock.Policy{Upper: 3})
				if got, err := shared.MarshalBinary(); err != nil || string(got) != string(data) {
					t.Errorf("goroutine %d: the shared clock changed: %v", g, err)
				}
			}()
		}
		all.Wait()
	}
}
