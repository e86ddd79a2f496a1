package redis_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gostateful/session/adapters/nethttp"
	"github.com/gostateful/session/core"
	"github.com/gostateful/session/redis"
)

const (
	// Less than the default, and more than the store waits for Redis.
	storeTimeout = 2 * time.Second

	// How late a machine that does much else may let a timeout be.
	margin = 2 * time.Second

	// How long a test waits for what has to happen.
	patience = 30 * time.Second
)

// A site is a small web application that keeps its sessions in Redis: it
// counts, and knows who has logged in.
type site struct {
	testing.TB
	url      string
	sessions *session.Manager[visits]
	store    *punctual
	browser  http.RoundTripper

	read, proceed chan struct{} // a request with ?hold tells when it has read, and waits until it may write
	release       func()        // lets it, and all others

	epoch   atomic.Int64 // odd while something is wrong with Redis
	failure int          // the status of requests that then fail

	mu     sync.Mutex
	errors []error // that the engine reported
}

type visits struct {
	N   int
	Pad string `json:",omitempty"` // makes it large
}

func newSite(t testing.TB, client redis.UniversalClient) *site {
	t.Helper()
	return newSiteOn(t, sessionredis.New(client, nil))
}

func newSiteOn(t testing.TB, store session.Store) *site {
	t.Helper()
	transport := &http.Transport{MaxIdleConnsPerHost: 100}
	si := &site{TB: t, store: &punctual{Store: store, TB: t}, browser: transport, failure: http.StatusServiceUnavailable}
	si.read, si.proceed = make(chan struct{}), make(chan struct{})
	si.release = sync.OnceFunc(func() { close(si.proceed) })
	var err error
	si.sessions, err = session.New[visits](si.store, &session.Options{StoreTimeout: storeTimeout, Observer: si.observe})
	require.NoError(t, err)

	mux := http.NewServeMux()
	mux.HandleFunc("POST /count", si.handle(func(s *session.Session[visits], _ *http.Request) error { return s.Update(increment) }))
	mux.HandleFunc("POST /pad", si.handle(func(s *session.Session[visits], _ *http.Request) error { return s.Update(pad) }))
	mux.HandleFunc("POST /read", si.handle(func(*session.Session[visits], *http.Request) error { return nil }))
	mux.HandleFunc("POST /logout", si.handle(func(s *session.Session[visits], _ *http.Request) error { return s.Destroy() }))
	mux.HandleFunc("POST /login", si.handle(func(s *session.Session[visits], r *http.Request) error { return s.Login(r.FormValue("as")) }))
	mux.HandleFunc("POST /revoke", func(w http.ResponseWriter, r *http.Request) {
		if n, err := si.sessions.RevokeAll(r.Context(), r.FormValue("whose")); err != nil {
			http.Error(w, err.Error(), session.HTTPStatus(err))
		} else {
			fmt.Fprint(w, n)
		}
	})
	server := httptest.NewServer(nethttp.Middleware(si.sessions)(mux))
	si.url = server.URL
	t.Cleanup(func() {
		si.release()
		transport.CloseIdleConnections()
		server.Close()
	})
	return si
}

func increment(v *visits) error { v.N++; return nil }

func pad(v *visits) error { v.Pad = strings.Repeat("x", 4<<10); return nil }

// handle answers with what the session holds, as the handler sees it.
func (si *site) handle(do func(*session.Session[visits], *http.Request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s, err := si.sessions.Get(r.Context())
		if err == nil && r.URL.Query().Has("hold") {
			select {
			case si.read <- struct{}{}:
			case <-si.proceed:
			}
			<-si.proceed
		}
		if err == nil {
			err = do(s, r)
		}
		if err == nil && r.URL.Query().Has("now") {
			err = s.Commit(r.Context())
		}
		switch {
		case err != nil:
			http.Error(w, err.Error(), session.HTTPStatus(err))
		case s.IsNew():
			fmt.Fprint(w, "new")
		default:
			fmt.Fprintf(w, "%d %s", s.Data().N, s.Subject())
		}
	}
}

func (si *site) observe(_ context.Context, e session.Event) {
	if e.Err != nil {
		si.mu.Lock()
		defer si.mu.Unlock()
		si.errors = append(si.errors, e.Err)
	}
}

// complaints returns the errors that the engine has reported.
func (si *site) complaints() string {
	si.mu.Lock()
	defer si.mu.Unlock()
	return fmt.Sprint(si.errors)
}

// during does something to Redis. Requests that begin and end outside of it
// must not notice.
func (si *site) during(fault func()) {
	si.epoch.Add(1)
	defer si.epoch.Add(1)
	fault()
}

// A visitor is a browser. Its cookies may be shared by several tabs.
type visitor struct {
	*site
	client http.Client
}

func (si *site) visitor() *visitor {
	jar, err := cookiejar.New(nil)
	assert.NoError(si, err)
	return &visitor{si, http.Client{Jar: jar, Transport: si.browser, Timeout: patience}}
}

// with is a browser that has a token.
func (si *site) with(token string) *visitor {
	v := si.visitor()
	v.client.Jar.SetCookies(v.at(), []*http.Cookie{{Name: cookieName, Value: token, Secure: true, Path: "/"}})
	return v
}

const cookieName = "__Host-session"

func (v *visitor) at() *url.URL {
	u, err := url.Parse(v.url)
	assert.NoError(v, err)
	return u
}

// token is what the browser would send, or empty.
func (v *visitor) token() string {
	for _, c := range v.client.Jar.Cookies(v.at()) {
		return c.Value
	}
	return ""
}

// id is the session that the browser asks for.
func (v *visitor) id() session.ID {
	b, err := base64.RawURLEncoding.DecodeString(v.token())
	require.NoError(v, err)
	require.Len(v, b, 48)
	return session.ID(b)
}

// An answer is a response: its status and body.
type answer struct {
	status int
	body   string
}

func (a answer) ok() bool { return a.status == http.StatusOK }

// post sends a request and checks what holds whatever happens to Redis: the
// answer is a success or a failure, 503, that came in time and sets no cookie, and
// it is a success if nothing was wrong meanwhile.
func (v *visitor) post(target string) answer {
	start, epoch := time.Now(), v.epoch.Load()
	resp, err := v.client.Post(v.url+target, "", nil)
	if !assert.NoError(v, err) {
		return answer{}
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	assert.NoError(v, err)
	a := answer{resp.StatusCode, string(body)}
	if !a.ok() {
		assert.Less(v, time.Since(start), storeTimeout+margin, "POST %s: a failure must not keep anybody waiting", target)
		assert.Empty(v, resp.Header["Set-Cookie"], "POST %s: the cookie of a failure", target)
		well := epoch%2 == 0 && v.epoch.Load() == epoch
		assert.False(v, well, "POST %s: %d %s, although nothing is wrong with Redis", target, a.status, body)
		if a.status == http.StatusConflict && strings.HasPrefix(target, "/count") {
			return a // it lost against another tab, and the time was over before it could try again
		}
		assert.Equal(v, v.failure, a.status, "POST %s: %s", target, body)
	}
	return a
}

// hold sends a request that has read when hold returns, and writes after release.
func (v *visitor) hold(t testing.TB, target string) (answered <-chan answer) {
	t.Helper()
	ended := make(chan answer, 1)
	go func() { ended <- v.post(target) }()
	select {
	case <-v.read:
	case a := <-ended:
		require.Fail(t, "it did not wait", "POST %s: %v", target, a)
	case <-time.After(patience):
		require.Fail(t, "it does not read", "POST %s", target)
	}
	return ended
}

// A punctual store reports calls that outlast their context.
type punctual struct {
	session.Store
	testing.TB
}

func (p *punctual) in(ctx context.Context, method string) func() {
	return func() {
		deadline, ok := ctx.Deadline()
		assert.True(p, ok, "%s without a deadline", method)
		assert.Less(p, time.Since(deadline), margin, "%s outlasts its context", method)
	}
}

func (p *punctual) Load(ctx context.Context, id session.ID) (session.Record, error) {
	defer p.in(ctx, "Load")()
	return p.Store.Load(ctx, id)
}

func (p *punctual) Create(ctx context.Context, r session.Record) error {
	defer p.in(ctx, "Create")()
	return p.Store.Create(ctx, r)
}

func (p *punctual) Update(ctx context.Context, r session.Record) error {
	defer p.in(ctx, "Update")()
	return p.Store.Update(ctx, r)
}

func (p *punctual) DeleteAll(ctx context.Context, subject string, except ...session.ID) (int, error) {
	defer p.in(ctx, "DeleteAll")()
	return p.Store.DeleteAll(ctx, subject, except...)
}
