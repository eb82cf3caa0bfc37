package transport

import (
	"net"
	"runtime"
	"syscall"
)

// flushNow writes from the caller's goroutine, if nobody writes and the socket
// takes it without blocking; else the writer's goroutine does. A call is not
// left waiting for a goroutine to wake up that way. It is called with the outbox
// locked, and unlocks it.
//
// Yielding once before the write lets others append first, if there may be any, so
// that one write takes the calls of all: it doubles what a connection carries with
// 64 calls outstanding.
func (l *link) flushNow(others bool) {
	first := l.out.start()
	l.out.mu.Unlock()
	switch {
	case !first:
	case l.try == nil:
		l.out.wakeWriter()
	default:
		if others {
			runtime.Gosched()
		}
		l.writeOnce()
	}
}

// hold keeps answers back while the reader hands out the calls of its input, some
// of which are answered at once: one write then takes them all.
func (l *link) hold() {
	l.in.holds = true
	l.out.mu.Lock()
	defer l.out.mu.Unlock()
	l.out.held = true
}

// letGo writes what was kept back.
func (l *link) letGo() {
	if !l.in.holds {
		return
	}
	l.in.holds = false
	l.out.mu.Lock()
	l.out.held = false
	if l.out.err != nil || l.out.fill == nil || l.out.fill.isEmpty() {
		l.out.mu.Unlock()
		return
	}
	l.flushNow(false)
}

// writeOnce writes one batch as far as the socket takes it, and leaves the rest
// to the writer's goroutine. The caller is the writer.
func (l *link) writeOnce() {
	b := l.out.take(nil)
	if b == nil {
		return
	}
	if err := l.seal(b); err != nil {
		l.failSoon(err)
		return
	}
	n, err := l.try.write(b.sealed)
	if err != nil {
		l.failSoon(err)
		return
	}
	l.bytesOut.Add(uint64(n))
	if n < len(b.sealed) {
		l.out.rest = append(l.out.rest, b.sealed[n:]...)
	}
	if l.out.finish(b) {
		l.out.wakeWriter()
	}
}

// failSoon ends the link from another goroutine. Services answer wherever they
// like, also under locks of their own, and the end of a link may deliver to them
// what waits.
func (l *link) failSoon(err error) {
	if !l.k.spawn(func() { l.fail(err) }) {
		go l.fail(err) // the kernel closes, and ends it too
	}
}

// finish takes back a written batch. It ends the writing, unless there is more
// to write.
func (o *outbox) finish(b *batch) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	b.recycle()
	if o.err == nil && (len(o.rest) > 0 || o.fill != nil && !o.fill.isEmpty()) {
		return true
	}
	if o.err == nil { // else what was not written is to be reported
		o.fill.recycle()
		o.fill = nil
	}
	o.writing = o.err != nil
	o.signalEmpty()
	return false
}

// A tryWriter writes to a socket what it takes at once.
type tryWriter struct {
	raw syscall.RawConn
	b   []byte
	n   int
	err error
	do  func(fd uintptr) bool
}

// newTryWriter returns nil if c is no socket of its own.
func newTryWriter(c net.Conn) *tryWriter {
	t, ok := c.(*net.TCPConn)
	if !ok || !canTry {
		return nil
	}
	raw, err := t.SyscallConn()
	if err != nil {
		return nil
	}
	w := &tryWriter{raw: raw}
	w.do = func(fd uintptr) bool {
		w.n, w.err = tryWrite(fd, w.b)
		return true
	}
	return w
}

// write returns how much of b the socket took: 0 if its buffer is full.
func (w *tryWriter) write(b []byte) (int, error) {
	w.b = b
	err := w.raw.Write(w.do)
	w.b = nil
	if err != nil {
		return 0, err
	}
	return w.n, w.err
}
