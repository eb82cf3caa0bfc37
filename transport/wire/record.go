package wire

import (
	"encoding/binary"
	"fmt"
)

// A Record says what a record holds: the first byte of its header.
type Record uint8

// The records of version 1.
const (
	RecordData  Record = 1 // bytes of the stream of frames
	RecordFin   Record = 2 // the initiator's first: the handshake is done
	RecordClose Record = 3 // the stream of frames ends here
)

const (
	// RecordHeaderLen is the length of a record's header.
	RecordHeaderLen = 3

	// RecordTag is the length of the tag at a ciphertext's end.
	RecordTag = 16

	// RecordMax is the length of the longest ciphertext, tag included.
	RecordMax = 1<<16 - 1
)

// AppendRecordHeader appends the header of a record whose ciphertext has n
// bytes, tag included: at least [RecordTag] and at most [RecordMax].
func AppendRecordHeader(dst []byte, t Record, n int) []byte {
	return append(dst, byte(t), byte(n>>8), byte(n))
}

// ParseRecordHeader returns what the header at the beginning of b says: what
// the record is, and how long its ciphertext. Nothing in it can be trusted
// before the ciphertext is opened with the header as associated data.
//
// It returns an error wrapping [ErrMalformed] if b is shorter than
// [RecordHeaderLen], the record's type is none of version 1, or the ciphertext
// is shorter than a tag.
func ParseRecordHeader(b []byte) (t Record, n int, err error) {
	if len(b) < RecordHeaderLen {
		return 0, 0, fmt.Errorf("wire: record header of %d bytes, want %d: %w", len(b), RecordHeaderLen, ErrMalformed)
	}
	t, n = Record(b[0]), int(binary.BigEndian.Uint16(b[1:]))
	if t < RecordData || t > RecordClose {
		return 0, 0, fmt.Errorf("wire: record of type %d: %w", t, ErrMalformed)
	}
	if n < RecordTag {
		return 0, 0, fmt.Errorf("wire: record of %d bytes, shorter than its tag: %w", n, ErrMalformed)
	}
	return t, n, nil
}
