package main

import (
	"bufio"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
)

// A browser visits the shop.
type browser struct {
	t *testing.T
	http.Client
	url string
}

func open(t *testing.T) *browser {
	s, err := newShop()
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewTLSServer(s.handler())
	t.Cleanup(server.Close)
	b := &browser{t, *server.Client(), server.URL}
	if b.Jar, err = cookiejar.New(nil); err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *browser) do(method, path string, form ...string) (status int, body string) {
	b.t.Helper()
	values := url.Values{}
	for i := 0; i < len(form); i += 2 {
		values.Set(form[i], form[i+1])
	}
	r, err := http.NewRequest(method, b.url+path, strings.NewReader(values.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Accept", "text/html")
	answer, err := b.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return answer.StatusCode, string(text)
}

func (b *browser) wants(has bool, text, in string) {
	b.t.Helper()
	if strings.Contains(in, text) != has {
		b.t.Errorf("the page shows %q: %t, want %t:\n%s", text, !has, has, in)
	}
}

func TestShop(t *testing.T) {
	b := open(t)
	_, page := b.do("POST", "/cart", "item", "tea")
	b.wants(true, "<li>1 tea", page)
	_, page = b.do("POST", "/login", "user", "ann", "password", "coffee")
	b.wants(true, "Wrong name or password", page)
	if status, _ := b.do("POST", "/checkout"); status != http.StatusUnauthorized {
		t.Errorf("a checkout without a login: got %d, want 401", status)
	}

	_, page = b.do("POST", "/login", "user", "ann", "password", "tea", "remember", "on")
	b.wants(true, "Hello ann", page)
	b.wants(true, "<li>1 tea", page) // the cart survives the login
	_, page = b.do("GET", "/")
	b.wants(false, "Hello ann", page) // once
	if _, cart := b.do("GET", "/api/cart"); cart != "{\"tea\":1}\n" {
		t.Errorf("the API answers %q", cart)
	}

	var all sync.WaitGroup
	var mu sync.Mutex
	thanks := 0
	for range 10 { // a double click, and more
		all.Go(func() {
			_, page := b.do("POST", "/checkout")
			mu.Lock()
			defer mu.Unlock()
			thanks += strings.Count(page, "Thank you")
		})
	}
	all.Wait()
	_, page = b.do("GET", "/")
	if thanks += strings.Count(page, "Thank you"); thanks != 1 {
		t.Errorf("thanked %d times, want once", thanks)
	}
	b.wants(false, "tea", page)

	b.do("POST", "/logout")
	_, page = b.do("GET", "/api/cart") // sends a browser to the login page
	b.wants(true, "/login?next=%2fapi%2fcart", page)
}

// TestShort: it stays as short as it is said to be.
func TestShort(t *testing.T) {
	f, err := os.Open("main.go")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines := 0
	for s := bufio.NewScanner(f); s.Scan(); {
		if line := strings.TrimSpace(s.Text()); line != "" && !strings.HasPrefix(line, "//") {
			lines++
		}
	}
	if lines > 140 {
		t.Errorf("main.go has %d lines of code, want at most 140", lines)
	}
}

func TestOtherSites(t *testing.T) {
	s, err := newShop()
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest("POST", "/cart?item=tea", nil)
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	w := httptest.NewRecorder()
	s.handler().ServeHTTP(w, r)
	if w.Code != 403 || len(w.Result().Cookies()) != 0 {
		t.Errorf("a form of another site: got %d and the cookies %v, want 403 and none", w.Code, w.Result().Cookies())
	}
}
