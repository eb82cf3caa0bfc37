package session_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/clusterluck/clusterluck/transport/internal/session"
	"github.com/clusterluck/clusterluck/transport/wire"
)

func TestHandshakeTellsEachEndOfTheOther(t *testing.T) {
	i, r := local(t, "ada", cookie), local(t, "bob", cookie)
	a, b := pair(t, i, r)
	check := func(p session.Peer, l *session.Local, initiator bool) {
		t.Helper()
		if p.ID != l.ID || p.Instance != l.Instance || p.Addr != l.Addr || !bytes.Equal(p.App, l.App) ||
			p.Caps != l.Caps || p.Window != l.Window || p.Role != session.Node || p.Version != 1 ||
			p.Initiator != initiator || p.Remote != "pipe" {
			t.Errorf("the peer is %+v, want what %+v says", p, l)
		}
	}
	check(a.Peer(), r, true)
	check(b.Peer(), i, false)

	go send(t, a, []byte("to b"))
	if got, err := b.Read(nil); string(got) != "to b" || err != nil {
		t.Errorf("b reads %q, %v", got, err)
	}
	go send(t, b, []byte("to a"))
	if got, err := a.Read([]byte("before ")); string(got) != "before to a" || err != nil {
		t.Errorf("a reads %q, %v", got, err)
	}
}

// Whoever is not wanted is refused at once, and one who does not know a key
// hears nothing at all.
func TestHandshakeRefuses(t *testing.T) {
	observe, err := session.DeriveRole(cookie, session.Observer)
	if err != nil {
		t.Fatal(err)
	}
	status := &session.StatusError{Code: "removed", Text: "ask the operator"}
	tests := []struct {
		name   string
		change func(i, r *session.Local)
		to     string
		i, r   error
		silent bool // not a byte may be answered
	}{
		{"another cookie", func(i, _ *session.Local) { *i = *local(t, "ada", other) }, "bob", session.ErrRefused, session.ErrAuth, true},
		{"a role whose key it lacks", func(i, _ *session.Local) {
			*i = *local(t, "ada", observe)
			i.Role = session.Node
		}, "bob", session.ErrCookie, io.EOF, true},
		{"responder knows an observer's key only", func(_, r *session.Local) { *r = *local(t, "bob", observe) }, "bob", session.ErrRefused, session.ErrAuth, true},
		{"another node than the one meant", func(_, _ *session.Local) {}, "eve", session.ErrWrongNode, session.ErrWrongNode, false},
		{"itself", func(i, r *session.Local) { *r = *i }, "", session.ErrSelf, session.ErrSelf, false},
		{"itself by its name", func(i, r *session.Local) { *r = *i }, "ada", session.ErrSelf, session.ErrSelf, false},
		{"the instance alone makes it the same", func(i, r *session.Local) { r.Instance = i.Instance }, "", session.ErrSelf, session.ErrSelf, false},
		{"not admitted by the responder", func(_, r *session.Local) { r.Admit = func(session.Peer) error { return status } }, "", status, status, false},
		{"not admitted by the initiator", func(i, _ *session.Local) { i.Admit = func(session.Peer) error { return status } }, "", status, io.EOF, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				i, r := local(t, "ada", cookie), local(t, "bob", cookie)
				tt.change(i, r)
				start := time.Now()
				ci, cr := net.Pipe()
				answered := &tap{Conn: cr}
				a, b := shake(t.Context(), ci, answered, i, r, tt.to)
				check := func(end string, got, want error) {
					t.Helper()
					var s, w *session.StatusError
					if errors.As(want, &w) && errors.As(got, &s) && *s == *w {
						return
					}
					if want == io.EOF && session.ReasonOf(got) == session.ReasonClosed {
						return
					}
					if !errors.Is(got, want) {
						t.Errorf("%s: %v, want %v", end, got, want)
					}
				}
				check("initiator", a.err, tt.i)
				check("responder", b.err, tt.r)
				if n := len(answered.bytes()); tt.silent && n > 0 {
					t.Errorf("%d bytes were answered", n)
				}
				if d := time.Since(start); d > 0 {
					t.Errorf("it took %v", d)
				}
				if _, err := cr.Write([]byte("x")); !errors.Is(err, io.ErrClosedPipe) {
					t.Errorf("the connection is still open: %v", err)
				}
			})
		})
	}
}

// The word of an Admit that knows no codes reaches the peer, cut to fit.
func TestAdmitTellsThePeerWhy(t *testing.T) {
	i, r := local(t, "ada", cookie), local(t, "bob", cookie)
	r.Admit = func(p session.Peer) error {
		if p.ID != "ada" || string(p.App) != "app of ada" {
			t.Errorf("Admit is asked about %+v", p)
		}
		return errors.New("x" + strings.Repeat("\u00e9", 200) + "\xff")
	}
	ci, cr := net.Pipe()
	a, _ := shake(t.Context(), ci, cr, i, r, "")
	var status *session.StatusError
	if !errors.As(a.err, &status) || status.Code != "denied" || status.Text != "x"+strings.Repeat("\u00e9", 95) {
		t.Errorf("the initiator learns %v", a.err)
	}
}

// The key of the handshake is that of the initiator's role, so the initiator can
// trust what answers no more than that, and never more than it claims.
func TestRoleIsTheLesserOfKeyAndClaim(t *testing.T) {
	derived := func(r session.Role) string {
		c, err := session.DeriveRole(cookie, r)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	tests := []struct {
		name         string
		cookie       string
		i, r         session.Role
		seesI, seesR session.Role
	}{
		{"nodes", cookie, session.Node, session.Node, session.Node, session.Node},
		{"observer by its own cookie", derived(session.Observer), session.Observer, session.Node, session.Observer, session.Observer},
		{"admin by its own cookie", derived(session.Admin), session.Admin, session.Node, session.Admin, session.Admin},
		{"a cookie allows lesser roles", cookie, session.Observer, session.Node, session.Observer, session.Observer},
		{"a listening tool", cookie, session.Node, session.Admin, session.Node, session.Admin},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			i, r := local(t, "ada", tt.cookie), local(t, "bob", cookie)
			i.Role, r.Role = tt.i, tt.r
			a, b := pair(t, i, r)
			if got := b.Peer().Role; got != tt.seesI {
				t.Errorf("the responder sees %v, want %v", got, tt.seesI)
			}
			if got := a.Peer().Role; got != tt.seesR {
				t.Errorf("the initiator sees %v, want %v", got, tt.seesR)
			}
		})
	}
}

// recording is what both ends wrote during one handshake and one exchange.
type recording struct {
	i, r          *session.Local
	greet, answer []byte // the greetings
	i2r, r2i      []byte // the records
}

// record runs a session from ada to bob, whose ephemeral keys are fixed.
func record(t testing.TB) recording {
	t.Helper()
	rec := recording{i: local(t, "ada", cookie), r: local(t, "bob", cookie)}
	rec.i.SetRandom(fill(0x20))
	rec.r.SetRandom(fill(0x40))
	ci, cr := net.Pipe()
	ti, tr := &tap{Conn: ci}, &tap{Conn: cr}
	a, b := shake(t.Context(), ti, tr, rec.i, rec.r, "bob")
	if a.err != nil || b.err != nil {
		t.Fatalf("handshake: %v, %v", a.err, b.err)
	}
	greet, answer := len(ti.bytes())-19, len(tr.bytes())
	done := make(chan struct{})
	go func() {
		defer close(done)
		readAll(b.s)
		send(t, b.s, []byte("300 left"))
		b.s.CloseWrite()
	}()
	send(t, a.s, []byte("transfer 100 to eve"))
	send(t, a.s, []byte("transfer 200 to eve"))
	a.s.CloseWrite()
	readAll(a.s)
	<-done
	rec.greet, rec.i2r = ti.bytes()[:greet], ti.bytes()[greet:]
	rec.answer, rec.r2i = tr.bytes()[:answer], tr.bytes()[answer:]
	return rec
}

// Whoever recorded a session and plays it again gets an answer, as its first
// message is genuine, and no further: the records do not fit the new handshake.
func TestReplayedSessionIsRefused(t *testing.T) {
	rec := record(t)

	// With the very same ephemeral key, which a responder never uses twice, the
	// recording is accepted: the test would see it.
	s, err := session.Respond(t.Context(), play(rec.greet, rec.i2r), rec.r)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := readAll(s); string(got) != "transfer 100 to evetransfer 200 to eve" || err != io.EOF {
		t.Fatalf("the recording itself reads %q, %v", got, err)
	}

	rec.r.SetRandom(nil)
	for range 10 {
		c := play(rec.greet, rec.i2r)
		if _, err := session.Respond(t.Context(), c, rec.r); !errors.Is(err, session.ErrRecord) && !errors.Is(err, session.ErrMalformed) {
			t.Fatalf("a replayed session: %v", err)
		}
		if !c.closed {
			t.Fatal("the connection stays open")
		}
	}
}

// The first message alone is genuine when replayed. It must not bring out more
// than an answer.
func TestReplayedFirstMessageWaitsInVain(t *testing.T) {
	rec := record(t)
	rec.r.SetRandom(nil)
	synctest.Test(t, func(t *testing.T) {
		ci, cr := net.Pipe()
		go func() {
			ci.Write(rec.greet)
			io.Copy(io.Discard, ci)
		}()
		start := time.Now()
		s, err := session.Respond(t.Context(), cr, rec.r)
		if s != nil || !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != session.HandshakeMax {
			t.Errorf("after %v: %v, %v", time.Since(start), s, err)
		}
	})
}

// A message 1 that comes back to its sender passes the cryptography, as both ends
// have the same key. The instance gives it away.
func TestReflectionIsRefused(t *testing.T) {
	rec := record(t)
	rec.i.SetRandom(nil)
	if _, err := session.Respond(t.Context(), play(rec.greet, rec.i2r), rec.i); !errors.Is(err, session.ErrSelf) {
		t.Errorf("the first message, reflected: %v", err)
	}
	// What a node wrote is no answer to it.
	rec.i.SetRandom(fill(0x20))
	if _, err := session.Initiate(t.Context(), play(rec.greet), rec.i, "bob"); !errors.Is(err, session.ErrAuth) {
		t.Errorf("the first message as its own answer: %v", err)
	}
}

// What is said in the clear is part of what is authenticated.
func TestPreambleCannotBeDowngraded(t *testing.T) {
	rec := record(t)
	for at := range wire.PreambleLen {
		for bit := range 8 {
			altered := bytes.Clone(rec.greet)
			altered[at] ^= 1 << bit
			c := play(altered, rec.i2r)
			if _, err := session.Respond(t.Context(), c, rec.r); err == nil {
				t.Errorf("the responder accepts bit %d of byte %d flipped", bit, at)
			}
			if c.out.Len() > 0 {
				t.Errorf("the responder answers with bit %d of byte %d flipped", bit, at)
			}
			altered = bytes.Clone(rec.answer)
			altered[at] ^= 1 << bit
			c = play(altered)
			if _, err := session.Initiate(t.Context(), c, rec.i, "bob"); err == nil {
				t.Errorf("the initiator accepts bit %d of byte %d flipped", bit, at)
			}
			if c.out.Len() > len(rec.greet) {
				t.Errorf("the initiator goes on with bit %d of byte %d flipped", bit, at)
			}
		}
	}
}

// One who speaks no version of ours is refused on his first eight bytes.
func TestVersionsThatDoNotMeet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, p := range []wire.Preamble{{Max: 9, Min: 2, Role: 1}, {Max: 255, Min: 255, Role: 1}} {
			ci, cr := net.Pipe()
			go ci.Write(wire.AppendPreamble(nil, p))
			start := time.Now()
			if _, err := session.Respond(t.Context(), cr, local(t, "bob", cookie)); !errors.Is(err, session.ErrVersion) || time.Since(start) > 0 {
				t.Errorf("%v: %v after %v", p, err, time.Since(start))
			}
			if n, err := ci.Read(make([]byte, 1)); n != 0 || err != io.EOF {
				t.Errorf("%v: reads %d bytes, %v", p, n, err)
			}
		}
	})
}

func TestHandshakeEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ends := map[string]func(context.Context, net.Conn) error{
			"Initiate": func(ctx context.Context, c net.Conn) error {
				_, err := session.Initiate(ctx, c, local(t, "ada", cookie), "")
				return err
			},
			"Respond": func(ctx context.Context, c net.Conn) error {
				_, err := session.Respond(ctx, c, local(t, "ada", cookie))
				return err
			},
		}
		for name, run := range ends {
			ctx, cancel := context.WithCancel(t.Context())
			go func() {
				time.Sleep(time.Second)
				cancel()
			}()
			_, c := net.Pipe()
			start := time.Now()
			if err := run(ctx, c); !errors.Is(err, context.Canceled) || time.Since(start) != time.Second {
				t.Errorf("%s, cancelled after 1s: %v after %v", name, err, time.Since(start))
			}
			if err := run(ctx, c); !errors.Is(err, context.Canceled) {
				t.Errorf("%s, cancelled before: %v", name, err)
			}
		}
	})
}

// A peer that is silent has refused nothing. It is given 5 s, or what the
// connection has left.
func TestSilenceIsNoRefusal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, own := range []time.Duration{0, 3 * time.Second} {
			ci, cr := net.Pipe()
			go io.Copy(io.Discard, cr)
			want, after := error(context.DeadlineExceeded), session.HandshakeMax
			if own > 0 {
				ci.SetDeadline(time.Now().Add(own))
				want, after = os.ErrDeadlineExceeded, own
			}
			start := time.Now()
			_, err := session.Initiate(t.Context(), ci, local(t, "ada", cookie), "")
			if !errors.Is(err, want) || errors.Is(err, session.ErrRefused) || time.Since(start) != after {
				t.Errorf("with a deadline of its own %v: %v after %v", own > 0, err, time.Since(start))
			}
			if got := session.ReasonOf(err); got != session.ReasonTimeout {
				t.Errorf("the reason is %q", got)
			}
		}
	})
}

// A session outlives its handshake: neither the deadline nor the context of the
// handshake ends it.
func TestSessionOutlivesTheHandshake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		ci, cr := net.Pipe()
		a, b := shake(ctx, ci, cr, local(t, "ada", cookie), local(t, "bob", cookie), "")
		if a.err != nil || b.err != nil {
			t.Fatal(a.err, b.err)
		}
		cancel()
		time.Sleep(time.Minute)
		go send(t, a.s, []byte("late"))
		if got, err := b.s.Read(nil); string(got) != "late" || err != nil {
			t.Errorf("a minute later: %q, %v", got, err)
		}
		a.s.Close()
	})
}
