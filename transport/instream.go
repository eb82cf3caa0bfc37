package transport

import (
	"fmt"
	"io"
	"sync"

	"github.com/clusterluck/clusterluck/transport/wire"
)

// Bounds of streams.
const (
	streamCredit = 256 << 10 // bytes that a writer may be ahead of its reader
	streamsMax   = 1024      // streams that a peer may have open at once
)

// inStreams are the streams that the peer writes on a link.
type inStreams struct {
	mu     sync.Mutex
	byID   map[uint64]inStream
	bodies []*assembly // that are not complete, oldest first
	held   int         // bytes in bodies
	err    error
	none   chan struct{} // closed when no stream is open; nil if nobody asked
}

// An inStream takes the chunks of one stream.
type inStream interface {
	data(chunk []byte) error
	end(err error) // nil: complete
}

// add begins a stream.
func (s *inStreams) add(sid uint64, in inStream) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.err != nil:
		return s.err
	case s.byID[sid] != nil:
		return errPeer("stream %d is open already", sid)
	case len(s.byID) >= streamsMax:
		return errPeer("more than %d open streams", streamsMax)
	}
	if s.byID == nil {
		s.byID = make(map[uint64]inStream)
	}
	s.byID[sid] = in
	if body, ok := in.(*assembly); ok {
		s.bodies = append(s.bodies, body)
	}
	return nil
}

// get returns a stream, nil if it is not open: its reader stopped.
func (s *inStreams) get(sid uint64) inStream {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.byID[sid]
}

// remove forgets a stream.
func (s *inStreams) remove(sid uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.byID, sid)
	s.signalNone()
}

// signalNone tells those who asked that no stream is open. s is locked.
func (s *inStreams) signalNone() {
	if s.none != nil && len(s.byID) == 0 {
		close(s.none)
		s.none = nil
	}
}

// ended returns a channel that is closed once no stream is open.
func (s *inStreams) ended() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.none == nil {
		s.none = make(chan struct{})
	}
	none := s.none
	s.signalNone()
	return none
}

// len returns how many streams are open.
func (s *inStreams) len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.byID)
}

// fail breaks all streams.
func (s *inStreams) fail(err error) {
	s.mu.Lock()
	open := s.byID
	s.byID, s.err = nil, err
	s.signalNone()
	s.mu.Unlock()
	for _, in := range open {
		in.end(err)
	}
}

// A streamReader lets one goroutine read what the peer streams.
type streamReader struct {
	link *link
	sid  uint64

	mu     sync.Mutex
	more   sync.Cond
	chunks [][]byte
	held   int // bytes in chunks
	read   int // bytes read and not yet granted again
	err    error
	closed bool
}

func newStreamReader(l *link, sid uint64) *streamReader {
	r := &streamReader{link: l, sid: sid}
	r.more.L = &r.mu
	return r
}

// Read waits for data. After the last byte it returns io.EOF if the writer
// reached its end, and otherwise why it did not.
func (r *streamReader) Read(p []byte) (int, error) {
	r.mu.Lock()
	for len(r.chunks) == 0 && r.err == nil && !r.closed && len(p) > 0 {
		r.more.Wait()
	}
	var n int
	var err error
	switch {
	case r.closed:
		err = io.ErrClosedPipe
	case len(p) == 0:
	case len(r.chunks) > 0:
		n = copy(p, r.chunks[0])
		if r.chunks[0] = r.chunks[0][n:]; len(r.chunks[0]) == 0 {
			r.chunks[0] = nil
			r.chunks = r.chunks[1:]
		}
	default:
		err = r.err
	}
	r.held -= n
	r.read += n
	grant := 0
	if r.read >= streamCredit/4 && r.err == nil {
		grant, r.read = r.read, 0
	}
	r.mu.Unlock()
	if grant > 0 {
		r.link.credit(r.sid, grant)
	}
	return n, err
}

// Close tells the writer that nobody reads on.
func (r *streamReader) Close() error {
	r.mu.Lock()
	stop := !r.closed && r.err == nil
	r.closed, r.chunks, r.held = true, nil, 0
	r.more.Broadcast()
	r.mu.Unlock()
	if stop {
		r.link.stopStream(r.sid)
	}
	return nil
}

func (r *streamReader) data(chunk []byte) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil
	}
	if r.held+r.read+len(chunk) > streamCredit+wire.ChunkMax {
		return errPeer("stream %d has %d bytes more than it was granted", r.sid, r.held+r.read+len(chunk)-streamCredit)
	}
	r.held += len(chunk)
	r.chunks = append(r.chunks, chunk)
	r.more.Signal()
	return nil
}

func (r *streamReader) end(err error) {
	if err == nil {
		err = io.EOF
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err == nil {
		r.err = err
	}
	r.more.Broadcast()
}

// States of an assembly.
const (
	assembling = iota
	assembled
	broken
)

// An assembly collects a body that comes in chunks. The oldest of a link may
// always go on; the others only while all together stay within bounds.
type assembly struct {
	link   *link
	sid    uint64
	size   int    // as announced
	done   func() // called once, when the body is complete or will never be
	buf    []byte
	credit int // bytes that the peer may still send
	state  int
	err    error
}

// result returns the body, if it is complete, and whether it is.
func (a *assembly) result() ([]byte, int) {
	s := &a.link.ins
	s.mu.Lock()
	defer s.mu.Unlock()
	if a.state == assembled {
		return a.buf, assembled
	}
	return nil, a.state
}

func (a *assembly) data(chunk []byte) error {
	s := &a.link.ins
	s.mu.Lock()
	if a.state != assembling {
		s.mu.Unlock()
		return nil
	}
	if len(chunk) > a.credit || len(a.buf)+len(chunk) > a.size {
		s.mu.Unlock()
		return errPeer("stream %d is longer than its size, %d, or its credit", a.sid, a.size)
	}
	if a.buf == nil {
		a.buf = make([]byte, 0, min(a.size, streamCredit)) // the size is only what the peer says
	}
	a.buf = append(a.buf, chunk...)
	a.credit -= len(chunk)
	s.held += len(chunk)
	grants := s.grants()
	s.mu.Unlock()
	for _, g := range grants {
		a.link.credit(g.sid, g.n)
	}
	return nil
}

func (a *assembly) end(err error) {
	s := &a.link.ins
	s.mu.Lock()
	if a.state != assembling {
		s.mu.Unlock()
		return
	}
	a.state = assembled
	if err == nil && len(a.buf) != a.size {
		err = fmt.Errorf("%d bytes of %d: %w", len(a.buf), a.size, io.ErrUnexpectedEOF)
	}
	if a.err = err; err != nil {
		a.state = broken
	}
	s.held -= len(a.buf)
	for i, b := range s.bodies {
		if b == a {
			s.bodies = append(s.bodies[:i], s.bodies[i+1:]...)
			break
		}
	}
	grants := s.grants()
	s.mu.Unlock()
	for _, g := range grants {
		a.link.credit(g.sid, g.n)
	}
	a.done()
}

type grant struct {
	sid uint64
	n   int
}

// grants returns what the writers of bodies may send on top. s is locked.
func (s *inStreams) grants() []grant {
	var out []grant
	for i, a := range s.bodies {
		if i > 0 && s.held > 4*a.link.k.config.BodyMax {
			break
		}
		left := a.size - len(a.buf)
		if n := min(streamCredit, left) - a.credit; n >= streamCredit/4 || n > 0 && left <= streamCredit {
			a.credit += n
			out = append(out, grant{a.sid, n})
		}
	}
	return out
}
