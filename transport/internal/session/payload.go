package session

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/clusterluck/clusterluck/transport/wire"
)

// payloadMax bounds the payload of a handshake message.
const payloadMax = 512

// A payload is what a handshake message carries, encrypted: a CBOR map with
// small integers as keys. Unknown keys are skipped, so that later versions can
// add some.
type payload struct {
	From     string `cbor:"1,keyasint"`
	To       string `cbor:"2,keyasint,omitempty"` // first message only
	Instance []byte `cbor:"3,keyasint"`
	Addr     string `cbor:"4,keyasint,omitempty"`
	Caps     uint64 `cbor:"5,keyasint,omitempty"`
	Window   uint32 `cbor:"6,keyasint,omitempty"`
	App      []byte `cbor:"7,keyasint,omitempty"`

	// The answer repeats both preambles, so that an altered one shows.
	Heard []byte `cbor:"8,keyasint,omitempty"` // the initiator's
	Said  []byte `cbor:"9,keyasint,omitempty"` // the responder's

	// The answer's status: no code means admitted.
	Code string `cbor:"10,keyasint,omitempty"`
	Text string `cbor:"11,keyasint,omitempty"`
}

// payload returns what both messages say of this node.
func (l *Local) payload() payload {
	return payload{From: l.ID, Instance: l.Instance[:], Addr: l.Addr, Caps: l.Caps, Window: l.Window, App: l.App}
}

// refusal returns the payload of an answer that refuses the peer.
func (l *Local) refusal(err error) payload {
	code, text := codeDenied, err.Error()
	var status *StatusError
	switch {
	case errors.As(err, &status):
		code, text = status.Code, status.Text
	case errors.Is(err, ErrSelf):
		code, text = codeSelf, ""
	case errors.Is(err, ErrWrongNode):
		code, text = codeWrongNode, ""
	}
	if code == "" {
		code = codeDenied
	}
	return payload{From: l.ID, Instance: l.Instance[:], Code: cut(code, statusCodeMax), Text: cut(text, statusTextMax)}
}

// encode returns p as CBOR, or an error wrapping [ErrTooLong].
func (p *payload) encode() ([]byte, error) {
	b, err := wire.Marshal(p)
	if err != nil {
		return nil, err
	}
	if len(b) > payloadMax {
		return nil, fmt.Errorf("ids, address and app data take %d bytes, at most %d; shorten them: %w", len(b), payloadMax, ErrTooLong)
	}
	return b, nil
}

// decodePayload reads the payload of an authenticated message.
func decodePayload(b []byte) (p payload, err error) {
	if len(b) > payloadMax {
		return p, fmt.Errorf("payload of %d bytes, at most %d: %w", len(b), payloadMax, ErrMalformed)
	}
	if err := wire.Unmarshal(b, &p); err != nil {
		return p, fmt.Errorf("payload: %w: %w", ErrMalformed, err)
	}
	switch {
	case p.From == "":
		return p, fmt.Errorf("payload without an id: %w", ErrMalformed)
	case len(p.Instance) != 16:
		return p, fmt.Errorf("payload with an instance of %d bytes: %w", len(p.Instance), ErrMalformed)
	case len(p.App) > appMax:
		return p, fmt.Errorf("payload with app data of %d bytes, at most %d: %w", len(p.App), appMax, ErrMalformed)
	case len(p.Code) > statusCodeMax:
		return p, fmt.Errorf("payload with a code of %d bytes, at most %d: %w", len(p.Code), statusCodeMax, ErrMalformed)
	}
	return p, nil
}

// peer returns what p says of its sender.
func (p *payload) peer() Peer {
	return Peer{ID: p.From, Instance: [16]byte(p.Instance), Addr: p.Addr, App: p.App, Caps: p.Caps, Window: p.Window}
}

// cut returns at most n bytes of s as valid UTF-8.
func cut(s string, n int) string {
	s = strings.ToValidUTF8(s, "?")
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
