package session

import (
	"bytes"
	"context"
	"fmt"
	"net"

	"github.com/clusterluck/clusterluck/transport/wire"
	"github.com/flynn/noise"
)

// Respond runs the handshake of the end that was dialed. It returns once the
// initiator's first record is verified, which a replayed or reflected handshake
// never brings about, after at most 5 s, less if ctx ends before.
//
// Respond closes c if it fails, and has then sent nothing to a peer that did not
// authenticate. The error wraps [ErrAuth], [ErrVersion], [ErrMalformed],
// [ErrSelf], [ErrWrongNode] or [ErrTLS] as they say, wraps what Admit said, or is that of
// the connection or of ctx.
func Respond(ctx context.Context, c net.Conn, l *Local) (*Session, error) {
	return guard(ctx, c, func() (*Session, error) {
		conn, binding, err := l.secure(ctx, c, false)
		if err != nil {
			return nil, err
		}
		return l.respond(conn, c, binding)
	})
}

func (l *Local) respond(conn, raw net.Conn, binding []byte) (*Session, error) {
	var g greeting
	theirs, err := g.preamble(conn)
	if err != nil {
		return nil, err
	}
	own := l.preamble()
	version, ok := own.Common(theirs)
	if !ok {
		return nil, fmt.Errorf("the peer speaks %d to %d: %w", theirs.Min, theirs.Max, ErrVersion)
	}
	first, err := g.message(conn)
	if err != nil {
		return nil, err
	}
	hs, text, err := l.authenticate(Role(theirs.Role), g.rawPreamble(), binding, first)
	if err != nil {
		return nil, err
	}
	hello, err := decodePayload(text)
	if err != nil {
		return nil, err
	}
	peer := hello.peer()
	peer.Remote, peer.Version, peer.Role = raw.RemoteAddr().String(), version, Role(theirs.Role)
	verdict := l.judgeHello(&hello, peer)

	answer := l.payload()
	if verdict != nil {
		answer = l.refusal(verdict)
	}
	said := wire.AppendPreamble(nil, own)
	answer.Heard, answer.Said = g.rawPreamble(), said
	if text, err = answer.encode(); err != nil {
		return nil, err
	}
	second, receive, send, err := hs.WriteMessage(nil, text)
	if err != nil {
		return nil, err
	}
	if _, err := conn.Write(append(appendGreeting(nil, said, len(second)), second...)); err != nil {
		return nil, err
	}
	if verdict != nil {
		return nil, fmt.Errorf("node %q: %w", peer.ID, verdict)
	}
	s := newSession(conn, raw, peer, send, receive, l.rekeyEvery)
	if err := s.readFin(); err != nil {
		return nil, err
	}
	return s, nil
}

// authenticate tries the first message with every cookie that is accepted for
// the role that its preamble names.
func (l *Local) authenticate(r Role, preamble, binding, first []byte) (*noise.HandshakeState, []byte, error) {
	var scratch [messageMax]byte
	for _, psk := range l.Secrets().accepted(r) {
		hs, err := newNoise(false, psk, preamble, binding, l.random)
		if err != nil {
			return nil, nil, err
		}
		if text, _, _, err := hs.ReadMessage(scratch[:0], first); err == nil {
			return hs, bytes.Clone(text), nil
		}
	}
	return nil, nil, fmt.Errorf("the first message %w: cookie or role differs, or it was altered", ErrAuth)
}

// judgeHello decides whether this node is the one meant and wants the peer.
func (l *Local) judgeHello(hello *payload, peer Peer) error {
	switch {
	case peer.Instance == l.Instance:
		return ErrSelf
	case hello.To != "" && hello.To != l.ID:
		return fmt.Errorf("dialed as %q: %w", hello.To, ErrWrongNode)
	case l.Admit != nil:
		return l.Admit(peer)
	}
	return nil
}
