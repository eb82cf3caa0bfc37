package session

import (
	"errors"
	"fmt"
)

var (
	// ErrCookie reports a cookie that cannot be used: empty, mistyped, or of a
	// role that does not allow what was asked.
	ErrCookie = errors.New("unusable cookie")

	// ErrWeakCookie reports a cookie of fewer than 16 characters.
	ErrWeakCookie = errors.New("weak cookie")

	// ErrRefused reports to an initiator that the peer closed the connection
	// without a byte. It never says why.
	ErrRefused = errors.New("closed before it answered: cookie, role or version differs")

	// ErrAuth reports a handshake message that no accepted cookie verifies.
	ErrAuth = errors.New("does not authenticate")

	// ErrVersion reports a peer that speaks no version of ours.
	ErrVersion = errors.New("no version in common")

	// ErrMalformed reports what is no handshake or no record.
	ErrMalformed = errors.New("malformed")

	// ErrSelf reports that both ends are the same running node.
	ErrSelf = errors.New("connected to itself")

	// ErrWrongNode reports a node other than the one that was dialed.
	ErrWrongNode = errors.New("another node")

	// ErrRecord reports a record that does not verify or is out of place.
	ErrRecord = errors.New("bad record")

	// ErrTLS reports that TLS failed, before the handshake proper.
	ErrTLS = errors.New("TLS failed")

	// ErrTooLong reports names, an address and app data that do not fit into a
	// handshake together.
	ErrTooLong = errors.New("too long for a handshake")
)

// A StatusError says why an authenticated peer was not admitted. A
// [Local.Admit] returns one to choose what the peer is told; the peer's
// [Initiate] then returns an equal one.
type StatusError struct {
	Code string // for programs, at most 64 bytes
	Text string // for people, at most 192 bytes; longer text is cut
}

func (e *StatusError) Error() string {
	if e.Text == "" {
		return fmt.Sprintf("not admitted (%s)", e.Code)
	}
	return fmt.Sprintf("not admitted (%s): %s", e.Code, e.Text)
}

// codes of statuses that the handshake itself gives.
const (
	codeSelf      = "self"
	codeWrongNode = "wrong-node"
	codeDenied    = "denied" // Admit returned another error
)

const (
	statusCodeMax = 64
	statusTextMax = 192
)
