package fuzz_test

import (
	"fmt"
	"maps"
	"reflect"
	"testing"

	"github.com/clusterluck/clusterluck/vectorclock"
	"github.com/leanovate/gopter"
	"github.com/leanovate/gopter/gen"
	"github.com/leanovate/gopter/prop"
)

// A request is one step of stores that take writes: a client reads at a replica,
// writes at one what it read before, or two replicas sync.
type request struct {
	Kind    uint8 // 0: read at From; 1: sync From to To; else write at To
	From    uint8
	To      uint8
	Context uint8 // which of the contexts that were read the write has
}

func genRequests() gopter.Gen {
	return gen.SliceOf(gen.Struct(reflect.TypeFor[request](), map[string]gopter.Gen{
		"Kind": gen.UInt8Range(0, 3), "From": gen.UInt8Range(0, 2), "To": gen.UInt8Range(0, 2), "Context": gen.UInt8Range(0, 15),
	}))
}

type (
	dots  = map[vectorclock.Dot]bool
	store = vectorclock.Siblings[string]
)

// A truth is what a replica's store should be: the writes that it knows of.
type truth struct {
	seen dots
	over map[vectorclock.Dot]dots // of all replicas: what each write came in place of
}

// live returns the values that no known write came in place of.
func (r *truth) live() map[vectorclock.Dot]string {
	live := make(map[vectorclock.Dot]string)
	for d := range r.seen {
		live[d] = fmt.Sprint(d)
	}
	for d := range r.seen {
		for gone := range r.over[d] {
			delete(live, gone)
		}
	}
	return live
}

var storeCodec = vectorclock.SiblingsCodec[string]{
	AppendValue: func(dst []byte, v string) ([]byte, error) { return append(dst, v...), nil },
	Value:       func(data []byte) (string, error) { return string(data), nil },
}

// Siblings must hold exactly the values that no write came in place of, whatever
// was read, written and synced in between.
func TestSiblingsTellTheHistory(t *testing.T) {
	props := gopter.NewProperties(lawful(200, 40))
	props.Property("live values", prop.ForAll(func(rs []request) string {
		return siblingHistory(rs, (*store).Sync)
	}, genRequests()))
	props.TestingRun(t)
}

// A sync that keeps all values of both must be found out, and one that keeps
// those of one side.
func TestSiblingHistoriesFindMutants(t *testing.T) {
	for name, sync := range map[string]func(s, o *store) bool{
		"the other's values alone": func(s, o *store) bool {
			*s = o.Clone()
			return true
		},
		"its own values alone": func(_, _ *store) bool { return false },
	} {
		params := lawful(200, 40)
		params.Workers = 1
		holds := prop.ForAll(func(rs []request) string { return siblingHistory(rs, sync) }, genRequests())
		if holds.Check(params).Passed() {
			t.Errorf("%s: no history shows that it is wrong", name)
		}
	}
}

// siblingHistory plays requests and returns where a store is not what it should
// be, or "".
func siblingHistory(rs []request, sync func(s, o *store) bool) string {
	type context struct {
		clock vectorclock.Clock
		seen  dots
	}
	stores, over := [3]store{}, make(map[vectorclock.Dot]dots)
	truths := [3]*truth{{dots{}, over}, {dots{}, over}, {dots{}, over}}
	contexts := []context{{seen: dots{}}}
	for step, r := range rs {
		s, want := &stores[r.To], truths[r.To]
		switch r.Kind {
		case 0:
			contexts = append(contexts, context{stores[r.From].Context(), maps.Clone(truths[r.From].seen)})
		case 1:
			sent := must(storeCodec.Decode(must(storeCodec.Append(nil, &stores[r.From]))))
			sync(s, &sent)
			maps.Copy(want.seen, truths[r.From].seen)
		default:
			c := &contexts[int(r.Context)%len(contexts)]
			actor := fmt.Sprintf("replica-%d", r.To)
			value := fmt.Sprint(vectorclock.Dot{Actor: actor, Count: max(counted(s, actor), c.clock.Count(actor)) + 1})
			d := must(s.Put(&c.clock, actor, value))
			maps.Copy(want.seen, c.seen)
			want.seen[d], over[d] = true, c.seen
		}
		if got := maps.Collect(s.Values()); !maps.Equal(got, want.live()) {
			return fmt.Sprintf("after step %d replica %d holds %v, want %v", step, r.To, got, want.live())
		}
	}
	return ""
}

func counted(s *store, actor string) uint64 {
	c := s.Context()
	return c.Count(actor)
}
