package moving

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	session "github.com/gostateful/session/core"
)

// A visitor with the old cookie keeps the login and the data, in each release.
func TestKeeps(t *testing.T) {
	eachLibrary(t, func(t *testing.T, s *shop) {
		for _, p := range []program{together, alone} {
			user := s.browser()
			user.post(before, "/add?item=tea")
			user.post(before, "/login?user=ann")
			assert.Equal(t, "ann: [tea]", user.sees(p))
			assert.NotEmpty(t, user.has(newCookie))
			user.post(p, "/add?item=milk")
			assert.Equal(t, "ann: [tea milk]", user.sees(p))

			visitor := s.browser()
			visitor.post(before, "/add?item=salt")
			assert.Equal(t, "nobody: [salt]", visitor.sees(p), "who is not logged in")
			visitor.post(p, "/add?item=pepper")
			assert.Equal(t, "nobody: [salt pepper]", visitor.sees(p))
		}
		assert.Equal(t, 4, s.store.Len(), "new sessions")
		stranger := s.browser()
		for _, p := range []program{together, alone} {
			assert.Equal(t, "nobody: []", stranger.sees(p))
		}
		assert.Empty(t, stranger.has(newCookie))
		assert.Equal(t, 4, s.store.Len(), "who has nothing gets nothing")
	})
}

// A login that was moved is not a fresh one: a guard asks again.
func TestNotFresh(t *testing.T) {
	eachLibrary(t, func(t *testing.T, s *shop) {
		for _, p := range []program{together, alone} {
			b := s.browser()
			b.post(before, "/login?user=ann")
			assert.Equal(t, "ann: []", b.sees(p))
			got := b.send(p, "GET", "/secret")
			assert.Equal(t, 401, got.status)
			assert.Contains(t, got.header.Get("WWW-Authenticate"), "insufficient_user_authentication")
			b.post(p, "/login?user=ann")
			assert.Equal(t, 200, b.send(p, "GET", "/secret").status, "after a login on a new server")
		}
	})
}

// The time of a login on a new server comes along, also if the session is moved again.
func TestLoginTimeComesAlong(t *testing.T) {
	eachLibrary(t, func(t *testing.T, s *shop) {
		b := s.browser()
		b.post(together, "/login?user=ann")
		b.drop(newCookie)
		assert.Equal(t, 200, b.send(together, "GET", "/secret").status)
	})
}

// The old cookie goes once the browser has the new one, and the old session with it.
func TestOldCookieGoes(t *testing.T) {
	eachLibrary(t, func(t *testing.T, s *shop) {
		b := s.browser()
		b.post(before, "/add?item=tea")
		b.post(before, "/login?user=ann")
		b.sees(alone)
		assert.NotEmpty(t, b.has(s.cookie), "the browser may not have got the new cookie")
		old := b.copied()
		b.sees(alone)
		assert.Empty(t, b.has(s.cookie))
		assert.Equal(t, "ann: [tea]", b.sees(alone))
		if s.keeps {
			assert.Equal(t, "nobody: []", old.sees(before), "the old session")
		}
	})
}

// A response with the new cookie may be lost: the old cookie works on.
func TestResponseLost(t *testing.T) {
	eachLibrary(t, func(t *testing.T, s *shop) {
		for _, p := range []program{together, alone} {
			b := s.browser()
			b.post(before, "/login?user=ann")
			lost := b.copied()
			lost.post(p, "/add?item=tea")
			assert.Equal(t, "ann: [tea]", b.sees(p))
			b.post(p, "/add?item=milk")
			assert.Equal(t, "ann: [tea milk]", b.sees(p))
		}
		assert.Equal(t, 2, s.store.Len(), "new sessions")
	})
}

// Tabs that move at once lose nothing, and there is one new session.
func TestTabsAtOnce(t *testing.T) {
	eachLibrary(t, func(t *testing.T, s *shop) {
		for i, p := range []program{together, alone} {
			b := s.browser()
			b.post(before, "/login?user=ann")
			var tabs sync.WaitGroup
			var want []string
			start, got := make(chan struct{}), make([]answer, 8)
			copies := make([]*browser, len(got))
			for n := range got {
				want, copies[n] = append(want, fmt.Sprint("item", n)), b.copied()
				tabs.Go(func() {
					<-start
					got[n] = copies[n].send(p, "POST", fmt.Sprint("/add?item=item", n))
				})
			}
			close(start)
			tabs.Wait()
			cookies := 0
			for n := range got {
				assert.Equal(t, 200, got[n].status, got[n].body)
				if copies[n].has(newCookie) == "" {
					continue
				}
				cookies++
				_, items, _ := strings.Cut(strings.Trim(copies[n].sees(p), "]"), "[")
				assert.ElementsMatch(t, want, strings.Fields(items))
			}
			assert.Equal(t, 1, cookies, "responses with the new cookie")
			assert.Equal(t, i+1, s.store.Len(), "new sessions")
		}
	})
}

// While old and new servers run, a logout on either side is one on both, and a copy of
// all cookies does not undo it.
func TestLogout(t *testing.T) {
	eachLibrary(t, func(t *testing.T, s *shop) {
		t.Run("on an old server", func(t *testing.T) {
			b := s.browser()
			b.post(before, "/login?user=ann")
			assert.Equal(t, "ann: []", b.sees(together))
			thief := b.copied()
			b.post(before, "/logout")
			assert.Equal(t, "nobody: []", b.sees(together))
			assert.Equal(t, "nobody: []", b.sees(before))
			if s.keeps {
				assert.Equal(t, "nobody: []", thief.sees(before))
				assert.Equal(t, "nobody: []", thief.sees(together))
			}
			thief.drop(s.cookie)
			assert.Equal(t, "nobody: []", thief.sees(together), "with the new cookie alone")
		})
		t.Run("on an old server, and the next request goes to the second release", func(t *testing.T) {
			b := s.browser()
			b.post(before, "/login?user=ann")
			b.sees(together)
			b.post(before, "/logout")
			assert.Equal(t, "nobody: []", b.sees(alone))
			assert.Equal(t, "nobody: []", b.sees(together))
		})
		t.Run("on an old server, and the new cookie comes first from elsewhere", func(t *testing.T) {
			b := s.browser()
			b.post(before, "/login?user=ann")
			b.sees(together)
			thief := b.copied()
			thief.drop(s.cookie)
			b.post(before, "/logout")
			assert.Equal(t, "nobody: []", thief.sees(together))
			assert.Equal(t, "nobody: []", thief.sees(alone), "in the second release too")
		})
		for _, p := range []program{together, alone} {
			t.Run(fmt.Sprint("on a new server of release ", int(p)), func(t *testing.T) {
				b, user := s.browser(), fmt.Sprint("bob", int(p))
				b.post(before, "/login?user="+user)
				late := b.copied() // with the old cookie alone
				assert.Equal(t, user+": []", b.sees(p))
				thief := b.copied()
				b.post(p, "/logout")
				assert.Empty(t, b.has(s.cookie))
				assert.Empty(t, b.has(newCookie))
				for _, x := range []*browser{b, late, thief} {
					for _, on := range []program{together, alone} {
						if got := x.send(on, "GET", "/"); got.status != http.StatusConflict { // a straggler of the logout
							assert.Equal(t, "nobody: []", got.body)
						}
					}
				}
				if s.keeps {
					assert.Equal(t, "nobody: []", late.sees(before), "on an old server")
				}
				assert.Equal(t, "nobody: []", b.sees(before), "on an old server")
			})
		}
		t.Run("with the first request", func(t *testing.T) {
			for _, p := range []program{together, alone} {
				b := s.browser()
				b.post(before, "/login?user=carl")
				b.post(p, "/logout")
				for _, on := range []program{before, together, alone} {
					assert.Equal(t, "nobody: []", b.sees(on))
				}
			}
		})
		assert.Zero(t, s.store.Len(), "new sessions")
	})
}

// The CookieStore has no sessions to end. An old server takes a copy of a cookie
// after the logout, as it always did. A new server takes it after a logout on an old
// server, of which it has not heard, but not after one on a new server.
func TestCookieStoreEndsNothing(t *testing.T) {
	for _, l := range libraries {
		if l.keeps {
			continue
		}
		s := newShop(t, l)
		b := s.browser()
		b.post(before, "/login?user=ann")
		thief := b.copied()
		b.post(before, "/logout")
		assert.Equal(t, "ann: []", thief.sees(before))
		assert.Equal(t, "ann: []", thief.sees(together))
		thief.post(together, "/logout")
		again := s.browser()
		again.jar.SetCookies(s.addr, []*http.Cookie{{Name: s.cookie, Value: thief.has(s.cookie), Path: "/"}})
		again.drop(newCookie)
		assert.Equal(t, "nobody: []", again.sees(together))
	}
}

// Old and new servers take turns: logins and users are in step.
func TestTurns(t *testing.T) {
	eachLibrary(t, func(t *testing.T, s *shop) {
		b := s.browser()
		b.post(together, "/login?user=ann")
		assert.Equal(t, "ann: []", b.sees(before), "a login on a new server")
		assert.Equal(t, "ann: []", b.sees(together))
		b.post(before, "/logout")
		b.post(before, "/login?user=bob")
		b.post(before, "/add?item=tea")
		for range 3 {
			assert.Equal(t, "bob: [tea]", b.sees(together), "another login on an old server")
			assert.Equal(t, "bob: [tea]", b.sees(before))
		}
		assert.Equal(t, 1, s.store.Len(), "new sessions: that of ann has ended")
		b.post(together, "/login?user=carl")
		assert.True(t, strings.HasPrefix(b.sees(before), "carl: "), "another login on a new server")
		assert.Equal(t, "carl: []", b.sees(together), "the data of bob is not shown to carl")
	})
}

// What is not in step: after the first visit to a new server, each side has its own
// data.
func TestDataIsNotInStep(t *testing.T) {
	eachLibrary(t, func(t *testing.T, s *shop) {
		b := s.browser()
		b.post(before, "/login?user=ann")
		b.post(before, "/add?item=tea")
		b.post(together, "/add?item=milk")
		b.post(before, "/add?item=salt")
		assert.Equal(t, "ann: [tea salt]", b.sees(before))
		assert.Equal(t, "ann: [tea milk]", b.sees(together))
	})
}

// Going back to the old release logs nobody out, whoever has been on a new server.
func TestBack(t *testing.T) {
	eachLibrary(t, func(t *testing.T, s *shop) {
		moved, fresh, second := s.browser(), s.browser(), s.browser()
		moved.post(before, "/add?item=tea")
		moved.post(before, "/login?user=ann")
		moved.sees(together)
		moved.post(together, "/add?item=milk")
		fresh.post(together, "/login?user=bob")
		second.post(alone, "/login?user=carl")

		assert.Equal(t, "carl: []", second.sees(together), "from the second release to the first")
		second.post(together, "/add?item=salt")
		assert.Equal(t, "carl: [salt]", second.sees(together))
		for range 2 {
			assert.Equal(t, "ann: [tea]", moved.sees(before), "without what new servers have added")
			assert.Equal(t, "bob: []", fresh.sees(before))
			assert.Equal(t, "nobody: []", second.sees(before), "the old library has never seen this login")
		}
		moved.post(before, "/logout")
		assert.Equal(t, "nobody: []", moved.sees(before))

		moved.post(before, "/login?user=ann")
		assert.Equal(t, "ann: ", moved.sees(together)[:5], "and on again")
		assert.Equal(t, "bob: []", fresh.sees(together))
	})
}

// The second release and the first take turns, for its own roll-out.
func TestReleasesTakeTurns(t *testing.T) {
	eachLibrary(t, func(t *testing.T, s *shop) {
		old, fresh := s.browser(), s.browser()
		old.post(before, "/login?user=ann")
		fresh.post(alone, "/login?user=bob")
		for range 3 {
			for _, p := range []program{together, alone} {
				assert.Equal(t, "ann: ", old.sees(p)[:5])
				assert.Equal(t, "bob: ", fresh.sees(p)[:5])
				old.post(p, "/add?item=tea")
				fresh.post(p, "/add?item=tea")
			}
		}
		assert.Equal(t, 6, strings.Count(old.sees(alone), "tea"))
		assert.Equal(t, 6, strings.Count(fresh.sees(together), "tea"))
		for i, b := range []*browser{old, fresh} {
			p := program(1 + i)
			b.post(p, "/logout")
			assert.Equal(t, "nobody: []", b.sees(together))
			assert.Equal(t, "nobody: []", b.sees(alone))
		}
		assert.Zero(t, s.store.Len(), "new sessions")
	})
}

// An old cookie that was stolen before the move opens nothing on new servers after it.
func TestStolen(t *testing.T) {
	for _, l := range libraries {
		t.Run(l.name, func(t *testing.T) {
			// A short window, as the CookieStore has nothing else that ends.
			s := newShopWith(t, l, &session.Options{StragglerWindow: time.Millisecond})
			b := s.browser()
			b.post(before, "/add?item=tea")
			b.post(before, "/login?user=ann")
			stolen := b.copied()
			b.sees(together)
			b.sees(together)
			for _, p := range []program{together, alone} {
				require.Eventually(t, func() bool { return stolen.copied().sees(p) == "nobody: []" }, time.Minute, time.Millisecond)
			}
			assert.Equal(t, "ann: [tea]", b.sees(together), "the thief ends nothing")
			require.Eventually(t, func() bool { b.sees(alone); return b.has(s.cookie) == "" }, time.Minute, time.Millisecond)
			assert.Equal(t, "nobody: []", stolen.copied().sees(alone))
			stolen.post(alone, "/add?item=salt")
			assert.Equal(t, "ann: [tea]", b.sees(alone))
		})
	}
}

// While a request with the old cookie alone may be on its way, the old session stays.
// So the request changes the session, and sets no cookie over its own.
func TestStraggler(t *testing.T) {
	for _, l := range libraries {
		t.Run(l.name, func(t *testing.T) {
			s := newShopWith(t, l, &session.Options{StragglerWindow: time.Hour})
			b := s.browser()
			b.post(before, "/login?user=ann")
			late := b.copied()
			b.sees(alone)
			b.sees(alone)
			late.post(alone, "/add?item=tea")
			assert.Empty(t, late.has(newCookie))
			assert.Equal(t, "ann: [tea]", b.sees(alone))
			assert.Equal(t, 1, s.store.Len(), "new sessions")
		})
	}
}

// An attacker who plants an old cookie gains nothing.
func TestPlanted(t *testing.T) {
	eachLibrary(t, func(t *testing.T, s *shop) {
		t.Run("before a login", func(t *testing.T) {
			for _, p := range []program{together, alone} {
				attacker := s.browser()
				attacker.post(before, "/add?item=bait")
				victim := attacker.copied()
				assert.Equal(t, "nobody: [bait]", victim.sees(p))
				victim.post(p, "/login?user=ann")
				for _, on := range []program{before, together, alone} {
					if got := attacker.send(on, "GET", "/"); got.status != http.StatusConflict {
						assert.NotContains(t, got.body, "ann")
					}
				}
				assert.Equal(t, "ann: [bait]", victim.sees(p))
			}
		})
		t.Run("beside a login", func(t *testing.T) {
			attacker, victim := s.browser(), s.browser()
			attacker.post(before, "/login?user=eve")
			victim.post(alone, "/login?user=ann")
			victim.jar.SetCookies(s.addr, []*http.Cookie{{Name: s.cookie, Value: attacker.has(s.cookie), Path: "/"}})
			assert.Equal(t, "ann: []", victim.sees(alone))
			assert.Empty(t, victim.has(s.cookie))
			assert.Equal(t, "ann: []", victim.sees(together), "a login that stands alone")
		})
	})
}

// Another site cannot make a browser act with its old cookie, whatever its SameSite.
func TestOtherSites(t *testing.T) {
	eachLibrary(t, func(t *testing.T, s *shop) {
		b := s.browser()
		b.post(before, "/login?user=ann")
		for _, p := range []program{together, alone} {
			got := b.send(p, "POST", "/add?item=spam", "Sec-Fetch-Site", "cross-site")
			assert.Equal(t, http.StatusForbidden, got.status)
			assert.Zero(t, s.store.Len(), "new sessions")
		}
		assert.Equal(t, "ann: []", b.sees(together))
	})
}

// An old session that has expired is none, and its cookie goes.
func TestExpired(t *testing.T) {
	eachLibrary(t, func(t *testing.T, s *shop) {
		b, moved := s.browser(), s.browser()
		b.post(before, "/login?user=ann")
		moved.post(before, "/login?user=bob")
		assert.Equal(t, "bob: []", moved.sees(together))
		s.expire()
		for _, p := range []program{together, alone} {
			assert.Equal(t, "nobody: []", b.sees(p))
			assert.Equal(t, "nobody: []", moved.sees(p), "the old session decides, while there is one")
		}
		assert.Empty(t, b.has(s.cookie))
		assert.Zero(t, s.store.Len(), "new sessions")
	})
}

// Who signs out everywhere is signed out where no new server has seen them yet.
func TestSignedOutEverywhere(t *testing.T) {
	eachLibrary(t, func(t *testing.T, s *shop) {
		for _, p := range []program{together, alone} {
			b := s.browser()
			b.post(before, "/login?user=ann")
			s.signOut("ann")
			assert.Equal(t, "nobody: []", b.sees(p))
			b.post(p, "/login?user=ann")
			assert.Equal(t, "ann: []", b.sees(p))
		}
	})
}

// A store that is down is an error, and makes nobody a visitor.
func TestOutage(t *testing.T) {
	outage := func(t *testing.T, s *shop, b *browser, cookies []*http.Cookie) {
		for _, p := range []program{together, alone} {
			for _, request := range []string{"GET /", "POST /add?item=tea", "POST /logout"} {
				method, path, _ := strings.Cut(request, " ")
				got := b.send(p, method, path)
				assert.Equal(t, http.StatusServiceUnavailable, got.status, "release %d: %s: %s", p, request, got.body)
				assert.NotContains(t, got.body, errLost.Error())
				assert.ElementsMatch(t, names(cookies), names(b.jar.Cookies(s.addr)))
			}
		}
	}
	t.Run("old", func(t *testing.T) {
		inStores(t, func(t *testing.T, s *shop) {
			b, moved := s.browser(), s.browser()
			b.post(before, "/login?user=ann")
			moved.post(before, "/login?user=bob")
			moved.sees(together)
			s.lose()
			outage(t, s, b, b.jar.Cookies(s.addr))
			outage(t, s, moved, moved.jar.Cookies(s.addr))
			assert.Equal(t, 1, s.store.Len(), "new sessions: nobody was logged out")
		})
	})
	t.Run("new", func(t *testing.T) {
		eachLibrary(t, func(t *testing.T, s *shop) {
			b, moved := s.browser(), s.browser()
			b.post(before, "/login?user=ann")
			moved.post(before, "/login?user=bob")
			moved.sees(together)
			s.store.Lose()
			outage(t, s, b, b.jar.Cookies(s.addr))
			outage(t, s, moved, moved.jar.Cookies(s.addr))
			assert.Equal(t, "ann: []", b.sees(before), "on an old server")
			assert.Equal(t, "bob: []", moved.sees(before), "on an old server")
		})
	})
}

func names(cookies []*http.Cookie) (names []string) {
	for _, c := range cookies {
		names = append(names, c.Name)
	}
	slices.Sort(names)
	return names
}

// A CookieStore without an encryption key gives visitors with equal data equal cookies.
// They must not share a session.
func TestSignsOnly(t *testing.T) {
	old := func(f *FromGorilla, values map[any]any) Old {
		w, r := httptestRequest()
		s, err := f.Store.Get(r, f.Name)
		require.NoError(t, err)
		s.Values = values
		require.NoError(t, s.Save(r, w))
		_, r = httptestRequest(w.Result().Cookies()...)
		got, err := f.old(w, r)
		require.NoError(t, err)
		return got
	}
	f := &FromGorilla{Store: signingStore(), Name: "session", SignsOnly: true}
	assert.Empty(t, old(f, map[any]any{"items": []string{"tea"}}).Secret)
	assert.NotEmpty(t, old(f, map[any]any{"user": "ann"}).Secret)
}
