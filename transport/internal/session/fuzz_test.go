package session_test

import (
	"bytes"
	"encoding/base32"
	"io"
	"strings"
	"testing"

	"github.com/clusterluck/clusterluck/transport/internal/session"
	"github.com/clusterluck/clusterluck/transport/wire"
)

// FuzzFirstMessage plays anything to a responder. Only the genuine message is
// answered; nothing makes a session, as the genuine first record follows no other.
func FuzzFirstMessage(f *testing.F) {
	rec := record(f)
	f.Add(rec.greet)
	f.Add(rec.greet[:len(rec.greet)-1])            // the end is missing
	f.Add(append(bytes.Clone(rec.greet), 0))       // a byte too many
	f.Add(rec.answer)                              // reflected
	f.Add([]byte("CLUK\x01\x01\x01\x00\xff\xff"))  // a length that lies
	f.Add([]byte("CLUK\x02\x02\x01\x00\x00\x30"))  // a version of the future
	f.Add([]byte("GET / HTTP/1.1\r\nHost: x\r\n")) // somebody else's protocol
	f.Fuzz(func(t *testing.T, in []byte) {
		c := play(in)
		s, err := session.Respond(t.Context(), c, rec.r)
		if s != nil || err == nil || !c.closed {
			t.Fatalf("accepted: %v", err)
		}
		if c.out.Len() > 0 && !bytes.Equal(in, rec.greet) {
			t.Fatalf("answered %x", c.out.Bytes())
		}
	})
}

// FuzzAnswer plays anything to an initiator whose first message is always the
// same. Only the genuine answer is followed by a first record.
func FuzzAnswer(f *testing.F) {
	rec := record(f)
	f.Add(rec.answer)
	f.Add(rec.answer[:60])
	flagged := bytes.Clone(rec.answer)
	flagged[7] ^= 1 // in the clear, but repeated inside
	f.Add(flagged)
	f.Add(append(bytes.Clone(rec.answer), rec.r2i...)) // ahead of its time
	f.Add(rec.greet)                                   // reflected
	f.Add([]byte("CLUK\x01\x01\x01\x00\x04\x01"))      // too long
	f.Fuzz(func(t *testing.T, in []byte) {
		c := play(in)
		s, err := session.Initiate(t.Context(), c, rec.i, "bob")
		if genuine := bytes.Equal(in, rec.answer); genuine != (err == nil) || genuine != (s != nil) {
			t.Fatalf("genuine %v: %v", genuine, err)
		}
		if err != nil && c.out.Len() != len(rec.greet) {
			t.Fatalf("%d bytes were sent, want %d", c.out.Len(), len(rec.greet))
		}
	})
}

// FuzzPayload decodes anything as what an authenticated peer says. What is taken
// is within the limits, and what this node can say comes out as it went in.
func FuzzPayload(f *testing.F) {
	plain, err := local(f, "ada", cookie).AppendPayload("bob")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(plain)
	f.Add(plain[:len(plain)-1])
	f.Add([]byte{0xa2, 1, 0x61, 'a', 3, 0x40}) // an instance of no bytes
	f.Add(append(append([]byte{0xa3, 1, 0x61, 'a', 3, 0x50}, make([]byte, 16)...), append([]byte{7, 0x59, 1, 1}, make([]byte, 257)...)...))
	f.Add(append([]byte{0xa1, 3, 0x50}, make([]byte, 16)...))              // no id
	f.Add([]byte{0xbf, 0xff})                                              // of indefinite length
	f.Add([]byte{0xa2, 1, 0x61, 'a', 1, 0x61, 'b'})                        // a key twice
	f.Add([]byte{0xa1, 7, 0x5b, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff})       // a length that lies
	f.Add(append([]byte{0xb8, 12}, append(plain[1:], 24, 99, 0xf6, 0)...)) // a key of a later version
	f.Fuzz(func(t *testing.T, in []byte) {
		p, code, err := session.DecodePayload(in)
		if err != nil {
			return
		}
		if p.ID == "" || len(p.App) > 256 || len(code) > 64 || len(in) > 512 {
			t.Fatalf("taken: %+v, code %q", p, code)
		}
		l := &session.Local{ID: p.ID, Instance: p.Instance, Addr: p.Addr, App: p.App, Caps: p.Caps, Window: p.Window}
		again, err := l.AppendPayload("")
		if err != nil {
			return // what was said more sparingly than we do may be too long for us
		}
		q, _, err := session.DecodePayload(again)
		if err != nil || q.ID != p.ID || q.Instance != p.Instance || q.Addr != p.Addr || !bytes.Equal(q.App, p.App) || q.Caps != p.Caps || q.Window != p.Window {
			t.Fatalf("%+v comes back as %+v, %v", p, q, err)
		}
	})
}

// FuzzRecords plays anything to a reader, in pieces. It reads what genuine records
// the input begins with, and nothing else.
func FuzzRecords(f *testing.F) {
	s := sender(2)
	plain := [][]byte{[]byte("one"), noiseBytes(600), []byte("three"), nil}
	records := [][]byte{seal(f, s, plain[0]), seal(f, s, plain[1]), seal(f, s, plain[2]), closed(f, s)}
	whole := bytes.Join(records, nil)
	f.Add(whole, uint16(1))
	f.Add(whole[:len(whole)-19], uint16(100))                                                       // no farewell
	f.Add(bytes.Join([][]byte{records[0], records[0]}, nil), uint16(700))                           // replayed
	f.Add(bytes.Join([][]byte{records[1], records[0]}, nil), uint16(700))                           // out of order
	f.Add(append(bytes.Clone(records[0]), 1, 0xff, 0xff, 0), uint16(7))                             // a length that lies
	f.Add(wire.AppendRecordHeader(bytes.Clone(records[0]), wire.RecordClose, 16), uint16(7))        // a farewell without a tag
	f.Add(append(wire.AppendRecordHeader(nil, wire.RecordFin, 16), records[3][3:]...), uint16(100)) // a type changed
	f.Fuzz(func(t *testing.T, in []byte, size uint16) {
		var pieces [][]byte
		for rest := in; len(rest) > 0; {
			n := min(len(rest), max(1, int(size)))
			pieces, rest = append(pieces, rest[:n]), rest[n:]
		}
		got, err := readAll(receiver(2, pieces...))
		n := intact(records, in)
		if !bytes.Equal(got, bytes.Join(plain[:n], nil)) || (err == io.EOF) != (n == len(records)) {
			t.Fatalf("%d records are intact, read %x, %v", n, got, err)
		}
	})
}

// FuzzCookie takes anything for a generated cookie. Only what was generated is one.
func FuzzCookie(f *testing.F) {
	observer, err := session.DeriveRole(cookie, session.Observer)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(cookie[5:])
	f.Add(observer[5:])
	f.Add(cookie[5:] + "=")
	f.Add("observer-")
	f.Add(cookie[5:len(cookie)-1] + "z") // bits set that no byte has
	f.Add(strings.ToUpper(cookie[5:]))
	f.Fuzz(func(t *testing.T, in string) {
		s, err := session.NewSecrets("clk1-"+in, nil, session.SecretOptions{})
		if err != nil {
			return
		}
		if !s.Can(session.Node) && !s.Can(session.Admin) && !s.Can(session.Observer) {
			t.Fatalf("%q allows nothing", in)
		}
		text := strings.TrimPrefix(strings.TrimPrefix(in, "admin-"), "observer-")
		plain := base32.StdEncoding.WithPadding(base32.NoPadding)
		key, err := plain.DecodeString(strings.ToUpper(text))
		if err != nil || len(key) != 32 || strings.ToLower(plain.EncodeToString(key)) != text {
			t.Fatalf("taken: %q", in)
		}
	})
}
