package sessiongin_test

import (
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"

	sessiongin "github.com/gostateful/session/adapters/gin"
	session "github.com/gostateful/session/core"
	"github.com/gostateful/session/core/adaptertest"
)

// TestMain keeps gin from printing routes and warnings.
func TestMain(m *testing.M) {
	gin.SetMode(gin.ReleaseMode)
	os.Exit(m.Run())
}

// silence swallows what is logged: handlers panic.
var silence = log.New(io.Discard, "", 0)

// visit is the data of the tests.
type visit struct{ N int }

func count(v *visit) error {
	v.N++
	return nil
}

// A site is a manager and its store.
type site struct {
	*session.Manager[visit]
	t     testing.TB
	store *adaptertest.Store
}

func newSite(t testing.TB, opts *session.Options) site {
	t.Helper()
	st := adaptertest.NewStore()
	m, err := session.New[visit](st, opts)
	if err != nil {
		t.Fatal(err)
	}
	return site{m, t, st}
}

// count changes the session of a request.
func (si site) count(c *gin.Context) *session.Session[visit] {
	si.t.Helper()
	s, err := si.Get(c)
	if err == nil {
		err = s.Update(count)
	}
	if err != nil {
		si.t.Error(err)
	}
	return s
}

// visitor returns the Cookie header of a session with one visit.
func (si site) visitor() string {
	si.t.Helper()
	c, err := si.NewCookie(si.t.Context(), session.Info[visit]{Data: visit{1}})
	if err != nil {
		si.t.Fatal(err)
	}
	return c.Name + "=" + c.Value
}

// visits is the number in the session that a Cookie header opens.
func (si site) visits(cookie string) (n int) {
	si.t.Helper()
	r := gin.New()
	r.Use(sessiongin.Middleware(si.Manager, nil))
	r.GET("/", func(c *gin.Context) {
		info, err := si.Peek(c)
		if err != nil {
			si.t.Error(err)
		}
		n = info.Data.N
	})
	request := httptest.NewRequest("GET", "/", nil)
	request.Header.Set("Cookie", cookie)
	r.ServeHTTP(httptest.NewRecorder(), request)
	return n
}

// An answer is a response that has been read.
type answer struct {
	*http.Response
	body string
}

// A client sends requests to a server of a router.
type client struct {
	t      testing.TB
	server *httptest.Server
}

func serveAt(t testing.TB, h http.Handler) client {
	t.Helper()
	c := unstarted(t, h)
	c.server.Start()
	return c
}

func unstarted(t testing.TB, h http.Handler) client {
	t.Helper()
	server := httptest.NewUnstartedServer(h)
	server.Config.ErrorLog = silence
	t.Cleanup(server.Close)
	return client{t, server}
}

// do returns an error if the connection was cut.
func (c client) do(method, path, cookie string, lines ...string) (answer, error) {
	c.t.Helper()
	r, err := http.NewRequestWithContext(c.t.Context(), method, c.server.URL+path, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	if cookie != "" {
		r.Header.Set("Cookie", cookie)
	}
	for _, line := range lines {
		name, value, _ := strings.Cut(line, ": ")
		r.Header.Set(name, value)
	}
	resp, err := c.server.Client().Transport.RoundTrip(r)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return answer{resp, string(body)}, err
}

func (c client) get(path, cookie string, lines ...string) answer {
	c.t.Helper()
	a, err := c.do("GET", path, cookie, lines...)
	if err != nil {
		c.t.Fatal(err)
	}
	return a
}

// cookie is what a browser sends for the cookies of the answer.
func (a answer) cookie() string {
	var pairs []string
	for _, c := range a.Cookies() {
		pairs = append(pairs, c.Name+"="+c.Value)
	}
	return strings.Join(pairs, "; ")
}

// wants checks status, body, and how many cookies there are.
func (a answer) wants(t testing.TB, status int, body string, cookies int) {
	t.Helper()
	if got := a.Cookies(); a.StatusCode != status || a.body != body || len(got) != cookies {
		t.Errorf("got status %d, body %q, cookies %v, want %d, %q, %d cookies", a.StatusCode, a.body, got, status, body, cookies)
	}
}

// contains reports whether a list of header lines has a member.
func contains(lines []string, member string) bool {
	return slices.ContainsFunc(lines, func(line string) bool {
		return slices.ContainsFunc(strings.Split(line, ","), func(s string) bool { return strings.TrimSpace(s) == member })
	})
}
