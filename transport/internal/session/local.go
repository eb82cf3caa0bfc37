package session

import (
	"crypto/tls"
	"fmt"
	"io"
	"unicode/utf8"
)

const appMax = 256 // bytes of app data in a handshake

// A Local is what this node says of itself in every handshake. It must not
// change while a handshake runs; Secrets is asked anew for each.
type Local struct {
	ID       string   // not empty
	Instance [16]byte // drawn at random when the node starts
	Addr     string   // where others may dial this node; may be empty
	App      []byte   // at most 256 bytes for the peer's Admit
	Caps     uint64   // capabilities, one a bit
	Window   uint32   // bytes that a peer may send ahead
	Role     Role     // the role to dial in, and the most that a dialed peer may think of us

	// Secrets returns the secrets of the next handshake. Returning others from
	// now on rotates the cookie; sessions that exist are left alone.
	Secrets func() *Secrets

	// Admit judges an authenticated peer; nil admits all. For a peer that dials it
	// is called before the peer has shown that its first message is not a replay,
	// so it must not change anything. An error refuses the peer, which is told the
	// Code and Text of a [StatusError], or the error's text.
	Admit func(Peer) error

	// TLS, if set, runs TLS 1.3 outside the handshake and binds the handshake to
	// it. Without a ServerName, the peer's certificate must name the host that the
	// connection leads to.
	TLS *tls.Config

	random     io.Reader // ephemeral keys in tests; nil: the system's
	rekeyEvery uint64    // records; 0: rekeyRecords
}

// Validate reports what no handshake could carry: an error that wraps
// [ErrTooLong] or says which field is wrong.
func (l *Local) Validate() error {
	switch {
	case l.ID == "" || !utf8.ValidString(l.ID):
		return fmt.Errorf("session: id %q: must be UTF-8 and not empty", l.ID)
	case !utf8.ValidString(l.Addr):
		return fmt.Errorf("session: address %q: must be UTF-8", l.Addr)
	case !l.Role.valid():
		return fmt.Errorf("session: %v: must be node, admin or observer", l.Role)
	case l.Secrets == nil:
		return fmt.Errorf("session: no secrets: %w", ErrCookie)
	case len(l.App) > appMax:
		return fmt.Errorf("session: app data of %d bytes, at most %d: %w", len(l.App), appMax, ErrTooLong)
	}
	var echo [8]byte
	answer := l.payload()
	answer.Heard, answer.Said = echo[:], echo[:]
	if _, err := answer.encode(); err != nil {
		return fmt.Errorf("session: %w", err)
	}
	return nil
}

// A Peer is what a node knows of the other end of a session. All of it was
// authenticated by the handshake but Remote, which the network says.
type Peer struct {
	ID        string
	Instance  [16]byte // differs each time the peer starts
	Addr      string   // where the peer may be dialed, by its own word; may be empty
	Remote    string   // the other end of the socket
	Role      Role     // the least of what the keys prove and what the peer claims
	App       []byte
	Caps      uint64
	Window    uint32
	Initiator bool // this node dialed
	Version   byte // of the wire, agreed
}
