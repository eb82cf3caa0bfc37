package vectorclock_test

import (
	"bytes"
	"errors"
	"fmt"
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

// fuzzStrict feeds arbitrary bytes to a decoder. What it accepts must be the one
// encoding of a valid clock.
func fuzzStrict(f *testing.F, encode func(*vectorclock.Clock) ([]byte, error), decode func(*vectorclock.Clock, []byte) error) {
	f.Helper()
	for _, c := range seeds(f) {
		data, err := encode(c)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var c vectorclock.Clock
		var err error
		cheap(t, len(data), func() { err = decode(&c, data) })
		if err != nil {
			refused(t, err)
			return
		}
		valid(t, &c)
		if again, err := encode(&c); err != nil || !bytes.Equal(again, data) {
			t.Errorf("%x encodes to %x, %v", data, again, err)
		}
	})
}

func FuzzDecode(f *testing.F) {
	fuzzStrict(f, (*vectorclock.Clock).MarshalBinary, (*vectorclock.Clock).UnmarshalBinary)
}

func FuzzDecodeCBOR(f *testing.F) {
	fuzzStrict(f, (*vectorclock.Clock).MarshalCBOR, (*vectorclock.Clock).UnmarshalCBOR)
}

// FuzzDecodeJSON feeds arbitrary bytes to the decoder of JSON, of which a clock has many: the one that
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

// FuzzDecodeSiblings is fuzzStrict of Siblings.
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

// Few bytes can say much: names that have most in common, columns of one value,
// and numbers of what is not there. None may cost more than is stated.
func TestDecodingCostsLittle(t *testing.T) {
	var long vectorclock.Clock
	for i := range 3000 {
		if _, err := long.Set(fmt.Sprintf("%064d%03x", 0, i), 1, 1, 1); err != nil {
			t.Fatal(err)
		}
	}
	data, err := long.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{
		"names that have 64 bytes in common": data, // five bytes each
		"entries that are not there":         append([]byte("C\x10\xff\xff\x3f\x80\x08"), make([]byte, 1024)...),
		"UUIDs that are not there":           append([]byte("C\x11\xff\xff\x3f"), make([]byte, 1024)...),
	} {
		var c vectorclock.Clock
		cheap(t, len(data), func() { err = c.UnmarshalBinary(data) })
		t.Logf("%s: %d bytes, %v", name, len(data), err)
	}
	for name, data := range map[string]string{
		"CBOR entries":      "\x81\xba\x00\x0f\xff\xff",
		"writers":           "S\x01\xff\xff\x03",
		"values":            "S\x01\x01\x00\x01a\xff\xff\xff\xff\x07\xff\xff\x03" + string(make([]byte, 64)),
		"values of no size": "S\x01\x01\x00\x01a\xff\xff\x03\xff\xff\x03" + string(make([]byte, 65535)),
	} {
		var c vectorclock.Clock
		cheap(t, len(data), func() {
			_ = c.UnmarshalCBOR([]byte(data))
			_, _ = texts.Decode([]byte(data))
		})
		t.Logf("%s: %d bytes", name, len(data))
	}
}
