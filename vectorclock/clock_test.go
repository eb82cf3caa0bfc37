package vectorclock_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/clusterluck/clusterluck/vectorclock"
)

// every returns each clock over the actors with counts 0 to most, without the
// entry, and with an entry that counts zero.
func every(t *testing.T, actors []string, most uint64) []*vectorclock.Clock {
	t.Helper()
	all := []*vectorclock.Clock{new(vectorclock.Clock)}
	for _, actor := range actors {
		var more []*vectorclock.Clock
		for _, c := range all {
			more = append(more, c)
			for count := range most + 1 {
				d := c.Clone()
				if _, err := d.Set(actor, count, int64(count), int64(count)); err != nil {
					t.Fatal(err)
				}
				more = append(more, &d)
			}
		}
		all = more
	}
	return all
}

// byDefinition is the order of two clocks, actor by actor.
func byDefinition(a, b *vectorclock.Clock, actors []string) vectorclock.Ordering {
	ahead, behind := false, false
	for _, actor := range actors {
		ahead = ahead || a.Count(actor) > b.Count(actor)
		behind = behind || a.Count(actor) < b.Count(actor)
	}
	return vectorclock.OrderingOf(ahead, behind)
}

// All clocks over three actors with counts 0 to 2, each with each.
func TestEverySmallPair(t *testing.T) {
	actors := []string{"a", "b", "c"}
	all := every(t, actors, 2)
	for _, a := range all {
		for _, b := range all {
			want := byDefinition(a, b, actors)
			if got := a.Compare(b); got != want {
				t.Fatalf("%s is %v %s, want %v", text(a), got, text(b), want)
			}
			if descends := want == vectorclock.After || want == vectorclock.Equal; a.Descends(b) != descends || a.Equal(b) != (want == vectorclock.Equal) {
				t.Fatalf("%s and %s: Descends %v, Equal %v, and Compare %v", text(a), text(b), a.Descends(b), a.Equal(b), want)
			}
			checkMerge(t, a, b, actors)
			checkMeet(t, a, b, actors)
			checkDelta(t, a, b)
		}
	}
}

func checkMerge(t *testing.T, a, b *vectorclock.Clock, actors []string) {
	t.Helper()
	ab, ba := a.Clone(), b.Clone()
	changed := ab.Merge(b)
	ba.Merge(a)
	if !ab.Identical(&ba) {
		t.Fatalf("%s merged with %s is %s, and the other way %s", text(a), text(b), text(&ab), text(&ba))
	}
	for _, actor := range actors {
		if got, want := ab.Count(actor), max(a.Count(actor), b.Count(actor)); got != want {
			t.Fatalf("%s merged with %s is %s", text(a), text(b), text(&ab))
		}
	}
	if changed == ab.Identical(a) {
		t.Fatalf("%s merged with %s is %s, changed %v", text(a), text(b), text(&ab), changed)
	}
	if ab.Merge(b) || ab.Merge(a) {
		t.Fatalf("%s: merging %s and %s again changes it", text(&ab), text(a), text(b))
	}
}

func checkMeet(t *testing.T, a, b *vectorclock.Clock, actors []string) {
	t.Helper()
	ab, ba := a.Clone(), b.Clone()
	changed := ab.Meet(b)
	ba.Meet(a)
	if !ab.Identical(&ba) || changed == ab.Identical(a) {
		t.Fatalf("%s meets %s in %s, and the other way in %s; changed %v", text(a), text(b), text(&ab), text(&ba), changed)
	}
	for _, actor := range actors {
		if got, want := ab.Count(actor), min(a.Count(actor), b.Count(actor)); got != want {
			t.Fatalf("%s meets %s in %s", text(a), text(b), text(&ab))
		}
	}
	absorbed := a.Clone()
	absorbed.Merge(&ab)
	if !absorbed.Identical(a) {
		t.Fatalf("%s merged with what it shares with %s is %s", text(a), text(b), text(&absorbed))
	}
}

func checkDelta(t *testing.T, a, b *vectorclock.Clock) {
	t.Helper()
	merged := a.Clone()
	merged.Merge(b)
	delta, err := merged.AppendDelta(nil, a)
	if err != nil {
		t.Fatal(err)
	}
	got := a.Clone()
	if err := got.ApplyDelta(delta); err != nil || !got.Identical(&merged) {
		t.Fatalf("%s and the delta to %s: %v, %s", text(a), text(&merged), err, text(&got))
	}
	if !b.Identical(a) {
		if err := b.ApplyDelta(delta); !errors.Is(err, vectorclock.ErrBase) {
			t.Fatalf("a delta of %s on %s: %v, want %v", text(a), text(b), err, vectorclock.ErrBase)
		}
	}
}

// random returns a clock of up to n entries, at times trimmed.
func random(t testing.TB, rnd *rand.Rand, n int) *vectorclock.Clock {
	t.Helper()
	c := new(vectorclock.Clock)
	for range rnd.IntN(n + 1) {
		actor := fmt.Sprintf("actor-%d", rnd.IntN(2*n))
		if rnd.IntN(4) == 0 {
			actor = fmt.Sprintf("%08x-0000-4000-8000-%012x", rnd.Uint32(), rnd.IntN(5))
		}
		if _, err := c.Set(actor, rnd.Uint64N(1<<rnd.IntN(63)), rnd.Int64()>>rnd.IntN(63)-1, rnd.Int64()>>rnd.IntN(63)-1); err != nil {
			t.Fatal(err)
		}
	}
	if rnd.IntN(4) == 0 {
		c.Trim(1<<40, vectorclock.Policy{Lower: 1, Upper: 3, Young: 10, Old: 1 << 30})
	}
	return c
}

// All encodings of a clock give it back, whole, and there is one of each.
func TestEncodingsRoundTrip(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 1))
	var d vectorclock.Decoder
	for range 3000 {
		c := random(t, rnd, 1+rnd.IntN(40))
		for name, codec := range map[string]struct {
			encode func(*vectorclock.Clock) ([]byte, error)
			decode func(*vectorclock.Clock, []byte) error
		}{
			"binary": {(*vectorclock.Clock).MarshalBinary, (*vectorclock.Clock).UnmarshalBinary},
			"JSON":   {(*vectorclock.Clock).MarshalJSON, (*vectorclock.Clock).UnmarshalJSON},
			"CBOR":   {(*vectorclock.Clock).MarshalCBOR, (*vectorclock.Clock).UnmarshalCBOR},
			"warm": {(*vectorclock.Clock).MarshalBinary, func(c *vectorclock.Clock, data []byte) error {
				decoded, err := d.Decode(data)
				*c = decoded
				return err
			}},
		} {
			data, err := codec.encode(c)
			if err != nil {
				t.Fatal(err)
			}
			var back vectorclock.Clock
			if err := codec.decode(&back, data); err != nil || !back.Identical(c) || back.Hash() != c.Hash() {
				t.Fatalf("%s: %s came back as %s, %v", name, text(c), text(&back), err)
			}
			again, err := codec.encode(&back)
			if err != nil || !bytes.Equal(again, data) {
				t.Fatalf("%s: %x is encoded anew as %x, %v", name, data, again, err)
			}
		}
	}
}

// What is cut off, altered or added is refused, or is another clock whose
// encoding it is.
func TestDecodersRefuseWhatTheyDidNotWrite(t *testing.T) {
	rnd := rand.New(rand.NewPCG(2, 2))
	for range 200 {
		c := random(t, rnd, 6)
		data, err := c.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		packed, err := c.MarshalCBOR()
		if err != nil {
			t.Fatal(err)
		}
		for i := range data {
			checkDecoded(t, data[:i], nil)
			for bit := range 8 {
				altered := slices.Clone(data)
				altered[i] ^= 1 << bit
				checkDecoded(t, altered, nil)
			}
		}
		for i := range packed {
			checkDecoded(t, nil, packed[:i])
			altered := slices.Clone(packed)
			altered[i] ^= 1 << rnd.IntN(8)
			checkDecoded(t, nil, altered)
		}
		checkDecoded(t, append(slices.Clone(data), 0), append(slices.Clone(packed), 0))
	}
}

func checkDecoded(t *testing.T, data, packed []byte) {
	t.Helper()
	var c vectorclock.Clock
	if err := c.UnmarshalBinary(data); err == nil {
		if again, err := c.MarshalBinary(); err != nil || !bytes.Equal(again, data) {
			t.Fatalf("%x was accepted, and is %x, %v", data, again, err)
		}
	}
	if err := c.UnmarshalCBOR(packed); err == nil {
		if again, err := c.MarshalCBOR(); err != nil || !bytes.Equal(again, packed) {
			t.Fatalf("CBOR %x was accepted, and is %x, %v", packed, again, err)
		}
	}
}

// A clone and what it is of must not see each other's writes.
func TestCloneIsApart(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 3))
	for range 300 {
		c := random(t, rnd, 8)
		before, err := c.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		d := c.Clone()
		other := random(t, rnd, 8)
		for _, write := range []func(*vectorclock.Clock) error{
			func(c *vectorclock.Clock) error { _, err := c.Increment("actor-1", 7); return err },
			func(c *vectorclock.Clock) error { return c.Insert("new", 7) },
			func(c *vectorclock.Clock) error { c.Merge(other); return nil },
			func(c *vectorclock.Clock) error { c.Meet(other); return nil },
			func(c *vectorclock.Clock) error { c.Remove("actor-2"); return nil },
			func(c *vectorclock.Clock) error { c.Trim(1<<50, vectorclock.Policy{Upper: 1}); return nil },
			func(c *vectorclock.Clock) error { _, err := c.Set("actor-3", 9, 9, 9); return err },
			func(c *vectorclock.Clock) error {
				_, err := c.Witness(vectorclock.Dot{Actor: "actor-4", Count: 5}, 9)
				return err
			},
		} {
			e := d.Clone()
			if err := write(&e); err != nil && !errors.Is(err, vectorclock.ErrCount) {
				t.Fatal(err)
			}
			if after, err := d.MarshalBinary(); err != nil || !bytes.Equal(after, before) {
				t.Fatalf("a write to a clone changed what it is of: %s", text(&d))
			}
			if err := write(&d); err != nil && !errors.Is(err, vectorclock.ErrCount) {
				t.Fatal(err)
			}
			if !d.Identical(&e) {
				t.Fatalf("the same write makes %s and %s", text(&d), text(&e))
			}
			d = c.Clone()
		}
		if after, err := c.MarshalBinary(); err != nil || !bytes.Equal(after, before) {
			t.Fatalf("a write to a clone changed what it is of: %s", text(c))
		}
	}
}
