package session

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"

	"github.com/clusterluck/clusterluck/transport/wire"
)

// Initiate runs the handshake of the end that dialed. To is the id of the node
// that is meant to answer; empty, whoever answers is welcome. The session can be
// used at once. It takes one round trip and at most 5 s, less if ctx ends before.
//
// Initiate closes c if it fails. The error wraps [ErrRefused] if the peer closed
// without a byte, [ErrSelf], [ErrWrongNode], [ErrAuth], [ErrVersion],
// [ErrMalformed] or [ErrTLS] as they say, is a [StatusError] if the peer did not admit this
// node, wraps what Admit said, or is that of the connection or of ctx.
func Initiate(ctx context.Context, c net.Conn, l *Local, to string) (*Session, error) {
	return guard(ctx, c, func() (*Session, error) {
		conn, binding, err := l.secure(ctx, c, true)
		if err != nil {
			return nil, err
		}
		return l.initiate(conn, c, binding, to)
	})
}

func (l *Local) initiate(conn, raw net.Conn, binding []byte, to string) (*Session, error) {
	secrets := l.Secrets()
	if !secrets.Can(l.Role) {
		return nil, fmt.Errorf("the cookie in use is not one for role %v: %w", l.Role, ErrCookie)
	}
	own := l.preamble()
	said := wire.AppendPreamble(nil, own)
	hs, err := newNoise(true, &secrets.list[0].psk[l.Role], said, binding, l.random)
	if err != nil {
		return nil, err
	}
	hello := l.payload()
	hello.To = to
	text, err := hello.encode()
	if err != nil {
		return nil, err
	}
	first, _, _, err := hs.WriteMessage(nil, text)
	if err != nil {
		return nil, err
	}
	if _, err := conn.Write(append(appendGreeting(nil, said, len(first)), first...)); err != nil {
		return nil, refused(err)
	}

	var g greeting
	theirs, err := g.preamble(conn)
	if err != nil {
		if g.n == 0 {
			err = refused(err)
		}
		return nil, err
	}
	second, err := g.message(conn)
	if err != nil {
		return nil, err
	}
	text, send, receive, err := hs.ReadMessage(nil, second)
	if err != nil {
		return nil, fmt.Errorf("the answer %w", ErrAuth)
	}
	answer, err := decodePayload(text)
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(answer.Heard, said) || !bytes.Equal(answer.Said, g.rawPreamble()) {
		return nil, fmt.Errorf("a preamble was altered on its way: %w", ErrAuth)
	}
	version, ok := own.Common(theirs)
	if !ok {
		return nil, fmt.Errorf("the peer speaks %d to %d: %w", theirs.Min, theirs.Max, ErrVersion)
	}
	peer := answer.peer()
	peer.Remote, peer.Initiator, peer.Version = raw.RemoteAddr().String(), true, version
	peer.Role = max(l.Role, Role(theirs.Role)) // the greater number is the lesser role
	if err := l.judgeAnswer(&answer, peer, to); err != nil {
		return nil, err
	}
	s := newSession(conn, raw, peer, send, receive, l.rekeyEvery)
	return s, s.writeEmpty(wire.RecordFin)
}

// judgeAnswer decides whether the node that answered is the one meant, and
// whether each of the two wants the other.
func (l *Local) judgeAnswer(answer *payload, peer Peer, to string) error {
	switch {
	case peer.Instance == l.Instance || answer.Code == codeSelf:
		return fmt.Errorf("node %q: %w", peer.ID, ErrSelf)
	case to != "" && peer.ID != to || answer.Code == codeWrongNode:
		return fmt.Errorf("node %q answered for %q: %w", peer.ID, to, ErrWrongNode)
	case answer.Code != "":
		return fmt.Errorf("node %q: %w", peer.ID, &StatusError{Code: answer.Code, Text: answer.Text})
	case l.Admit != nil:
		if err := l.Admit(peer); err != nil {
			return fmt.Errorf("node %q: %w", peer.ID, err)
		}
	}
	return nil
}

// refused makes of an error before the first byte of an answer what it most
// likely means. A timeout stays what it is. A TLS server that does not like the
// certificate of a client says so only now.
func refused(err error) error {
	var op *net.OpError
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return err
	case errors.As(err, &op) && op.Op == "remote error":
		return fmt.Errorf("%w: %w", ErrTLS, err)
	}
	return fmt.Errorf("%w (%v)", ErrRefused, err)
}
