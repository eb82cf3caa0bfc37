package vectorclocktest

import (
	"fmt"

	"github.com/clusterluck/clusterluck/vectorclock"
)

func (r *run[C]) pointwise() string {
	return pairs(func(r *run[C], p, q state[C]) string {
		if got, want := r.compare(p.clock, q.clock), order(p.model, q.model); got != want {
			return fmt.Sprintf("%v, want %v", got, want)
		}
		return ""
	})(r)
}

func (r *run[C]) mirrors(p, q state[C]) string {
	if one, other := r.compare(p.clock, q.clock), r.compare(q.clock, p.clock); one != other.Reverse() {
		return fmt.Sprintf("%v, and the other way %v", one, other)
	}
	return ""
}

func (r *run[C]) transitive(p, q, s state[C]) string {
	if atMost(r.compare(p.clock, q.clock)) && atMost(r.compare(q.clock, s.clock)) {
		if o := r.compare(p.clock, s.clock); !atMost(o) {
			return fmt.Sprintf("each is before the next, and the first %v the last", o)
		}
	}
	return ""
}

func (r *run[C]) antisymmetric(p, q state[C]) string {
	if atMost(r.compare(p.clock, q.clock)) && atMost(r.compare(q.clock, p.clock)) {
		for _, actor := range actors {
			if x, y := r.impl.Count(p.clock, actor), r.impl.Count(q.clock, actor); x != y {
				return fmt.Sprintf("neither is after the other, and actor %s counts %d and %d", actor, x, y)
			}
		}
	}
	return ""
}

// onEveryPath compares what came out of an encoding, twice to use what was
// remembered the first time, and clones.
func (r *run[C]) onEveryPath(p, q state[C]) string {
	want := r.compare(p.clock, q.clock)
	for range 2 {
		for i, a := range p.forms {
			for j, b := range q.forms {
				if got := r.compare(a, b); got != want {
					return fmt.Sprintf("%v, and as forms %d and %d %v", want, i, j, got)
				}
			}
		}
	}
	return ""
}

// covers looks whether a clock that counts n events of an actor has seen the first
// n, and no other.
func (r *run[C]) covers() string {
	if r.impl.Covers == nil {
		return ""
	}
	for _, p := range r.states {
		for _, actor := range actors {
			n := p.model[actor]
			for count := uint64(1); count <= n+1; count++ {
				if got := r.impl.Covers(p.clock, vectorclock.Dot{Actor: actor, Count: count}); got != (count <= n) {
					return fmt.Sprintf("%v has seen event %d of %s: %v", p.model, count, actor, got)
				}
			}
		}
	}
	return ""
}

func (r *run[C]) countsOne() string {
	for _, s := range r.steps {
		if diff := r.counted(s.after.clock, s.after.model); diff != "" {
			return fmt.Sprintf("%v and one of %s: %s", s.before.model, s.actor, diff)
		}
	}
	return ""
}

func (r *run[C]) after() string {
	for _, s := range r.steps {
		if o := r.compare(s.after.clock, s.before.clock); o != vectorclock.After {
			return fmt.Sprintf("%v is %v %v", s.after.model, o, s.before.model)
		}
	}
	return ""
}

func (r *run[C]) timeStays() string {
	for _, s := range r.steps {
		if r.impl.Entry == nil {
			break
		}
		before, had := r.impl.Entry(s.before.clock, s.actor)
		after, _ := r.impl.Entry(s.after.clock, s.actor)
		if had && (after.Updated < before.Updated || after.Inserted != before.Inserted) {
			return fmt.Sprintf("%v became %v", before, after)
		}
		const late int64 = 1 << 40
		c := r.impl.Increment(r.impl.Clone(s.after.clock), s.actor, late)
		if e, _ := r.impl.Entry(r.impl.Increment(c, s.actor, 0), s.actor); e.Updated != late {
			return fmt.Sprintf("incremented at %d and at 0, it is %v", late, e)
		}
	}
	return ""
}

// apart looks whether a clock is still what it was after its clone was
// incremented, and a clone after what it was cloned from was.
func (r *run[C]) apart() string {
	for _, s := range r.steps {
		if diff := r.counted(s.before.clock, s.before.model); diff != "" {
			return "a clone was incremented, and then " + diff
		}
		if diff := r.same(s.before.clock, s.old); diff != "" {
			return "a clone was incremented, and then " + diff
		}
		changed := r.impl.Clone(s.before.clock)
		kept := r.impl.Clone(changed)
		r.impl.Increment(changed, s.actor, 0)
		if diff := r.counted(kept, s.before.model); diff != "" {
			return "what was cloned was incremented, and then the clone of " + diff
		}
	}
	return ""
}
