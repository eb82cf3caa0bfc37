package vectorclock_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/clusterluck/clusterluck/vectorclock"
)

// randomSiblings returns what a few replicas wrote, with and without contexts.
func randomSiblings(t testing.TB, rnd *rand.Rand) *siblings {
	t.Helper()
	var a, b siblings
	for range rnd.IntN(12) {
		actor := fmt.Sprintf("replica-%d", rnd.IntN(4))
		var context vectorclock.Clock
		if rnd.IntN(2) == 0 {
			context = a.Context()
		}
		if _, err := a.Put(&context, actor, fmt.Sprint(rnd.IntN(1000))); err != nil {
			t.Fatal(err)
		}
		if rnd.IntN(3) == 0 {
			b.Sync(&a)
		}
	}
	a.Sync(&b)
	return &a
}

func TestSiblingsEncodingRoundTrips(t *testing.T) {
	rnd := rand.New(rand.NewPCG(4, 4))
	for range 500 {
		s := randomSiblings(t, rnd)
		data, err := texts.Append([]byte("before"), s)
		if err != nil {
			t.Fatal(err)
		}
		data = bytes.TrimPrefix(data, []byte("before"))
		back, err := texts.Decode(data)
		if err != nil || !back.Same(s) || back.Hash() != s.Hash() || !maps.Equal(values(&back), values(s)) {
			t.Fatalf("%v came back as %v, %v", values(s), values(&back), err)
		}
		if again, err := texts.Append(nil, &back); err != nil || !bytes.Equal(again, data) {
			t.Fatalf("%x is encoded anew as %x, %v", data, again, err)
		}
	}
}

// What is cut off, altered or added is refused, or is the encoding of other
// siblings.
func TestSiblingsDecoderRefusesWhatItDidNotWrite(t *testing.T) {
	rnd := rand.New(rand.NewPCG(5, 4))
	check := func(data []byte) {
		t.Helper()
		s, err := texts.Decode(data)
		if err != nil {
			return
		}
		if again, err := texts.Append(nil, &s); err != nil || !bytes.Equal(again, data) {
			t.Fatalf("%x was accepted, and is %x, %v", data, again, err)
		}
	}
	for range 100 {
		data, err := texts.Append(nil, randomSiblings(t, rnd))
		if err != nil {
			t.Fatal(err)
		}
		for i := range data {
			if _, err := texts.Decode(data[:i]); !errors.Is(err, vectorclock.ErrEncoding) {
				t.Fatalf("%x without its last %d bytes: %v, want %v", data, len(data)-i, err, vectorclock.ErrEncoding)
			}
			for bit := range 8 {
				altered := slices.Clone(data)
				altered[i] ^= 1 << bit
				check(altered)
			}
		}
		check(append(slices.Clone(data), 0))
	}
}

// The encoding and the hash are frozen, as those of clocks are.
func TestSiblingsWireIsFrozen(t *testing.T) {
	var s siblings
	var none vectorclock.Clock
	for _, actor := range []string{"alpha", "alpine", "alpine"} {
		if _, err := s.Put(&none, actor, "by "+actor); err != nil {
			t.Fatal(err)
		}
	}
	context := s.Context()
	if _, err := s.Put(&context, "alpha", ""); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Put(&none, "b", "third"); err != nil {
		t.Fatal(err)
	}
	data, err := texts.Append(nil, &s)
	if err != nil {
		t.Fatal(err)
	}
	const want = "5301030005616c7068610201000303696e650200000162010105" + "7468697264"
	if got := hex.EncodeToString(data); got != want {
		t.Errorf("encoding %s, want %s", got, want)
	}
	if got, want := s.Hash(), uint64(0x4f9f740cac2511b2); got != want {
		t.Errorf("hash %#x, want %#x", got, want)
	}
}

func TestSiblingsErrors(t *testing.T) {
	bad := errors.New("bad value")
	failing := vectorclock.SiblingsCodec[string]{
		AppendValue: func(dst []byte, v string) ([]byte, error) { return append(dst, "lost"...), bad },
		Value:       func([]byte) (string, error) { return "", bad },
	}
	var s siblings
	for range 3 {
		if _, err := s.Put(new(vectorclock.Clock), "a", "v"); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := failing.Append([]byte("kept"), &s); !errors.Is(err, bad) || string(got) != "kept" {
		t.Errorf("a value that cannot be encoded: %q, %v", got, err)
	}
	data, err := texts.Append(nil, &s)
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		codec vectorclock.SiblingsCodec[string]
		data  []byte
		want  error
	}{
		"a value that cannot be decoded": {failing, data, bad},
		"too many bytes":                 {vectorclock.SiblingsCodec[string]{Value: texts.Value, MaxBytes: len(data) - 1}, data, vectorclock.ErrEncoding},
		"too many values":                {vectorclock.SiblingsCodec[string]{Value: texts.Value, MaxValues: 2}, data, vectorclock.ErrEncoding},
		"too many values of two writers": {vectorclock.SiblingsCodec[string]{Value: texts.Value, MaxValues: 1}, []byte("S\x01\x02\x00\x01a\x01\x01\x00\x00\x01b\x01\x01\x00"), vectorclock.ErrEncoding},
		"too many writers":               {vectorclock.SiblingsCodec[string]{Value: texts.Value, MaxWriters: 1}, []byte("S\x01\x02\x00\x01a\x01\x00\x00\x01b\x01\x00"), vectorclock.ErrEncoding},
		"another magic":                  {texts, []byte("C\x01\x00"), vectorclock.ErrEncoding},
		"a later version":                {texts, []byte("S\x02\x00"), vectorclock.ErrVersion},
		"a writer without a name":        {texts, []byte("S\x01\x01\x00\x00\x01\x00"), vectorclock.ErrActor},
		"a name that is not UTF-8":       {texts, []byte("S\x01\x01\x00\x01\xff\x01\x00"), vectorclock.ErrActor},
		"a writer who wrote nothing":     {texts, []byte("S\x01\x01\x00\x01a\x00\x00"), vectorclock.ErrEncoding},
		"more values than writes":        {texts, []byte("S\x01\x01\x00\x01a\x01\x02\x00\x00"), vectorclock.ErrEncoding},
		"a count beyond the largest":     {texts, []byte("S\x01\x01\x00\x01a\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01\x00"), vectorclock.ErrEncoding},
		"writers in another order":       {texts, []byte("S\x01\x02\x00\x01b\x01\x00\x00\x01a\x01\x00"), vectorclock.ErrEncoding},
		"a writer twice":                 {texts, []byte("S\x01\x02\x00\x01a\x01\x00\x01\x00\x01\x00"), vectorclock.ErrEncoding},
		"a number that is too long":      {texts, []byte("S\x01\x81\x00\x00\x01a\x01\x00"), vectorclock.ErrEncoding},
		"more behind them":               {texts, append(slices.Clone(data), 0), vectorclock.ErrEncoding},
	} {
		got, err := tt.codec.Decode(tt.data)
		if !errors.Is(err, tt.want) || got.Len() != 0 {
			t.Errorf("%s: %v, and %d values, want %v", name, err, got.Len(), tt.want)
		}
	}
}
