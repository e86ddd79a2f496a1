// Package processes tests what several processes do to one session at the same
// moment, and to many sessions for long.
package processes

import (
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gostateful/session/adapters/nethttp"
	session "github.com/gostateful/session/core"
	"github.com/gostateful/session/memory"
	"github.com/gostateful/session/tests/support/servers"
)

const requests = 200

// TestMain is also the web server of a process of its own: with a backend in
// the environment, it serves at the address of its first argument.
func TestMain(m *testing.M) {
	if backend := os.Getenv("PROCESSES_TEST_BACKEND"); backend != "" {
		fmt.Println(serve(backend, os.Getenv("PROCESSES_TEST_SITE"), os.Args[1]))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func serve(backend, site, addr string) error {
	b, err := open(backend)
	if err != nil {
		return err
	}
	handler, err := counter(b.store, requests/2)
	if site != "" {
		handler, err = soaked(b, site)
	}
	if err != nil {
		return err
	}
	return http.ListenAndServe(addr, handler)
}

// start starts a process that serves over a backend, and returns its URL. An empty
// site is a counter, see soaked for others.
func start(t *testing.T, backend, site string) string {
	t.Helper()
	web := servers.Start(t, servers.Program{
		Name: os.Args[0],
		Env:  []string{"PROCESSES_TEST_BACKEND=" + backend, "PROCESSES_TEST_SITE=" + site},
		Args: func(s *servers.Server) []string { return []string{s.Addr()} },
	})
	return "http://" + web.Addr()
}

type data struct{ N int }

// counter counts in a session, the worst way: a request that increments first
// reads, and pauses until all the others of this process have read too.
func counter(store session.Store, others int) (http.Handler, error) {
	sessions, err := session.New[data](store, &session.Options{StoreTimeout: time.Minute}) // for a machine that does much else
	if err != nil {
		return nil, err
	}
	var reading sync.WaitGroup
	reading.Add(others)
	handle := func(pause func()) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			s, err := sessions.Get(r.Context())
			if err == nil {
				pause()
				err = s.Update(func(d *data) error { d.N++; return nil })
			}
			if err != nil {
				http.Error(w, err.Error(), session.HTTPStatus(err))
			}
		}
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /first", handle(func() {}))
	mux.HandleFunc("POST /increment", handle(func() {
		reading.Done()
		reading.Wait()
	}))
	mux.HandleFunc("GET /count", func(w http.ResponseWriter, r *http.Request) {
		s, err := sessions.Get(r.Context())
		if err != nil {
			http.Error(w, err.Error(), session.HTTPStatus(err))
			return
		}
		fmt.Fprint(w, s.Data().N)
	})
	return nethttp.Middleware(sessions, nil)(mux), nil
}

// TestNoLostUpdate: overlapping requests on one session lose nothing, in one
// process or in many (law 1).
func TestNoLostUpdate(t *testing.T) {
	t.Run("one process", func(t *testing.T) {
		handler, err := counter(memory.New(nil), requests)
		require.NoError(t, err)
		server := httptest.NewServer(handler)
		defer server.Close()
		increment(t, server.URL)
	})
	for _, store := range stores {
		t.Run("two processes, "+store.name, func(t *testing.T) {
			var sites []string
			for _, backend := range store.start(t) {
				sites = append(sites, start(t, backend, ""))
			}
			increment(t, sites...)
		})
	}
}

// increment sends the requests to the sites in turn and counts.
func increment(t *testing.T, sites ...string) {
	t.Helper()
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	client := &http.Client{Jar: jar, Timeout: 2 * time.Minute}
	ask := func(method, url string) (status int, body string, err error) {
		r, err := http.NewRequest(method, url, nil)
		if err != nil {
			return 0, "", err
		}
		resp, err := client.Do(r)
		if err != nil {
			return 0, "", err
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		return resp.StatusCode, strings.TrimSpace(string(text)), err
	}

	status, body, err := ask("POST", sites[0]+"/first") // makes the session; the others have its cookie
	require.NoError(t, err)
	require.Equal(t, 200, status, body)

	var all sync.WaitGroup
	for i := range requests {
		all.Go(func() {
			status, body, err := ask("POST", sites[i%len(sites)]+"/increment")
			assert.NoError(t, err)
			assert.Equal(t, 200, status, body)
		})
	}
	all.Wait()

	for _, site := range sites {
		_, body, err := ask("GET", site+"/count")
		require.NoError(t, err)
		assert.Equal(t, fmt.Sprint(1+requests), body, "%d overlapping increments of 1, as %s counts them", requests, site)
	}
}
