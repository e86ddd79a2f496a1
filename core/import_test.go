package session_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	session "github.com/gostateful/session/core"
)

// oldToken names a session of another library.
const oldToken = "Zk2vB0o8bJx5cQmT1nWq7YdR4hLpE9aS"

// ofAnn is what the other library holds under it.
var ofAnn = session.Info[cart]{Subject: "ann", Data: cart{N: 1, Items: []string{"tea"}}}

// imports handles a request that imports ofAnn.
func (r *request) imports() *session.Session[cart] {
	r.si.t.Helper()
	s, err := r.si.Import(r, oldToken, ofAnn)
	if err != nil {
		r.si.t.Fatalf("Import: %v", err)
	}
	return s
}

// moved returns a browser that has received the cookie of an import.
func moved(t *testing.T, opts *session.Options) (*site, *browser) {
	t.Helper()
	si, b := newSite(t, opts), &browser{}
	r := si.begin(b)
	r.imports()
	if h, err := r.respond(); err != nil || b.cookie == "" || h.CacheControl != "no-store" {
		t.Fatalf("the response has %+v, %v: want a cookie", h, err)
	}
	return si, b
}

// The session of another library goes on, and is no fresh login.
func TestImport(t *testing.T) {
	si, b := moved(t, nil)
	if got := si.kinds(); !slices.Equal(got, []session.EventKind{session.EventCreated, session.EventLogin}) {
		t.Errorf("events %v", got)
	}
	si.visit(b, func(s *session.Session[cart]) error {
		if s.Subject() != "ann" || s.Data().N != 1 || !slices.Equal(s.Data().Items, []string{"tea"}) || s.IsNew() {
			t.Errorf("got %q with %+v", s.Subject(), s.Data())
		}
		if at := s.AuthenticatedAt(); !at.IsZero() {
			t.Errorf("the login passes for one at %v, want never: its time is not known", at)
		}
		if left := time.Until(s.LifetimeEndsAt()); left < 23*time.Hour {
			t.Errorf("Lifetime has %v left, want 24 hours from the import", left)
		}
		return nil
	})
	proven := time.Now().Add(-time.Hour).Truncate(time.Millisecond)
	r := si.begin(&browser{})
	s, err := si.Import(r, oldToken+"2", session.Info[cart]{Subject: "ann", AuthenticatedAt: proven})
	if err != nil || !s.AuthenticatedAt().Equal(proven) {
		t.Errorf("got %v, %v, want the time that was given: %v", s.AuthenticatedAt(), err, proven)
	}
	for _, data := range si.store.seen {
		if bytes.Contains(data, []byte(oldToken)) {
			t.Error("the store holds the old secret")
		}
	}
	if infos, err := si.List(t.Context(), "ann"); err != nil || len(infos) != 2 {
		t.Errorf("ann has %v, %v", infos, err)
	}
}

// Law 1, for a move: requests that import one old session at once get one session,
// and lose nothing.
func TestImportIsOne(t *testing.T) {
	t.Run("one after the other", func(t *testing.T) {
		si, b := newSite(t, nil), &browser{}
		first, second := si.begin(b), si.begin(b)
		one, two := first.imports(), second.imports()
		for _, s := range []*session.Session[cart]{one, two} {
			if err := s.Update(increment); err != nil {
				t.Fatal(err)
			}
		}
		for _, r := range []*request{second, first} {
			if _, err := r.respond(); err != nil {
				t.Fatal(err)
			}
		}
		if got := si.data(b); got.N != 3 || one.ID() != two.ID() || live(si) != 1 {
			t.Errorf("got %+v in %d sessions, want 3 in one", got, live(si))
		}
	})
	t.Run("at once", func(t *testing.T) {
		si, b := newSite(t, nil), &browser{}
		other := *b
		first, second := si.begin(b), si.begin(&other)
		var two *session.Session[cart]
		si.store.once("create", func() { two = second.imports() })
		one := first.imports()
		for _, s := range []*session.Session[cart]{one, two} {
			if err := s.Update(increment); err != nil {
				t.Fatal(err)
			}
		}
		for _, r := range []*request{first, second} {
			if _, err := r.respond(); err != nil {
				t.Fatal(err)
			}
		}
		if got := si.data(&other); got.N != 3 || one.ID() != two.ID() || live(si) != 1 || b.cookie != "" {
			t.Errorf("got %+v in %d sessions, want 3 in one, and one cookie", got, live(si))
		}
	})
}

// Law 19, for a move: a browser that loses the response loses nothing.
func TestImportLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		si, _ := moved(t, nil)
		b := &browser{} // which got no cookie
		for range 3 {   // within the window the response may still arrive
			r := si.begin(b)
			if err := r.imports().Update(increment); err != nil {
				t.Fatal(err)
			}
			if _, err := r.respond(); err != nil || b.cookie != "" {
				t.Fatalf("got %q, %v", b.cookie, err)
			}
			time.Sleep(20 * time.Second)
		}
		r := si.begin(b)
		r.imports()
		if _, err := r.respond(); err != nil || b.cookie == "" {
			t.Fatalf("got %q, %v: want a new secret, after the window", b.cookie, err)
		}
		if got := si.data(b); got.N != 4 || live(si) != 1 {
			t.Errorf("got %+v in %d sessions", got, live(si))
		}
	})
}

// After the browser has received the new cookie, the old one is a straggler's
// for the window. After that it opens nothing, and counts as stolen.
func TestImportOfStolen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		si, b := moved(t, nil)
		si.visit(b, look) // with the new cookie
		time.Sleep(59 * time.Second)
		if s := si.begin(&browser{}).imports(); s.Subject() != "ann" {
			t.Errorf("a straggler of the move is %q, want ann", s.Subject())
		}
		time.Sleep(2 * time.Second)
		si.kinds()
		thief := &browser{}
		r := si.begin(thief)
		s := r.imports()
		if s.Subject() != "" || !s.IsNew() || len(s.Data().Items) != 0 {
			t.Errorf("the stolen one is %q with %+v", s.Subject(), s.Data())
		}
		if err := s.Update(increment); err != nil {
			t.Errorf("a visitor cannot change its session: %v", err)
		}
		if _, err := r.respond(); err != nil || !si.saw(session.EventReused) {
			t.Errorf("got %v, and EventReused is missing", err)
		}
		if got := si.data(b); got.N != 1 {
			t.Errorf("the owner has %+v", got)
		}
	})
}

// Laws 2 and 3, for a move: a request with only the old session undoes no
// logout and no login.
func TestImportUndoesNothing(t *testing.T) {
	for name, act := range map[string]func(*session.Session[cart]) error{
		"login":  loggedIn,
		"logout": func(s *session.Session[cart]) error { return s.Destroy() },
		"renew":  func(s *session.Session[cart]) error { return s.Renew() },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				si, b := moved(t, nil)
				was := *b
				si.visit(b, act)
				time.Sleep(20 * time.Second)
				late := si.begin(&browser{})
				s, err := si.Import(late, oldToken, ofAnn)
				if s != nil || !errors.Is(err, session.ErrSuperseded) {
					t.Fatalf("got %v, %v, want ErrSuperseded", s, err)
				}
				if s = late.get(); s.Subject() != "" || !errors.Is(s.Update(increment), session.ErrSuperseded) {
					t.Errorf("the straggler is %q, or can change something", s.Subject())
				}
				dead := si.begin(&was) // a straggler, of whom the other library has nothing any more
				if s, err := si.Import(dead, oldToken+"2", session.Info[cart]{}); err != nil || s == nil {
					t.Errorf("an import of nothing gets %v, %v", s, err)
				}
				if h, err := late.respond(); err != nil || len(h.SetCookie) > 0 || h.RetryAfter != "40" {
					t.Errorf("got %+v, %v, want no cookie, and to come again in 40 seconds", h, err)
				}
			})
		})
	}
	t.Run("a logout in the request that imports", func(t *testing.T) {
		si, b := newSite(t, nil), &browser{}
		r := si.begin(b)
		if err := r.imports().Destroy(); err != nil {
			t.Fatal(err)
		}
		if _, err := r.respond(); err != nil || b.cookie != "" || live(si) != 0 {
			t.Errorf("got %q, %v, and %d sessions", b.cookie, err, live(si))
		}
	})
	t.Run("a login in the request that imports", func(t *testing.T) {
		si, b := newSite(t, nil), &browser{}
		r := si.begin(b)
		if err := r.imports().Login("ann", nil); err != nil {
			t.Fatal(err)
		}
		if h, err := r.respond(); err != nil || len(h.SetCookie) != 1 {
			t.Errorf("got %q, %v", h.SetCookie, err)
		}
		if got := si.data(b); got.N != 1 || live(si) != 1 {
			t.Errorf("got %+v", got)
		}
	})
}

// A browser has one session: the one that it had before ends.
func TestImportReplaces(t *testing.T) {
	si, b := newSite(t, nil), &browser{}
	si.visit(b, loggedIn)
	was := *b
	si.kinds()
	r := si.begin(b)
	r.get()
	s := r.imports()
	if s.Subject() != "ann" || s.IsNew() || r.get() != s {
		t.Errorf("got %v of %q", s, s.Subject())
	}
	if _, err := r.respond(); err != nil || live(si) != 1 || !si.saw(session.EventDestroyed) {
		t.Errorf("%v, and %d sessions, want one", err, live(si))
	}
	si.visit(&was, func(s *session.Session[cart]) error {
		if s.Subject() != "" {
			t.Errorf("the session that was replaced is still that of %q", s.Subject())
		}
		return nil
	})
	si.store.took()
	r = si.begin(b) // the same again
	r.imports()
	if _, err := r.respond(); err != nil || live(si) != 1 || slices.Contains(si.store.took(), "delete") {
		t.Errorf("%v, and %d sessions", err, live(si))
	}
}

// Law 7, for a move: a store that is down is an error, and nobody is anonymous.
func TestImportFails(t *testing.T) {
	for _, method := range []string{"load", "create", "delete"} {
		t.Run(method, func(t *testing.T) {
			si, b := newSite(t, nil), &browser{}
			if method == "delete" {
				si.visit(b, incremented)
			}
			was := b.cookie
			si.store.down(method)
			r := si.begin(b)
			s, err := si.Import(r, oldToken, ofAnn)
			if s != nil || !errors.Is(err, session.ErrUnavailable) {
				t.Fatalf("got %v, %v", s, err)
			}
			if err := r.get().Update(increment); !errors.Is(err, session.ErrUnavailable) {
				t.Errorf("a change gets %v, want ErrUnavailable", err)
			}
			if _, err := r.respond(); err != nil || b.cookie != was || !si.saw(session.EventError) {
				t.Errorf("got %v and %q", err, b.cookie)
			}
			si.store.hook(nil, nil)
			r = si.begin(b)
			if s := r.imports(); s.Subject() != "ann" {
				t.Errorf("afterwards got %q", s.Subject())
			}
			if _, err := r.respond(); err != nil || si.data(b).N != 1 || live(si) != 1 {
				t.Errorf("afterwards %v, %+v", err, si.data(b))
			}
		})
	}
	t.Run("the reply is lost", func(t *testing.T) {
		si, b := newSite(t, nil), &browser{}
		si.store.hook(nil, func(m string, _ session.ID) error {
			if m == "create" {
				return errDown
			}
			return nil
		})
		if _, err := si.Import(si.begin(b), oldToken, ofAnn); !errors.Is(err, session.ErrUnavailable) {
			t.Fatal(err)
		}
		si.store.hook(nil, nil)
		if s := si.begin(b).imports(); s.Subject() != "ann" || live(si) != 1 {
			t.Errorf("afterwards got %q", s.Subject())
		}
	})
}

func TestImportRefuses(t *testing.T) {
	si, b := newSite(t, nil), &browser{}
	refused := func(name string, err error, want string) {
		t.Helper()
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", name, err, want)
		}
	}
	_, err := si.Import(si.begin(b), "42", ofAnn)
	refused("an id that can be guessed", err, "shorter than 16 bytes")
	_, err = si.Import(si.begin(b), oldToken, session.Info[cart]{Subject: "a\x00b"})
	refused("a subject that is none", err, "subject")
	_, err = si.Import(si.begin(b), oldToken, session.Info[cart]{Subject: "ann", Remembered: true})
	refused("to be remembered", err, "Options.Remember")
	_, err = si.Import(t.Context(), oldToken, ofAnn)
	refused("no middleware", err, "wrap the handler")
	r := si.begin(b)
	if err := r.get().Update(increment); err != nil {
		t.Fatal(err)
	}
	_, err = si.Import(r, oldToken, ofAnn)
	refused("beside changes", err, "call Import before them")
	if _, err := r.respond(); err != nil || si.data(b).N != 1 {
		t.Errorf("the change is lost: %v", err)
	}
	r = si.begin(&browser{})
	r.get()
	if _, err := r.Commit(session.Response{}); err != nil {
		t.Fatal(err)
	}
	_, err = si.Import(r, oldToken, ofAnn)
	refused("after the header", err, "the response has begun")
	if live(si) != 1 {
		t.Errorf("%d sessions, want that of the change alone", live(si))
	}
}

// Law 6, for a move: for an empty old session nothing is stored.
func TestImportOfNothing(t *testing.T) {
	si, b := newSite(t, nil), &browser{}
	r := si.begin(b)
	s, err := si.Import(r, oldToken, session.Info[cart]{})
	if err != nil || !s.IsNew() {
		t.Fatalf("got %v, %v", s, err)
	}
	if _, err := r.respond(); err != nil || b.cookie != "" || len(si.store.took()) != 0 {
		t.Errorf("got %q, %v, and the store was called", b.cookie, err)
	}
	si.visit(b, loggedIn)
	r = si.begin(b)
	if s, err = si.Import(r, oldToken, session.Info[cart]{}); err != nil || s.Subject() != "" || live(si) != 0 {
		t.Errorf("the login that was there goes on: %v, %v", s, err)
	}
}

// Law 17, for a move.
func TestImportDoesNotCross(t *testing.T) {
	store := newTestStore()
	seen := map[session.ID]bool{}
	for _, opts := range []*session.Options{nil, {Realm: "staff"}, {Cookie: session.Cookie{Name: "__Host-admin"}}} {
		si := newSiteOn(t, store, opts)
		for _, subject := range []string{"", "ann", "bob"} {
			b := &browser{}
			r := si.begin(b)
			s, err := si.Import(r, oldToken, session.Info[cart]{Subject: subject, Data: cart{N: 1}})
			if err != nil || s.Subject() != subject || seen[s.ID()] {
				t.Fatalf("%+v, %q: got %v, %v", opts, subject, s, err)
			}
			seen[s.ID()] = true
			if _, err := r.respond(); err != nil || b.cookie == "" {
				t.Errorf("%+v, %q: got %v, %q", opts, subject, err, b.cookie)
			}
		}
	}
}

// A login by an import counts for MaxPerSubject, and may be remembered.
func TestImportIsALogin(t *testing.T) {
	synctest.Test(t, testImportIsALogin)
}

func testImportIsALogin(t *testing.T) {
	si, _ := moved(t, &session.Options{MaxPerSubject: 1, Remember: session.Clocks{Lifetime: 90 * 24 * time.Hour}})
	time.Sleep(time.Second) // the one that was used last stays
	b := &browser{}
	r := si.begin(b)
	s, err := si.Import(r, oldToken+"2", session.Info[cart]{Subject: "ann", Remembered: true})
	if err != nil || !s.Remembered() {
		t.Fatal(s, err)
	}
	if h, err := r.respond(); err != nil || live(si) != 1 || !strings.Contains(cookieOf(h), "Max-Age=") {
		t.Errorf("%v, %d sessions, %q", err, live(si), cookieOf(h))
	}
}

// In a test of a handler, the session is the one that the test has given.
func TestImportInATest(t *testing.T) {
	si := newSite(t, nil)
	ctx := si.NewContext(t.Context(), session.Info[cart]{Subject: "bob"})
	if s, err := si.Import(ctx, oldToken, ofAnn); err != nil || s.Subject() != "bob" {
		t.Errorf("got %v, %v", s, err)
	}
}
