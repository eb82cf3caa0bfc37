package session

import (
	"crypto/subtle"
	"fmt"
	"io"
	"slices"
)

// cookiesMax bounds the cookies of one node. A stranger's first message is tried
// with each, at some tens of microseconds a cookie.
const cookiesMax = 8

// SecretOptions say what is to be tolerated. The zero value tolerates nothing.
type SecretOptions struct {
	AllowWeak bool // cookies shorter than 16 characters
	Insecure  bool // no cookie at all: a key that everyone knows
}

// Secrets are the keys of a node: those of the cookie that it uses when it dials,
// and those of every cookie that it accepts. They never change; a node rotates
// its cookie by taking new Secrets for its next handshakes. The cookies
// themselves are not kept, and printing Secrets shows nothing of them.
type Secrets struct {
	list     []secret // the one in use is the first
	warnings []string
	insecure bool
}

// NewSecrets returns the secrets of a node that dials with the cookie use and
// accepts it and those in accept. A cookie that was not generated costs an
// Argon2id stretching: about a tenth of a second and, meanwhile, 64 MiB.
//
// NewSecrets returns an error wrapping [ErrCookie] if a cookie cannot be used or
// there are more than eight, and one wrapping [ErrWeakCookie] if one is too short
// and o does not allow it. With o.Insecure there must be no cookie: one of the two
// would be a mistake.
func NewSecrets(use string, accept []string, o SecretOptions) (*Secrets, error) {
	if o.Insecure {
		if use != "" || len(accept) > 0 {
			return nil, fmt.Errorf("session: a cookie and insecure mode exclude each other; drop one: %w", ErrCookie)
		}
		return &Secrets{
			list:     []secret{insecureSecret()},
			warnings: []string{"insecure mode: whoever can connect is a node"},
			insecure: true,
		}, nil
	}
	if n := 1 + len(accept); n > cookiesMax {
		return nil, fmt.Errorf("session: %d cookies, at most %d: %w", n, cookiesMax, ErrCookie)
	}
	s := new(Secrets)
	for i, cookie := range append([]string{use}, accept...) {
		name := "the cookie in use"
		if i > 0 {
			name = fmt.Sprintf("accepted cookie %d", i)
			if slices.Contains(accept[:i-1], cookie) || cookie == use {
				continue
			}
		}
		parsed, warning, err := parseCookie(cookie, o.AllowWeak)
		if err != nil {
			return nil, fmt.Errorf("session: %s: %w", name, err)
		}
		if warning != "" {
			s.warnings = append(s.warnings, name+": "+warning)
		}
		s.list = append(s.list, parsed)
	}
	return s, nil
}

// Warnings returns what an operator should be told, if anything.
func (s *Secrets) Warnings() []string { return slices.Clone(s.warnings) }

// Insecure reports whether the key is one that everyone knows.
func (s *Secrets) Insecure() bool { return s.insecure }

// Can reports whether the cookie in use allows to dial in role r.
func (s *Secrets) Can(r Role) bool { return r.valid() && s.list[0].has[r] }

// Equal reports whether s and t hold the same keys in the same order, in a time
// that depends on their number alone.
func (s *Secrets) Equal(t *Secrets) bool {
	if len(s.list) != len(t.list) {
		return false
	}
	same := 1
	for i := range s.list {
		if s.list[i].has != t.list[i].has {
			return false
		}
		for r := range s.list[i].psk {
			same &= subtle.ConstantTimeCompare(s.list[i].psk[r][:], t.list[i].psk[r][:])
		}
	}
	return same == 1
}

// Format prints a placeholder, whatever the verb.
func (s Secrets) Format(f fmt.State, _ rune) { io.WriteString(f, "session.Secrets(hidden)") }

// accepted returns the keys to try for a peer of role r.
func (s *Secrets) accepted(r Role) (psks []*[keyLen]byte) {
	for i := range s.list {
		if s.list[i].has[r] {
			psks = append(psks, &s.list[i].psk[r])
		}
	}
	return psks
}
