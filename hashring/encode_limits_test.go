package hashring_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"runtime"
	"strings"
	"testing"

	"github.com/clusterluck/clusterluck/hashring"
)

// Each limit lets through what is just at it and refuses the next.
func TestDecodeLimits(t *testing.T) {
	r := newRing(t, hashring.Options{Points: 7}, hashring.Node{ID: "a", Weight: 2}, hashring.Node{ID: "b"}, hashring.Node{ID: "c"})
	data, err := r.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	text, err := r.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name   string
		limits func(int) hashring.Limits
		binary int // what the encodings need
		json   int
		want   error
	}{
		{"bytes", func(n int) hashring.Limits { return hashring.Limits{Bytes: n} }, len(data), len(text), hashring.ErrEncoding},
		{"nodes", func(n int) hashring.Limits { return hashring.Limits{Nodes: n} }, 3, 3, hashring.ErrTooManyNodes},
		{"points", func(n int) hashring.Limits { return hashring.Limits{Points: n} }, 28, 28, hashring.ErrTooManyPoints},
	} {
		for _, d := range []struct {
			name   string
			decode func(hashring.Limits) (*hashring.Ring, error)
			need   int
		}{
			{"Decode", func(l hashring.Limits) (*hashring.Ring, error) { return hashring.Decode(data, l) }, tt.binary},
			{"DecodeJSON", func(l hashring.Limits) (*hashring.Ring, error) { return hashring.DecodeJSON(text, l) }, tt.json},
		} {
			if got, err := d.decode(tt.limits(d.need)); err != nil || !got.Equal(r) {
				t.Errorf("%s of as many %s as the limit: error %v, or another ring", d.name, tt.name, err)
			}
			if _, err := d.decode(tt.limits(d.need - 1)); !errors.Is(err, tt.want) || !strings.Contains(err.Error(), "limit") {
				t.Errorf("%s of one of the %s more than the limit: %v, want %q that names the limit", d.name, tt.name, err, tt.want)
			}
		}
	}
}

// The default limit of points is 1<<24, and no sum of weights may overflow its
// way below it, or below the ring's own limit.
func TestDecodeLimitsHugeSums(t *testing.T) {
	const most = hashring.MaxWeight
	heavy := func(n int) []hashring.Node {
		nodes := numbered(n)
		for i := range nodes {
			nodes[i].Weight = most
		}
		return nodes
	}
	for name, tt := range map[string]struct {
		data   []byte
		limits hashring.Limits
	}{
		"a point above the default":                      {rawRing(1<<8, 1, append(heavy(1), hashring.Node{ID: "x", Weight: 1})...), hashring.Limits{}},
		"2^32 points":                                    {rawRing(most, 1, heavy(1)...), hashring.Limits{}},
		"2^32 points, limit above the ring's":            {rawRing(most, 1, heavy(1)...), hashring.Limits{Points: math.MaxInt32}},
		"nine times 2^32 points":                         {rawRing(most, 1, heavy(9)...), hashring.Limits{}},
		"points that are 2^32 more than the limit":       {rawRing(most, 1, append(heavy(1), hashring.Node{ID: "x", Weight: 1})...), hashring.Limits{Points: 1 << 20}},
		"more than the ring's limit, within the decoder": {rawRing(1<<12+1, 1, heavy(1)...), hashring.Limits{Points: math.MaxInt32}},
	} {
		if _, err := hashring.Decode(tt.data, tt.limits); !errors.Is(err, hashring.ErrTooManyPoints) {
			t.Errorf("%s: %v, want ErrTooManyPoints", name, err)
		}
	}
}

// What a decoder may allocate to refuse an encoding, in bytes for each byte of
// it and beyond. A binary node of 5 bytes becomes a Node of 56, 11 times as
// much, and needs to be copied once to be laid out; a node in JSON of 22 bytes
// becomes one of 80, in a slice that doubles.
const (
	binaryAllocs = 32
	jsonAllocs   = 64
	flatAllocs   = 64 << 10
)

// allocated returns the bytes that f allocates. Nothing else may run meanwhile.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// A refused encoding must cost about what was sent, whatever it claims: counts,
// lengths, weights and points are cheap to claim.
func TestDecodeAllocatesLittleToRefuse(t *testing.T) {
	head := rawRing(1, 1)[:24] // all before the count
	claim := func(count uint64, behind string) []byte {
		return append(binary.AppendUvarint(append([]byte(nil), head...), count), behind...)
	}
	heavy := rawRing(127, 1, hashring.Node{ID: "a", Weight: hashring.MaxWeight})
	heavy[8] ^= 1 // the fingerprint
	many := binary.AppendUvarint(append([]byte(nil), head...), 50_000)
	for i := range 50_000 {
		many = append(many, 3, byte('0'+i/6400), byte('0'+i/80%80), byte('0'+i%80), 1, 0, 0)
	}
	for name, data := range map[string][]byte{
		"a count of 2^31-1":                     claim(1<<31-1, ""),
		"a count of 2^31-1 and an id as long":   claim(1<<31-1, "\xff\xff\xff\xff\x07"),
		"points beyond the limit":               rawRing(1<<12, 1, hashring.Node{ID: "a", Weight: hashring.MaxWeight}),
		"many nodes of one id":                  claim(50_000, strings.Repeat("\x01a\x01\x00\x00", 50_000)),
		"many nodes and another fingerprint":    many,
		"8,323,072 points, another fingerprint": heavy,
	} {
		var err error
		got := allocated(func() { _, err = hashring.Decode(data, hashring.Limits{}) })
		if sentinelOf(err) == nil {
			t.Errorf("%s: error %v, want a refusal", name, err)
		}
		if most := uint64(binaryAllocs*len(data) + flatAllocs); got > most {
			t.Errorf("%s: %d bytes are refused (%v) at the cost of %d, want at most %d", name, len(data), err, got, most)
		}
	}
}

// A caller who allows ten nodes must not pay for the million that a few
// megabytes claim.
func TestDecodeLimitComesBeforeNodes(t *testing.T) {
	r := newRing(t, hashring.Options{}, numbered(3)...)
	data, err := r.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	at := bytes.LastIndexByte(data[:40], 3) // the number of nodes
	data = append(append(append([]byte(nil), data[:at]...), 0xff, 0xff, 0xff, 0xff, 7), make([]byte, 1<<20)...)
	got := allocated(func() { _, err = hashring.Decode(data, hashring.Limits{Nodes: 10}) })
	if !errors.Is(err, hashring.ErrTooManyNodes) || got > 4096 {
		t.Errorf("2^31-1 nodes against a limit of 10: %v, at the cost of %d bytes", err, got)
	}
}

func TestDecodeJSONAllocatesLittleToRefuse(t *testing.T) {
	const start = `{"version":1,"layout":"v1","points":127,"probes":1,"fingerprint":"00000000000000000000000000000000"`
	list := func(item string) string {
		return start + `,"nodes":[` + strings.Repeat(item+",", 300_000/len(item)) + item + `]}`
	}
	for name, tt := range map[string]struct {
		text   string
		limits hashring.Limits
	}{
		"empty nodes":                           {list(`{}`), hashring.Limits{}},
		"null for nodes":                        {list(`null`), hashring.Limits{}},
		"nodes without weight":                  {list(`{"id":"a"}`), hashring.Limits{}},
		"nodes of one id":                       {list(`{"id":"a","weight":1}`), hashring.Limits{}},
		"more nodes than the limit":             {list(`{"id":"a","weight":1}`), hashring.Limits{Nodes: 10}},
		"more empty nodes than the limit":       {list(`{}`), hashring.Limits{Nodes: 10}},
		"brackets":                              {start + `,"nodes":` + strings.Repeat("[", 300_000), hashring.Limits{}},
		"escapes":                               {`{"layout":"` + strings.Repeat(`\u0000`, 50_000) + `"}`, hashring.Limits{}},
		"8,323,072 points, another fingerprint": {start + `,"nodes":[{"id":"a","weight":65536}]}`, hashring.Limits{}},
	} {
		var err error
		got := allocated(func() { _, err = hashring.DecodeJSON([]byte(tt.text), tt.limits) })
		if sentinelOf(err) == nil {
			t.Errorf("%s: error %v, want a refusal", name, err)
		}
		if most := uint64(jsonAllocs*len(tt.text) + flatAllocs); got > most {
			t.Errorf("%s: %d bytes are refused (%.80v) at the cost of %d, want at most %d", name, len(tt.text), err, got, most)
		}
	}
}
