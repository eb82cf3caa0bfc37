package wire

import (
	"encoding/binary"
	"math"
)

// appendHead appends the first byte of an item and its number, in the shortest
// form.
func appendHead(dst []byte, major byte, n uint64) []byte {
	switch {
	case n < 24:
		return append(dst, major|byte(n))
	case n <= math.MaxUint8:
		return append(dst, major|24, byte(n))
	case n <= math.MaxUint16:
		return append(dst, major|25, byte(n>>8), byte(n))
	case n <= math.MaxUint32:
		return binary.BigEndian.AppendUint32(append(dst, major|26), uint32(n))
	default:
		return binary.BigEndian.AppendUint64(append(dst, major|27), n)
	}
}

func appendUint(dst []byte, n uint64) []byte { return appendHead(dst, majorUint, n) }

func appendBytes(dst, b []byte) []byte {
	return append(appendHead(dst, majorBytes, uint64(len(b))), b...)
}

// appendBytesOrNull appends a byte string, or null for nil.
func appendBytesOrNull(dst, b []byte) []byte {
	if b == nil {
		return append(dst, null)
	}
	return appendBytes(dst, b)
}

func appendName(dst []byte, n Name) []byte {
	if len(n.Text) == 0 {
		return appendUint(dst, uint64(n.Index))
	}
	return append(appendHead(dst, majorText, uint64(len(n.Text))), n.Text...)
}

// begin appends room for a frame's length, the head of an array of so many
// elements, fewer than 24, and the kind that is its first.
func begin(dst []byte, elements int, k Kind) []byte {
	return append(dst, 0, 0, 0, 0, majorArray|byte(elements), byte(k))
}

// withLane is how many elements a message of n has with its lane.
func withLane(n int, l Lane) int {
	if l != LaneNormal {
		n++
	}
	return n
}

// appendLane appends what withLane counts.
func appendLane(dst []byte, l Lane) []byte {
	if l != LaneNormal {
		dst = append(dst, byte(l))
	}
	return dst
}

// AppendCall appends the frame of a CALL. A nil hdr is none.
func AppendCall(dst []byte, corr uint64, to Name, ttl uint32, lane Lane, hdr, body []byte) []byte {
	at := len(dst)
	dst = begin(dst, withLane(6, lane), KindCall)
	dst = appendUint(dst, corr)
	dst = appendName(dst, to)
	dst = appendUint(dst, uint64(ttl))
	dst = appendBytesOrNull(dst, hdr)
	dst = appendBytes(dst, body)
	return EndFrame(appendLane(dst, lane), at)
}

// AppendReply appends the frame of a REPLY.
func AppendReply(dst []byte, corr uint64, body []byte) []byte {
	at := len(dst)
	dst = begin(dst, 3, KindReply)
	dst = appendUint(dst, corr)
	return EndFrame(appendBytes(dst, body), at)
}

// AppendError appends the frame of an ERROR. A nil data is none. See [Append]
// for what becomes of a code or a text that no reader takes.
func AppendError(dst []byte, corr uint64, code, text string, data []byte) []byte {
	return appendError(dst, corr, []byte(code), []byte(text), data) // copies neither
}

func appendError(dst []byte, corr uint64, code, text, data []byte) []byte {
	at := len(dst)
	dst = begin(dst, 5, KindError)
	dst = appendUint(dst, corr)
	dst = appendFault(dst, code, text)
	return EndFrame(appendBytesOrNull(dst, data), at)
}

// AppendCast appends the frame of a CAST. A nil hdr is none.
func AppendCast(dst []byte, to Name, lane Lane, hdr, body []byte) []byte {
	at := len(dst)
	dst = begin(dst, withLane(4, lane), KindCast)
	dst = appendName(dst, to)
	dst = appendBytesOrNull(dst, hdr)
	dst = appendBytes(dst, body)
	return EndFrame(appendLane(dst, lane), at)
}

// AppendMulti appends the frame of a MULTI: a cast to all of the servers, 1 to
// [DstsMax]. A nil hdr is none.
func AppendMulti(dst []byte, to []Name, lane Lane, hdr, body []byte) []byte {
	at := len(dst)
	dst = begin(dst, withLane(4, lane), KindMulti)
	dst = appendHead(dst, majorArray, uint64(len(to)))
	for _, n := range to {
		dst = appendName(dst, n)
	}
	dst = appendBytesOrNull(dst, hdr)
	dst = appendBytes(dst, body)
	return EndFrame(appendLane(dst, lane), at)
}

// AppendData appends the frame of a DATA: a chunk of at most [ChunkMax] bytes.
func AppendData(dst []byte, sid uint64, chunk []byte) []byte {
	at := len(dst)
	dst = begin(dst, 3, KindData)
	dst = appendUint(dst, sid)
	return EndFrame(appendBytes(dst, chunk), at)
}
