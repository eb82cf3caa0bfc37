package vectorclock_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/clusterluck/clusterluck/vectorclock"
)

// single returns a clock of one entry.
func single(t *testing.T, e vectorclock.Entry) *vectorclock.Clock {
	t.Helper()
	c := new(vectorclock.Clock)
	if _, err := c.Set("a", e.Count, e.Updated, e.Inserted); err != nil {
		t.Fatal(err)
	}
	return c
}

// larger is the order of entries by definition.
func larger(a, b vectorclock.Entry) bool {
	if a.Count != b.Count {
		return a.Count > b.Count
	}
	if a.Updated != b.Updated {
		return a.Updated > b.Updated
	}
	return a.Inserted > b.Inserted
}

// Of two entries for an actor, Merge keeps the larger whole and Meet the
// smaller, also where only the times differ.
func TestTiesAreSettledByTimes(t *testing.T) {
	var all []vectorclock.Entry
	for i := range 27 {
		all = append(all, vectorclock.Entry{Count: uint64(i / 9), Updated: int64(i/3%3) - 1, Inserted: int64(i%3) - 1})
	}
	for _, a := range all {
		for _, b := range all {
			most, least := a, b
			if larger(b, a) {
				most, least = b, a
			}
			merged, met := single(t, a), single(t, a)
			if changed := merged.Merge(single(t, b)); changed != larger(b, a) {
				t.Errorf("%v merged with %v: changed %v", a, b, changed)
			}
			met.Meet(single(t, b))
			if got, _ := merged.Entry("a"); got != most {
				t.Errorf("%v merged with %v is %v, want %v", a, b, got, most)
			}
			if got, _ := met.Entry("a"); got != least {
				t.Errorf("%v meets %v in %v, want %v", a, b, got, least)
			}
			if got := single(t, a).Identical(single(t, b)); got != (a == b) {
				t.Errorf("%v and %v: Identical %v", a, b, got)
			}
			if (single(t, a).Hash() == single(t, b).Hash()) != (a == b) {
				t.Errorf("%v and %v: their hashes do not tell", a, b)
			}
			// The same among other actors, of which the clocks have different ones.
			x, y := single(t, a), single(t, b)
			for actor, c := range map[string]*vectorclock.Clock{"X": x, "b": y} {
				if _, err := c.Increment(actor, 5); err != nil {
					t.Fatal(err)
				}
			}
			z := y.Clone()
			z.Merge(x)
			x.Merge(y)
			if got, _ := x.Entry("a"); got != most || !z.Identical(x) || x.Len() != 3 {
				t.Errorf("%v merged with %v among others is %s, and the other way %s", a, b, text(x), text(&z))
			}
		}
	}
}

// What has another form than the one is refused, though it could be understood.
func TestOtherFormsAreRefused(t *testing.T) {
	const uuid = "00000000-0000-4000-8000-000000000000"
	column := "\x10\x02"
	columns := column + column + column
	entry := `{"count":1,"insert":1,"time":1}`
	x70 := strings.Repeat("x", 70)
	for name, tt := range map[string]struct {
		decode func(*vectorclock.Clock, []byte) error
		data   string
		want   error
	}{
		"a name with less in common than it has":   {(*vectorclock.Clock).UnmarshalBinary, "C\x10\x02\x08\x00\x02ab\x00\x02ac" + columns, vectorclock.ErrEncoding},
		"a name with more in common than 64 bytes": {(*vectorclock.Clock).UnmarshalBinary, "C\x10\x02\x4c\x00\x47" + x70 + "a\x46\x01b" + columns, vectorclock.ErrEncoding},
		"names that do not ascend":                 {(*vectorclock.Clock).UnmarshalBinary, "C\x10\x02\x07\x00\x02ab\x01\x01a" + columns, vectorclock.ErrEncoding},
		"the same name twice":                      {(*vectorclock.Clock).UnmarshalBinary, "C\x10\x02\x06\x00\x02ab\x02\x00" + columns, vectorclock.ErrEncoding},
		"UUIDs as text":                            {(*vectorclock.Clock).UnmarshalBinary, "C\x10\x01\x26\x00\x24" + uuid + columns, vectorclock.ErrEncoding},
		"an unknown flag":                          {(*vectorclock.Clock).UnmarshalBinary, "C\x18\x00", vectorclock.ErrEncoding},
		"tainted, not trimmed":                     {(*vectorclock.Clock).UnmarshalBinary, "C\x14\x00", vectorclock.ErrEncoding},
		"a receipt that does not tell":             {(*vectorclock.Clock).UnmarshalBinary, "C\x16\x00" + "12345678" + "12345678", vectorclock.ErrEncoding},
		"UUIDs that do not ascend":                 {(*vectorclock.Clock).UnmarshalBinary, "C\x11\x02" + "1234567890123456" + "1234567890123455" + columns, vectorclock.ErrEncoding},
		"more UUIDs than an int has bytes for":     {(*vectorclock.Clock).UnmarshalBinary, "C\x11\x80\x80\x80\x40", vectorclock.ErrEncoding},
		"a UUID twice":                             {(*vectorclock.Clock).UnmarshalBinary, "C\x11\x02" + "1234567890123456" + "1234567890123456" + columns, vectorclock.ErrEncoding},
		"version 2":                                {(*vectorclock.Clock).UnmarshalBinary, "C\x20\x00", vectorclock.ErrVersion},
		"a count above the largest":                {(*vectorclock.Clock).UnmarshalBinary, "C\x10\x01\x03\x00\x01a\x10\x01" + column + column, vectorclock.ErrCount},
		"times that pass the largest":              {(*vectorclock.Clock).UnmarshalBinary, "C\x10\x02\x06\x00\x01a\x00\x01b" + column + "\x81\xfe\xff\xff\xff\xff\xff\xff\xff\x00\x01" + column, vectorclock.ErrEncoding},
		"times of which none is the least": {(*vectorclock.Clock).UnmarshalBinary, "C\x10\x02\x06\x00\x01a\x00\x01b" + column +
			"\x88\xff\xff\xff\xff\xff\xff\xff\xff" + "\x05\x00\x00\x00\x00\x00\x00\x80" + "\x09\x00\x00\x00\x00\x00\x00\x80" + column, vectorclock.ErrEncoding},
		"an empty name":                     {(*vectorclock.Clock).UnmarshalBinary, "C\x10\x01\x02\x00\x00" + columns, vectorclock.ErrActor},
		"a name that is not UTF-8":          {(*vectorclock.Clock).UnmarshalBinary, "C\x10\x01\x03\x00\x01\xff" + columns, vectorclock.ErrActor},
		"a delta without a base":            {(*vectorclock.Clock).ApplyDelta, "D\x01", vectorclock.ErrEncoding},
		"a delta of another base":           {(*vectorclock.Clock).ApplyDelta, "D\x01\x00\x00\x00\x00\x00\x00\x00\x00C\x10\x00", vectorclock.ErrBase},
		"JSON: an actor twice":              {(*vectorclock.Clock).UnmarshalJSON, `{"a":` + entry + `,"a":` + entry + `}`, vectorclock.ErrEncoding},
		"JSON: null for an entry":           {(*vectorclock.Clock).UnmarshalJSON, `{"a":null}`, vectorclock.ErrEncoding},
		"JSON: null for a count":            {(*vectorclock.Clock).UnmarshalJSON, `{"a":{"count":null,"count":1,"insert":1,"time":1}}`, vectorclock.ErrEncoding},
		"JSON: null for a horizon":          {(*vectorclock.Clock).UnmarshalJSON, `{"":{"horizon":null,"horizon":1,"receipt":null}}`, vectorclock.ErrEncoding},
		"JSON: two memories":                {(*vectorclock.Clock).UnmarshalJSON, `{"":{"horizon":1,"receipt":null},"":{"horizon":1,"receipt":null}}`, vectorclock.ErrEncoding},
		"JSON: a number of many digits":     {(*vectorclock.Clock).UnmarshalJSON, `{"a":{"count":` + strings.Repeat("1", 5000) + `,"insert":1,"time":1}}`, vectorclock.ErrEncoding},
		"JSON: half a character":            {(*vectorclock.Clock).UnmarshalJSON, `{"\ud800":` + entry + `}`, vectorclock.ErrEncoding},
		"JSON: the other half":              {(*vectorclock.Clock).UnmarshalJSON, `{"\udc00":` + entry + `}`, vectorclock.ErrEncoding},
		"JSON: nothing":                     {(*vectorclock.Clock).UnmarshalJSON, ``, vectorclock.ErrEncoding},
		"JSON: a name that is too long":     {(*vectorclock.Clock).UnmarshalJSON, `{"` + strings.Repeat("n", 5000) + `":{}}`, vectorclock.ErrActor},
		"CBOR: 23 in a byte":                {(*vectorclock.Clock).UnmarshalCBOR, "\x81\xa1\x61a\x83\x18\x17\x01\x01", vectorclock.ErrEncoding},
		"CBOR: 255 in two bytes":            {(*vectorclock.Clock).UnmarshalCBOR, "\x81\xa1\x61a\x83\x19\x00\xff\x01\x01", vectorclock.ErrEncoding},
		"CBOR: 65,535 in four":              {(*vectorclock.Clock).UnmarshalCBOR, "\x81\xa1\x61a\x83\x1a\x00\x00\xff\xff\x01\x01", vectorclock.ErrEncoding},
		"CBOR: 2^32 - 1 in eight":           {(*vectorclock.Clock).UnmarshalCBOR, "\x81\xa1\x61a\x83\x1b\x00\x00\x00\x00\xff\xff\xff\xff\x01\x01", vectorclock.ErrEncoding},
		"CBOR: a name that is not UTF-8":    {(*vectorclock.Clock).UnmarshalCBOR, "\x81\xa1\x61\xff\x83\x01\x01\x01", vectorclock.ErrActor},
		"JSON: a field too few":             {(*vectorclock.Clock).UnmarshalJSON, `{"a":{"count":1,"insert":1}}`, vectorclock.ErrEncoding},
		"JSON: a field of another case":     {(*vectorclock.Clock).UnmarshalJSON, `{"a":{"Count":1,"insert":1,"time":1}}`, vectorclock.ErrEncoding},
		"JSON: a count below zero":          {(*vectorclock.Clock).UnmarshalJSON, `{"a":{"count":-1,"insert":1,"time":1}}`, vectorclock.ErrEncoding},
		"JSON: a count of text":             {(*vectorclock.Clock).UnmarshalJSON, `{"a":{"count":"1","insert":1,"time":1}}`, vectorclock.ErrEncoding},
		"JSON: a count above the largest":   {(*vectorclock.Clock).UnmarshalJSON, `{"a":{"count":9223372036854775808,"insert":1,"time":1}}`, vectorclock.ErrCount},
		"JSON: more behind":                 {(*vectorclock.Clock).UnmarshalJSON, `{}{}`, vectorclock.ErrEncoding},
		"CBOR: a number of more bytes":      {(*vectorclock.Clock).UnmarshalCBOR, "\x81\xb8\x00", vectorclock.ErrEncoding},
		"CBOR: a map of no definite length": {(*vectorclock.Clock).UnmarshalCBOR, "\x81\xbf\xff", vectorclock.ErrEncoding},
		"CBOR: actors in another order":     {(*vectorclock.Clock).UnmarshalCBOR, "\x81\xa2\x61b\x83\x01\x01\x01\x61a\x83\x01\x01\x01", vectorclock.ErrEncoding},
		"CBOR: an actor twice":              {(*vectorclock.Clock).UnmarshalCBOR, "\x81\xa2\x61a\x83\x01\x01\x01\x61a\x83\x01\x01\x01", vectorclock.ErrEncoding},
	} {
		c := single(t, vectorclock.Entry{Count: 3})
		before := text(c)
		err := tt.decode(c, []byte(tt.data))
		if !errors.Is(err, tt.want) || err != nil && len(err.Error()) > 300 {
			t.Errorf("%s: %v, want %v in a few words", name, err, tt.want)
		}
		if text(c) != before {
			t.Errorf("%s: the clock became %s", name, text(c))
		}
	}
}

// Names and counts that are out of bounds are refused, and change nothing.
func TestBadWritesAreRefused(t *testing.T) {
	long := strings.Repeat("a", vectorclock.MaxActorLen+1)
	c := single(t, vectorclock.Entry{Count: vectorclock.MaxCount})
	before := text(c)
	for _, actor := range []string{"", long, "\xff"} {
		if err := c.Insert(actor, 1); !errors.Is(err, vectorclock.ErrActor) {
			t.Errorf("Insert(%.10q) = %v", actor, err)
		}
		if d, err := c.Increment(actor, 1); !errors.Is(err, vectorclock.ErrActor) || d != (vectorclock.Dot{}) {
			t.Errorf("Increment(%.10q) = %v, %v", actor, d, err)
		}
	}
	if _, err := c.Increment("a", 1); !errors.Is(err, vectorclock.ErrCount) {
		t.Errorf("Increment beyond the largest count: %v", err)
	}
	if _, err := c.IncrementFrom("b", vectorclock.MaxCount, 1); !errors.Is(err, vectorclock.ErrCount) {
		t.Errorf("IncrementFrom the largest count: %v", err)
	}
	if _, err := c.Set("b", vectorclock.MaxCount+1, 1, 1); !errors.Is(err, vectorclock.ErrCount) {
		t.Errorf("Set above the largest count: %v", err)
	}
	if _, err := c.Witness(vectorclock.Dot{Actor: "b", Count: vectorclock.MaxCount + 1}, 1); !errors.Is(err, vectorclock.ErrCount) {
		t.Errorf("Witness above the largest count: %v", err)
	}
	if text(c) != before {
		t.Errorf("refused writes made %s of %s", text(c), before)
	}
}

func TestOrderings(t *testing.T) {
	for _, tt := range []struct {
		ahead, behind bool
		want, reverse vectorclock.Ordering
		text          string
	}{
		{false, false, vectorclock.Equal, vectorclock.Equal, "equal"},
		{true, false, vectorclock.After, vectorclock.Before, "after"},
		{false, true, vectorclock.Before, vectorclock.After, "before"},
		{true, true, vectorclock.Concurrent, vectorclock.Concurrent, "concurrent"},
	} {
		got := vectorclock.OrderingOf(tt.ahead, tt.behind)
		if got != tt.want || got.Reverse() != tt.reverse || got.String() != tt.text {
			t.Errorf("ahead %v, behind %v: %v, the other way %v", tt.ahead, tt.behind, got, got.Reverse())
		}
	}
	if got := vectorclock.Ordering(9).String(); got != "Ordering(9)" {
		t.Errorf("an ordering that is none prints %q", got)
	}
}

// What each write answers, and what it leaves alone.
func TestWritesSayWhatTheyDid(t *testing.T) {
	c := single(t, vectorclock.Entry{Count: 3, Updated: 50, Inserted: 40})
	dot := func(count uint64) vectorclock.Dot { return vectorclock.Dot{Actor: "a", Count: count} }
	for _, tt := range []struct {
		count uint64
		at    int64
		news  bool
		want  vectorclock.Entry
	}{
		{2, 90, false, vectorclock.Entry{Count: 3, Updated: 50, Inserted: 40}},
		{3, 90, false, vectorclock.Entry{Count: 3, Updated: 50, Inserted: 40}},
		{4, 20, true, vectorclock.Entry{Count: 4, Updated: 50, Inserted: 40}},
		{9, 60, true, vectorclock.Entry{Count: 9, Updated: 60, Inserted: 40}},
	} {
		news, err := c.Witness(dot(tt.count), tt.at)
		if e, _ := c.Entry("a"); err != nil || news != tt.news || e != tt.want {
			t.Errorf("event %d at %d: news %v, entry %v, %v; want %v, %v", tt.count, tt.at, news, e, err, tt.news, tt.want)
		}
	}
	if _, err := c.Witness(vectorclock.Dot{}, 1); !errors.Is(err, vectorclock.ErrActor) {
		t.Errorf("an event of nobody: %v", err)
	}
	if back, err := c.Set("a", 9, 70, 1); err != nil || back {
		t.Errorf("set to what it counts: back %v, %v", back, err)
	}
	if back, err := c.Set("a", 8, 70, 1); err != nil || !back {
		t.Errorf("set to less: back %v, %v", back, err)
	}
	if err := c.Insert("none", 1); err != nil {
		t.Fatal(err)
	}
	if got := slices.Collect(c.Dots()); len(got) != 1 || got[0] != dot(8) {
		t.Errorf("dots %v", got)
	}
	if got, want := fmt.Sprint(c, *c), "{a:8 none:0} {a:8 none:0}"; got != want {
		t.Errorf("it prints %q, want %q", got, want)
	}
	before := maps.Collect(c.All())
	for actor, e := range c.All() { // goes on over what was there
		if e != before[actor] {
			t.Errorf("%s has %v, want %v", actor, e, before[actor])
		}
		if _, err := c.Increment("0"+actor, 1); err != nil {
			t.Fatal(err)
		}
	}
	if c.Len() != 4 {
		t.Errorf("it has %d entries, want 4", c.Len())
	}
	if _, err := c.Witness(vectorclock.Dot{Actor: "none", Count: 2}, -7); err != nil {
		t.Fatal(err)
	}
	if e, _ := c.Entry("none"); e != (vectorclock.Entry{Count: 2, Updated: -7, Inserted: 1}) {
		t.Errorf("the first event of an entry of none is %v", e)
	}
}

// A clock that is a value, in a field or a map, is encoded as one behind a
// pointer.
func TestClocksAreEncodedByValue(t *testing.T) {
	c := single(t, vectorclock.Entry{Count: 3, Updated: 50, Inserted: 40})
	want := `{"a":{"count":3,"insert":40,"time":50}}`
	for _, v := range []any{*c, c, map[string]vectorclock.Clock{"k": *c}, struct{ C vectorclock.Clock }{*c}} {
		data, err := json.Marshal(v)
		if err != nil || !strings.Contains(string(data), want) {
			t.Errorf("%T is %s, %v", v, data, err)
		}
	}
	if data, err := json.Marshal(map[string]siblings{"k": {}}); err == nil {
		t.Errorf("siblings are %s, want an error: they have no JSON", data)
	}
}

// Clocks of the same actors that are compared one after the other must not keep
// each other's names alive.
func TestComparedClocksAreForgotten(t *testing.T) {
	first := sized(t, rand.New(rand.NewPCG(1, 1)), 500)
	data, err := first.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	last := first
	before := live()
	for range 400 {
		next := new(vectorclock.Clock)
		if err := next.UnmarshalBinary(data); err != nil {
			t.Fatal(err)
		}
		if last.Compare(next) != vectorclock.Equal {
			t.Fatal("not equal")
		}
		last = next
	}
	if grown := live() - before; grown > 2<<20 {
		t.Errorf("%d bytes are held after 400 clocks, want those of two", grown)
	}
	runtime.KeepAlive(first)
	runtime.KeepAlive(last)
}

// live returns the bytes of what is alive.
func live() int {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

// A character that JSON escapes as a pair is one.
func TestNamesMayBeEscaped(t *testing.T) {
	var c vectorclock.Clock
	if err := c.UnmarshalJSON([]byte(`{"\\\ud83d\ude00\u00e9":{"count":1,"insert":1,"time":1}}`)); err != nil {
		t.Fatal(err)
	}
	if !c.Has("\\\U0001f600\u00e9") {
		t.Errorf("it is %s", text(&c))
	}
}
