package vectorclock_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"testing"

	"github.com/clusterluck/clusterluck/vectorclock"
)

// A naive store knows the number of writes of each actor, and the values that
// are left with the events that wrote them.
type naive struct {
	known map[string]uint64
	live  map[vectorclock.Dot]string
}

func newNaive() *naive {
	return &naive{make(map[string]uint64), make(map[vectorclock.Dot]string)}
}

func (n *naive) put(context map[string]uint64, actor, value string) {
	for d := range n.live {
		if context[d.Actor] >= d.Count {
			delete(n.live, d)
		}
	}
	for a, count := range context {
		n.known[a] = max(n.known[a], count)
	}
	n.known[actor]++
	n.live[vectorclock.Dot{Actor: actor, Count: n.known[actor]}] = value
}

// sync keeps what both have, and what only one has and the other never knew.
func (n *naive) sync(o *naive) {
	live := make(map[vectorclock.Dot]string)
	for _, two := range [][2]*naive{{n, o}, {o, n}} {
		for d, v := range two[0].live {
			if _, both := two[1].live[d]; both || two[1].known[d.Actor] < d.Count {
				live[d] = v
			}
		}
	}
	n.live = live
	for a, count := range o.known {
		n.known[a] = max(n.known[a], count)
	}
}

func values(s *vectorclock.Siblings[string]) map[vectorclock.Dot]string {
	return maps.Collect(s.Values())
}

func counts(c vectorclock.Clock) map[string]uint64 {
	m := make(map[string]uint64)
	for d := range c.Dots() {
		m[d.Actor] = d.Count
	}
	return m
}

// Replicas that take writes with contexts read anywhere and any time before, and
// sync now and then, agree with the naive store at every step; and syncing is
// commutative, associative and idempotent.
func TestSiblingsAgreeWithNaiveStore(t *testing.T) {
	for seed := range uint64(300) {
		rnd := rand.New(rand.NewPCG(seed, 9))
		n := 2 + rnd.IntN(3)
		stores, models := make([]vectorclock.Siblings[string], n), make([]*naive, n)
		for i := range models {
			models[i] = newNaive()
		}
		contexts := []vectorclock.Clock{{}}
		for step := range 40 {
			i, j := rnd.IntN(n), rnd.IntN(n)
			switch rnd.IntN(3) {
			case 0:
				before := values(&stores[i])
				known := stores[i].Context()
				changed := stores[i].Sync(&stores[j])
				models[i].sync(models[j])
				after := stores[i].Context()
				if changed != !(maps.Equal(before, values(&stores[i])) && after.Equal(&known)) {
					t.Fatalf("seed %d, step %d: Sync says changed %v", seed, step, changed)
				}
			case 1:
				contexts = append(contexts, stores[i].Context())
			default:
				context := &contexts[rnd.IntN(len(contexts))]
				actor, value := fmt.Sprintf("replica%d", i), fmt.Sprint(step)
				held, kept := stores[i].Clone(), values(&stores[i])
				if _, err := stores[i].Put(context, actor, value); err != nil {
					t.Fatal(err)
				}
				models[i].put(counts(*context), actor, value)
				if !maps.Equal(values(&held), kept) {
					t.Fatalf("seed %d, step %d: a write changed a clone", seed, step)
				}
			}
			if got := values(&stores[i]); !maps.Equal(got, models[i].live) || stores[i].Len() != len(got) {
				t.Fatalf("seed %d, step %d: holds %v, the naive store %v", seed, step, got, models[i].live)
			}
			if got := counts(stores[i].Context()); !maps.Equal(got, models[i].known) {
				t.Fatalf("seed %d, step %d: knows %v, the naive store %v", seed, step, got, models[i].known)
			}
		}
		checkSync(t, stores)
	}
}

func checkSync(t *testing.T, stores []vectorclock.Siblings[string]) {
	t.Helper()
	sync := func(a, b vectorclock.Siblings[string]) vectorclock.Siblings[string] {
		c := a.Clone()
		c.Sync(&b)
		return c
	}
	same := func(law string, a, b vectorclock.Siblings[string]) {
		t.Helper()
		if !maps.Equal(values(&a), values(&b)) || !maps.Equal(counts(a.Context()), counts(b.Context())) {
			t.Fatalf("sync %s: %v and %v", law, values(&a), values(&b))
		}
	}
	a, b, c := stores[0], stores[1], stores[len(stores)-1]
	same("commutes", sync(a, b), sync(b, a))
	same("associates", sync(sync(a, b), c), sync(a, sync(b, c)))
	same("is idempotent", sync(a, a), a)
	same("absorbs", sync(sync(a, b), b), sync(a, b))
}

// Writers who read before they write never leave more values than there are
// writers, however often they do.
func TestSiblingsDoNotExplode(t *testing.T) {
	for _, writers := range []int{1, 2, 5} {
		rnd := rand.New(rand.NewPCG(1, uint64(writers)))
		var store vectorclock.Siblings[string]
		contexts := make([]vectorclock.Clock, writers)
		for round := range 1000 {
			w := rnd.IntN(writers)
			if _, err := store.Put(&contexts[w], "server", fmt.Sprint(round)); err != nil {
				t.Fatal(err)
			}
			if store.Len() > writers {
				t.Fatalf("%d writers left %d values after %d rounds", writers, store.Len(), round+1)
			}
			contexts[w] = store.Context()
		}
	}
}

func TestReconcileLeavesOneValue(t *testing.T) {
	var store vectorclock.Siblings[string]
	none := new(vectorclock.Clock)
	for _, actor := range []string{"a", "b"} {
		if _, err := store.Put(none, actor, actor); err != nil {
			t.Fatal(err)
		}
	}
	join := func(values []string) string { return fmt.Sprint(values) }
	for range 2 { // the second time there is nothing to do
		if err := store.Reconcile("a", join); err != nil {
			t.Fatal(err)
		}
		got := values(&store)
		if want := (vectorclock.Dot{Actor: "a", Count: 2}); len(got) != 1 || got[want] != "[a b]" {
			t.Fatalf("reconciled, it holds %v", got)
		}
	}
}
