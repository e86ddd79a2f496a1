package moving

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	session "github.com/gostateful/session/core"
	"github.com/gostateful/session/core/account"
	"github.com/gostateful/session/core/adaptertest"
)

// A program is one release of a shop.
type program int

const (
	before   program = iota // the old library alone
	together                // the first release: old servers may run
	alone                   // the second
)

// An old library, as an application uses it.
type library struct {
	name   string
	cookie string
	keeps  bool // sessions in a store on the server: all but the CookieStore
	start  func(t *testing.T, m Move) (programs [3]http.Handler, faults faults)
}

// faults are what can happen to the old sessions.
type faults struct {
	expire func() // all of them
	lose   func() // nobody reaches the store any more
}

var libraries = []library{
	{"scs", "session", true, startSCS},
	{"gorilla CookieStore", "session", false, startGorillaCookies},
	{"gorilla redistore", "session", true, startGorillaRedis},
	{"fiber", "session_id", true, startFiber},
	{"gin-contrib", "session", true, startGin},
}

// eachLibrary runs a test with each of them.
func eachLibrary(t *testing.T, test func(t *testing.T, s *shop)) {
	for _, l := range libraries {
		t.Run(l.name, func(t *testing.T) { test(t, newShop(t, l)) })
	}
}

// inStores is for what only a store on the server can have.
func inStores(t *testing.T, test func(t *testing.T, s *shop)) {
	for _, l := range libraries {
		if l.keeps {
			t.Run(l.name, func(t *testing.T) { test(t, newShop(t, l)) })
		}
	}
}

// A shop is a site whose servers run several releases. Each request goes to one.
type shop struct {
	library
	faults
	t        *testing.T
	addr     *url.URL
	client   *http.Client // that trusts the site
	store    *adaptertest.Store
	sessions *session.Manager[Account]

	mu        sync.Mutex
	signedOut map[string]time.Time
}

// releaseHeader says which server gets a request.
const releaseHeader = "X-Release"

func newShop(t *testing.T, l library) *shop {
	t.Helper()
	return newShopWith(t, l, &session.Options{})
}

func newShopWith(t *testing.T, l library, opts *session.Options) *shop {
	t.Helper()
	s := &shop{library: l, t: t, store: adaptertest.NewStore(), signedOut: map[string]time.Time{}}
	opts.Logger = slog.New(slog.DiscardHandler)
	var err error
	s.sessions, err = session.New[Account](s.store, opts)
	require.NoError(t, err)
	programs, faults := l.start(t, Move{Sessions: s.sessions, SignedOut: s.whenSignedOut, Window: opts.StragglerWindow})
	s.faults = faults
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var p program
		_, err := fmt.Sscan(r.Header.Get(releaseHeader), &p)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		programs[p].ServeHTTP(w, r)
	}))
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError) // of connections that a client did not need
	server.StartTLS()
	t.Cleanup(server.Close)
	s.client = server.Client()
	s.addr, err = url.Parse(server.URL)
	require.NoError(t, err)
	return s
}

func (s *shop) whenSignedOut(_ context.Context, user string) (time.Time, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.signedOut[user], nil
}

func (s *shop) signOut(user string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.signedOut[user] = time.Now()
}

// A browser keeps cookies.
type browser struct {
	*shop
	jar http.CookieJar
}

func (s *shop) browser() *browser {
	jar, err := cookiejar.New(nil)
	require.NoError(s.t, err)
	return &browser{s, jar}
}

// copied has the cookies of b, as a thief has, or a request that is on its way.
func (b *browser) copied() *browser {
	c := b.browser()
	c.jar.SetCookies(b.addr, b.jar.Cookies(b.addr))
	return c
}

// drop removes a cookie.
func (b *browser) drop(name string) {
	b.jar.SetCookies(b.addr, []*http.Cookie{{Name: name, Path: "/", MaxAge: -1}})
}

// has returns the value of a cookie, or nothing.
func (b *browser) has(name string) string {
	for _, c := range b.jar.Cookies(b.addr) {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

// newCookie is that of the new library.
const newCookie = "__Host-session"

// An answer is the status and the body of a response.
type answer struct {
	status int
	body   string
	header http.Header
}

// send sends a request to a server of a release. Headers are in pairs.
func (b *browser) send(p program, method, path string, header ...string) answer {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), method, b.addr.JoinPath("/").String()+strings.TrimPrefix(path, "/"), nil)
	require.NoError(b.t, err)
	r.Header.Set(releaseHeader, fmt.Sprint(int(p)))
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	client := http.Client{Transport: b.client.Transport, Jar: b.jar}
	res, err := client.Do(r)
	require.NoError(b.t, err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	require.NoError(b.t, err)
	return answer{res.StatusCode, strings.TrimSpace(string(body)), res.Header}
}

// post sends a form that has to succeed.
func (b *browser) post(p program, path string) {
	b.t.Helper()
	got := b.send(p, "POST", path)
	require.Equal(b.t, 200, got.status, "%s: %s", path, got.body)
}

// sees is what a page says: "ann: [tea]", or "nobody: []".
func (b *browser) sees(p program) string {
	b.t.Helper()
	got := b.send(p, "GET", "/")
	require.Equal(b.t, 200, got.status, got.body)
	return got.body
}

// page is what sees returns.
func page(user string, items []string) string {
	if user == "" {
		user = "nobody"
	}
	return fmt.Sprintf("%s: %v", user, items)
}

// The handlers of the new releases are the same on each net/http router. login and
// logout are what the page of a library shows.
type hooks struct {
	login  func(w http.ResponseWriter, r *http.Request, user string) error
	logout func(w http.ResponseWriter, r *http.Request) error
}

func (h hooks) mux(sessions *session.Manager[Account]) *http.ServeMux {
	mux := http.NewServeMux()
	handle := func(pattern string, do func(w http.ResponseWriter, r *http.Request) error) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			if err := do(w, r); err != nil {
				session.Error(w, err)
			}
		})
	}
	handle("POST /login", func(w http.ResponseWriter, r *http.Request) error { return h.login(w, r, r.FormValue("user")) })
	handle("POST /logout", h.logout)
	handle("POST /add", func(_ http.ResponseWriter, r *http.Request) error {
		return add(r.Context(), sessions, r.FormValue("item"))
	})
	handle("GET /{$}", func(w http.ResponseWriter, r *http.Request) error {
		s, err := sessions.Get(r.Context())
		if err == nil {
			_, err = io.WriteString(w, page(s.Subject(), s.Data().Items))
		}
		return err
	})
	mux.Handle("GET /secret", account.RequireLogin(sessions, recent)(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})))
	return mux
}

// recent guards what wants a login of the last minutes.
var recent = account.Guard{Within: 10 * time.Minute}

func add(ctx context.Context, sessions *session.Manager[Account], item string) error {
	s, err := sessions.Get(ctx)
	if err != nil {
		return err
	}
	return s.Update(func(a *Account) error { a.Items = append(a.Items, item); return nil })
}

// loginAlone is the login of the second release, as in hooks.
func loginAlone(m *Move) func(http.ResponseWriter, *http.Request, string) error {
	return func(_ http.ResponseWriter, r *http.Request, user string) error {
		return m.LoginAlone(r.Context(), user)
	}
}
