package session_test

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/clusterluck/clusterluck/transport/internal/session"
	"github.com/clusterluck/clusterluck/transport/wire"
	"github.com/flynn/noise"
)

// One coalesced write is one record, as long as a record holds it.
func TestSealTakesAsFewRecordsAsPossible(t *testing.T) {
	tests := []struct{ plain, records int }{
		{0, 0}, {1, 1}, {session.PlainMax, 1}, {session.PlainMax + 1, 2}, {2 * session.PlainMax, 2}, {300_000, 5},
	}
	for _, tt := range tests {
		s := sender(0)
		plain := noiseBytes(tt.plain)
		sealed := seal(t, s, plain)
		if want := tt.plain + tt.records*19; len(sealed) != want {
			t.Errorf("%d bytes are sealed to %d, want %d", tt.plain, len(sealed), want)
		}
		got, err := readAll(receiver(0, sealed, closed(t, s)))
		if err != io.EOF || !bytes.Equal(got, plain) {
			t.Errorf("%d bytes arrive as %d, %v", tt.plain, len(got), err)
		}
	}
}

// The stream is the same however the network cuts it.
func TestReadWhateverThePieces(t *testing.T) {
	r := rand.New(rand.NewPCG(uint64(*seed), 2))
	for range 200 {
		s := sender(7)
		var plain, sealed []byte
		for range 1 + r.IntN(30) {
			part := noiseBytes(1 + r.IntN([]int{10, 700, 5000, 70_000}[r.IntN(4)]))
			plain = append(plain, part...)
			sealed = append(sealed, seal(t, s, part)...)
		}
		sealed = append(sealed, closed(t, s)...)
		var pieces [][]byte
		for rest := sealed; len(rest) > 0; {
			n := min(len(rest), 1+r.IntN([]int{1, 20, 600, 100_000}[r.IntN(4)]))
			if len(sealed) > 10_000 {
				n = min(len(rest), n*100)
			}
			pieces, rest = append(pieces, rest[:n]), rest[n:]
		}
		if got, err := readAll(receiver(7, pieces...)); err != io.EOF || !bytes.Equal(got, plain) {
			t.Fatalf("%d bytes in %d pieces arrive as %d bytes, %v", len(plain), len(pieces), len(got), err)
		}
	}
}

// Records that verify and are out of place are refused like any other.
func TestRecordsOutOfPlace(t *testing.T) {
	tests := []struct {
		name  string
		kind  wire.Record
		plain string
		want  error
	}{
		{"fin in the middle", wire.RecordFin, "", session.ErrRecord},
		{"close with content", wire.RecordClose, "x", session.ErrRecord},
		{"data without content", wire.RecordData, "", session.ErrRecord},
		{"unknown type", 4, "x", session.ErrMalformed},
		{"type 0", 0, "x", session.ErrMalformed},
	}
	for _, tt := range tests {
		cipher := noise.UnsafeNewCipherState(noise.NewCipherSuite(noise.DH25519, noise.CipherAESGCM, noise.HashSHA256), keyOut, 0)
		header := wire.AppendRecordHeader(nil, tt.kind, len(tt.plain)+16)
		record, err := cipher.Encrypt(bytes.Clone(header), header, []byte(tt.plain))
		if err != nil {
			t.Fatal(err)
		}
		r := receiver(0, record)
		got, err := r.Read([]byte("kept"))
		if !errors.Is(err, tt.want) || string(got) != "kept" {
			t.Errorf("%s: %q, %v, want %v", tt.name, got, err, tt.want)
		}
		if c := r.Conn().(*tape); !c.closed || c.out.Len() > 0 {
			t.Errorf("%s: closed %v, with %d bytes", tt.name, c.closed, c.out.Len())
		}
	}
}

// A key seals 2^20 records, then comes the next: that is part of version 1, so it
// is held against the definition. The count of records goes on.
func TestRekey(t *testing.T) {
	const every = 1 << 20
	s, buf := sender(0), []byte(nil)
	cipher := noise.UnsafeNewCipherState(noise.NewCipherSuite(noise.DH25519, noise.CipherAESGCM, noise.HashSHA256), keyOut, 0)
	header := wire.AppendRecordHeader(nil, wire.RecordData, 17)
	for n := range uint64(every + 1) {
		buf = seal1(t, s, buf[:0])
		if n < every-1 {
			continue
		}
		if n == every {
			cipher.Rekey()
		}
		cipher.SetNonce(n)
		want, err := cipher.Encrypt(bytes.Clone(header), header, []byte{1})
		if err != nil || !bytes.Equal(buf, want) {
			t.Fatalf("record %d is %x, want %x", n, buf, want)
		}
	}
}

func seal1(t testing.TB, s *session.Session, dst []byte) []byte {
	sealed, err := s.Seal(dst, []byte{1})
	if err != nil {
		t.Fatal(err)
	}
	return sealed
}

// Both ends change keys at the same record, each direction for itself, or the
// stream ends.
func TestRekeyBothEnds(t *testing.T) {
	i, r := local(t, "ada", cookie), local(t, "bob", cookie)
	i.SetRekey(3)
	r.SetRekey(3)
	a, b := pair(t, i, r)
	for n := range byte(50) {
		go send(t, a, []byte{n})
		if got, err := b.Read(nil); err != nil || !bytes.Equal(got, []byte{n}) {
			t.Fatalf("record %d to b: %x, %v", n, got, err)
		}
		if n%2 == 0 {
			go send(t, b, []byte{n})
			if got, err := a.Read(nil); err != nil || !bytes.Equal(got, []byte{n}) {
				t.Fatalf("record %d to a: %x, %v", n, got, err)
			}
		}
	}
	s := sender(3)
	got, err := readAll(receiver(4, seal(t, s, []byte("1"), []byte("2"), []byte("3"), []byte("4"))))
	if string(got) != "123" || !errors.Is(err, session.ErrRecord) {
		t.Errorf("with another interval: %q, %v", got, err)
	}
}

// An idle session holds 512 bytes; a slab is held only between the beginning of a
// long record and its end.
func TestIdleSessionHoldsLittle(t *testing.T) {
	s := sender(0)
	small, big := seal(t, s, []byte("small")), seal(t, s, noiseBytes(40_000))
	held := []int{}
	r := session.NewRecords(&watched{tape: play(small, big[:2], big[2:100], big[100:]), look: func(s *session.Session) {
		held = append(held, s.Held())
	}}, keyIn, keyOut, 0)
	r.Conn().(*watched).s = r
	for range 2 {
		if _, err := r.Read(nil); err != nil {
			t.Fatal(err)
		}
	}
	if r.Held() != session.InboxIdle {
		t.Errorf("holds %d bytes when all is read", r.Held())
	}
	if len(held) != 4 || held[0] != 512 || held[1] != 512 || held[2] != 512 || held[3] < 40_000 {
		t.Errorf("holds %v bytes while reading", held)
	}
	if _, err := r.Read(nil); !errors.Is(err, io.ErrUnexpectedEOF) || r.Held() != 512 {
		t.Errorf("at the end: %v, holds %d bytes", err, r.Held())
	}
}

// watched looks at its session before each read.
type watched struct {
	*tape
	s    *session.Session
	look func(*session.Session)
}

func (c *watched) Read(p []byte) (int, error) {
	c.look(c.s)
	return c.tape.Read(p)
}

// What a record costs: the nonce that flynn/noise allocates, at either end.
func TestRecordsAllocateANonceEach(t *testing.T) {
	s, plain := sender(0), noiseBytes(1000)
	buf := make([]byte, 0, 4096)
	if n := testing.AllocsPerRun(1000, func() { s.Seal(buf, plain) }); n > 1 {
		t.Errorf("Seal allocates %v times a record", n)
	}
	s = sender(0)
	sealed := []byte(nil)
	for range 3000 {
		sealed = append(sealed, seal(t, s, plain)...)
	}
	r := receiver(0, sealed)
	n := testing.AllocsPerRun(2000, func() {
		if got, err := r.Read(buf); err != nil || len(got) != 1000 {
			t.Fatal(len(got), err)
		}
	})
	if n > 1 {
		t.Errorf("Read allocates %v times a record", n)
	}
}
