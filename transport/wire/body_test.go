package wire_test

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"math"
	"math/big"
	"reflect"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/clusterluck/clusterluck/transport/wire"
)

// An order is a body as programs have them.
type order struct {
	ID    uint64            `cbor:"1,keyasint"`
	Item  string            `cbor:"item"`
	Price float64           `cbor:"price,omitempty"`
	Tags  map[string]string `cbor:"tags,omitempty"`
	At    time.Time         `cbor:"at"`
	Raw   []byte            `cbor:"raw"`
}

// Equal values must be equal bytes, whatever a map's order, and come back.
func TestMarshalIsDeterministic(t *testing.T) {
	o := order{
		ID: 1 << 40, Item: "caf\u00e9", Price: 1.5, Tags: map[string]string{"a": "1", "bb": "2", "c": "3", "": "4"},
		At: time.Date(2024, 2, 29, 13, 0, 0, 123456789, time.FixedZone("", 3600)), Raw: []byte{0, 255},
	}
	const want = "a6" + "01" + "1b0000010000000000" + "626174" + "781e323032342d30322d32395431323a30303a30302e3132333435363738395a" +
		"63726177" + "4200ff" + "646974656d" + "65636166c3a9" + "6474616773" + "a460613461616131616361336262626132" + "657072696365" + "f93e00"
	for range 50 {
		got, err := wire.Marshal(o)
		if err != nil || hex.EncodeToString(got) != want {
			t.Fatalf("Marshal = %x, %v, want %s", got, err, want)
		}
	}
	b, err := wire.AppendValue([]byte("before"), &o)
	if err != nil || hex.EncodeToString(b[6:]) != want || string(b[:6]) != "before" {
		t.Fatalf("AppendValue = %q, %v", b, err)
	}
	var back order
	if err := wire.Unmarshal(b[6:], &back); err != nil {
		t.Fatal(err)
	}
	if !back.At.Equal(o.At) || back.At.Location() != time.UTC {
		t.Errorf("%v comes back as %v", o.At, back.At)
	}
	back.At = o.At
	if !reflect.DeepEqual(o, back) {
		t.Errorf("%+v comes back as %+v", o, back)
	}
}

func TestMarshalRefusesWhatHasNoForm(t *testing.T) {
	for _, v := range []any{func() {}, make(chan int), new(big.Int).Lsh(big.NewInt(1), 64), []any{1, complex(1, 1)}} {
		if b, err := wire.Marshal(v); err == nil || b != nil {
			t.Errorf("%T is encoded as %x", v, b)
		}
		if b, err := wire.AppendValue([]byte("before"), v); err == nil || string(b) != "before" {
			t.Errorf("%T is appended as %q, %v", v, b, err)
		}
	}
	b, err := wire.Marshal(big.NewInt(5))
	if err != nil || !bytes.Equal(b, []byte{5}) {
		t.Errorf("a big 5 is encoded as %x, %v", b, err)
	}
}

// A buffer that is used again for another caller must not share memory with
// what the last caller got.
func TestAppendValueOwnsNothing(t *testing.T) {
	one, err := wire.AppendValue(make([]byte, 0, 8), "one")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := wire.AppendValue(nil, "two"); err != nil {
		t.Fatal(err)
	}
	if string(one) != "\x63one" {
		t.Errorf("what was appended became %q", one)
	}
}

// head is the head of an item in the form of 4 bytes.
func head(major byte, n int) []byte {
	return binary.BigEndian.AppendUint32([]byte{major<<5 | 26}, uint32(n))
}

// nested is a 0 inside so many arrays.
func nested(n int) []byte { return append(bytes.Repeat([]byte{0x81}, n), 0) }

// listed is an array of so many zeros, paired a map of so many numbers.
func listed(n int) []byte { return append(head(4, n), make([]byte, n)...) }

func paired(n int) []byte {
	b := head(5, n)
	for i := range n {
		b = append(append(b, head(0, i+1<<16)...), 0)
	}
	return b
}

func TestUnmarshalRefuses(t *testing.T) {
	tests := []struct {
		name string
		in   []byte
		ok   bool
	}{
		{"nothing", nil, false},
		{"half an item", []byte{0x18}, false},
		{"two items", []byte{1, 2}, false},
		{"an indefinite array", []byte{0x9f, 1, 0xff}, false},
		{"an indefinite text", []byte{0x7f, 0x61, 'a', 0xff}, false},
		{"an indefinite map", []byte{0xbf, 0xff}, false},
		{"a tag", []byte{0xc1, 0}, false},
		{"a big number", []byte{0xc2, 0x41, 1}, false},
		{"a key twice", []byte{0xa2, 0x61, 'a', 1, 0x61, 'a', 2}, false},
		{"a key twice, in two forms", []byte{0xa2, 1, 1, 0x18, 1, 2}, false},
		{"bytes that are no UTF-8 in a text", []byte{0x62, 0xff, 0xfe}, false},
		{"half a character", []byte{0x62, 0xe2, 0x82}, false},
		{"as deep as may be", nested(wire.NestMax), true},
		{"deeper", nested(wire.NestMax + 1), false},
		{"very deep", nested(1 << 20), false},
		{"as long as may be", listed(wire.ItemsMax), true},
		{"longer", listed(wire.ItemsMax + 1), false},
		{"as many pairs as may be", paired(wire.ItemsMax), true},
		{"more pairs", paired(wire.ItemsMax + 1), false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var v any
			if err := wire.Unmarshal(tt.in, &v); (err == nil) != tt.ok {
				t.Errorf("taken: %v, want %v; error %v", err == nil, tt.ok, err)
			}
		})
	}
}

// A struct is filled by names in their case alone: else one field could be said
// twice.
func TestUnmarshalIntoStruct(t *testing.T) {
	var v struct {
		A int `cbor:"a"`
	}
	if err := wire.Unmarshal([]byte{0xa2, 0x61, 'A', 7, 0x61, 'b', 8}, &v); err != nil || v.A != 0 {
		t.Errorf("a field of another case, and one that is unknown: %+v, %v", v, err)
	}
	if err := wire.Unmarshal([]byte{0xa2, 0x61, 'a', 1, 0x61, 'a', 2}, &v); err == nil {
		t.Errorf("a field said twice is taken for %d", v.A)
	}
	if err := wire.Unmarshal([]byte{0xa1, 0x61, 'a', 0x61, 'x'}, &v); err == nil || !strings.HasPrefix(err.Error(), "wire: body for type *struct") {
		t.Errorf("a text for a number: %v", err)
	}
	var small uint8
	if err := wire.Unmarshal([]byte{0x19, 1, 0}, &small); err == nil {
		t.Errorf("256 is taken for the byte %d", small)
	}
}

// What an empty interface may cost: so many bytes for each byte of a body, as
// the documentation says, and some whatever the body, most of it for errors.
const (
	allocsEach = 192
	allocsFlat = 1 << 10
)

// allocated returns the bytes that f allocates: the least of three times, as the
// rest of the process allocates too.
func allocated(f func()) uint64 {
	least := uint64(math.MaxUint64)
	for range 3 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		f()
		runtime.ReadMemStats(&after)
		least = min(least, after.TotalAlloc-before.TotalAlloc)
	}
	return least
}

// hostile returns bodies that are meant to cost more than their sender paid.
func hostile() map[string][]byte {
	all := map[string][]byte{
		"deep":                  nested(1 << 16),
		"deep and indefinite":   bytes.Repeat([]byte{0x9f}, 1<<16),
		"deep maps":             bytes.Repeat([]byte{0xa1, 0}, 1<<15),
		"deep tags":             bytes.Repeat([]byte{0xc1}, 1<<16),
		"an array that lies":    head(4, wire.ItemsMax),
		"a map that lies":       head(5, wire.ItemsMax),
		"bytes that lie":        head(2, math.MaxInt32),
		"a text that lies":      head(3, math.MaxInt32),
		"2^63 elements":         {0x9b, 0x80, 0, 0, 0, 0, 0, 0, 0},
		"2^63 bytes":            {0x5b, 0x80, 0, 0, 0, 0, 0, 0, 0},
		"arrays that all lie":   bytes.Repeat(head(4, wire.ItemsMax), 15),
		"many pairs":            paired(wire.ItemsMax),
		"one long key, twice":   append(append(append([]byte{0xa2}, head(3, 1<<16)...), bytes.Repeat([]byte{'k'}, 1<<16)...), append(append([]byte{0}, head(3, 1<<16)...), bytes.Repeat([]byte{'k'}, 1<<16)...)...),
		"a text that is no one": append(head(3, 1<<16), bytes.Repeat([]byte{0xff}, 1<<16)...),
	}
	chain := append(bytes.Repeat([]byte{0xa1, 0}, wire.NestMax-2), 0xa0)
	for name, item := range map[string][]byte{
		"nulls": {0xf6}, "zeros": {0}, "numbers": {0x18, 255}, "negative numbers": {0x20}, "floats": {0xf9, 0x3e, 0},
		"empty texts": {0x60}, "empty bytes": {0x40}, "texts": {0x61, 'a'}, "empty arrays": {0x80}, "empty maps": {0xa0},
		"arrays of one": {0x81, 0}, "maps of one": {0xa1, 0, 0}, "maps of one empty map": {0xa1, 0, 0xa0}, "chains of maps": chain,
		"maps of nine": append([]byte{0xa9}, []byte{0, 0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 7, 0, 8, 0}...),
	} {
		n := 1 << 15 / len(item)
		all["many "+name] = append(head(4, n), bytes.Repeat(item, n)...)
		all["one of "+name] = append([]byte{0x81}, item...)
	}
	return all
}

// A peer must not make this node allocate much more than it sent.
func TestUnmarshalMemoryIsBounded(t *testing.T) {
	var dearest float64
	for name, b := range hostile() {
		var err error
		cost := allocated(func() {
			var v any
			err = wire.Unmarshal(b, &v)
		})
		dearest = max(dearest, (float64(cost)-allocsFlat)/float64(len(b)))
		if most := uint64(allocsEach*len(b) + allocsFlat); cost > most {
			t.Errorf("%s: %d bytes cost %d, want at most %d; error %v", name, len(b), cost, most, err)
		}
		if err != nil && len(err.Error()) > 16*len(b)+1000 {
			t.Errorf("%s: %d bytes make an error of %d", name, len(b), len(err.Error()))
		}
	}
	if dearest < allocsEach/2*strconv.IntSize/64 { // pointers are half as long on some platforms
		t.Errorf("the dearest body costs %.0f bytes a byte: the stated factor %d is not tried", dearest, allocsEach)
	}
}

// Nor with types of its own: a declared length counts for nothing.
func TestUnmarshalMemoryOfTypesIsBounded(t *testing.T) {
	type element struct{ A, B, C, D, E, F, G, H uint64 } // 64 bytes
	for name, tt := range map[string]struct {
		into any
		in   []byte
	}{
		"a slice that lies":  {new([]element), head(4, wire.ItemsMax)},
		"a map that lies":    {new(map[string]element), head(5, wire.ItemsMax)},
		"a string that lies": {new(string), head(3, math.MaxInt32)},
		"bytes that lie":     {new([]byte), head(2, math.MaxInt32)},
		"empty structs":      {new([]element), append(head(4, wire.ItemsMax), bytes.Repeat([]byte{0xa0}, wire.ItemsMax)...)},
	} {
		cost := allocated(func() { _ = wire.Unmarshal(tt.in, tt.into) })
		if most := uint64(64*len(tt.in) + 16<<10); cost > most {
			t.Errorf("%s: %d bytes cost %d, want at most %d", name, len(tt.in), cost, most)
		}
	}
}

// The encoder's buffers are shared by all goroutines.
func TestBodiesFromManyGoroutines(t *testing.T) {
	var all sync.WaitGroup
	for g := range 8 {
		all.Go(func() {
			want := strings.Repeat(strconv.Itoa(g), 40)
			var dst []byte
			for range 200 {
				b, err := wire.AppendValue(dst[:0], want)
				var got string
				if err == nil {
					err = wire.Unmarshal(b, &got)
				}
				if err != nil || got != want {
					t.Errorf("%s comes back as %q, %v", want, got, err)
					return
				}
				dst = b
			}
		})
	}
	all.Wait()
}
