package wire_test

import (
	"bytes"
	"errors"
	"math"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/clusterluck/clusterluck/transport/wire"
)

// many calls f with every sample and 2000 random messages, fewer in short mode.
func many(f func(m *wire.Msg)) {
	n := 2000
	if testing.Short() {
		n = 300
	}
	for _, m := range samples() {
		f(&m)
	}
	rnd := rand.New(rand.NewPCG(4, 1))
	for range n {
		m := random(rnd)
		f(&m)
	}
}

// The envelope is written by hand for speed. It must be what the library
// writes of the same array.
func TestAppendWritesWhatTheLibraryWrites(t *testing.T) {
	many(func(m *wire.Msg) {
		prefix := []byte("before")
		got := wire.Append(prefix, m)
		if !bytes.HasPrefix(got, prefix) {
			t.Fatalf("%v: what was in dst is gone", m.Kind)
		}
		if got, want := body(t, got[len(prefix):]), library(t, elements(m)); !bytes.Equal(got, want) {
			t.Errorf("%v is written as %x, want %x", m.Kind, got, want)
		}
	})
}

// appendEach writes m with the function of its kind; OPEN has none.
func appendEach(dst []byte, m *wire.Msg) []byte {
	code, text := string(m.Code), string(m.Text)
	switch m.Kind {
	case wire.KindCall:
		return wire.AppendCall(dst, m.Corr, m.Dst, m.TTL, m.Lane, m.Hdr, m.Body)
	case wire.KindReply:
		return wire.AppendReply(dst, m.Corr, m.Body)
	case wire.KindError:
		return wire.AppendError(dst, m.Corr, code, text, m.Data)
	case wire.KindCast:
		return wire.AppendCast(dst, m.Dst, m.Lane, m.Hdr, m.Body)
	case wire.KindCancel:
		return wire.AppendCancel(dst, m.Corr, m.Dst)
	case wire.KindData:
		return wire.AppendData(dst, m.Sid, m.Body)
	case wire.KindCredit:
		return wire.AppendCredit(dst, m.Sid, m.Count)
	case wire.KindEnd:
		return wire.AppendEnd(dst, m.Sid, code, text)
	case wire.KindMonitor:
		return wire.AppendMonitor(dst, m.Corr, m.Dst)
	case wire.KindDown:
		return wire.AppendDown(dst, m.Corr, code, text)
	case wire.KindDemonitor:
		return wire.AppendDemonitor(dst, m.Corr)
	case wire.KindPing:
		return wire.AppendPing(dst, m.Seq, m.Count)
	case wire.KindPong:
		return wire.AppendPong(dst, m.Seq, m.Count)
	case wire.KindGoAway:
		return wire.AppendGoAway(dst, code, text, m.Data)
	case wire.KindMulti:
		return wire.AppendMulti(dst, m.Dsts, m.Lane, m.Hdr, m.Body)
	case wire.KindStop:
		return wire.AppendStop(dst, m.Sid)
	case wire.KindName:
		return wire.AppendBind(dst, m.Dst.Index, string(m.Dst.Text))
	case wire.KindAck:
		return wire.AppendAck(dst, m.Count)
	case wire.KindDropped:
		return wire.AppendDropped(dst, m.Dst, m.Count, code, text)
	}
	return wire.Append(dst, m)
}

func TestAppendOfEachKindAgreesWithAppend(t *testing.T) {
	many(func(m *wire.Msg) {
		if got, want := appendEach([]byte("x"), m), wire.Append([]byte("x"), m); !bytes.Equal(got, want) {
			t.Errorf("%v is written as %x, and by Append as %x", m.Kind, got, want)
		}
	})
}

// What is written must be read as the same, into a Msg that held another
// message before: nothing of that may stay.
func TestParseReadsWhatAppendWrites(t *testing.T) {
	var again wire.Msg
	many(func(m *wire.Msg) {
		b := body(t, wire.Append(nil, m))
		var fresh wire.Msg
		if err := wire.Parse(b, &fresh); err != nil {
			t.Fatalf("%v of %x: %v", m.Kind, b, err)
		}
		if !equal(m, &fresh) {
			t.Errorf("%v comes back as %v, want %v", m.Kind, elements(&fresh), elements(m))
		}
		if err := wire.Parse(b, &again); err != nil {
			t.Fatal(err)
		}
		if len(again.Dsts) == 0 {
			again.Dsts = nil
		}
		if !reflect.DeepEqual(fresh, again) {
			t.Errorf("%v is %+v in a Msg that was used, %+v in a new one", m.Kind, again, fresh)
		}
	})
}

// A field of another kind must stay zero: a reader of Corr must not find the
// number of a stream in it.
func TestParseLeavesOtherFieldsZero(t *testing.T) {
	var m wire.Msg
	if err := wire.Parse(body(t, wire.AppendData(nil, 9, []byte("x"))), &m); err != nil {
		t.Fatal(err)
	}
	if want := (wire.Msg{Kind: wire.KindData, Sid: 9, Body: []byte("x")}); !reflect.DeepEqual(m, want) {
		t.Errorf("DATA is read as %+v, want %+v", m, want)
	}
	null := wire.Msg{Kind: wire.KindCast, Dst: wire.Name{Index: 3}, Body: []byte{}}
	if err := wire.Parse(body(t, wire.Append(nil, &null)), &m); err != nil || m.Hdr != nil || m.Body == nil {
		t.Errorf("a null header is read as %#v, an empty body as %#v, %v", m.Hdr, m.Body, err)
	}
	empty := wire.Msg{Kind: wire.KindCast, Hdr: []byte{}}
	if err := wire.Parse(body(t, wire.Append(nil, &empty)), &m); err != nil || m.Hdr == nil {
		t.Errorf("an empty header is read as %#v, %v", m.Hdr, err)
	}
}

// A Msg that is used again and again must not keep the memory of an old frame:
// names in the part of Dsts that is not in use would.
func TestParseKeepsNoOldFrameAlive(t *testing.T) {
	var m wire.Msg
	many := wire.AppendMulti(nil, []wire.Name{name("a"), name("b"), name("c")}, 0, nil, nil)
	for _, next := range [][]byte{wire.AppendAck(nil, 5), wire.AppendMulti(nil, []wire.Name{name("d")}, 0, nil, nil), {0, 0, 0, 1, 0}} {
		if err := wire.Parse(body(t, many), &m); err != nil || len(m.Dsts) != 3 {
			t.Fatalf("%+v, %v", m, err)
		}
		_ = wire.Parse(body(t, next), &m) // the last is refused
		for i, n := range m.Dsts[len(m.Dsts):cap(m.Dsts)] {
			if n.Text != nil {
				t.Errorf("after %x, name %d behind those in use is %q", next, i, n.Text)
			}
		}
	}
}

// The slices of a message share the frame's memory, and appending to one must
// not write over the next.
func TestParsedSlicesEndWhereTheyEnd(t *testing.T) {
	b := body(t, wire.AppendCall(nil, 1, name("counter"), 1, 0, []byte("hdr"), []byte("body")))
	var m wire.Msg
	if err := wire.Parse(b, &m); err != nil {
		t.Fatal(err)
	}
	before := string(b)
	for _, s := range [][]byte{m.Dst.Text, m.Hdr} {
		if _ = append(s, 0xff); string(b) != before { // one byte, for which there is room
			t.Errorf("appending to %q changed the message to %x", s, b)
		}
	}
	if b[len(b)-1]++; string(m.Body) != "bodz" {
		t.Error("the body of a message is a copy")
	}
}

// Whatever keeps to the limits must fit into a frame, or a sender could not
// know what it may send.
func TestLongestMessagesFitTheFrame(t *testing.T) {
	long := name(strings.Repeat("n", wire.NameMax))
	m := wire.Msg{
		Lane: wire.LaneUrgent, HasSize: true, TTL: math.MaxUint32,
		Corr: math.MaxUint64, Sid: math.MaxUint64, Seq: math.MaxUint64, Count: math.MaxUint64, Size: math.MaxUint64,
		Dst: long, Hdr: make([]byte, wire.HdrMax), Body: make([]byte, wire.BodyMax), Data: make([]byte, wire.BodyMax),
		Code: bytes.Repeat([]byte("c"), wire.CodeMax), Text: bytes.Repeat([]byte("t"), wire.TextMax),
	}
	for range wire.DstsMax {
		m.Dsts = append(m.Dsts, long)
	}
	var got wire.Msg
	for _, m.Kind = range kinds {
		for m.Mode = range wire.ModeReplyStream + 1 {
			m.Body = m.Body[:wire.BodyMax]
			if m.Kind == wire.KindData {
				m.Body = m.Body[:wire.ChunkMax]
			}
			b := wire.Append(nil, &m)
			if n := len(b) - wire.FrameHeaderLen; n > wire.FrameMax {
				t.Errorf("the longest %v has %d bytes, more than a frame", m.Kind, n)
			} else if err := wire.Parse(body(t, b), &got); err != nil {
				t.Errorf("the longest %v is refused: %v", m.Kind, err)
			}
		}
	}
}

// Codes and texts come from users and from panics. Whatever they are, the
// frame must be one that the peer takes: it would close the connection.
func TestAppendMendsCodesAndTexts(t *testing.T) {
	bad := "\xff" + strings.Repeat("\u20ac", wire.TextMax) // no limit falls between two characters
	tests := []struct{ name, code, text, wantCode, wantText string }{
		{"as they are", "overload", "mailbox is full", "overload", "mailbox is full"},
		{"none", "", "", "", ""},
		{"no code", "", "disk is gone", "", "disk is gone"},
		{"cut between two characters", bad[1:], bad[1:], bad[1:64], bad[1:1024]},
		{"replaced", "\xff", "a\xffb", "\ufffd", "a\ufffdb"},
		{"grown and cut", strings.Repeat("\xff.", 40), bad, strings.Repeat("\ufffd.", 16), "\ufffd" + bad[1:1021]},
		{"at the limits", strings.Repeat("c", 64), strings.Repeat("t", 1024), strings.Repeat("c", 64), strings.Repeat("t", 1024)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, k := range []wire.Kind{wire.KindError, wire.KindDown, wire.KindGoAway, wire.KindDropped, wire.KindEnd} {
				wantCode, wantText := tt.wantCode, tt.wantText
				if k == wire.KindEnd && tt.code == "" {
					wantCode = "unknown" // else it would say that the stream is complete
				}
				m := wire.Msg{Kind: k, Code: []byte(tt.code), Text: []byte(tt.text)}
				for i, b := range [][]byte{wire.Append(nil, &m), appendEach(nil, &m)} {
					if i == 1 && k == wire.KindEnd && tt.text == "" {
						wantCode = tt.wantCode // of a string, none is all that there is to tell
					}
					var got wire.Msg
					if err := wire.Parse(body(t, b), &got); err != nil {
						t.Fatalf("%v is refused: %v", k, err)
					}
					if string(got.Code) != wantCode || string(got.Text) != wantText {
						t.Errorf("%v has code %q and text %q, want %q and %q", k, got.Code, got.Text, wantCode, wantText)
					}
				}
			}
		})
	}
}

// A stream that its writer broke off must never be taken for a complete one,
// however little the writer says of why.
func TestEndIsCompleteOnlyIfNothingIsWrong(t *testing.T) {
	tests := []struct {
		name     string
		frame    []byte
		complete bool
	}{
		{"nothing said", wire.Append(nil, &wire.Msg{Kind: wire.KindEnd}), true},
		{"an empty code", wire.Append(nil, &wire.Msg{Kind: wire.KindEnd, Code: []byte{}}), false},
		{"a text alone", wire.Append(nil, &wire.Msg{Kind: wire.KindEnd, Text: []byte("disk is gone")}), false},
		{"nothing said, in strings", wire.AppendEnd(nil, 0, "", ""), true},
		{"a text alone, in strings", wire.AppendEnd(nil, 0, "", "disk is gone"), false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var m wire.Msg
			if err := wire.Parse(body(t, tt.frame), &m); err != nil || (m.Code == nil) != tt.complete || tt.complete == (len(m.Code) > 0) {
				t.Errorf("read with code %q and text %q, %v; complete: %v", m.Code, m.Text, err, tt.complete)
			}
		})
	}
	refused(t, []byte{0x84, 9, 1, 0x60, 0x60}, wire.ErrMalformed, "END with an empty code")
	refused(t, []byte{0x84, 9, 1, 0xf6, 0x60}, wire.ErrMalformed, "END with a text and no code")
}

// An unknown kind cannot be written with what it carries; that it is written as
// something a reader ignores keeps a mistake from closing the connection.
func TestAppendOfUnknownKind(t *testing.T) {
	for _, k := range []wire.Kind{32, 200, 255} {
		var m wire.Msg
		if err := wire.Parse(body(t, wire.Append(nil, &wire.Msg{Kind: k, Corr: 7})), &m); err != nil || m.Kind != k {
			t.Errorf("kind %d comes back as %d, %v", k, m.Kind, err)
		}
	}
}

func TestKindString(t *testing.T) {
	seen := map[string]bool{}
	for _, k := range kinds {
		if s := k.String(); s == "" || strings.ToUpper(s) != s || seen[s] {
			t.Errorf("kind %d is called %q", k, s)
		}
		seen[k.String()] = true
	}
	if got, want := wire.Kind(40).String(), "kind 40"; got != want {
		t.Errorf("an unknown kind is called %q, want %q", got, want)
	}
}

// The error must say where, as it is all that an implementer of the other end
// has.
func TestMessageErrorSaysWhere(t *testing.T) {
	b := body(t, wire.AppendCall(nil, 7, name("counter"), 5000, 0, nil, []byte("body")))
	b[11] = 0x3a // the TTL becomes negative
	var m wire.Msg
	err := wire.Parse(b, &m)
	var e *wire.MessageError
	if !errors.As(err, &e) || e.Kind != wire.KindCall || e.Offset != 11 || !errors.Is(err, wire.ErrMalformed) {
		t.Fatalf("error is %#v, want CALL, 11 and ErrMalformed", err)
	}
	if got, want := err.Error(), "wire: CALL message, byte 11: malformed"; got != want {
		t.Errorf("error reads %q, want %q", got, want)
	}
	if !reflect.DeepEqual(m, wire.Msg{}) {
		t.Errorf("a refused message leaves %+v", m)
	}
}
