package vectorclock

import (
	"encoding/binary"
	"fmt"
)

// The encoding of Siblings, version 1, is
//
//	"S" version:1 writers:uvarint
//
// and for each writer, ascending: its name as in the encoding of a clock (what
// it has in common with the one before, the number of its other bytes, those
// bytes), its count and the number of its values as uvarints, and for each value,
// newest first, its length as a uvarint and its bytes. Numbers have their
// shortest form, so that Siblings have one encoding if their values have.
const siblingsMagic = "S"

// A SiblingsCodec encodes and decodes [Siblings], whose values are for its
// functions. Goroutines may share one.
type SiblingsCodec[V any] struct {
	// AppendValue appends the encoding of a value. Equal values should have
	// equal encodings, or Siblings have more than one.
	AppendValue func(dst []byte, v V) ([]byte, error)
	// Value decodes a value. It must not keep data, and should return an error
	// unless they are what AppendValue appended.
	Value func(data []byte) (V, error)

	MaxBytes   int // largest input that is accepted; 0 means 16 MiB
	MaxWriters int // largest number of writers; 0 means 1<<16
	MaxValues  int // largest number of values of all writers; 0 means 1<<16
}

func (c *SiblingsCodec[V]) limits() (maxBytes, maxWriters, maxValues int) {
	maxBytes, maxWriters, maxValues = c.MaxBytes, c.MaxWriters, c.MaxValues
	if maxBytes == 0 {
		maxBytes = 16 << 20
	}
	if maxWriters == 0 {
		maxWriters = 1 << 16
	}
	if maxValues == 0 {
		maxValues = 1 << 16
	}
	return maxBytes, maxWriters, maxValues
}

// Append appends the encoding. It returns dst as it was, and the error of
// AppendValue, if there is one. It costs O(writers + values).
func (c *SiblingsCodec[V]) Append(dst []byte, s *Siblings[V]) ([]byte, error) {
	start := len(dst)
	dst = append(append(dst, siblingsMagic...), wireVersion)
	dst = binary.AppendUvarint(dst, uint64(len(s.writers)))
	before := ""
	var scratch []byte
	for _, w := range s.writers {
		dst = appendName(dst, before, w.actor)
		before = w.actor
		dst = binary.AppendUvarint(dst, w.count)
		dst = binary.AppendUvarint(dst, uint64(len(w.values)))
		for i, v := range w.values {
			var err error
			if scratch, err = c.AppendValue(scratch[:0], v); err != nil {
				return dst[:start], fmt.Errorf("vectorclock: value %d of %q: %w", w.count-uint64(i), w.actor, err)
			}
			dst = append(binary.AppendUvarint(dst, uint64(len(scratch))), scratch...)
		}
	}
	return dst, nil
}

// Decode returns what Append encoded. It returns an error wrapping [ErrEncoding]
// if data are truncated, altered or not in the one form, or beyond the limits;
// [ErrVersion] if they are of a later version; [ErrActor] if a name is out of
// bounds; or the error of Value. Beside what Value allocates, it allocates no
// more than a small multiple of len(data) and of the size of a V for each byte.
func (c *SiblingsCodec[V]) Decode(data []byte) (Siblings[V], error) {
	writers, err := c.decode(data)
	if err != nil {
		return Siblings[V]{}, fmt.Errorf("vectorclock: decode siblings: %w", err)
	}
	return Siblings[V]{writers}, nil
}

func (c *SiblingsCodec[V]) decode(data []byte) ([]writer[V], error) {
	maxBytes, maxWriters, left := c.limits()
	if len(data) > maxBytes {
		return nil, fmt.Errorf("%d bytes: the limit is %d: %w", len(data), maxBytes, ErrEncoding)
	}
	r := &reader{data: data}
	if string(r.bytes(len(siblingsMagic))) != siblingsMagic {
		return nil, fmt.Errorf("no %q at the start: %w", siblingsMagic, ErrEncoding)
	}
	if v := r.byte(); r.err == nil && v != wireVersion {
		return nil, fmt.Errorf("version %d: this package reads %d: %w", v, wireVersion, ErrVersion)
	}
	n := r.int()
	switch {
	case r.err != nil:
		return nil, r.err
	case n > maxWriters:
		return nil, fmt.Errorf("%d writers: the limit is %d: %w", n, maxWriters, ErrEncoding)
	}
	const least = 5 // bytes of a writer
	writers := make([]writer[V], 0, min(n, len(data)/least))
	before := ""
	for i := range n {
		w, err := c.writer(r, before, left)
		if err != nil {
			return nil, fmt.Errorf("writer %d: %w", i, err)
		}
		left -= len(w.values)
		writers, before = append(writers, w), w.actor
	}
	if r.at < len(data) {
		return nil, fmt.Errorf("byte %d: %d bytes more after the siblings: %w", r.at, len(data)-r.at, ErrEncoding)
	}
	return writers, nil
}

// writer reads a writer, who may have so many values at most.
func (c *SiblingsCodec[V]) writer(r *reader, before string, most int) (w writer[V], err error) {
	if w.actor, err = r.name(before); err != nil {
		return w, err
	}
	w.count = r.uvarint(MaxCount)
	n := r.int()
	switch {
	case r.err != nil:
		return w, r.err
	case w.count == 0:
		return w, fmt.Errorf("%q has written nothing: %w", w.actor, ErrEncoding)
	case uint64(n) > w.count || n > len(r.data)-r.at:
		return w, fmt.Errorf("%q has %d values of %d writes in %d bytes: %w", w.actor, n, w.count, len(r.data)-r.at, ErrEncoding)
	case n > most:
		return w, fmt.Errorf("%q has %d values, and the limit leaves %d: %w", w.actor, n, most, ErrEncoding)
	}
	if n > 0 {
		w.values = make([]V, n)
	}
	for i := range w.values {
		encoded := r.bytes(r.int())
		if r.err != nil {
			return w, r.err
		}
		if w.values[i], err = c.Value(encoded); err != nil {
			return w, fmt.Errorf("value %d of %q: %w", w.count-uint64(i), w.actor, err)
		}
	}
	return w, nil
}

// Hash returns a hash of the writes that are known and of which of them have
// left a value. Since an event is written once, Siblings of equal hashes hold
// the same values. It is the same on every machine, costs O(writers), and
// allocates nothing.
func (s *Siblings[V]) Hash() uint64 {
	sum := mix(uint64(len(s.writers)))
	for _, w := range s.writers {
		sum += mix(receipt(hashActor(w.actor), w.count) ^ mix(w.first()))
	}
	return mix(sum)
}

// Same reports whether both know of the same writes and hold values of the same
// ones: whether Sync would change neither. It costs O(writers).
func (s *Siblings[V]) Same(o *Siblings[V]) bool { return !s.behind(o) && !o.behind(s) }
