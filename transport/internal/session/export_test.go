package session

import (
	"io"
	"net"

	"github.com/flynn/noise"
)

// What tests of this package see beyond its exported names.

const (
	GreetingMax  = greetingMax
	HandshakeMax = handshakeMax
	InboxIdle    = inboxIdle
	PlainMax     = plainMax
	AccountsMax  = accountsMax
)

// SetRandom lets l take its ephemeral keys from r.
func (l *Local) SetRandom(r io.Reader) { l.random = r }

// SetRekey lets the sessions of l change keys every so many records.
func (l *Local) SetRekey(every uint64) { l.rekeyEvery = every }

// NewNoise begins a handshake as Initiate and Respond do.
func NewNoise(initiator bool, psk [keyLen]byte, preamble, binding []byte, random io.Reader) (*noise.HandshakeState, error) {
	return newNoise(initiator, &psk, preamble, binding, random)
}

// PSK returns the key of role r of cookie i of s; the cookie in use is 0.
func (s *Secrets) PSK(i int, r Role) (psk [keyLen]byte, ok bool) {
	return s.list[i].psk[r], s.list[i].has[r]
}

// NewRecords returns a session over c that sends and receives with the keys given.
func NewRecords(c net.Conn, send, receive [keyLen]byte, rekeyEvery uint64) *Session {
	return newSession(c, c, Peer{Remote: "peer"}, noise.UnsafeNewCipherState(suite, send, 0), noise.UnsafeNewCipherState(suite, receive, 0), rekeyEvery)
}

// Held returns the bytes of buffer that s holds for what it receives.
func (s *Session) Held() int { return len(s.pending.buf()) }

// Raw returns the connection that Close closes.
func (s *Session) Raw() net.Conn { return s.raw }

// DecodePayload reads a payload as both ends do, and returns its sender and code.
func DecodePayload(b []byte) (Peer, string, error) {
	p, err := decodePayload(b)
	if err != nil {
		return Peer{}, "", err
	}
	return p.peer(), p.Code, nil
}

// AppendPayload encodes what l says of itself, and to whom.
func (l *Local) AppendPayload(to string) ([]byte, error) {
	p := l.payload()
	p.To = to
	return p.encode()
}

// AddressOf is what a gate counts by.
func AddressOf(a net.Addr) string { return addressOf(a) }

// Remembered returns how many addresses g remembers failures of.
func (g *Gate) Remembered() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.ledger.young) + len(g.ledger.old)
}
