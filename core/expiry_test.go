package session_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	session "github.com/gostateful/session/core"
)

// Law 15: idle and absolute expiry hold at every load, to the millisecond, even
// if the store still has the record.
func TestBothClocksHold(t *testing.T) {
	alive := func(si *site, b *browser) (alive bool) {
		si.visit(b, func(s *session.Session[cart]) error { alive = !s.IsNew(); return nil })
		return alive
	}
	for _, late := range []bool{false, true} {
		name := "store on time"
		if late {
			name = "store that forgets nothing"
		}
		t.Run("idle, "+name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				si, b := newSite(t, nil), &browser{}
				si.store.Late = late
				si.visit(b, incremented)
				time.Sleep(time.Hour - time.Millisecond)
				if !alive(si, b) {
					t.Fatal("over before its time")
				}
				time.Sleep(time.Hour) // that was a use
				if alive(si, b) {
					t.Error("alive at IdleTimeout after the last use")
				}
				if late && !si.saw(session.EventExpired) {
					t.Error("no event tells that it expired")
				}
			})
		})
		t.Run("lifetime, "+name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				si, b := newSite(t, nil), &browser{}
				si.store.Late = late
				si.visit(b, incremented)
				for range 48 {
					time.Sleep(30*time.Minute - time.Millisecond)
					if !alive(si, b) {
						t.Fatal("over before its time")
					}
					si.visit(b, incremented) // a change moves the idle expiry exactly
				}
				time.Sleep(47 * time.Millisecond)
				if !alive(si, b) {
					t.Error("over one millisecond before its time")
				}
				time.Sleep(time.Millisecond)
				if alive(si, b) {
					t.Error("alive after Lifetime")
				}
			})
		})
	}

	t.Run("lifetime counts from the login", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			si, b := newSite(t, &session.Options{Lifetime: 40 * time.Minute, IdleTimeout: 30 * time.Minute}), &browser{}
			si.visit(b, incremented)
			time.Sleep(20 * time.Minute)
			si.visit(b, loggedIn)
			time.Sleep(25 * time.Minute)
			if !alive(si, b) {
				t.Error("over before its time")
			}
			time.Sleep(15 * time.Minute)
			if alive(si, b) {
				t.Error("alive after Lifetime since the login")
			}
		})
	})

	t.Run("a store that prolongs", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			si, b := newSite(t, nil), &browser{}
			si.visit(b, incremented)
			for id, rec := range si.store.Records {
				rec.ExpiresAt = rec.ExpiresAt.AddDate(10, 0, 0)
				si.store.Records[id] = rec
			}
			time.Sleep(24 * time.Hour)
			if alive(si, b) {
				t.Error("alive after Lifetime since the store says so")
			}
		})
	})

	t.Run("no expiry is not forever", func(t *testing.T) {
		si, b := newSite(t, nil), &browser{}
		si.store.Late = true
		si.visit(b, incremented)
		for id, rec := range si.store.Records {
			rec.ExpiresAt = time.Time{}
			si.store.Records[id] = rec
		}
		if alive(si, b) {
			t.Error("alive with a zero expiry")
		}
	})

	t.Run("a change cannot save what has expired meanwhile", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			si, b := newSite(t, nil), &browser{}
			si.store.Late = true
			si.visit(b, incremented)
			r := si.begin(b)
			_ = r.get().Update(increment)
			si.visit(b, incremented) // so that the write conflicts and looks again
			time.Sleep(time.Hour)
			if _, err := r.respond(); !errors.Is(err, session.ErrNotFound) {
				t.Errorf("got %v, want ErrNotFound: the change is lost (law 18)", err)
			}
			if alive(si, b) {
				t.Error("a change brought an expired session back")
			}
		})
	})
}

func TestTimesOfASession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		si, b := newSite(t, nil), &browser{}
		start := time.Now()
		si.visit(b, func(s *session.Session[cart]) error {
			if !s.CreatedAt().Equal(start) || !s.AuthenticatedAt().IsZero() || !s.ExpiresAt().Equal(start.Add(time.Hour)) {
				t.Errorf("a new session has the times %v, %v and %v", s.CreatedAt(), s.AuthenticatedAt(), s.ExpiresAt())
			}
			return incremented(s)
		})
		time.Sleep(10 * time.Minute)
		si.visit(b, loggedIn)
		login := time.Now()
		time.Sleep(10 * time.Minute)
		si.visit(b, func(s *session.Session[cart]) error {
			for name, pair := range map[string][2]time.Time{
				"CreatedAt":       {s.CreatedAt(), start},
				"AuthenticatedAt": {s.AuthenticatedAt(), login},
				"ExpiresAt":       {s.ExpiresAt(), login.Add(time.Hour)},
				"LifetimeEndsAt":  {s.LifetimeEndsAt(), login.Add(24 * time.Hour)},
			} {
				if got, want := pair[0], pair[1]; !got.Equal(want) || got.Location() != time.UTC {
					t.Errorf("%s is %v, want %v", name, got, want)
				}
			}
			return nil
		})
	})
}
