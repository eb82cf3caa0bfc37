package genserver

import (
	"fmt"
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

// lent is a caller's stream as the kernel gets it, which closes what it can.
type lent struct{ r io.Reader }

func (l lent) Read(p []byte) (int, error) { return read(l.r, p) }

// given is the stream of a handler's answer as the kernel gets it.
type given struct{ r io.Reader }

func (g given) Read(p []byte) (int, error) { return read(g.r, p) }

func (g given) Close() error {
	defer func() { _ = recover() }() // as in read
	closeReader(g.r)
	return nil
}

// read reads from r for the kernel, whose goroutine a panic would end, and the
// process with it.
func read(r io.Reader, p []byte) (n int, err error) {
	defer func() {
		if v := recover(); v != nil {
			n, err = 0, fmt.Errorf("reading %T panics: %v", r, v)
		}
	}()
	return r.Read(p)
}
