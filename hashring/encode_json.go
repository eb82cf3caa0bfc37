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
	if err := r.replace(decodeJSON(data, limits)); err != nil {
		return nil, err
	}
	return r, nil
}

func decodeJSON(data []byte, limits Limits) (*Snapshot, error) {
	limits = limits.withDefaults()
	if len(data) > limits.Bytes {
		return nil, fmt.Errorf("%d bytes: the limit is %d: %w", len(data), limits.Bytes, ErrEncoding)
	}
	if !utf8.Valid(data) {
		return nil, fmt.Errorf("not UTF-8: %w", ErrEncoding)
	}
	var head struct{ Version int }
	whole := json.NewDecoder(bytes.NewReader(data))
	if err := whole.Decode(&head); err != nil {
		return nil, fmt.Errorf("byte %d: %w: %w", whole.InputOffset(), err, ErrEncoding)
	}
	if _, err := whole.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("byte %d: more after the ring: %w", whole.InputOffset(), ErrEncoding)
	}
	if head.Version != jsonVersion {
		return nil, fmt.Errorf("version %d: this package reads %d: %w", head.Version, jsonVersion, ErrVersion)
	}
	in := jsonReader{limits: limits, dec: json.NewDecoder(bytes.NewReader(data))}
	in.dec.DisallowUnknownFields()
	if err := in.ring(); err != nil {
		return nil, err
	}
	layout, err := parseLayout(in.head.Layout)
	if err != nil {
		return nil, err
	}
	want, err := hex.DecodeString(in.head.Fingerprint)
	if err != nil || len(want) != 16 {
		return nil, fmt.Errorf("fingerprint %.40q: want 32 hex digits: %w", in.head.Fingerprint, ErrEncoding)
	}
	opts := Options{Points: in.head.Points, Probes: in.head.Probes, Layout: layout}
	return restore(opts, in.nodes, limits, [16]byte(want))
}

// A jsonReader takes the fields of a ring one by one, and its nodes one by one,
// so that the first bad node ends it before the others take memory.
type jsonReader struct {
	dec    *json.Decoder
	limits Limits
	head   ringJSON
	nodes  []Node
}

// ring reads the object, which is known to be JSON.
func (r *jsonReader) ring() error {
	fields := map[string]any{
		"version": &r.head.Version, "layout": &r.head.Layout, "points": &r.head.Points,
		"probes": &r.head.Probes, "fingerprint": &r.head.Fingerprint, "nodes": nil,
	}
	if t, err := r.dec.Token(); err != nil || t != json.Delim('{') {
		return fmt.Errorf("want an object, have %v: %w", t, ErrEncoding)
	}
	for r.dec.More() {
		name, err := r.dec.Token()
		if err != nil {
			return fmt.Errorf("byte %d: %w: %w", r.dec.InputOffset(), err, ErrEncoding)
		}
		field, known := fields[name.(string)]
		if !known {
			return fmt.Errorf("byte %d: field %.40q is unknown or there twice: %w", r.dec.InputOffset(), name, ErrEncoding)
		}
		delete(fields, name.(string))
		if name == "nodes" {
			err = r.list()
		} else if err = r.dec.Decode(field); err != nil {
			err = fmt.Errorf("byte %d: %w: %w", r.dec.InputOffset(), err, ErrEncoding)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// list reads the nodes.
func (r *jsonReader) list() error {
	if t, err := r.dec.Token(); err != nil || t != json.Delim('[') {
		return fmt.Errorf("byte %d: want an array of nodes, have %v: %w", r.dec.InputOffset(), t, ErrEncoding)
	}
	for r.dec.More() {
		var in nodeJSON
		if err := r.dec.Decode(&in); err != nil {
			return fmt.Errorf("byte %d: %w: %w", r.dec.InputOffset(), err, ErrEncoding)
		}
		if len(in.MetaBytes) > 0 {
			if in.Meta != "" {
				return fmt.Errorf("node %q: both meta and meta_base64: %w", in.ID, ErrEncoding)
			}
			in.Meta = string(in.MetaBytes)
		}
		if err := in.Node.validate(); err != nil {
			return err
		}
		if r.nodes = append(r.nodes, in.Node); len(r.nodes) > r.limits.Nodes {
			return fmt.Errorf("more than %d nodes, the limit: %w", r.limits.Nodes, ErrTooManyNodes)
		}
	}
	_, err := r.dec.Token() // the closing bracket
	return err
}
