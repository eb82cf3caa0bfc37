package keys

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"math/bits"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/accesslog"
)

const (
	generateMax = 1 << 40 // keys of one generator
	prefixMax   = 1024    // bytes
	uniformMax  = 4096    // bytes of a uniform key
)

// A generator makes n keys, one after the other.
type generator struct {
	n    int64
	next func(r *rng, i int64, dst []byte) []byte // appends key i to dst
	text func(w io.Writer, seed uint64) error
}

// each calls yield for every key.
func (g *generator) each(ctx context.Context, seed uint64, yield func(Record) error) error {
	r := newRNG(seed)
	var key []byte
	for i := range g.n {
		if i&0xfff == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		key = g.next(r, i, key[:0])
		if err := yield(Record{Key: key, Line: i + 1}); err != nil {
			return err
		}
	}
	return nil
}

// An rng draws from PCG, whose output is fixed by its definition. What
// math/rand/v2 builds on top of it is not, so that is done here.
type rng struct{ pcg *rand.PCG }

func newRNG(seed uint64) *rng { return &rng{rand.NewPCG(seed, 0x72696e6762656e63)} } // "ringbenc"

// below draws from 0 to n-1. The bias is at most n/2^64.
func (r *rng) below(n int64) int64 {
	hi, _ := bits.Mul64(r.pcg.Uint64(), uint64(n))
	return int64(hi)
}

// float draws from [0, 1).
func (r *rng) float() float64 { return float64(r.pcg.Uint64()>>11) / (1 << 53) }

// params are the name=value parameters of a generator. Taking one removes it,
// so that what is left is unknown.
type params struct {
	values map[string]string
	known  []string
	err    error
}

func parseParams(s string) *params {
	p := &params{values: make(map[string]string)}
	if s == "" {
		return p
	}
	for part := range strings.SplitSeq(s, ",") {
		name, value, ok := strings.Cut(part, "=")
		if _, twice := p.values[name]; !ok || name == "" || twice {
			p.fail(fmt.Errorf("%q: want name=value, each name once", part))
			return p
		}
		p.values[name] = value
	}
	return p
}

func (p *params) fail(err error) {
	if p.err == nil {
		p.err = err
	}
}

func (p *params) take(name string) (string, bool) {
	p.known = append(p.known, name)
	value, ok := p.values[name]
	delete(p.values, name)
	return value, ok
}

func (p *params) text(name, fallback string) string {
	if value, ok := p.take(name); ok {
		return value
	}
	return fallback
}

func (p *params) size(name string, fallback, least, most int64) int64 {
	value, ok := p.take(name)
	if !ok {
		return fallback
	}
	n, err := ParseSize(value)
	if err == nil && (n < least || n > most) {
		err = fmt.Errorf("%q: want %d to %d", value, least, most)
	}
	if err != nil {
		p.fail(fmt.Errorf("%s: %w", name, err))
		return fallback
	}
	return n
}

func (p *params) float(name string, fallback, above, most float64) float64 {
	value, ok := p.take(name)
	if !ok {
		return fallback
	}
	f, err := strconv.ParseFloat(value, 64)
	if err != nil || math.IsNaN(f) || f <= above || f > most {
		p.fail(fmt.Errorf("%s: %q: want a number above %g and at most %g", name, value, above, most))
		return fallback
	}
	return f
}

// done returns the first error, an unknown parameter being one.
func (p *params) done() error {
	if p.err != nil {
		return p.err
	}
	for _, name := range slices.Sorted(maps.Keys(p.values)) {
		return fmt.Errorf("no parameter %q; it has %s", name, strings.Join(p.known, ", "))
	}
	return nil
}

// newGenerator returns the generator of a name, or nil if there is none.
func newGenerator(name, arg string) (*generator, error) {
	makers := map[string]func(*params) *generator{
		"uniform": uniform, "seq": sequence, "uuid": uuid, "zipf": zipfKeys, "hotspot": hotspot, "accesslog": accessLog,
	}
	maker, ok := makers[name]
	if !ok {
		return nil, nil
	}
	p := parseParams(arg)
	g := maker(p)
	if err := p.done(); err != nil {
		return nil, err
	}
	return g, nil
}

func count(p *params) int64 { return p.size("n", 1e6, 1, generateMax) }

// uniform makes random keys of a length.
func uniform(p *params) *generator {
	const letters = "0123456789abcdefghijklmnopqrstuvwxyz"
	length := int(p.size("len", 16, 1, uniformMax))
	return &generator{n: count(p), next: func(r *rng, _ int64, dst []byte) []byte {
		for left := length; left > 0; {
			// Ten letters use 52 of the 64 bits of a draw.
			u := r.pcg.Uint64()
			for range min(left, 10) {
				hi, lo := bits.Mul64(u, uint64(len(letters)))
				dst, u = append(dst, letters[hi]), lo
			}
			left -= min(left, 10)
		}
		return dst
	}}
}

// sequence makes prefix0, prefix1 and so on.
func sequence(p *params) *generator {
	prefix := p.text("prefix", "key-")
	if len(prefix) > prefixMax {
		p.fail(fmt.Errorf("prefix: %d bytes; at most %d", len(prefix), prefixMax))
	}
	if strings.ContainsAny(prefix, "\n\r\x00") {
		p.fail(errors.New("prefix: holds a line end or a NUL byte"))
	}
	return &generator{n: count(p), next: func(_ *rng, i int64, dst []byte) []byte {
		return strconv.AppendInt(append(dst, prefix...), i, 10)
	}}
}

// uuid makes random (version 4) UUIDs.
func uuid(p *params) *generator {
	return &generator{n: count(p), next: func(r *rng, _ int64, dst []byte) []byte {
		var raw [16]byte
		hi, lo := r.pcg.Uint64(), r.pcg.Uint64()
		for i := range 8 {
			raw[i], raw[8+i] = byte(hi>>(8*i)), byte(lo>>(8*i))
		}
		raw[6] = raw[6]&0x0f | 0x40
		raw[8] = raw[8]&0x3f | 0x80
		for i, end := range [...]int{4, 6, 8, 10, 16} {
			if i > 0 {
				dst = append(dst, '-')
			}
			start := [...]int{0, 4, 6, 8, 10}[i]
			dst = hex.AppendEncode(dst, raw[start:end])
		}
		return dst
	}}
}

// distinctOf is how many keys n draws are taken from by default.
func distinctOf(n int64) int64 { return max(n/10, 1000) }

// zipfKeys draws key-1 most often, key-2 next, and so on.
func zipfKeys(p *params) *generator {
	n := count(p)
	s := p.float("s", 0.99, 0, 100)
	z := newZipf(p.size("distinct", distinctOf(n), 1, generateMax), s)
	return &generator{n: n, next: func(r *rng, _ int64, dst []byte) []byte {
		return strconv.AppendInt(append(dst, "key-"...), z.next(r), 10)
	}}
}

// hotspot gives a share of the draws to a few hot keys, the rest to all others.
func hotspot(p *params) *generator {
	n := count(p)
	hot := p.size("hot", 10, 1, generateMax)
	share := p.float("share", 0.5, 0, 1)
	cold := p.size("distinct", distinctOf(n), 1, generateMax)
	return &generator{n: n, next: func(r *rng, _ int64, dst []byte) []byte {
		if r.float() < share {
			return strconv.AppendInt(append(dst, "hot-"...), r.below(hot)+1, 10)
		}
		return strconv.AppendInt(append(dst, "key-"...), r.below(cold)+1, 10)
	}}
}

// accessLog makes the lines of an access log, which a format then reads.
func accessLog(p *params) *generator {
	n := p.size("n", accesslog.DefaultLines, 1, accesslog.MaxLines)
	return &generator{n: n, text: func(w io.Writer, seed uint64) error {
		return accesslog.Write(w, accesslog.Config{Lines: int(n), Seed: seed})
	}}
}
