package system_test

import (
	"bytes"
	"crypto/tls"
	"io"
	"net"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/clusterluck/clusterluck/bench/internal/system"
)

// recorder passes connections on to an address and keeps what goes there.
type recorder struct {
	mu   sync.Mutex
	sent bytes.Buffer
}

// Write keeps what it is given.
func (r *recorder) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.sent.Write(p)
}

// saw reports whether the bytes went by.
func (r *recorder) saw(p []byte) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return bytes.Contains(r.sent.Bytes(), p)
}

// before returns a recorder and the address of a listener that passes on to to.
func before(t *testing.T, to string) (*recorder, string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	r := new(recorder)
	go func() {
		for {
			from, err := l.Accept()
			if err != nil {
				return
			}
			there, err := net.Dial("tcp", to)
			if err != nil {
				from.Close()
				return
			}
			go func() {
				defer there.Close()
				io.Copy(there, io.TeeReader(from, r))
			}()
			go func() {
				defer from.Close()
				io.Copy(from, there)
			}()
		}
	}()
	return r, l.Addr().String()
}

var hostPort = regexp.MustCompile(`127\.0\.0\.1:\d+`)

// serve starts a system within the test and returns its address.
func serve(t *testing.T, s system.System, sink *system.Sink) string {
	t.Helper()
	server, err := s.Serve(sink)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	return server.Addr
}

// protoActor answers at the address that it chose itself and tells a client of
// failures by silence, so that nothing can stand between its processes.
const protoActor = "protoactor"

// encrypted runs a test for each plain system and its twin, but protoActor.
func encrypted(t *testing.T, run func(t *testing.T, plain, twin system.System)) {
	n := 0
	for _, s := range system.All() {
		if s.Twin == "" || s.Name == protoActor {
			continue
		}
		n++
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			twin, err := system.ByName(s.Twin)
			if err != nil || s.Kind != system.Plain || twin.Kind != system.Rival {
				t.Fatalf("a %s and a %s system, %v, want plain and rival", s.Kind, twin.Kind, err)
			}
			run(t, s, twin)
		})
	}
	if n < 6 {
		t.Errorf("%d systems can encrypt, want 6 or more", n)
	}
}

// What counts as encrypted must not show its messages to whoever listens; that
// the plain twin shows them proves that somebody listened.
func TestTwinsHideWhatTheySend(t *testing.T) {
	body := []byte("a body that is sent by nobody else and cannot come about by chance")
	encrypted(t, func(t *testing.T, plain, twin system.System) {
		for _, s := range []system.System{plain, twin} {
			var sink system.Sink
			addr := serve(t, s, &sink)
			r, by := before(t, hostPort.FindString(addr))
			c, err := s.Dial(hostPort.ReplaceAllString(addr, by))
			if err != nil {
				t.Fatal(err)
			}
			sink.Expect(1)
			rep, err := c.Call(nil, body)
			if err != nil || !bytes.Equal(rep, body) {
				t.Errorf("%s: reply %q, %v", s.Name, rep, err)
			}
			if err := c.Cast(body); err != nil {
				t.Errorf("%s: cast: %v", s.Name, err)
			}
			if err := c.Flush(); err != nil {
				t.Errorf("%s: flush: %v", s.Name, err)
			}
			if got := sink.Wait(time.Second); got.Count != 1 || got.Bytes != len(body) {
				t.Errorf("%s: %+v arrived, want the cast", s.Name, got)
			}
			if saw := r.saw(body); saw != (s.Kind == system.Plain) {
				t.Errorf("%s: the body was seen on the wire: %t", s.Name, saw)
			}
			c.Close()
		}
	})
}

// Who has another certificate must not be talked to, or encryption costs less
// than it should.
func TestTwinsRefuseAnotherCertificate(t *testing.T) {
	encrypted(t, func(t *testing.T, _, twin system.System) {
		var sink system.Sink
		addr, _, _ := strings.Cut(serve(t, twin, &sink), "#")
		_, foreign, _ := strings.Cut(serve(t, twin, &sink), "#")
		c, err := twin.Dial(addr + "#" + foreign)
		if err == nil {
			_, err = c.Call(nil, []byte("x"))
			c.Close()
		}
		if err == nil {
			t.Error("a call was answered")
		}
		for _, bad := range []string{addr, addr + "#x", addr + "#AA.AA"} {
			if _, err := twin.Dial(bad); err == nil || !strings.Contains(err.Error(), "certificate") {
				t.Errorf("dialed %s: %v, want an error about the certificate", bad, err)
			}
		}
	})
}

// Whoever finds TLS at the port of protoActor knows that its calls are encrypted:
// it has one port for all.
func TestProtoActorListensForTLS(t *testing.T) {
	for _, s := range system.All() {
		if !strings.HasPrefix(s.Name, protoActor) {
			continue
		}
		addr := serve(t, s, new(system.Sink))
		c, err := tls.Dial("tcp", hostPort.FindString(addr), &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}})
		if (err == nil) != (s.Kind == system.Rival) {
			t.Errorf("%s, a %s system: TLS handshake: %v", s.Name, s.Kind, err)
		}
		if err != nil {
			continue
		}
		defer c.Close()
		if v := c.ConnectionState().Version; v != tls.VersionTLS13 {
			t.Errorf("%s: %s, want TLS 1.3", s.Name, tls.VersionName(v))
		}
	}
}
