package vectorclock_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/clusterluck/clusterluck/vectorclock"
)

// What decoding may allocate: so many bytes for each byte of input, as the
// documentation says, and some whatever the input, most of it for errors.
const (
	allocsEach = 64
	allocsFlat = 16 << 10
)

// allocated returns the bytes that f allocates.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// cheap fails the test if f, which reads so many bytes, allocates too much.
func cheap(t *testing.T, size int, f func()) {
	t.Helper()
	if cost, most := allocated(f), uint64(allocsEach*size+allocsFlat); cost > most {
		t.Errorf("%d bytes cost %d, want at most %d", size, cost, most)
	}
}

// refused fails the test if an error is none of the package's.
func refused(t *testing.T, err error) {
	t.Helper()
	for _, known := range []error{
		vectorclock.ErrActor, vectorclock.ErrCount, vectorclock.ErrBase, vectorclock.ErrEncoding, vectorclock.ErrVersion,
	} {
		if errors.Is(err, known) {
			return
		}
	}
	t.Errorf("error %v is none of the package's", err)
}

// valid fails the test if a decoded clock is one that no writes make.
func valid(t *testing.T, c *vectorclock.Clock) {
	t.Helper()
	before := ""
	for actor, e := range c.All() {
		if actor == "" || actor <= before || len(actor) > vectorclock.MaxActorLen || e.Count > vectorclock.MaxCount {
			t.Errorf("a clock with actor %q behind %q and %v was decoded", actor, before, e)
		}
		before = actor
	}
	d := c.Clone()
	if d.Merge(c) || d.Compare(c) != vectorclock.Equal || d.Hash() != c.Hash() {
		t.Errorf("the decoded clock is not equal to its clone")
	}
}

// seeds returns clocks of all kinds.
func seeds(f *testing.F) []*vectorclock.Clock {
	f.Helper()
	rnd := rand.New(rand.NewPCG(5, 5))
	all := []*vectorclock.Clock{new(vectorclock.Clock)}
	for n := range 12 {
		all = append(all, random(f, rnd, 1+n))
	}
	return all
}

// FuzzDecode feeds arbitrary bytes to the decoder. What it accepts must be the
// one encoding of a valid clock.
func FuzzDecode(f *testing.F) {
	for _, c := range seeds(f) {
		data, err := c.MarshalBinary()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var c vectorclock.Clock
		var err error
		cheap(t, len(data), func() { err = c.UnmarshalBinary(data) })
		if err != nil {
			refused(t, err)
			return
		}
		valid(t, &c)
		if again, err := c.MarshalBinary(); err != nil || !bytes.Equal(again, data) {
			t.Errorf("%x encodes to %x, %v", data, again, err)
		}
	})
}

// FuzzDecodeCBOR is FuzzDecode of CBOR.
func FuzzDecodeCBOR(f *testing.F) {
	for _, c := range seeds(f) {
		data, err := c.MarshalCBOR()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var c vectorclock.Clock
		var err error
		cheap(t, len(data), func() { err = c.UnmarshalCBOR(data) })
		if err != nil {
			refused(t, err)
			return
		}
		valid(t, &c)
		if again, err := c.MarshalCBOR(); err != nil || !bytes.Equal(again, data) {
			t.Errorf("%x encodes to %x, %v", data, again, err)
		}
	})
}

// FuzzDecodeJSON is FuzzDecode of JSON, of which a clock has many: the one that
// is written for it must come back as the same clock.
func FuzzDecodeJSON(f *testing.F) {
	for _, c := range seeds(f) {
		data, err := c.MarshalJSON()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte(` { "a" : {"time":1, "count":2 ,"insert":-3} } `))
	f.Fuzz(func(t *testing.T, data []byte) {
		var c, back vectorclock.Clock
		var err error
		cheap(t, len(data), func() { err = c.UnmarshalJSON(data) })
		if err != nil {
			refused(t, err)
			return
		}
		valid(t, &c)
		again, err := c.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		if err := back.UnmarshalJSON(again); err != nil || !back.Identical(&c) {
			t.Errorf("%s comes back as %s, %v", again, text(&back), err)
		}
	})
}

// FuzzApplyDelta feeds arbitrary bytes to a clock as a delta of it. What it
// accepts must be the one delta to the clock that it becomes.
func FuzzApplyDelta(f *testing.F) {
	all := seeds(f)
	base := all[len(all)-1]
	for _, c := range all {
		merged := base.Clone()
		merged.Merge(c)
		delta, err := merged.AppendDelta(nil, base)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(delta)
	}
	size, err := base.MarshalBinary()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c := base.Clone()
		var err error
		cheap(t, len(data)+len(size), func() { err = c.ApplyDelta(data) })
		if err != nil {
			refused(t, err)
			if !c.Identical(base) {
				t.Errorf("a delta was refused, and changed the clock")
			}
			return
		}
		valid(t, &c)
		if again, err := c.AppendDelta(nil, base); err != nil || !bytes.Equal(again, data) {
			t.Errorf("%x is the delta %x, %v", data, again, err)
		}
	})
}

// texts encodes values that are strings.
var texts = vectorclock.SiblingsCodec[string]{
	AppendValue: func(dst []byte, v string) ([]byte, error) { return append(dst, v...), nil },
	Value:       func(data []byte) (string, error) { return string(data), nil },
}

// FuzzDecodeSiblings is FuzzDecode of Siblings.
func FuzzDecodeSiblings(f *testing.F) {
	for seed := range uint64(6) {
		data, err := texts.Append(nil, randomSiblings(f, rand.New(rand.NewPCG(seed, 6))))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var s vectorclock.Siblings[string]
		var err error
		cheap(t, len(data), func() { s, err = texts.Decode(data) })
		if err != nil {
			refused(t, err)
			return
		}
		context := s.Context()
		valid(t, &context)
		for d := range s.Values() {
			if !context.Covers(d) {
				t.Errorf("the value of %v is not known", d)
			}
		}
		if again, err := texts.Append(nil, &s); err != nil || !bytes.Equal(again, data) {
			t.Errorf("%x encodes to %x, %v", data, again, err)
		}
	})
}
