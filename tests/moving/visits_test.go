package moving

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

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
