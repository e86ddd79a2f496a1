package servers

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"strconv"
	"testing"
	"time"
)

// RedisTLS starts a Redis server that takes nothing but TLS, and returns what
// a client needs to trust it: its certificate authority, which signed its
// certificate for 127.0.0.1.
func RedisTLS(t testing.TB) (*Server, *tls.Config) {
	t.Helper()
	config, certificate, key, err := certify(net.IPv4(127, 0, 0, 1))
	if err != nil {
		t.Fatalf("servers: %v", err)
	}
	p := redis()
	args := p.Args
	p.Args = func(s *Server) []string {
		return append(args(s),
			"--port", "0", // that without TLS
			"--tls-port", strconv.Itoa(s.Port),
			"--tls-cert-file", s.file("certificate.pem"),
			"--tls-key-file", s.file("key.pem"),
			"--tls-auth-clients", "no",
		)
	}
	p.Prepare = func(s *Server) error {
		if err := s.write("certificate.pem", certificate); err != nil {
			return err
		}
		return s.write("key.pem", key)
	}
	p.Ready = func(ctx context.Context, s *Server) error { return s.ping(ctx, &tls.Dialer{Config: config}) }
	return Start(t, p), config.Clone()
}

// certify makes a certificate authority, which the config trusts, and a
// certificate of it for an address, with its key, in PEM.
func certify(ip net.IP) (config *tls.Config, certificate, key []byte, err error) {
	authority := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: "authority of a test"},
		NotBefore:             time.Now().Add(-time.Hour),
		NotAfter:              time.Now().Add(24 * time.Hour),
		KeyUsage:              x509.KeyUsageCertSign,
		BasicConstraintsValid: true,
		IsCA:                  true,
	}
	authorityKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, nil, err
	}
	der, err := x509.CreateCertificate(rand.Reader, authority, authority, authorityKey.Public(), authorityKey)
	if err != nil {
		return nil, nil, nil, err
	}
	if authority, err = x509.ParseCertificate(der); err != nil {
		return nil, nil, nil, err
	}
	config = &tls.Config{RootCAs: x509.NewCertPool(), ServerName: ip.String()}
	config.RootCAs.AddCert(authority)

	serverKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, nil, err
	}
	server := &x509.Certificate{
		SerialNumber: big.NewInt(2),
		Subject:      pkix.Name{CommonName: "server of a test"},
		NotBefore:    authority.NotBefore,
		NotAfter:     authority.NotAfter,
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		IPAddresses:  []net.IP{ip},
	}
	if der, err = x509.CreateCertificate(rand.Reader, server, authority, serverKey.Public(), authorityKey); err != nil {
		return nil, nil, nil, err
	}
	private, err := x509.MarshalPKCS8PrivateKey(serverKey)
	if err != nil {
		return nil, nil, nil, err
	}
	certificate = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	key = pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})
	return config, certificate, key, nil
}
