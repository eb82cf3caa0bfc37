package vectorclocktest

import (
	"maps"
	"math/rand/v2"
)

// An Op is one step of a program. Each step makes a clock, out of one or two of
// the clocks that are there.
type Op struct {
	Kind Kind
	// A and B choose clocks, counted round and round the clocks that are there.
	A, B uint8
	// Actor chooses the actor who counts, round and round [Actors].
	Actor uint8
	// Wait is the time that passes before the step; below zero the wall clock
	// goes back.
	Wait int8
}

// A Kind says what a step does.
type Kind uint8

// Increments are two of the kinds, so that programs count more than they merge.
const (
	Increment Kind = iota
	IncrementToo
	Merge
	Insert
	Kinds // the number of kinds
)

// A Program is the steps that lead to the clocks for which laws are checked. It
// starts with a clock that has seen nothing. Any values are a program.
type Program []Op

// programMax is the number of steps after which a program ends: laws look at all
// pairs of its clocks.
const programMax = 16

var actors = []string{"a", "b", "c", "d0000000-0000-4000-8000-000000000000"}

// Actors returns the names of the actors of programs.
func Actors() []string { return append([]string(nil), actors...) }

// random returns a program of 4 to 12 steps.
func random(rnd *rand.Rand) Program {
	p := make(Program, 4+rnd.IntN(9))
	waits := [...]int8{-1, 0, 0, 0, 1, 7} // often none: ties are where clocks go wrong
	for i := range p {
		p[i] = Op{Kind(rnd.IntN(int(Kinds))), uint8(rnd.IntN(256)), uint8(rnd.IntN(256)), uint8(rnd.IntN(256)), waits[rnd.IntN(len(waits))]}
	}
	return p
}

// A model is what a clock should have counted.
type model map[string]uint64

func (m model) merge(o model) model {
	out := maps.Clone(m)
	for a, n := range o {
		out[a] = max(out[a], n)
	}
	return out
}

// A state is a clock that a program made.
type state[C any] struct {
	clock C
	model model
	forms []C // the clock itself, a clone, and what comes out of its encoding
}

// A step is what one increment did.
type step[C any] struct {
	before, after state[C]
	actor         string
	old           C // a clone of before.clock, made first
}

// A run is what a program made.
type run[C any] struct {
	impl   *Implementation[C]
	states []state[C]
	steps  []step[C]
}

// play runs a program.
func (impl *Implementation[C]) play(p Program) *run[C] {
	r := &run[C]{impl: impl, states: []state[C]{{clock: impl.New(), model: model{}}}}
	now := int64(1000)
	for _, op := range p[:min(len(p), programMax)] {
		now += int64(op.Wait)
		a, b := r.pick(op.A), r.pick(op.B)
		actor := actors[int(op.Actor)%len(actors)]
		switch kind := op.Kind % Kinds; {
		case kind == Merge:
			merged, _ := impl.Merge(a.clock, b.clock)
			r.states = append(r.states, state[C]{clock: merged, model: a.model.merge(b.model)})
		case kind == Insert && impl.Insert != nil:
			r.states = append(r.states, state[C]{clock: impl.Insert(impl.Clone(a.clock), actor, now), model: a.model})
		default:
			r.increment(a, actor, now)
		}
	}
	for i := range r.states {
		r.states[i].forms = impl.forms(r.states[i].clock)
	}
	return r
}

// forms returns a clock in several forms.
func (impl *Implementation[C]) forms(c C) []C {
	all := []C{c, impl.Clone(c)}
	if impl.Encode != nil && impl.Decode != nil {
		if data, err := impl.Encode(c); err == nil {
			if d, err := impl.Decode(data); err == nil {
				all = append(all, d)
			}
		}
	}
	return all
}

func (r *run[C]) pick(i uint8) state[C] { return r.states[int(i)%len(r.states)] }

func (r *run[C]) increment(a state[C], actor string, now int64) {
	m := maps.Clone(a.model)
	m[actor]++
	old := r.impl.Clone(a.clock)
	after := state[C]{clock: r.impl.Increment(r.impl.Clone(a.clock), actor, now), model: m}
	r.states = append(r.states, after)
	r.steps = append(r.steps, step[C]{a, after, actor, old})
}
