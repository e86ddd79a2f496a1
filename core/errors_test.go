package session_test

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"testing"

	session "github.com/gostateful/session/core"
)

// Law 13: adapters recognise the errors of this package, however they are wrapped,
// and no others.
func TestErrorHeader(t *testing.T) {
	si := newSite(t, nil)
	s := si.begin(&browser{}).get()
	_, badID := session.ParseID("x")
	_, take := session.Take[cart, int](t.Context(), s, nil)
	inside := s.Update(func(*cart) error { return s.Renew() })
	for _, err := range []error{
		session.ErrUnavailable, session.ErrNotFound, session.ErrSuperseded, badID, take, inside,
		s.Update(nil), s.Login("", nil), s.Login("ann", &session.LoginOptions{Remember: true}), si.Revoke(t.Context(), session.ID{}),
	} {
		for _, wrapped := range []error{err, fmt.Errorf("page: %w", err), errors.Join(errors.New("page"), err)} {
			if _, ours := session.ErrorHeader(wrapped); err == nil || !ours {
				t.Errorf("%v: not recognised", wrapped)
			}
		}
	}
	text := fmt.Errorf("%v: dial redis.internal", session.ErrUnavailable) // which has lost what it was
	if _, ours := session.ErrorHeader(text); !ours {
		t.Errorf("%v: not recognised", text)
	}
	for _, err := range []error{nil, errors.New("session: the film is sold out"), context.Canceled} {
		if _, ours := session.ErrorHeader(err); ours {
			t.Errorf("%v is none of ours", err)
		}
	}
}

// TestError: a handler's answer to an error does not show its text.
func TestError(t *testing.T) {
	for _, test := range []struct {
		err         error
		status      int
		text, retry string
	}{
		{fmt.Errorf("%w: dial redis.internal", session.ErrUnavailable), 503, "Service Unavailable\n", "1"},
		{session.ErrConflict, 409, "Conflict\n", "1"},
		{session.ErrSuperseded, 409, "Conflict\n", ""}, // the commit knows when to come again
		{session.ErrTooLarge, 500, "Internal Server Error\n", ""},
	} {
		w := httptest.NewRecorder()
		session.Error(w, test.err)
		h := w.Header()
		if w.Code != test.status || w.Body.String() != test.text || h.Get("Retry-After") != test.retry || h.Get("Cache-Control") != "no-store" {
			t.Errorf("%v: got %d %q and %v, want %d %q, Retry-After %q, no-store", test.err, w.Code, w.Body, h, test.status, test.text, test.retry)
		}
	}
}
