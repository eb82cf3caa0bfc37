package fuzz_test

import (
	"fmt"
	"maps"
	"reflect"
	"testing"

	"github.com/clusterluck/clusterluck/vectorclock"
	"github.com/clusterluck/clusterluck/vectorclock/vectorclocktest"
	"github.com/leanovate/gopter"
	"github.com/leanovate/gopter/gen"
	"github.com/leanovate/gopter/prop"
)

// genProgram draws programs of less than 16 steps.
func genProgram() gopter.Gen {
	return gen.SliceOf(gen.Struct(reflect.TypeFor[vectorclocktest.Op](), map[string]gopter.Gen{
		"Kind":  gen.UInt8Range(0, uint8(vectorclocktest.Kinds)-1).Map(func(k uint8) vectorclocktest.Kind { return vectorclocktest.Kind(k) }),
		"A":     gen.UInt8Range(0, 15),
		"B":     gen.UInt8Range(0, 15),
		"Actor": gen.UInt8Range(0, 3),
		"Wait":  gen.Int8Range(-3, 8),
	}))
}

// The laws of a clock hold for any program. That each can fail is tested beside
// them, in package vectorclocktest.
func TestClocksKeepTheLaws(t *testing.T) {
	props := gopter.NewProperties(lawful(200, 16))
	for _, name := range vectorclocktest.Names() {
		props.Property(name, prop.ForAll(func(p []vectorclocktest.Op) string {
			return vectorclocktest.Broken(vectorclocktest.Vectorclock(), name, p)
		}, genProgram()))
	}
	props.TestingRun(t)
}

// A message is one step of a history: a replica counts an event, or hears from
// another in one of several ways.
type message struct {
	From, To uint8
	How      uint8 // 0 to 2: an event of To; then a way of sending
	Wait     uint8
	Trim     uint8 // lower bound of entries that To is trimmed to, above 3 not at all
}

const ways = 8 // of message.How

func genMessages() gopter.Gen {
	return gen.SliceOf(gen.Struct(reflect.TypeFor[message](), map[string]gopter.Gen{
		"From": gen.UInt8Range(0, 3), "To": gen.UInt8Range(0, 3), "How": gen.UInt8Range(0, ways-1),
		"Wait": gen.UInt8Range(0, 20), "Trim": gen.UInt8Range(0, 9),
	}))
}

// A witness is a replica with its clock, the same clock trimmed now and then, and
// the truth: the events that it has seen.
type witness struct {
	clock, trimmed vectorclock.Clock
	seen           map[vectorclock.Dot]bool
}

func (w *witness) copy() *witness {
	return &witness{w.clock.Clone(), w.trimmed.Clone(), maps.Clone(w.seen)}
}

// order is how the events that two have seen stand to each other.
func (w *witness) order(o *witness) vectorclock.Ordering {
	ahead, behind := false, false
	for d := range w.seen {
		ahead = ahead || !o.seen[d]
	}
	for d := range o.seen {
		behind = behind || !w.seen[d]
	}
	return vectorclock.OrderingOf(ahead, behind)
}

// send makes to hear all that from has seen.
func send(from, to *witness, how uint8) {
	for d := range from.seen {
		to.seen[d] = true
	}
	to.trimmed.Merge(&from.trimmed)
	var heard vectorclock.Clock
	switch how {
	case 3:
		heard = from.clock.Clone()
	case 4:
		must(0, heard.UnmarshalBinary(must(from.clock.MarshalBinary())))
	case 5:
		must(0, heard.UnmarshalJSON(must(from.clock.MarshalJSON())))
	case 6:
		must(0, heard.UnmarshalCBOR(must(from.clock.MarshalCBOR())))
	default: // a delta to what both have together
		sum := to.clock.Clone()
		sum.Merge(&from.clock)
		must(0, to.clock.ApplyDelta(must(sum.AppendDelta(nil, &to.clock))))
		return
	}
	to.clock.Merge(&heard)
}

// history plays messages and returns all states that replicas were in.
func history(ms []message) (all []*witness) {
	replicas := make([]*witness, 4)
	for i := range replicas {
		replicas[i] = &witness{seen: make(map[vectorclock.Dot]bool)}
	}
	now := int64(0)
	for _, m := range ms {
		now += int64(m.Wait)
		to := replicas[m.To]
		if m.How < 3 {
			d := must(to.clock.Increment(fmt.Sprintf("replica-%d-%d", m.To, m.How), now))
			must(to.trimmed.Witness(d, now)) // it may have trimmed its own count
			to.seen[d] = true
		} else {
			send(replicas[m.From], to, m.How)
		}
		if m.Trim <= 3 {
			to.trimmed.Trim(now, vectorclock.Policy{Lower: int(m.Trim), Upper: int(m.Trim), Young: 10})
		}
		all = append(all, to.copy())
	}
	return all
}

// Clocks must say of any two states of any history what the sets of events that
// were seen say; a trimmed clock, only what it says is exact, and never that the
// older of two states is the newer.
func TestClocksTellTheHistory(t *testing.T) {
	pairs := func(check func(a, b *witness) string) any {
		return func(ms []message) string {
			states := history(ms)
			for i, a := range states {
				for _, b := range states[:i+1] {
					if broken := check(a, b); broken != "" {
						return fmt.Sprintf("%v and %v: %s", a.seen, b.seen, broken)
					}
				}
			}
			return ""
		}
	}
	props := gopter.NewProperties(lawful(200, 30))
	props.Property("order", prop.ForAll(pairs(func(a, b *witness) string {
		if got, want := a.clock.Compare(&b.clock), a.order(b); got != want {
			return fmt.Sprintf("%v, want %v", got, want)
		}
		return ""
	}), genMessages()))
	props.Property("dots", prop.ForAll(pairs(func(a, b *witness) string {
		for d := range b.seen {
			if a.clock.Covers(d) != a.seen[d] {
				return fmt.Sprintf("covers %v: %v", d, !a.seen[d])
			}
		}
		return ""
	}), genMessages()))
	props.Property("trimmed", prop.ForAll(pairs(func(a, b *witness) string {
		truth := a.order(b)
		got, exact := a.trimmed.CompareTrimmed(&b.trimmed)
		switch {
		case exact && got != truth:
			return fmt.Sprintf("%v is said to be exact, want %v", got, truth)
		case truth == vectorclock.Before && got == vectorclock.After, truth == vectorclock.After && got == vectorclock.Before:
			return fmt.Sprintf("%v, want %v", got, truth)
		}
		return ""
	}), genMessages()))
	props.TestingRun(t)
}

// A planted bug in each must show.
func TestHistoriesFindMutants(t *testing.T) {
	found := map[string]bool{}
	for seed := range int64(40) {
		params := gopter.DefaultGenParameters()
		params.MaxSize, params.Rng = 30, params.CloneWithSeed(seed).Rng
		sample, ok := genMessages()(params).Retrieve()
		if !ok {
			t.Fatal("no messages")
		}
		states := history(sample.([]message))
		for _, a := range states {
			for _, b := range states {
				truth := a.order(b)
				found["the plain order of trimmed clocks"] = found["the plain order of trimmed clocks"] || a.trimmed.Compare(&b.trimmed) == truth.Reverse() && truth != truth.Reverse()
				got, _ := a.trimmed.CompareTrimmed(&b.trimmed)
				found["all verdicts are exact"] = found["all verdicts are exact"] || got != truth
			}
		}
	}
	for _, mutant := range []string{"the plain order of trimmed clocks", "all verdicts are exact"} {
		if !found[mutant] {
			t.Errorf("%s: no history shows that it is wrong", mutant)
		}
	}
}

// A Ticker must never use an event twice, whatever clock it is given: its actor
// may have come back with an older one.
func TestTickersNeverRepeatAnEvent(t *testing.T) {
	props := gopter.NewProperties(lawful(200, 30))
	props.Property("fresh dots", prop.ForAll(func(which []uint8) string {
		now := int64(0)
		ticker := vectorclock.Ticker{Actor: "a", Now: func() int64 { return now }}
		states := []vectorclock.Clock{{}}
		used := make(map[vectorclock.Dot]bool)
		for _, w := range which {
			c := states[int(w)%len(states)].Clone()
			d := must(ticker.Tick(&c))
			if used[d] {
				return fmt.Sprintf("%v is used twice", d)
			}
			used[d] = true
			states = append(states, c)
		}
		return ""
	}, gen.SliceOf(gen.UInt8())))
	props.TestingRun(t)
}
