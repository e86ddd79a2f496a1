package sessionecho_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/labstack/echo/v5"

	session "github.com/gostateful/session/core"
	"github.com/gostateful/session/core/adaptertest"
)

// visit is the data of the tests.
type visit struct{ N int }

func count(v *visit) error {
	v.N++
	return nil
}

// A site is a manager and its store.
type site struct {
	*session.Manager[visit]
	store *adaptertest.Store
}

func newSite(t testing.TB, opts *session.Options) site {
	t.Helper()
	st := adaptertest.NewStore()
	m, err := session.New[visit](st, opts)
	if err != nil {
		t.Fatal(err)
	}
	return site{m, st}
}

// newEcho is an echo that logs nothing.
func newEcho() *echo.Echo {
	return echo.NewWithConfig(echo.Config{Logger: slog.New(slog.DiscardHandler)})
}

// counted changes the session of a request.
func (s site) counted(t testing.TB, c *echo.Context) *session.Session[visit] {
	t.Helper()
	held, err := s.Get(c.Request().Context())
	if err == nil {
		err = held.Update(count)
	}
	if err != nil {
		t.Error(err)
	}
	return held
}

// counting is a handler that changes the session, and then does what respond does.
func (s site) counting(t testing.TB, respond echo.HandlerFunc) echo.HandlerFunc {
	return func(c *echo.Context) error {
		s.counted(t, c)
		return respond(c)
	}
}

// hello is a handler that does not use the session.
func hello(c *echo.Context) error { return c.String(http.StatusOK, "hello") }

// serve sends one request, with headers: names and values.
func serve(h http.Handler, method, target string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// cookie is the session's cookie of a response, for the header of a request.
func cookie(t testing.TB, w *httptest.ResponseRecorder) string {
	t.Helper()
	for _, c := range w.Result().Cookies() {
		if c.Name == "__Host-session" && c.Value != "" {
			return c.Name + "=" + c.Value
		}
	}
	t.Fatalf("got status %d, header %v, want the cookie of a session", w.Code, w.Header())
	return ""
}

// wantsFailure checks the response to a request whose session could not be stored.
func wantsFailure(t testing.TB, w *httptest.ResponseRecorder) {
	t.Helper()
	if got := w.Body.String(); w.Code != 503 || got != `{"message":"Service Unavailable"}`+"\n" {
		t.Errorf("got status %d, body %q, want 503 and the body of echo's error handler", w.Code, got)
	}
	if lines := w.Header().Values("Set-Cookie"); len(lines) > 0 {
		t.Errorf("got Set-Cookie %q, want none", lines)
	}
	if got := w.Header().Get("Cache-Control"); got != "no-store" || w.Header().Get("Retry-After") != "1" {
		t.Errorf("got Cache-Control %q, Retry-After %q, want no-store, 1", got, w.Header().Get("Retry-After"))
	}
}
