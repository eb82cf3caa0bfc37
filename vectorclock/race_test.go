package vectorclock_test

import (
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/clusterluck/clusterluck/vectorclock"
)

// Any number of goroutines may read one clock, cloning included, while clones of
// it are written. What readers remember of a clock, they remember for all: the
// race detector must see nothing of it, and nobody another clock.
func TestReadersBesideWritersOfClones(t *testing.T) {
	rnd := rand.New(rand.NewPCG(8, 8))
	shared, other := random(t, rnd, 200), random(t, rnd, 200)
	data, err := shared.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	var alike vectorclock.Clock // of the same actors, which the clocks do not know yet
	if err := alike.UnmarshalBinary(data); err != nil {
		t.Fatal(err)
	}
	want, hash := shared.Compare(other), shared.Hash()
	var all sync.WaitGroup
	for g := range 4 {
		all.Add(1)
		go func() {
			defer all.Done()
			for i := range 100 {
				c := shared.Clone()
				if shared.Compare(&alike) != vectorclock.Equal || shared.Compare(other) != want {
					t.Errorf("goroutine %d: the shared clock compares in another way", g)
				}
				if _, err := c.Increment("writer", int64(i)); err != nil {
					t.Error(err)
				}
				c.Merge(other)
				c.Trim(1<<50, vectorclock.Policy{Upper: 3})
				if got, err := shared.MarshalBinary(); err != nil || string(got) != string(data) || shared.Hash() != hash {
					t.Errorf("goroutine %d: the shared clock changed: %v", g, err)
				}
			}
		}()
	}
	all.Wait()
}
