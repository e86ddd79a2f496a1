package otel

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gostateful/session/tests/support/gotool"
	"github.com/gostateful/session/tests/support/servers"
)

// startShop starts the example, and returns its address and that of its metrics.
func startShop(t *testing.T) (shop, metrics string) {
	t.Helper()
	binary := gotool.Build(t, "examples", "-tags=all")
	port, err := servers.FreePort()
	require.NoError(t, err)
	metrics = fmt.Sprintf("127.0.0.1:%d", port)
	s := servers.Start(t, servers.Program{
		Name: binary,
		Args: func(s *servers.Server) []string {
			return []string{"-addr", s.Addr(), "-metrics", metrics, "-idle", "20s"}
		},
	})
	return s.Addr(), metrics
}

// visit lets visitors do all that there is to do in the example, until the test ends.
func visit(t *testing.T, shop string) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	var visits sync.WaitGroup
	for range 3 {
		visits.Go(func() {
			lasting := newCustomer(t, shop) // only looks, so that its expiry has to be moved
			lasting.post(ctx, "/cart/add", "goods", "Tea", "amount", "1")
			for ctx.Err() == nil {
				lasting.get(ctx)
				c := newCustomer(t, shop)
				c.post(ctx, "/cart/add", "goods", "Tea", "amount", "1")
				c.get(ctx)
				c.post(ctx, "/login", "name", "ann", "password", "green-tea")
				for _, proof := range []string{"count", "logout", "planted", "stale"} {
					c.post(ctx, "/proofs", "proof", proof)
				}
				c.post(ctx, "/proofs/stop")
				lasting.get(ctx)
				c.post(ctx, "/cart/add", "goods", "Tea", "amount", "1")
				c.post(ctx, "/proofs/start")
				c.post(ctx, "/logout")
				select {
				case <-ctx.Done():
				case <-time.After(50 * time.Millisecond):
				}
			}
		})
	}
	t.Cleanup(func() {
		stop()
		visits.Wait()
	})
}

// A customer is a browser of a visitor who minds no failure: the store is stopped
// now and then.
type customer struct {
	t      *testing.T
	client http.Client
	shop   string
}

func newCustomer(t *testing.T, shop string) *customer {
	jar, err := cookiejar.New(nil)
	assert.NoError(t, err)
	return &customer{t, http.Client{Jar: jar}, "http://" + shop}
}

func (c *customer) get(ctx context.Context) { c.send(ctx, http.MethodGet, "/", nil) }

// post submits a form: names and values in turn.
func (c *customer) post(ctx context.Context, path string, form ...string) {
	values := url.Values{}
	for i := 0; i < len(form); i += 2 {
		values.Set(form[i], form[i+1])
	}
	c.send(ctx, http.MethodPost, path, values)
}

func (c *customer) send(ctx context.Context, method, path string, form url.Values) {
	request, err := http.NewRequestWithContext(ctx, method, c.shop+path, strings.NewReader(form.Encode()))
	if !assert.NoError(c.t, err) {
		return
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := c.client.Do(request)
	if ctx.Err() != nil || !assert.NoError(c.t, err) {
		return
	}
	_, err = io.Copy(io.Discard, response.Body)
	assert.True(c.t, err == nil || ctx.Err() != nil, "%v", err)
	assert.NoError(c.t, response.Body.Close())
}
