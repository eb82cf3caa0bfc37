package wire_test

import (
	"bytes"
	"math"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/clusterluck/clusterluck/transport/wire"
)

// plainValues are of the types that take the short way, and at the edges of it.
func plainValues() []any {
	values := []any{struct{}{}, true, false, []byte(nil), []byte{}, "", "text", "\u00e4\U0001f600", strings.Repeat("x", 70_000)}
	for _, n := range []uint64{0, 1, 23, 24, 255, 256, math.MaxUint16, math.MaxUint16 + 1, math.MaxInt32, math.MaxUint32, math.MaxUint32 + 1, math.MaxInt64, math.MaxUint64} {
		values = append(values, n, int64(n), int64(-n), int(n), int(-n-1))
		if n < 100_000 {
			values = append(values, make([]byte, n), strings.Repeat("y", int(n)))
		}
	}
	return values
}

// The short way of plain types writes the same bytes and reads the same values as
// the library does, which gets the same value as a type of another name.
func TestPlainTypesAgreeWithTheLibrary(t *testing.T) {
	type other struct{ v any }
	named := func(v any) any { // the same value in a type that the library handles
		switch v := v.(type) {
		case []byte:
			type bytes []byte
			return bytes(v)
		case string:
			type text string
			return text(v)
		case int:
			type number int
			return number(v)
		case int64:
			type number int64
			return number(v)
		case uint64:
			type number uint64
			return number(v)
		case bool:
			type truth bool
			return truth(v)
		case struct{}:
			type none struct{}
			return none{}
		}
		panic(other{v})
	}
	for _, v := range plainValues() {
		got, err := wire.AppendValue([]byte("before"), v)
		want, wantErr := wire.AppendValue([]byte("before"), named(v))
		if !bytes.Equal(got, want) || err != nil || wantErr != nil {
			t.Fatalf("%T of %.20v is %.20x, want %.20x; errors %v, %v", v, v, got, want, err, wantErr)
		}
		checkPlain(t, got[len("before"):], v, named(v))
	}
	r := rand.New(rand.NewPCG(1, 2)) // anything at all, into every type
	for range 20_000 {
		data := make([]byte, r.IntN(12))
		for i := range data {
			data[i] = byte(r.Uint32())
		}
		if len(data) > 0 && r.IntN(2) == 0 {
			data[0] = []byte{0x00, 0x18, 0x19, 0x1a, 0x1b, 0x20, 0x3b, 0x40, 0x43, 0x58, 0x60, 0x63, 0x78, 0xa0, 0xf4, 0xf6}[r.IntN(16)]
		}
		for _, v := range []any{[]byte{1}, "x", int(1), int64(1), uint64(1), true, struct{}{}} {
			checkPlain(t, data, v, named(v))
		}
	}
}

// checkPlain decodes data as the type of v and as that of named, which must
// give the same.
func checkPlain(t *testing.T, data []byte, v, named any) {
	t.Helper()
	got, want := reflect.New(reflect.TypeOf(v)), reflect.New(reflect.TypeOf(named))
	err, wantErr := wire.Unmarshal(data, got.Interface()), wire.Unmarshal(data, want.Interface())
	if (err == nil) != (wantErr == nil) {
		t.Fatalf("%.20x as %T: %v, want %v", data, v, err, wantErr)
	}
	same := want.Elem().Convert(reflect.TypeOf(v)).Interface()
	if err == nil && !reflect.DeepEqual(got.Elem().Interface(), same) {
		t.Fatalf("%.20x as %T is %#v, want %#v", data, v, got.Elem(), same)
	}
}
