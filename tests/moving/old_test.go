package moving

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/alexedwards/scs/v2/memstore"
	"github.com/boj/redistore"
	ginsessions "github.com/gin-contrib/sessions"
	ginredis "github.com/gin-contrib/sessions/redis"
	"github.com/gin-gonic/gin"
	"github.com/gofiber/fiber/v3"
	"github.com/gofiber/fiber/v3/middleware/adaptor"
	fibersession "github.com/gofiber/fiber/v3/middleware/session"
	"github.com/gorilla/securecookie"
	"github.com/gorilla/sessions"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	sessionfiber "github.com/gostateful/session/adapters/fiber"
	"github.com/gostateful/session/adapters/nethttp"
	"github.com/gostateful/session/tests/support/servers"
)

var errLost = errors.New("connection refused")

// An scsStore is the memory store of scs, which can be lost.
type scsStore struct {
	*memstore.MemStore
	lost atomic.Bool
}

func (s *scsStore) Find(token string) ([]byte, bool, error) {
	if s.lost.Load() {
		return nil, false, errLost
	}
	return s.MemStore.Find(token)
}

func startSCS(t *testing.T, m Move) ([3]http.Handler, faults) {
	store := &scsStore{MemStore: memstore.NewWithCleanupInterval(0)}
	old := scs.New()
	old.Store, old.Cookie.Secure, old.IdleTimeout = store, true, time.Hour
	old.ErrorFunc = func(w http.ResponseWriter, _ *http.Request, _ error) {
		http.Error(w, http.StatusText(http.StatusServiceUnavailable), http.StatusServiceUnavailable)
	}

	mux := http.NewServeMux()
	items := func(r *http.Request) []string {
		items, _ := old.Get(r.Context(), "items").([]string)
		return items
	}
	mux.HandleFunc("POST /login", func(_ http.ResponseWriter, r *http.Request) {
		assert.NoError(t, old.RenewToken(r.Context()))
		old.Put(r.Context(), "user", r.FormValue("user"))
	})
	mux.HandleFunc("POST /logout", func(_ http.ResponseWriter, r *http.Request) { assert.NoError(t, old.Destroy(r.Context())) })
	mux.HandleFunc("POST /add", func(_ http.ResponseWriter, r *http.Request) {
		old.Put(r.Context(), "items", append(items(r), r.FormValue("item")))
	})
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, page(old.GetString(r.Context(), "user"), items(r)))
	})

	f := &FromSCS{Move: m, SCS: old}
	logout := func(_ http.ResponseWriter, r *http.Request) error { return f.Logout(r) }
	first := hooks{func(_ http.ResponseWriter, r *http.Request, user string) error { return f.Login(r, user) }, logout}.mux(m.Sessions)
	second := hooks{loginAlone(&f.Move), logout}.mux(m.Sessions)
	return [3]http.Handler{
		old.LoadAndSave(mux),
		nethttp.Middleware(m.Sessions, nil)(old.LoadAndSave(f.Middleware(f.Together)(first))),
		nethttp.Middleware(m.Sessions, nil)(old.LoadAndSave(f.Middleware(f.NowAlone)(second))),
	}, faults{
		expire: func() {
			all, err := store.All()
			require.NoError(t, err)
			for token, data := range all {
				require.NoError(t, store.Commit(token, data, time.Unix(1, 0)))
			}
		},
		lose: func() { store.lost.Store(true) },
	}
}

var (
	signKey    = []byte(strings.Repeat("s", 32))
	encryptKey = []byte(strings.Repeat("e", 32))
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
	return [3]http.Handler{
		mux,
		nethttp.Middleware(m.Sessions, nil)(f.Middleware(f.Together)(first)),
		nethttp.Middleware(m.Sessions, nil)(f.Middleware(f.NowAlone)(second)),
	}
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

func startGorillaRedis(t *testing.T, m Move) ([3]http.Handler, faults) {
	server := servers.Redis(t)
	store, err := redistore.NewRediStore(10, "tcp", server.Addr(), "", "", signKey)
	require.NoError(t, err)
	t.Cleanup(func() { _ = store.Close() })
	store.Options.Secure, store.Options.HttpOnly = true, true
	return gorillaPrograms(t, m, store, func(string) {}), redisFaults(t, server)
}

func startGin(t *testing.T, m Move) ([3]http.Handler, faults) {
	server := servers.Redis(t)
	store, err := ginredis.NewStore(10, "tcp", server.Addr(), "", "", signKey)
	require.NoError(t, err)
	store.Options(ginsessions.Options{Path: "/", MaxAge: 3600, Secure: true, HttpOnly: true})
	gin.SetMode(gin.ReleaseMode)

	app := gin.New()
	app.Use(ginsessions.Sessions("session", store))
	items := func(s ginsessions.Session) []string {
		items, _ := s.Get("items").([]string)
		return items
	}
	app.POST("/login", func(c *gin.Context) {
		s := ginsessions.Default(c)
		s.Set("user", c.Query("user"))
		assert.NoError(t, s.Save())
	})
	app.POST("/logout", func(c *gin.Context) { // which leaves an empty session
		s := ginsessions.Default(c)
		s.Clear()
		assert.NoError(t, s.Save())
	})
	app.POST("/add", func(c *gin.Context) {
		s := ginsessions.Default(c)
		s.Set("items", append(items(s), c.Query("item")))
		assert.NoError(t, s.Save())
	})
	app.GET("/", func(c *gin.Context) {
		s := ginsessions.Default(c)
		user, _ := s.Get("user").(string)
		c.String(http.StatusOK, page(user, items(s)))
	})

	f := &FromGin{FromGorilla{Move: m, Store: store, Name: "session"}}
	release := func(follow Follow, login func(http.ResponseWriter, *http.Request, string) error) http.Handler {
		app := gin.New()
		app.Use(f.Middleware(follow))
		routes := hooks{login, f.Logout}.mux(m.Sessions)
		app.Any("/*path", gin.WrapH(routes))
		return nethttp.Middleware(m.Sessions, nil)(app)
	}
	return [3]http.Handler{app, release(f.Together, f.Login), release(f.NowAlone, loginAlone(&f.Move))}, redisFaults(t, server)
}

// A fiberStorage is a fiber.Storage in memory, which can be lost.
type fiberStorage struct {
	mu   sync.Mutex
	kept map[string][]byte
	lost bool
}

func (s *fiberStorage) with(do func()) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lost {
		return errLost
	}
	do()
	return nil
}

func (s *fiberStorage) GetWithContext(_ context.Context, key string) (b []byte, err error) {
	err = s.with(func() { b = s.kept[key] })
	return b, err
}

func (s *fiberStorage) SetWithContext(_ context.Context, key string, b []byte, _ time.Duration) error {
	return s.with(func() { s.kept[strings.Clone(key)] = append([]byte(nil), b...) })
}

func (s *fiberStorage) DeleteWithContext(_ context.Context, key string) error {
	return s.with(func() { delete(s.kept, key) })
}

func (s *fiberStorage) ResetWithContext(context.Context) error {
	return s.with(func() { clear(s.kept) })
}

func (s *fiberStorage) Get(key string) ([]byte, error) {
	return s.GetWithContext(context.Background(), key)
}

func (s *fiberStorage) Set(key string, b []byte, d time.Duration) error {
	return s.SetWithContext(context.Background(), key, b, d)
}

func (s *fiberStorage) Delete(key string) error {
	return s.DeleteWithContext(context.Background(), key)
}
func (s *fiberStorage) Reset() error { return s.ResetWithContext(context.Background()) }
func (s *fiberStorage) Close() error { return nil }

func startFiber(t *testing.T, m Move) ([3]http.Handler, faults) {
	storage := &fiberStorage{kept: map[string][]byte{}}
	config := fibersession.Config{Storage: storage, CookieSecure: true, CookieHTTPOnly: true}

	app := fiber.New()
	app.Use(fibersession.New(config))
	items := func(c fiber.Ctx) []string {
		items, _ := fibersession.FromContext(c).Get("items").([]string)
		return items
	}
	app.Post("/login", func(c fiber.Ctx) error {
		s := fibersession.FromContext(c)
		if err := s.Regenerate(); err != nil {
			return err
		}
		s.Set("user", strings.Clone(c.Query("user")))
		return nil
	})
	app.Post("/logout", func(c fiber.Ctx) error { return fibersession.FromContext(c).Destroy() })
	app.Post("/add", func(c fiber.Ctx) error {
		fibersession.FromContext(c).Set("items", append(items(c), strings.Clone(c.Query("item"))))
		return nil
	})
	app.Get("/", func(c fiber.Ctx) error {
		user, _ := fibersession.FromContext(c).Get("user").(string)
		return c.SendString(page(user, items(c)))
	})

	f := &FromFiber{Move: m, Store: fibersession.NewStore(config), Name: "session_id"}
	release := func(follow Follow, login func(c fiber.Ctx, user string) error) http.Handler {
		app := fiber.New()
		app.Use(sessionfiber.Middleware(m.Sessions, nil))
		app.Use(f.Middleware(follow))
		app.Post("/login", func(c fiber.Ctx) error { return login(c, c.Query("user")) })
		app.Post("/logout", f.Logout)
		app.Post("/add", func(c fiber.Ctx) error { return add(c, m.Sessions, strings.Clone(c.Query("item"))) })
		app.Get("/secret", sessionfiber.RequireLogin(m.Sessions, recent), func(c fiber.Ctx) error { return nil })
		app.Get("/", func(c fiber.Ctx) error {
			s, err := m.Sessions.Get(c)
			if err != nil {
				return err
			}
			return c.SendString(page(s.Subject(), s.Data().Items))
		})
		return adaptor.FiberApp(app)
	}
	second := func(c fiber.Ctx, user string) error { return f.LoginAlone(c, user) }
	return [3]http.Handler{adaptor.FiberApp(app), release(f.Together, f.Login), release(f.NowAlone, second)}, faults{
		expire: func() { require.NoError(t, storage.Reset()) },
		lose:   func() { _ = storage.with(func() { storage.lost = true }) },
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
