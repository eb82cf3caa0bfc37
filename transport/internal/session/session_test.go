package session_test

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/clusterluck/clusterluck/transport/internal/session"
	"github.com/clusterluck/clusterluck/transport/wire"
)

var (
	keyOut = [32]byte([]byte("key of the way from ada to bob.."))
	keyIn  = [32]byte([]byte("key of the way from bob to ada.."))
)

// sender returns a session that seals, to be opened by receiver.
func sender(every uint64) *session.Session {
	return session.NewRecords(play(), keyOut, keyIn, every)
}

// receiver returns a session whose input arrives in pieces.
func receiver(every uint64, pieces ...[]byte) *session.Session {
	return session.NewRecords(play(pieces...), keyIn, keyOut, every)
}

// seal seals each part apart.
func seal(t testing.TB, s *session.Session, parts ...[]byte) (sealed []byte) {
	t.Helper()
	for _, plain := range parts {
		var err error
		if sealed, err = s.Seal(sealed, plain); err != nil {
			t.Fatal(err)
		}
	}
	return sealed
}

// closed returns what CloseWrite writes.
func closed(t testing.TB, s *session.Session) []byte {
	t.Helper()
	c := s.Conn().(*tape)
	c.out.Reset()
	if err := s.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	return bytes.Clone(c.out.Bytes())
}

// noiseBytes returns n bytes that repeat nowhere soon.
func noiseBytes(n int) []byte {
	b := make([]byte, n)
	r := rand.New(rand.NewPCG(uint64(n), 1))
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

// Only a close record is a farewell. The end of the connection can be made by
// anybody who can cut it.
func TestEndWithoutCloseIsAFailure(t *testing.T) {
	s := sender(0)
	sealed, end := seal(t, s, []byte("one"), []byte("two")), closed(t, s)
	for n := range len(sealed) + len(end) {
		cut := append(bytes.Clone(sealed), end...)[:n]
		r := receiver(0, cut)
		got, err := readAll(r)
		if !errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
			t.Fatalf("cut after %d bytes: %q, %v", n, got, err)
		}
		if _, again := r.Read(nil); again != err {
			t.Fatalf("cut after %d bytes, read again: %v, before: %v", n, again, err)
		}
		if !r.Conn().(*tape).closed {
			t.Fatalf("cut after %d bytes: the connection stays open", n)
		}
	}
	r := receiver(0, sealed, end)
	got, err := readAll(r)
	if string(got) != "onetwo" || err != io.EOF {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := r.Read(nil); err != io.EOF {
		t.Errorf("after the end: %v", err)
	}
	if r.Conn().(*tape).closed {
		t.Error("a farewell of the peer closes the way to it")
	}
}

func TestNothingIsSealedAfterTheEnd(t *testing.T) {
	s := sender(0)
	closed(t, s)
	if b, err := s.Seal([]byte("kept"), []byte("x")); err == nil || string(b) != "kept" {
		t.Errorf("after CloseWrite: %q, %v", b, err)
	}
	if err := s.CloseWrite(); err == nil {
		t.Error("CloseWrite twice")
	}
}

// failing is a connection that cannot be written to.
type failing struct{ tape }

func (*failing) Write(p []byte) (int, error) { return len(p) / 2, errors.New("cable cut") }

// A write that failed may have sent half a record: whatever followed would not
// verify.
func TestNothingIsSealedAfterAFailedWrite(t *testing.T) {
	s := session.NewRecords(&failing{}, keyOut, keyIn, 0)
	if n, err := s.Write(seal(t, s, []byte("x"))); n != 10 || err == nil {
		t.Errorf("writes %d, %v", n, err)
	}
	if _, err := s.Seal(nil, []byte("x")); err == nil {
		t.Error("seals after a failed write")
	}
	if s.CloseWrite() == nil {
		t.Error("takes leave after a failed write")
	}
}

// Before the first record is verified, nothing that it announces counts: a
// replayed message 1 and a header must not cost a slab, or a wait.
func TestFirstRecordCannotAnnounceMuch(t *testing.T) {
	rec := record(t)
	c := play(rec.greet, wire.AppendRecordHeader(nil, wire.RecordFin, 20), []byte("never read"))
	if _, err := session.Respond(t.Context(), c, rec.r); !errors.Is(err, session.ErrRecord) {
		t.Errorf("%v", err)
	}
	if n := len(c.in); n == 0 || string(c.in[n-1]) != "never read" {
		t.Error("it read on")
	}
}

// A caller must be able to tell whether Read will wait, to flush before it does.
func TestBuffered(t *testing.T) {
	s := sender(0)
	one, two := seal(t, s, []byte("one")), seal(t, s, []byte("second"))
	r := receiver(0, append(bytes.Clone(one), two[:5]...), two[5:])
	if r.Buffered() != 0 {
		t.Error("something is there before anything was read")
	}
	if n := r.Wait(); n != 3 || r.Buffered() != len(one) {
		t.Errorf("waits for %d bytes, %d buffered", n, r.Buffered())
	}
	if got, err := r.Read(nil); string(got) != "one" || err != nil || r.Buffered() != 0 {
		t.Errorf("%q, %v, %d buffered: half a record is none", got, err, r.Buffered())
	}
	if got, err := r.Read(nil); string(got) != "second" || err != nil || r.Buffered() != 0 {
		t.Errorf("%q, %v, %d buffered", got, err, r.Buffered())
	}
	for range 2 {
		if n := r.Wait(); n != 0 {
			t.Errorf("waits for %d bytes behind the end", n)
		}
	}
	if _, err := r.Read(nil); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("what Wait found is lost: %v", err)
	}
}

// A deadline that passes, even within a record, loses nothing.
func TestReadGoesOnAfterADeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := pair(t, local(t, "ada", cookie), local(t, "bob", cookie))
		sealed := seal(t, a, []byte("late"))
		go func() {
			a.Conn().Write(sealed[:7])
			time.Sleep(2 * time.Second)
			a.Conn().Write(sealed[7:])
		}()
		b.Conn().SetReadDeadline(time.Now().Add(time.Second))
		if got, err := b.Read([]byte("x")); !errors.Is(err, os.ErrDeadlineExceeded) || string(got) != "x" {
			t.Errorf("%q, %v", got, err)
		}
		b.Conn().SetReadDeadline(time.Time{})
		if got, err := b.Read(nil); string(got) != "late" || err != nil {
			t.Errorf("%q, %v", got, err)
		}
	})
}

// Close ends both ends' waiting, from any goroutine.
func TestCloseEndsRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := pair(t, local(t, "ada", cookie), local(t, "bob", cookie))
		go func() {
			time.Sleep(time.Second)
			a.Close()
		}()
		done := make(chan error)
		go func() { _, err := a.Read(nil); done <- err }()
		if _, err := b.Read(nil); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("the other end reads %v", err)
		}
		if err := <-done; err == nil || errors.Is(err, io.EOF) {
			t.Errorf("the end that was closed reads %v", err)
		}
		if err := a.Close(); err != nil {
			t.Errorf("Close twice: %v", err)
		}
	})
}
