package genserver_test

import (
	"context"
	"testing"

	"github.com/clusterluck/clusterluck/transport"
	"github.com/clusterluck/clusterluck/transport/genserver"
)

// Who may only look must not get further because a server forgot to ask.
func TestObserversMayOnlyLook(t *testing.T) {
	bubble(t, func(w *world) {
		cookie := transport.NewCookie()
		w.node("s", func(c *transport.Config) { c.Insecure, c.Cookie = false, cookie })
		var l log[transport.Role]
		s := start(w, w.nodes["s"], "srv", func(_ context.Context, s *genserver.Server) error {
			for _, event := range []string{"read", "write"} {
				genserver.Handle(s, event, func(_ context.Context, from genserver.From, _ any) (bool, error) {
					l.add(from.Role())
					return true, nil
				})
			}
			s.HandleAny(func(_ context.Context, from genserver.From, _ string, _ genserver.Payload) (any, error) {
				l.add(from.Role())
				return true, nil
			})
			s.AllowObservers("read")
			return nil
		})
		for _, tt := range []struct {
			id   string
			role transport.Role
			may  map[string]bool
		}{
			{"n", transport.RoleNode, map[string]bool{"read": true, "write": true, "other": true}},
			{"m", transport.RoleAdmin, map[string]bool{"read": true, "write": true, "other": true}},
			{"o", transport.RoleObserver, map[string]bool{"read": true}},
		} {
			k := w.node(tt.id, func(c *transport.Config) {
				c.Insecure, c.Cookie, c.Role, c.Addr = false, cookie, tt.role, ""
			})
			if _, err := k.Connect(w.t.Context(), "s:1"); err != nil {
				w.t.Fatal(err)
			}
			before := len(l.list())
			count := 0
			for _, event := range []string{"read", "write", "other"} {
				_, err := genserver.Call[bool](w.t.Context(), k, "srv@s", event, nil)
				if err := genserver.Cast(w.t.Context(), k, "srv@s", event, nil); err != nil {
					w.t.Error(err)
				}
				if tt.may[event] {
					count += 2
					want(w.t, err, nil)
				} else {
					want(w.t, err, transport.ErrDenied)
				}
			}
			got := l.list()[before:]
			if len(got) != count || len(got) > 0 && got[0] != tt.role {
				w.t.Errorf("role %d: handlers saw %v, want %d messages", tt.role, got, count)
			}
		}
		if got := s.Stats().Failed; got != 4 {
			w.t.Errorf("%d refusals counted", got)
		}
	})
}
