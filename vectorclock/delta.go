package vectorclock

import (
	"encoding/binary"
	"fmt"
)

// A delta is
//
//	"D" version:1 base:8 clock
//
// where base is the hash of the clock that it is of, and clock the encoding of a
// clock of the entries that differ.
const deltaMagic = "D"

// Hash returns a hash of the whole clock: clocks that are [Clock.Identical] have
// the same one, on every machine. It costs O(entries), and allocates only for
// the first clock of its actors.
func (c *Clock) Hash() uint64 {
	b := c.read()
	sum := mix(uint64(len(b.counts)) + 1)
	for i, actor := range b.actors.hash() {
		h := receipt(actor, uint64(b.counts[i]))
		sum += mix(h ^ mix(uint64(b.updated[i])) + mix(uint64(b.inserted[i]))<<1)
	}
	if b.trimmed {
		sum = mix(sum + mix(uint64(b.horizon)+1) + mix(b.receipt+2))
	}
	if b.tainted {
		sum = mix(sum + 1)
	}
	return sum
}

// AppendDelta appends what turns base into the clock: its entries that are not
// the same in base. It returns an error wrapping [ErrBase] if an entry of base is
// missing in the clock; send the whole clock then. It costs O(entries).
func (c *Clock) AppendDelta(dst []byte, base *Clock) ([]byte, error) {
	a, b := base.read(), c.read()
	d := newBody(nil, 0, 0)
	d.lost = b.lost
	var names []string
	for diff := range differences(a, b) {
		switch {
		case !diff.inB:
			return dst, fmt.Errorf("vectorclock: delta: actor %q left since the base: %w", diff.actor, ErrBase)
		case diff.inA && diff.a == diff.b:
			continue
		}
		names = append(names, diff.actor)
		d.append(diff.b)
	}
	d.actors = rosterOf(names, noActors)
	dst = append(dst, deltaMagic...)
	dst = append(dst, wireVersion)
	dst = binary.LittleEndian.AppendUint64(dst, base.Hash())
	return Clock{b: d}.AppendBinary(dst)
}

// ApplyDelta makes the clock, which must be the base of the delta, what the
// delta is of. It returns an error wrapping [ErrBase] if it is another, or what
// [Decoder.Decode] returns, and then leaves the clock as it was.
func (c *Clock) ApplyDelta(data []byte) error {
	const head = len(deltaMagic) + 1 + 8
	if len(data) < head || string(data[:len(deltaMagic)]) != deltaMagic {
		return fmt.Errorf("vectorclock: delta: no %q at the start: %w", deltaMagic, ErrEncoding)
	}
	if v := data[len(deltaMagic)]; v != wireVersion {
		return fmt.Errorf("vectorclock: delta: version %d: this package reads %d: %w", v, wireVersion, ErrVersion)
	}
	if want, have := binary.LittleEndian.Uint64(data[head-8:]), c.Hash(); want != have {
		return fmt.Errorf("vectorclock: delta: of a clock with hash %016x, this one has %016x: %w", want, have, ErrBase)
	}
	d, err := new(Decoder).decode(data[head:])
	if err != nil {
		return fmt.Errorf("vectorclock: delta: %w", err)
	}
	b := c.read()
	made := newBody(nil, 0, len(b.counts)+len(d.counts))
	made.lost = d.lost
	names := make([]string, 0, len(b.counts)+len(d.counts))
	for diff := range differences(b, d) {
		e := diff.a
		if diff.inB {
			if diff.inA && diff.a == diff.b {
				return fmt.Errorf("vectorclock: delta: actor %q is as it was: %w", diff.actor, ErrEncoding)
			}
			e = diff.b
		}
		names = append(names, diff.actor)
		made.append(e)
	}
	made.actors = rosterOf(names, b.actors, d.actors)
	c.b = made
	return nil
}
