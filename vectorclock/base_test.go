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
	for name, c := range map[string]*vectorclock.Clock{"without an actor of the base": abc(t, 3, 0, 1), "behind the base": abc(t, 3, 4, 1)} {
		before := text(c)
		if err := c.Compact(base); !errors.Is(err, vectorclock.ErrBase) || text(c) != before {
			t.Errorf("%s: %v, and it became %s", name, err, text(c))
		}
	}
}

// Who counts while a clock is compacted goes on from the base.
func TestCountingWhileCompacted(t *testing.T) {
	base := abc(t, 3, 5, 0)
	c := base.Clone()
	if err := c.Compact(base); err != nil {
		t.Fatal(err)
	}
	if d, err := c.IncrementFrom("a", base.Count("a"), 9); err != nil || d != (vectorclock.Dot{Actor: "a", Count: 4}) {
		t.Errorf("it counts %v, %v", d, err)
	}
	c.Expand(base)
	if c.Compare(base) != vectorclock.After || c.Count("a") != 4 || c.Count("b") != 5 {
		t.Errorf("expanded, it is %v", c)
	}
}

// Compacted clocks must stand to each other as they did, whatever times they
// have and with whatever entries that count nothing.
func TestCompactKeepsTheOrder(t *testing.T) {
	base := abc(t, 1, 1, 0)
	if err := base.Insert("z", 1); err != nil {
		t.Fatal(err)
	}
	var all []*vectorclock.Clock
	for i := range uint64(8) {
		c := abc(t, 1+i&1, 1+i>>1&1, i>>2&1)
		all = append(all, c)
		later := c.Clone()
		if _, err := later.Set("a", c.Count("a"), 99, 99); err != nil {
			t.Fatal(err)
		}
		all = append(all, &later)
	}
	if err := all[3].Insert("z", 5); err != nil {
		t.Fatal(err)
	}
	for _, a := range all {
		for _, b := range all {
			c, d := a.Clone(), b.Clone()
			if err := errors.Join(c.Compact(base), d.Compact(base)); err != nil {
				t.Fatal(err)
			}
			if got, want := c.Compare(&d), a.Compare(b); got != want {
				t.Errorf("%s is %v %s, and compacted %v", text(a), want, text(b), got)
			}
			c.Expand(base)
			if !c.Equal(a) {
				t.Errorf("%s is expanded to %s", text(a), text(&c))
			}
		}
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
	if got, err := abc(t, 3, 0, 1).AppendDelta([]byte("kept"), base); !errors.Is(err, vectorclock.ErrBase) || string(got) != "kept" {
		t.Errorf("a delta to a clock that lost an actor: %q, %v, want %v", got, err, vectorclock.ErrBase)
	}
}

// The limits of a decoder are those that it was given.
func TestDecoderLimits(t *testing.T) {
	for name, form := range map[string]struct {
		encode func(vectorclock.Clock) ([]byte, error)
		decode func(*vectorclock.Decoder, []byte) (vectorclock.Clock, error)
	}{
		"binary": {vectorclock.Clock.MarshalBinary, (*vectorclock.Decoder).Decode},
		"JSON":   {vectorclock.Clock.MarshalJSON, (*vectorclock.Decoder).DecodeJSON},
		"CBOR":   {vectorclock.Clock.MarshalCBOR, (*vectorclock.Decoder).DecodeCBOR},
	} {
		data, err := form.encode(*abc(t, 1, 2, 3))
		if err != nil {
			t.Fatal(err)
		}
		for limit, tt := range map[string]struct {
			decoder vectorclock.Decoder
			ok      bool
		}{
			"as many bytes":   {vectorclock.Decoder{MaxBytes: len(data)}, true},
			"a byte less":     {vectorclock.Decoder{MaxBytes: len(data) - 1}, false},
			"as many entries": {vectorclock.Decoder{MaxEntries: 3}, true},
			"an entry less":   {vectorclock.Decoder{MaxEntries: 2}, false},
		} {
			c, err := form.decode(&tt.decoder, data)
			if tt.ok != (err == nil) || !tt.ok && !errors.Is(err, vectorclock.ErrEncoding) || tt.ok != (c.Len() == 3) {
				t.Errorf("%s, %s: %v, %d entries", name, limit, err, c.Len())
			}
		}
	}
}
