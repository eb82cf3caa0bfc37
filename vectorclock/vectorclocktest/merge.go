package vectorclocktest

import "fmt"

func (r *run[C]) leaves(p, q state[C]) string {
	r.impl.Merge(p.clock, q.clock)
	return r.counted(p.clock, p.model) + r.counted(q.clock, q.model)
}

func (r *run[C]) commutes(p, q state[C]) string {
	return r.same(r.merge(p.clock, q.clock), r.merge(q.clock, p.clock))
}

func (r *run[C]) associates(p, q, s state[C]) string {
	return r.same(r.merge(r.merge(p.clock, q.clock), s.clock), r.merge(p.clock, r.merge(q.clock, s.clock)))
}

func (r *run[C]) idempotent() string {
	for _, p := range r.states {
		if diff := r.same(r.merge(p.clock, r.impl.Clone(p.clock)), p.clock); diff != "" {
			return fmt.Sprintf("%v with itself: %s", p.model, diff)
		}
	}
	return ""
}

func (r *run[C]) absorbs(p, q state[C]) string {
	m := r.merge(p.clock, q.clock)
	return r.same(r.merge(m, q.clock), m) + r.same(r.merge(m, p.clock), m)
}

func (r *run[C]) upper(p, q state[C]) string {
	m := r.merge(p.clock, q.clock)
	if one, other := r.compare(p.clock, m), r.compare(q.clock, m); !atMost(one) || !atMost(other) {
		return fmt.Sprintf("they are %v and %v their merge", one, other)
	}
	return ""
}

func (r *run[C]) least(p, q state[C]) string {
	return r.counted(r.merge(p.clock, q.clock), p.model.merge(q.model))
}

func (r *run[C]) whole(p, q state[C]) string {
	if r.impl.Entry == nil {
		return ""
	}
	m := r.merge(p.clock, q.clock)
	for _, actor := range actors {
		x, _ := r.impl.Entry(p.clock, actor)
		y, _ := r.impl.Entry(q.clock, actor)
		if e, _ := r.impl.Entry(m, actor); e != x && e != y {
			return fmt.Sprintf("actor %s has %v, of %v and %v", actor, e, x, y)
		}
	}
	return ""
}

func (r *run[C]) saysChanged(p, q state[C]) string {
	m, changed := r.impl.Merge(p.clock, q.clock)
	if news := !atMost(order(q.model, p.model)); news && !changed {
		return "nothing changed, it says"
	}
	if _, again := r.impl.Merge(m, q.clock); again {
		return "the second time it changed again, it says"
	}
	return ""
}

func (r *run[C]) meetCommutes(p, q state[C]) string {
	if r.impl.Meet == nil {
		return ""
	}
	return r.same(r.impl.Meet(p.clock, q.clock), r.impl.Meet(q.clock, p.clock))
}

func (r *run[C]) meetAssociates(p, q, s state[C]) string {
	meet := r.impl.Meet
	if meet == nil {
		return ""
	}
	return r.same(meet(meet(p.clock, q.clock), s.clock), meet(p.clock, meet(q.clock, s.clock)))
}

func (r *run[C]) greatest(p, q state[C]) string {
	if r.impl.Meet == nil {
		return ""
	}
	m := r.impl.Meet(p.clock, q.clock)
	want := model{}
	for _, actor := range actors {
		want[actor] = min(p.model[actor], q.model[actor])
	}
	if one, other := r.compare(m, p.clock), r.compare(m, q.clock); !atMost(one) || !atMost(other) {
		return fmt.Sprintf("what both saw is %v one and %v the other", one, other)
	}
	return r.counted(m, want)
}

func (r *run[C]) absorb(p, q state[C]) string {
	if r.impl.Meet == nil {
		return ""
	}
	return r.same(r.merge(p.clock, r.impl.Meet(p.clock, q.clock)), p.clock) +
		r.same(r.impl.Meet(p.clock, r.merge(p.clock, q.clock)), p.clock)
}
