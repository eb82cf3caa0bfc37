package session

import (
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"sync"

	"github.com/clusterluck/clusterluck/transport/wire"
	"github.com/flynn/noise"
)

const (
	// plainMax is the longest plaintext of one record.
	plainMax = wire.RecordMax - wire.RecordTag

	// recordOver is what a record is longer than its plaintext.
	recordOver = wire.RecordHeaderLen + wire.RecordTag

	// rekeyRecords is how many records one key seals. It is part of version 1.
	rekeyRecords = 1 << 20
)

// A direction is the key of one way through a session, with its count of
// records, which is the nonce and is never sent.
type direction struct {
	cipher *noise.CipherState
	every  uint64 // records a key
}

// sealAll appends plain as data records.
func (d *direction) sealAll(dst, plain []byte) ([]byte, error) {
	records := (len(plain) + plainMax - 1) / plainMax
	dst = slices.Grow(dst, len(plain)+records*recordOver)
	for len(plain) > 0 {
		n := min(len(plain), plainMax)
		sealed, err := d.seal(dst, wire.RecordData, plain[:n])
		if err != nil {
			return dst, err
		}
		dst, plain = sealed, plain[n:]
	}
	return dst, nil
}

// seal appends one record. The header is authenticated with what it announces.
func (d *direction) seal(dst []byte, t wire.Record, plain []byte) ([]byte, error) {
	at := len(dst)
	dst = wire.AppendRecordHeader(dst, t, len(plain)+wire.RecordTag)
	dst, err := d.cipher.Encrypt(dst, dst[at:], plain)
	if err != nil {
		return dst, err
	}
	d.turn()
	return dst, nil
}

// open verifies a whole record and appends its plaintext to dst.
func (d *direction) open(dst, record []byte) ([]byte, error) {
	header, body := record[:wire.RecordHeaderLen], record[wire.RecordHeaderLen:]
	plain, err := d.cipher.Decrypt(slices.Grow(dst, len(body)-wire.RecordTag), header, body)
	if err != nil {
		return dst, fmt.Errorf("record %d does not verify: %w", d.cipher.Nonce(), ErrRecord)
	}
	d.turn()
	return plain, nil
}

// turn takes a new key when the old one has done its share.
func (d *direction) turn() {
	if d.cipher.Nonce()%d.every == 0 {
		d.cipher.Rekey()
	}
}

const (
	inboxIdle = 512      // bytes; what a session holds while nothing comes
	slabLen   = 72 << 10 // a record and the beginning of the next
)

type slab [slabLen]byte

// slabs are shared by all sessions of the process. They hold ciphertext only. The
// pool is a cache: no caller can tell whether a slab is new.
var slabs = sync.Pool{New: func() any { return new(slab) }}

// An inbox holds what was received and not yet opened: in its small array while
// little comes, in a slab of the pool while much does.
type inbox struct {
	r, w  int // what was received is from r to w
	slab  *slab
	small [inboxIdle]byte
}

func (b *inbox) buf() []byte {
	if b.slab != nil {
		return b.slab[:]
	}
	return b.small[:]
}

func (b *inbox) len() int { return b.w - b.r }

// next returns the length of the record that begins the inbox, or 0 if not even
// its header is there.
func (b *inbox) next() int {
	if b.len() < wire.RecordHeaderLen {
		return 0
	}
	return wire.RecordHeaderLen + int(binary.BigEndian.Uint16(b.buf()[b.r+1:]))
}

// take removes the first record, which must be there. It stays valid until
// settle.
func (b *inbox) take() []byte {
	n := b.next()
	record := b.buf()[b.r : b.r+n]
	b.r += n
	return record
}

// settle gives an empty inbox its small array back.
func (b *inbox) settle() {
	if b.r == b.w {
		b.release()
	}
}

// release forgets what is there and returns the slab to the pool.
func (b *inbox) release() {
	b.r, b.w = 0, 0
	if b.slab != nil {
		slabs.Put(b.slab)
		b.slab = nil
	}
}

// fill reads once. A slab is taken only once bytes are there that call for it: a
// record longer than the small array, or as much as the array holds.
func (b *inbox) fill(from io.Reader) error {
	if b.slab == nil && b.len() > 0 && (b.next() > inboxIdle || b.w == inboxIdle) {
		big := slabs.Get().(*slab)
		b.w = copy(big[:], b.small[b.r:b.w])
		b.r, b.slab = 0, big
	}
	buf := b.buf()
	if b.r > 0 && len(buf)-b.r < max(b.next(), wire.RecordHeaderLen) || b.w == len(buf) {
		b.w = copy(buf, buf[b.r:b.w])
		b.r = 0
	}
	n, err := from.Read(buf[b.w:])
	b.w += n
	if n > 0 {
		return nil // an error will come again
	}
	return err
}
