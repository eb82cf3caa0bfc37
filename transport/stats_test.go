package transport_test

import (
	"bytes"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/clusterluck/clusterluck/transport"
)

// A logBook keeps what is logged.
type logBook struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBook) lines() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Split(strings.TrimSpace(l.b.String()), "\n")
}

// Strangers are counted, those closed unread too, and make one line in the log for
// each address and minute. Whoever has the cookie and is refused makes one each.
func TestStrangersAreCounted(t *testing.T) {
	bubble(t, func(w *world) {
		var log logBook
		a := w.start("a", func(c *transport.Config) {
			c.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
			c.Admit = func(p transport.Peer) error {
				if p.ID == "odd" {
					return &transport.StatusError{Code: "odd"}
				}
				return nil
			}
		})
		stranger := w.start("stranger", func(c *transport.Config) { c.Cookie = transport.NewCookie() })
		for range 150 {
			stranger.Connect(w.t.Context(), "a:1")
		}
		odd, good := w.start("odd", nil), w.start("good", nil)
		for range 3 {
			odd.Connect(w.t.Context(), "a:1")
		}
		w.connect(good, "a")
		s := a.Stats()
		if s.Accepted != 154 || s.Authenticated != 1 || s.Refused["auth"] != 100 || s.Refused["status"] != 3 || s.Throttled != 50 {
			w.t.Errorf("%+v", s)
		}
		conn, err := w.net.Host("silent").Dial(w.t.Context(), "a:1")
		if err != nil {
			w.t.Fatal(err)
		}
		defer conn.Close()
		pass(6 * time.Second)
		if s := a.Stats(); s.Refused["timeout"] != 1 || s.Evicted != 0 || s.Expired != 0 || s.AcceptErrors != 0 {
			w.t.Errorf("a silent socket: %+v", s)
		}
		refused, failed := 0, 0
		for _, line := range log.lines() {
			if strings.Contains(line, "msg=refused") {
				refused++
			}
			if strings.Contains(line, "handshakes failed") {
				failed++
			}
		}
		if refused != 3 || failed != 2 {
			w.t.Errorf("%d lines for peers that were refused, want 3, and %d for the addresses of strangers, want 2:\n%s", refused, failed, strings.Join(log.lines(), "\n"))
		}
	})
}
