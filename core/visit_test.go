package session_test

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	session "github.com/gostateful/session/core"
)

// cart is the data of most tests.
type cart struct {
	N     int      `json:"n,omitempty"`
	Items []string `json:"items,omitempty"`
}

// site is a manager with its store and a record of its events.
type site struct {
	*session.Manager[cart]
	store *testStore
	t     *testing.T

	mu     sync.Mutex
	events []session.Event
}

func newSite(t *testing.T, opts *session.Options) *site {
	t.Helper()
	return newSiteOn(t, newTestStore(), opts)
}

func newSiteOn(t *testing.T, store *testStore, opts *session.Options) *site {
	t.Helper()
	si := &site{store: store, t: t}
	o := session.Options{}
	if opts != nil {
		o = *opts
	}
	o.Observer = si.observe
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	m, err := session.New[cart](si.store, &o)
	if err != nil {
		t.Fatal(err)
	}
	si.Manager = m
	return si
}

func (si *site) observe(_ context.Context, e session.Event) {
	si.mu.Lock()
	defer si.mu.Unlock()
	si.events = append(si.events, e)
}

func (si *site) kinds() (kinds []session.EventKind) {
	si.mu.Lock()
	defer si.mu.Unlock()
	for _, e := range si.events {
		kinds = append(kinds, e.Kind)
	}
	si.events = nil
	return kinds
}

func (si *site) saw(kind session.EventKind) bool { return slices.Contains(si.kinds(), kind) }

// browser holds a cookie as a browser does.
type browser struct{ cookie string }

func (b *browser) lines() []string {
	if b.cookie == "" {
		return nil
	}
	return []string{b.cookie}
}

func (b *browser) receive(t *testing.T, h session.Header) {
	t.Helper()
	for _, line := range h.SetCookie {
		c, err := http.ParseSetCookie(line)
		if err != nil {
			t.Fatalf("Set-Cookie %q: %v", line, err)
		}
		switch {
		case c.MaxAge >= 0:
			b.cookie = c.Name + "=" + c.Value
		case strings.HasPrefix(b.cookie, c.Name+"="):
			b.cookie = ""
		}
	}
}

// cookieOf returns the one Set-Cookie line of most responses.
func cookieOf(h session.Header) string { return strings.Join(h.SetCookie, "\n") }

// isFailure reports whether a header belongs to an answer that tells of an error:
// no cookie, and nothing for a cache.
func isFailure(h session.Header) bool {
	return len(h.SetCookie) == 0 && h.CacheControl == "no-store" && h.Vary == "Cookie" && h.RetryAfter == "1"
}

// a request is an exchange that a test takes step by step.
type request struct {
	*session.Exchange
	si *site
	b  *browser
}

func (si *site) begin(b *browser) *request {
	x := new(session.Exchange)
	x.Begin(si.t.Context(), si, b.lines())
	return &request{x, si, b}
}

func (r *request) get() *session.Session[cart] {
	r.si.t.Helper()
	s, err := r.si.Get(r)
	if err != nil {
		r.si.t.Fatalf("Get: %v", err)
	}
	return s
}

// respond commits and gives the browser its cookie.
func (r *request) respond() (session.Header, error) {
	r.si.t.Helper()
	h, err := r.Commit(session.Response{})
	r.b.receive(r.si.t, h)
	return h, err
}

// visit is a whole request; the handler's error is the test's failure.
func (si *site) visit(b *browser, handler func(s *session.Session[cart]) error) session.Header {
	si.t.Helper()
	r := si.begin(b)
	if err := handler(r.get()); err != nil {
		si.t.Fatalf("handler: %v", err)
	}
	h, err := r.respond()
	if err != nil {
		si.t.Fatalf("Commit: %v", err)
	}
	if err := r.Finish(); err != nil {
		si.t.Fatalf("Finish: %v", err)
	}
	return h
}

func increment(c *cart) error { c.N++; return nil }

func add(items ...string) func(*cart) error {
	return func(c *cart) error { c.Items = append(c.Items, items...); return nil }
}

func incremented(s *session.Session[cart]) error { return s.Update(increment) }

func loggedIn(s *session.Session[cart]) error { return s.Login("alice", nil) }

func look(*session.Session[cart]) error { return nil }

// data returns what a new request of the browser sees.
func (si *site) data(b *browser) (c cart) {
	si.t.Helper()
	si.visit(b, func(s *session.Session[cart]) error { c = s.Data(); return nil })
	return c
}

func (b *browser) token() string {
	_, token, _ := strings.Cut(b.cookie, "=")
	return token
}
