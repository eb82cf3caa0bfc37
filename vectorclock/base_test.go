package vectorclock_test

import (
	"encoding/binary"
	"errors"
	"testing"

	"github.com/clusterluck/clusterluck/vectorclock"
)

// abc returns a clock over three actors.
func abc(t *testing.T, a, b, c uint64) *vectorclock.Clock {
	t.Helper()
	clock := new(vectorclock.Clock)
	for actor, count := range map[string]uint64{"a": a, "b": b, "c": c} {
		if count == 0 {
			continue
		}
		if _, err := clock.Set(actor, count, int64(count), 1); err != nil {
			t.Fatal(err)
		}
	}
	return clock
}

// What is the same in the base goes and comes back; what changed since stays.
func TestCompactAndExpand(t *testing.T) {
	base, whole := abc(t, 3, 5, 0), abc(t, 3, 6, 1)
	c := whole.Clone()
	if err := c.Compact(base); err != nil {
		t.Fatal(err)
	}
	if c.Has("a") || c.Count("b") != 6 || c.Count("c") != 1 || c.Len() != 2 {
		t.Errorf("compacted, it is %s", text(&c))
	}
	c.Expand(base)
	if !c.Identical(whole) {
		t.Errorf("expanded, it is %s, want %s", text(&c), text(whole))
	}
	if base.Len() != 2 {
		t.Errorf("the base became %s", text(base))
	}
	short := abc(t, 3, 0, 1)
	before := text(short)
	if err := short.Compact(base); !errors.Is(err, vectorclock.ErrBase) || text(short) != before {
		t.Errorf("without an actor of the base: %v, and it became %s", err, text(short))
	}
}

// A delta has no entry that its base has, too: there is one for each clock.
func TestDeltasHaveNothingTwice(t *testing.T) {
	base := abc(t, 3, 5, 0)
	delta := binary.LittleEndian.AppendUint64([]byte("D\x01"), base.Hash())
	delta, err := abc(t, 3, 0, 1).AppendBinary(delta) // a is as it was
	if err != nil {
		t.Fatal(err)
	}
	c := base.Clone()
	if err := c.ApplyDelta(delta); !errors.Is(err, vectorclock.ErrEncoding) || !c.Identical(base) {
		t.Errorf("a delta that repeats an entry: %v, and it became %s", err, text(&c))
	}
	if _, err := abc(t, 3, 0, 1).AppendDelta(nil, base); !errors.Is(err, vectorclock.ErrBase) {
		t.Errorf("a delta to a clock that lost an actor: %v, want %v", err, vectorclock.ErrBase)
	}
}

// The limits of a decoder are those that it was given.
func TestDecoderLimits(t *testing.T) {
	data, err := abc(t, 1, 2, 3).MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		decoder vectorclock.Decoder
		ok      bool
	}{
		"as many bytes":   {vectorclock.Decoder{MaxBytes: len(data)}, true},
		"a byte less":     {vectorclock.Decoder{MaxBytes: len(data) - 1}, false},
		"as many entries": {vectorclock.Decoder{MaxEntries: 3}, true},
		"an entry less":   {vectorclock.Decoder{MaxEntries: 2}, false},
	} {
		c, err := tt.decoder.Decode(data)
		if tt.ok != (err == nil) || !tt.ok && !errors.Is(err, vectorclock.ErrEncoding) || tt.ok != (c.Len() == 3) {
			t.Errorf("%s: %v, %d entries", name, err, c.Len())
		}
	}
}
