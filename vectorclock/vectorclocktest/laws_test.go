package vectorclocktest_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/clusterluck/clusterluck/vectorclock"
	"github.com/clusterluck/clusterluck/vectorclock/vectorclocktest"
)

type (
	clock = *vectorclock.Clock
	impl  = vectorclocktest.Implementation[clock]
	entry = vectorclock.Entry
)

func ours() impl { return vectorclocktest.Vectorclock() }

func must(c clock, err error) clock {
	if err != nil {
		panic(err)
	}
	return c
}

func TestVectorclockKeepsTheLaws(t *testing.T) {
	programs := 600
	if testing.Short() {
		programs = 60
	}
	vectorclocktest.Check(t, ours(), 1, programs)
	cbor, json := ours(), ours()
	cbor.Encode = func(c clock) ([]byte, error) { return c.MarshalCBOR() }
	cbor.Decode = func(data []byte) (clock, error) {
		c := new(vectorclock.Clock)
		return c, c.UnmarshalCBOR(data)
	}
	vectorclocktest.Check(t, cbor, 2, programs/4)
	json.Loose = true // JSON may have spaces, and fields in any order
	json.Encode = func(c clock) ([]byte, error) { return c.MarshalJSON() }
	json.Decode = func(data []byte) (clock, error) {
		c := new(vectorclock.Clock)
		return c, c.UnmarshalJSON(data)
	}
	vectorclocktest.Check(t, json, 3, programs/4)
}

// A recorder is a test that remembers what failed.
type recorder struct{ said []string }

func (*recorder) Helper() {}

func (r *recorder) Errorf(format string, args ...any) {
	r.said = append(r.said, fmt.Sprintf(format, args...))
}

// by makes a merge out of what becomes of two entries for an actor.
func by(merge func(x, y entry) entry) func(a, b clock) (clock, bool) {
	return func(a, b clock) (clock, bool) {
		m := a.Clone()
		for actor, y := range b.All() {
			x, ok := a.Entry(actor)
			e := y
			if ok {
				e = merge(x, y)
			}
			set(&m, actor, e)
		}
		return &m, !m.Identical(a)
	}
}

// meetBy makes a meet out of what becomes of two entries for an actor.
func meetBy(meet func(x, y entry) entry) func(a, b clock) clock {
	return func(a, b clock) clock {
		m := new(vectorclock.Clock)
		for actor, x := range a.All() {
			if y, ok := b.Entry(actor); ok {
				set(m, actor, meet(x, y))
			}
		}
		return m
	}
}

func set(c clock, actor string, e entry) {
	c.Remove(actor)
	if _, err := c.Set(actor, e.Count, e.Updated, e.Inserted); err != nil {
		panic(err)
	}
}

func average(x, y entry) entry {
	return entry{Count: max(x.Count, y.Count), Inserted: (x.Inserted + y.Inserted) / 2, Updated: (x.Updated + y.Updated) / 2}
}

// near compares clocks that are one event apart as equal.
func near(a, b clock) vectorclock.Ordering {
	ahead, behind := false, false
	for _, actor := range vectorclocktest.Actors() {
		ahead = ahead || a.Count(actor) > b.Count(actor)+1
		behind = behind || b.Count(actor) > a.Count(actor)+1
	}
	return vectorclock.OrderingOf(ahead, behind)
}

// mutants break one law each, as libraries in use do.
func mutants() map[string]func(*impl) {
	encodings := byte(0)
	ticks := func(i *impl, when func(a, b clock) bool) {
		merge, increment := i.Merge, i.Increment
		i.Merge = func(a, b clock) (clock, bool) {
			m, changed := merge(a, b)
			if when(a, b) {
				m = increment(m, "a", 1)
			}
			return m, changed
		}
	}
	return map[string]func(*impl){
		"order is pointwise": func(i *impl) {
			i.Compare = func(a, b clock) vectorclock.Ordering { return b.Compare(a) }
		},
		"order mirrors": func(i *impl) {
			i.Compare = func(a, b clock) vectorclock.Ordering {
				if o := a.Compare(b); o != vectorclock.Concurrent {
					return o
				}
				return vectorclock.After
			}
		},
		"order is transitive":    func(i *impl) { i.Compare = near },
		"order is antisymmetric": func(i *impl) { i.Compare = near },
		"order is of what was seen, not of how it is held": func(i *impl) {
			i.Compare = func(a, b clock) vectorclock.Ordering {
				if o := a.Compare(b); o != vectorclock.Equal || a == b {
					return o
				}
				return vectorclock.Before
			}
		},
		"events are covered in order": func(i *impl) {
			i.Covers = func(c clock, d vectorclock.Dot) bool { return c.Count(d.Actor) == d.Count } // the last alone
		},
		"a delta leads from its base to the clock": func(i *impl) {
			i.Apply = func(base clock, _ []byte) (clock, error) { return base, nil }
		},
		"a delta is of one base": func(i *impl) {
			i.Delta = func(c, _ clock) ([]byte, error) { return c.MarshalBinary() } // the whole clock
			i.Apply = func(_ clock, delta []byte) (clock, error) {
				c := new(vectorclock.Clock)
				return c, c.UnmarshalBinary(delta)
			}
		},
		"increment counts one": func(i *impl) {
			increment := i.Increment
			i.Increment = func(c clock, actor string, now int64) clock { return increment(increment(c, actor, now), actor, now) }
		},
		"increment is after": func(i *impl) { i.Increment = func(c clock, _ string, _ int64) clock { return c } },
		"time never goes back": func(i *impl) {
			i.Increment = func(c clock, actor string, now int64) clock {
				_, err := c.Set(actor, c.Count(actor)+1, now, now)
				return must(c, err)
			}
		},
		"clone is apart": func(i *impl) { i.Clone = func(c clock) clock { return c } },
		"merge leaves its arguments": func(i *impl) {
			i.Merge = func(a, b clock) (clock, bool) {
				changed := a.Merge(b)
				return a, changed
			}
		},
		"merge commutes": func(i *impl) {
			i.Merge = by(func(x, y entry) entry {
				if y.Count > x.Count || y.Count == x.Count && y.Updated > x.Updated {
					return y
				}
				return x // of entries inserted at two times its own, as the original has it
			})
		},
		"merge associates":    func(i *impl) { i.Merge = by(average) },
		"merge is idempotent": func(i *impl) { ticks(i, func(_, _ clock) bool { return true }) },
		"merge absorbs":       func(i *impl) { ticks(i, func(a, b clock) bool { return !a.Equal(b) }) },
		"merge is an upper bound": func(i *impl) {
			i.Merge = func(a, b clock) (clock, bool) {
				m := b.Clone()
				for actor, e := range a.All() {
					if b.Count(actor) < e.Count && b.Has(actor) {
						set(&m, actor, e)
					}
				}
				return &m, !m.Identical(a)
			}
		},
		"merge is the least upper bound": func(i *impl) { ticks(i, func(a, b clock) bool { return a.Len() > b.Len() }) },
		"merge keeps entries whole": func(i *impl) {
			i.Merge = by(func(x, y entry) entry {
				return entry{Count: max(x.Count, y.Count), Inserted: min(x.Inserted, y.Inserted), Updated: max(x.Updated, y.Updated)}
			})
		},
		"merge says whether it changed": func(i *impl) {
			merge := i.Merge
			i.Merge = func(a, b clock) (clock, bool) {
				m, _ := merge(a, b)
				return m, true
			}
		},
		"meet commutes": func(i *impl) {
			i.Meet = meetBy(func(x, y entry) entry {
				if y.Count < x.Count {
					return y
				}
				return x
			})
		},
		"meet associates": func(i *impl) { i.Meet = meetBy(average) },
		"meet is the greatest lower bound": func(i *impl) {
			i.Meet = func(a, _ clock) clock {
				m := a.Clone()
				return &m
			}
		},
		"meet and merge absorb each other": func(i *impl) { i.Meet = func(_, _ clock) clock { return new(vectorclock.Clock) } },
		"encoding comes back": func(i *impl) {
			i.Decode = func([]byte) (clock, error) { return new(vectorclock.Clock), nil }
		},
		"encoding is canonical": func(i *impl) {
			encode, decode := i.Encode, i.Decode
			i.Encode = func(c clock) ([]byte, error) {
				data, err := encode(c)
				encodings++
				return append(data, encodings), err
			}
			i.Decode = func(data []byte) (clock, error) { return decode(data[:max(len(data)-1, 0)]) }
		},
		"decoding is strict": func(i *impl) {
			decode := i.Decode
			i.Decode = func(data []byte) (clock, error) {
				if c, err := decode(data); err == nil {
					return c, nil
				}
				return new(vectorclock.Clock), nil
			}
		},
	}
}

// breaks reports whether any of some random programs breaks a law.
func breaks(i impl, name string) bool {
	rnd := rand.New(rand.NewPCG(1, 1))
	for range 400 {
		p := make(vectorclocktest.Program, 12)
		for i := range p {
			p[i] = vectorclocktest.Op{
				Kind: vectorclocktest.Kind(rnd.IntN(int(vectorclocktest.Kinds))),
				A:    uint8(rnd.IntN(16)), B: uint8(rnd.IntN(16)), Actor: uint8(rnd.IntN(4)), Wait: int8(rnd.IntN(4) - 1),
			}
		}
		if vectorclocktest.Broken(i, name, p) != "" {
			return true
		}
	}
	return false
}

// Check names the law, the seed and the program of what it finds.
func TestCheckSaysWhatBroke(t *testing.T) {
	broken := ours()
	mutants()["increment is after"](&broken)
	var r recorder
	vectorclocktest.Check(&r, broken, 7, 20)
	if !slices.ContainsFunc(r.said, func(s string) bool { return strings.HasPrefix(s, "increment is after: seed 7, program ") }) {
		t.Errorf("it says %q", r.said)
	}
}

// Each law must be able to fail: for each there is a clock that breaks it.
func TestEachLawFindsItsMutant(t *testing.T) {
	all := mutants()
	for _, name := range vectorclocktest.Names() {
		breakIt, ok := all[name]
		if !ok {
			t.Errorf("%s: no mutant", name)
			continue
		}
		broken := ours()
		breakIt(&broken)
		if !breaks(broken, name) {
			t.Errorf("%s: its mutant keeps it", name)
		}
		delete(all, name)
	}
	for name := range all {
		t.Errorf("%s: a mutant of no law", name)
	}
}

// A program of a failure can be run again, alone.
func TestBrokenRunsOneLawOnOneProgram(t *testing.T) {
	broken := ours()
	mutants()["increment is after"](&broken)
	p := vectorclocktest.Program{{Kind: vectorclocktest.Increment}}
	if got := vectorclocktest.Broken(broken, "increment is after", p); got == "" {
		t.Error("an increment that does nothing keeps the law")
	}
	if got := vectorclocktest.Broken(ours(), "increment is after", p); got != "" {
		t.Errorf("ours breaks it: %s", got)
	}
}
