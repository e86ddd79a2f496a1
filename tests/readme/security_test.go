package readme

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gostateful/session/adapters/nethttp"
	session "github.com/gostateful/session/core"
	"github.com/gostateful/session/core/account"
	"github.com/gostateful/session/memory"
	"github.com/gostateful/session/tests/support/docs"
)

// Visit is what the application of docs/security.md keeps in a session.
type Visit struct {
	Level int    // of the login, such as an AAL
	Form  string // comes back with each form
}

type app struct {
	visits *session.Manager[Visit]
	users  users
}

// users have passwords.
type users map[string]string

func (u users) setPassword(user, password string) error {
	u[user] = password
	return nil
}

func (a *app) routes() http.Handler {
	recent := account.Guard{LoginURL: "/login", Within: 10 * time.Minute}
	member := account.RequireLogin(a.visits, account.Guard{LoginURL: "/login"})
	again := account.RequireLogin(a.visits, recent)

	mux := http.NewServeMux()
	mux.HandleFunc("POST /login", a.login)
	mux.HandleFunc("POST /logout", a.logout)
	mux.Handle("GET /orders", member(http.HandlerFunc(a.orders)))
	mux.Handle("POST /password", again(http.HandlerFunc(a.changePassword)))
	mux.Handle("/devices/", http.StripPrefix("/devices", account.Devices(a.visits, recent, nil)))
	return http.NewCrossOriginProtection().Handler(nethttp.Middleware(a.visits, nil)(mux))
}

func (a *app) changePassword(w http.ResponseWriter, r *http.Request) {
	s, err := a.visits.Get(r.Context())
	if err != nil {
		session.Error(w, err)
		return
	}
	if !ownForm(s, r) {
		http.Error(w, http.StatusText(http.StatusForbidden), http.StatusForbidden)
		return
	}
	if err := a.users.setPassword(s.Subject(), r.FormValue("password")); err != nil {
		session.Error(w, err)
		return
	}
	if _, err := a.visits.RevokeAll(r.Context(), s.Subject(), s.ID()); err != nil {
		session.Error(w, err)
		return
	}
	if err := s.Renew(); err != nil {
		session.Error(w, err)
	}
}

// ownForm reports whether a form was made for this session. The login has put the text
// of rand.Text into Form, and each page puts it into its forms.
func ownForm(s *session.Session[Visit], r *http.Request) bool {
	want := s.Data().Form
	return want != "" && subtle.ConstantTimeCompare([]byte(r.PostFormValue("form")), []byte(want)) == 1
}

// endAll logs everybody out. It may miss logins that are under way.
func endAll(ctx context.Context, visits *session.Manager[Visit]) error {
	var faults []error
	for info, err := range visits.All(ctx) {
		if err == nil || errors.Is(err, session.ErrUndecodable) {
			err = visits.Revoke(ctx, info.ID)
		}
		if err != nil {
			faults = append(faults, err)
		}
	}
	return errors.Join(faults...)
}

// login is that of a password, or with "ago" that of a single sign-on.
func (a *app) login(w http.ResponseWriter, r *http.Request) {
	s, err := a.visits.Get(r.Context())
	if err != nil {
		session.Error(w, err)
		return
	}
	user, form := r.FormValue("user"), rand.Text()
	err = s.Login(user, nil)
	if ago, wrong := time.ParseDuration(r.FormValue("ago")); wrong == nil {
		authTime := time.Now().Add(-ago)
		err = s.Login(user, &session.LoginOptions{AuthenticatedAt: authTime})
	}
	if err != nil {
		session.Error(w, err)
		return
	}
	err = errors.Join(
		s.Update(func(v *Visit) error { v.Level = 2; return nil }),
		s.Update(func(v *Visit) error { v.Form = form; return nil }),
	)
	if err != nil {
		session.Error(w, err)
	}
}

func (a *app) logout(w http.ResponseWriter, r *http.Request) {
	s, err := a.visits.Get(r.Context())
	if err != nil {
		session.Error(w, err)
		return
	}
	if err := s.Destroy(); err != nil {
		session.Error(w, err)
	}
}

// orders shows the text for the forms.
func (a *app) orders(w http.ResponseWriter, r *http.Request) {
	s, err := a.visits.Get(r.Context())
	if err != nil {
		session.Error(w, err)
		return
	}
	_, _ = w.Write([]byte(s.Data().Form))
}

// closeAccount refuses logins, and then ends the sessions.
func (a *app) closeAccount(ctx context.Context, user string) error {
	delete(a.users, user)
	visits := a.visits
	_, err := visits.RevokeAll(ctx, user)
	return err
}

// TestSecurityPage holds docs/security.md to this code: its block, and what it has
// of code in its tables.
func TestSecurityPage(t *testing.T) {
	code, text := docs.Shows(t, "security.md", 1)
	tables, _, _ := strings.Cut(text, "```go")
	n := 0
	for _, span := range codeSpan.FindAllStringSubmatch(tables, -1) {
		if strings.ContainsAny(span[1], "({") {
			n++
			assert.True(t, strings.Contains(code, span[1]), "no code of this test is %s", span[1])
		}
	}
	assert.Equal(t, 8, n, "lines of code in the tables")
}

// TestLevels: with the options that the page names a login lasts as long as its level
// allows, and no longer.
func TestLevels(t *testing.T) {
	const day = 24 * time.Hour
	for name, test := range map[string]struct {
		opts           *session.Options
		lifetime, idle time.Duration
	}{
		"AAL1": {&session.Options{Lifetime: 30 * 24 * time.Hour, IdleTimeout: 30 * 24 * time.Hour}, 30 * day, 30 * day},
		"AAL2": {nil, day, time.Hour},
		"AAL3": {&session.Options{Lifetime: 12 * time.Hour, IdleTimeout: 15 * time.Minute}, 12 * time.Hour, 15 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				visits, err := session.New[Visit](memory.New(nil), test.opts)
				require.NoError(t, err)
				s, err := visits.Get(visits.NewContext(t.Context(), session.Info[Visit]{Subject: "ann"}))
				require.NoError(t, err)
				assert.Equal(t, test.lifetime, time.Until(s.LifetimeEndsAt()))
				assert.Equal(t, test.idle, time.Until(s.ExpiresAt()))
			})
		})
	}
}

// A client is a browser with one cookie at most.
type client struct {
	site   http.Handler
	cookie string
	bytes  int // of the cookie's name and value
}

// send returns the status and the body of the answer.
func (c *client) send(method, target string, form url.Values, header ...string) (int, string) {
	r := httptest.NewRequest(method, target, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	if c.cookie != "" {
		r.Header.Set("Cookie", c.cookie)
	}
	w := httptest.NewRecorder()
	c.site.ServeHTTP(w, r)
	for _, cookie := range w.Result().Cookies() {
		c.cookie, c.bytes = cookie.Name+"="+cookie.Value, len(cookie.Name)+len(cookie.Value)
		if cookie.MaxAge < 0 {
			c.cookie = ""
		}
	}
	return w.Code, w.Body.String()
}

// wants sends a request and compares the status of the answer.
func (c *client) wants(t *testing.T, status int, method, target string, header ...string) {
	t.Helper()
	got, body := c.send(method, target, nil, header...)
	assert.Equal(t, status, got, "%s %s: %s", method, target, body)
}

// TestSecurity uses the application of the page.
func TestSecurity(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memory.New(nil)
		visits, err := session.New[Visit](store, &session.Options{Logger: slog.New(slog.DiscardHandler)})
		require.NoError(t, err)
		a := &app{visits, users{"ann": "tea", "bob": "rum"}}
		site := a.routes()
		login := func(user string) *client {
			c := &client{site: site}
			c.wants(t, 200, "POST", "/login?user="+user)
			return c
		}
		(&client{site: site}).wants(t, 401, "GET", "/orders")
		(&client{site: site}).wants(t, 403, "POST", "/login?user=ann", "Sec-Fetch-Site", "cross-site")

		phone, laptop, bob := login("ann"), login("ann"), login("bob")
		assert.Equal(t, 78, laptop.bytes, "the page tells how long a cookie is")
		copied := *laptop
		laptop.wants(t, 403, "POST", "/logout", "Sec-Fetch-Site", "same-site")
		laptop.wants(t, 200, "GET", "/orders")

		time.Sleep(10*time.Minute + time.Millisecond)
		laptop.wants(t, 401, "POST", "/password")
		laptop.wants(t, 401, "DELETE", "/devices/others")
		laptop.wants(t, 200, "POST", "/login?user=ann")
		_, form := laptop.send("GET", "/orders", nil)
		laptop.wants(t, 403, "POST", "/password")
		laptop.wants(t, 403, "POST", "/password?form="+form) // not in the content
		before := *laptop
		got, _ := laptop.send("POST", "/password", url.Values{"form": {form}, "password": {"milk"}})
		assert.Equal(t, 200, got)
		assert.Equal(t, "milk", a.users["ann"])
		phone.wants(t, 401, "GET", "/orders")
		laptop.wants(t, 200, "GET", "/orders")
		bob.wants(t, 200, "GET", "/orders")
		time.Sleep(time.Minute)
		copied.wants(t, 401, "GET", "/orders")
		before.wants(t, 401, "GET", "/orders")

		phone = login("ann")
		laptop.wants(t, 200, "GET", "/devices/")
		laptop.wants(t, 204, "DELETE", "/devices/others")
		phone.wants(t, 401, "GET", "/orders")
		kept := *laptop
		laptop.wants(t, 200, "POST", "/logout")
		time.Sleep(time.Minute)
		kept.wants(t, 401, "GET", "/orders")

		laptop.wants(t, 200, "POST", "/login?user=ann&ago=1h")
		laptop.wants(t, 200, "GET", "/orders")
		laptop.wants(t, 401, "POST", "/password")

		require.NoError(t, a.closeAccount(t.Context(), "bob"))
		bob.wants(t, 401, "GET", "/orders")

		infos, err := visits.List(t.Context(), "ann")
		require.NoError(t, err)
		require.Len(t, infos, 1)
		assert.Equal(t, 2, infos[0].Data.Level)
		others, err := session.New[struct{ Level string }](store, nil) // whose data is no Visit
		require.NoError(t, err)
		_, err = others.NewCookie(t.Context(), session.Info[struct{ Level string }]{Data: struct{ Level string }{"high"}})
		require.NoError(t, err)
		require.NoError(t, endAll(t.Context(), visits))
		laptop.wants(t, 401, "GET", "/orders")
		assert.Zero(t, store.Len(), "sessions that are left")
	})
}
