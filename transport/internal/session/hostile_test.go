package session_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/clusterluck/clusterluck/transport/internal/session"
	"github.com/clusterluck/clusterluck/transport/wire"
)

// times is how often a test tries: n, or 50 times that in the long run.
func times(n int) int {
	if *long {
		return 50 * n
	}
	return n
}

// alter returns b changed in one of the ways in which somebody between two ends
// can change it, and what was done. Strange is what he may put in its place. The
// result differs from b.
func alter(r *rand.Rand, b, strange []byte) ([]byte, string) {
	for {
		out := bytes.Clone(b)
		at, n := r.IntN(len(b)), 1+r.IntN(min(40, len(b)))
		to := min(len(b), at+n)
		var what string
		switch r.IntN(8) {
		case 0:
			what = fmt.Sprintf("bit flipped in byte %d", at)
			out[at] ^= 1 << r.IntN(8)
		case 1:
			what = fmt.Sprintf("byte %d set", at)
			out[at] = byte(r.Uint32())
		case 2:
			what = fmt.Sprintf("cut off at %d", at)
			out = out[:at]
		case 3:
			what = fmt.Sprintf("bytes %d to %d left out", at, to)
			out = append(out[:at], b[to:]...)
		case 4:
			what = fmt.Sprintf("bytes %d to %d twice", at, to)
			out = append(bytes.Clone(b[:to]), b[at:]...)
		case 5:
			what = fmt.Sprintf("%d bytes put in at %d", n, at)
			out = out[:at]
			for range n {
				out = append(out, byte(r.Uint32()))
			}
			out = append(out, b[at:]...)
		case 6:
			what = fmt.Sprintf("bytes %d to %d exchanged with those before", at, to)
			from := max(0, at-n)
			out = append(append(append(out[:from], b[at:to]...), b[from:at]...), b[to:]...)
		case 7:
			what = fmt.Sprintf("bytes of another place from %d on", at)
			copy(out[at:], strange[r.IntN(len(strange)):])
		}
		if !bytes.Equal(out, b) {
			return out, what
		}
	}
}

// No altered first message brings out a byte, let alone a session.
func TestAlteredFirstMessages(t *testing.T) {
	rec := record(t)
	r := rand.New(rand.NewPCG(uint64(*seed), 10))
	for n := range times(6000) {
		altered, what := alter(r, rec.greet, rec.answer)
		c := play(altered, rec.i2r)
		s, err := session.Respond(t.Context(), c, rec.r)
		if err == nil || s != nil || c.out.Len() > 0 || !c.closed {
			t.Fatalf("seed %d, number %d, %s: %v, %d bytes answered, closed %v", *seed, n, what, err, c.out.Len(), c.closed)
		}
	}
}

// No altered answer is taken, and no first record is sent after it.
func TestAlteredAnswers(t *testing.T) {
	rec := record(t)
	r := rand.New(rand.NewPCG(uint64(*seed), 11))
	for n := range times(2000) {
		altered, what := alter(r, rec.answer, rec.greet)
		c := play(altered, rec.r2i)
		s, err := session.Initiate(t.Context(), c, rec.i, "bob")
		if err == nil || s != nil || c.out.Len() > len(rec.greet) || !c.closed {
			t.Fatalf("seed %d, number %d, %s: %v, %d bytes sent, closed %v", *seed, n, what, err, c.out.Len(), c.closed)
		}
	}
	// It is the alterations that were refused.
	if _, err := session.Initiate(t.Context(), play(rec.answer, rec.r2i), rec.i, "bob"); err != nil {
		t.Error(err)
	}
}

// No session begins with an altered first record.
func TestAlteredFirstRecords(t *testing.T) {
	rec := record(t)
	r := rand.New(rand.NewPCG(uint64(*seed), 12))
	for n := range times(1000) {
		altered, what := alter(r, rec.i2r[:19], rec.r2i)
		if len(altered) > 19 && bytes.Equal(altered[:19], rec.i2r[:19]) {
			continue // what follows is for Read to judge
		}
		s, err := session.Respond(t.Context(), play(rec.greet, altered), rec.r)
		if err == nil || s != nil {
			t.Fatalf("seed %d, number %d, %s: %v", *seed, n, what, err)
		}
	}
}

// A reader of an altered stream gets what was sent before the alteration, and
// then an error: nothing else, nothing twice, and no farewell.
func TestAlteredStreams(t *testing.T) {
	const every = 5
	r := rand.New(rand.NewPCG(uint64(*seed), 13))
	accepted := 0
	for n := range times(16_000) {
		a, b := sender(every), session.NewRecords(play(), keyIn, keyOut, every)
		records, plain := stream(t, r, a)
		back, _ := stream(t, r, b) // of the other direction
		altered, what := alterRecords(r, records, back)
		got, err := readAll(receiver(every, altered))
		before := intact(records, altered)
		if !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, session.ErrRecord) && !errors.Is(err, session.ErrMalformed) ||
			!bytes.Equal(got, bytes.Join(plain[:before], nil)) {
			t.Fatalf("seed %d, number %d, %s: %d bytes, %v; %d of %d records are intact", *seed, n, what, len(got), err, before, len(records))
		}
		accepted += before
	}
	if accepted == 0 {
		t.Error("no record came through before an alteration: the streams were no good")
	}
}

// stream seals a few records and a close record, and returns them and what each
// holds.
func stream(t testing.TB, r *rand.Rand, s *session.Session) (records, plain [][]byte) {
	for range 1 + r.IntN(12) {
		p := noiseBytes(1 + r.IntN(30))
		plain = append(plain, p)
		records = append(records, seal(t, s, p))
	}
	return append(records, closed(t, s)), append(plain, nil)
}

// alterRecords changes a stream by whole records or by bytes.
func alterRecords(r *rand.Rand, records, back [][]byte) ([]byte, string) {
	whole := bytes.Join(records, nil)
	for {
		at, to := r.IntN(len(records)), r.IntN(len(records))
		out := append([][]byte(nil), records...)
		var what string
		switch r.IntN(7) {
		case 0:
			what = fmt.Sprintf("record %d left out", at)
			out = append(out[:at], records[at+1:]...)
		case 1:
			what = fmt.Sprintf("record %d once more before %d", at, to)
			out = append(append(out[:to:to], records[at]), records[to:]...)
		case 2:
			what = fmt.Sprintf("records %d and %d exchanged", at, to)
			out[at], out[to] = out[to], out[at]
		case 3:
			what = fmt.Sprintf("record of the other direction in place of %d", at)
			out[at] = back[r.IntN(len(back))]
		case 4:
			what = fmt.Sprintf("a record of another type in place of %d", at)
			out[at] = bytes.Clone(out[at])
			out[at][0] = byte(wire.RecordData) + byte(r.IntN(4))
		default:
			altered, what := alter(r, whole, bytes.Join(back, nil))
			if bytes.HasPrefix(altered, whole) {
				continue // behind the end
			}
			return altered, what
		}
		if altered := bytes.Join(out, nil); !bytes.HasPrefix(altered, whole) {
			return altered, what
		}
	}
}

// intact returns how many records begin an altered stream as they were.
func intact(records [][]byte, altered []byte) int {
	for n, record := range records {
		rest, ok := bytes.CutPrefix(altered, record)
		if !ok {
			return n
		}
		altered = rest
	}
	return len(records)
}

// Everything that strangers send is refused without a byte, whatever it is.
func TestStrangersHearNothing(t *testing.T) {
	l := local(t, "bob", cookie, other)
	r := rand.New(rand.NewPCG(uint64(*seed), 14))
	preamble := wire.AppendPreamble(nil, wire.Preamble{Max: 1, Min: 1, Role: 1})
	for n := range times(2000) {
		in := make([]byte, r.IntN(2*session.GreetingMax))
		for i := range in {
			in[i] = byte(r.Uint32())
		}
		switch r.IntN(3) { // else it would hardly get beyond the first bytes
		case 0:
			copy(in, preamble)
		case 1:
			in = append(preamble[:8:8], in...)
			if body := len(in) - 10; body >= 0 {
				in[8], in[9] = byte(body>>8), byte(body)
			}
		}
		c := play(in)
		if s, err := session.Respond(t.Context(), c, l); err == nil || s != nil || c.out.Len() > 0 {
			t.Fatalf("seed %d, number %d, %x: %v, %d bytes answered", *seed, n, in, err, c.out.Len())
		}
		if s, err := session.Initiate(t.Context(), play(in), l, ""); err == nil || s != nil {
			t.Fatalf("seed %d, number %d, as an answer, %x: %v", *seed, n, in, err)
		}
	}
}

// A responder reads no more of a stranger than a greeting has, wherever it ends.
func TestResponderReadsAGreetingAtMost(t *testing.T) {
	preamble := wire.AppendPreamble(nil, wire.Preamble{Max: 1, Min: 1, Role: 1})
	tests := []struct {
		name string
		in   []byte
		left int // bytes that are not read
	}{
		{"no preamble", []byte("GET / HTTP/1.1\r\n\r\n" + string(make([]byte, 5000))), 5018 - session.GreetingMax},
		{"a length that lies", append(bytes.Clone(preamble), append([]byte{0xff, 0xff}, make([]byte, 5000)...)...), 5010 - session.GreetingMax},
		{"the longest message", append(bytes.Clone(preamble), append([]byte{4, 0}, make([]byte, 5000)...)...), 5010 - session.GreetingMax},
	}
	for _, tt := range tests {
		c := play(tt.in)
		if _, err := session.Respond(t.Context(), c, local(t, "bob", cookie)); err == nil {
			t.Errorf("%s: accepted", tt.name)
		}
		if n := len(bytes.Join(c.in, nil)); n != tt.left {
			t.Errorf("%s: %d bytes are left, want %d", tt.name, n, tt.left)
		}
	}
}
