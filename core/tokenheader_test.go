package session_test

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	session "github.com/gostateful/session/core"
)

var bearer = session.TokenHeader{Name: "authorization", Scheme: "Bearer"}

// app is a client that is not a browser: it has a token, and sends it in a
// header.
type app struct {
	si    *site
	token string
}

// visit is a whole request with one more header line than the token's, if any.
func (a *app) visit(handler func(s *session.Session[cart]) error, more ...string) session.Header {
	t := a.si.t
	t.Helper()
	lines := more
	if a.token != "" {
		lines = append([]string{"Bearer " + a.token}, more...)
	}
	r := &request{new(session.Exchange), a.si, &browser{}}
	r.Begin(t.Context(), a.si, lines)
	if err := handler(r.get()); err != nil {
		t.Fatalf("handler: %v", err)
	}
	h, err := r.respond()
	if err != nil {
		t.Fatalf("Commit: %v", err)
	}
	if err := r.Finish(); err != nil {
		t.Fatalf("Finish: %v", err)
	}
	if h.TokenHeader != "" {
		a.token = h.Token
	}
	if len(h.SetCookie) > 0 || h.Vary != "Authorization" {
		t.Errorf("got %+v, want no cookie, and Vary: Authorization", h)
	}
	return h
}

// counts checks what a request of the client finds.
func (a *app) counts(n int, subject string, more ...string) {
	a.si.t.Helper()
	a.visit(func(s *session.Session[cart]) error {
		a.si.t.Helper()
		if s.Data().N != n || s.Subject() != subject {
			a.si.t.Errorf("the session has %d of %q, want %d of %q", s.Data().N, s.Subject(), n, subject)
		}
		return nil
	}, more...)
}

// TestTokenHeader: a client without cookies gets its token by a header of the response,
// and sends it by one of the request.
func TestTokenHeader(t *testing.T) {
	a := &app{si: newSite(t, &session.Options{Header: bearer})}
	h := a.visit(incremented)
	if h.TokenHeader != "Session-Token" || len(h.Token) != 64 || h.CacheControl != "no-store" {
		t.Fatalf("the response that begins a session adds %+v", h)
	}
	a.counts(1, "")
	before := *a
	if a.visit(loggedIn); a.token == before.token {
		t.Error("a login has left the token")
	}
	a.counts(1, "alice")
	h = before.visit(func(s *session.Session[cart]) error {
		if err := s.Update(increment); !errors.Is(err, session.ErrSuperseded) {
			t.Errorf("the token from before the login: got %v, want ErrSuperseded", err)
		}
		return nil
	})
	if h.TokenHeader != "" || h.RetryAfter == "" {
		t.Errorf("the straggler gets %+v, want to be told when to come again, and no token", h)
	}
	used := *a
	if h = a.visit(func(s *session.Session[cart]) error { return s.Destroy() }); h.TokenHeader != "Session-Token" || h.Token != "" || h.CacheControl != "no-store" {
		t.Errorf("the response to a logout adds %+v, want an empty Session-Token", h)
	}
	used.counts(0, "")
}

// TestTokenHeaderValues: only a value that is one token, after its scheme, opens a
// session, and nothing else reaches the store.
func TestTokenHeaderValues(t *testing.T) {
	si := newSite(t, &session.Options{Header: bearer})
	known := &app{si: si}
	known.visit(incremented)
	token := known.token
	for _, lines := range [][]string{{"Bearer " + token}, {"bearer " + token}, {"BEARER  " + token}} {
		(&app{si: si}).counts(1, "", lines...)
	}
	si.store.took()
	for _, lines := range [][]string{
		{},
		{""},
		{"Bearer"},
		{"Bearer "},
		{token},
		{"Basic " + token},
		{"Bearer" + token},
		{"Bearer\t" + token},
		{"Bearer " + token + " "},
		{"Bearer " + token[1:]},
		{"Bearer " + token + ", Bearer " + token},
		{"Bearer " + token, "Bearer " + token},
		{"Basic x", "Bearer " + token},
		{"__Host-session=" + token},
	} {
		(&app{si: si}).counts(0, "", lines...)
		if calls := si.store.took(); len(calls) > 0 {
			t.Errorf("%q: the store saw %v, want nothing", lines, calls)
		}
	}
	plain := newSiteOn(t, si.store, &session.Options{Header: session.TokenHeader{Name: "X-Token", Response: "X-New-Token"}})
	b := &browser{}
	if h := plain.visit(b, incremented); h.TokenHeader != "X-New-Token" || h.Vary != "X-Token" {
		t.Errorf("got %+v, want the names of the options", h)
	} else {
		b.cookie = h.Token
	}
	if got := plain.data(b); got.N != 1 {
		t.Errorf("a token without a scheme opens a session with %d, want 1", got.N)
	}
}

// Law 17: a token of a header opens nothing in a cookie or in another header,
// and the other way round.
func TestTokenHeaderDoesNotCross(t *testing.T) {
	store := newTestStore()
	tokens := map[string]string{}
	sites := map[string]*site{
		"cookie":         newSiteOn(t, store, nil),
		"header":         newSiteOn(t, store, &session.Options{Header: session.TokenHeader{Name: "X-Session"}}),
		"another header": newSiteOn(t, store, &session.Options{Header: session.TokenHeader{Name: "X-Other"}}),
		"odd cookie":     newSiteOn(t, store, &session.Options{Cookie: session.Cookie{Name: "X-Session"}}),
	}
	as := map[string]string{"cookie": "__Host-session=", "odd cookie": "X-Session="}
	for name, si := range sites {
		b := &browser{}
		h := si.visit(b, loggedIn)
		if tokens[name] = h.Token; h.Token == "" {
			tokens[name] = b.token()
		}
	}
	for from, token := range tokens {
		for to, si := range sites {
			si.visit(&browser{cookie: as[to] + token}, func(s *session.Session[cart]) error {
				if opened := s.Subject() == "alice"; opened != (from == to) {
					t.Errorf("the token of the %s, sent as the %s: opened is %v", from, to, opened)
				}
				return nil
			})
		}
	}

	outer, x := newSite(t, &session.Options{Header: bearer}).begin(&browser{}), new(session.Exchange)
	inner := newSite(t, &session.Options{Header: session.TokenHeader{Name: "Authorization", Scheme: "Token"}})
	x.Begin(outer, inner, nil)
	if _, err := inner.Get(x); err == nil || !strings.Contains(err.Error(), "Options.Header.Name") {
		t.Errorf("two managers that read one header: got %v, want an error that says what to do", err)
	}
}

// Law 14: if a page is sent before the first Get, the header that carries the
// token must keep it from shared caches.
func TestTokenHeaderVaries(t *testing.T) {
	for vary, private := range map[string]bool{"Authorization": true, "Cookie": false} {
		si := newSite(t, &session.Options{Header: bearer})
		r := si.begin(&browser{})
		if _, err := r.Commit(session.Response{Header: http.Header{"Vary": {vary}}}); err != nil {
			t.Fatal(err)
		}
		if _, err := si.Get(r); (err == nil) != private {
			t.Errorf("a first Get after Vary: %s: got %v", vary, err)
		}
	}
	si := newSite(t, &session.Options{Header: bearer})
	si.store.down()
	r := si.begin(&browser{})
	r.Begin(t.Context(), si, []string{"Bearer " + someToken(t)})
	if _, err := si.Get(r); !errors.Is(err, session.ErrUnavailable) {
		t.Fatalf("got %v, want an outage", err)
	}
	if h, _ := r.Commit(session.Response{}); h.Vary != "Authorization" {
		t.Errorf("the answer to an outage adds %+v, want Vary: Authorization", h)
	}
}

// someToken is a token that opened a session of another store.
func someToken(t *testing.T) string {
	a := &app{si: newSite(t, &session.Options{Header: bearer})}
	a.visit(incremented)
	return a.token
}

func TestTokenHeaderFaults(t *testing.T) {
	for want, opts := range map[string]session.Options{
		"needs a Name":               {Header: session.TokenHeader{Scheme: "Bearer"}},
		"the one or the other":       {Header: bearer, Cookie: session.Cookie{Name: "__Host-x"}},
		`Header.Name "X Y"`:          {Header: session.TokenHeader{Name: "X Y"}},
		`Header.Response "ü"`:        {Header: session.TokenHeader{Name: "X", Response: "ü"}},
		"leave Header empty":         {Header: session.TokenHeader{Name: "cookie"}},
		`Header.Response "set-cook`:  {Header: session.TokenHeader{Name: "X", Response: "set-cookie"}},
		"Header.Scheme \"Bearer \"":  {Header: session.TokenHeader{Name: "X", Scheme: "Bearer "}},
		"Authorization needs one":    {Header: session.TokenHeader{Name: "Authorization"}},
		"Header and Cookie: a manag": {Header: bearer, Cookie: session.Cookie{Persistent: true}},
	} {
		if _, err := session.New[cart](newTestStore(), &opts); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: got %v, want an error with %q", opts, err, want)
		}
	}
}

// TestNewToken: a test of an API begins with a client that is logged in.
func TestNewToken(t *testing.T) {
	a := &app{si: newSite(t, &session.Options{Header: bearer})}
	var err error
	if a.token, err = a.si.NewToken(t.Context(), session.Info[cart]{Subject: "bob", Data: cart{N: 8}}); err != nil {
		t.Fatal(err)
	}
	a.counts(8, "bob")
	if _, err := a.si.NewCookie(t.Context(), session.Info[cart]{}); err == nil || !strings.Contains(err.Error(), "NewToken") {
		t.Errorf("NewCookie: got %v, want an error that names NewToken", err)
	}
	if _, err := a.si.NewToken(t.Context(), session.Info[cart]{Subject: "\xff"}); err == nil {
		t.Error("NewToken took a subject that no store can keep")
	}
	if names := []string{session.RequestHeader(a.si), session.RequestHeader(newSite(t, nil))}; !slices.Equal(names, []string{"Authorization", "Cookie"}) {
		t.Errorf("adapters are told to read %q", names)
	}
}
