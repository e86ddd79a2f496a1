// Package frameworks_test tries what docs/frameworks.md says about libraries that are
// built on net/http.
package frameworks_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gostateful/session/adapters/nethttp"
	session "github.com/gostateful/session/core"
	"github.com/gostateful/session/core/adaptertest"
	"github.com/gostateful/session/tests/support/docs"
)

type Visit struct{ N int }

func count(v *Visit) error { v.N++; return nil }

// A site serves one of the frameworks, and asks it.
type site struct {
	*session.Manager[Visit]
	store *adaptertest.Store
}

func newSite(t *testing.T) *site {
	t.Helper()
	si := &site{store: adaptertest.NewStore()}
	var err error
	si.Manager, err = session.New[Visit](si.store, nil)
	require.NoError(t, err)
	return si
}

// counts asks three times, each of which is to be counted, and once with a store that
// is down.
func counts(t *testing.T, si *site, handler http.Handler, ask func(client *http.Client, url string) (status int, body string)) {
	t.Helper()
	at := newServer(t, handler)
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	client := &http.Client{Jar: jar}
	for i := range 3 {
		status, body := ask(client, at)
		assert.Equal(t, 200, status)
		assert.Contains(t, body, fmt.Sprint("visit ", i+1))
	}
	si.store.Lose()
	status, body := ask(client, at)
	assert.Equal(t, 503, status, body)
	assert.NotContains(t, body, "visit ")
	assert.NotContains(t, body, "lost", "the client is told why")
}

// get asks a page.
func get(t *testing.T, path string) func(*http.Client, string) (int, string) {
	return func(client *http.Client, url string) (int, string) {
		resp, err := client.Get(url + path)
		require.NoError(t, err)
		return read(t, resp)
	}
}

func read(t *testing.T, resp *http.Response) (int, string) {
	t.Helper()
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp.StatusCode, string(body)
}

func newServer(t *testing.T, handler http.Handler) (url string) {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL
}

// TestDoc: the code of the page is that of these tests.
func TestDoc(t *testing.T) { docs.Shows(t, "frameworks.md", 6) }

func serveMux(visits *session.Manager[Visit]) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /visits", func(w http.ResponseWriter, r *http.Request) {
		s, err := visits.Get(r.Context())
		if err != nil {
			session.Error(w, err)
			return
		}
		if err := s.Update(count); err != nil {
			session.Error(w, err)
			return
		}
		fmt.Fprintln(w, "visit", s.Data().N)
	})
	return nethttp.Middleware(visits, nil)(mux)
}

func TestServeMux(t *testing.T) {
	si := newSite(t)
	counts(t, si, serveMux(si.Manager), get(t, "/visits"))
}
