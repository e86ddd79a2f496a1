// Package attacks attacks an application from outside, over raw connections, the same
// one on every adapter. Each test counts what it tried.
package attacks

import (
	"context"
	"flag"
	"io"
	"log"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/go-chi/chi/v5"
	"github.com/gofiber/fiber/v3"
	"github.com/gofiber/fiber/v3/middleware/adaptor"
	"github.com/labstack/echo/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	sessionchi "github.com/gostateful/session/adapters/chi"
	sessionecho "github.com/gostateful/session/adapters/echo"
	sessionfiber "github.com/gostateful/session/adapters/fiber"
	sessiongin "github.com/gostateful/session/adapters/gin"
	"github.com/gostateful/session/adapters/nethttp"
	session "github.com/gostateful/session/core"
	"github.com/gostateful/session/core/account"
	"github.com/gostateful/session/memory"
	"github.com/gostateful/session/tests/support/stress"
)

var (
	long = flag.Bool("attacks.long", false, "attack at length, as the nightly run does")
	seed = flag.Uint64("attacks.seed", 0, "what to throw the dice by: 0 is another number each time with -attacks.long")
)

// tries is how many attacks of a kind a test tries.
func tries(short, atLength int) int {
	if *long {
		return atLength
	}
	return short
}

// thrown is what all dice of a run are thrown by.
var thrown = sync.OnceValue(func() uint64 {
	if *seed == 0 && *long {
		return uint64(time.Now().UnixNano())
	}
	return *seed
})

// roll returns dice. In the short form they always fall as they did.
func roll(t *testing.T) *rand.Rand {
	t.Helper()
	if thrown() != 0 {
		t.Logf("to see it again: -attacks.seed %d", thrown())
	}
	return rand.New(rand.NewPCG(thrown(), 0))
}

// A page is the data of each session: whose it is, and what they counted.
type page struct {
	Owner string
	N     int
}

// An app is the application on one adapter. Its pages are those of answer, and
// /devices. A page under /bearer is for clients with a token in a header.
type app struct {
	t       *testing.T
	store   *counted
	cookies *session.Manager[page]
	bearers *session.Manager[page]
	devices http.Handler
	addr    string
	http2   bool // it speaks HTTP/2 over TLS, and no HTTP/1.1
}

// cookieName is that of a manager with the default options.
const cookieName = "__Host-session"

// adapters start the application.
var adapters = []struct {
	name  string
	start func(*app) (addr string)
}{
	{"nethttp", (*app).onNetHTTP},
	{"chi", (*app).onChi},
	{"gin", (*app).onGin},
	{"echo", (*app).onEcho},
	{"fiber", (*app).onFiber},
}

// overHTTP2 is how many of them speak HTTP/2: all but fiber.
const overHTTP2 = 4

// onEach attacks the application on each adapter, over a store of its own.
func onEach(t *testing.T, attack func(t *testing.T, a *app)) {
	for _, adapter := range adapters {
		t.Run(adapter.name, func(t *testing.T) {
			a := newApp(t)
			a.addr = adapter.start(a)
			attack(t, a)
		})
	}
}

// onHTTP2 attacks it over HTTP/2, on the first so many adapters.
func onHTTP2(t *testing.T, first int, attack func(t *testing.T, a *app)) {
	for _, adapter := range adapters[:first] {
		t.Run(adapter.name+" over HTTP/2", func(t *testing.T) {
			a := newApp(t)
			a.http2 = true
			a.addr = adapter.start(a)
			attack(t, a)
		})
	}
}

// onBoth attacks it over HTTP/1.1 and over HTTP/2: in the short form on net/http alone,
// as all have its server.
func onBoth(t *testing.T, attack func(t *testing.T, a *app)) {
	onEach(t, attack)
	onHTTP2(t, tries(1, overHTTP2), attack)
}

func newApp(t *testing.T) *app {
	t.Helper()
	a := &app{t: t, store: &counted{Store: memory.New(nil)}}
	opts := session.Options{StoreTimeout: stress.Patience, Logger: slog.New(slog.DiscardHandler)}
	var err error
	a.cookies, err = session.New[page](a.store, &opts)
	require.NoError(t, err)
	opts.Header = session.TokenHeader{Name: "Authorization", Scheme: "Bearer"}
	a.bearers, err = session.New[page](a.store, &opts)
	require.NoError(t, err)
	a.devices = http.StripPrefix("/devices", account.Devices(a.cookies, account.Guard{}, nil))
	return a
}

// A request is what the application reads of one. The form is that of the query.
type request struct {
	context.Context
	path, target, by string
	cookies          []string // the values of the Cookie lines, as the framework shows them
	form             func(name string) string
}

// answer answers for every framework. The headers say whose session the handler saw,
// as HEAD has no body, and which request it answers.
func (a *app) answer(r request, header func(name, value string)) (status int) {
	header("X-Target", strconv.QuoteToASCII(r.target))
	header("X-By", strconv.QuoteToASCII(r.by))
	header("X-Cookies", strconv.QuoteToASCII(strings.Join(r.cookies, ";")))
	path, m := r.path, a.cookies
	if rest, found := strings.CutPrefix(path, "/bearer"); found {
		path, m = rest, a.bearers
	}
	if path == "/plain" {
		return http.StatusOK
	}
	s, err := m.Get(r)
	if err == nil {
		err = act(s, path, r.form)
	}
	if err != nil {
		return session.HTTPStatus(err)
	}
	header("X-Who", strconv.QuoteToASCII(who(s)))
	header("X-Count", strconv.Itoa(s.Data().N))
	return http.StatusOK
}

func act(s *session.Session[page], path string, form func(name string) string) error {
	name := form("as")
	switch path {
	case "/begin":
		return s.Update(func(p *page) error { p.Owner = name; return nil })
	case "/count":
		return s.Update(func(p *page) error { p.N++; return nil })
	case "/login":
		return s.Login(name, nil)
	case "/logout":
		return s.Destroy()
	}
	return nil
}

// who is whose session it is, and whether they are logged in.
func who(s *session.Session[page]) string {
	switch {
	case s.Subject() != "":
		return "user " + s.Subject()
	case !s.IsNew() || s.Data() != page{}:
		return "visitor " + s.Data().Owner
	}
	return ""
}

// ServeHTTP is the application on what is built on net/http.
func (a *app) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	asked := request{r.Context(), r.URL.Path, r.RequestURI, r.Header.Get("X-By"), r.Header["Cookie"], r.URL.Query().Get}
	w.WriteHeader(a.answer(asked, w.Header().Set))
}

// asks reports whether a page asks for a cookie before the sessions do, as a
// middleware for the theme or the language would.
func asks(query string) bool { return strings.Contains(query, "asked") }

func (a *app) onNetHTTP() string {
	mux := http.NewServeMux()
	mux.Handle("/devices", a.devices)
	mux.Handle("/devices/", a.devices)
	mux.Handle("/", a)
	h := nethttp.Middleware(a.cookies, nil)(nethttp.Middleware(a.bearers, nil)(mux))
	return a.serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if asks(r.URL.RawQuery) {
			_, _ = r.Cookie("theme")
		}
		h.ServeHTTP(w, r)
	}))
}

func (a *app) onChi() string {
	router := chi.NewRouter()
	router.Use(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if asks(r.URL.RawQuery) {
				_ = r.Cookies()
			}
			next.ServeHTTP(w, r)
		})
	})
	router.Use(sessionchi.Middleware(a.cookies, nil), sessionchi.Middleware(a.bearers, nil))
	router.Mount("/devices", a.devices)
	router.Handle("/*", a)
	return a.serve(router)
}

func (a *app) onGin() string {
	gin.SetMode(gin.ReleaseMode)
	router := gin.New()
	router.Use(func(c *gin.Context) {
		if asks(c.Request.URL.RawQuery) {
			_, _ = c.Cookie("theme")
		}
	}, sessiongin.Middleware(a.cookies, nil), sessiongin.Middleware(a.bearers, nil))
	router.Any("/devices", gin.WrapH(a.devices))
	router.Any("/devices/*device", gin.WrapH(a.devices))
	router.NoRoute(gin.WrapH(a)) // as /*path would be /devices too
	return a.serve(router)
}

func (a *app) onEcho() string {
	e := echo.NewWithConfig(echo.Config{Logger: slog.New(slog.DiscardHandler)})
	e.Use(func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c *echo.Context) error {
			if asks(c.Request().URL.RawQuery) {
				_, _ = c.Cookie("theme")
			}
			return next(c)
		}
	}, sessionecho.Middleware(a.cookies), sessionecho.Middleware(a.bearers))
	e.Any("/devices", echo.WrapHandler(a.devices))
	e.Any("/devices/*", echo.WrapHandler(a.devices))
	e.Any("/*", echo.WrapHandler(a))
	return a.serve(e)
}

func (a *app) onFiber() string {
	router := fiber.New()
	router.Use(func(c fiber.Ctx) error {
		if asks(string(c.Request().URI().QueryString())) {
			_ = c.Cookies("theme")
		}
		return c.Next()
	}, sessionfiber.Middleware(a.cookies, nil), sessionfiber.Middleware(a.bearers, nil))
	router.Use("/devices", adaptor.HTTPHandler(a.devices))
	router.All("/*", func(c fiber.Ctx) error {
		var cookies []string
		for _, line := range c.Request().Header.PeekAll("Cookie") {
			cookies = append(cookies, string(line))
		}
		asked := request{c, c.Path(), c.OriginalURL(), c.Get("X-By"), cookies, func(name string) string { return strings.Clone(c.Query(name)) }}
		return c.SendStatus(a.answer(asked, c.Set))
	})
	return a.serveFiber(router)
}

func (a *app) serveFiber(router *fiber.App) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(a.t, err)
	served := make(chan error, 1)
	go func() { served <- router.Listener(l, fiber.ListenConfig{DisableStartupMessage: true}) }()
	a.t.Cleanup(func() {
		assert.NoError(a.t, router.Shutdown())
		_ = l.Close() // as Shutdown does nothing to a server that is only about to serve
		assert.NoError(a.t, <-served)
	})
	return l.Addr().String()
}

func (a *app) serve(h http.Handler) string {
	server := httptest.NewUnstartedServer(h)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	if server.EnableHTTP2 = a.http2; a.http2 {
		server.StartTLS()
	} else {
		server.Start()
	}
	a.t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

// visit begins a request without a server, whose context it returns.
func (a *app) visit(cookies ...string) *session.Exchange {
	x := new(session.Exchange)
	x.Begin(a.t.Context(), a.cookies, cookies)
	return x
}
