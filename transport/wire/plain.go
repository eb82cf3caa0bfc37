package wire

import (
	"bytes"
	"math"
	"unicode/utf8"
)

// Values of the commonest types are encoded and decoded here, for the library
// spends ten times as long on them in finding out what they are. What differs
// from the plainest case is left to it: a test holds both to the same bytes and
// the same values.

// AppendPlain appends to dst what [AppendValue] does and reports true, if v is a
// byte slice, string, bool, struct{}, int, int64 or uint64. Otherwise it returns
// dst. It keeps nothing of v, so that a value that becomes an interface for it
// stays on its stack.
func AppendPlain(dst []byte, v any) ([]byte, bool) {
	switch v := v.(type) {
	case []byte:
		return appendBytesOrNull(dst, v), true
	case string:
		return append(appendHead(dst, majorText, uint64(len(v))), v...), true
	case int:
		return appendInt(dst, int64(v)), true
	case int64:
		return appendInt(dst, v), true
	case uint64:
		return appendUint(dst, v), true
	case struct{}:
		return append(dst, majorMap), true
	case bool:
		if v {
			return append(dst, simpleTrue), true
		}
		return append(dst, simpleFalse), true
	}
	return dst, false
}

const plainMax = 1 << 30 // bytes of a string; so that no sum overflows

const (
	simpleFalse = 0xf4
	simpleTrue  = 0xf5
)

func appendInt(dst []byte, n int64) []byte {
	if n < 0 {
		return appendHead(dst, majorNegInt, uint64(-1-n))
	}
	return appendUint(dst, uint64(n))
}

// ParseBytes returns the bytes that data encode, if they are one byte string in its
// shortest form and not empty. They are a part of data.
func ParseBytes(data []byte) ([]byte, bool) {
	s, next := reader(data).bytes(0, plainMax)
	if next != len(data) || len(s) == 0 {
		return nil, false
	}
	return s[:len(s):len(s)], true
}

// ParsePlain decodes data into v as [Unmarshal] does and reports true, if v points
// to a type that [AppendPlain] takes and data are the one shortest form of a value
// of it, neither empty bytes nor negative. Otherwise it does nothing. It keeps
// nothing of v.
func ParsePlain(data []byte, v any) bool {
	switch v := v.(type) {
	case *[]byte:
		s, ok := ParseBytes(data)
		if ok {
			*v = bytes.Clone(s)
		}
		return ok
	case *string:
		s, next := reader(data).string(0, majorText, plainMax)
		if next != len(data) || !utf8.Valid(s) {
			return false
		}
		*v = string(s)
		return true
	case *int:
		n, next := reader(data).number(0, majorUint, math.MaxInt32)
		if next != len(data) {
			return false
		}
		*v = int(n)
		return true
	case *int64:
		n, next := reader(data).number(0, majorUint, math.MaxInt64)
		if next != len(data) {
			return false
		}
		*v = int64(n)
		return true
	case *uint64:
		n, next := reader(data).number(0, majorUint, math.MaxUint64)
		if next != len(data) {
			return false
		}
		*v = n
		return true
	case *struct{}:
		return len(data) == 1 && data[0] == majorMap
	case *bool:
		if len(data) != 1 || data[0] != simpleFalse && data[0] != simpleTrue {
			return false
		}
		*v = data[0] == simpleTrue
		return true
	}
	return false
}
