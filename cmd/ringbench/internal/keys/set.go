package keys

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"math"
	"slices"
	"time"
)

// Limits bound the memory of a [Set]. Zero means the default.
type Limits struct {
	Keys  int   // keys, repeated ones included; 4 bytes each; default 2^28
	Bytes int64 // of distinct keys; default 1 GiB
}

func (l Limits) withDefaults() Limits {
	if l.Keys <= 0 {
		l.Keys = 1 << 28
	}
	if l.Bytes <= 0 {
		l.Bytes = 1 << 30
	}
	return l
}

// keyOverhead is what a distinct key costs besides its bytes: its string, its
// count and its place in the index while loading.
const keyOverhead = 64

// A Set is a multiset of keys in input order. Each distinct key is stored once.
type Set struct {
	source string
	format string
	made   bool // by a generator
	skips  Skips
	keys   []string // distinct, in order of first appearance
	counts []uint32 // of each distinct key
	order  []uint32 // for each record, the index of its key
	times  []int64  // for each record, nanoseconds since 1970; nil without times
}

// Load reads the whole source into a set. The errors are those of
// [Source.Each], and one wrapping [ErrTooLarge] if the set would break its
// limits.
func (s *Source) Load(ctx context.Context, c Config) (*Set, error) {
	l := &loader{limits: c.Limits.withDefaults(), source: s.Name(), index: make(map[string]uint32), timed: true}
	l.set.source, l.set.made = s.spec, s.gen != nil
	skips, err := s.Each(ctx, c, l.add)
	if err != nil {
		return nil, err
	}
	if s.gen == nil || s.gen.text != nil {
		l.set.format = s.Format()
	}
	l.set.skips = skips
	if !l.timed {
		l.set.times = nil
	}
	return &l.set, nil
}

type loader struct {
	set    Set
	source string
	limits Limits
	bytes  int64
	index  map[string]uint32
	timed  bool
}

func (l *loader) add(r Record) error {
	s := &l.set
	if len(s.order) >= min(l.limits.Keys, math.MaxUint32) {
		return l.tooLarge(fmt.Errorf("more than %d keys: %w; take a part of them", l.limits.Keys, ErrTooLarge))
	}
	at, known := l.index[string(r.Key)]
	if !known {
		if l.bytes += int64(len(r.Key)) + keyOverhead; l.bytes > l.limits.Bytes {
			return l.tooLarge(fmt.Errorf("the first %d distinct keys take more than %d bytes: %w; take a part of them",
				len(s.keys), l.limits.Bytes, ErrTooLarge))
		}
		at = uint32(len(s.keys))
		key := string(r.Key)
		s.keys = append(s.keys, key)
		s.counts = append(s.counts, 0)
		l.index[key] = at
	}
	s.counts[at]++
	s.order = append(s.order, at)
	if l.timed = l.timed && !r.Time.IsZero(); l.timed {
		s.times = append(s.times, r.Time.UnixNano())
	}
	return nil
}

func (l *loader) tooLarge(err error) error { return &InputError{Source: l.source, Err: err} }

// Source returns the spec that the set was loaded from.
func (s *Set) Source() string { return s.source }

// Format returns how the text was read, or "" if the keys were generated.
func (s *Set) Format() string { return s.format }

// Generated reports whether a generator made the keys, so that they depend on
// the seed.
func (s *Set) Generated() bool { return s.made }

// Skips returns which lines held no key.
func (s *Set) Skips() Skips { return s.skips }

// Len returns the number of keys, repeated ones included.
func (s *Set) Len() int { return len(s.order) }

// At returns the i-th key in input order.
func (s *Set) At(i int) string { return s.keys[s.order[i]] }

// Index returns which distinct key the i-th key is.
func (s *Set) Index(i int) int { return int(s.order[i]) }

// All returns the keys in input order.
func (s *Set) All() iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, at := range s.order {
			if !yield(s.keys[at]) {
				return
			}
		}
	}
}

// Distinct returns the number of distinct keys.
func (s *Set) Distinct() int { return len(s.keys) }

// Key returns the i-th distinct key, in order of first appearance.
func (s *Set) Key(i int) string { return s.keys[i] }

// Count returns how often the i-th distinct key comes.
func (s *Set) Count(i int) int { return int(s.counts[i]) }

// Timed reports whether every key has a time.
func (s *Set) Timed() bool { return s.times != nil }

// Time returns the time of the i-th key. It must not be called unless the set
// is timed.
func (s *Set) Time(i int) time.Time { return time.Unix(0, s.times[i]).UTC() }

// Top returns the indexes of the n most frequent distinct keys, the most
// frequent first; equals come in order of first appearance. It costs
// O(d log d) on d distinct keys.
func (s *Set) Top(n int) []int {
	all := make([]int, len(s.keys))
	for i := range all {
		all[i] = i
	}
	slices.SortStableFunc(all, func(a, b int) int { return cmp.Compare(s.counts[b], s.counts[a]) })
	return slices.Clip(all[:min(max(n, 0), len(all))])
}

// Effective returns the number of equally frequent keys that would spread as
// unevenly by chance as these do: the square of the number of keys over the sum
// of the squares of their counts. It equals [Set.Distinct] if no key is more
// frequent than another, and is near 1 if one key is nearly all.
func (s *Set) Effective() float64 {
	squares := 0.0
	for _, c := range s.counts {
		squares += float64(c) * float64(c)
	}
	if squares == 0 {
		return 0
	}
	n := float64(len(s.order))
	return n * n / squares
}
