package vectorclock

import (
	"bytes"
	"fmt"
	"slices"
)

// A Decoder decodes clocks. It remembers the actors of the clocks it decoded
// last, so that clocks of the same actors share them and decode faster. The zero
// Decoder is ready to use; a goroutine needs one of its own.
type Decoder struct {
	// MaxBytes is the largest input that is accepted; 0 means 16 MiB.
	MaxBytes int
	// MaxEntries is the largest number of entries; 0 means 1<<20.
	MaxEntries int

	recent [4]*roster
	next   int
}

func (d *Decoder) limits() (maxBytes, maxEntries int) {
	maxBytes, maxEntries = d.MaxBytes, d.MaxEntries
	if maxBytes == 0 {
		maxBytes = 16 << 20
	}
	if maxEntries == 0 {
		maxEntries = 1 << 20
	}
	return maxBytes, maxEntries
}

// UnmarshalBinary makes the clock what [Clock.AppendBinary] encoded, within the
// default limits of a [Decoder]. Errors are those of [Decoder.Decode], and leave
// the clock as it was.
func (c *Clock) UnmarshalBinary(data []byte) error {
	decoded, err := new(Decoder).Decode(data)
	if err != nil {
		return err
	}
	*c = decoded
	return nil
}

// Decode returns the clock that [Clock.AppendBinary] encoded. It returns an error
// wrapping [ErrEncoding] if data are truncated, altered or not in the one form,
// or beyond the limits; [ErrVersion] if they are of a later version; [ErrActor]
// or [ErrCount] if a name or a count is out of bounds. It allocates 64 bytes for
// each byte of data at most, and some hundred whatever they are.
func (d *Decoder) Decode(data []byte) (Clock, error) {
	b, err := d.decode(data)
	if err != nil {
		return Clock{}, fmt.Errorf("vectorclock: decode: %w", err)
	}
	return Clock{b: b}, nil
}

func (d *Decoder) decode(data []byte) (*body, error) {
	maxBytes, maxEntries := d.limits()
	if len(data) > maxBytes {
		return nil, fmt.Errorf("%d bytes: the limit is %d: %w", len(data), maxBytes, ErrEncoding)
	}
	r := reader{data: data}
	if string(r.bytes(len(magic))) != magic {
		return nil, fmt.Errorf("no %q at the start: %w", magic, ErrEncoding)
	}
	head := r.byte()
	if v := head >> 4; r.err == nil && v != wireVersion {
		return nil, fmt.Errorf("version %d: this package reads %d: %w", v, wireVersion, ErrVersion)
	}
	flags, n := head&flagsMask, r.int()
	if n > maxEntries {
		return nil, fmt.Errorf("%d entries: the limit is %d: %w", n, maxEntries, ErrEncoding)
	}
	section := r.section(flags, n)
	switch {
	case r.err != nil:
		return nil, r.err
	case flags&^flagsKnown != 0 || flags&flagTainted != 0 && flags&flagTrimmed == 0:
		return nil, fmt.Errorf("flags %#x: %w", flags, ErrEncoding)
	}
	actors, err := d.roster(section, flags&flagUUIDs, n)
	if err != nil {
		return nil, err
	}
	var b *body
	if n > 0 {
		b = r.columns(actors, n)
	} else {
		b = newBody(actors, 0, 0)
	}
	if r.err != nil {
		return nil, r.err
	}
	if flags&flagTrimmed != 0 {
		b.lost = lost{int64(r.uint64()), r.uint64(), true, flags&flagTainted != 0}
		if b.tainted && b.receipt != 0 {
			r.fail("a receipt that does not tell")
		}
	}
	if r.err == nil && r.at < len(data) {
		r.fail(fmt.Sprintf("%d bytes more after the clock", len(data)-r.at))
	}
	return b, r.err
}

// section returns the actor section of n entries.
func (r *reader) section(flags byte, n int) []byte {
	switch {
	case n == 0:
		return nil
	case flags&flagUUIDs != 0 && n > len(r.data)/uuidLen: // n*uuidLen may not be an int
		r.fail("truncated")
		return nil
	case flags&flagUUIDs != 0:
		return r.bytes(n * uuidLen)
	}
	return r.bytes(r.int())
}

// roster returns the roster of an actor section, one of the recent if it is the
// same.
func (d *Decoder) roster(section []byte, flags byte, n int) (*roster, error) {
	if n == 0 {
		if flags != 0 {
			return nil, fmt.Errorf("actors without entries: %w", ErrEncoding)
		}
		return noActors, nil
	}
	for _, r := range d.recent {
		if r == nil {
			break
		}
		if w := r.wire.Load(); w.flags == flags && len(r.names) == n && bytes.Equal(w.section, section) {
			return r, nil
		}
	}
	var names []string
	var err error
	if flags != 0 {
		names, err = decodeUUIDs(section, n)
	} else {
		names, err = decodeNames(section, n)
	}
	if err != nil {
		return nil, err
	}
	r := &roster{names: names}
	r.wire.Store(&rosterWire{slices.Clone(section), flags})
	d.recent[d.next], d.next = r, (d.next+1)%len(d.recent)
	return r, nil
}

func decodeUUIDs(section []byte, n int) ([]string, error) {
	text := make([]byte, 0, 36*n)
	for i := range n {
		id := section[i*uuidLen : (i+1)*uuidLen]
		if i > 0 && bytes.Compare(section[(i-1)*uuidLen:i*uuidLen], id) >= 0 {
			return nil, fmt.Errorf("actor %d: not in ascending order: %w", i, ErrEncoding)
		}
		text = uuidText(text, id)
	}
	all, names := string(text), make([]string, n)
	for i := range names {
		names[i] = all[36*i : 36*(i+1)]
	}
	return names, nil
}

func decodeNames(section []byte, n int) ([]string, error) {
	r := reader{data: section}
	names := make([]string, 0, min(n, len(section)/2))
	before, uuids := "", true
	for i := range n {
		name, err := r.name(before)
		if err != nil {
			return nil, fmt.Errorf("actor %d: %w", i, err)
		}
		if uuids {
			_, uuids = parseUUID(name)
		}
		names, before = append(names, name), name
	}
	if r.at < len(section) || uuids {
		return nil, fmt.Errorf("the actors are not in the one form: %w", ErrEncoding)
	}
	return names, nil
}
