package session

import (
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
)

const (
	cookiePrefix = "clk1-"
	keyLen       = 32
	cookieMin    = 16   // characters; fewer need [SecretOptions.AllowWeak]
	cookieMax    = 1024 // bytes
)

// These are constants of version 1 of the wire: who changes one speaks another
// protocol.
const (
	pskSalt = "clk-go psk v1"

	stretchSalt   = "clk-go argon2id v1"
	stretchTime   = 3
	stretchMemory = 64 << 10 // KiB
	stretchLanes  = 1

	insecureText = "clk-go insecure v1" // the SHA-256 of it is the public key
)

// cookieEncoding is base32 in small letters without padding.
var cookieEncoding = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// NewCookie returns a new cookie of 256 random bits: "clk1-" and 52 letters and
// digits.
func NewCookie() string {
	var key [keyLen]byte
	rand.Read(key[:]) // never fails: it ends the process instead
	return cookiePrefix + cookieEncoding.EncodeToString(key[:])
}

// DeriveRole returns the cookie of a person who may act in role r and no other:
// "clk1-observer-" or "clk1-admin-", and the key of that role. The cookie that it
// is derived from does not follow from it if that was generated; from one that
// people chose it can be guessed at the price of one stretching a guess.
//
// DeriveRole returns an error wrapping [ErrCookie] if r is neither [Admin] nor
// [Observer] or cookie is not the cookie of a node, and one wrapping
// [ErrWeakCookie] if cookie is shorter than 16 characters.
func DeriveRole(cookie string, r Role) (string, error) {
	if r != Admin && r != Observer {
		return "", fmt.Errorf("session: derive %v: only admin and observer have cookies of their own: %w", r, ErrCookie)
	}
	s, _, err := parseCookie(cookie, false)
	if err != nil {
		return "", fmt.Errorf("session: derive %v: %w", r, err)
	}
	if !s.has[Node] {
		return "", fmt.Errorf("session: derive %v: needs the cookie of a node, not of a role: %w", r, ErrCookie)
	}
	return roleCookiePrefix(r) + cookieEncoding.EncodeToString(s.psk[r][:]), nil
}

func roleCookiePrefix(r Role) string { return cookiePrefix + r.String() + "-" }

// A secret is what one cookie proves: a key for each role that it covers. The
// cookie itself is not kept.
type secret struct {
	psk [Observer + 1][keyLen]byte // by role
	has [Observer + 1]bool
}

// parseCookie returns the keys of a cookie and what is to be said against it.
func parseCookie(cookie string, allowWeak bool) (s secret, warning string, err error) {
	if err := checkCookie(cookie); err != nil {
		return secret{}, "", err
	}
	for _, r := range []Role{Admin, Observer} {
		if text, ok := strings.CutPrefix(cookie, roleCookiePrefix(r)); ok {
			key, err := decodeKey(text)
			if err != nil {
				return secret{}, "", err
			}
			s.psk[r], s.has[r] = key, true
			return s, "", nil
		}
	}
	if text, ok := strings.CutPrefix(cookie, cookiePrefix); ok {
		key, err := decodeKey(text)
		if err != nil {
			return secret{}, "", err
		}
		return newSecret(key[:]), "", nil
	}
	warning = "the cookie is not a generated one: it is stretched, and is as strong as it is hard to guess"
	if utf8.RuneCountInString(cookie) < cookieMin {
		if !allowWeak {
			return secret{}, "", fmt.Errorf("shorter than %d characters; generate one, or allow weak cookies: %w", cookieMin, ErrWeakCookie)
		}
		warning = fmt.Sprintf("the cookie is shorter than %d characters: who records a handshake can guess it", cookieMin)
	}
	key := argon2.IDKey([]byte(cookie), []byte(stretchSalt), stretchTime, stretchMemory, stretchLanes, keyLen)
	return newSecret(key), warning, nil
}

// checkCookie refuses what is more likely a mistake than a secret. Its errors
// never hold a part of the cookie.
func checkCookie(cookie string) error {
	switch {
	case cookie == "":
		return fmt.Errorf("empty; generate one: %w", ErrCookie)
	case len(cookie) > cookieMax:
		return fmt.Errorf("longer than %d bytes: %w", cookieMax, ErrCookie)
	case strings.TrimFunc(cookie, unicode.IsSpace) != cookie:
		return fmt.Errorf("begins or ends with white space; trim it: %w", ErrCookie)
	}
	return nil
}

// decodeKey reads the 52 letters and digits behind a prefix. A cookie with a
// typing mistake must not become another secret, so nothing else is accepted.
func decodeKey(text string) (key [keyLen]byte, err error) {
	b, err := cookieEncoding.DecodeString(text)
	if err != nil || len(b) != keyLen || cookieEncoding.EncodeToString(b) != text {
		return key, fmt.Errorf("begins with %q but is not as it was generated; copy it whole: %w", cookiePrefix, ErrCookie)
	}
	return [keyLen]byte(b), nil
}

// newSecret derives the keys of all roles.
func newSecret(ikm []byte) secret {
	var s secret
	for r := Node; r <= Observer; r++ {
		key, err := hkdf.Key(sha256.New, ikm, []byte(pskSalt), "role="+r.String(), keyLen)
		if err != nil {
			panic(err) // 32 bytes are within what HKDF gives
		}
		s.psk[r], s.has[r] = [keyLen]byte(key), true
	}
	return s
}

// insecureSecret returns the keys that everyone knows.
func insecureSecret() secret {
	ikm := sha256.Sum256([]byte(insecureText))
	return newSecret(ikm[:])
}
