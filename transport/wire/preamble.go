package wire

import "fmt"

// Version is the format that this package writes.
const Version = 1

// The roles a preamble can name: what whoever dials wants to be.
const (
	RoleNode     = 1
	RoleAdmin    = 2
	RoleObserver = 3
)

// PreambleLen is the length of a preamble.
const PreambleLen = 8

const magic = "CLUK"

// A Preamble is the first that each side sends, in the clear. It is part of the
// handshake's prologue, so that a handshake fails if it was altered.
type Preamble struct {
	Max, Min byte // versions of the format, the highest and the lowest that the sender speaks
	Role     byte // RoleNode, RoleAdmin or RoleObserver
	Flags    byte // none is assigned; unknown ones are ignored
}

// AppendPreamble appends the eight bytes of p to dst.
func AppendPreamble(dst []byte, p Preamble) []byte {
	dst = append(dst, magic...)
	return append(dst, p.Max, p.Min, p.Role, p.Flags)
}

// ParsePreamble reads the eight bytes of a preamble. It returns an error
// wrapping [ErrMalformed] if b is not eight bytes, does not begin with the
// magic, names no version or no role of version 1.
func ParsePreamble(b []byte) (Preamble, error) {
	if len(b) != PreambleLen {
		return Preamble{}, fmt.Errorf("wire: preamble of %d bytes, want %d: %w", len(b), PreambleLen, ErrMalformed)
	}
	if string(b[:len(magic)]) != magic {
		return Preamble{}, fmt.Errorf("wire: preamble begins with %x, want %q: %w", b[:len(magic)], magic, ErrMalformed)
	}
	p := Preamble{Max: b[4], Min: b[5], Role: b[6], Flags: b[7]}
	if p.Min == 0 || p.Min > p.Max {
		return Preamble{}, fmt.Errorf("wire: preamble with versions %d to %d: %w", p.Min, p.Max, ErrMalformed)
	}
	if p.Role < RoleNode || p.Role > RoleObserver {
		return Preamble{}, fmt.Errorf("wire: preamble with role %d: %w", p.Role, ErrMalformed)
	}
	return p, nil
}

// Common returns the highest version that both p and q speak, if there is one.
func (p Preamble) Common(q Preamble) (version byte, ok bool) {
	version = min(p.Max, q.Max)
	if version < max(p.Min, q.Min) {
		return 0, false
	}
	return version, true
}
