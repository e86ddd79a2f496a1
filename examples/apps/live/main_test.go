package main

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gofiber/fiber/v3"

	session "github.com/gostateful/session/core"
	"github.com/gostateful/session/memory"
)

func TestLive(t *testing.T) {
	visits, err := session.New[Visit](memory.New(nil), nil)
	if err != nil {
		t.Fatal(err)
	}
	app := newApp(visits, 10*time.Millisecond)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- app.Listener(l, fiber.ListenConfig{DisableStartupMessage: true}) }()
	t.Cleanup(func() {
		if err := app.Shutdown(); err != nil {
			t.Error(err)
		}
		_ = l.Close() // as Shutdown does nothing to a server that is only about to serve
		<-served
	})
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Jar: jar}
	do := func(method, path string, form url.Values) *http.Response {
		t.Helper()
		r, err := http.NewRequest(method, "http://"+l.Addr().String()+path, strings.NewReader(form.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		answer, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = answer.Body.Close() })
		return answer
	}
	text := func(answer *http.Response) string {
		b, err := io.ReadAll(answer.Body)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	if answer := do("GET", "/unread", nil); answer.StatusCode != http.StatusUnauthorized {
		t.Errorf("a visitor's poll: got %d, want 401", answer.StatusCode)
	}
	do("POST", "/login", url.Values{"user": {"ann"}})
	events := do("GET", "/events", nil)
	lines := bufio.NewScanner(events.Body)
	next := func() string {
		for lines.Scan() {
			if lines.Text() != "" {
				return lines.Text()
			}
		}
		t.Fatalf("the stream is over: %v", lines.Err())
		return ""
	}
	if got := next(); got != "data: 0" {
		t.Errorf("the stream begins with %q", got)
	}
	if got := text(do("POST", "/send", url.Values{"user": {"ann"}})); got != `{"devices":1}` {
		t.Errorf("a message to ann: got %s", got)
	}
	for next() != "data: 1" {
	}
	if got := text(do("GET", "/unread", nil)); !strings.HasPrefix(got, `{"unread":1,`) {
		t.Errorf("the poll: got %s", got)
	}
	do("POST", "/logout", nil)
	for next() != "event: end" {
	}
	if got := next(); got != "data: signed out" {
		t.Errorf("the stream ends with %q", got)
	}
}

func TestOtherSites(t *testing.T) {
	visits, err := session.New[Visit](memory.New(nil), nil)
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest("POST", "/login", nil)
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	answer, err := newApp(visits, time.Second).Test(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != 403 {
		t.Errorf("a form of another site: got %d, want 403", answer.StatusCode)
	}
}
