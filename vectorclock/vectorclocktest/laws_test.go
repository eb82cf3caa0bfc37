package vectorclocktest_test

import (
	"fmt"
	"testing"

	"github.com/clusterluck/clusterluck/vectorclock"
	"github.com/clusterluck/clusterluck/vectorclock/vectorclocktest"
)

// ours is the implementation of package vectorclock, by one of its encodings.
func ours() vectorclocktest.Implementation[*vectorclock.Clock] {
	return vectorclocktest.Implementation[*vectorclock.Clock]{
		New: func() *vectorclock.Clock { return new(vectorclock.Clock) },
		Clone: func(c *vectorclock.Clock) *vectorclock.Clock {
			d := c.Clone()
			return &d
		},
		Increment: func(c *vectorclock.Clock, actor string) *vectorclock.Clock {
			if _, err := c.Increment(actor, 1); err != nil {
				panic(err)
			}
			return c
		},
		Merge: func(a, b *vectorclock.Clock) *vectorclock.Clock {
			m := a.Clone()
			m.Merge(b)
			return &m
		},
		Compare: func(a, b *vectorclock.Clock) vectorclock.Ordering { return a.Compare(b) },
		Encode:  func(c *vectorclock.Clock) ([]byte, error) { return c.MarshalBinary() },
		Decode: func(data []byte) (*vectorclock.Clock, error) {
			c := new(vectorclock.Clock)
			return c, c.UnmarshalBinary(data)
		},
	}
}

func TestVectorclockKeepsTheLaws(t *testing.T) {
	vectorclocktest.Check(t, ours(), 1, 2000)
}

// A recorder is a test that remembers that it failed.
type recorder struct{ said string }

func (*recorder) Helper() {}

func (r *recorder) Errorf(format string, args ...any) { r.said = fmt.Sprintf(format, args...) }

// Each law must be able to fail: these clocks break one each, as libraries in
// use do.
func TestChecksFindWhatIsWrong(t *testing.T) {
	type impl = vectorclocktest.Implementation[*vectorclock.Clock]
	for name, breakIt := range map[string]func(*impl){
		"merge that loses entries": func(i *impl) {
			i.Merge = func(a, b *vectorclock.Clock) *vectorclock.Clock {
				m := a.Clone()
				for actor := range a.Actors() {
					if !b.Has(actor) {
						m.Remove(actor)
						break
					}
				}
				m.Merge(b)
				return &m
			}
		},
		"merge that ticks": func(i *impl) {
			merge := i.Merge
			i.Merge = func(a, b *vectorclock.Clock) *vectorclock.Clock { return i.Increment(merge(a, b), "a") }
		},
		"merge into its argument": func(i *impl) {
			i.Merge = func(a, b *vectorclock.Clock) *vectorclock.Clock {
				a.Merge(b)
				return a
			}
		},
		"compare the wrong way": func(i *impl) {
			i.Compare = func(a, b *vectorclock.Clock) vectorclock.Ordering { return b.Compare(a) }
		},
		"concurrent taken for after": func(i *impl) {
			i.Compare = func(a, b *vectorclock.Clock) vectorclock.Ordering {
				if o := a.Compare(b); o != vectorclock.Concurrent {
					return o
				}
				return vectorclock.After
			}
		},
		"clone that shares": func(i *impl) {
			i.Clone = func(c *vectorclock.Clock) *vectorclock.Clock { return c }
		},
		"increment that does nothing": func(i *impl) {
			i.Increment = func(c *vectorclock.Clock, _ string) *vectorclock.Clock { return c }
		},
		"decoder that forgets": func(i *impl) {
			i.Decode = func([]byte) (*vectorclock.Clock, error) { return new(vectorclock.Clock), nil }
		},
	} {
		broken := ours()
		breakIt(&broken)
		var r recorder
		vectorclocktest.Check(&r, broken, 1, 200)
		if r.said == "" {
			t.Errorf("%s: no law is broken", name)
		}
	}
}
