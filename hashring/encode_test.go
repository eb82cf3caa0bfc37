package hashring_test

import (
	"bytes"
	"encoding"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand"
	"slices"
	"strings"
	"testing"

	"github.com/clusterluck/clusterluck/hashring"
)

var (
	_ encoding.BinaryAppender    = (*hashring.Ring)(nil)
	_ encoding.BinaryMarshaler   = (*hashring.Ring)(nil)
	_ encoding.BinaryUnmarshaler = (*hashring.Ring)(nil)
	_ json.Marshaler             = (*hashring.Ring)(nil)
	_ json.Unmarshaler           = (*hashring.Ring)(nil)
)

// encodable returns rings that between them have all that an encoding must
// carry, by name.
func encodable(t testing.TB) map[string]*hashring.Ring {
	t.Helper()
	bytes256 := make([]byte, 256)
	for i := range bytes256 {
		bytes256[i] = byte(i)
	}
	return map[string]*hashring.Ring{
		"zero":        new(hashring.Ring),
		"no nodes":    newRing(t, hashring.Options{Points: 3, Probes: hashring.MaxProbes}),
		"one node":    newRing(t, hashring.Options{Points: 1}, hashring.Node{ID: "a"}),
		"probes":      newRing(t, hashring.Options{Points: 200, Probes: 3}, numbered(7)...),
		"clusterluck": newRing(t, clusterluckOptions, numbered(7)...),
		"most points": newRing(t, hashring.Options{Points: hashring.MaxWeight}, hashring.Node{ID: "a"}),
		"most weight": newRing(t, hashring.Options{Points: 1}, hashring.Node{ID: "a", Weight: hashring.MaxWeight}),
		"longest fields": newRing(t, hashring.Options{Points: 1}, hashring.Node{
			ID:   strings.Repeat("i", hashring.MaxIDLen),
			Zone: strings.Repeat("z", hashring.MaxIDLen),
			Meta: strings.Repeat(string(bytes256), hashring.MaxMetaLen/256),
		}),
		"odd text": newRing(t, hashring.Options{Points: 2},
			hashring.Node{ID: "\x00", Weight: 2, Zone: "\u2028</script>&", Meta: "\xff"},
			hashring.Node{ID: "\u00e9", Zone: "\x7f\"\\", Meta: "\ufffd"},
			hashring.Node{ID: "e\u0301", Meta: `{"id":"x"}`}),
	}
}

// A ring must come back from its encoding as it was, on any ring that it is
// decoded into, and encode to the same bytes again.
func TestEncodingRoundTrip(t *testing.T) {
	for name, r := range encodable(t) {
		t.Run(name, func(t *testing.T) {
			binary, err := r.MarshalBinary()
			if err != nil {
				t.Fatal(err)
			}
			text, err := r.MarshalJSON()
			if err != nil {
				t.Fatal(err)
			}
			decoded := map[string]*hashring.Ring{
				"UnmarshalBinary": newRing(t, hashring.Options{Points: 9}, numbered(3)...),
				"UnmarshalJSON":   newRing(t, clusterluckOptions, numbered(3)...),
			}
			if err := decoded["UnmarshalBinary"].UnmarshalBinary(binary); err != nil {
				t.Fatal(err)
			}
			if err := decoded["UnmarshalJSON"].UnmarshalJSON(text); err != nil {
				t.Fatal(err)
			}
			if decoded["Decode"], err = hashring.Decode(binary, hashring.Limits{}); err != nil {
				t.Fatal(err)
			}
			if decoded["DecodeJSON"], err = hashring.DecodeJSON(text, hashring.Limits{}); err != nil {
				t.Fatal(err)
			}
			for how, got := range decoded {
				if !got.Equal(r) || got.Fingerprint() != r.Fingerprint() || got.Options() != r.Options() {
					t.Errorf("%s gives a ring that is not equal", how)
				}
				if !slices.Equal(slices.Collect(got.All()), slices.Collect(r.All())) {
					t.Errorf("%s gives a ring with other points", how)
				}
				if again, err := got.MarshalBinary(); err != nil || !bytes.Equal(again, binary) {
					t.Errorf("after %s MarshalBinary gives other bytes, error %v", how, err)
				}
				if again, err := got.MarshalJSON(); err != nil || !bytes.Equal(again, text) {
					t.Errorf("after %s MarshalJSON gives other bytes, error %v", how, err)
				}
			}
		})
	}
}

// A ring has one encoding, however it came to have its nodes, so that encodings
// may be compared and hashed.
func TestEncodingDoesNotDependOnHistory(t *testing.T) {
	for _, opts := range []hashring.Options{{Points: 5}, {Points: 5, Probes: 2}, clusterluckOptions} {
		want := newRing(t, opts, numbered(30)...)
		wantBinary, _ := want.MarshalBinary()
		wantText, _ := want.MarshalJSON()
		for seed := range int64(5) {
			r := newRing(t, opts)
			wander(t, r, rand.New(rand.NewSource(seed)), 30)
			if got, err := r.MarshalBinary(); err != nil || !bytes.Equal(got, wantBinary) {
				t.Errorf("%v, history %d: MarshalBinary differs, error %v", opts, seed, err)
			}
			if got, err := r.MarshalJSON(); err != nil || !bytes.Equal(got, wantText) {
				t.Errorf("%v, history %d: MarshalJSON differs, error %v", opts, seed, err)
			}
		}
	}
}

func TestAppendBinaryAppends(t *testing.T) {
	r := newRing(t, hashring.Options{}, numbered(3)...)
	alone, err := r.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	dst := append(make([]byte, 0, 4096), "before"...)
	got, err := r.AppendBinary(dst)
	if err != nil {
		t.Fatal(err)
	}
	if want := "before" + string(alone); string(got) != want || &got[0] != &dst[0] {
		t.Errorf("AppendBinary to %q with room = %q, want %q in the same array", dst, got, want)
	}
}

// A ring within another value must encode as a ring.
func TestJSONWithinAnotherValue(t *testing.T) {
	type config struct {
		Name string
		Ring *hashring.Ring
	}
	in := config{"x", newRing(t, hashring.Options{Points: 4, Probes: 2}, hashring.Node{ID: "a", Weight: 3, Meta: "\xff<>"})}
	data, err := json.MarshalIndent(in, "", "\t")
	if err != nil {
		t.Fatal(err)
	}
	var out config
	if err := json.Unmarshal(data, &out); err != nil {
		t.Fatal(err)
	}
	if out.Name != in.Name || !out.Ring.Equal(in.Ring) {
		t.Errorf("%s decodes to another ring", data)
	}
}

// sentinels are the errors that a decoder may give.
var sentinels = []error{
	hashring.ErrEncoding, hashring.ErrVersion, hashring.ErrFingerprint, hashring.ErrOptions, hashring.ErrID, hashring.ErrWeight,
	hashring.ErrMeta, hashring.ErrDuplicate, hashring.ErrTooManyNodes, hashring.ErrTooManyPoints,
}

// sentinelOf returns the sentinel that err wraps, or nil.
func sentinelOf(err error) error {
	for _, s := range sentinels {
		if errors.Is(err, s) {
			return s
		}
	}
	return nil
}

func TestDecodeRefusesTruncation(t *testing.T) {
	for name, r := range encodable(t) {
		data, err := r.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		for n := 0; n < len(data); n += 1 + n/500 {
			if _, err := hashring.Decode(data[:n:n], hashring.Limits{}); !errors.Is(err, hashring.ErrEncoding) {
				t.Errorf("%s: Decode of the first %d of %d bytes: %v, want ErrEncoding", name, n, len(data), err)
			}
		}
		text, err := r.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		for n := 0; n < len(text); n += 1 + n/500 {
			if _, err := hashring.DecodeJSON(text[:n:n], hashring.Limits{}); !errors.Is(err, hashring.ErrEncoding) {
				t.Errorf("%s: DecodeJSON of the first %d of %d bytes: %v, want ErrEncoding", name, n, len(text), err)
			}
		}
	}
}

// No single bit of a binary encoding may be wrong; JSON may only say the same
// in another way, such as with capitals in the fingerprint.
func TestDecodeRefusesAlteration(t *testing.T) {
	for _, r := range []*hashring.Ring{
		newRing(t, hashring.Options{Points: 2, Probes: 2}, hashring.Node{ID: "a", Weight: 3, Zone: "z", Meta: "m\xff"}, hashring.Node{ID: "bc"}),
		newRing(t, clusterluckOptions, hashring.Node{ID: "a", Weight: 3, Zone: "z", Meta: "m"}, hashring.Node{ID: "\u00e9"}),
	} {
		data, err := r.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		for i := range 8 * len(data) {
			altered := slices.Clone(data)
			altered[i/8] ^= 1 << (i % 8)
			if got, err := hashring.Decode(altered, hashring.Limits{Points: 1 << 12}); sentinelOf(err) == nil || got != nil {
				t.Errorf("Decode with bit %d of byte %d flipped: %v, want a refusal", i%8, i/8, err)
			}
		}
		text, err := r.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		for i := range 8 * len(text) {
			altered := slices.Clone(text)
			altered[i/8] ^= 1 << (i % 8)
			got, err := hashring.DecodeJSON(altered, hashring.Limits{Points: 1 << 12})
			if err == nil && !got.Equal(r) || err != nil && sentinelOf(err) == nil {
				t.Errorf("DecodeJSON of %s: error %v, want a refusal or the same ring", altered, err)
			}
		}
	}
}

// rawRing encodes nodes as they are given, however wrong, with the fingerprint
// that they have, so that nothing else refuses them.
func rawRing(points, probes int, nodes ...hashring.Node) []byte {
	data := append([]byte("CLHR"), 1, 0)
	data = binary.AppendUvarint(binary.AppendUvarint(data, uint64(points)), uint64(probes))
	data = append(data, rawFingerprint(0, points, probes, nodes)...)
	data = binary.AppendUvarint(data, uint64(len(nodes)))
	for _, n := range nodes {
		data = append(data, v1Node(n)...)
	}
	return data
}

// patched returns data with the bytes from at to end replaced.
func patched(data []byte, at, end int, by ...byte) []byte {
	return slices.Concat(data[:at], by, data[end:])
}

// What is not in the one form is refused, also where it means the same.
func TestDecodeRefusesOtherForms(t *testing.T) {
	a, b := hashring.Node{ID: "a", Weight: 1}, hashring.Node{ID: "b", Weight: 2, Zone: "z", Meta: "m"}
	long := strings.Repeat("x", hashring.MaxIDLen+1)
	good := rawRing(3, 1, a, b)
	if r, err := hashring.Decode(good, hashring.Limits{}); err != nil || r.Len() != 2 {
		t.Fatalf("the encoding to alter is refused: %v", err)
	}
	// Offsets: 4 version, 5 layout, 6 points, 7 probes, 8 fingerprint, 24
	// count, 25 first node.
	for name, tt := range map[string]struct {
		data []byte
		want error
		says string
	}{
		"nothing":                  {nil, hashring.ErrEncoding, `"CLHR"`},
		"another magic":            {patched(good, 3, 4, 'S'), hashring.ErrEncoding, `"CLHR"`},
		"JSON":                     {[]byte(`{"version":1}`), hashring.ErrEncoding, `"CLHR"`},
		"version 0":                {patched(good, 4, 5, 0), hashring.ErrVersion, "version 0"},
		"version 2, other content": {append([]byte("CLHR\x02"), "from the future"...), hashring.ErrVersion, "version 2: this package reads 1"},
		"layout 2":                 {patched(good, 5, 6, 2), hashring.ErrOptions, "layout 2"},
		"points 0":                 {rawRing(0, 1), hashring.ErrEncoding, "points 0"},
		"probes 0":                 {rawRing(1, 0), hashring.ErrEncoding, "probes 0"},
		"points beyond the most":   {rawRing(hashring.MaxWeight+1, 1), hashring.ErrOptions, "points 65537"},
		"probes beyond the most":   {rawRing(1, hashring.MaxProbes+1), hashring.ErrOptions, "probes 17"},
		"points in two bytes":      {patched(good, 6, 7, 0x83, 0), hashring.ErrEncoding, "byte 6"},
		"count in two bytes":       {patched(good, 24, 25, 0x82, 0), hashring.ErrEncoding, "byte 24"},
		"count of 2^31":            {patched(good, 24, 25, 0x80, 0x80, 0x80, 0x80, 8), hashring.ErrEncoding, "2147483648"},
		"count of 2^70":            {patched(good, 24, 25, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1), hashring.ErrEncoding, "byte 24"},
		"count too small":          {patched(good, 24, 25, 1), hashring.ErrEncoding, "after the last node"},
		"count too large":          {patched(good, 24, 25, 3), hashring.ErrEncoding, "truncated"},
		"length of 2^31-1":         {patched(good, 25, 26, 0xff, 0xff, 0xff, 0xff, 7), hashring.ErrEncoding, "truncated"},
		"a byte behind":            {append(slices.Clone(good), 0), hashring.ErrEncoding, "1 more after the last node"},
		"nodes in another order":   {rawRing(3, 1, b, a), hashring.ErrEncoding, `"a" after "b"`},
		"a node twice":             {rawRing(3, 1, a, a), hashring.ErrEncoding, `"a" after "a"`},
		"empty id":                 {rawRing(3, 1, hashring.Node{Weight: 1}), hashring.ErrID, "empty"},
		"id too long":              {rawRing(3, 1, hashring.Node{ID: long, Weight: 1}), hashring.ErrID, "1025 bytes"},
		"id not UTF-8":             {rawRing(3, 1, hashring.Node{ID: "\xff", Weight: 1}), hashring.ErrID, "UTF-8"},
		"zone too long":            {rawRing(3, 1, hashring.Node{ID: "a", Weight: 1, Zone: long}), hashring.ErrID, "zone of 1025 bytes"},
		"weight 0":                 {rawRing(3, 1, hashring.Node{ID: "a"}), hashring.ErrWeight, "weight 0"},
		"weight beyond the most":   {rawRing(3, 1, hashring.Node{ID: "a", Weight: hashring.MaxWeight + 1}), hashring.ErrWeight, "weight 65537"},
		"metadata too long":        {rawRing(3, 1, hashring.Node{ID: "a", Weight: 1, Meta: strings.Repeat("m", hashring.MaxMetaLen+1)}), hashring.ErrMeta, "65537 bytes"},
		"another fingerprint":      {patched(good, 8, 9, good[8]^1), hashring.ErrFingerprint, "fingerprint"},
		"another weight":           {patched(good, 27, 28, 2), hashring.ErrFingerprint, "fingerprint"},
	} {
		r := newRing(t, hashring.Options{}, numbered(2)...)
		before := r.Fingerprint()
		if err := r.UnmarshalBinary(tt.data); !errors.Is(err, tt.want) || !strings.Contains(fmt.Sprint(err), tt.says) {
			t.Errorf("%s: UnmarshalBinary: %v, want %q with %q", name, err, tt.want, tt.says)
		}
		if r.Fingerprint() != before {
			t.Errorf("%s: the refused encoding changed the ring", name)
		}
	}
}

func TestDecodeJSONRefusesOtherForms(t *testing.T) {
	r := newRing(t, hashring.Options{Points: 3}, hashring.Node{ID: "a", Weight: 1}, hashring.Node{ID: "b", Weight: 2, Zone: "z", Meta: "m"})
	data, err := r.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	good := string(data)
	fingerprint := fmt.Sprintf("%x", r.Fingerprint())
	with := func(old, new string) string {
		if !strings.Contains(good, old) {
			t.Fatalf("%s has no %s", good, old)
		}
		return strings.Replace(good, old, new, 1)
	}
	accepted := map[string]string{
		"as written":              good,
		"space around":            "\n " + good + "\t\n",
		"nodes in another order":  with(`{"id":"a","weight":1},{"id":"b","weight":2,"zone":"z","meta":"m"}`, `{"meta":"m","id":"b","weight":2,"zone":"z"},{"weight":1,"id":"a"}`),
		"metadata in base64":      with(`"meta":"m"`, `"meta_base64":"bQ=="`),
		"empty fields":            with(`"id":"a","weight":1`, `"id":"a","weight":1,"zone":"","meta":"","meta_base64":""`),
		"letters escaped":         with(`"id":"a"`, `"id":"\u0061"`),
		"fingerprint in capitals": with(fingerprint, strings.ToUpper(fingerprint)),
	}
	for name, text := range accepted {
		if got, err := hashring.DecodeJSON([]byte(text), hashring.Limits{}); err != nil || !got.Equal(r) {
			t.Errorf("%s: error %v, or another ring", name, err)
		}
	}
	kept := newRing(t, hashring.Options{}, numbered(2)...)
	before := kept.Snapshot()
	if err := kept.UnmarshalJSON([]byte(" null ")); err != nil || kept.Snapshot() != before {
		t.Errorf("null: %v, or the ring changed; want neither, as for all JSON values", err)
	}
	type refusal struct {
		text string
		want error
		says string
	}
	refused := map[string]refusal{
		"nothing":                    {"", hashring.ErrEncoding, "byte 0"},
		"a list":                     {"[]", hashring.ErrEncoding, "array"},
		"version 2":                  {with(`"version":1`, `"version":2`), hashring.ErrVersion, "version 2: this package reads 1"},
		"version 2 with a new field": {with(`"version":1`, `"version":2,"salt":7`), hashring.ErrVersion, "version 2: this package reads 1"},
		"another layout":             {with(`"v1"`, `"v9"`), hashring.ErrOptions, `"v9"`},
		"points 0":                   {with(`"points":3`, `"points":0`), hashring.ErrEncoding, "points 0"},
		"probes 0":                   {with(`"probes":1`, `"probes":0`), hashring.ErrEncoding, "probes 0"},
		"points below 0":             {with(`"points":3`, `"points":-3`), hashring.ErrOptions, "points -3"},
		"probes beyond the most":     {with(`"probes":1`, `"probes":17`), hashring.ErrOptions, "probes 17"},
		"weight below 0":             {with(`"weight":1`, `"weight":-1`), hashring.ErrWeight, `"a": weight -1`},
		"weight 0":                   {with(`"weight":1`, `"weight":0`), hashring.ErrWeight, `"a": weight 0`},
		"no weight":                  {with(`,"weight":1`, ``), hashring.ErrEncoding, `"weight" is missing`},
		"no id":                      {with(`"id":"a",`, ``), hashring.ErrEncoding, `"id" is missing`},
		"an empty id":                {with(`"id":"a"`, `"id":""`), hashring.ErrID, "empty"},
		"no nodes":                   {with(`,"nodes":[{"id":"a","weight":1},{"id":"b","weight":2,"zone":"z","meta":"m"}]`, ``), hashring.ErrEncoding, `"nodes" is missing`},
		"no layout":                  {with(`"layout":"v1",`, ``), hashring.ErrEncoding, `"layout" is missing`},
		"a field twice":              {with(`"version":1`, `"version":1,"points":3`), hashring.ErrEncoding, `"points" is unknown or there twice`},
		"a field of a node twice":    {with(`"id":"a"`, `"id":"b","id":"a"`), hashring.ErrEncoding, `"id" is unknown or there twice`},
		"a field of another case":    {with(`"points"`, `"Points"`), hashring.ErrEncoding, `"Points" is unknown`},
		"a node's of another case":   {with(`"id":"a"`, `"ID":"a"`), hashring.ErrEncoding, `"ID" is unknown`},
		"null in a field":            {with(`"zone":"z"`, `"zone":null`), hashring.ErrEncoding, `"zone" is null`},
		"a node of another kind":     {with(`{"id":"a","weight":1}`, `"a"`), hashring.ErrEncoding, "want an object"},
		"a node twice":               {with(`"id":"b"`, `"id":"a"`), hashring.ErrDuplicate, `"a"`},
		"an unknown field":           {with(`"version":1`, `"version":1,"salt":7`), hashring.ErrEncoding, "salt"},
		"an unknown field of a node": {with(`"id":"a"`, `"id":"a","port":7`), hashring.ErrEncoding, "port"},
		"metadata both ways":         {with(`"meta":"m"`, `"meta":"m","meta_base64":"bQ=="`), hashring.ErrEncoding, `"b"`},
		"bad base64":                 {with(`"meta":"m"`, `"meta_base64":"b"`), hashring.ErrEncoding, "base64"},
		"more behind":                {good + "{}", hashring.ErrEncoding, "more after the ring"},
		"a bracket behind":           {good + "]", hashring.ErrEncoding, "more after the ring"},
		"not UTF-8":                  {with(`"m"`, "\"\xff\""), hashring.ErrEncoding, "UTF-8"},
		"no fingerprint":             {with(fingerprint, ""), hashring.ErrEncoding, "32 hex digits"},
		"short fingerprint":          {with(fingerprint, fingerprint[1:]), hashring.ErrEncoding, "32 hex digits"},
		"long fingerprint":           {with(fingerprint, fingerprint+"00"), hashring.ErrEncoding, "32 hex digits"},
		"fingerprint of words":       {with(fingerprint, strings.Repeat("xy", 16)), hashring.ErrEncoding, "32 hex digits"},
		"another fingerprint":        {with(fingerprint, strings.Repeat("0", 32)), hashring.ErrFingerprint, fingerprint},
		"another weight":             {with(`"weight":1`, `"weight":2`), hashring.ErrFingerprint, fingerprint},
	}
	for _, name := range slices.Sorted(maps.Keys(refused)) {
		tt, ring := refused[name], newRing(t, hashring.Options{}, numbered(2)...)
		before := ring.Fingerprint()
		if err := ring.UnmarshalJSON([]byte(tt.text)); !errors.Is(err, tt.want) || !strings.Contains(fmt.Sprint(err), tt.says) {
			t.Errorf("%s: UnmarshalJSON: %v, want %q with %q", name, err, tt.want, tt.says)
		}
		if ring.Fingerprint() != before {
			t.Errorf("%s: the refused encoding changed the ring", name)
		}
	}
}
