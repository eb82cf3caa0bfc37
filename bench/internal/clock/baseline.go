package clock

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/clusterluck/clusterluck/vectorclock"
)

// mapCalls is the clock of most libraries: a map.
type mapCalls struct{}

type mapClock map[string]uint64

func (mapCalls) load(es []entry) mapClock {
	c := make(mapClock, len(es))
	for _, e := range es {
		c[e.actor] = e.count
	}
	return c
}

func (mapCalls) clone(c mapClock) mapClock { return maps.Clone(c) }

func (mapCalls) increment(c mapClock, actor string, _ int64) mapClock {
	c[actor]++
	return c
}

func (mapCalls) merge(a, b mapClock) (_ mapClock, changed bool) {
	for actor, n := range b {
		if a[actor] < n {
			a[actor], changed = n, true
		}
	}
	return a, changed
}

func (mapCalls) compare(a, b mapClock) vectorclock.Ordering {
	ahead, behind := false, false
	for actor, n := range a {
		switch m := b[actor]; {
		case n > m:
			ahead = true
		case n < m:
			behind = true
		}
		if ahead && behind {
			return vectorclock.Concurrent
		}
	}
	if len(b) == len(a) && !ahead && !behind {
		return vectorclock.Equal // the same actors: each of a counts something, and b counts the same
	}
	for actor, m := range b {
		if a[actor] < m {
			behind = true
			break
		}
	}
	return vectorclock.OrderingOf(ahead, behind)
}

func (mapCalls) count(c mapClock, actor string) uint64 { return c[actor] }

func (mapCalls) appendTo(dst []byte, c mapClock) []byte {
	data, err := json.Marshal(c)
	if err != nil {
		panic(err) // a map of numbers
	}
	return append(dst, data...)
}

func (mapCalls) decode(data []byte) (c mapClock, err error) {
	err = json.Unmarshal(data, &c)
	return c, err
}

// sliceCalls is a sorted slice, as Syncthing has it, but with names for actors.
type sliceCalls struct{}

type counter struct {
	actor string
	count uint64
}

func (sliceCalls) load(es []entry) []counter {
	c := make([]counter, len(es))
	for i, e := range es {
		c[i] = counter{e.actor, e.count}
	}
	return c
}

func (sliceCalls) clone(c []counter) []counter { return slices.Clone(c) }

func (sliceCalls) increment(c []counter, actor string, _ int64) []counter {
	i, ok := slices.BinarySearchFunc(c, actor, func(x counter, actor string) int { return strings.Compare(x.actor, actor) })
	if !ok {
		c = slices.Insert(c, i, counter{actor: actor})
	}
	c[i].count++
	return c
}

// merge changes a in place while b has no other actors, and else goes on in a new
// slice.
func (sliceCalls) merge(a, b []counter) (_ []counter, changed bool) {
	i := 0
	for j, x := range b {
		for i < len(a) && a[i].actor < x.actor {
			i++
		}
		switch {
		case i == len(a) || a[i].actor != x.actor:
			return union(a, b, i, j), true
		case a[i].count < x.count:
			a[i].count, changed = x.count, true
		}
	}
	return a, changed
}

// union merges a from i on and b from j on behind the first i of a.
func union(a, b []counter, i, j int) []counter {
	out := append(make([]counter, 0, len(a)+len(b)-j), a[:i]...)
	for i < len(a) && j < len(b) {
		switch {
		case a[i].actor < b[j].actor:
			out = append(out, a[i])
			i++
		case a[i].actor > b[j].actor:
			out = append(out, b[j])
			j++
		default:
			out = append(out, counter{a[i].actor, max(a[i].count, b[j].count)})
			i++
			j++
		}
	}
	return append(append(out, a[i:]...), b[j:]...)
}

func (sliceCalls) compare(a, b []counter) vectorclock.Ordering {
	ahead, behind := false, false
	i, j := 0, 0
	for (i < len(a) || j < len(b)) && !(ahead && behind) {
		switch {
		case j == len(b) || i < len(a) && a[i].actor < b[j].actor:
			ahead = true
			i++
		case i == len(a) || a[i].actor != b[j].actor:
			behind = true
			j++
		default:
			ahead = ahead || a[i].count > b[j].count
			behind = behind || a[i].count < b[j].count
			i++
			j++
		}
	}
	return vectorclock.OrderingOf(ahead, behind)
}

func (sliceCalls) count(c []counter, actor string) uint64 {
	for _, x := range c {
		if x.actor == actor {
			return x.count
		}
	}
	return 0
}

func (sliceCalls) appendTo(dst []byte, c []counter) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(c)))
	for _, x := range c {
		dst = binary.AppendUvarint(dst, uint64(len(x.actor)))
		dst = append(dst, x.actor...)
		dst = binary.AppendUvarint(dst, x.count)
	}
	return dst
}

var errBaseline = errors.New("bad encoding of a baseline")

func (sliceCalls) decode(data []byte) ([]counter, error) {
	n, at := binary.Uvarint(data)
	if at <= 0 || n > uint64(len(data)/2) {
		return nil, errBaseline
	}
	c := make([]counter, n)
	for i := range c {
		size, k := binary.Uvarint(data[at:])
		if k <= 0 || size > uint64(len(data)-at-k) {
			return nil, errBaseline
		}
		at += k
		c[i].actor = string(data[at : at+int(size)])
		at += int(size)
		if c[i].count, k = binary.Uvarint(data[at:]); k <= 0 || i > 0 && c[i].actor <= c[i-1].actor {
			return nil, errBaseline
		}
		at += k
	}
	return c, nil
}
