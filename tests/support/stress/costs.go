package stress

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	session "github.com/gostateful/session/core"
)

// Costs takes requests and jobs through the engine, and returns what each made
// the store do: what take returns, which forgets what came before.
func Costs(t testing.TB, store session.Store, take func() string) map[string]string {
	t.Helper()
	c := costs{t: t, store: store, take: take, of: map[string]string{}}
	c.m = c.manager(session.Options{})
	c.requests()
	c.logouts()
	c.renewals()
	c.jobs()
	return c.of
}

type costs struct {
	t     testing.TB
	store session.Store
	take  func() string
	m     *session.Manager[Visits]
	of    map[string]string
}

func (c *costs) manager(opts session.Options) *session.Manager[Visits] {
	c.t.Helper()
	opts.StoreTimeout = Patience
	m, err := session.New[Visits](c.store, &opts)
	require.NoError(c.t, err)
	return m
}

// pay notes what something costs.
func (c *costs) pay(name string, do func()) {
	c.t.Helper()
	c.take()
	do()
	c.of[name] = c.take()
}

// request takes one request through a manager, and returns the cookie that the
// browser has then.
func (c *costs) request(m *session.Manager[Visits], cookie *http.Cookie, do func(s *session.Session[Visits]) error) *http.Cookie {
	c.t.Helper()
	var lines []string
	if cookie != nil {
		lines = []string{cookie.Name + "=" + cookie.Value}
	}
	x := new(session.Exchange)
	x.Begin(c.t.Context(), m, lines)
	s, err := m.Get(x)
	require.NoError(c.t, err)
	require.NoError(c.t, do(s))
	header, err := x.Commit(session.Response{})
	require.NoError(c.t, err)
	require.NoError(c.t, x.Finish())
	if len(header.SetCookie) == 0 {
		return cookie
	}
	cookie, err = http.ParseSetCookie(header.SetCookie[0])
	require.NoError(c.t, err)
	return cookie
}

func read(*session.Session[Visits]) error { return nil }

func count(s *session.Session[Visits]) error { return s.Update(increment) }

func destroy(s *session.Session[Visits]) error { return errors.Join(count(s), s.Destroy()) }

func loginAs(subject string) func(s *session.Session[Visits]) error {
	return func(s *session.Session[Visits]) error { return s.Login(subject, nil) }
}

// Login has a new browser log in through a manager with these options, and
// returns the ID of its session.
func Login(t testing.TB, store session.Store, opts session.Options, subject string) session.ID {
	t.Helper()
	c := costs{t: t, store: store}
	c.m = c.manager(opts)
	_, id := c.login(subject)
	return id
}

func (c *costs) login(subject string) (cookie *http.Cookie, id session.ID) {
	c.t.Helper()
	cookie = c.request(c.m, nil, func(s *session.Session[Visits]) error {
		id = s.ID()
		return s.Login(subject, nil)
	})
	return cookie, id
}

func (c *costs) requests() {
	var cookie *http.Cookie
	c.pay("a visit", func() { c.request(c.m, nil, read) })
	c.pay("a first change", func() { cookie = c.request(c.m, nil, count) })
	c.pay("another visit", func() { c.request(c.m, cookie, read) })
	c.pay("a change", func() { c.request(c.m, cookie, count) })
	c.pay("a login", func() { c.request(c.m, cookie, loginAs("alice")) })
	c.pay("a login without a session", func() { c.request(c.m, nil, loginAs("alice")) })
}

// logouts ends sessions by their own requests.
func (c *costs) logouts() {
	cookie, id := c.login("alice")
	c.pay("a logout", func() { c.request(c.m, cookie, destroy) })
	c.pay("a straggler of a logout", func() { c.request(c.m, cookie, read) })
	c.pay("Revoke after a logout", func() { require.NoError(c.t, c.m.Revoke(c.t.Context(), id)) })
}

// renewals has uses of a session recorded, and its secret renewed by time.
func (c *costs) renewals() {
	cookie, id := c.login("alice")
	c.lastUsed(id, 20*time.Minute)
	c.pay("a use after 20 minutes", func() { c.request(c.m, cookie, read) })
	c.lastUsed(id, 40*time.Minute)
	c.pay("a use after 40 minutes, recorded by the load", func() { c.request(c.m, cookie, read) })
	c.lastUsed(id, 20*time.Minute)
	c.pay("a call of Touch", func() {
		c.request(c.m, cookie, func(s *session.Session[Visits]) error { return s.Touch(c.t.Context()) })
	})

	eager := c.manager(session.Options{StragglerWindow: time.Millisecond, RenewEvery: 2 * time.Millisecond})
	time.Sleep(3 * time.Millisecond) // by which it is due
	c.pay("a renewal", func() { cookie = c.request(eager, cookie, read) })
	c.pay("the first use of the new secret", func() { c.request(c.m, cookie, read) })
	c.pay("another use of it", func() { c.request(c.m, cookie, read) })
}

// lastUsed makes a session one that was last used a while ago.
func (c *costs) lastUsed(id session.ID, ago time.Duration) {
	c.t.Helper()
	r, err := c.store.Load(c.t.Context(), id)
	require.NoError(c.t, err)
	r.ExpiresAt = time.Now().Add(time.Hour - ago)
	require.NoError(c.t, c.store.Update(c.t.Context(), r))
}

// jobs work on sessions from outside of their requests.
func (c *costs) jobs() {
	_, id := c.login("alice")
	c.pay("Manager.Update", func() { require.NoError(c.t, c.m.Update(c.t.Context(), id, increment)) })
	c.pay("Revoke", func() { require.NoError(c.t, c.m.Revoke(c.t.Context(), id)) })
	c.pay("Revoke of what is absent", func() { require.NoError(c.t, c.m.Revoke(c.t.Context(), id)) })
}
