package genserver

import (
	"io"
	"sync/atomic"
)

// A leash lets a handler read a local caller's stream until the call has ended:
// the stream is the caller's again then.
type leash struct {
	r atomic.Pointer[io.Reader] // nil when the call has ended
}

func leashed(r io.Reader) *leash {
	l := new(leash)
	l.r.Store(&r)
	return l
}

// Read reads from the caller's stream.
func (l *leash) Read(p []byte) (int, error) {
	r := l.r.Load()
	if r == nil {
		return 0, io.ErrClosedPipe
	}
	return (*r).Read(p)
}

// Close ends the reading. The stream itself stays open.
func (l *leash) Close() error {
	l.r.Store(nil)
	return nil
}
