package transport

import (
	"io"
	"math/bits"
	"sync"
	"sync/atomic"

	"github.com/clusterluck/clusterluck/transport/wire"
)

// Bounds of streams.
const (
	streamCredit = 256 << 10 // bytes that a writer may be ahead of its reader
	grantMin     = 16 << 10  // bytes that were read before the writer is granted as many
	streamsMax   = 1024      // streams that a peer may have open at once
	unreadMax    = 64        // windows of memory for what is left unread, also of streams that have ended
)

// inStreams are the streams that the peer writes on a link.
type inStreams struct {
	mu       sync.Mutex
	byID     map[uint64]inStream
	requests bodies
	answers  bodies
	err      error
	none     chan struct{} // closed when no stream is open; nil if nobody asked

	unread atomic.Int64 // bytes of chunks that readers of streams have not taken
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
	if a, ok := in.(*assembly); ok {
		a.kind().open = append(a.kind().open, a)
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
	chunks []*chunk
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
		c := r.chunks[0]
		n = copy(p, c.b[c.r:c.w])
		if c.r += n; c.r == c.w {
			r.recycle(c)
			r.chunks[0] = nil
			r.chunks = r.chunks[1:]
		}
	default:
		err = r.err
	}
	r.held -= n
	r.read += n
	grant := 0
	if r.read >= grantMin && r.err == nil {
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
	for _, c := range r.chunks {
		r.recycle(c)
	}
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
	r.add(chunk)
	if r.link.ins.unread.Load() > unreadMax*int64(r.link.k.config.Window) {
		return errPeer("streams of more than %d windows are unread", unreadMax)
	}
	r.more.Signal()
	return nil
}

// A chunk holds what a stream brought and nobody has read: of b, from r to w.
type chunk struct {
	r, w int
	b    []byte
}

// Chunks are as long as a power of two, from 512 bytes to what a frame brings.
const (
	chunkBits = 9
	chunkLens = 6
)

// chunks are shared by all streams, by length. What comes is copied into them, which
// costs less than new memory for the input that it would otherwise keep.
var chunks [chunkLens]sync.Pool

// chunkLen returns which length of chunks has room for n bytes. If none has, it is
// the greatest.
func chunkLen(n int) int {
	return min(max(bits.Len(uint(n-1))-chunkBits, 0), chunkLens-1)
}

// add appends data. Each chunk is twice as long as the one before, so that a stream
// that brings little takes little. r is locked.
func (r *streamReader) add(data []byte) {
	for len(data) > 0 {
		last := len(r.chunks) - 1
		if last < 0 || r.chunks[last].w == len(r.chunks[last].b) {
			n := len(data)
			if last >= 0 {
				n = max(n, 2*len(r.chunks[last].b))
			}
			r.chunks = append(r.chunks, r.newChunk(n))
			last++
		}
		c := r.chunks[last]
		n := copy(c.b[c.w:], data)
		c.w += n
		data = data[n:]
	}
}

// newChunk returns a chunk for n bytes, or as long as chunks get, and counts its
// memory as unread.
func (r *streamReader) newChunk(n int) *chunk {
	i := chunkLen(n)
	c, _ := chunks[i].Get().(*chunk)
	if c == nil {
		c = &chunk{b: make([]byte, 1<<(chunkBits+i))}
	}
	c.r, c.w = 0, 0
	r.link.ins.unread.Add(int64(len(c.b)))
	return c
}

// recycle ends what newChunk began.
func (r *streamReader) recycle(c *chunk) {
	r.link.ins.unread.Add(-int64(len(c.b)))
	chunks[chunkLen(len(c.b))].Put(c)
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
