package wire

import (
	"bytes"
	"fmt"
	"sync"

	"github.com/fxamacker/cbor/v2"
)

// What encodes and decodes bodies. The options are part of the format and never
// change; the pool holds empty buffers, for which nothing but garbage differs.
var (
	encoder = mustEncoder()
	decoder = mustDecoder()
	buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}
)

func mustEncoder() cbor.UserBufferEncMode {
	o := cbor.CoreDetEncOptions()
	o.Time, o.TimeTag = cbor.TimeRFC3339NanoUTC, cbor.EncTagNone
	o.TagsMd = cbor.TagsForbidden
	m, err := o.UserBufferEncMode()
	if err != nil {
		panic(err)
	}
	return m
}

func mustDecoder() cbor.DecMode {
	m, err := cbor.DecOptions{
		DupMapKey:         cbor.DupMapKeyEnforcedAPF,
		MaxNestedLevels:   NestMax,
		MaxArrayElements:  ItemsMax,
		MaxMapPairs:       ItemsMax,
		IndefLength:       cbor.IndefLengthForbidden,
		TagsMd:            cbor.TagsForbidden,
		UTF8:              cbor.UTF8RejectInvalid,
		FieldNameMatching: cbor.FieldNameMatchingCaseSensitive,
	}.DecMode()
	if err != nil {
		panic(err)
	}
	return m
}

// Marshal returns v as the body of a message: its core deterministic CBOR, so
// that equal values are equal bytes. Structs and their tags are encoded as
// fxamacker/cbor documents, a time as text in RFC 3339 form, in UTC, to the
// nanosecond, and a big integer as an integer if it fits into one.
//
// It returns an error if CBOR without tags has no form for v: a function, a
// channel, an integer of more than 64 bits. It does not look for what
// [Unmarshal] refuses at the other end: more than [NestMax] levels, more than
// [ItemsMax] elements, or strings that are not UTF-8. A value that contains
// itself has no end, and neither has its encoding.
func Marshal(v any) ([]byte, error) {
	b, err := encoder.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("wire: body of type %T: %w", v, err)
	}
	return b, nil
}

// AppendValue appends to dst what [Marshal] returns, and allocates nothing of
// its own if dst has room. After an error it returns dst.
func AppendValue(dst []byte, v any) ([]byte, error) {
	if extended, ok := AppendPlain(dst, v); ok {
		return extended, nil
	}
	// The library takes a buffer through an interface, which moves it to the heap.
	buf := buffers.Get().(*bytes.Buffer)
	*buf = *bytes.NewBuffer(dst)
	err := encoder.MarshalToBuffer(v, buf)
	extended := buf.Bytes()
	*buf = bytes.Buffer{}
	buffers.Put(buf)
	if err != nil {
		return dst, fmt.Errorf("wire: body of type %T: %w", v, err)
	}
	return extended, nil
}

// Unmarshal decodes the body of a message, which must be one item and nothing
// behind it, into what v points to, as fxamacker/cbor documents. Fields that a
// struct lacks are ignored; names of fields must match in case.
//
// It returns an error if data are not well-formed, or hold more than [NestMax]
// levels, an array or map of more than [ItemsMax] elements, an item of
// indefinite length, a tag, a key twice, or a text that is not UTF-8, or if they
// do not fit v. What v points to may then be half filled.
//
// Into an empty interface it allocates at most 192 bytes for each byte of data,
// and some hundred whatever they are: a declared length is checked against what
// is there before anything is allocated for it. Into a slice or a map of a type
// of one's own it can be that type's size for each byte: an empty struct in CBOR
// is one byte, whatever its size in memory.
func Unmarshal(data []byte, v any) error {
	if ParsePlain(data, v) {
		return nil
	}
	if err := decoder.Unmarshal(data, v); err != nil {
		return fmt.Errorf("wire: body for type %T: %w", v, err)
	}
	return nil
}
