package hashring_test

import (
	"strconv"
	"sync"
	"testing"

	"github.com/clusterluck/clusterluck/hashring"
)

// Goroutines that race for the last room may exceed a bound by their number, no
// further. Load only grows here, so the bound of the last unit is the largest.
func TestBoundedRace(t *testing.T) {
	const racers, units = 8, 300
	for _, c := range []float64{1, 1.25} {
		r := ring(t, 5, 1)
		if err := r.SetWeight("n3", 4); err != nil {
			t.Fatal(err)
		}
		l := newLedger(t, r, c)
		leases := make([][]hashring.Lease, racers)
		var wg sync.WaitGroup
		for g := range racers {
			wg.Add(1)
			go func() {
				defer wg.Done()
				for i := range units {
					lease, ok := l.b.Acquire(strconv.Itoa(i % 9))
					if !ok {
						t.Errorf("no room for unit %d", i)
					}
					leases[g] = append(leases[g], lease)
				}
			}()
		}
		wg.Wait()
		if got := l.b.Total(); got != racers*units {
			t.Errorf("c = %v: Total() = %d, want %d", c, got, racers*units)
		}
		sum := int64(0)
		for id := range r.Weights() {
			load, limit := l.b.Load(id), l.capacity(id, racers*units)+racers
			if sum += load; load > limit {
				t.Errorf("c = %v: node %q has %d units, want at most %d", c, id, load, limit)
			}
		}
		if sum != racers*units {
			t.Errorf("c = %v: the nodes have %d units, want %d", c, sum, racers*units)
		}
		for g := range racers {
			wg.Add(1)
			go func() {
				defer wg.Done()
				for _, lease := range leases[g] {
					lease.Release()
				}
			}()
		}
		wg.Wait()
		for id := range r.Weights() {
			if got := l.b.Load(id); got != 0 {
				t.Errorf("c = %v: node %q has %d units after all were released", c, id, got)
			}
		}
		if got := l.b.Total(); got != 0 {
			t.Errorf("c = %v: Total() = %d after all units were released", c, got)
		}
	}
}

// Whatever the ring does meanwhile, what was acquired and released must leave
// nothing behind.
func TestBoundedRaceWithRing(t *testing.T) {
	const racers, rounds = 4, 400
	r := ring(t, 6, 1)
	b, err := hashring.NewBounded(r, 1.1)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for g := range racers {
		wg.Add(1)
		go func() {
			defer wg.Done()
			var held []hashring.Lease
			for i := range rounds {
				lease, ok := b.Acquire(strconv.Itoa(g + i))
				if !ok {
					t.Error("no room")
				}
				if held = append(held, lease); len(held) == 8 {
					held[0].Release()
					held = held[1:]
				}
				b.Load(lease.Node)
				b.Capacity(lease.Node)
			}
			for _, lease := range held {
				lease.Release()
			}
		}()
	}
	for i := range rounds / 2 {
		id := "n" + strconv.Itoa(1+i%5) // n0 stays
		if i%2 == 0 {
			r.Remove(id)
		} else if err := r.Set(hashring.Node{ID: id, Weight: 1 + i%3}); err != nil {
			t.Error(err)
		}
	}
	wg.Wait()
	for i := range 6 {
		if id := "n" + strconv.Itoa(i); b.Load(id) != 0 {
			t.Errorf("node %q has %d units after all were released", id, b.Load(id))
		}
	}
	if b.Total() != 0 {
		t.Errorf("Total() = %d after all units were released", b.Total())
	}
}

// Acquire and Release are on the path of every request: they must not allocate,
// at the owner or far beyond it. AllocsPerRun rounds down, so each run is many.
func TestBoundedDoesNotAllocate(t *testing.T) {
	for _, o := range []hashring.Options{{}, {Probes: 2}} {
		for _, c := range []float64{1, 1.25} {
			r, err := hashring.New(o)
			if err != nil {
				t.Fatal(err)
			}
			for i := range 100 {
				if err := r.Set(hashring.Node{ID: "n" + strconv.Itoa(i)}); err != nil {
					t.Fatal(err)
				}
			}
			b, err := hashring.NewBounded(r, c)
			if err != nil {
				t.Fatal(err)
			}
			keys := make([]string, 1000)
			for i := range keys {
				keys[i] = "user:" + strconv.Itoa(i)
			}
			for _, load := range []int{0, 499, 550} { // with 499 of 500 units and c = 1 one node has room
				for i := int(b.Total()); i < load; i++ {
					if _, ok := b.Acquire(keys[i]); !ok {
						t.Fatal("no room")
					}
				}
				got := testing.AllocsPerRun(1, func() {
					for _, key := range keys {
						lease, _ := b.Acquire(key)
						lease.Release()
					}
				})
				if got != 0 {
					t.Errorf("probes %d, c = %v, load %d: %v allocations in %d calls, want 0", o.Probes, c, b.Total(), got, len(keys))
				}
			}
		}
	}
}
