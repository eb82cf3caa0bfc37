package session_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"math/big"
	"net"
	"testing"
	"time"

	"github.com/clusterluck/clusterluck/transport/internal/session"
)

// certificate returns a certificate for a name, and the pool that trusts it.
func certificate(t testing.TB, name string) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{name}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}, pool
}

// A TLS pair trusts one certificate that both ends show.
func tlsPair(t testing.TB) (i, r *session.Local) {
	t.Helper()
	cert, pool := certificate(t, "pipe") // net.Pipe's address
	i, r = local(t, "ada", cookie), local(t, "bob", cookie)
	for _, l := range []*session.Local{i, r} {
		l.TLS = &tls.Config{
			Certificates: []tls.Certificate{cert}, RootCAs: pool, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert,
			MinVersion: tls.VersionTLS12,
		}
	}
	return i, r
}

func TestSessionInsideTLS(t *testing.T) {
	i, r := tlsPair(t)
	a, b := pair(t, i, r)
	for _, s := range []*session.Session{a, b} {
		c, ok := s.Conn().(*tls.Conn)
		if !ok || c.ConnectionState().Version != tls.VersionTLS13 {
			t.Fatalf("the connection is a %T", s.Conn())
		}
	}
	go send(t, a, []byte("inside"))
	if got, err := b.Read(nil); string(got) != "inside" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	go a.CloseWrite()
	if _, err := b.Read(nil); err != io.EOF {
		t.Errorf("close record: %v", err)
	}
}

// The end of TLS is no farewell either: only the close record is.
func TestEndOfTLSIsAFailure(t *testing.T) {
	i, r := tlsPair(t)
	a, b := pair(t, i, r)
	go a.Conn().(*tls.Conn).CloseWrite()
	if _, err := b.Read(nil); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("%v", err)
	}
}

func TestTLSFailures(t *testing.T) {
	tests := []struct {
		name   string
		change func(i, r *session.Local)
		i, r   error
	}{
		{"certificate of a stranger", func(i, _ *session.Local) { i.TLS.RootCAs = x509.NewCertPool() }, session.ErrTLS, session.ErrTLS},
		{"certificate of another name", func(i, _ *session.Local) { i.TLS.ServerName = "elsewhere" }, session.ErrTLS, session.ErrTLS},
		{"client without certificate", func(i, _ *session.Local) { i.TLS.Certificates = nil }, session.ErrTLS, session.ErrTLS},
		{"TLS 1.2 at most", func(i, _ *session.Local) { i.TLS.MaxVersion = tls.VersionTLS12 }, session.ErrTLS, session.ErrTLS},
		{"another cookie", func(i, _ *session.Local) { i.Secrets = local(t, "ada", other).Secrets }, session.ErrRefused, session.ErrAuth},
		{"one end without TLS", func(i, _ *session.Local) { i.TLS = nil }, nil, session.ErrTLS},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			i, r := tlsPair(t)
			tt.change(i, r)
			ci, cr := loopback(t)
			if i.TLS != nil && i.TLS.ServerName == "" {
				i.TLS.ServerName = "pipe"
			}
			a, b := shake(t.Context(), ci, cr, i, r, "bob")
			if a.err == nil || tt.i != nil && !errors.Is(a.err, tt.i) {
				t.Errorf("initiator: %v, want %v", a.err, tt.i)
			}
			if !errors.Is(b.err, tt.r) {
				t.Errorf("responder: %v, want %v", b.err, tt.r)
			}
		})
	}
}

// Somebody with a certificate that the initiator takes stands in the middle, and
// passes on what both ends say inside TLS. The cookie is bound to each end's own
// TLS session, so that the handshake fails.
func TestManInTheMiddleOfTLS(t *testing.T) {
	i, r := tlsPair(t)
	i.TLS.RootCAs, i.TLS.InsecureSkipVerify = nil, true // takes any certificate
	r.TLS.ClientAuth = tls.NoClientCert
	stranger, _ := certificate(t, "pipe")

	ci, mi := net.Pipe()
	cr, mr := net.Pipe()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		front := tls.Server(mi, &tls.Config{Certificates: []tls.Certificate{stranger}})
		back := tls.Client(mr, &tls.Config{InsecureSkipVerify: true})
		go func() {
			io.Copy(front, back)
			mi.Close()
		}()
		io.Copy(back, front)
		mr.Close()
	}()
	a, b := shake(ctx, ci, cr, i, r, "bob")
	if !errors.Is(a.err, session.ErrRefused) || !errors.Is(b.err, session.ErrAuth) {
		t.Errorf("initiator: %v, responder: %v", a.err, b.err)
	}
}
