package transport_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"testing"
	"time"

	"github.com/clusterluck/clusterluck/transport/transporttest"
)

func memory() transporttest.Fabric { return transporttest.Memory(transporttest.New(1)) }

func TestConformanceInMemory(t *testing.T) {
	transporttest.Conformance(t, transporttest.Harness{Fabric: memory, Bubble: true})
}

func TestConformanceInMemoryOnTheRealClock(t *testing.T) {
	transporttest.Conformance(t, transporttest.Harness{Fabric: memory})
}

func TestConformanceOverTCP(t *testing.T) {
	transporttest.Conformance(t, transporttest.Harness{Fabric: transporttest.Loopback})
}

func TestConformanceOverTLS(t *testing.T) {
	transporttest.Conformance(t, transporttest.Harness{Fabric: transporttest.Loopback, TLS: mutualTLS(t)})
}

// mutualTLS returns a configuration with one certificate that all nodes show
// and trust.
func mutualTLS(t *testing.T) *tls.Config {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour),
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
	return &tls.Config{
		Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}},
		RootCAs:      pool, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert, MinVersion: tls.VersionTLS13,
	}
}

// Under random faults nothing is done twice, nothing hangs, and nothing is lost
// without a word.
func TestSeeds(t *testing.T) {
	n := 100
	switch {
	case *long:
		n = 3000
	case testing.Short():
		n = 10
	}
	transporttest.Seeds(t, 1, n)
}
