package session_test

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	session "github.com/gostateful/session/core"
)

// Law 5: a request that does not ask for its session costs nothing.
func TestUnusedCostsNothing(t *testing.T) {
	si, b := newSite(t, nil), &browser{}
	si.visit(b, incremented)
	si.store.took()
	r := si.begin(b)
	h, err := r.respond()
	if err != nil || !reflect.DeepEqual(h, session.Header{}) || r.Finish() != nil {
		t.Errorf("got %+v and %v, want nothing", h, err)
	}
	if calls := si.store.took(); len(calls) > 0 {
		t.Errorf("the store was called: %v", calls)
	}
}

// Law 6: a read is one Load, touches are rare, and an unchanged session is not
// written.
func TestUnchangedWritesNothing(t *testing.T) {
	calls := func(t *testing.T, si *site, want ...string) {
		t.Helper()
		if got := si.store.took(); !slices.Equal(got, want) {
			t.Errorf("the store got %v, want %v", got, want)
		}
	}
	t.Run("a read is one load", func(t *testing.T) {
		si, b := newSite(t, nil), &browser{}
		si.visit(b, incremented)
		calls(t, si, "create")
		r := si.begin(b)
		if first, second := r.get(), r.get(); first != second {
			t.Error("two calls of Get gave two handles")
		}
		h, _ := r.respond()
		calls(t, si, "load")
		if !reflect.DeepEqual(h, session.Header{Vary: "Cookie"}) {
			t.Errorf("got %+v, want Vary: Cookie alone", h)
		}
	})
	t.Run("a new session that stays empty", func(t *testing.T) {
		si, b := newSite(t, nil), &browser{}
		si.visit(b, func(s *session.Session[cart]) error {
			return errors.Join(s.Renew(), s.Update(func(c *cart) error { c.Items = nil; return nil }))
		})
		calls(t, si)
		if b.cookie != "" {
			t.Errorf("cookie %q", b.cookie)
		}
	})
	t.Run("an update that changes nothing", func(t *testing.T) {
		si, b := newSite(t, nil), &browser{}
		si.visit(b, incremented)
		si.store.took()
		si.visit(b, func(s *session.Session[cart]) error {
			return s.Update(func(c *cart) error { c.N = 1; return nil })
		})
		calls(t, si, "load")
	})
	t.Run("an update that another took back", func(t *testing.T) {
		si, b := newSite(t, nil), &browser{}
		si.visit(b, incremented)
		si.store.took()
		si.visit(b, func(s *session.Session[cart]) error {
			return errors.Join(s.Update(increment), s.Update(func(c *cart) error { c.N--; return nil }))
		})
		calls(t, si, "load")
	})
	t.Run("touch", func(t *testing.T) {
		for _, test := range []struct{ idle, due time.Duration }{
			{time.Hour, time.Minute},
			{5 * time.Minute, 30 * time.Second},
		} {
			synctest.Test(t, func(t *testing.T) {
				si, b := newSite(t, &session.Options{IdleTimeout: test.idle}), &browser{}
				si.visit(b, incremented)
				si.store.took()
				time.Sleep(test.due - time.Millisecond)
				si.visit(b, look)
				calls(t, si, "load")
				time.Sleep(time.Millisecond)
				r := si.begin(b)
				r.get()
				_, _ = r.respond() // not only when the handler ends, which may be in hours
				calls(t, si, "load", "touch")
				_ = r.Finish()
				calls(t, si)
				si.visit(b, func(s *session.Session[cart]) error {
					if want := time.Now().Add(test.idle); !s.ExpiresAt().Equal(want) {
						t.Errorf("expires %v, want %v", s.ExpiresAt(), want)
					}
					return nil
				})
				calls(t, si, "load")

				// A change moves the expiry by itself.
				time.Sleep(test.due)
				si.visit(b, incremented)
				calls(t, si, "load", "update")
			})
		}
	})
	t.Run("a touch cannot fail the request", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			si, b := newSite(t, nil), &browser{}
			si.visit(b, incremented)
			time.Sleep(2 * time.Minute)
			si.store.down("touch")
			si.visit(b, look)
			if !si.saw(session.EventError) {
				t.Error("no event tells that the touch failed")
			}
		})
	})
	t.Run("the expiry that a store keeps tells the last use", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			si, b := newSite(t, &session.Options{Lifetime: time.Hour}), &browser{}
			si.visit(b, incremented)
			time.Sleep(50 * time.Minute)
			si.visit(b, look)
			for _, r := range si.store.Records {
				if want := time.Now().Add(time.Hour); !r.ExpiresAt.Equal(want) {
					t.Errorf("got %v, want %v: only the engine knows of Lifetime", r.ExpiresAt, want)
				}
			}
			si.visit(b, func(s *session.Session[cart]) error {
				if want := time.Now().Add(10 * time.Minute); !s.ExpiresAt().Equal(want) {
					t.Errorf("the session says %v, want %v", s.ExpiresAt(), want)
				}
				return nil
			})
		})
	})
}

// Law 12: a value that is not a token reaches no store, and of many tokens only
// three do.
func TestJunkIsCheap(t *testing.T) {
	good := strings.Repeat("QUJD", 16)
	for _, junk := range []string{
		"", "=", "__Host-session", "__Host-session=", "__Host-session=x", ";;;", "\x00",
		"__Host-session=" + good[:63], "__Host-session=" + good + "A", "__Host-session=" + good[:62] + "==",
		"__Host-session=" + good[:63] + "\n", "__Host-session=" + good[:63] + "+", "__Host-session=\"" + good[:62] + "\"",
		"__Host-session=" + strings.Repeat("A", 64), // the zero ID
		"__host-session=" + good, "__Host-Session=" + good, "x__Host-session=" + good, "__Host-session2=" + good, "__Host-session =" + good,
	} {
		si := newSite(t, nil)
		si.visit(&browser{cookie: junk}, look)
		if calls := si.store.took(); len(calls) > 0 {
			t.Errorf("cookie %q: the store got %v", junk, calls)
		}
	}

	token := func(c byte) string { return "__Host-session=" + strings.Repeat(string(c), 64) }
	t.Run("three of many", func(t *testing.T) {
		si := newSite(t, nil)
		many := strings.Join([]string{token('B'), token('C'), token('B'), "__Host-session=junk", token('D'), token('E'), token('F')}, "; ")
		si.visit(&browser{cookie: many}, look)
		if got := si.store.took(); len(got) != 3 {
			t.Errorf("the store got %v, want 3 loads", got)
		}
	})
	t.Run("the good one among others", func(t *testing.T) {
		si, b := newSite(t, nil), &browser{}
		si.visit(b, incremented)
		for _, lines := range [][]string{
			{"a=b; " + token('B') + ";" + b.cookie + ";"},
			{token('B'), b.cookie},
			{token('B') + "; __Host-session=junk;" + token('C') + ";\t" + b.cookie + " ; c=d"},
		} {
			x := new(session.Exchange)
			x.Begin(t.Context(), si, lines)
			s, err := si.Get(x)
			if err != nil || s.Data().N != 1 {
				t.Errorf("cookies %q: not found (%v)", lines, err)
			}
		}
	})
}
