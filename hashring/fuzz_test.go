package hashring_test

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"slices"
	"testing"

	"github.com/clusterluck/clusterluck/hashring"
)

// fuzzLimits keep what a fuzzed encoding may ask for small, so that many are
// tried in a second.
var fuzzLimits = hashring.Limits{Bytes: 1 << 12, Nodes: 1 << 8, Points: 1 << 12}

// pointAllocs is what an accepted encoding may cost for each point: 15 bytes to
// keep, or 44 on Clusterluck while its labels are made, and the pages' slack.
const pointAllocs = 128

// checkDecoded checks what holds of any encoding, accepted or refused, at the
// cost of so many bytes.
func checkDecoded(t *testing.T, data []byte, r *hashring.Ring, err error, cost, each uint64) {
	t.Helper()
	most := each*uint64(len(data)) + flatAllocs
	if err != nil {
		if sentinelOf(err) == nil {
			t.Errorf("error %v wraps no error of the package", err)
		}
		if cost > most {
			t.Errorf("%d bytes are refused (%v) at the cost of %d, want at most %d", len(data), err, cost, most)
		}
		return
	}
	if r.Len() > fuzzLimits.Nodes || r.Points() > fuzzLimits.Points || len(data) > fuzzLimits.Bytes {
		t.Errorf("accepts %d bytes, %d nodes and %d points, beyond the limits %v", len(data), r.Len(), r.Points(), fuzzLimits)
	}
	if most += pointAllocs * uint64(r.Points()); cost > most {
		t.Errorf("%d bytes of %d points are accepted at the cost of %d, want at most %d", len(data), r.Points(), cost, most)
	}
	same, err := hashring.New(r.Options(), slices.Collect(r.Nodes())...)
	if err != nil {
		t.Fatalf("the accepted ring is not valid: %v", err)
	}
	if !same.Equal(r) || !slices.Equal(slices.Collect(same.All()), slices.Collect(r.All())) {
		t.Errorf("the accepted ring is not the ring of its nodes")
	}
}

// FuzzDecode feeds arbitrary bytes to the decoder. What it accepts must be the
// one encoding of its ring, so it must encode to the very same bytes; what it
// refuses must be cheap, or a peer could use up memory. Bytes are tried with
// the fingerprint of their nodes too, or it would refuse nearly all for that.
func FuzzDecode(f *testing.F) {
	for _, r := range encodable(f) {
		if data, err := r.MarshalBinary(); err == nil && len(data) <= fuzzLimits.Bytes {
			f.Add(data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		fuzzDecode(t, data)
		if repaired, ok := repairBinary(data); ok {
			fuzzDecode(t, repaired)
		}
	})
}

func fuzzDecode(t *testing.T, data []byte) {
	t.Helper()
	var r *hashring.Ring
	var err error
	cost := allocated(func() { r, err = hashring.Decode(data, fuzzLimits) })
	checkDecoded(t, data, r, err, cost, binaryAllocs)
	if err != nil {
		return
	}
	if again, err := r.MarshalBinary(); err != nil || !bytes.Equal(again, data) {
		t.Errorf("encodes to %x, error %v, want %x", again, err, data)
	}
}

// repairBinary reads an encoding of any numbers and nodes, wrong ones as well,
// and returns it with their fingerprint.
func repairBinary(data []byte) (repaired []byte, ok bool) {
	if len(data) < 6 {
		return nil, false
	}
	rest, ok := data[6:], true
	number := func() int {
		v, n := binary.Uvarint(rest)
		if n <= 0 || v > 1<<31 {
			ok = false
			return 0
		}
		rest = rest[n:]
		return int(v & (1<<31 - 1))
	}
	text := func() string {
		n := number()
		if n > len(rest) {
			ok = false
			return ""
		}
		s := string(rest[:n])
		rest = rest[n:]
		return s
	}
	points, probes := number(), number()
	at := len(data) - len(rest)
	if !ok || len(rest) < 16 {
		return nil, false
	}
	rest = rest[16:]
	var nodes []hashring.Node
	for n := number(); ok && len(nodes) < n; {
		nodes = append(nodes, hashring.Node{ID: text(), Weight: number(), Zone: text(), Meta: text()})
	}
	return slices.Concat(data[:at], rawFingerprint(data[5], points, probes, nodes), data[min(at+16, len(data)):]), ok
}

// FuzzDecodeJSON feeds arbitrary text to the JSON decoder, and the same with the
// fingerprint of its nodes. Several texts may mean one ring, so what it accepts
// must encode to JSON of an equal ring, and that must encode to itself.
func FuzzDecodeJSON(f *testing.F) {
	for _, r := range encodable(f) {
		if data, err := r.MarshalJSON(); err == nil && len(data) <= fuzzLimits.Bytes {
			f.Add(data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		fuzzDecodeJSON(t, data)
		if repaired, ok := repairJSON(data); ok {
			fuzzDecodeJSON(t, repaired)
		}
	})
}

func fuzzDecodeJSON(t *testing.T, data []byte) {
	t.Helper()
	var r *hashring.Ring
	var err error
	cost := allocated(func() { r, err = hashring.DecodeJSON(data, fuzzLimits) })
	checkDecoded(t, data, r, err, cost, jsonAllocs)
	if err != nil {
		return
	}
	text, err := r.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	again, err := hashring.DecodeJSON(text, hashring.Limits{})
	if err != nil || !again.Equal(r) {
		t.Fatalf("encodes to %s, which decodes to another ring, error %v", text, err)
	}
	if twice, err := again.MarshalJSON(); err != nil || !bytes.Equal(twice, text) {
		t.Errorf("encodes to %s, then to %s, error %v", text, twice, err)
	}
}

// repairJSON is repairBinary for JSON.
func repairJSON(data []byte) (repaired []byte, ok bool) {
	var in struct {
		Layout         hashring.Layout
		Points, Probes int
		Fingerprint    string
		Nodes          []struct {
			hashring.Node
			MetaBytes []byte `json:"meta_base64"`
		}
	}
	if json.Unmarshal(data, &in) != nil || in.Fingerprint == "" {
		return nil, false
	}
	nodes := make([]hashring.Node, len(in.Nodes))
	for i, n := range in.Nodes {
		nodes[i] = n.Node
		nodes[i].Meta += string(n.MetaBytes)
	}
	want := hex.EncodeToString(rawFingerprint(byte(in.Layout), in.Points, in.Probes, nodes))
	return bytes.ReplaceAll(data, []byte(in.Fingerprint), []byte(want)), true
}
