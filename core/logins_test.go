package session_test

import (
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	session "github.com/gostateful/session/core"
)

const day = 24 * time.Hour

var remembering = session.Options{Remember: session.Clocks{IdleTimeout: 10 * day, Lifetime: 30 * day}}

func remembered(s *session.Session[cart]) error {
	return s.Login("alice", &session.LoginOptions{Remember: true})
}

// subject returns who is logged in.
func (si *site) subject(b *browser) (subject string) {
	si.visit(b, func(s *session.Session[cart]) error { subject = s.Subject(); return nil })
	return subject
}

// TestRemember: a login chooses the clocks of its session, and the session
// keeps them. Both hold on the server (law 15).
func TestRemember(t *testing.T) {
	t.Run("both clocks", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			si, b := newSite(t, &remembering), &browser{}
			si.visit(b, incremented)
			h := si.visit(b, remembered)
			if !strings.Contains(cookieOf(h), "Max-Age=2592000") {
				t.Errorf("got %q, want a cookie that lasts 30 days", cookieOf(h))
			}
			for range 3 {
				time.Sleep(10*day - time.Millisecond)
				if si.subject(b) != "alice" || si.data(b).N != 1 {
					t.Fatal("over before its time, or without the cart")
				}
			}
			time.Sleep(3 * time.Millisecond)
			if got := si.subject(b); got != "" {
				t.Errorf("after Lifetime: got %q", got)
			}
			si.visit(b, remembered)
			time.Sleep(10 * day)
			if got := si.subject(b); got != "" {
				t.Errorf("after IdleTimeout: got %q", got)
			}
		})
	})
	t.Run("an ordinary login after it", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			si, b := newSite(t, &remembering), &browser{}
			si.visit(b, remembered)
			h := si.visit(b, func(s *session.Session[cart]) error {
				if !s.Remembered() {
					t.Error("the session does not say that it is remembered")
				}
				err := s.Login("alice", nil)
				if s.Remembered() {
					t.Error("it still says so")
				}
				return err
			})
			if cookieOf(h) == "" || strings.Contains(cookieOf(h), "Max-Age") {
				t.Errorf("got %q, want a cookie that the browser forgets", cookieOf(h))
			}
			time.Sleep(time.Hour)
			if got := si.subject(b); got != "" {
				t.Errorf("after the ordinary IdleTimeout: got %q", got)
			}
		})
	})
	t.Run("an ordinary login beside it", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			si, b := newSite(t, &remembering), &browser{}
			si.visit(b, remembered)
			time.Sleep(time.Minute)
			slow := si.begin(b)
			slow.get()
			si.visit(b, loggedIn)
			if _, err := slow.respond(); err != nil { // its use has the clocks of the remembered login
				t.Error(err)
			}
			time.Sleep(time.Hour)
			if got := si.subject(b); got != "" {
				t.Errorf("after the ordinary IdleTimeout: got %q", got)
			}
		})
	})
	t.Run("kept by a manager without the option", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			si, b := newSite(t, &remembering), &browser{}
			si.visit(b, remembered)
			other := newSiteOn(t, si.store, nil)
			time.Sleep(9 * day)
			if got := other.subject(b); got != "alice" {
				t.Errorf("got %q, want alice", got)
			}
			time.Sleep(9 * day)
			infos, err := other.List(t.Context(), "alice")
			if err != nil || len(infos) != 1 || !infos[0].Remembered || !infos[0].LastUsedAt.Equal(time.Now().Add(-9*day).UTC()) {
				t.Errorf("got %+v, %v; want it last used nine days ago", infos, err)
			}
		})
	})
	t.Run("renewed", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			opts := remembering
			opts.RenewEvery = day
			si, b := newSite(t, &opts), &browser{}
			si.visit(b, remembered)
			time.Sleep(day)
			if h := si.visit(b, look); !strings.Contains(cookieOf(h), "Max-Age=2505600") {
				t.Errorf("got %q, want a renewed cookie that lasts 29 days", cookieOf(h))
			}
		})
	})
	t.Run("without the option", func(t *testing.T) {
		si, b := newSite(t, nil), &browser{}
		si.visit(b, func(s *session.Session[cart]) error {
			if err := remembered(s); err == nil || !strings.Contains(err.Error(), "Options.Remember") {
				t.Errorf("got %v, want an error that names the option", err)
			}
			return nil
		})
	})
}

// TestLoginThatWaits for another goroutine of the request counts from its call.
func TestLoginThatWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		si := newSite(t, nil)
		si.visit(&browser{}, func(s *session.Session[cart]) error {
			inside := make(chan struct{})
			go func() {
				_ = s.Update(func(*cart) error { close(inside); time.Sleep(time.Minute); return nil })
			}()
			<-inside
			called := time.Now()
			err := s.Login("alice", nil)
			if got := s.AuthenticatedAt(); !got.Equal(called) || time.Since(called) != time.Minute {
				t.Errorf("a login called at %v that ended at %v counts from %v", called, time.Now(), got)
			}
			return err
		})
	})
}

// TestLifetimeCountsFromTheCall of Login, not from AuthenticatedAt, which only
// Guard.Within looks at.
func TestLifetimeCountsFromTheCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		si, b := newSite(t, &session.Options{IdleTimeout: day}), &browser{}
		for _, test := range []struct{ given, want time.Time }{
			{time.Now().Add(-100 * day), time.Now().Add(-100 * day)},
			{time.Now().Add(time.Minute), time.Now()}, // the clock of a single sign-on
			{time.Unix(0, 0), time.Time{}},
			{time.Unix(-1, 0), time.Time{}},
			{time.Unix(math.MinInt64/1000-1, 0), time.Time{}}, // in milliseconds it overflows, and so do the next two
			{time.Unix(math.MaxInt64/1000+1, 0), time.Now()},
			{time.Unix(1<<62, 0), time.Now()},
			{time.Time{}, time.Now()},
		} {
			si.visit(b, func(s *session.Session[cart]) error {
				return s.Login("alice", &session.LoginOptions{AuthenticatedAt: test.given})
			})
			si.visit(b, func(s *session.Session[cart]) error {
				if got := s.AuthenticatedAt(); !got.Equal(test.want) || s.Subject() != "alice" {
					t.Errorf("%v: got %v of %q, want %v of alice", test.given, got, s.Subject(), test.want)
				}
				return nil
			})
		}
		time.Sleep(12 * time.Hour)
		si.visit(b, func(s *session.Session[cart]) error {
			return s.Login("alice", &session.LoginOptions{AuthenticatedAt: time.Now().Add(-100 * day)})
		})
		time.Sleep(day - time.Millisecond)
		if si.subject(b) != "alice" {
			t.Error("over before its time")
		}
		if time.Sleep(time.Millisecond); si.subject(b) != "" {
			t.Error("alive after Lifetime")
		}
	})
}

// TestDiscard: the changes of a request can be taken back, such as a login
// after a later failure. A Destroy cannot.
func TestDiscard(t *testing.T) {
	si, b := newSite(t, nil), &browser{}
	h := si.visit(b, func(s *session.Session[cart]) error {
		if err := errors.Join(s.Login("alice", nil), s.Update(increment)); err != nil {
			return err
		}
		s.Discard()
		if s.Subject() != "" || s.Data().N != 0 {
			t.Errorf("got %q and %+v after Discard", s.Subject(), s.Data())
		}
		return nil
	})
	if cookieOf(h) != "" || si.store.count() != 0 {
		t.Errorf("got the cookie %q and %d sessions, want none", cookieOf(h), si.store.count())
	}
	si.visit(b, incremented)
	h = si.visit(b, func(s *session.Session[cart]) error {
		if err := errors.Join(s.Update(increment), s.Commit(t.Context()), s.Login("alice", nil), s.Renew()); err != nil {
			return err
		}
		s.Discard()
		return s.Update(add("tea"))
	})
	if got := si.data(b); cookieOf(h) != "" || got.N != 2 || len(got.Items) != 1 || si.subject(b) != "" {
		t.Errorf("got %+v of %q, want what was stored before Discard, and what was changed after it", got, si.subject(b))
	}
	si.visit(b, func(s *session.Session[cart]) error {
		err := errors.Join(s.Destroy(), s.Update(add("milk")))
		s.Discard()
		return err
	})
	if si.store.count() != 0 {
		t.Error("Discard has taken a logout back")
	}
	stale := &browser{}
	si.visit(stale, loggedIn)
	old := *stale
	si.visit(stale, loggedIn)
	si.visit(&old, func(s *session.Session[cart]) error { // lost against the other login
		err := s.Login("bob", nil)
		s.Discard()
		if err := s.Update(increment); !errors.Is(err, session.ErrSuperseded) {
			t.Errorf("a straggler whose login is taken back: got %v, want ErrSuperseded", err)
		}
		return err
	})
}

// TestDiscardAfterLifetime: if a session has ended during the request, and the
// login that would follow it is taken back, no other session follows (law 18).
func TestDiscardAfterLifetime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		si, b := newSite(t, &session.Options{Lifetime: time.Hour}), &browser{}
		si.visit(b, incremented)
		r := si.begin(b)
		s := r.get()
		time.Sleep(time.Hour)
		if err := s.Login("alice", nil); err != nil {
			t.Fatal(err)
		}
		s.Discard()
		if err := s.Update(increment); !errors.Is(err, session.ErrNotFound) {
			t.Errorf("got %v, want ErrNotFound", err)
		}
		if h, err := r.respond(); err != nil || cookieOf(h) != "" {
			t.Errorf("got the cookie %q, %v", cookieOf(h), err)
		}
	})
}

// TestDestroyAll ends the subject's sessions everywhere, and removes the cookie.
func TestDestroyAll(t *testing.T) {
	si, here, there, bob := newSite(t, nil), &browser{}, &browser{}, &browser{}
	for _, b := range []*browser{here, there} {
		si.visit(b, loggedIn)
	}
	si.visit(bob, func(s *session.Session[cart]) error { return s.Login("bob", nil) })
	si.store.down("deleteall")
	si.visit(here, func(s *session.Session[cart]) error {
		if err := s.DestroyAll(t.Context()); !errors.Is(err, session.ErrUnavailable) || s.Subject() != "alice" {
			t.Errorf("with the store down: got %v and %q", err, s.Subject())
		}
		return nil
	})
	si.store.hook(nil, nil)
	inside := si.begin(here).get()
	if err := inside.Update(func(*cart) error { return inside.DestroyAll(t.Context()) }); err == nil || si.subject(there) != "alice" {
		t.Errorf("inside an Update: got %v, and %q is logged in elsewhere", err, si.subject(there))
	}
	h := si.visit(here, func(s *session.Session[cart]) error { return s.DestroyAll(t.Context()) })
	if !strings.Contains(cookieOf(h), "Max-Age=0") || here.cookie != "" {
		t.Errorf("got %q, want the cookie removed", cookieOf(h))
	}
	if si.subject(there) != "" || si.subject(bob) != "bob" {
		t.Errorf("got %q and %q, want only bob", si.subject(there), si.subject(bob))
	}
	si.visit(here, incremented)
	si.visit(here, func(s *session.Session[cart]) error { return s.DestroyAll(t.Context()) })
	if live(si) != 1 {
		t.Error("without a login it is Destroy")
	}
}

// TestInfoAsJSON has the keys that a page gets.
func TestInfoAsJSON(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		si := newSite(t, nil)
		si.visit(&browser{}, loggedIn)
		infos, err := si.List(t.Context(), "alice")
		if err != nil {
			t.Fatal(err)
		}
		got, err := json.Marshal(infos[0])
		want := `{"id":"` + infos[0].ID.String() + `","subject":"alice","data":{},"remembered":false,"createdAt":"2000-01-01T00:00:00Z","authenticatedAt":"2000-01-01T00:00:00Z","lastUsedAt":"2000-01-01T00:00:00Z","expiresAt":"2000-01-01T01:00:00Z","lifetimeEndsAt":"2000-01-02T00:00:00Z"}`
		if err != nil || string(got) != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	})
}

// TestGivenLogin: a login to a given session gives it the clocks of that login.
func TestGivenLogin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		opts := remembering
		opts.MaxPerSubject = 1
		si := newSite(t, &opts)
		si.visit(&browser{}, loggedIn)
		ctx := si.NewContext(t.Context(), session.Info[cart]{})
		time.Sleep(time.Minute)
		s, err := si.Get(ctx)
		if err := errors.Join(err, remembered(s), s.Commit(ctx)); err != nil {
			t.Fatal(err)
		}
		info, err := si.Find(ctx, s.ID())
		if err != nil || !info.LastUsedAt.Equal(time.Now()) || !s.ExpiresAt().Equal(time.Now().Add(10*day)) {
			t.Errorf("got %+v, %v; want a session used just now", info, err)
		}
	})
}

// TestGivenSessions: tests of applications begin with any session, and lists of
// devices show it.
func TestGivenSessions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		si := newSite(t, &remembering)
		info := session.Info[cart]{Subject: "alice", Data: cart{N: 7}, AuthenticatedAt: time.Now().Add(-time.Hour), CreatedAt: time.Now().Add(-2 * time.Hour), LastUsedAt: time.Now().Add(-time.Minute)}
		s, err := si.Get(si.NewContext(t.Context(), info))
		if err != nil {
			t.Fatal(err)
		}
		infos, err := si.List(t.Context(), "alice")
		info.ID, info.ExpiresAt = s.ID(), time.Now().Add(59*time.Minute)
		for _, at := range []*time.Time{&info.CreatedAt, &info.AuthenticatedAt, &info.LastUsedAt, &info.ExpiresAt} {
			*at = at.UTC()
		}
		if err != nil || len(infos) != 1 || infos[0].Data.N != 7 || infos[0].CreatedAt != info.CreatedAt || infos[0].AuthenticatedAt != info.AuthenticatedAt || infos[0].LastUsedAt != info.LastUsedAt || infos[0].ExpiresAt != info.ExpiresAt {
			t.Errorf("got  %+v, %v\nwant %+v", infos, err, info)
		}
		if !s.AuthenticatedAt().Equal(info.AuthenticatedAt) {
			t.Errorf("got %v, want %v", s.AuthenticatedAt(), info.AuthenticatedAt)
		}

		cookie, err := si.NewCookie(t.Context(), session.Info[cart]{Subject: "bob", Data: cart{N: 8}, Remembered: true})
		if err != nil || cookie.Name != "__Host-session" || !cookie.HttpOnly || !cookie.Secure || cookie.SameSite != http.SameSiteLaxMode || cookie.MaxAge != 30*24*60*60 {
			t.Fatalf("got %+v, %v", cookie, err)
		}
		b := &browser{cookie: cookie.Name + "=" + cookie.Value}
		if si.subject(b) != "bob" || si.data(b).N != 8 {
			t.Errorf("got %q with %+v", si.subject(b), si.data(b))
		}
		for _, bad := range []session.Info[cart]{{Subject: "a\x00"}, {ID: s.ID()}} {
			if _, err := si.NewCookie(t.Context(), bad); err == nil {
				t.Errorf("%+v was accepted", bad)
			}
			if _, err := si.Get(si.NewContext(t.Context(), bad)); err == nil {
				t.Errorf("%+v was accepted", bad)
			}
		}
	})
}
