package measure

import (
	"math/rand/v2"
	"strings"

	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/keys"
)

// An arena is the keys that timed loops walk through, in input order: all of
// them, again and again, if they are few, and random stretches of them if they
// are many.
type arena struct {
	keys []string
}

// stretches is how many pieces of a long input an arena takes.
const stretches = 64

func newArena(set *keys.Set, rng *rand.Rand) *arena {
	a := &arena{keys: make([]string, 0, keysInArena)}
	if set.Len() <= keysInArena {
		for len(a.keys) < keysInArena {
			for i := range min(set.Len(), keysInArena-len(a.keys)) {
				a.keys = append(a.keys, set.At(i))
			}
		}
		return a
	}
	const length = keysInArena / stretches
	for range stretches {
		from := rng.IntN(set.Len() - length)
		for i := range length {
			a.keys = append(a.keys, set.At(from+i))
		}
	}
	return a
}

// clone copies the keys to memory of their own, one behind the other.
func (a *arena) clone() []string {
	size := 0
	for _, key := range a.keys {
		size += len(key)
	}
	var text strings.Builder
	text.Grow(size)
	for _, key := range a.keys {
		text.WriteString(key)
	}
	all, at := text.String(), 0
	out := make([]string, len(a.keys))
	for i, key := range a.keys {
		out[i] = all[at : at+len(key)]
		at += len(key)
	}
	return out
}
