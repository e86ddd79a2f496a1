package storetest

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/gostateful/session/core"
)

// visits is the data of the sessions of these laws.
type visits struct {
	N    int
	Note string
}

// manager returns an engine over a store.
func (t *trial) manager(s session.Store) *session.Manager[visits] {
	t.Helper()
	m, err := session.New[visits](s, &session.Options{StoreTimeout: time.Minute})
	if err != nil {
		t.Fatalf("session.New: %v", err)
	}
	return m
}

// visit takes one request through the engine, as an adapter does, and returns
// the cookie that the browser holds afterwards.
func visit(ctx context.Context, m *session.Manager[visits], cookie *http.Cookie, handle func(s *session.Session[visits]) error) (*http.Cookie, error) {
	var lines []string
	if cookie != nil {
		lines = []string{cookie.Name + "=" + cookie.Value}
	}
	x := new(session.Exchange)
	x.Begin(ctx, m, lines)
	s, err := m.Get(x)
	if err != nil {
		return nil, fmt.Errorf("Get: %w", err)
	}
	if err := handle(s); err != nil {
		return nil, err
	}
	header, err := x.Commit(session.Response{})
	if err != nil {
		return nil, fmt.Errorf("Commit: %w", err)
	}
	if err := x.Finish(); err != nil {
		return nil, fmt.Errorf("Finish: %w", err)
	}
	if len(header.SetCookie) == 0 {
		return cookie, nil
	}
	return http.ParseSetCookie(header.SetCookie[0])
}

func counted(s *session.Session[visits]) error {
	return s.Update(func(v *visits) error { v.N++; return nil })
}

// recorder keeps what is written to a store.
type recorder struct {
	session.Store
	mu      sync.Mutex
	written []session.Record
}

func (s *recorder) record(r session.Record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r.Data = bytes.Clone(r.Data)
	s.written = append(s.written, r)
}

func (s *recorder) Create(ctx context.Context, r session.Record) error {
	s.record(r)
	return s.Store.Create(ctx, r)
}

func (s *recorder) Update(ctx context.Context, r session.Record) error {
	s.record(r)
	return s.Store.Update(ctx, r)
}

func secretNeverReachesStore(t *trial) {
	rec := &recorder{Store: t.store}
	m := t.manager(rec)
	var cookie *http.Cookie
	var tokens []string
	subject := t.subject()
	note := func(s *session.Session[visits]) error {
		return s.Update(func(v *visits) error {
			if v.N++; t.config.leak != nil {
				v.Note = t.config.leak(cookie.Value)
			}
			return nil
		})
	}
	for _, step := range []struct {
		name   string
		handle func(s *session.Session[visits]) error
	}{
		{"create", counted},
		{"log in", func(s *session.Session[visits]) error { return s.Login(subject) }},
		{"change", note},
		{"renew", (*session.Session[visits]).Renew},
		{"change", note},
	} {
		var err error
		if cookie, err = visit(t.Context(), m, cookie, step.handle); err != nil {
			t.Fatalf("a request to %s: %v", step.name, err)
		}
		tokens = append(tokens, cookie.Value)
	}
	// Three secrets and five changes, or the law has looked at nothing.
	distinct := map[string]bool{}
	for _, token := range tokens {
		distinct[token] = true
	}
	if len(distinct) != 3 || len(rec.written) != 5 {
		t.Fatalf("got %d tokens and %d writes, want 3 and 5", len(distinct), len(rec.written))
	}
	records := append(rec.written, t.list(subject)...)
	for token := range distinct {
		for _, r := range records {
			if spelling := revealed(r, token); spelling != "" {
				t.Fatalf("a record of version %d holds the token's secret, as %s", r.Version, spelling)
			}
		}
	}
}

// revealed returns in which spelling a record holds a token or its secret.
func revealed(r session.Record, token string) string {
	raw, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || len(raw) != 48 {
		return "what is no token, so the law cannot tell"
	}
	secret := raw[16:]
	for spelling, b := range map[string][]byte{
		"the token":                []byte(token),
		"raw bytes":                secret,
		"hex":                      []byte(hex.EncodeToString(secret)),
		"upper-case hex":           bytes.ToUpper([]byte(hex.EncodeToString(secret))),
		"base64":                   []byte(base64.RawStdEncoding.EncodeToString(secret)),
		"base64url":                []byte(base64.RawURLEncoding.EncodeToString(secret)),
		"the token's other base64": []byte(base64.StdEncoding.EncodeToString(raw)),
	} {
		if bytes.Contains(r.Data, b) || bytes.Contains([]byte(r.Subject), b) {
			return spelling
		}
	}
	return ""
}

func engineLosesNoChange(t *trial) {
	const visitors, each = 6, 5
	m := t.manager(t.store)
	cookie, err := visit(t.Context(), m, nil, counted)
	if err != nil {
		t.Fatalf("the first request: %v", err)
	}
	errs := together(visitors, func(int) error {
		for range each {
			if _, err := visit(t.Context(), m, cookie, counted); err != nil {
				return err
			}
		}
		return nil
	})
	if err := errors.Join(errs...); err != nil {
		t.Fatalf("requests that overlap: %v", err)
	}
	var n int
	if _, err := visit(t.Context(), m, cookie, func(s *session.Session[visits]) error { n = s.Data().N; return nil }); err != nil {
		t.Fatalf("the last request: %v", err)
	}
	if want := 1 + visitors*each; n != want {
		t.Fatalf("after %d requests that each count one visit: got %d, want %d", want, n, want)
	}
}

func engineLogoutWins(t *trial) {
	m := t.manager(t.store)
	id, subject, _ := t.during(m, func(cookie *http.Cookie, id session.ID) error { return m.Revoke(t.Context(), id) })
	t.absent("after it was revoked during a request", session.Record{ID: id, Subject: subject})

	id, subject, cookie := t.during(m, func(cookie *http.Cookie, id session.ID) error {
		_, err := visit(t.Context(), m, cookie, (*session.Session[visits]).Destroy)
		return err
	})
	// What a logout leaves for a while has no owner, and opens for nobody.
	t.owns("after a logout during a request", subject)
	_, err := visit(t.Context(), m, cookie, func(s *session.Session[visits]) error {
		if s.ID() == id || s.Data().N != 0 || s.Subject() != "" {
			t.Errorf("after a logout during a request: got %+v of %q, want nothing", s.Data(), s.Subject())
		}
		return nil
	})
	if err != nil {
		t.Fatalf("a request after the logout: %v", err)
	}
}

// during logs in, and ends the session while a request that changes it is handled.
func (t *trial) during(m *session.Manager[visits], end func(cookie *http.Cookie, id session.ID) error) (id session.ID, subject string, cookie *http.Cookie) {
	t.Helper()
	subject = t.subject()
	cookie, err := visit(t.Context(), m, nil, func(s *session.Session[visits]) error { return s.Login(subject) })
	if err != nil {
		t.Fatalf("a request to log in: %v", err)
	}
	_, err = visit(t.Context(), m, cookie, func(s *session.Session[visits]) error {
		id = s.ID()
		if err := end(cookie, id); err != nil {
			return fmt.Errorf("its end: %w", err)
		}
		return counted(s)
	})
	if err != nil {
		t.Fatalf("a request during which another ended the session: %v", err)
	}
	return id, subject, cookie
}
