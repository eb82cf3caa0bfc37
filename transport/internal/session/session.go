package session

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"

	"github.com/clusterluck/clusterluck/transport/wire"
	"github.com/flynn/noise"
)

// errClosed is what a session says that was ended by CloseWrite.
var errClosed = errors.New("session: closed for writing")

// A Session is an authenticated connection. One goroutine at a time may use
// Seal, Write and CloseWrite, and one Read, Wait and Buffered. The others may be called
// from anywhere.
type Session struct {
	conn net.Conn // what records are written to and read from
	raw  net.Conn // what is closed: below TLS
	peer Peer

	out     direction
	outErr  error // why nothing can be sealed any more
	in      direction
	inErr   error // why nothing can be read any more
	fillErr error // found by Wait, for Read to return
	pending inbox
}

func newSession(conn, raw net.Conn, peer Peer, send, receive *noise.CipherState, every uint64) *Session {
	if every == 0 {
		every = rekeyRecords
	}
	return &Session{
		conn: conn, raw: raw, peer: peer,
		out: direction{cipher: send, every: every},
		in:  direction{cipher: receive, every: every},
	}
}

// Peer returns what is known of the other end. Its App is shared: do not change
// it.
func (s *Session) Peer() Peer { return s.peer }

// Conn returns the connection, for deadlines and addresses. Only the session may
// read from it and only sealed bytes may be written to it.
func (s *Session) Conn() net.Conn { return s.conn }

// Seal appends plain to dst as data records, as few as possible: one for up to
// 65,519 bytes. It returns dst as it was for no bytes. The records must reach the
// peer whole and in the order in which they were sealed. Plain and the free part
// of dst must not overlap.
//
// A record costs one allocation of 16 bytes, the nonce inside flynn/noise; Seal
// itself allocates only where dst is too short. After an error the session
// cannot be written to.
func (s *Session) Seal(dst, plain []byte) ([]byte, error) {
	if s.outErr != nil {
		return dst, s.outErr
	}
	sealed, err := s.out.sealAll(dst, plain)
	if err != nil {
		s.outErr = fmt.Errorf("session: seal: %w", err)
		return dst, s.outErr
	}
	return sealed, nil
}

// Write writes sealed records and returns how many bytes it wrote. After an error
// nothing can be sealed, as it is unknown what has reached the peer.
func (s *Session) Write(sealed []byte) (int, error) {
	n, err := s.conn.Write(sealed)
	if err != nil {
		s.outErr = fmt.Errorf("session: write to %s: %w", s.peer.Remote, err)
		return n, s.outErr
	}
	return n, nil
}

// CloseWrite tells the peer that nothing more comes. Without it the peer takes
// the end of the connection for a failure.
func (s *Session) CloseWrite() error {
	if s.outErr != nil {
		return s.outErr
	}
	if err := s.writeEmpty(wire.RecordClose); err != nil {
		s.outErr = fmt.Errorf("session: write to %s: %w", s.peer.Remote, err)
		return s.outErr
	}
	s.outErr = errClosed
	return nil
}

// Close closes the connection without a word.
func (s *Session) Close() error { return s.raw.Close() }

// writeEmpty writes a record that holds nothing.
func (s *Session) writeEmpty(t wire.Record) error {
	record, err := s.out.seal(nil, t, nil)
	if err == nil {
		_, err = s.conn.Write(record)
	}
	return err
}

// Read waits for a data record and appends what it holds, at least one byte, to
// dst. It returns io.EOF after the peer's close record and only then; the end of
// the connection without one is an error wrapping io.ErrUnexpectedEOF.
//
// A record that does not verify or is out of place ends the session: Read closes
// the connection and returns an error wrapping [ErrRecord] or [ErrMalformed].
// With any error dst is returned as it was, and the next call returns the same;
// but a deadline that passed changes nothing, and Read may be called again. While
// nothing comes, a session holds a buffer of 512 bytes.
func (s *Session) Read(dst []byte) ([]byte, error) {
	if s.inErr != nil {
		return dst, s.inErr
	}
	t, plain, err := s.readRecord(dst)
	switch {
	case err != nil:
	case t == wire.RecordData && len(plain) > len(dst):
		return plain, nil
	case t == wire.RecordClose && len(plain) == len(dst):
		err = io.EOF
	default:
		err = fmt.Errorf("record of type %d and %d bytes: %w", t, len(plain)-len(dst), ErrRecord)
	}
	failed := fmt.Errorf("session: read from %s: %w", s.peer.Remote, err)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return dst, failed
	}
	s.pending.release()
	if err == io.EOF {
		s.inErr = err
		return dst, err
	}
	s.raw.Close()
	s.inErr = failed
	return dst, s.inErr
}

// Wait waits until Read need not, and returns how many bytes Read will then append
// at most: 0 if it will return an error. A caller that waits with Wait needs no
// buffer for Read meanwhile.
func (s *Session) Wait() int {
	for s.Buffered() == 0 {
		if s.inErr != nil || s.fillErr != nil {
			return 0
		}
		s.fillErr = s.pending.fill(s.conn)
	}
	return max(0, s.Buffered()-recordOver)
}

// Buffered returns the length of the next record if all of it was already
// received, else 0: Read may then wait.
func (s *Session) Buffered() int {
	if n := s.pending.next(); s.inErr == nil && n > 0 && s.pending.len() >= n {
		return n
	}
	return 0
}

// readFin waits for the record that proves that the initiator took part in this
// very handshake.
func (s *Session) readFin() error {
	for s.Buffered() == 0 {
		if n := s.pending.next(); n > recordOver {
			return fmt.Errorf("first record announces %d bytes, want %d: %w", n, recordOver, ErrRecord)
		}
		if err := s.pending.fill(s.conn); err != nil {
			return fmt.Errorf("waiting for the first record: %w", err)
		}
	}
	t, plain, err := s.readRecord(nil)
	if err != nil {
		return fmt.Errorf("first record: %w", err)
	}
	if t != wire.RecordFin || len(plain) > 0 {
		return fmt.Errorf("first record is of type %d with %d bytes: %w", t, len(plain), ErrRecord)
	}
	return nil
}

// readRecord reads one record and appends its plaintext to dst.
func (s *Session) readRecord(dst []byte) (wire.Record, []byte, error) {
	if s.Wait(); s.fillErr != nil {
		err := s.fillErr
		s.fillErr = nil
		if err == io.EOF {
			err = fmt.Errorf("connection ended without a close record: %w", io.ErrUnexpectedEOF)
		}
		return 0, dst, err
	}
	record := s.pending.take()
	t, _, err := wire.ParseRecordHeader(record)
	if err != nil {
		return 0, dst, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	plain, err := s.in.open(dst, record)
	s.pending.settle()
	return t, plain, err
}
