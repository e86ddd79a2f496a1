package moving

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/boj/redistore"
	"github.com/gorilla/securecookie"
	"github.com/gorilla/sessions"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gostateful/session/adapters/nethttp"
	"github.com/gostateful/session/tests/support/servers"
)

var (
	signKey    = []byte(strings.Repeat("s", 32))
	encryptKey = []byte(strings.Repeat("e", 32))
	otherKey   = []byte(strings.Repeat("o", 32))
)

// gorillaPrograms are the releases of an application on gorilla/sessions.
func gorillaPrograms(t *testing.T, m Move, store sessions.Store, logout func(user string)) [3]http.Handler {
	mux := http.NewServeMux()
	handle := func(pattern string, do func(w http.ResponseWriter, r *http.Request, s *sessions.Session)) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			s, _ := store.Get(r, "session")
			do(w, r, s)
		})
	}
	items := func(s *sessions.Session) []string {
		items, _ := s.Values["items"].([]string)
		return items
	}
	handle("POST /login", func(w http.ResponseWriter, r *http.Request, s *sessions.Session) {
		s.Values["user"] = r.FormValue("user")
		assert.NoError(t, s.Save(r, w))
	})
	handle("POST /logout", func(w http.ResponseWriter, r *http.Request, s *sessions.Session) {
		s.Options.MaxAge = -1
		assert.NoError(t, s.Save(r, w))
	})
	handle("POST /add", func(w http.ResponseWriter, r *http.Request, s *sessions.Session) {
		s.Values["items"] = append(items(s), r.FormValue("item"))
		assert.NoError(t, s.Save(r, w))
	})
	handle("GET /{$}", func(w http.ResponseWriter, _ *http.Request, s *sessions.Session) {
		user, _ := s.Values["user"].(string)
		io.WriteString(w, page(user, items(s)))
	})

	f := &FromGorilla{Move: m, Store: store, Name: "session"}
	end := func(w http.ResponseWriter, r *http.Request) error {
		s, err := f.Sessions.Get(r.Context())
		if err == nil && s.Subject() != "" {
			logout(s.Subject())
		}
		return f.Logout(w, r)
	}
	first, second := hooks{f.Login, end}.mux(m.Sessions), hooks{loginAlone(&f.Move), end}.mux(m.Sessions)
	release := func(follow Follow, routes http.Handler) http.Handler {
		handler := nethttp.Middleware(m.Sessions, nil)(f.Middleware(follow)(routes))
		return http.NewCrossOriginProtection().Handler(handler)
	}
	return [3]http.Handler{mux, release(f.Together, first), release(f.NowAlone, second)}
}

func startGorillaCookies(t *testing.T, m Move) ([3]http.Handler, faults) {
	store := sessions.NewCookieStore(signKey, encryptKey)
	mark, when := &sync.Map{}, m.SignedOut
	// The store cannot end a session. So a logout counts for all old cookies of the user.
	m.SignedOut = func(ctx context.Context, user string) (time.Time, error) {
		if at, ok := mark.Load(user); ok {
			return at.(time.Time), nil
		}
		return when(ctx, user)
	}
	return gorillaPrograms(t, m, store, func(user string) { mark.Store(user, time.Now()) }), faults{
		expire: func() {
			for _, codec := range store.Codecs {
				codec.(*securecookie.SecureCookie).MaxAge(-1)
			}
		},
	}
}

func startGorillaRedis(t *testing.T, m Move) ([3]http.Handler, faults) {
	server := servers.Redis(t)
	store, err := redistore.NewRediStore(10, "tcp", server.Addr(), "", "", signKey)
	require.NoError(t, err)
	t.Cleanup(func() { _ = store.Close() })
	store.Options.Secure, store.Options.HttpOnly = true, true
	return gorillaPrograms(t, m, store, func(string) {}), redisFaults(t, server)
}

// redisFaults are those of a Redis.
func redisFaults(t *testing.T, server *servers.Server) faults {
	return faults{
		expire: func() {
			c := redis.NewClient(&redis.Options{Addr: server.Addr()})
			defer c.Close()
			require.NoError(t, c.FlushDB(t.Context()).Err())
		},
		lose: func() { require.NoError(t, server.Stop()) },
	}
}

func signingStore() sessions.Store { return sessions.NewCookieStore(signKey) }

func httptestRequest(cookies ...*http.Cookie) (*httptest.ResponseRecorder, *http.Request) {
	r := httptest.NewRequest("GET", "/", nil)
	for _, c := range cookies {
		r.AddCookie(c)
	}
	return httptest.NewRecorder(), r
}
