package session_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/clusterluck/clusterluck/transport/internal/session"
)

// Failures take tokens: 100 at once, 20 a second. Handshakes that succeed take
// none, and other addresses are not concerned.
func TestFailuresTakeTokens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, h := serve(t, session.GateConfig{}, local(t, "bob", cookie))
		try := func(from, cookie string) error {
			s, err := session.Initiate(t.Context(), h.dial(from), local(t, "ada", cookie), "bob")
			if err == nil {
				s.Close()
			}
			synctest.Wait()
			return err
		}
		failed := func() uint64 { return g.Stats().Failed[session.ReasonAuth] }
		for range 300 {
			if err := try("10.0.0.1:1", cookie); err != nil {
				t.Fatalf("a good handshake: %v", err)
			}
		}
		for range 150 {
			if err := try("10.0.0.1:1", other); !errors.Is(err, session.ErrRefused) {
				t.Fatalf("a bad handshake: %v", err)
			}
		}
		if s := g.Stats(); failed() != 100 || s.Throttled != 50 {
			t.Fatalf("%+v", s)
		}
		if err := try("10.0.0.1:1", cookie); !errors.Is(err, session.ErrRefused) {
			t.Errorf("without a token: %v", err)
		}
		if err := try("10.0.0.2:1", cookie); err != nil {
			t.Errorf("from elsewhere: %v", err)
		}
		time.Sleep(time.Second)
		for range 50 {
			try("10.0.0.1:1", other)
		}
		if got := failed(); got != 120 {
			t.Errorf("%d failed a second later, want 20 more", got)
		}
		time.Sleep(50 * time.Millisecond)
		if err := try("10.0.0.1:1", cookie); err != nil {
			t.Errorf("with a token again: %v", err)
		}
		if s := g.Stats(); s.Authenticated != 302 {
			t.Errorf("%+v", s)
		}
		// A long time gives no more than all tokens.
		time.Sleep(time.Hour)
		for range 150 {
			try("10.0.0.1:1", other)
		}
		if got := failed(); got != 220 {
			t.Errorf("%d failed an hour later, want 100 more", got)
		}
	})
}

// The gate closes what fails, whatever the handshake did, and leaves alone what
// does not.
func TestGateClosesWhatFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, g := newHall(), session.NewGate(session.GateConfig{})
		done, kept := make(chan error), make(chan net.Conn, 1)
		go func() {
			done <- g.Serve(t.Context(), h, func(_ context.Context, c net.Conn) error {
				if c.RemoteAddr() == address("bad:1") {
					return errors.New("not today")
				}
				kept <- c
				return nil
			})
		}()
		bad, good := h.visit("bad:1"), h.visit("good:1")
		time.Sleep(time.Minute)
		if d := <-bad.ended; d != 0 {
			t.Errorf("what failed was closed after %v", d)
		}
		if s := g.Stats(); s.Failed[session.ReasonOther] != 1 || s.Authenticated != 1 || s.Reading != 0 {
			t.Errorf("%+v", s)
		}
		h.Close()
		<-done
		if len(good.ended) > 0 {
			t.Error("what did not fail was closed")
		}
		(<-kept).Close()
	})
}

// An address that runs out of tokens while connections of it wait is not served
// any more.
func TestThoseWhoWaitNeedTokensToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, h := serve(t, session.GateConfig{Burst: 10, Rate: 1}, local(t, "bob", cookie))
		var visits []visit
		for range 60 {
			visits = append(visits, h.visit("10.0.0.1:1"))
		}
		synctest.Wait()
		for _, v := range visits[:16] { // those that are read
			v.Close()
			synctest.Wait()
		}
		if s := g.Stats(); s.Throttled != 44-9 || s.Waiting != 0 || s.Reading != 9 {
			t.Errorf("%+v", s)
		}
	})
}

// What is remembered of strangers is bounded, and is forgotten.
func TestGateForgetsAddresses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, h := serve(t, session.GateConfig{}, local(t, "bob", cookie))
		fail := func(n int) {
			c := h.dial(fmt.Sprintf("10.%d.%d.%d:1", n>>16, n>>8&255, n&255))
			c.Close()
			synctest.Wait()
		}
		for n := range 3 * session.AccountsMax {
			fail(n)
			if n%(session.AccountsMax*3/2) == 0 { // more than are remembered of one turn
				time.Sleep(90 * time.Second)
			}
			if got := g.Remembered(); got > 2*session.AccountsMax {
				t.Fatalf("%d addresses are remembered", got)
			}
		}
		for n := range 2 {
			time.Sleep(90 * time.Second)
			fail(n)
		}
		if got := g.Remembered(); got > 2 {
			t.Errorf("%d addresses are remembered after 3 minutes", got)
		}
	})
}

// A line for each address and minute, at debug level, with the number of
// failures that it stands for.
func TestFailuresAreLoggedOnceAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var lines bytes.Buffer
		logger := slog.New(slog.NewTextHandler(&lines, &slog.HandlerOptions{Level: slog.LevelDebug}))
		_, h := serve(t, session.GateConfig{Logger: logger}, local(t, "bob", cookie))
		fail := func(from string) {
			session.Initiate(t.Context(), h.dial(from), local(t, "ada", other), "bob")
			synctest.Wait()
		}
		for range 30 {
			fail("10.0.0.1:1")
			fail("10.0.0.2:2")
			time.Sleep(time.Second)
		}
		time.Sleep(30 * time.Second)
		fail("10.0.0.1:3")
		got := strings.Split(strings.TrimSpace(lines.String()), "\n")
		want := [][]string{
			{"level=DEBUG", "address=10.0.0.1 ", "reason=auth", "count=1 "},
			{"level=DEBUG", "address=10.0.0.2 ", "reason=auth", "count=1 "},
			{"level=DEBUG", "address=10.0.0.1 ", "reason=auth", "count=30 "},
		}
		if len(got) != len(want) {
			t.Fatalf("%d lines:\n%s", len(got), lines.String())
		}
		for n, line := range got {
			for _, w := range want[n] {
				if !strings.Contains(line, w) {
					t.Errorf("line %d has no %q: %s", n, w, line)
				}
			}
		}
	})
}

// A peer that proved the cookie and is turned away takes no tokens: nodes that
// dial each other at once, or are asked to come later, would lock each other out.
func TestRefusedPeersTakeNoTokens(t *testing.T) {
	for _, code := range []string{"duplicate", "wrong-node", "self"} {
		synctest.Test(t, func(t *testing.T) {
			bob := local(t, "bob", cookie)
			ada, to := local(t, "ada", cookie), "bob"
			switch code {
			case "duplicate":
				bob.Admit = func(session.Peer) error { return &session.StatusError{Code: code} }
			case "wrong-node":
				to = "eve"
			case "self":
				ada.Instance = bob.Instance
			}
			g, h := serve(t, session.GateConfig{}, bob)
			for range 150 {
				if _, err := session.Initiate(t.Context(), h.dial("10.0.0.1:1"), ada, to); err == nil || errors.Is(err, session.ErrRefused) {
					t.Fatalf("refused with %v", err)
				}
			}
			synctest.Wait()
			if s := g.Stats(); s.Throttled > 0 || s.Authenticated > 0 || s.Accepted != 150 {
				t.Errorf("%s: %+v", code, s)
			}
		})
	}
}
