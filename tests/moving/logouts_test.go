package moving

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
)

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
