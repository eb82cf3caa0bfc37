package session_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"testing"

	"github.com/clusterluck/clusterluck/transport/internal/session"
)

func TestNewCookie(t *testing.T) {
	seen := make(map[string]bool)
	for range 1000 {
		c := session.NewCookie()
		if len(c) != 57 || !strings.HasPrefix(c, "clk1-") || strings.ToLower(c) != c || seen[c] {
			t.Fatalf("cookie %d is %d characters: %q...", len(seen), len(c), c[:9])
		}
		seen[c] = true
	}
	s := secrets(t, session.NewCookie())
	if w := s.Warnings(); len(w) > 0 {
		t.Errorf("a generated cookie is warned of: %v", w)
	}
}

// What is no cookie must be refused: a typing mistake must not make another
// secret of a generated one.
func TestUnusableCookies(t *testing.T) {
	tests := []struct {
		name, cookie string
		want         error
	}{
		{"none", "", session.ErrCookie},
		{"a character is missing", cookie[:len(cookie)-1], session.ErrCookie},
		{"a character too many", cookie + "a", session.ErrCookie},
		{"not the alphabet", strings.Replace(cookie, "a", "1", 1), session.ErrCookie},
		{"capitals", "clk1-" + strings.ToUpper(cookie[5:]), session.ErrCookie},
		{"spare bits set", cookie[:len(cookie)-1] + "z", session.ErrCookie},
		{"unknown role", "clk1-root-" + cookie[5:], session.ErrCookie},
		{"role of its own without a key", "clk1-observer-", session.ErrCookie},
		{"line break at the end", cookie + "\n", session.ErrCookie},
		{"space at the beginning", " " + cookie, session.ErrCookie},
		{"endless", strings.Repeat("long enough ", 100) + ".", session.ErrCookie},
		{"15 characters", "0123456789abcde", session.ErrWeakCookie},
		{"15 characters of two bytes", strings.Repeat("\u00e9", 15), session.ErrWeakCookie},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := session.NewSecrets(tt.cookie, nil, session.SecretOptions{}); !errors.Is(err, tt.want) {
				t.Errorf("in use: %v, want %v", err, tt.want)
			}
			if _, err := session.NewSecrets(cookie, []string{tt.cookie}, session.SecretOptions{}); !errors.Is(err, tt.want) {
				t.Errorf("accepted: %v, want %v", err, tt.want)
			}
			if _, err := session.DeriveRole(tt.cookie, session.Observer); !errors.Is(err, tt.want) {
				t.Errorf("derived from: %v, want %v", err, tt.want)
			}
		})
	}
	if _, err := session.NewSecrets(cookie, make([]string, 8), session.SecretOptions{}); !errors.Is(err, session.ErrCookie) {
		t.Errorf("nine cookies: %v", err)
	}
}

// What is made of a cookie is part of version 1. These keys were computed with the
// Argon2id and HKDF of OpenSSL.
const (
	stretchedLong  = "d0475ebfb3adabf456a778032d8784e98dace39ac3a7bdcf933dfe5ea7d9543d"
	stretchedShort = "4c1cbc482d90ea686ffe0bbb5c50c129ed8cdd9fe049ced55e61b0842d6b714b"
	insecurePSK    = "316ca70d38aa0d16bde17b237facad16f19418e79fead42c4d995cf175579bff"
)

func TestStretchedCookies(t *testing.T) {
	tests := []struct {
		cookie, psk string
		o           session.SecretOptions
		warning     string
	}{
		{"correct horse battery staple", stretchedLong, session.SecretOptions{}, "stretched"},
		{"luck", stretchedShort, session.SecretOptions{AllowWeak: true}, "can guess it"},
	}
	for _, tt := range tests {
		s, err := session.NewSecrets(tt.cookie, []string{tt.cookie, cookie}, tt.o)
		if err != nil {
			t.Fatal(err)
		}
		if psk, ok := s.PSK(0, session.Node); !ok || hex.EncodeToString(psk[:]) != tt.psk {
			t.Errorf("psk of %q is %x, want %s", tt.cookie, psk, tt.psk)
		}
		if w := s.Warnings(); len(w) != 1 || !strings.Contains(w[0], tt.warning) {
			t.Errorf("warnings about %q are %q", tt.cookie, w)
		}
		if psk, _ := s.PSK(1, session.Node); hex.EncodeToString(psk[:]) == tt.psk {
			t.Errorf("%q is in twice", tt.cookie)
		}
	}
}

func TestInsecureSecretsArePublic(t *testing.T) {
	o := session.SecretOptions{Insecure: true}
	s, err := session.NewSecrets("", nil, o)
	if err != nil || !s.Insecure() || len(s.Warnings()) != 1 {
		t.Fatalf("%v, warnings %q", err, s.Warnings())
	}
	if psk, _ := s.PSK(0, session.Node); hex.EncodeToString(psk[:]) != insecurePSK {
		t.Errorf("psk is %x, want %s", psk, insecurePSK)
	}
	for _, accept := range [][]string{nil, {cookie}} {
		use := ""
		if accept == nil {
			use = cookie
		}
		if _, err := session.NewSecrets(use, accept, o); !errors.Is(err, session.ErrCookie) {
			t.Errorf("insecure with cookies %v %v: %v", use != "", accept != nil, err)
		}
	}
	if secrets(t, cookie).Insecure() {
		t.Error("a cookie is insecure")
	}
}

func TestDeriveRole(t *testing.T) {
	s := secrets(t, cookie)
	for _, r := range []session.Role{session.Admin, session.Observer} {
		derived, err := session.DeriveRole(cookie, r)
		if err != nil {
			t.Fatal(err)
		}
		if want := "clk1-" + r.String() + "-"; !strings.HasPrefix(derived, want) || len(derived) != len(want)+52 {
			t.Errorf("the cookie of %v begins with %q", r, derived[:len(want)])
		}
		d := secrets(t, derived)
		for _, other := range []session.Role{session.Node, session.Admin, session.Observer} {
			psk, ok := d.PSK(0, other)
			want, _ := s.PSK(0, other)
			if ok != (r == other) || ok && psk != want || d.Can(other) != ok {
				t.Errorf("the cookie of %v has the key of %v: %v", r, other, ok)
			}
		}
		if _, err := session.DeriveRole(derived, r); !errors.Is(err, session.ErrCookie) {
			t.Errorf("from a derived cookie: %v", err)
		}
	}
	for _, r := range []session.Role{0, session.Node, 4} {
		if _, err := session.DeriveRole(cookie, r); !errors.Is(err, session.ErrCookie) {
			t.Errorf("derive %v: %v", r, err)
		}
		if s.Can(r) != (r == session.Node) {
			t.Errorf("a cookie can be used as %v: %v", r, s.Can(r))
		}
	}
}

func TestSecretsEqual(t *testing.T) {
	observer, err := session.DeriveRole(cookie, session.Observer)
	if err != nil {
		t.Fatal(err)
	}
	all := []*session.Secrets{secrets(t, cookie), secrets(t, other), secrets(t, cookie, other), secrets(t, other, cookie), secrets(t, cookie, observer), secrets(t, observer)}
	for i, s := range all {
		for j, other := range all {
			if got := s.Equal(other); got != (i == j) {
				t.Errorf("%d equals %d: %v", i, j, got)
			}
		}
	}
	if !all[0].Equal(secrets(t, cookie, cookie)) {
		t.Error("a cookie that is accepted twice makes a difference")
	}
}

// Between any two steps of a rotation all nodes still reach each other: first all
// accept the new cookie, then all use it, then none accepts the old one.
func TestRotation(t *testing.T) {
	current := map[string]*session.Secrets{}
	nodes := []*session.Local{local(t, "ada", cookie), local(t, "bob", cookie), local(t, "cleo", cookie)}
	for _, l := range nodes {
		l.Secrets = func() *session.Secrets { return current[l.ID] }
	}
	steps := []*session.Secrets{secrets(t, cookie), secrets(t, cookie, other), secrets(t, other, cookie), secrets(t, other)}
	for _, l := range nodes {
		current[l.ID] = steps[0]
	}
	kept, _ := pair(t, nodes[0], nodes[1])
	for _, step := range steps[1:] {
		for _, l := range nodes {
			current[l.ID] = step
			for _, i := range nodes {
				for _, r := range nodes {
					if i != r {
						a, b := pair(t, i, r)
						a.Close()
						b.Close()
					}
				}
			}
		}
	}
	if _, err := kept.Seal(nil, []byte("x")); err != nil {
		t.Errorf("a session from before: %v", err)
	}
	current["ada"] = steps[0]
	ci, cr := net.Pipe()
	if a, b := shake(t.Context(), ci, cr, nodes[0], nodes[1], ""); !errors.Is(a.err, session.ErrRefused) || !errors.Is(b.err, session.ErrAuth) {
		t.Errorf("the old cookie after the rotation: %v, %v", a.err, b.err)
	}
}

// No form of a secret may show in what people read: errors, warnings, log lines,
// and secrets printed by mistake.
func TestSecretsAreNeverShown(t *testing.T) {
	chosen := "swordfish-swordfish"
	observer, err := session.DeriveRole(cookie, session.Observer)
	if err != nil {
		t.Fatal(err)
	}
	var shown bytes.Buffer
	logger := slog.New(slog.NewJSONHandler(&shown, &slog.HandlerOptions{Level: slog.LevelDebug}))
	forms := []string{cookie[5:], other[5:], observer[14:], chosen, "swordfish"}
	for _, c := range []string{cookie, other, observer, chosen} {
		s := secrets(t, c, cookie)
		for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			fmt.Fprintf(&shown, format+"\n", s)
			fmt.Fprintf(&shown, format+"\n", *s)
			fmt.Fprintf(&shown, format+"\n", struct{ S any }{*s})
		}
		fmt.Fprintln(&shown, s.Warnings())
		b, err := json.Marshal(map[string]any{"secrets": s})
		fmt.Fprintln(&shown, string(b), err)
		logger.Info("secrets", "pointer", s, "value", *s)
		for r := session.Node; r <= session.Observer; r++ {
			if psk, ok := s.PSK(0, r); ok {
				forms = append(forms, hex.EncodeToString(psk[:]), base64.StdEncoding.EncodeToString(psk[:]), fmt.Sprint(psk[:4]))
			}
		}

		bad := []string{c + "\n", " " + c, c[:9], strings.Repeat(c, 60)}
		if c != chosen {
			bad = append(bad, c[:len(c)-1]+"!", "clk1-"+strings.ToUpper(c[5:]), c+c)
		}
		for _, b := range bad {
			_, err := session.NewSecrets(b, []string{b}, session.SecretOptions{})
			fmt.Fprintln(&shown, err)
			_, err = session.NewSecrets(cookie, []string{b}, session.SecretOptions{})
			fmt.Fprintln(&shown, err)
			_, err = session.NewSecrets(b, nil, session.SecretOptions{Insecure: true})
			fmt.Fprintln(&shown, err)
			_, err = session.DeriveRole(b, session.Observer)
			fmt.Fprintln(&shown, err)
			_, err = session.DeriveRole(b, session.Node)
			fmt.Fprintln(&shown, err)
		}
		for _, r := range []*session.Local{local(t, "bob", other), local(t, "bob", cookie)} {
			i := local(t, "ada", c)
			fmt.Fprintf(&shown, "%v %+v %#v\n", i, i, i)
			ci, cr := net.Pipe()
			a, b := shake(t.Context(), ci, cr, i, r, "eve")
			logger.Error("handshake", "initiator", a.err, "responder", b.err)
			fmt.Fprintf(&shown, "%+v %#v %+v %#v\n", a.err, a.err, b.err, b.err)
		}
	}
	text := strings.ToLower(shown.String())
	for _, form := range forms {
		if at := strings.Index(text, strings.ToLower(form)); at >= 0 {
			t.Errorf("a secret is shown: ...%q", text[max(0, at-80):at])
		}
	}
	if len(text) < 5000 {
		t.Errorf("only %d bytes were looked at", len(text))
	}
}
