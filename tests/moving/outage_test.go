package moving

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/alexedwards/scs/v2"
	"github.com/alexedwards/scs/v2/memstore"
	"github.com/stretchr/testify/assert"
)

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

// What the old libraries do by themselves when their store is down.
func TestByThemselves(t *testing.T) {
	for name, want := range map[string]answer{
		"fiber":       {status: http.StatusInternalServerError, body: "Internal Server Error"},
		"gin-contrib": {status: http.StatusOK, body: "nobody: []"},
	} {
		t.Run(name, func(t *testing.T) {
			i := slices.IndexFunc(libraries, func(l library) bool { return l.name == name })
			s := newShop(t, libraries[i])
			b := s.browser()
			b.post(before, "/login?user=ann")
			s.lose()
			got := b.send(before, "GET", "/")
			assert.Equal(t, want, answer{status: got.status, body: got.body})
		})
	}
	t.Run("scs", func(t *testing.T) {
		old := scs.New()
		store := &scsStore{MemStore: memstore.NewWithCleanupInterval(0)}
		store.lost.Store(true)
		old.Store = store
		w, r := httptestRequest(&http.Cookie{Name: "session", Value: "a token"})
		old.LoadAndSave(http.NotFoundHandler()).ServeHTTP(w, r)
		assert.Equal(t, http.StatusInternalServerError, w.Code)
	})
}
