package site

import (
	"crypto/tls"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/go-chi/chi/v5"
	"github.com/gofiber/fiber/v3"
	"github.com/labstack/echo/v5"

	sessionchi "github.com/gostateful/session/adapters/chi"
	sessionecho "github.com/gostateful/session/adapters/echo"
	sessionfiber "github.com/gostateful/session/adapters/fiber"
	sessiongin "github.com/gostateful/session/adapters/gin"
	"github.com/gostateful/session/adapters/nethttp"
	"github.com/gostateful/session/core/account"
)

// Ports are where a site listens.
type Ports struct {
	HTTP  int `json:"http"`
	HTTPS int `json:"https"`
}

// Serve serves a site through each adapter until the test is over, and returns
// where, by the adapter's name.
func Serve(t testing.TB) map[string]Ports {
	t.Helper()
	certified := httptest.NewUnstartedServer(nil)
	certified.StartTLS()
	defer certified.Close()
	config := &tls.Config{Certificates: certified.TLS.Certificates}

	all := map[string]Ports{}
	for adapter, start := range map[string]func(*site, net.Listener) error{
		"nethttp": (*site).serveNetHTTP,
		"chi":     (*site).serveChi,
		"echo":    (*site).serveEcho,
		"fiber":   (*site).serveFiber,
		"gin":     (*site).serveGin,
	} {
		s, err := newSite()
		if err != nil {
			t.Fatal(err)
		}
		plain, secure := listen(t), listen(t)
		go start(s, plain)
		go start(s, tls.NewListener(secure, config))
		all[adapter] = Ports{plain.Addr().(*net.TCPAddr).Port, secure.Addr().(*net.TCPAddr).Port}
	}
	return all
}

func listen(t testing.TB) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// guard sends who is not logged in to the page that has the login.
var guard = account.Guard{LoginURL: "/carts/"}

func (s *site) serveNetHTTP(l net.Listener) error {
	mux := http.NewServeMux()
	mux.HandleFunc("/", s.handle)
	mux.Handle("GET /carts/account", account.RequireLogin(s.managers["carts"], guard)(http.HandlerFunc(s.handle)))
	var h http.Handler = mux
	for _, m := range s.managers {
		h = nethttp.Middleware(m, nil)(h)
	}
	return serve(l, s.lose(h))
}

func (s *site) serveChi(l net.Listener) error {
	r := chi.NewRouter()
	r.Use(s.lose)
	for _, m := range s.managers {
		r.Use(sessionchi.Middleware(m, nil))
	}
	r.With(account.RequireLogin(s.managers["carts"], guard)).Get("/carts/account", s.handle)
	r.HandleFunc("/*", s.handle)
	return serve(l, r)
}

func (s *site) serveGin(l net.Listener) error {
	gin.SetMode(gin.ReleaseMode)
	r := gin.New()
	for _, m := range s.managers {
		r.Use(sessiongin.Middleware(m, nil))
	}
	r.GET("/carts/account", sessiongin.RequireLogin(s.managers["carts"], guard), gin.WrapF(s.handle))
	r.NoRoute(func(c *gin.Context) { // which is all other pages, as /*path would be /carts/account too
		c.Status(http.StatusOK)
		gin.WrapF(s.handle)(c)
	})
	return serve(l, s.lose(r))
}

func (s *site) serveEcho(l net.Listener) error {
	e := echo.New()
	for _, m := range s.managers {
		e.Use(sessionecho.Middleware(m))
	}
	h := echo.WrapHandler(http.HandlerFunc(s.handle))
	e.GET("/carts/account", h, echo.WrapMiddleware(account.RequireLogin(s.managers["carts"], guard)))
	e.Any("/*", h)
	return serve(l, s.lose(e))
}

func serve(l net.Listener, h http.Handler) error {
	// Browsers that do not trust the certificate at once would fill the log.
	srv := http.Server{Handler: h, ErrorLog: log.New(io.Discard, "", 0)}
	return srv.Serve(l)
}

func (s *site) handle(w http.ResponseWriter, r *http.Request) {
	a := s.answer(request{r.Context(), r.Method, r.URL.Path, r.FormValue})
	if a.location != "" {
		http.Redirect(w, r, a.location, a.status)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(a.status)
	_, _ = w.Write([]byte(a.html))
}

// lose loses the answers that are to be lost, when the test lets them go.
func (s *site) lose(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := r.URL.Query().Get("lost")
		if name == "" {
			next.ServeHTTP(w, r)
			return
		}
		next.ServeHTTP(httptest.NewRecorder(), r)
		s.holds.wait(name)
		panic(http.ErrAbortHandler)
	})
}

func (s *site) serveFiber(l net.Listener) error {
	app := fiber.New()
	app.Use(func(c fiber.Ctx) error {
		name := c.Query("lost")
		if name == "" {
			return c.Next()
		}
		_ = c.Next()
		s.holds.wait(name)
		return c.Drop()
	})
	for _, m := range s.managers {
		app.Use(sessionfiber.Middleware(m, nil))
	}
	app.Get("/carts/account", sessionfiber.RequireLogin(s.managers["carts"], guard), s.handleFiber)
	app.All("/*", s.handleFiber)
	return app.Listener(l, fiber.ListenConfig{DisableStartupMessage: true})
}

func (s *site) handleFiber(c fiber.Ctx) error {
	a := s.answer(request{c, c.Method(), c.Path(), func(name string) string { return c.FormValue(name) }})
	if a.location != "" {
		return c.Redirect().Status(a.status).To(a.location)
	}
	c.Type("html", "utf-8")
	return c.Status(a.status).SendString(a.html)
}
