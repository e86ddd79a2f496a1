package adaptertest

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	session "github.com/gostateful/session/core"
)

func plainLaws() []law {
	return []law{
		{"PlainHTTP", plainHTTP},
		{"PlainHTTPBehindTLS", plainHTTPBehindTLS},
	}
}

// A protocol keeps what a logger has written.
type protocol struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (p *protocol) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.Write(b)
}

// warnings counts the lines that warn of plain http.
func (p *protocol) warnings() (n int, text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Count(p.text.String(), "over plain http"), p.text.String()
}

// warned visits a site and checks the number of warnings of plain http.
func warned(t *testing.T, si *site, logged *protocol, of string, want int, lines ...string) {
	t.Helper()
	for range 2 {
		si.raw("/count", lines...).wants(t, 200, "1")
	}
	si.raw("/read", lines...).wants(t, 200, "new")
	if n, text := logged.warnings(); n != want {
		t.Errorf("%s: got %d warnings that browsers drop the cookie, want %d: tell Commit, by Response.Plain and Host, how the request came:\n%s", of, n, want, text)
	}
}

// logging makes a site whose warnings are kept.
func logging(t *testing.T, on setup) (*site, *protocol) {
	t.Helper()
	logged := new(protocol)
	logger := slog.New(slog.NewTextHandler(logged, &slog.HandlerOptions{Level: slog.LevelWarn}))
	return newSite(t, on, &session.Options{Logger: logger}, nil), logged
}

// plainHTTP: browsers drop a Secure cookie that comes over plain http, and each
// request begins a new session. The log says so, once. Browsers keep such a
// cookie from their own machine.
func plainHTTP(t *testing.T, on setup) {
	for host, want := range map[string]int{
		"shop.example": 1, "shop.example:8080": 1, "192.0.2.7": 1,
		"localhost": 0, "localhost:8080": 0, "127.0.0.1:8080": 0, "[::1]:8080": 0,
	} {
		si, logged := logging(t, on)
		si.serve(on.start, asItIs, si.Manager)
		warned(t, si, logged, "plain http to "+host, want, "Host: "+host)
	}
}

// plainHTTPBehindTLS: a request over TLS, to the server or to a proxy before
// it, is not plain.
func plainHTTPBehindTLS(t *testing.T, on setup) {
	for _, line := range []string{"X-Forwarded-Proto: https", "x-forwarded-proto: https", "Forwarded: for=192.0.2.7;proto=https"} {
		si, logged := logging(t, on)
		si.serve(on.start, asItIs, si.Manager)
		warned(t, si, logged, line, 0, "Host: shop.example", line)
	}
	si, logged := logging(t, on)
	certified := httptest.NewTLSServer(http.NotFoundHandler()) // for its certificate
	si.tls = certified.TLS.Clone()
	certified.Close()
	si.serve(on.start, asItIs, si.Manager)
	if !strings.HasPrefix(si.url, "https://") {
		t.Log("the adapter's test does not serve over TLS")
		return
	}
	warned(t, si, logged, "TLS", 0, "Host: shop.example")
}
