package vectorclocktest

import (
	"fmt"

	"github.com/clusterluck/clusterluck/vectorclock"
)

// A law is one thing that holds of all clocks. broken returns how the clocks of a
// run break it, or "".
type law[C any] struct {
	name   string
	broken func(*run[C]) string
}

// laws is the table of all laws. Those of codecs and meets hold trivially where
// the implementation has none.
func laws[C any]() []law[C] {
	return []law[C]{
		{"order is pointwise", (*run[C]).pointwise},
		{"order mirrors", pairs((*run[C]).mirrors)},
		{"order is transitive", triples((*run[C]).transitive)},
		{"order is antisymmetric", pairs((*run[C]).antisymmetric)},
		{"order is of what was seen, not of how it is held", pairs((*run[C]).onEveryPath)},
		{"events are covered in order", (*run[C]).covers},
		{"increment counts one", (*run[C]).countsOne},
		{"increment is after", (*run[C]).after},
		{"time never goes back", (*run[C]).timeStays},
		{"clone is apart", (*run[C]).apart},
		{"merge leaves its arguments", pairs((*run[C]).leaves)},
		{"merge commutes", pairs((*run[C]).commutes)},
		{"merge associates", triples((*run[C]).associates)},
		{"merge is idempotent", (*run[C]).idempotent},
		{"merge absorbs", pairs((*run[C]).absorbs)},
		{"merge is an upper bound", pairs((*run[C]).upper)},
		{"merge is the least upper bound", pairs((*run[C]).least)},
		{"merge keeps entries whole", pairs((*run[C]).whole)},
		{"merge says whether it changed", pairs((*run[C]).saysChanged)},
		{"meet commutes", pairs((*run[C]).meetCommutes)},
		{"meet associates", triples((*run[C]).meetAssociates)},
		{"meet is the greatest lower bound", pairs((*run[C]).greatest)},
		{"meet and merge absorb each other", pairs((*run[C]).absorb)},
		{"encoding comes back", (*run[C]).comesBack},
		{"encoding is canonical", pairs((*run[C]).canonical)},
		{"decoding is strict", (*run[C]).strict},
		{"a delta leads from its base to the clock", pairs((*run[C]).leads)},
		{"a delta is of one base", pairs((*run[C]).ofOneBase)},
	}
}

// pairs makes a check of all pairs of clocks.
func pairs[C any](check func(r *run[C], p, q state[C]) string) func(*run[C]) string {
	return func(r *run[C]) string {
		for _, p := range r.states {
			for _, q := range r.states {
				if s := check(r, p, q); s != "" {
					return fmt.Sprintf("of %v and %v: %s", p.model, q.model, s)
				}
			}
		}
		return ""
	}
}

// triples makes a check of all pairs of clocks, each with a third that lies
// between them in the program or with the last.
func triples[C any](check func(r *run[C], p, q, s state[C]) string) func(*run[C]) string {
	return func(r *run[C]) string {
		n := len(r.states)
		for i, p := range r.states {
			for j, q := range r.states {
				for _, k := range []int{(i + j) / 2, (i + j + 1) % n, n - 1} {
					if s := check(r, p, q, r.states[k]); s != "" {
						return fmt.Sprintf("of %v, %v and %v: %s", p.model, q.model, r.states[k].model, s)
					}
				}
			}
		}
		return ""
	}
}

// order is the order by definition.
func order(a, b model) vectorclock.Ordering {
	ahead, behind := false, false
	for _, actor := range actors {
		ahead = ahead || a[actor] > b[actor]
		behind = behind || a[actor] < b[actor]
	}
	return vectorclock.OrderingOf(ahead, behind)
}

func atMost(o vectorclock.Ordering) bool { return o == vectorclock.Equal || o == vectorclock.Before }

func (r *run[C]) compare(a, b C) vectorclock.Ordering { return r.impl.Compare(a, b) }

func (r *run[C]) merge(a, b C) C {
	m, _ := r.impl.Merge(a, b)
	return m
}

// same returns how two clocks differ in any entry, or "".
func (r *run[C]) same(a, b C) string {
	for _, actor := range actors {
		if r.impl.Entry != nil {
			x, inA := r.impl.Entry(a, actor)
			y, inB := r.impl.Entry(b, actor)
			if inA != inB || x != y {
				return fmt.Sprintf("actor %s has %v, and %v", actor, x, y)
			}
		}
		if x, y := r.impl.Count(a, actor), r.impl.Count(b, actor); x != y {
			return fmt.Sprintf("actor %s counts %d, and %d", actor, x, y)
		}
	}
	if o := r.compare(a, b); o != vectorclock.Equal {
		return o.String()
	}
	return ""
}

// counted returns where a clock does not count what it should, or "".
func (r *run[C]) counted(c C, m model) string {
	for _, actor := range actors {
		if got := r.impl.Count(c, actor); got != m[actor] {
			return fmt.Sprintf("%v counts %d of %s", m, got, actor)
		}
	}
	return ""
}
