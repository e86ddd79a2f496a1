// Package gin runs the adapter for gin with middlewares of others.
package gin

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	gingzip "github.com/gin-contrib/gzip"
	"github.com/gin-contrib/timeout"
	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	sessiongin "github.com/gostateful/session/adapters/gin"
	session "github.com/gostateful/session/core"
	"github.com/gostateful/session/core/adaptertest"
)

// TestMain keeps gin from printing routes and warnings.
func TestMain(m *testing.M) {
	gin.SetMode(gin.ReleaseMode)
	os.Exit(m.Run())
}

type visit struct{ N int }

// A site is a manager and its store.
type site struct {
	*session.Manager[visit]
	t     *testing.T
	store *adaptertest.Store
}

func newSite(t *testing.T) site {
	store := adaptertest.NewStore()
	visits, err := session.New[visit](store, nil)
	require.NoError(t, err)
	return site{visits, t, store}
}

// count changes the session of a request, which it finds by c.
func (si site) count(c *gin.Context) *session.Session[visit] {
	s, err := si.Get(c)
	if assert.NoError(si.t, err) {
		assert.NoError(si.t, s.Update(add))
	}
	return s
}

func add(v *visit) error { v.N++; return nil }

func (si site) cookie() string {
	cookie, err := si.NewCookie(si.t.Context(), session.Info[visit]{})
	require.NoError(si.t, err)
	return cookie.Name + "=" + cookie.Value
}

// An answer is a response that has been read, its body as it was before any compression.
type answer struct {
	*http.Response
	body string
}

// ask sends a request of a client that takes compressed answers.
func ask(t *testing.T, h http.Handler, path, cookie string) (answer, error) {
	server := httptest.NewUnstartedServer(h)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.Start()
	defer server.Close()
	r, err := http.NewRequest(http.MethodGet, server.URL+path, nil)
	require.NoError(t, err)
	r.Header.Set("Accept-Encoding", "gzip")
	r.Header.Set("Cookie", cookie)
	resp, err := server.Client().Do(r)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && len(body) > 0 && resp.Header.Get("Content-Encoding") == "gzip" {
		var unpacked *gzip.Reader
		if unpacked, err = gzip.NewReader(bytes.NewReader(body)); err == nil {
			body, err = io.ReadAll(unpacked)
		}
	}
	return answer{resp, string(body)}, err
}

// TestGzip: around the sessions and within them, compression leaves the cookie, and the
// error response in place of the handler's.
func TestGzip(t *testing.T) {
	for place, inside := range map[string]bool{"Before": false, "After": true} {
		for name, test := range map[string]struct {
			path       string
			lost       bool
			status     int
			body       string
			compressed bool
		}{
			"Writes":   {"/writes", false, 201, strings.Repeat("bread ", 1000), true},
			"Flushes":  {"/flushes", false, 200, "bread butter", true},
			"Fails":    {"/fails", false, 404, "no bread", false},
			"Status":   {"/status", false, 202, "", false},
			"NoRoute":  {"/unknown", false, 404, "404 page not found", false},
			"Reroutes": {"/reroutes", false, 201, strings.Repeat("bread ", 1000), true},
			"Lost":     {"/writes", true, 503, "Service Unavailable", false},
			"LostLate": {"/status", true, 503, "Service Unavailable", false},
			"Panics":   {"/panics", false, 500, "", false},
		} {
			t.Run(place+name, func(t *testing.T) {
				si := newSite(t)
				r := gin.New()
				r.Use(gin.RecoveryWithWriter(io.Discard))
				r.Use(ordered(gingzip.Gzip(gingzip.DefaultCompression), sessiongin.Middleware(si.Manager, nil), inside)...)
				r.Use(func(c *gin.Context) {
					si.count(c)
					if test.lost {
						si.store.Lose()
					}
				})
				r.GET("/writes", func(c *gin.Context) { c.String(201, "%s", strings.Repeat("bread ", 1000)) })
				r.GET("/flushes", func(c *gin.Context) {
					c.String(200, "bread ")
					c.Writer.Flush()
					c.String(200, "butter")
				})
				r.GET("/fails", func(c *gin.Context) { c.String(404, "no bread") })
				r.GET("/status", func(c *gin.Context) { c.Status(202) })
				r.GET("/panics", func(*gin.Context) { panic("out of bread") })
				r.GET("/reroutes", func(c *gin.Context) {
					c.Request.URL.Path = "/writes"
					r.HandleContext(c)
				})
				a, err := ask(t, r, test.path, "")
				require.NoError(t, err)
				assert.Equal(t, test.status, a.StatusCode)
				assert.Equal(t, test.body, a.body)
				if test.body != "" {
					assert.Equal(t, test.compressed, a.Header.Get("Content-Encoding") == "gzip", "compressed")
				}
				kept := 1
				if test.status >= 500 {
					kept = 0
				}
				assert.Len(t, a.Cookies(), kept)
				assert.Equal(t, kept, si.store.Len(), "sessions")
			})
		}
	}
}

// TestGzipVary: for an error, gzip takes away Vary, unless it stands after the sessions.
func TestGzipVary(t *testing.T) {
	for place, inside := range map[string]bool{"Before": false, "After": true} {
		si := newSite(t)
		r := gin.New()
		r.Use(ordered(gingzip.Gzip(gingzip.DefaultCompression), sessiongin.Middleware(si.Manager, nil), inside)...)
		r.GET("/", func(c *gin.Context) {
			_, err := si.Get(c)
			assert.NoError(t, err)
			c.String(404, "no bread for you")
		})
		a, err := ask(t, r, "/", si.cookie())
		require.NoError(t, err)
		assert.Equal(t, inside, a.Header.Get("Vary") == "Cookie", "%s: Vary %q", place, a.Header.Get("Vary"))
	}
}

// TestGzipLateFailure: within the sessions, a response that has begun is cut when a
// change cannot be stored. Around them, gzip hides the connection, and gin.Recovery
// around both lets the response end: this is why gzip belongs after the sessions.
func TestGzipLateFailure(t *testing.T) {
	for place, inside := range map[string]bool{"Before": false, "After": true} {
		si := newSite(t)
		r := gin.New()
		r.Use(gin.RecoveryWithWriter(io.Discard))
		r.Use(ordered(gingzip.Gzip(gingzip.DefaultCompression), sessiongin.Middleware(si.Manager, nil), inside)...)
		r.GET("/", func(c *gin.Context) {
			_, err := si.Get(c)
			assert.NoError(t, err)
			c.String(200, "bread")
			c.Writer.Flush()
			si.count(c)
			si.store.Lose()
		})
		_, err := ask(t, r, "/", si.cookie())
		assert.Equal(t, inside, err != nil, "%s: got the error %v of a response that is cut", place, err)
	}
}

// TestTimeout: a handler that has not timed out has its session, with the middleware
// before and after.
func TestTimeout(t *testing.T) {
	for place, inside := range map[string]bool{"Before": false, "After": true} {
		for name, test := range map[string]struct {
			path   string
			lost   bool
			status int
			body   string
		}{
			"Writes":   {"/writes", false, 201, "bread"},
			"Status":   {"/status", false, 202, ""},
			"Lost":     {"/writes", true, 503, "Service Unavailable"},
			"LostLate": {"/status", true, 503, "Service Unavailable"},
			"Panics":   {"/panics", false, 500, ""},
		} {
			t.Run(place+name, func(t *testing.T) {
				si := newSite(t)
				r := gin.New()
				r.Use(gin.RecoveryWithWriter(io.Discard))
				r.Use(ordered(timeout.New(timeout.WithTimeout(time.Hour)), sessiongin.Middleware(si.Manager, nil), inside)...)
				r.Use(func(c *gin.Context) {
					si.count(c)
					if test.lost {
						si.store.Lose()
					}
				})
				r.GET("/writes", func(c *gin.Context) { c.Header("X-Bread", "rye"); c.String(201, "bread") })
				r.GET("/status", func(c *gin.Context) { c.Status(202) })
				r.GET("/panics", func(*gin.Context) { panic("out of bread") })
				a, err := ask(t, r, test.path, "")
				require.NoError(t, err)
				assert.Equal(t, test.status, a.StatusCode)
				assert.Equal(t, test.body, a.body)
				kept := 1
				if test.status >= 500 {
					kept = 0
					assert.Empty(t, a.Header.Get("X-Bread"), "a header of the handler's")
				}
				assert.Len(t, a.Cookies(), kept)
				assert.Equal(t, kept, si.store.Len(), "sessions")
			})
		}
	}
}

// TestTimedOut: after the sessions, the timeout leaves the handler behind. What that has
// changed by then is committed, with the cookie in the answer of the timeout, and the
// rest is refused. That answer does not stand over a commit that failed.
//
// Before them, the timeout reads what they set in c, while they may set it.
func TestTimedOut(t *testing.T) {
	for _, lost := range []bool{false, true} {
		t.Run(fmt.Sprint("StoreLost=", lost), func(t *testing.T) {
			si := newSite(t)
			changed, answered, ended := make(chan struct{}), make(chan struct{}), make(chan struct{})
			limit := timeout.New(timeout.WithTimeout(time.Millisecond), timeout.WithResponse(func(c *gin.Context) {
				<-changed // on any machine
				c.String(504, "too slow")
			}))
			r := gin.New()
			r.Use(sessiongin.Middleware(si.Manager, nil), limit, func(c *gin.Context) { defer close(ended); c.Next() })
			r.GET("/", func(c *gin.Context) {
				s := si.count(c)
				if lost {
					si.store.Lose()
				}
				close(changed)
				<-answered
				assert.ErrorIs(t, s.Update(add), session.ErrHeadersSent)
				c.String(200, "done")
			})
			a, err := ask(t, r, "/", "")
			close(answered)
			<-ended
			require.NoError(t, err)
			if lost {
				assert.Equal(t, 503, a.StatusCode)
				assert.Equal(t, "Service Unavailable", a.body)
				assert.Empty(t, a.Cookies())
				assert.Zero(t, si.store.Len(), "sessions")
				return
			}
			assert.Equal(t, 504, a.StatusCode)
			assert.Equal(t, "too slow", a.body)
			assert.Len(t, a.Cookies(), 1)
			assert.Equal(t, 1, si.store.Len(), "sessions")
		})
	}
}

// ordered is a middleware before the sessions, or inside of them.
func ordered(m, sessions gin.HandlerFunc, inside bool) []gin.HandlerFunc {
	if inside {
		return []gin.HandlerFunc{sessions, m}
	}
	return []gin.HandlerFunc{m, sessions}
}
