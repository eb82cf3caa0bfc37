package session

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/clusterluck/clusterluck/transport/wire"
	"github.com/flynn/noise"
)

const (
	// handshakeMax is the time for a whole handshake, with TLS and all waiting.
	handshakeMax = 5 * time.Second

	// messageMax bounds a handshake message, and greetingMax what is read of a
	// stranger: a preamble, a length and one message.
	messageMax   = 1024
	messageMin   = 32 + wire.RecordTag // an ephemeral key and the tag of an empty payload
	greetingHead = wire.PreambleLen + 2
	greetingMax  = greetingHead + messageMax

	prologueLabel = "clk-go handshake v1\x00"
	bindingLabel  = "EXPORTER-clk-go handshake v1"
	bindingLen    = 32
)

// suite never changes.
var suite = noise.NewCipherSuite(noise.DH25519, noise.CipherAESGCM, noise.HashSHA256)

// newNoise begins a handshake. Everything that both ends must agree on without
// having said so is in the prologue: the initiator's preamble and the binding to
// TLS, which is empty without TLS.
func newNoise(initiator bool, psk *[keyLen]byte, preamble, binding []byte, random io.Reader) (*noise.HandshakeState, error) {
	prologue := append([]byte(prologueLabel), preamble...)
	prologue = append(prologue, byte(len(binding)))
	return noise.NewHandshakeState(noise.Config{
		CipherSuite:  suite,
		Random:       random,
		Pattern:      noise.HandshakeNN,
		Initiator:    initiator,
		Prologue:     append(prologue, binding...),
		PresharedKey: psk[:], // placement 0: mixed in first, so a stranger is refused before any Diffie-Hellman
	})
}

// preamble returns what this node says in the clear.
func (l *Local) preamble() wire.Preamble {
	return wire.Preamble{Max: wire.Version, Min: wire.Version, Role: byte(l.Role)}
}

// A greeting is what each side sends first: a preamble, the length of a message
// and the message. It is read into a buffer of fixed size.
type greeting struct {
	buf [greetingMax]byte
	n   int
}

// fill reads until want bytes are there.
func (g *greeting) fill(c net.Conn, want int) error {
	for g.n < want {
		n, err := c.Read(g.buf[g.n:])
		g.n += n
		if g.n >= want {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// preamble reads the preamble and nothing of what it says.
func (g *greeting) preamble(c net.Conn) (wire.Preamble, error) {
	if err := g.fill(c, wire.PreambleLen); err != nil {
		return wire.Preamble{}, err
	}
	p, err := wire.ParsePreamble(g.buf[:wire.PreambleLen])
	if err != nil {
		return p, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return p, nil
}

// message reads the message. Neither side may send more before it was answered.
func (g *greeting) message(c net.Conn) ([]byte, error) {
	if err := g.fill(c, greetingHead); err != nil {
		return nil, err
	}
	n := int(binary.BigEndian.Uint16(g.buf[wire.PreambleLen:]))
	if n < messageMin || n > messageMax {
		return nil, fmt.Errorf("handshake message of %d bytes, want %d to %d: %w", n, messageMin, messageMax, ErrMalformed)
	}
	if err := g.fill(c, greetingHead+n); err != nil {
		return nil, err
	}
	if g.n > greetingHead+n {
		return nil, fmt.Errorf("%d bytes behind the handshake message: %w", g.n-greetingHead-n, ErrMalformed)
	}
	return g.buf[greetingHead:g.n], nil
}

// rawPreamble returns the raw bytes of the preamble that was read.
func (g *greeting) rawPreamble() []byte { return g.buf[:wire.PreambleLen] }

// appendGreeting appends a preamble and the length of a message of n bytes that
// the caller appends next.
func appendGreeting(dst, preamble []byte, n int) []byte {
	return binary.BigEndian.AppendUint16(append(dst, preamble...), uint16(n))
}

// guard runs one end of a handshake within its time, and closes c if it fails.
// Closing is also what ends a handshake whose time is over: it needs no deadline
// of the connection, which a session would have to be freed of.
func guard(ctx context.Context, c net.Conn, run func() (*Session, error)) (*Session, error) {
	ctx, cancel := context.WithTimeout(ctx, handshakeMax)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { c.Close() })
	s, err := run()
	if !stop() {
		err = ctx.Err()
	}
	if err != nil {
		c.Close()
		return nil, fmt.Errorf("session: handshake with %v: %w", c.RemoteAddr(), err)
	}
	return s, nil
}

// secure runs TLS over c if l asks for it. It returns the connection to go on
// with and what ties the handshake to it.
func (l *Local) secure(ctx context.Context, c net.Conn, initiator bool) (net.Conn, []byte, error) {
	if l.TLS == nil {
		return c, nil, nil
	}
	config := l.TLS.Clone()
	config.MinVersion = tls.VersionTLS13
	var t *tls.Conn
	if initiator {
		if config.ServerName == "" && !config.InsecureSkipVerify {
			config.ServerName = hostOf(c.RemoteAddr())
		}
		t = tls.Client(c, config)
	} else {
		t = tls.Server(c, config)
	}
	if err := t.HandshakeContext(ctx); err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrTLS, err)
	}
	state := t.ConnectionState()
	binding, err := state.ExportKeyingMaterial(bindingLabel, nil, bindingLen)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrTLS, err)
	}
	return t, binding, nil
}

// hostOf returns the host of a network address.
func hostOf(a net.Addr) string {
	if a == nil {
		return ""
	}
	host, _, err := net.SplitHostPort(a.String())
	if err != nil {
		return a.String()
	}
	return host
}
