package vectorclocktest

import (
	"bytes"
	"fmt"
)

func (r *run[C]) comesBack() string {
	if r.impl.Encode == nil || r.impl.Decode == nil {
		return ""
	}
	for _, p := range r.states {
		data, err := r.impl.Encode(p.clock)
		if err != nil {
			return fmt.Sprintf("%v: encode: %v", p.model, err)
		}
		back, err := r.impl.Decode(data)
		if err != nil {
			return fmt.Sprintf("%v: decode: %v", p.model, err)
		}
		if diff := r.same(back, p.clock); diff != "" {
			return fmt.Sprintf("%v: %s", p.model, diff)
		}
	}
	return ""
}

// canonical compares the encodings of what was reached on two ways.
func (r *run[C]) canonical(p, q state[C]) string {
	if r.impl.Encode == nil || r.impl.Decode == nil {
		return ""
	}
	one, err := r.impl.Encode(r.merge(p.clock, q.clock))
	if err != nil {
		return err.Error()
	}
	other, err := r.impl.Encode(r.merge(q.clock, p.clock))
	if err != nil {
		return err.Error()
	}
	if !bytes.Equal(one, other) {
		return fmt.Sprintf("merged one way %x, the other %x", one, other)
	}
	back, err := r.impl.Decode(one)
	if err != nil {
		return "" // another law
	}
	if again, err := r.impl.Encode(back); err != nil || !bytes.Equal(again, one) {
		return fmt.Sprintf("%x is %x once decoded (%v)", one, again, err)
	}
	return ""
}

// strict cuts encodings short and flips their bits: what is decoded still must
// encode to the same bytes.
func (r *run[C]) strict() string {
	if r.impl.Encode == nil || r.impl.Decode == nil || r.impl.Loose {
		return ""
	}
	data, err := r.impl.Encode(r.states[len(r.states)-1].clock)
	if err != nil {
		return ""
	}
	for n := range data {
		if _, err := r.impl.Decode(data[:n]); err == nil {
			return fmt.Sprintf("%x is decoded without its last %d bytes", data, len(data)-n)
		}
	}
	altered := bytes.Clone(data)
	for i := range 8 * len(data) {
		altered[i/8] ^= 1 << (i % 8)
		if c, err := r.impl.Decode(altered); err == nil {
			if again, err := r.impl.Encode(c); err != nil || !bytes.Equal(again, altered) {
				return fmt.Sprintf("%x is decoded, and encodes to %x (%v)", altered, again, err)
			}
		}
		altered[i/8] ^= 1 << (i % 8)
	}
	return ""
}

// leads applies the delta from a clock to its merge with another.
func (r *run[C]) leads(p, q state[C]) string {
	if r.impl.Delta == nil || r.impl.Apply == nil {
		return ""
	}
	m := r.merge(p.clock, q.clock)
	delta, err := r.impl.Delta(m, p.clock)
	if err != nil {
		return err.Error()
	}
	got, err := r.impl.Apply(r.impl.Clone(p.clock), delta)
	if err != nil {
		return err.Error()
	}
	return r.same(got, m)
}

// ofOneBase applies a delta from one clock to another.
func (r *run[C]) ofOneBase(p, q state[C]) string {
	if r.impl.Delta == nil || r.impl.Apply == nil || r.same(p.clock, q.clock) == "" {
		return ""
	}
	delta, err := r.impl.Delta(r.merge(p.clock, q.clock), p.clock)
	if err != nil {
		return err.Error()
	}
	if _, err := r.impl.Apply(r.impl.Clone(q.clock), delta); err == nil {
		return "a delta of the one is applied to the other"
	}
	return ""
}
