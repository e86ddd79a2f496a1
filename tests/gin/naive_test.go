package gin

import (
	"fmt"
	"io"
	"net/http"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gostateful/session/adapters/nethttp"
	session "github.com/gostateful/session/core"
)

// byRequest counts a visit with what net/http has.
func (si site) byRequest(r *http.Request) (*session.Session[visit], error) {
	s, err := si.Get(r.Context())
	if err == nil {
		err = s.Update(add)
	}
	return s, err
}

// TestNaive: the middleware of net/http, called from one of gin that hands on the
// request alone. Gin writes past it, so that the cookie would be missing in silence.
// It is no success: the connection ends and the panic says what to do.
func TestNaive(t *testing.T) {
	si := newSite(t)
	var reason any
	r := gin.New()
	r.Use(gin.RecoveryWithWriter(io.Discard), func(c *gin.Context) {
		defer func() {
			if reason = recover(); reason != nil {
				panic(reason)
			}
		}()
		nethttp.Middleware(si.Manager, nil)(http.HandlerFunc(func(_ http.ResponseWriter, request *http.Request) {
			c.Request = request
			c.Next()
		})).ServeHTTP(c.Writer, c.Request)
	})
	r.GET("/unused", func(c *gin.Context) { c.String(200, "hello") })
	r.GET("/count", func(c *gin.Context) {
		_, err := si.byRequest(c.Request)
		assert.NoError(t, err)
		c.String(200, "counted")
	})
	r.GET("/status", func(c *gin.Context) {
		_, err := si.byRequest(c.Request)
		assert.NoError(t, err)
		c.Status(202)
	})
	a, err := ask(t, r, "/unused", "")
	require.NoError(t, err)
	assert.Equal(t, "hello", a.body)

	a, err = ask(t, r, "/status", "") // nothing has been written when the middleware returns
	require.NoError(t, err)
	assert.Equal(t, 202, a.StatusCode)
	assert.Len(t, a.Cookies(), 1)

	_, err = ask(t, r, "/count", a.Cookies()[0].String())
	assert.NoError(t, err, "an old session needs no cookie, and is changed late")

	_, err = ask(t, r, "/count", "")
	assert.Error(t, err, "the response has begun without the cookie of a new session")
	assert.ErrorContains(t, reason.(error), "nethttp: ")
}

// TestWrapH: a handler of net/http, with its middleware around it, works in gin.
func TestWrapH(t *testing.T) {
	for _, lost := range []bool{false, true} {
		si := newSite(t)
		r := gin.New()
		r.Use(gin.RecoveryWithWriter(io.Discard))
		r.GET("/count", gin.WrapH(nethttp.Middleware(si.Manager, nil)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			s, err := si.byRequest(r)
			assert.NoError(t, err)
			if lost {
				si.store.Lose()
			}
			w.WriteHeader(201)
			fmt.Fprint(w, s.Data().N)
		}))))
		a, err := ask(t, r, "/count", "")
		require.NoError(t, err)
		if lost {
			assert.Equal(t, 503, a.StatusCode)
			assert.Empty(t, a.Cookies())
			continue
		}
		assert.Equal(t, 201, a.StatusCode)
		assert.Equal(t, "1", a.body)
		assert.Len(t, a.Cookies(), 1)
	}
}

// TestWrapHAsMiddleware: as a middleware of gin, it has no handlers after it, and says so.
func TestWrapHAsMiddleware(t *testing.T) {
	si := newSite(t)
	r := gin.New()
	r.Use(gin.WrapH(nethttp.Middleware(si.Manager, nil)(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))))
	r.GET("/", func(c *gin.Context) {
		_, err := si.byRequest(c.Request)
		assert.ErrorIs(t, err, session.ErrNoSession)
		session.Error(c.Writer, err)
	})
	a, err := ask(t, r, "/", "")
	require.NoError(t, err)
	assert.Equal(t, 500, a.StatusCode)
}

// TestAroundGin: around the router, the middleware of net/http sees all that gin sends.
// The context of gin finds the session only with ContextWithFallback.
func TestAroundGin(t *testing.T) {
	for _, fallback := range []bool{false, true} {
		si := newSite(t)
		r := gin.New()
		r.ContextWithFallback = fallback
		r.GET("/count", func(c *gin.Context) {
			s, err := si.byRequest(c.Request)
			assert.NoError(t, err)
			found, err := si.Get(c)
			if fallback {
				assert.Same(t, s, found)
			} else {
				assert.ErrorIs(t, err, session.ErrNoSession)
			}
			c.String(201, "counted")
		})
		r.NoRoute(func(c *gin.Context) {
			c.Request.URL.Path = "/count"
			r.HandleContext(c)
		})
		for _, path := range []string{"/count", "/unknown"} {
			a, err := ask(t, nethttp.Middleware(si.Manager, nil)(r), path, "")
			require.NoError(t, err)
			assert.Equal(t, 201, a.StatusCode)
			assert.Len(t, a.Cookies(), 1)
		}
	}
}
