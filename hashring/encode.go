package hashring

import (
	"encoding/binary"
	"fmt"
)

// Limits bound what a decoder accepts, so that a few hostile bytes cannot ask
// for gigabytes. Zero fields mean the defaults.
type Limits struct {
	// Bytes is the length of the input; 0 means 64 MiB.
	Bytes int
	// Nodes is the number of nodes; 0 means [MaxNodes].
	Nodes int
	// Points is the number of points on the circle, which take about 15 bytes
	// each; 0 means 1<<24, the points of 100,000 nodes with default options.
	Points int
}

func (l Limits) withDefaults() Limits {
	if l.Bytes == 0 {
		l.Bytes = 64 << 20
	}
	if l.Nodes == 0 {
		l.Nodes = MaxNodes
	}
	if l.Points == 0 {
		l.Points = 1 << 24
	}
	return l
}

// check refuses nodes beyond the limits before any point is laid out.
func (l Limits) check(o Options, nodes []Node) error {
	if len(nodes) > l.Nodes {
		return fmt.Errorf("%d nodes: the limit is %d: %w", len(nodes), l.Nodes, ErrTooManyNodes)
	}
	points := int64(0)
	for _, n := range nodes {
		points += int64(n.Weight) * int64(o.Points)
	}
	if points > int64(l.Points) {
		return fmt.Errorf("%d points: the limit is %d: %w", points, l.Points, ErrTooManyPoints)
	}
	return nil
}

// The binary encoding is
//
//	"CLHR" version:1 layout:1 points:uvarint probes:uvarint fingerprint:16
//	count:uvarint { id:text weight:uvarint zone:text meta:text }
//
// with nodes in ascending order of id, text behind its length as a uvarint, and
// uvarints of the least length: a ring has exactly one encoding.
const (
	magic         = "CLHR"
	binaryVersion = 1
)

// AppendBinary appends the binary encoding of the ring's options and nodes, not
// of its points. It never fails.
func (s *Snapshot) AppendBinary(dst []byte) ([]byte, error) {
	s = s.whole()
	dst = append(dst, magic...)
	dst = append(dst, binaryVersion, byte(s.opts.Layout))
	dst = binary.AppendUvarint(dst, uint64(s.opts.Points))
	dst = binary.AppendUvarint(dst, uint64(s.opts.Probes))
	fingerprint := s.Fingerprint()
	dst = append(dst, fingerprint[:]...)
	dst = binary.AppendUvarint(dst, uint64(s.Len()))
	for n := range s.Nodes() {
		dst = appendNode(dst, n)
	}
	return dst, nil
}

// MarshalBinary is [Snapshot.AppendBinary] to a new slice.
func (s *Snapshot) MarshalBinary() ([]byte, error) { return s.AppendBinary(nil) }

// AppendBinary is [Snapshot.AppendBinary] of the ring as it is now.
func (r *Ring) AppendBinary(dst []byte) ([]byte, error) { return r.load().AppendBinary(dst) }

// MarshalBinary is [Snapshot.MarshalBinary] of the ring as it is now.
func (r *Ring) MarshalBinary() ([]byte, error) { return r.load().MarshalBinary() }

// UnmarshalBinary replaces the options and nodes of the ring by those that
// AppendBinary encoded, within the default [Limits]. Errors are as those of
// [Decode], and leave the ring as it was.
func (r *Ring) UnmarshalBinary(data []byte) error {
	return r.replace(decodeBinary(data, Limits{}))
}

// Decode returns the ring that [Ring.AppendBinary] encoded.
//
// Decode returns an error that wraps [ErrEncoding] if data are truncated,
// altered or not in the one form; [ErrVersion] if they are of a later version;
// [ErrFingerprint] if the nodes are not those that were encoded;
// [ErrTooManyNodes] or [ErrTooManyPoints] if they exceed the limits; or what
// [New] returns. It allocates no more than a small multiple of len(data) before
// all of these are checked.
func Decode(data []byte, limits Limits) (*Ring, error) {
	r := new(Ring)
	if err := r.replace(decodeBinary(data, limits)); err != nil {
		return nil, err
	}
	return r, nil
}

// replace makes s the current snapshot, unless there is an error.
func (r *Ring) replace(s *Snapshot, err error) error {
	if err != nil {
		return fmt.Errorf("hashring: decode: %w", err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.snap.Store(s)
	return nil
}

func decodeBinary(data []byte, limits Limits) (*Snapshot, error) {
	limits = limits.withDefaults()
	if len(data) > limits.Bytes {
		return nil, fmt.Errorf("%d bytes: the limit is %d: %w", len(data), limits.Bytes, ErrEncoding)
	}
	rd := reader{data: data}
	if string(rd.bytes(len(magic))) != magic {
		return nil, fmt.Errorf("no %q at the start: %w", magic, ErrEncoding)
	}
	if v := rd.byte(); rd.err == nil && v != binaryVersion {
		return nil, fmt.Errorf("version %d: this package reads %d: %w", v, binaryVersion, ErrVersion)
	}
	opts := Options{Layout: Layout(rd.byte())}
	opts.Points, opts.Probes = rd.int(), rd.int()
	var want [16]byte
	copy(want[:], rd.bytes(len(want)))
	count := rd.int()
	if rd.err == nil && count > limits.Nodes {
		return nil, fmt.Errorf("%d nodes: the limit is %d: %w", count, limits.Nodes, ErrTooManyNodes)
	}
	const least = 5 // bytes of a node: one of id and four numbers
	nodes := make([]Node, 0, min(count, len(data)/least))
	for range count {
		n := Node{ID: rd.text(), Weight: rd.int(), Zone: rd.text(), Meta: rd.text()}
		if rd.err != nil {
			return nil, rd.err
		}
		if len(nodes) > 0 && nodes[len(nodes)-1].ID >= n.ID {
			return nil, fmt.Errorf("byte %d: id %q after %q: want ascending order: %w", rd.at, n.ID, nodes[len(nodes)-1].ID, ErrEncoding)
		}
		nodes = append(nodes, n)
	}
	if rd.err != nil {
		return nil, rd.err
	}
	if rd.at < len(data) {
		return nil, fmt.Errorf("byte %d: %d more after the last node: %w", rd.at, len(data)-rd.at, ErrEncoding)
	}
	return restore(opts, nodes, limits, want)
}

// restore checks decoded nodes and lays them out.
func restore(opts Options, nodes []Node, limits Limits, want [16]byte) (*Snapshot, error) {
	if opts.Points == 0 || opts.Probes == 0 {
		return nil, fmt.Errorf("points %d, probes %d: want both: %w", opts.Points, opts.Probes, ErrEncoding)
	}
	if err := opts.validate(); err != nil {
		return nil, err
	}
	sorted, err := checkNodes(opts, nodes)
	if err != nil {
		return nil, err
	}
	for _, n := range nodes {
		if n.Weight == 0 {
			return nil, fmt.Errorf("node %q: weight 0: want 1 to %d: %w", n.ID, MaxWeight, ErrWeight)
		}
	}
	if err := limits.check(opts, nodes); err != nil {
		return nil, err
	}
	m := newMembers(sorted)
	if got := m.fingerprint(opts); got != want { // before points take memory
		return nil, fmt.Errorf("nodes have fingerprint %x, the encoding says %x: %w", got, want, ErrFingerprint)
	}
	return layOut(opts, m), nil
}

// A reader takes an encoding apart. After an error it returns zeros.
type reader struct {
	data []byte
	at   int
	err  error
}

func (r *reader) fail(what string) {
	if r.err == nil {
		r.err = fmt.Errorf("byte %d: %s: %w", r.at, what, ErrEncoding)
	}
	r.data = r.data[:r.at]
}

func (r *reader) bytes(n int) []byte {
	if n > len(r.data)-r.at {
		r.fail("truncated")
		return nil
	}
	r.at += n
	return r.data[r.at-n : r.at]
}

func (r *reader) byte() byte {
	if b := r.bytes(1); len(b) == 1 {
		return b[0]
	}
	return 0
}

// int reads a uvarint of the least length, below 2^31.
func (r *reader) int() int {
	v, n := binary.Uvarint(r.data[r.at:])
	switch {
	case n <= 0:
		r.fail("truncated or overlong number")
		return 0
	case v >= 1<<31:
		r.fail(fmt.Sprintf("number %d is out of range", v))
		return 0
	case n > 1 && v>>(7*(n-1)) == 0:
		r.fail("number is not in its shortest form")
		return 0
	}
	r.at += n
	return int(v)
}

func (r *reader) text() string { return string(r.bytes(r.int())) }
