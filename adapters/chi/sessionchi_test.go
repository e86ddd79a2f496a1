package sessionchi_test

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"

	sessionchi "github.com/gostateful/session/adapters/chi"
	session "github.com/gostateful/session/core"
	"github.com/gostateful/session/core/adaptertest"
)

// TestMiddleware checks the laws: alone, with chi's own middlewares before and
// after, and on routers within a router.
func TestMiddleware(t *testing.T) {
	logger := middleware.RequestLogger(&middleware.DefaultLogFormatter{Logger: silence})
	for name, build := range map[string]func(h http.HandlerFunc, around, sessions chi.Middlewares) http.Handler{
		"Use": func(h http.HandlerFunc, around, sessions chi.Middlewares) http.Handler {
			r := chi.NewRouter()
			r.Use(around...)
			r.Use(sessions...)
			r.HandleFunc("/*", h)
			return r
		},
		"Before": func(h http.HandlerFunc, around, sessions chi.Middlewares) http.Handler {
			r := chi.NewRouter()
			r.Use(logger, middleware.RequestID, middleware.Throttle(1000), middleware.StripSlashes, middleware.Compress(5), middleware.GetHead)
			r.Use(around...)
			r.Use(sessions...)
			r.HandleFunc("/*", h)
			return r
		},
		"After": func(h http.HandlerFunc, around, sessions chi.Middlewares) http.Handler {
			r := chi.NewRouter()
			r.Use(around...)
			r.Use(sessions...)
			r.Use(logger, middleware.RequestID, middleware.Throttle(1000), middleware.StripSlashes, middleware.Compress(5), middleware.GetHead)
			r.HandleFunc("/*", h)
			return r
		},
		"Within": func(h http.HandlerFunc, around, sessions chi.Middlewares) http.Handler {
			inner := chi.NewRouter()
			inner.Group(func(r chi.Router) {
				r.With(sessions...).HandleFunc("/*", h)
			})
			r := chi.NewRouter()
			r.Route("/", func(r chi.Router) {
				r.Use(around...)
				r.Mount("/", inner)
			})
			return r
		},
	} {
		t.Run(name, func(t *testing.T) {
			adaptertest.Run(t, func(t *testing.T, s adaptertest.Server) string {
				h := func(w http.ResponseWriter, r *http.Request) { s.Handler(request(w, r)) }
				around := func(next http.Handler) http.Handler {
					return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						for name, value := range s.Header {
							w.Header().Set(name, value)
						}
						next.ServeHTTP(w, r.WithContext(s.Context(r.Context())))
					})
				}
				var sessions chi.Middlewares
				for _, manager := range s.Managers {
					sessions = append(sessions, sessionchi.Middleware(manager, nil))
				}
				server := httptest.NewUnstartedServer(build(h, chi.Middlewares{around}, sessions))
				server.Config.ErrorLog = silence
				if server.TLS = s.TLS; s.TLS != nil {
					server.StartTLS()
				} else {
					server.Start()
				}
				t.Cleanup(server.Close)
				return server.URL
			})
		})
	}
}

// silence swallows what is logged: the suite's handlers panic.
var silence = log.New(io.Discard, "", 0)

// request converts a request to the suite's Request.
func request(w http.ResponseWriter, r *http.Request) adaptertest.Request {
	controller := http.NewResponseController(w)
	return adaptertest.Request{
		Context: r.Context(),
		Target:  r.URL.RequestURI(),
		Header:  w.Header().Set,
		Respond: func(status int, body string) {
			w.WriteHeader(status)
			io.WriteString(w, body)
		},
		Ways: map[string]func(body string){
			"Write": func(body string) { io.WriteString(w, body) },
			"Flush": func(body string) { w.(http.Flusher).Flush(); io.WriteString(w, body) },
			"ResponseController.Flush": func(body string) {
				if controller.Flush() == nil {
					io.WriteString(w, body)
				}
			},
			"Copy":         func(body string) { io.Copy(w, strings.NewReader(body)) },
			"ServeContent": func(body string) { http.ServeContent(w, r, "a.txt", time.Time{}, strings.NewReader(body)) },
			"Hijack":       func(body string) { takeOver(w, w.Header(), body) },
		},
		TakeOver: func(body string) { takeOver(w, nil, body) },
		Fail:     func(err error) { session.Error(w, err) },
		Stream: func(parts func(send func(part string) error)) {
			parts(func(part string) error {
				if _, err := io.WriteString(w, part); err != nil {
					return err
				}
				return controller.Flush()
			})
		},
		Inform: w.WriteHeader,
	}
}

// takeOver responds with a header over a connection that it takes over.
func takeOver(w http.ResponseWriter, header http.Header, body string) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		return
	}
	defer conn.Close()
	fmt.Fprint(conn, "HTTP/1.1 200 OK\r\nConnection: close\r\n")
	header.Write(conn)
	fmt.Fprintf(conn, "\r\n%s", body)
}

// TestAllocations bounds what this adapter adds to that of net/http.
func TestAllocations(t *testing.T) {
	si := newSite(t, nil)
	allocs := func(middlewares ...func(http.Handler) http.Handler) float64 {
		r := chi.NewRouter()
		r.Use(middlewares...)
		r.Get("/", func(http.ResponseWriter, *http.Request) {})
		w, request := httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil)
		serve := func() { r.ServeHTTP(w, request) }
		least := testing.AllocsPerRun(1, serve)
		for range 300 { // a garbage collection meanwhile empties chi's pool, and adds to some measurements
			least = min(least, testing.AllocsPerRun(1, serve))
		}
		return least
	}
	got := allocs(sessionchi.Middleware(si.Manager, nil)) - allocs()
	if got > 4 {
		t.Errorf("a request that does not use its session costs %v allocations more, want the three of net/http at most, and one", got)
	}
}

// contains reports whether a list of header lines has a member.
func contains(lines []string, member string) bool {
	return slices.ContainsFunc(lines, func(line string) bool {
		return slices.ContainsFunc(strings.Split(line, ","), func(s string) bool { return strings.TrimSpace(s) == member })
	})
}
