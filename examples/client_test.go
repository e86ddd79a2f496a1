package main

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"strings"
	"testing"
	"time"
)

// A client is a browser that follows no redirect.
type client struct {
	*testing.T
	http.Client
	site string
}

// each runs a test with each adapter, in memory.
func each(t *testing.T, test func(t *testing.T, s *site, c *client)) {
	for _, adapter := range strings.Split(tested, ", ") {
		t.Run(adapter, func(t *testing.T) {
			s := newTestSite(t)
			closing, closed := context.WithCancel(context.Background())
			s.closing = closing
			serveTest(t, adapter, s, closed)
			test(t, s, newClient(t, s))
		})
	}
}

func serveTest(t *testing.T, adapter string, s *site, closed func()) {
	srv, err := newAdapter(adapter, s)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.address = "http://" + listener.Addr().String()
	served := make(chan struct{})
	go func() {
		_ = srv.Serve(listener)
		close(served)
	}()
	t.Cleanup(func() {
		closed()
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := srv.Shutdown(ctx); err != nil {
			t.Errorf("shutdown: %v", err)
		}
		<-served
	})
}

func newClient(t *testing.T, s *site) *client {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &client{t, http.Client{
		Jar:           jar,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, s.address}
}

// send sends a request, whose header is names and values in turn.
func (c *client) send(method, path, form string, header ...string) *http.Response {
	c.Helper()
	r, err := http.NewRequest(method, c.site+path, strings.NewReader(form))
	if err != nil {
		c.Fatal(err)
	}
	if form != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := c.Do(r)
	if err != nil {
		c.Fatal(err)
	}
	return resp
}

func (c *client) read(resp *http.Response) string {
	c.Helper()
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		c.Fatal(err)
	}
	return string(text)
}

// events returns a function that reads the next event of a stream.
func (c *client) events() (next func() string) {
	resp := c.send("GET", "/live", "")
	c.Cleanup(func() { resp.Body.Close() })
	lines := bufio.NewScanner(resp.Body)
	return func() string {
		c.Helper()
		var event strings.Builder
		for lines.Scan() {
			if lines.Text() == "" && event.Len() > 0 {
				return event.String()
			}
			event.WriteString(lines.Text() + "\n")
		}
		c.Fatalf("the stream ended: %v after %q", lines.Err(), &event)
		return ""
	}
}
