package hashring

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strconv"

	"github.com/zeebo/xxh3"
)

// A Layout is a rule that places the points of nodes, and keys, on the circle.
// A layout never changes: golden files pin it.
type Layout uint8

const (
	// V1 places point i (from 0) of a node at output i of the SplitMix64
	// generator seeded with xxh3(id), and a key at xxh3(key); the top 44 bits
	// of each count. A key belongs to the first point at or after it. Points
	// that share a position are ordered by node id.
	V1 Layout = iota
	// Clusterluck is the layout of the JavaScript library clusterluck: point i
	// (from 1) is at base64(SHA-256(id + "_" + i)), a key at
	// base64(SHA-256(key)), both compared as ASCII text, and a key belongs to
	// the first point strictly after it. It is there to interoperate: a lookup
	// costs a SHA-256.
	Clusterluck
)

// String returns the layout's name, as [ParseLayout] reads it.
func (l Layout) String() string {
	switch l {
	case V1:
		return "v1"
	case Clusterluck:
		return "clusterluck"
	}
	return "layout(" + strconv.Itoa(int(l)) + ")"
}

// ParseLayout returns the layout of that name, or an error wrapping
// [ErrOptions].
func ParseLayout(name string) (Layout, error) {
	l, err := parseLayout(name)
	if err != nil {
		return 0, fmt.Errorf("hashring: %w", err)
	}
	return l, nil
}

func parseLayout(name string) (Layout, error) {
	for _, l := range []Layout{V1, Clusterluck} {
		if name == l.String() {
			return l, nil
		}
	}
	return 0, fmt.Errorf("layout %q: want v1 or clusterluck: %w", name, ErrOptions)
}

// MarshalText returns the layout's name.
func (l Layout) MarshalText() ([]byte, error) {
	if l > Clusterluck {
		return nil, fmt.Errorf("hashring: layout %d: want v1 or clusterluck: %w", l, ErrOptions)
	}
	return []byte(l.String()), nil
}

// UnmarshalText sets l to the layout of that name.
func (l *Layout) UnmarshalText(text []byte) error {
	parsed, err := ParseLayout(string(text))
	if err == nil {
		*l = parsed
	}
	return err
}

// golden is 2^64 divided by the golden ratio: the step of SplitMix64.
const golden = 0x9e3779b97f4a7c15

// mix64 is the finalizer of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014).
func mix64(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// probe returns the hash of the probe after the one with hash h: the first
// output of SplitMix64 seeded with h.
func probe(h uint64) uint64 { return mix64(h + golden) }

// firstIndex is the number of a node's first point.
func (l Layout) firstIndex() int {
	if l == Clusterluck {
		return 1
	}
	return 0
}

// A pointSource yields the hashes of one node's points: the position in the
// high bits, the rest noise.
type pointSource struct {
	layout Layout
	seed   uint64 // v1: of the next point
	label  []byte // clusterluck: id and "_"
	index  int    // clusterluck: of the next point
}

// pointsOf returns the source that starts at the node's skip-th point.
func (l Layout) pointsOf(id string, skip int) pointSource {
	if l == Clusterluck {
		return pointSource{layout: l, label: append([]byte(id), '_'), index: skip + 1}
	}
	return pointSource{layout: l, seed: xxh3.HashString(id) + uint64(skip)*golden}
}

// next returns the next point's hash.
func (p *pointSource) next() uint64 {
	if p.layout == Clusterluck {
		label := strconv.AppendInt(p.label, int64(p.index), 10)
		p.index++
		return prefix60(sha256.Sum256(label))
	}
	p.seed += golden
	return mix64(p.seed)
}

// fill sets dst to the positions of the next points, in place.
func (p *pointSource) fill(dst []uint64, mask uint64) {
	if p.layout == Clusterluck {
		for i := range dst {
			dst[i] = p.next() & mask
		}
		return
	}
	seed := p.seed
	for i := range dst {
		seed += golden
		dst[i] = mix64(seed) & mask
	}
	p.seed = seed
}

// hashKey returns the key's hash, of which the top bits are its position.
func (l Layout) hashKey(key string) uint64 {
	if l == Clusterluck {
		return prefix60(sha256.Sum256([]byte(key)))
	}
	return xxh3.HashString(key)
}

// A text is a whole position of the clusterluck layout.
type text [44]byte

func (t *text) less(o *text) bool { return string(t[:]) < string(o[:]) }

func digestText(digest [sha256.Size]byte) (t text) {
	base64.StdEncoding.Encode(t[:], digest[:])
	return t
}

func labelText(id string, index int) text {
	return digestText(sha256.Sum256([]byte(id + "_" + strconv.Itoa(index))))
}

// prefix60 returns the first ten base64 characters of the digest, each as its
// rank in ASCII order, in the top 60 bits: the order of the numbers is the
// order of the texts.
func prefix60(digest [sha256.Size]byte) uint64 {
	var h uint64
	t := digestText(digest)
	for _, c := range t[:10] {
		h = h<<6 | asciiRank(c)
	}
	return h << 4
}

// asciiRank returns the place of a base64 character among the 64 in ASCII
// order: + / 0-9 A-Z a-z.
func asciiRank(c byte) uint64 {
	switch {
	case c >= 'a':
		return uint64(c-'a') + 38
	case c >= 'A':
		return uint64(c-'A') + 12
	case c >= '0':
		return uint64(c-'0') + 2
	case c == '/':
		return 1
	}
	return 0
}
