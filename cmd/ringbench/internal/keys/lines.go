package keys

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
)

// LineMax is the length of the longest line that is read, in bytes. A longer
// one is skipped.
const LineMax = 1 << 16

// reasonEmpty is why an empty line is skipped. A quoted CSV field may hold one.
const reasonEmpty = "empty line"

// A lineReader splits a stream into lines. It holds one line at most.
type lineReader struct {
	r *bufio.Reader
	n int64 // lines returned so far
}

func newLineReader(r io.Reader) *lineReader {
	b := bufio.NewReaderSize(r, LineMax+2) // room for a whole line and "\r\n"
	// A byte order mark is no part of the first key.
	if mark, err := b.Peek(3); err == nil && string(mark) == "\xef\xbb\xbf" {
		_, _ = b.Discard(3) // cannot fail: the bytes are in the buffer
	}
	return &lineReader{r: b}
}

// next returns the next line without its ending. The line is valid until the
// next call. A why says that the line must be skipped. At the end of the input
// err is io.EOF.
func (l *lineReader) next() (line []byte, why *lineError, err error) {
	line, err = l.r.ReadSlice('\n')
	if err == io.EOF && len(line) > 0 {
		err = nil
	}
	if errors.Is(err, bufio.ErrBufferFull) {
		l.n++
		// The buffer is about to be reused; keep the start for the report.
		start := bytes.Clone(line[:skipTextMax])
		size, err := l.discard(int64(len(line)))
		return start, skipf("line too long", "%d bytes, at most %d", size, LineMax), err
	}
	if err != nil {
		return nil, nil, err
	}
	l.n++
	line = bytes.TrimSuffix(line, []byte("\n"))
	line = bytes.TrimSuffix(line, []byte("\r"))
	switch {
	case len(line) > LineMax:
		return line, skipf("line too long", "%d bytes, at most %d", len(line), LineMax), nil
	case len(line) == 0:
		return line, skip(reasonEmpty), nil
	case bytes.IndexByte(line, 0) >= 0:
		return line, skip("holds a NUL byte; is this a text file?"), nil
	}
	return line, nil, nil
}

// discard drops the rest of a line and returns the length of the whole line,
// given what was read of it so far.
func (l *lineReader) discard(size int64) (int64, error) {
	for {
		rest, err := l.r.ReadSlice('\n')
		size += int64(len(bytes.TrimSuffix(rest, []byte("\n"))))
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
		case err == io.EOF:
			return size, nil
		default:
			return size, err
		}
	}
}

// A ctxReader ends a read as soon as its context is done, even while the read
// below it hangs on a pipe or a terminal. It reads ahead by one buffer.
type ctxReader struct {
	ctx    context.Context
	chunks <-chan chunk
	rest   []byte
	err    error
}

type chunk struct {
	data []byte
	err  error
}

func newCtxReader(ctx context.Context, r io.Reader) *ctxReader {
	chunks := make(chan chunk)
	go func() {
		defer close(chunks)
		var bufs [2][1 << 16]byte
		for i := 0; ; i ^= 1 {
			n, err := r.Read(bufs[i][:])
			select {
			case chunks <- chunk{bufs[i][:n], err}:
			case <-ctx.Done():
				return
			}
			if err != nil {
				return
			}
		}
	}()
	return &ctxReader{ctx: ctx, chunks: chunks}
}

func (c *ctxReader) Read(p []byte) (int, error) {
	for len(c.rest) == 0 {
		if c.err != nil {
			return 0, c.err
		}
		if err := c.ctx.Err(); err != nil {
			return 0, err
		}
		select {
		case next := <-c.chunks:
			c.rest, c.err = next.data, next.err
		case <-c.ctx.Done():
			return 0, c.ctx.Err()
		}
	}
	n := copy(p, c.rest)
	c.rest = c.rest[n:]
	return n, nil
}
