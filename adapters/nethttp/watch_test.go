package nethttp_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/gostateful/session/adapters/nethttp"
	session "github.com/gostateful/session/core"
	"github.com/gostateful/session/core/adaptertest"
)

// TestWatchOfSocket: a connection that its handler has taken over, as that of a
// WebSocket, ends with the session.
func TestWatchOfSocket(t *testing.T) {
	m, err := session.New[cart](adaptertest.NewStore(), nil)
	if err != nil {
		t.Fatal(err)
	}
	watching := make(chan struct{})
	server := httptest.NewServer(nethttp.Middleware(m, nil)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen, err := m.Peek(r.Context())
		if err != nil {
			session.Error(w, err)
			return
		}
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		go func() {
			defer conn.Close()
			live, stop := m.Watch(context.Background(), seen)
			defer stop()
			close(watching)
			<-live.Done()
			fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nended: %t", errors.Is(context.Cause(live), session.ErrNotFound))
		}()
	})))
	defer server.Close()
	cookie, err := m.NewCookie(t.Context(), session.Info[cart]{Subject: "ann"})
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.AddCookie(cookie)
	revoked := make(chan error, 1)
	go func() {
		<-watching
		_, err := m.RevokeAll(context.Background(), "ann")
		revoked <- err
	}()
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if body, err := io.ReadAll(answer.Body); string(body) != "ended: true" || err != nil {
		t.Errorf("the socket says %q, %v", body, err)
	}
	if err := <-revoked; err != nil {
		t.Error(err)
	}
}
