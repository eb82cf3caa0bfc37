package system

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"
	"net"
	"strings"
	"time"
)

// A wire is how two processes reach each other: plain TCP if it is nil, else TLS
// 1.3 with AES-GCM. Both have its one certificate and trust no other. Both have
// the key as well, since some systems listen on either side.
type wire struct {
	cert tls.Certificate
	pool *x509.CertPool
}

// newWire makes a certificate for loopback.
func newWire() (*wire, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	c := &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()), NotBefore: now.Add(-time.Hour), NotAfter: now.Add(24 * time.Hour),
		IPAddresses: []net.IP{net.ParseIP(loopback)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		return nil, err
	}
	return wireOf(der, key)
}

func wireOf(der []byte, key any) (*wire, error) {
	c, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	w := &wire{tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: c}, x509.NewCertPool()}
	w.pool.AddCert(c)
	return w, nil
}

// text returns what parseWire takes, without spaces.
func (w *wire) text() (string, error) {
	key, err := x509.MarshalPKCS8PrivateKey(w.cert.PrivateKey)
	encode := base64.RawURLEncoding.EncodeToString
	return encode(w.cert.Leaf.Raw) + "." + encode(key), err
}

func parseWire(text string) (*wire, error) {
	first, second, _ := strings.Cut(text, ".")
	der, err := base64.RawURLEncoding.DecodeString(first)
	pkcs8, err2 := base64.RawURLEncoding.DecodeString(second)
	if err := errors.Join(err, err2); err != nil {
		return nil, err
	}
	key, err := x509.ParsePKCS8PrivateKey(pkcs8)
	if err != nil {
		return nil, err
	}
	return wireOf(der, key)
}

// server returns the settings of who listens, nil if the wire is plain.
func (w *wire) server() *tls.Config {
	if w == nil {
		return nil
	}
	return &tls.Config{Certificates: []tls.Certificate{w.cert}, MinVersion: tls.VersionTLS13}
}

// client returns the settings of who dials, nil if the wire is plain. Go has no
// setting for the cipher of TLS 1.3, so that what was agreed is checked.
func (w *wire) client() *tls.Config {
	if w == nil {
		return nil
	}
	return &tls.Config{
		RootCAs: w.pool, ServerName: loopback, MinVersion: tls.VersionTLS13,
		VerifyConnection: func(s tls.ConnectionState) error {
			if s.CipherSuite != tls.TLS_AES_128_GCM_SHA256 && s.CipherSuite != tls.TLS_AES_256_GCM_SHA384 {
				return fmt.Errorf("cipher %s, want AES-GCM", tls.CipherSuiteName(s.CipherSuite))
			}
			return nil
		},
	}
}

// listen returns a listener on a port that the system chooses.
func (w *wire) listen() (net.Listener, error) {
	l, err := listen()
	if err == nil && w != nil {
		l = tls.NewListener(l, w.server())
	}
	return l, err
}

// dial connects; with TLS it returns after the handshake.
func (w *wire) dial(addr string) (net.Conn, error) {
	if w == nil {
		return net.Dial("tcp", addr)
	}
	return tls.Dial("tcp", addr, w.client())
}

// twins returns a rival that can encrypt as two systems: the encrypted one, which
// counts, and the plain one, which is shown. What it does within a process is the
// plain one's.
func twins(s System, serve func(*wire, *Sink) (*Server, error), dial func(*wire, string) (Client, error)) []System {
	plain, sealed := s, s
	plain.Kind, plain.Twin = Plain, s.Name+" tls"
	plain.Serve = func(sink *Sink) (*Server, error) { return serve(nil, sink) }
	plain.Dial = func(addr string) (Client, error) { return dial(nil, addr) }

	sealed.Name, sealed.Kind, sealed.Local = plain.Twin, Rival, nil
	sealed.Note += "; TLS 1.3 with AES-GCM"
	sealed.Serve = func(sink *Sink) (*Server, error) {
		w, err := newWire()
		if err != nil {
			return nil, err
		}
		text, err := w.text()
		if err != nil {
			return nil, err
		}
		server, err := serve(w, sink)
		if err != nil {
			return nil, err
		}
		server.Addr += "#" + text
		return server, nil
	}
	sealed.Dial = func(addr string) (Client, error) {
		addr, text, _ := strings.Cut(addr, "#")
		w, err := parseWire(text)
		if err != nil {
			return nil, fmt.Errorf("certificate in the address: %w", err)
		}
		return dial(w, addr)
	}
	return []System{sealed, plain}
}
