package vectorclock_test

import (
	"errors"
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

// siblingOps are the operations that are put to the laws of Siblings.
type siblingOps struct {
	clone func(s *siblings) *siblings
	put   func(s *siblings, context *vectorclock.Clock, actor, value string)
	sync  func(s, o *siblings) (changed bool)
}

type siblings = vectorclock.Siblings[string]

func ourSiblings() siblingOps {
	return siblingOps{
		clone: func(s *siblings) *siblings {
			c := s.Clone()
			return &c
		},
		put: func(s *siblings, context *vectorclock.Clock, actor, value string) {
			if _, err := s.Put(context, actor, value); err != nil {
				panic(err) // names are valid and counts are low
			}
		},
		sync: (*siblings).Sync,
	}
}

// The laws of Siblings.
const (
	lawPut        = "put removes exactly what its context covers"
	lawSync       = "sync keeps exactly what neither knows to be covered"
	lawApart      = "clone is apart"
	lawChanged    = "sync says whether it changed"
	lawCommutes   = "sync commutes"
	lawAssociates = "sync associates"
	lawIdempotent = "sync is idempotent"
	lawAbsorbs    = "sync absorbs"
	lawBounded    = "as many values as writers at most"
)

// siblingLaws runs programs over replicas that take writes with contexts read
// anywhere and any time before, and sync now and then, beside the naive store.
// It returns how each law that breaks breaks first.
func siblingLaws(ops siblingOps, programs int) map[string]string {
	broken := make(map[string]string)
	for seed := range uint64(programs) {
		p := siblingProgram{ops: ops, rnd: rand.New(rand.NewPCG(seed, 9)), broken: broken}
		p.run()
	}
	for writers := 1; writers <= 5; writers += 2 {
		explode(ops, writers, 1000, broken)
	}
	return broken
}

// A siblingProgram is one run over a few replicas.
type siblingProgram struct {
	ops      siblingOps
	rnd      *rand.Rand
	stores   []*siblings
	models   []*naive
	contexts []vectorclock.Clock
	broken   map[string]string
}

func (p *siblingProgram) breaks(law, format string, args ...any) {
	if _, ok := p.broken[law]; !ok {
		p.broken[law] = fmt.Sprintf(format, args...)
	}
}

func (p *siblingProgram) run() {
	n := 2 + p.rnd.IntN(3)
	p.contexts = []vectorclock.Clock{{}}
	for range n {
		p.stores, p.models = append(p.stores, new(siblings)), append(p.models, newNaive())
	}
	for step, right := 0, true; right && step < 40; step++ {
		i, j := p.rnd.IntN(n), p.rnd.IntN(n)
		s, law := p.stores[i], lawPut
		switch p.rnd.IntN(3) {
		case 0:
			law = lawSync
			before, known := values(s), s.Context()
			changed := p.ops.sync(s, p.stores[j])
			p.models[i].sync(p.models[j])
			if after := s.Context(); changed != !(maps.Equal(before, values(s)) && after.Equal(&known)) {
				p.breaks(lawChanged, "step %d: changed %v", step, changed)
			}
		case 1:
			p.contexts = append(p.contexts, s.Context())
		default:
			context := &p.contexts[p.rnd.IntN(len(p.contexts))]
			held, kept := p.ops.clone(s), values(s)
			p.ops.put(s, context, fmt.Sprintf("replica%d", i), fmt.Sprint(step))
			p.models[i].put(counts(*context), fmt.Sprintf("replica%d", i), fmt.Sprint(step))
			if !maps.Equal(values(held), kept) {
				p.breaks(lawApart, "step %d: a write changed a clone", step)
			}
		}
		if got := values(s); !maps.Equal(got, p.models[i].live) || s.Len() != len(got) {
			p.breaks(law, "step %d: holds %v, the naive store %v", step, got, p.models[i].live)
			right = false
		}
		if got := counts(s.Context()); !maps.Equal(got, p.models[i].known) {
			p.breaks(law, "step %d: knows %v, the naive store %v", step, got, p.models[i].known)
			right = false
		}
	}
	p.algebra()
}

// algebra checks what holds of syncing any replicas.
func (p *siblingProgram) algebra() {
	sync := func(a, b *siblings) *siblings {
		c := p.ops.clone(a)
		p.ops.sync(c, b)
		return c
	}
	same := func(law string, x, y *siblings) {
		if !maps.Equal(values(x), values(y)) || !maps.Equal(counts(x.Context()), counts(y.Context())) {
			p.breaks(law, "%v and %v", values(x), values(y))
		}
		if x.Same(y) != (x.Hash() == y.Hash()) {
			p.breaks(law, "%v and %v: Same is %v, their hashes are %x and %x", values(x), values(y), x.Same(y), x.Hash(), y.Hash())
		}
	}
	a, b, c := p.stores[0], p.stores[1], p.stores[len(p.stores)-1]
	same(lawCommutes, sync(a, b), sync(b, a))
	same(lawAssociates, sync(sync(a, b), c), sync(a, sync(b, c)))
	same(lawIdempotent, sync(a, a), a)
	same(lawAbsorbs, sync(sync(a, b), b), sync(a, b))
}

// explode has writers who read before they write, through one server.
func explode(ops siblingOps, writers, rounds int, broken map[string]string) {
	rnd := rand.New(rand.NewPCG(1, uint64(writers)))
	store, contexts := new(siblings), make([]vectorclock.Clock, writers)
	for round := range rounds {
		w := rnd.IntN(writers)
		ops.put(store, &contexts[w], "server", fmt.Sprint(round))
		if store.Len() > writers {
			broken[lawBounded] = fmt.Sprintf("%d writers left %d values after %d rounds", writers, store.Len(), round+1)
			return
		}
		contexts[w] = store.Context()
	}
}

func TestSiblingsKeepTheLaws(t *testing.T) {
	programs := 300
	if testing.Short() {
		programs = 60
	}
	for law, how := range siblingLaws(ourSiblings(), programs) {
		t.Errorf("%s: %s", law, how)
	}
}

// signs returns a sync that writes a value of its own when it should not.
func signs(when func(s, o *siblings) bool) func(s, o *siblings) bool {
	return func(s, o *siblings) bool {
		write := when(s, o)
		s.Sync(o)
		if write {
			ourSiblings().put(s, new(vectorclock.Clock), "syncer", "synced")
		}
		return true
	}
}

// Each law must be able to fail.
func TestEachSiblingLawFindsItsMutant(t *testing.T) {
	for law, breakIt := range map[string]func(*siblingOps){
		lawPut: func(o *siblingOps) {
			put := o.put
			o.put = func(s *siblings, _ *vectorclock.Clock, actor, value string) {
				all := s.Context() // the last writer wins
				put(s, &all, actor, value)
			}
		},
		lawSync: func(o *siblingOps) {
			clone := o.clone
			o.sync = func(s, o *siblings) bool {
				*s = *clone(o)
				return true
			}
		},
		lawApart: func(o *siblingOps) { o.clone = func(s *siblings) *siblings { return s } },
		lawChanged: func(o *siblingOps) {
			sync := o.sync
			o.sync = func(s, o *siblings) bool {
				sync(s, o)
				return true
			}
		},
		lawCommutes: func(o *siblingOps) {
			o.sync = func(s, o *siblings) bool { return s.Len() == 0 && s.Sync(o) }
		},
		lawAssociates: func(o *siblingOps) { o.sync = signs(func(s, _ *siblings) bool { return s.Len() > 1 }) },
		lawIdempotent: func(o *siblingOps) { o.sync = signs(func(_, _ *siblings) bool { return true }) },
		lawAbsorbs:    func(o *siblingOps) { o.sync = signs(func(s, o *siblings) bool { return !s.Same(o) }) },
		lawBounded: func(o *siblingOps) {
			put := o.put
			o.put = func(s *siblings, _ *vectorclock.Clock, actor, value string) {
				put(s, new(vectorclock.Clock), actor, value)
			}
		},
	} {
		broken := ourSiblings()
		breakIt(&broken)
		if got := siblingLaws(broken, 60); got[law] == "" {
			t.Errorf("%s: its mutant keeps it, and breaks %v", law, got)
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

// A context made by hand can cover a write without what that came in place of.
// Sync must still learn that it is gone.
func TestSyncLearnsWhatIsGone(t *testing.T) {
	put := ourSiblings().put
	var a siblings
	put(&a, new(vectorclock.Clock), "a", "old")
	b := a.Clone()
	put(&b, abc(t, 1, 0, 0), "b", "new")
	var seenB vectorclock.Clock
	if _, err := seenB.Witness(vectorclock.Dot{Actor: "b", Count: 1}, 1); err != nil {
		t.Fatal(err)
	}
	put(&a, &seenB, "c", "newer")
	if !a.Sync(&b) {
		t.Error("nothing changed, it says")
	}
	if got := values(&a); len(got) != 1 || got[vectorclock.Dot{Actor: "c", Count: 1}] != "newer" {
		t.Errorf("it holds %v", got)
	}
}

// A Put that is refused changes nothing.
func TestBadPutsAreRefused(t *testing.T) {
	var s siblings
	put := ourSiblings().put
	put(&s, new(vectorclock.Clock), "a", "kept")
	context, full := s.Context(), single(t, vectorclock.Entry{Count: vectorclock.MaxCount})
	for name, tt := range map[string]struct {
		context *vectorclock.Clock
		actor   string
		want    error
	}{
		"no name":            {&context, "", vectorclock.ErrActor},
		"counted to the end": {full, "a", vectorclock.ErrCount},
	} {
		if d, err := s.Put(tt.context, tt.actor, "lost"); !errors.Is(err, tt.want) || d != (vectorclock.Dot{}) {
			t.Errorf("%s: %v, %v, want %v", name, d, err, tt.want)
		}
		if got := values(&s); len(got) != 1 || got[vectorclock.Dot{Actor: "a", Count: 1}] != "kept" {
			t.Errorf("%s: it holds %v", name, got)
		}
	}
}
