package storetest

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"sync"

	session "github.com/gostateful/session/core"
)

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
	m := t.manager(rec, session.Options{})
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
		{"log in", func(s *session.Session[visits]) error { return s.Login(subject, nil) }},
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
	// With fewer secrets and changes the law would have looked at nothing.
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

// revealed returns the spelling in which a record holds a token or its secret,
// or "".
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
