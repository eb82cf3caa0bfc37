package measure

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/clusterluck/clusterluck/vectorclock"
)

// What clocks are made of, as results say it.
const (
	ClockCountMax = 1_000_000      // the largest count of an actor
	ClockSpan     = 24 * time.Hour // between the first time and the last
)

// ClockEntriesMax is the largest number of entries of a clock that is timed.
const ClockEntriesMax = 100_000

const (
	// turnEntries is how many entries the clocks have together that an operation
	// takes in turn, so that no processor learns one clock by heart; turnsMax is
	// the largest number of clocks. Clocks of many entries are few, for those that
	// are taken in turn shall stay in the caches.
	turnEntries = 512
	turnsMax    = 64

	// loadMax is how many entries are set one by one: each costs a new list of
	// actors. More are merged.
	loadMax = 16
)

// clockEnd is the end of the day of all times: the start of 2026-01-02 in UTC, in
// Unix microseconds.
const clockEnd = 1_767_312_000_000_000

// A clockEntry is what a clock is loaded with.
type clockEntry struct {
	actor string
	vectorclock.Entry
}

// uuids returns n UUIDs of version 4 in lower case, in ascending order.
func uuids(n int, rng *rand.Rand) []string {
	out := make([]string, n)
	for i := range out {
		a, b := rng.Uint64(), rng.Uint64()
		out[i] = fmt.Sprintf("%08x-%04x-4%03x-%04x-%012x", uint32(a), uint16(a>>32), a>>52, 0x8000|b>>50, b&(1<<48-1))
	}
	slices.Sort(out)
	return out
}

// entriesOf returns an entry for each actor.
func entriesOf(actors []string, rng *rand.Rand) []clockEntry {
	span := ClockSpan.Microseconds()
	out := make([]clockEntry, len(actors))
	for i, actor := range actors {
		a, b := clockEnd-1-rng.Int64N(span), clockEnd-1-rng.Int64N(span)
		out[i] = clockEntry{actor, vectorclock.Entry{
			Count: 1 + rng.Uint64N(ClockCountMax), Inserted: min(a, b), Updated: max(a, b),
		}}
	}
	return out
}

// loaded returns a clock of entries.
func loaded(entries []clockEntry) (c vectorclock.Clock, err error) {
	if len(entries) > loadMax {
		half := len(entries) / 2
		if c, err = loaded(entries[:half]); err != nil {
			return c, err
		}
		rest, err := loaded(entries[half:])
		c.Merge(&rest)
		return c, err
	}
	for _, e := range entries {
		if _, err := c.Set(e.actor, e.Count, e.Updated, e.Inserted); err != nil {
			return c, err
		}
	}
	return c, nil
}

// A clockPair is the encodings of clocks that an operation works on. All but
// others are of the same actors.
type clockPair struct {
	own         string // the actor that counts events: the one in the middle
	mine        []byte
	newer       []byte // mine, and one event more of own
	left, right []byte // mine, and one event more of the actor a third, two thirds of the way
	others      []byte // as many entries of other actors
}

// clockPairs returns what the operations on clocks of n entries work on: a power
// of two of pairs of the same actors. They depend on n and the seed alone.
func clockPairs(n int, seed uint64) ([]clockPair, error) {
	rng := rand.New(rand.NewPCG(seed, uint64(n)))
	count := 1
	for count < turnsMax && 2*count*n <= turnEntries {
		count *= 2
	}
	actors := uuids(n, rng)
	pairs := make([]clockPair, count)
	for i := range pairs {
		p := &pairs[i]
		p.own = actors[n/2]
		mine, err := loaded(entriesOf(actors, rng))
		if err != nil {
			return nil, err
		}
		others, err := loaded(entriesOf(uuids(n, rng), rng))
		if err != nil {
			return nil, err
		}
		for _, c := range []struct {
			to    *[]byte
			clock *vectorclock.Clock
			event string // of this actor, "" for none
		}{
			{&p.mine, &mine, ""}, {&p.others, &others, ""}, {&p.newer, &mine, p.own},
			{&p.left, &mine, actors[n/3]}, {&p.right, &mine, actors[2*n/3]},
		} {
			clock := c.clock.Clone()
			if c.event != "" {
				if _, err := clock.Increment(c.event, clockEnd); err != nil {
					return nil, err
				}
			}
			if *c.to, err = clock.MarshalBinary(); err != nil {
				return nil, err
			}
		}
	}
	return pairs, nil
}

// ClockDigest identifies the clocks of a seed, so that two results can tell
// whether they are of the same. It does not depend on how clocks are encoded.
func ClockDigest(seed uint64) string {
	const n = 100
	rng := rand.New(rand.NewPCG(seed, n))
	h := sha256.New()
	for _, e := range entriesOf(uuids(n, rng), rng) {
		h.Write([]byte(e.actor))
		for _, v := range []uint64{e.Count, uint64(e.Inserted), uint64(e.Updated)} {
			h.Write(binary.LittleEndian.AppendUint64(nil, v))
		}
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}
