package stress

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gostateful/session/adapters/nethttp"
	session "github.com/gostateful/session/core"
)

// A Site is a small web application over a store: it counts, and knows who has
// logged in. Its requests are
//
//	POST /read               nothing but read
//	POST /count              increment
//	POST /pad                make the session large
//	POST /login?as=NAME
//	POST /logout
//	POST /revoke?whose=NAME  end all sessions of somebody; it answers how many
//
// All but the last answer with what the session holds, see [Visitor.Post]. The
// parameter now commits in the handler; hold is for [Visitor.Hold].
//
// It is safe for concurrent use. What it and its visitors find wrong fails the
// test that it was made for.
type Site struct {
	// Sessions is the manager of requests that begin while nothing is wrong. It
	// waits for the store for as long as a busy machine may take. While something
	// is wrong, another one serves, which gives up after StoreTimeout.
	Sessions *session.Manager[Visits]

	// Store is the one that the site was given. Calls through it fail the
	// test when they have no deadline, or outlast it.
	Store session.Store

	// Failure is the status of requests that fail while something is wrong. It
	// is 503, unless a test sets another before the first request.
	Failure int

	t       testing.TB
	url     string
	browser http.RoundTripper

	read, proceed chan struct{} // a request with ?hold tells when it has read, and waits until it may write
	release       func()

	epoch atomic.Int64 // odd while something is wrong

	mu      sync.Mutex
	errors  []error // that the engine reported
	asked   int     // requests, by which they are numbered
	waiting map[int]bool
}

// Visits is what a Site keeps of a visitor.
type Visits struct {
	N   int    // increments
	Pad string `json:",omitempty"`
}

// NewSite starts a site. It ends with the test.
func NewSite(t testing.TB, store session.Store) *Site {
	t.Helper()
	transport := &http.Transport{MaxIdleConnsPerHost: 100}
	s := &Site{Store: &punctual{store, t}, Failure: http.StatusServiceUnavailable, t: t, browser: transport, waiting: map[int]bool{}}
	s.read, s.proceed = make(chan struct{}), make(chan struct{})
	s.release = sync.OnceFunc(func() { close(s.proceed) })
	patient, hasty := s.handler(Patience), s.handler(StoreTimeout)
	s.Sessions = patient.sessions
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.well() {
			patient.ServeHTTP(w, r)
		} else {
			hasty.ServeHTTP(w, r)
		}
	}))
	s.url = server.URL
	t.Cleanup(func() {
		s.release()
		transport.CloseIdleConnections()
		server.Close()
	})
	return s
}

// A handler serves the requests of a site.
type handler struct {
	http.Handler
	site     *Site
	sessions *session.Manager[Visits]
}

func (s *Site) handler(timeout time.Duration) *handler {
	s.t.Helper()
	sessions, err := session.New[Visits](s.Store, &session.Options{StoreTimeout: timeout, Observer: s.observe})
	require.NoError(s.t, err)
	h := &handler{site: s, sessions: sessions}
	mux := http.NewServeMux()
	for target, do := range map[string]func(*session.Session[Visits], *http.Request) error{
		"/read":   func(*session.Session[Visits], *http.Request) error { return nil },
		"/count":  func(v *session.Session[Visits], _ *http.Request) error { return v.Update(increment) },
		"/pad":    func(v *session.Session[Visits], _ *http.Request) error { return v.Update(pad) },
		"/login":  func(v *session.Session[Visits], r *http.Request) error { return v.Login(r.FormValue("as"), nil) },
		"/logout": func(v *session.Session[Visits], _ *http.Request) error { return v.Destroy() },
	} {
		mux.HandleFunc("POST "+target, h.handle(do))
	}
	mux.HandleFunc("POST /revoke", func(w http.ResponseWriter, r *http.Request) {
		if n, err := sessions.RevokeAll(r.Context(), r.FormValue("whose")); err != nil {
			http.Error(w, err.Error(), session.HTTPStatus(err))
		} else {
			fmt.Fprint(w, n)
		}
	})
	h.Handler = nethttp.Middleware(sessions, nil)(mux)
	return h
}

func increment(v *Visits) error { v.N++; return nil }

func pad(v *Visits) error { v.Pad = strings.Repeat("x", 4<<10); return nil }

// handle answers with what the session holds, as the handler sees it.
func (h *handler) handle(do func(*session.Session[Visits], *http.Request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v, err := h.sessions.Get(r.Context())
		if err == nil && r.URL.Query().Has("hold") {
			select {
			case h.site.read <- struct{}{}:
			case <-h.site.proceed:
			}
			<-h.site.proceed
		}
		if err == nil {
			err = do(v, r)
		}
		if err == nil && r.URL.Query().Has("now") {
			err = v.Commit(r.Context())
		}
		switch {
		case err != nil:
			http.Error(w, err.Error(), session.HTTPStatus(err))
		case v.IsNew():
			fmt.Fprint(w, "new")
		default:
			fmt.Fprintf(w, "%d %s", v.Data().N, v.Subject())
		}
	}
}

func (s *Site) observe(_ context.Context, e session.Event) {
	if e.Err != nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.errors = append(s.errors, e.Err)
	}
}

// Complaints returns the errors that the engine has reported, or "[]".
func (s *Site) Complaints() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return fmt.Sprint(s.errors)
}

// During does something to the backend. Requests that begin and end outside of
// it must not notice: they fail the test if they fail.
func (s *Site) During(fault func()) {
	s.epoch.Add(1)
	defer s.epoch.Add(1)
	fault()
}

// well tells whether nothing is wrong with the backend.
func (s *Site) well() bool { return s.epoch.Load()%2 == 0 }

// AwaitAnswered waits until the requests that have begun are answered.
func (s *Site) AwaitAnswered() {
	s.t.Helper()
	s.mu.Lock()
	before := maps.Clone(s.waiting)
	s.mu.Unlock()
	Await(s.t, func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		maps.DeleteFunc(before, func(n int, _ bool) bool { return !s.waiting[n] })
		return len(before) == 0
	})
}

// begin takes note of a request, until it is answered.
func (s *Site) begin() (answered func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked++
	n := s.asked
	s.waiting[n] = true
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.waiting, n)
	}
}

// Release lets the requests that are held go on, and all that would be.
func (s *Site) Release() { s.release() }
