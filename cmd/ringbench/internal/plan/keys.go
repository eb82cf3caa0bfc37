package plan

import (
	"context"
	"math"

	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/keys"
	"github.com/clusterluck/clusterluck/hashring"
)

// standardErrors is how far a sample may be from the exact share before the two
// are said to disagree. Four standard errors are exceeded by chance about once
// in 16,000 plans.
const standardErrors = 4

// Keys says what moves of a set of keys.
type Keys struct {
	Source   string `json:"source"`
	Format   string `json:"format,omitempty"`
	Seeded   bool   `json:"generated"` // and so depending on the seed
	Skipped  int64  `json:"skipped_lines"`
	Total    int    `json:"keys"` // repeated ones included
	Distinct int    `json:"distinct_keys"`
	// Moved is how many distinct keys move, and MovedTotal how many of all.
	Moved      int `json:"moved_distinct_keys"`
	MovedTotal int `json:"moved_keys"`
	// Needless is how many distinct keys move between nodes that did not change.
	Needless      int   `json:"needless_distinct_keys"`
	DistinctCheck Check `json:"distinct_check"`
	TotalCheck    Check `json:"total_check"`
	// Effective is the number of equally frequent keys that would spread as
	// unevenly by chance as these keys do.
	Effective float64 `json:"effective_keys"`
	Hot       []Hot   `json:"hot_keys"` // the most frequent, moving or not; none if all are equal
}

// A Check compares the share of some keys that move with the share of all.
type Check struct {
	Share  float64 `json:"share"`  // of these keys
	Exact  float64 `json:"exact"`  // of all keys
	Bound  float64 `json:"bound"`  // how far Share may be from Exact by chance
	Agrees bool    `json:"agrees"` // whether it is no farther
}

// A Hot key is one of the most frequent.
type Hot struct {
	Key   string  `json:"key"`
	Count int     `json:"count"`
	Share float64 `json:"share"`
	From  string  `json:"from"`
	To    string  `json:"to"`
	Moves bool    `json:"moves"`
}

func count(ctx context.Context, from, to *hashring.Snapshot, set *keys.Set, hot int, exact float64, c changes, progress func(n int64)) (*Keys, error) {
	k := &Keys{
		Source: set.Source(), Format: set.Format(), Seeded: set.Generated(), Skipped: set.Skips().Total,
		Total: set.Len(), Distinct: set.Distinct(), Effective: set.Effective(), Hot: []Hot{},
	}
	for i := range set.Distinct() {
		if i&0xfff == 0 {
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			if progress != nil {
				progress(int64(min(0x1000, set.Distinct()-i)))
			}
		}
		// An empty ring owns nothing: both ids are then "", which is no move.
		was, _ := from.Owner(set.Key(i))
		now, _ := to.Owner(set.Key(i))
		if was == now {
			continue
		}
		k.Moved++
		k.MovedTotal += set.Count(i)
		if !c.needed(was, now) {
			k.Needless++
		}
	}
	k.DistinctCheck = check(share(k.Moved, k.Distinct), exact, float64(k.Distinct))
	k.TotalCheck = check(share(k.MovedTotal, k.Total), exact, k.Effective)
	if k.Total == k.Distinct {
		return k, nil // no key is hotter than another
	}
	for _, i := range set.Top(hot) {
		h := Hot{Key: set.Key(i), Count: set.Count(i), Share: share(set.Count(i), k.Total)}
		h.From, _ = from.Owner(h.Key)
		h.To, _ = to.Owner(h.Key)
		h.Moves = h.From != h.To
		k.Hot = append(k.Hot, h)
	}
	return k, nil
}

func share(part, whole int) float64 {
	if whole == 0 {
		return 0
	}
	return float64(part) / float64(whole)
}

// check compares a sample of n independent keys with the exact share: whether a
// key moves is a coin of that bias, so the sample's share has the standard
// error sqrt(p(1-p)/n). One key more covers the steps of a small sample. Keys
// of unequal frequency count as the number of equal ones with the same error.
func check(sample, exact, n float64) Check {
	bound := standardErrors*math.Sqrt(exact*(1-exact)/n) + 1/n
	// Nothing to move is no matter of chance.
	if exact == 0 || exact == 1 {
		bound = 0
	}
	return Check{Share: sample, Exact: exact, Bound: bound, Agrees: math.Abs(sample-exact) <= bound}
}
