package transporttest

import (
	"io"
	"math/rand/v2"
	"net"
	"os"
	"sync"
	"time"
)

// A conn is one end of a connection. All but the addresses is guarded by
// net.mu.
type conn struct {
	net         *Network
	here, there Addr
	host        *Host // nil until a request reached it
	peer        *conn
	in, out     *link
	fate, haste *rand.Rand // of what is sent, of how much a Read returns

	// When things happen: see event.go.
	lane, period int64
	armed        int64 // what the timer is set to
	timer        *time.Timer
	inbox, local []*event // from the link; from this host
	floor        int64    // nothing from the peer that keeps order is due before
	parked       *event   // the one in the inbox that waits to be overtaken

	open   bool // both ends know of each other
	closed bool // by its owner
	gone   bool // sends nothing more of its own accord
	ending bool // closed while frozen
	frozen bool
	tries  int
	err    error // what broke it

	readable   sync.Cond
	readBy     deadline
	rx         []*event
	eof        bool
	readClosed bool
	seen       int64 // highest segment that arrived
	read       int64 // bytes taken from the buffer
	told       int64 // of these, what the peer was told
	asked      bool  // the peer waits to be told
	missed     int64 // bytes that vanished
	protested  bool  // a reset has answered what came after the end

	writable sync.Cond
	writeBy  deadline
	writing  bool // a Write is under way
	finished bool // no more writes
	finOwed  bool // and the peer is not told yet, because of a freeze
	sent     int64
	acked    int64
	segment  int64
}

func newConn(n *Network, out, in *link, here, there Addr) *conn {
	c := &conn{
		net: n, out: out, in: in, here: here, there: there, armed: never,
		readBy: deadline{at: never}, writeBy: deadline{at: never},
	}
	c.readable.L, c.writable.L = &n.mu, &n.mu
	return c
}

// Read waits for bytes and returns at most as many as have arrived.
func (c *conn) Read(p []byte) (int, error) {
	c.net.mu.Lock()
	defer c.net.mu.Unlock()
	for {
		if err := c.failed(c.readBy); err != nil {
			return 0, c.opError("read", err)
		}
		if !c.frozen {
			switch {
			case len(p) == 0:
				return 0, nil
			case len(c.rx) > 0:
				return c.take(p), nil
			case c.eof || c.readClosed:
				return 0, io.EOF
			case c.err != nil:
				return 0, c.opError("read", c.err)
			}
		}
		c.readable.Wait()
	}
}

// take fills p from the buffer.
func (c *conn) take(p []byte) (n int) {
	if f := c.in.faults; f.ShortRead > 0 && chance(c.haste, f.ShortRead) {
		available := 0
		for _, e := range c.rx {
			available += len(e.data)
		}
		if most := min(available, len(p)); most > 1 {
			p = p[:1+draw(c.haste, int64(most-2))]
			c.in.stats.ShortReads++
		}
	}
	credit := int64(0)
	for n < len(p) && len(c.rx) > 0 {
		e := c.rx[0]
		k := copy(p[n:], e.data)
		n += k
		e.data = e.data[k:]
		if back := min(e.credit, int64(k)); back > 0 {
			e.credit -= back
			credit += back
		}
		if len(e.data) == 0 {
			c.rx[0] = nil
			c.rx = c.rx[1:]
		}
	}
	c.consume(credit)
	return n
}

// Write sends all of p, and waits while the buffer of the far end is full.
// Writes of several goroutines do not mix.
func (c *conn) Write(p []byte) (n int, err error) {
	c.net.mu.Lock()
	defer c.net.mu.Unlock()
	for c.writing {
		if err := c.unwritable(); err != nil {
			return 0, c.opError("write", err)
		}
		c.writable.Wait()
	}
	c.writing = true
	defer func() {
		c.writing = false
		c.writable.Broadcast()
	}()
	for {
		if err := c.unwritable(); err != nil {
			return n, c.opError("write", err)
		}
		if c.frozen {
			c.writable.Wait()
			continue
		}
		room := c.out.faults.buffer() - (c.sent - c.acked)
		if room <= 0 && len(p) > n {
			c.peer.ask()
			c.writable.Wait()
			continue
		}
		k := min(int(room), len(p)-n)
		c.transmit(p[n : n+k])
		if n += k; n == len(p) {
			return n, nil
		}
	}
}

// failed returns why a call of this deadline cannot go on.
func (c *conn) failed(by deadline) error {
	switch {
	case c.closed || c.net.closed:
		return net.ErrClosed
	case by.at != never && !c.frozen && by.at <= c.net.now():
		return os.ErrDeadlineExceeded
	}
	return nil
}

// unwritable returns why nothing can be written now.
func (c *conn) unwritable() error {
	err := c.failed(c.writeBy)
	switch {
	case err != nil || c.frozen:
		return err
	case c.err != nil && c.eof, c.finished:
		return errPipe
	}
	return c.err
}

// Close ends the connection. The peer reads what was written and then the end,
// or a reset if bytes had arrived here that nobody read.
func (c *conn) Close() error {
	c.net.mu.Lock()
	defer c.net.mu.Unlock()
	if c.closed || c.net.closed {
		c.closed = true
		return c.opError("close", net.ErrClosed)
	}
	c.closed = true
	c.end()
	return nil
}

// CloseWrite ends the stream to the peer and leaves the other way open.
func (c *conn) CloseWrite() error {
	c.net.mu.Lock()
	defer c.net.mu.Unlock()
	switch {
	case c.closed || c.net.closed:
		return c.opError("close", net.ErrClosed)
	case c.err != nil:
		return c.opError("close", c.err)
	case !c.finished:
		c.finished = true
		if c.finOwed = c.frozen; !c.finOwed {
			c.signal(event{kind: evFin})
		}
		c.writable.Broadcast()
	}
	return nil
}

// CloseRead makes reads return io.EOF, and throws away what arrives.
func (c *conn) CloseRead() error {
	c.net.mu.Lock()
	defer c.net.mu.Unlock()
	if c.closed || c.net.closed {
		return c.opError("close", net.ErrClosed)
	}
	c.readClosed = true
	for _, e := range c.rx {
		c.consume(e.credit)
	}
	c.rx = nil
	c.readable.Broadcast()
	return nil
}

// LocalAddr returns the address of this end.
func (c *conn) LocalAddr() net.Addr { return c.here }

// RemoteAddr returns the address of the other end.
func (c *conn) RemoteAddr() net.Addr { return c.there }

// SetDeadline sets both deadlines.
func (c *conn) SetDeadline(t time.Time) error { return c.setDeadline(t, true, true) }

// SetReadDeadline sets when calls to Read fail, also those that wait already.
func (c *conn) SetReadDeadline(t time.Time) error { return c.setDeadline(t, true, false) }

// SetWriteDeadline sets when calls to Write fail, also those that wait already.
func (c *conn) SetWriteDeadline(t time.Time) error { return c.setDeadline(t, false, true) }

func (c *conn) setDeadline(t time.Time, read, write bool) error {
	c.net.mu.Lock()
	defer c.net.mu.Unlock()
	if c.closed || c.net.closed {
		return c.opError("set", net.ErrClosed)
	}
	by := c.net.deadline(t)
	if by.at <= c.net.now() {
		by.told = true
	}
	if read {
		c.readBy = by
		c.readable.Broadcast()
	}
	if write {
		c.writeBy = by
		c.writable.Broadcast()
	}
	c.poke()
	return nil
}

func (c *conn) opError(op string, cause error) error { return opError(op, c.here, c.there, cause) }
