package topology

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/clusterluck/clusterluck/hashring"
)

// json reads any of the JSON forms.
func (p *parser) json() error {
	dec := json.NewDecoder(bytes.NewReader(p.data))
	if bytes.TrimSpace(p.data)[0] == '[' {
		p.top.Form = JSON
		if err := p.nodes(dec); err != nil {
			return err
		}
		return p.end(dec)
	}
	var keys map[string]json.RawMessage
	if err := dec.Decode(&keys); err != nil {
		return p.broken(dec, err)
	}
	if err := p.end(dec); err != nil {
		return err
	}
	switch {
	case keys["ok"] != nil:
		return p.reply(keys)
	case keys["fingerprint"] != nil:
		return p.ring()
	}
	return p.object()
}

// broken names the line at which JSON went wrong.
func (p *parser) broken(dec *json.Decoder, err error) error {
	offset := int(dec.InputOffset())
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		offset = max(offset, int(syntax.Offset))
	case errors.As(err, &kind):
		err = fmt.Errorf("field %q: want %s, not %s", kind.Field, kind.Type, kind.Value)
	case errors.Is(err, io.ErrUnexpectedEOF):
		offset = len(p.data)
		err = errors.New("the JSON ends too early; is the file whole?")
	}
	return p.at(offset, err)
}

// end refuses anything after the value.
func (p *parser) end(dec *json.Decoder) error {
	if _, err := dec.Token(); err != io.EOF {
		return p.at(int(dec.InputOffset()), errors.New("more after the topology; one file holds one"))
	}
	return nil
}

// ring reads what hashring encoded, fingerprint and all.
func (p *parser) ring() error {
	p.top.Form = Ring
	r, err := hashring.DecodeJSON(p.data, hashring.Limits{Bytes: sizeMax, Nodes: hashring.MaxNodes, Points: hashring.MaxPoints})
	if errors.Is(err, hashring.ErrFingerprint) {
		err = fmt.Errorf("%w; the nodes were edited: take out version, layout, points, probes and fingerprint, and keep {\"nodes\": ...}", err)
	}
	if err != nil {
		return &Error{File: p.name, Err: err}
	}
	p.top.Options = r.Options()
	p.top.Stated = Stated{Layout: true, Points: true, Probes: true}
	for n := range r.Nodes() {
		p.top.Nodes = append(p.top.Nodes, n)
	}
	return nil
}

// object reads {"nodes": [...], "options": {...}}.
func (p *parser) object() error {
	p.top.Form = JSON
	dec := json.NewDecoder(bytes.NewReader(p.data))
	if _, err := dec.Token(); err != nil {
		return p.broken(dec, err)
	}
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return p.broken(dec, err)
		}
		switch name {
		case "nodes":
			err = p.nodes(dec)
		case "options":
			err = p.options(dec)
		default:
			err = p.at(int(dec.InputOffset()), fmt.Errorf("unknown field %q; a topology has nodes and options", name))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (p *parser) options(dec *json.Decoder) error {
	var in struct {
		Points *int             `json:"points"`
		Probes *int             `json:"probes"`
		Layout *hashring.Layout `json:"layout"`
	}
	start := p.next(dec)
	if err := p.strict(dec, &in); err != nil {
		return err
	}
	t := &p.top
	t.Stated = Stated{Layout: in.Layout != nil, Points: in.Points != nil, Probes: in.Probes != nil}
	if in.Points != nil {
		t.Options.Points = *in.Points
	}
	if in.Probes != nil {
		t.Options.Probes = *in.Probes
	}
	if in.Layout != nil {
		t.Options.Layout = *in.Layout
	}
	if _, err := hashring.New(t.Options); err != nil {
		return p.at(start, err)
	}
	return nil
}

// nodes reads an array of ids, or of objects.
func (p *parser) nodes(dec *json.Decoder) error {
	start := p.next(dec)
	if open, err := dec.Token(); err != nil {
		return p.broken(dec, err)
	} else if open != json.Delim('[') {
		return p.at(start, errors.New(`want nodes as a list, such as ["a", {"id": "b", "weight": 2, "zone": "eu"}]`))
	}
	for dec.More() {
		at := p.next(dec)
		n := hashring.Node{Weight: 1}
		if at < len(p.data) && p.data[at] == '"' {
			if err := dec.Decode(&n.ID); err != nil {
				return p.broken(dec, err)
			}
		} else if err := p.strict(dec, &n); err != nil {
			return err
		}
		if err := p.add(p.line(at), n); err != nil {
			return err
		}
	}
	if _, err := dec.Token(); err != nil {
		return p.broken(dec, err)
	}
	return nil
}

// next returns the offset at which the next value starts.
func (p *parser) next(dec *json.Decoder) int {
	at := int(dec.InputOffset())
	for at < len(p.data) && bytes.IndexByte([]byte(" \t\r\n,:"), p.data[at]) >= 0 {
		at++
	}
	return at
}

// strict decodes the next value and refuses fields that v lacks: a misspelled
// "wieght" must not pass as weight 1.
func (p *parser) strict(dec *json.Decoder, v any) error {
	at := p.next(dec)
	var raw json.RawMessage
	if err := dec.Decode(&raw); err != nil {
		return p.broken(dec, err)
	}
	inner := json.NewDecoder(bytes.NewReader(raw))
	inner.DisallowUnknownFields()
	if err := inner.Decode(v); err != nil {
		var kind *json.UnmarshalTypeError
		if errors.As(err, &kind) {
			err = fmt.Errorf("field %q: want %s, not %s", kind.Field, kind.Type, kind.Value)
		}
		return p.at(at, err)
	}
	return nil
}
