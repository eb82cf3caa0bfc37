package hashring

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
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
func (s *Snapshot) MarshalJSON() ([]byte, error) {
	s = s.whole()
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

// MarshalJSON is [Snapshot.MarshalJSON] of the ring as it is now.
func (r *Ring) MarshalJSON() ([]byte, error) { return r.load().MarshalJSON() }

// UnmarshalJSON replaces the options and nodes of the ring by those that
// MarshalJSON encoded, within the default [Limits]. Errors are as those of
// [DecodeJSON], and leave the ring as it was; so does null.
func (r *Ring) UnmarshalJSON(data []byte) error {
	if string(bytes.TrimSpace(data)) == "null" {
		return nil
	}
	return r.replace(decodeJSON(data, Limits{}))
}

// DecodeJSON returns the ring that [Ring.MarshalJSON] encoded. Nodes and fields
// may be in any order. Fields that it does not know are refused, and so are
// fields that are there twice, of another case, or missing. Errors wrap what
// those of [Decode] do.
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

// A jsonField is a field of an object: where its value goes, or what reads it.
type jsonField struct {
	name     string
	into     any
	read     func() error
	optional bool
	seen     bool
}

// ring reads the object, which is known to be JSON.
func (r *jsonReader) ring() error {
	return r.object([]jsonField{
		{name: "version", into: &r.head.Version},
		{name: "layout", into: &r.head.Layout},
		{name: "points", into: &r.head.Points},
		{name: "probes", into: &r.head.Probes},
		{name: "fingerprint", into: &r.head.Fingerprint},
		{name: "nodes", read: r.list},
	})
}

// object reads an object of these fields.
func (r *jsonReader) object(fields []jsonField) error {
	if t, err := r.dec.Token(); err != nil || t != json.Delim('{') {
		return fmt.Errorf("byte %d: want an object, have %v: %w", r.dec.InputOffset(), t, ErrEncoding)
	}
	for r.dec.More() {
		name, err := r.dec.Token()
		if err != nil {
			return r.wrap(err)
		}
		i := slices.IndexFunc(fields, func(f jsonField) bool { return f.name == name })
		if i < 0 || fields[i].seen {
			return fmt.Errorf("byte %d: field %.40q is unknown or there twice: %w", r.dec.InputOffset(), name, ErrEncoding)
		}
		fields[i].seen = true
		if err := r.value(fields[i]); err != nil {
			return err
		}
	}
	for _, f := range fields {
		if !f.seen && !f.optional {
			return fmt.Errorf("byte %d: field %q is missing: %w", r.dec.InputOffset(), f.name, ErrEncoding)
		}
	}
	_, err := r.dec.Token() // the closing brace
	return err
}

// value reads the value of a field.
func (r *jsonReader) value(field jsonField) error {
	if field.read != nil {
		return field.read()
	}
	var raw json.RawMessage
	if err := r.dec.Decode(&raw); err != nil {
		return r.wrap(err)
	}
	if string(raw) == "null" {
		return fmt.Errorf("byte %d: field %q is null: %w", r.dec.InputOffset(), field.name, ErrEncoding)
	}
	if err := json.Unmarshal(raw, field.into); err != nil {
		return r.wrap(err)
	}
	return nil
}

func (r *jsonReader) wrap(err error) error {
	return fmt.Errorf("byte %d: %w: %w", r.dec.InputOffset(), err, ErrEncoding)
}

// list reads the nodes.
func (r *jsonReader) list() error {
	if t, err := r.dec.Token(); err != nil || t != json.Delim('[') {
		return fmt.Errorf("byte %d: want an array of nodes, have %v: %w", r.dec.InputOffset(), t, ErrEncoding)
	}
	for r.dec.More() {
		n, err := r.node()
		if err != nil {
			return err
		}
		if r.nodes = append(r.nodes, n); len(r.nodes) > r.limits.Nodes {
			return fmt.Errorf("more than %d nodes, the limit: %w", r.limits.Nodes, ErrTooManyNodes)
		}
	}
	_, err := r.dec.Token() // the closing bracket
	return err
}

// node reads one node.
func (r *jsonReader) node() (Node, error) {
	var n Node
	var meta []byte
	err := r.object([]jsonField{
		{name: "id", into: &n.ID},
		{name: "weight", into: &n.Weight},
		{name: "zone", into: &n.Zone, optional: true},
		{name: "meta", into: &n.Meta, optional: true},
		{name: "meta_base64", into: &meta, optional: true},
	})
	if err != nil {
		return Node{}, err
	}
	if len(meta) > 0 {
		if n.Meta != "" {
			return Node{}, fmt.Errorf("node %q: both meta and meta_base64: %w", n.ID, ErrEncoding)
		}
		n.Meta = string(meta)
	}
	return n, n.validate()
}
