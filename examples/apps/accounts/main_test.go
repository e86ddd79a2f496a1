package main

import (
	"database/sql"
	"errors"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	sessionchi "github.com/gostateful/session/adapters/chi"
	session "github.com/gostateful/session/core"
)

func open(t *testing.T) *site {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(t.TempDir(), "accounts.db")+"?_pragma=journal_mode(WAL)&_pragma=busy_timeout(50)")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	s, err := newSite(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestAccounts(t *testing.T) {
	s := open(t)
	server := httptest.NewTLSServer(s.handler())
	defer server.Close()
	// browser returns what sends a request, and wants an answer.
	browser := func() func(status int, body, method, path string, form ...string) string {
		jar, err := cookiejar.New(nil)
		if err != nil {
			t.Fatal(err)
		}
		client := *server.Client()
		client.Jar = jar
		return func(status int, body, method, path string, form ...string) string {
			t.Helper()
			values := url.Values{}
			for i := 0; i < len(form); i += 2 {
				values.Set(form[i], form[i+1])
			}
			r, err := http.NewRequest(method, server.URL+path, strings.NewReader(values.Encode()))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			answer, err := client.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer answer.Body.Close()
			text, err := io.ReadAll(answer.Body)
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.TrimSpace(string(text)); answer.StatusCode != status || !strings.Contains(got, body) {
				t.Errorf("%s %s: got %d %s, want %d %s", method, path, answer.StatusCode, got, status, body)
			}
			return strings.Trim(strings.TrimSpace(string(text)), `"`)
		}
	}
	login := func(user, password string) func(int, string, string, string, ...string) string {
		b := browser()
		b(200, "hello "+user, "POST", "/login", "user", user, "password", password)
		return b
	}
	browser()(403, "", "POST", "/login", "user", "ann", "password", "coffee")
	browser()(401, "", "POST", "/logout")

	first := login("ann", "tea")
	var ann []func(int, string, string, string, ...string) string
	for range 3 {
		ann = append(ann, login("ann", "tea"))
	}
	first(401, "", "POST", "/password/code") // a fourth device has ended the first
	if got := ann[0](200, `"current":true`, "GET", "/devices"); strings.Count(got, `"lastUsedAt"`) != 3 {
		t.Errorf("the devices are %s, want three", got)
	}

	root := login("root", "tea")
	ann[0](403, "", "GET", "/admin/sessions")
	root(200, `{"ann":3,"root":1}`, "GET", "/admin/sessions")
	root(200, `{"changed":3}`, "POST", "/admin/roles", "user", "ann", "role", "administrator")
	ann[0](200, `{"ann":3,"root":1}`, "GET", "/admin/sessions")

	code := ann[0](200, "", "POST", "/password/code")
	ann[0](403, "", "POST", "/password/confirm", "code", "guessed", "new", "milk")
	ann[0](403, "", "POST", "/password/confirm", "code", code, "new", "milk") // one try
	code = ann[0](200, "", "POST", "/password/code")
	ann[0](200, `{"ended":2}`, "POST", "/password/confirm", "code", code, "new", "milk")
	ann[1](401, "", "POST", "/password/code")
	browser()(403, "", "POST", "/login", "user", "ann", "password", "tea")

	other := login("ann", "milk")
	ann[0](200, "bye", "POST", "/logout/everywhere")
	other(401, "", "POST", "/password/code")
	login("ann", "milk")
	root(200, `{"ended":1}`, "POST", "/admin/logout", "user", "ann")
	root(200, `{"root":1}`, "GET", "/admin/sessions")
}

// TestFailureAfterLogin: if a handler fails, the login before that is not stored.
func TestFailureAfterLogin(t *testing.T) {
	s := open(t)
	handler := s.visit(func(_ *http.Request, v *session.Session[Visit]) (any, error) {
		return nil, errors.Join(v.Login("ann", nil), errors.New("the disk is full"))
	})
	w := httptest.NewRecorder()
	sessionchi.Middleware(s.visits, nil)(handler).ServeHTTP(w, httptest.NewRequest("POST", "/", nil))
	if got := w.Result().Cookies(); w.Code != 500 || len(got) != 0 {
		t.Errorf("got %d and the cookies %v, want 500 and none", w.Code, got)
	}
}

func TestOtherSites(t *testing.T) {
	r := httptest.NewRequest("POST", "/login", nil)
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	w := httptest.NewRecorder()
	open(t).handler().ServeHTTP(w, r)
	if got := w.Body.String(); w.Code != 403 || !strings.Contains(got, "cross-origin") {
		t.Errorf("a form of another site: got %d %s, want 403", w.Code, got)
	}
}
