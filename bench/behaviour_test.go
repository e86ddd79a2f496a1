package bench

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alexedwards/scs/v2/memstore"
	"github.com/gorilla/sessions"

	session "github.com/gostateful/session/core"
	"github.com/gostateful/session/memory"
)

// behaving are the libraries on the stores that they bring themselves.
var behaving = []library{
	{"session", ours},
	{"scs", scsRoutes},
	{"gorilla", func(tb testing.TB, pause func()) routes {
		return gorillaOn(tb, sessions.NewFilesystemStore(tb.TempDir(), gorillaKey), pause)
	}},
}

// A client sends one cookie, or none.
type client struct {
	t      *testing.T
	server *httptest.Server
}

func serve(t *testing.T, rs routes) *client {
	t.Helper()
	server := httptest.NewServer(rs.handler())
	t.Cleanup(server.Close)
	return &client{t, server}
}

// post returns what came back, with the body; it may run in any goroutine.
func (c *client) post(path, cookie string) (*http.Response, string) {
	r, _ := http.NewRequest("POST", c.server.URL+path, nil)
	if cookie != "" {
		r.Header.Set("Cookie", cookie)
	}
	resp, err := c.server.Client().Do(r)
	if err != nil {
		c.t.Error(err)
		return &http.Response{}, ""
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	return resp, string(body)
}

// fill makes a session and returns its cookie.
func (c *client) fill() string {
	c.t.Helper()
	resp, body := c.post("/fill", "")
	cookie, _, _ := strings.Cut(resp.Header.Get("Set-Cookie"), ";")
	if cookie == "" || resp.StatusCode != http.StatusOK {
		c.t.Fatalf("fill: status %d, cookie %q: %s", resp.StatusCode, cookie, body)
	}
	return cookie
}

// TestOverlap: fifty requests read the same session before any of them writes,
// and each adds one.
func TestOverlap(t *testing.T) {
	for name, want := range map[string]string{"session": "60", "scs": "11", "gorilla": "11"} {
		t.Run(name, func(t *testing.T) {
			var reading, all sync.WaitGroup
			reading.Add(50)
			c := serve(t, named(name).routes(t, func() { reading.Done(); reading.Wait() }))
			cookie := c.fill()
			for range 50 {
				all.Go(func() {
					if resp, body := c.post("/update", cookie); resp.StatusCode != http.StatusOK {
						t.Errorf("status %d: %s", resp.StatusCode, body)
					}
				})
			}
			all.Wait()
			if _, got := c.post("/read", cookie); got != want {
				t.Errorf("10 and 50 overlapping increments: got %s, want %s", got, want)
			}
		})
	}
}

// TestLogoutDuringARequest: a request has read the session, the visitor logs
// out, the request writes. Is the session there again for whoever has the
// cookie?
func TestLogoutDuringARequest(t *testing.T) {
	for name, want := range map[string]string{"session": "0", "scs": "11", "gorilla": "11"} {
		t.Run(name, func(t *testing.T) {
			read, loggedOut, done := make(chan bool), make(chan bool), make(chan bool)
			c := serve(t, named(name).routes(t, func() { close(read); <-loggedOut }))
			cookie := c.fill()
			go func() {
				defer close(done)
				c.post("/update", cookie)
			}()
			<-read
			c.post("/logout", cookie)
			close(loggedOut)
			<-done
			if _, got := c.post("/read", cookie); got != want {
				t.Errorf("total after logout: got %s, want %s", got, want)
			}
		})
	}
}

// TestFlush: a handler changes a new session and flushes before it writes.
// Does the client get the cookie?
func TestFlush(t *testing.T) {
	for name, want := range map[string]bool{"session": true, "scs": false, "gorilla": true} {
		t.Run(name, func(t *testing.T) {
			resp, _ := serve(t, named(name).routes(t, nil)).post("/flush", "")
			if got := resp.Header.Get("Set-Cookie") != ""; got != want {
				t.Errorf("cookie: got %v, want %v", got, want)
			}
		})
	}
}

var errDown = errors.New("the store is down")

// The stores of the libraries, failing to write.
type (
	oursDown struct{ *memory.Store }
	scsDown  struct{ *memstore.MemStore }
)

func (oursDown) Create(context.Context, session.Record) error { return errDown }
func (scsDown) Commit(string, []byte, time.Time) error        { return errDown }

// TestFailedWrite: the store takes no writes, and the handler answers as if it
// did. gorilla/sessions leaves saving, and so this, to the handler.
func TestFailedWrite(t *testing.T) {
	for name, test := range map[string]struct {
		routes routes
		status int
		leaks  bool // the handler's answer is in the response
	}{
		"session": {oursOn(t, oursDown{memory.New(nil)}, nil), http.StatusServiceUnavailable, false},
		"scs":     {scsOn(t, scsDown{memstore.NewWithCleanupInterval(0)}, nil), http.StatusInternalServerError, true},
	} {
		t.Run(name, func(t *testing.T) {
			fill := test.routes.fill
			test.routes.fill = func(w http.ResponseWriter, r *http.Request) {
				fill(w, r)
				_, _ = io.WriteString(w, "your order is on its way")
			}
			resp, body := serve(t, test.routes).post("/fill", "")
			if resp.StatusCode != test.status {
				t.Errorf("status: got %d, want %d", resp.StatusCode, test.status)
			}
			if got := strings.Contains(body, "on its way"); got != test.leaks {
				t.Errorf("the handler's answer is in the response: got %v, want %v:\n%s", got, test.leaks, body)
			}
		})
	}
}

func named(name string) library {
	for _, l := range behaving {
		if l.name == name {
			return l
		}
	}
	panic(name)
}
