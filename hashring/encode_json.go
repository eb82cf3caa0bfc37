package hashring

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

// ringJSON is the JSON encoding of a ring.
type ringJSON struct {
	Version     int        `json:"version"`
	Layout      string     `json:"layout"`
	Points      int        `json:"points"`
	Probes      int        `json:"probes"`
	Fingerprint string     `json:"fingerprint"`
	Nodes       []nodeJSON `json:"nodes"`
}

// nodeJSON is a [Node] whose metadata may be any bytes.
type nodeJSON struct {
	Node
	MetaBytes []byte `json:"meta_base64,omitempty"` // instead of meta, where that is not UTF-8
}

const jsonVersion = 1

// MarshalJSON returns the ring's options and nodes as JSON, not its points:
//
//	{"version":1,"layout":"v1","points":160,"probes":1,"fingerprint":"...",
//	 "nodes":[{"id":"a","weight":1,"zone":"z","meta":"m"}]}
//
// Nodes are in id order. Metadata that is not UTF-8 is under "meta_base64".
func (r *Ring) MarshalJSON() ([]byte, error) {
	s := r.load()
	fingerprint := s.Fingerprint()
	out := ringJSON{
		Version: jsonVersion, Layout: s.opts.Layout.String(), Points: s.opts.Points, Probes: s.opts.Probes,
		Fingerprint: hex.EncodeToString(fingerprint[:]), Nodes: make([]nodeJSON, 0, s.Len()),
	}
	for n := range s.Nodes() {
		j := nodeJSON{Node: n}
		if !utf8.ValidString(n.Meta) {
			j.Meta, j.MetaBytes = "", []byte(n.Meta)
		}
		out.Nodes = append(out.Nodes, j)
	}
	return json.Marshal(out)
}

// UnmarshalJSON replaces the options and nodes of the ring by those that
// MarshalJSON encoded, within the default [Limits]. Errors are as those of
// [DecodeJSON], and leave the ring as it was.
func (r *Ring) UnmarshalJSON(data []byte) error {
	return r.replace(decodeJSON(data, Limits{}))
}

// DecodeJSON returns the ring that [Ring.MarshalJSON] encoded. Nodes may be in
// any order; fields that it does not know are refused. Errors wrap what those
// of [Decode] do.
func DecodeJSON(data []byte, limits Limits) (*Ring, error) {
	r := new(Ring)
	return r, r.replace(decodeJSON(data, limits))
}

func decodeJSON(data []byte, limits Limits) (*Snapshot, error) {
	limits = limits.withDefaults()
	if len(data) > limits.Bytes {
		return nil, fmt.Errorf("%d bytes: the limit is %d: %w", len(data), limits.Bytes, ErrEncoding)
	}
	if !utf8.Valid(data) {
		return nil, fmt.Errorf("not UTF-8: %w", ErrEncoding)
	}
	var in ringJSON
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&in); err != nil {
		return nil, fmt.Errorf("byte %d: %w: %w", dec.InputOffset(), err, ErrEncoding)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("byte %d: more after the ring: %w", dec.InputOffset(), ErrEncoding)
	}
	if in.Version != jsonVersion {
		return nil, fmt.Errorf("version %d: this package reads %d: %w", in.Version, jsonVersion, ErrVersion)
	}
	layout, err := ParseLayout(in.Layout)
	if err != nil {
		return nil, err
	}
	var want [16]byte
	if n, err := hex.Decode(want[:], []byte(in.Fingerprint[:min(len(in.Fingerprint), 2*len(want))])); err != nil || n != len(want) || len(in.Fingerprint) != 2*len(want) {
		return nil, fmt.Errorf("fingerprint %.40q: want %d hex digits: %w", in.Fingerprint, 2*len(want), ErrEncoding)
	}
	nodes := make([]Node, len(in.Nodes))
	for i, j := range in.Nodes {
		if len(j.MetaBytes) > 0 {
			if j.Meta != "" {
				return nil, fmt.Errorf("node %q: both meta and meta_base64: %w", j.ID, ErrEncoding)
			}
			j.Meta = string(j.MetaBytes)
		}
		nodes[i] = j.Node
	}
	return restore(Options{Points: in.Points, Probes: in.Probes, Layout: layout}, nodes, limits, want)
}
