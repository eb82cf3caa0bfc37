package genserver

import (
	"io"
	"sync/atomic"
)

// A leash lets a handler read a local caller's stream until the call has ended:
// the stream is the caller's again then.
type leash struct {
	r    io.Reader
	over atomic.Bool
}

// Read reads from the caller's stream.
func (l *leash) Read(p []byte) (int, error) {
	if l.over.Load() {
		return 0, io.ErrClosedPipe
	}
	return l.r.Read(p)
}

// Close ends the reading. The stream itself stays open.
func (l *leash) Close() error {
	l.over.Store(true)
	return nil
}
