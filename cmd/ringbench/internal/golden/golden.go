// Package golden writes down which nodes own which keys, and checks later, with
// another version or on another machine, that they still do.
//
// The package keeps no state.
package golden

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/keys"
	"github.com/clusterluck/clusterluck/hashring"
)

// Version is the version of the files that this package writes and reads.
const Version = 1

// sizeMax is the length of the longest golden file, in bytes.
const sizeMax = 256 << 20

// ErrFormat reports a file that is no golden file.
var ErrFormat = errors.New("not a golden file")

// A File is what a golden file holds.
type File struct {
	Golden      string          `json:"golden"` // "ringbench"
	Version     int             `json:"version"`
	Layout      hashring.Layout `json:"layout"`
	Points      int             `json:"points"`
	Probes      int             `json:"probes"`
	Fingerprint string          `json:"fingerprint"`
	Replicas    int             `json:"replicas,omitempty"` // owners of a key, if there are as many nodes
	Nodes       []Node          `json:"nodes"`
	Keys        []Key           `json:"keys"`
}

// A Node is one node of the ring. Metadata that is not UTF-8 is in base64.
type Node struct {
	hashring.Node
	MetaBase64 []byte `json:"meta_base64,omitempty"`
}

// A Key is a key, its hash and its owners, the first owner first. A key that is
// not UTF-8 is in base64.
type Key struct {
	Key    string   `json:"key,omitempty"`
	Base64 string   `json:"key_base64,omitempty"`
	Hash   string   `json:"hash"`
	Owners []string `json:"owners"`
}

func (k Key) text() (string, error) {
	if k.Base64 == "" {
		return k.Key, nil
	}
	raw, err := base64.StdEncoding.DecodeString(k.Base64)
	return string(raw), err
}

// Make writes down the owners of at most count distinct keys, evenly picked
// from the set, and replicas owners of each.
func Make(ctx context.Context, s *hashring.Snapshot, set *keys.Set, count, replicas int) (*File, error) {
	o, f := s.Options(), s.Fingerprint()
	file := &File{
		Golden: "ringbench", Version: Version, Layout: o.Layout, Points: o.Points, Probes: o.Probes,
		Fingerprint: hex.EncodeToString(f[:]), Replicas: replicas,
	}
	for n := range s.Nodes() {
		out := Node{Node: n}
		if !utf8.ValidString(n.Meta) {
			out.Meta, out.MetaBase64 = "", []byte(n.Meta)
		}
		file.Nodes = append(file.Nodes, out)
	}
	distinct := set.Distinct()
	count = min(count, distinct)
	for i := range count {
		if i&0xfff == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		// A count far below the product's overflow: both are below 2^32.
		text := set.Key(int(uint64(i) * uint64(distinct) / uint64(count)))
		k := Key{Key: text, Hash: hash(s, text), Owners: s.AppendOwners(nil, text, replicas)}
		if !utf8.ValidString(text) {
			k.Key, k.Base64 = "", base64.StdEncoding.EncodeToString([]byte(text))
		}
		file.Keys = append(file.Keys, k)
	}
	return file, nil
}

func hash(s *hashring.Snapshot, key string) string { return fmt.Sprintf("%016x", s.Hash(key)) }

// Write writes the file as JSON, a key a line so that a diff shows one.
func (f *File) Write(w io.Writer) error {
	head := *f
	head.Keys = nil
	data, err := json.MarshalIndent(head, "", "  ")
	if err != nil {
		return err
	}
	data = bytes.TrimSuffix(data, []byte("\"keys\": null\n}"))
	if _, err := fmt.Fprintf(w, "%s\"keys\": [", data); err != nil {
		return err
	}
	var line bytes.Buffer
	enc := json.NewEncoder(&line)
	enc.SetEscapeHTML(false)
	for i, k := range f.Keys {
		line.Reset()
		if err := enc.Encode(k); err != nil {
			return err
		}
		separator := ",\n    "
		if i == 0 {
			separator = "\n    "
		}
		if _, err := fmt.Fprintf(w, "%s%s", separator, bytes.TrimSpace(line.Bytes())); err != nil {
			return err
		}
	}
	_, err = io.WriteString(w, "\n  ]\n}\n")
	return err
}

// Read reads a golden file. The error wraps [ErrFormat] if it is none, or if a
// key has too few owners to check.
func Read(r io.Reader) (*File, error) {
	data, err := io.ReadAll(io.LimitReader(r, sizeMax+1))
	if err != nil {
		return nil, err
	}
	if len(data) > sizeMax {
		return nil, fmt.Errorf("%w: more than %d bytes", ErrFormat, sizeMax)
	}
	var f File
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	err = dec.Decode(&f)
	line := 1 + bytes.Count(data[:min(int(dec.InputOffset()), len(data))], []byte("\n"))
	switch {
	case err != nil:
		return nil, fmt.Errorf("line %d: %w: %w; ringbench verify --write makes one", line, ErrFormat, err)
	case f.Golden != "ringbench":
		return nil, fmt.Errorf("%w; ringbench verify --write makes one", ErrFormat)
	case f.Version != Version:
		return nil, fmt.Errorf("%w of a version that this command reads: it has %d, this reads %d", ErrFormat, f.Version, Version)
	case len(f.Keys) == 0:
		return nil, fmt.Errorf("%w: it holds no keys", ErrFormat)
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, fmt.Errorf("line %d: %w: more after the end", line, ErrFormat)
	}
	if err := f.complete(); err != nil {
		return nil, err
	}
	return &f, nil
}

// complete returns an error if a key has fewer owners than the file says that
// keys have: they would hold with any ring. A file that does not say so has as
// many as its longest list.
func (f *File) complete() error {
	want := max(f.Replicas, 1)
	if f.Replicas == 0 {
		for _, k := range f.Keys {
			want = max(want, len(k.Owners))
		}
	}
	want = min(want, len(f.Nodes))
	for i, k := range f.Keys {
		if len(k.Owners) < want {
			text := k.Key
			if k.Base64 != "" {
				text = "base64:" + k.Base64
			}
			return fmt.Errorf("%w: key %d, %q: %d owners where every key has %d", ErrFormat, i+1, text, len(k.Owners), want)
		}
	}
	return nil
}

// Ring builds the ring that the file describes.
func (f *File) Ring() (*hashring.Ring, error) {
	nodes := make([]hashring.Node, len(f.Nodes))
	for i, n := range f.Nodes {
		if len(n.MetaBase64) > 0 {
			n.Meta = string(n.MetaBase64)
		}
		nodes[i] = n.Node
	}
	return hashring.New(hashring.Options{Points: f.Points, Probes: f.Probes, Layout: f.Layout}, nodes...)
}

// A Difference is one thing that is not as the file says.
type Difference struct {
	What string `json:"what"` // fingerprint, hash or owners
	Key  string `json:"key,omitempty"`
	Want string `json:"want"`
	Got  string `json:"got"`
}

// Check compares the file with the ring that this build makes of it. It returns
// the first differences, at most most of them, and how many there are in all.
func (f *File) Check(ctx context.Context, most int) (first []Difference, total int, err error) {
	ring, err := f.Ring()
	if err != nil {
		return nil, 0, err
	}
	s := ring.Snapshot()
	differ := func(what, key, want, got string) {
		if total++; len(first) < most {
			first = append(first, Difference{what, key, want, got})
		}
	}
	sum := s.Fingerprint()
	if got := hex.EncodeToString(sum[:]); got != f.Fingerprint {
		differ("fingerprint", "", f.Fingerprint, got)
	}
	var owners []string
	for i, k := range f.Keys {
		if i&0xfff == 0 && ctx.Err() != nil {
			return nil, 0, ctx.Err()
		}
		text, err := k.text()
		if err != nil {
			return nil, 0, fmt.Errorf("key %d: %w: %w", i+1, ErrFormat, err)
		}
		if got := hash(s, text); got != k.Hash {
			differ("hash", text, k.Hash, got)
		}
		owners = s.AppendOwners(owners[:0], text, len(k.Owners))
		if !slices.Equal(owners, k.Owners) {
			differ("owners", text, quoted(k.Owners), quoted(owners))
		}
	}
	return first, total, nil
}

func quoted(ids []string) string {
	var out []byte
	for i, id := range ids {
		if i > 0 {
			out = append(out, ' ')
		}
		out = strconv.AppendQuote(out, id)
	}
	return string(out)
}
