package session_test

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/clusterluck/clusterluck/transport/internal/session"
	"github.com/clusterluck/clusterluck/transport/wire"
	"github.com/flynn/noise"
)

// said is a payload by its keys, as a peer with the right cookie might send it.
type said map[uint64]any

// with returns s with some keys changed; nil leaves one out.
func (s said) with(changes said) said {
	out := said{}
	for _, m := range []said{s, changes} {
		for k, v := range m {
			if out[k] = v; v == nil {
				delete(out, k)
			}
		}
	}
	return out
}

// greeting returns what a peer sends first.
func greeting(preamble, message []byte) []byte {
	b := binary.BigEndian.AppendUint16(append([]byte(nil), preamble...), uint16(len(message)))
	return append(b, message...)
}

// hello returns the greeting of an initiator who has the cookie and says p.
func hello(t testing.TB, preamble wire.Preamble, p any) []byte {
	t.Helper()
	_, b := begin(t, preamble, p)
	return b
}

// begin returns the same, and the handshake to go on with.
func begin(t testing.TB, preamble wire.Preamble, p any) (*noise.HandshakeState, []byte) {
	t.Helper()
	psk, _ := secrets(t, cookie).PSK(0, session.Role(preamble.Role))
	raw := wire.AppendPreamble(nil, preamble)
	hs, err := session.NewNoise(true, psk, raw, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	text, ok := p.([]byte)
	if !ok {
		if text, err = wire.Marshal(p); err != nil {
			t.Fatal(err)
		}
	}
	message, _, _, err := hs.WriteMessage(nil, text)
	if err != nil {
		t.Fatal(err)
	}
	return hs, greeting(raw, message)
}

var nodePreamble = wire.Preamble{Max: 1, Min: 1, Role: 1}

// Holding the cookie does not excuse from the format.
func TestWhatAnInitiatorMaySay(t *testing.T) {
	fine := said{1: "ada", 2: "bob", 3: make([]byte, 16)}
	nested := any(1)
	for range 20 {
		nested = []any{nested}
	}
	tests := []struct {
		name     string
		preamble wire.Preamble
		payload  any
		want     error // of the responder; nil: it answers and waits for the first record
	}{
		{"the least", nodePreamble, fine, nil},
		{"more than version 1 knows", nodePreamble, fine.with(said{99: "later"}), nil},
		{"a newer version beside ours", wire.Preamble{Max: 9, Min: 1, Role: 1}, fine, nil},
		{"flags of later", wire.Preamble{Max: 1, Min: 1, Role: 1, Flags: 0x80}, fine, nil},
		{"the longest app", nodePreamble, fine.with(said{7: make([]byte, 256)}), nil},
		{"a longer app", nodePreamble, fine.with(said{7: make([]byte, 257)}), session.ErrMalformed},
		{"more than 512 bytes", nodePreamble, fine.with(said{99: make([]byte, 500)}), session.ErrMalformed},
		{"no id", nodePreamble, fine.with(said{1: nil}), session.ErrMalformed},
		{"an empty id", nodePreamble, fine.with(said{1: ""}), session.ErrMalformed},
		{"an id that is no text", nodePreamble, fine.with(said{1: []byte("ada")}), session.ErrMalformed},
		{"an id that is no UTF-8", nodePreamble, []byte{0xa1, 1, 0x61, 0xff}, session.ErrMalformed},
		{"no instance", nodePreamble, fine.with(said{3: nil}), session.ErrMalformed},
		{"a short instance", nodePreamble, fine.with(said{3: make([]byte, 15)}), session.ErrMalformed},
		{"a long instance", nodePreamble, fine.with(said{3: make([]byte, 17)}), session.ErrMalformed},
		{"nested deeply", nodePreamble, fine.with(said{99: nested}), session.ErrMalformed},
		{"nothing", nodePreamble, []byte{}, session.ErrMalformed},
		{"something behind", nodePreamble, []byte{0xa0, 0xa0}, session.ErrMalformed},
		{"another name", nodePreamble, fine.with(said{2: "eve"}), session.ErrWrongNode},
		{"no name", nodePreamble, fine.with(said{2: nil}), nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := play(hello(t, tt.preamble, tt.payload))
			s, err := session.Respond(t.Context(), c, local(t, "bob", cookie))
			if s != nil || tt.want != nil && !errors.Is(err, tt.want) {
				t.Errorf("%v, want %v", err, tt.want)
			}
			if tt.want == nil && (!errors.Is(err, io.EOF) || c.out.Len() == 0) {
				t.Errorf("%v, %d bytes answered", err, c.out.Len())
			}
			if tt.want == session.ErrMalformed && c.out.Len() > 0 {
				t.Errorf("%d bytes answered", c.out.Len())
			}
		})
	}
}

// An initiator that has the cookie must still begin with an empty FIN record.
func TestFirstRecordMustBeFin(t *testing.T) {
	tests := []struct {
		name  string
		kind  wire.Record
		plain string
		want  error
	}{
		{"as it should be", wire.RecordFin, "", nil},
		{"data", wire.RecordData, "early", session.ErrRecord},
		{"a farewell", wire.RecordClose, "", session.ErrRecord},
		{"one that says something", wire.RecordFin, "x", session.ErrRecord},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ci, cr := net.Pipe()
			done := make(chan error)
			go func() {
				_, err := session.Respond(t.Context(), cr, local(t, "bob", cookie))
				done <- err
			}()
			hs, first := begin(t, nodePreamble, said{1: "ada", 3: make([]byte, 16)})
			ci.Write(first)
			b := make([]byte, session.GreetingMax)
			n, err := ci.Read(b)
			if err != nil {
				t.Fatal(err)
			}
			_, out, _, err := hs.ReadMessage(nil, b[10:n])
			if err != nil {
				t.Fatal(err)
			}
			header := wire.AppendRecordHeader(nil, tt.kind, len(tt.plain)+16)
			record, err := out.Encrypt(header[:3:3], header, []byte(tt.plain))
			if err != nil {
				t.Fatal(err)
			}
			ci.Write(record)
			if err := <-done; !errors.Is(err, tt.want) {
				t.Errorf("%v, want %v", err, tt.want)
			}
		})
	}
}

// answerWith plays a responder that has the cookie and answers with a payload, and
// returns what the initiator makes of it.
func answerWith(t *testing.T, i *session.Local, to string, preamble wire.Preamble, answer func(heard, own []byte) any) (s *session.Session, err error) {
	t.Helper()
	ci, cr := net.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		s, err = session.Initiate(t.Context(), ci, i, to)
	}()
	b := make([]byte, session.GreetingMax)
	n, rerr := cr.Read(b)
	if rerr != nil {
		t.Fatal(rerr)
	}
	psk, _ := secrets(t, cookie).PSK(0, session.Node)
	hs, rerr := session.NewNoise(false, psk, b[:8], nil, nil)
	if rerr != nil {
		t.Fatal(rerr)
	}
	if _, _, _, rerr = hs.ReadMessage(nil, b[10:n]); rerr != nil {
		t.Fatal(rerr)
	}
	own := wire.AppendPreamble(nil, preamble)
	text, rerr := wire.Marshal(answer(b[:8], own))
	if rerr != nil {
		t.Fatal(rerr)
	}
	message, _, _, rerr := hs.WriteMessage(nil, text)
	if rerr != nil {
		t.Fatal(rerr)
	}
	cr.Write(greeting(own, message))
	io.CopyN(io.Discard, cr, 19) // its first record, or the end
	cr.Close()
	<-done
	return s, err
}

func TestWhatAResponderMaySay(t *testing.T) {
	tests := []struct {
		name     string
		preamble wire.Preamble
		changes  said
		want     error
	}{
		{"the least", nodePreamble, nil, nil},
		{"more than version 1 knows", nodePreamble, said{99: 1}, nil},
		{"another node", nodePreamble, said{1: "eve"}, session.ErrWrongNode},
		{"this node", nodePreamble, said{3: []byte("ada-------------")}, session.ErrSelf},
		{"that this is another node", nodePreamble, said{10: "wrong-node"}, session.ErrWrongNode},
		{"that this is the same", nodePreamble, said{10: "self"}, session.ErrSelf},
		{"that another preamble came", nodePreamble, said{8: []byte("CLUK\x09\x01\x01\x00")}, session.ErrAuth},
		{"that it sent another preamble", nodePreamble, said{9: []byte("CLUK\x01\x01\x02\x00")}, session.ErrAuth},
		{"nothing of preambles", nodePreamble, said{8: nil, 9: nil}, session.ErrAuth},
		{"no version of ours", wire.Preamble{Max: 3, Min: 2, Role: 1}, nil, session.ErrVersion},
		{"no id", nodePreamble, said{1: nil}, session.ErrMalformed},
		{"a long code", nodePreamble, said{10: strings.Repeat("x", 65)}, session.ErrMalformed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, err := answerWith(t, local(t, "ada", cookie), "bob", tt.preamble, func(heard, own []byte) any {
					return said{1: "bob", 3: make([]byte, 16), 8: heard, 9: own}.with(tt.changes)
				})
				if (err == nil) != (s != nil) || !errors.Is(err, tt.want) {
					t.Errorf("%v, want %v", err, tt.want)
				}
			})
		})
	}
}

// What cannot be said in a handshake is an error before anything is sent.
func TestWhatANodeCannotSay(t *testing.T) {
	tests := []struct {
		name   string
		change func(l *session.Local)
		to     string
		valid  bool
		want   error // of Initiate
	}{
		{"all together just fits", func(l *session.Local) { l.App = make([]byte, 256); l.Addr = strings.Repeat("a", 165) }, "bob", true, nil},
		{"all together is too long", func(l *session.Local) { l.App = make([]byte, 256); l.Addr = strings.Repeat("a", 250) }, "bob", false, session.ErrTooLong},
		{"the other's name is too long", func(*session.Local) {}, strings.Repeat("b", 500), true, session.ErrTooLong},
		{"too much app data", func(l *session.Local) { l.App = make([]byte, 257) }, "bob", false, nil},
		{"no id", func(l *session.Local) { l.ID = "" }, "bob", false, nil},
		{"id is no UTF-8", func(l *session.Local) { l.ID = "\xff" }, "bob", false, nil},
		{"address is no UTF-8", func(l *session.Local) { l.Addr = "\xff" }, "bob", false, nil},
		{"no role", func(l *session.Local) { l.Role = 0 }, "bob", false, session.ErrCookie},
		{"no secrets", func(l *session.Local) { l.Secrets = nil }, "bob", false, nil},
	}
	for _, tt := range tests {
		l := local(t, "ada", cookie)
		tt.change(l)
		if err := l.Validate(); (err == nil) != tt.valid {
			t.Errorf("%s: Validate says %v", tt.name, err)
		}
		if tt.want == nil {
			continue
		}
		c := play()
		if _, err := session.Initiate(context.Background(), c, l, tt.to); !errors.Is(err, tt.want) || c.out.Len() > 0 {
			t.Errorf("%s: %v, %d bytes sent", tt.name, err, c.out.Len())
		}
	}
	if err := local(t, "ada", cookie).Validate(); err != nil {
		t.Error(err)
	}
}

// A node that answers must be able to: what it says of itself is checked before it
// is asked, by Validate, and again when it is.
func TestResponderThatIsTooLongAnswersNothing(t *testing.T) {
	l := local(t, "bob", cookie)
	l.Addr = strings.Repeat("a", 500)
	c := play(hello(t, nodePreamble, said{1: "ada", 3: make([]byte, 16)}))
	if _, err := session.Respond(t.Context(), c, l); !errors.Is(err, session.ErrTooLong) || c.out.Len() > 0 {
		t.Errorf("%v, %d bytes answered", err, c.out.Len())
	}
}
