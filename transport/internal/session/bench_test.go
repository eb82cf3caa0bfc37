package session_test

import (
	"fmt"
	"io"
	"testing"

	"github.com/clusterluck/clusterluck/transport/internal/session"
)

// BenchmarkHandshake runs both ends over a socket of the loopback: two key pairs,
// two Diffie-Hellmans and three messages.
func BenchmarkHandshake(b *testing.B) {
	for _, secure := range []bool{false, true} {
		b.Run(fmt.Sprintf("tls=%v", secure), func(b *testing.B) {
			i, r := tlsPair(b)
			i.TLS.ServerName = "pipe"
			if !secure {
				i.TLS, r.TLS = nil, nil
			}
			b.ReportAllocs()
			for b.Loop() {
				b.StopTimer()
				ci, cr := loopback(b)
				b.StartTimer()
				x, y := shake(b.Context(), ci, cr, i, r, "bob")
				if x.err != nil || y.err != nil {
					b.Fatal(x.err, y.err)
				}
				b.StopTimer()
				x.s.Close()
				y.s.Close()
				b.StartTimer()
			}
		})
	}
}

// BenchmarkRefuse is what a stranger costs: a first message that no cookie
// verifies.
func BenchmarkRefuse(b *testing.B) {
	rec := record(b)
	for _, cookies := range []int{1, 8} {
		b.Run(fmt.Sprintf("cookies=%d", cookies), func(b *testing.B) {
			var accept []string
			for range cookies - 1 {
				accept = append(accept, session.NewCookie())
			}
			l := local(b, "bob", session.NewCookie(), accept...)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := session.Respond(b.Context(), play(rec.greet), l); err == nil {
					b.Fatal("accepted")
				}
			}
		})
	}
}

var sizes = []int{64, 1 << 10, 64 << 10}

func BenchmarkSeal(b *testing.B) {
	for _, size := range sizes {
		b.Run(fmt.Sprintf("bytes=%d", size), func(b *testing.B) {
			s, plain := sender(0), noiseBytes(size)
			buf := make([]byte, 0, 2*size+100)
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := s.Seal(buf, plain); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkRead reads records from memory that hands out as much as is asked for,
// as a busy socket does.
func BenchmarkRead(b *testing.B) {
	for _, size := range sizes {
		b.Run(fmt.Sprintf("bytes=%d", size), func(b *testing.B) {
			const batch = 256 // records sealed outside the measured time
			s, plain := sender(0), noiseBytes(size)
			source := &queued{}
			r := session.NewRecords(source, keyIn, keyOut, 0)
			sealed, buf := []byte(nil), make([]byte, 0, 2*size)
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for n := 0; b.Loop(); n++ {
				if n%batch == 0 {
					b.StopTimer()
					sealed = sealed[:0]
					for range batch {
						sealed, _ = s.Seal(sealed, plain)
					}
					source.rest = sealed
					b.StartTimer()
				}
				got, err := r.Read(buf)
				for err == nil && len(got) < size { // 64 KiB take two records
					got, err = r.Read(got)
				}
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// queued is a connection whose input is put in between reads.
type queued struct {
	tape
	rest []byte
}

func (c *queued) Read(p []byte) (int, error) {
	if len(c.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(p, c.rest)
	c.rest = c.rest[n:]
	return n, nil
}
