package servers

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"testing"
)

func TestRedisTLS(t *testing.T) {
	t.Parallel()
	var s *Server
	run(func(spy *spy) {
		var config *tls.Config
		s, config = RedisTLS(spy)
		if got, err := s.ask(t.Context(), &tls.Dialer{Config: config}, "PING"); got != "PONG" {
			spy.Errorf("PING with TLS: got %q, %v; want PONG", got, err)
		}
		if got, err := s.ask(t.Context(), new(net.Dialer), "PING"); err == nil {
			spy.Errorf("PING without TLS: got %q, want an error", got)
		}

		var stranger x509.UnknownAuthorityError
		if _, err := s.ask(t.Context(), &tls.Dialer{Config: &tls.Config{ServerName: config.ServerName}}, "PING"); !errors.As(err, &stranger) {
			spy.Errorf("PING with the system's authorities: got %v, want %T", err, stranger)
		}
		config.ServerName = "127.0.0.2"
		var misnamed x509.HostnameError
		if _, err := s.ask(t.Context(), &tls.Dialer{Config: config}, "PING"); !errors.As(err, &misnamed) {
			spy.Errorf("PING of another address: got %v, want %T", err, misnamed)
		}

		s.Kill()
		if err := s.Start(); err != nil {
			spy.Fatalf("%v", err)
		}
	}).want(t, false)
	wantGone(t, s)
}
