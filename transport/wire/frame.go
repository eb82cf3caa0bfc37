package wire

import (
	"encoding/binary"
	"fmt"
)

// AppendFrame appends body to dst as a frame: its length in four bytes,
// big-endian, and the bytes.
func AppendFrame(dst, body []byte) []byte {
	return append(binary.BigEndian.AppendUint32(dst, uint32(len(body))), body...)
}

// ParseFrame cuts the first frame off b. It returns the frame's body and what
// is behind it, both sharing b's memory. It returns ok = false without an error
// if b ends before the frame does: then more bytes must be read.
//
// It returns an error wrapping [ErrFrameTooLarge] as soon as b holds the length
// of a frame that is over limit, however little of it has come.
func ParseFrame(b []byte, limit int) (body, rest []byte, ok bool, err error) {
	if len(b) < FrameHeaderLen {
		return nil, b, false, nil
	}
	// Compared as 64 bits: a length need not fit into an int.
	n := uint64(binary.BigEndian.Uint32(b))
	if n > uint64(max(limit, 0)) {
		return nil, b, false, fmt.Errorf("wire: frame of %d bytes, limit %d: %w", n, limit, ErrFrameTooLarge)
	}
	if n > uint64(len(b)-FrameHeaderLen) {
		return nil, b, false, nil
	}
	end := FrameHeaderLen + int(n)
	return b[FrameHeaderLen:end:end], b[end:], true, nil
}

// BeginFrame appends room for a frame's length to dst and returns where it is.
// What is appended next is the frame's body, until [EndFrame].
func BeginFrame(dst []byte) (extended []byte, at int) {
	return append(dst, 0, 0, 0, 0), len(dst)
}

// EndFrame writes the length of the frame that [BeginFrame] began at at, and
// that ends where dst ends.
func EndFrame(dst []byte, at int) []byte {
	binary.BigEndian.PutUint32(dst[at:], uint32(len(dst)-at-FrameHeaderLen))
	return dst
}
