package moving

import (
	"net/http"
	"testing"
	"time"

	"github.com/gorilla/sessions"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	session "github.com/gostateful/session/core"
)

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

// The cookie of a store on the server is signed anew with each response, so tabs may
// come with different ones. The id is what they share.
func TestSecretOfAStore(t *testing.T) {
	store := sessions.NewFilesystemStore(t.TempDir(), signKey, nil, otherKey, nil)
	f := &FromGorilla{Store: store, Name: "session"}
	w, r := httptestRequest()
	s, err := store.Get(r, f.Name)
	require.NoError(t, err)
	s.Values["user"] = "ann"
	require.NoError(t, s.Save(r, w))
	secrets := map[string]bool{}
	for _, codec := range store.Codecs {
		value, err := codec.Encode(f.Name, s.ID)
		require.NoError(t, err)
		_, r := httptestRequest(&http.Cookie{Name: f.Name, Value: value})
		old, err := f.old(w, r)
		require.NoError(t, err)
		assert.Equal(t, "ann", old.Info.Subject)
		secrets[old.Secret] = true
	}
	assert.Len(t, secrets, 1)
	assert.NotContains(t, secrets, "")
}
