package account_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/gostateful/session/core/account"
)

func TestNext(t *testing.T) {
	for next, want := range map[string]string{
		"/":                    "/",
		"/orders?of=may&x=//y": "/orders?of=may&x=//y",
		"/orders/":             "/orders/",
		"/a%20b#c":             "/a%20b#c",
		"/%C3%A9":              "/%C3%A9",
		"/mail#/inbox?x=//y":   "/mail#/inbox?x=//y",

		"":                          "/",
		"orders":                    "/",
		"//evil.example":            "/",
		"///evil.example":           "/",
		`/\evil.example`:            "/",
		`\\evil.example`:            "/",
		`/.\evil.example`:           "/",
		`/./\evil.example`:          "/",
		`/a/../\evil.example`:       "/",
		"/./evil":                   "/",
		"/.//evil.example":          "/",
		"/a/..//evil.example":       "/",
		"/%2F":                      "/",
		"/%2Fevil.example":          "/",
		"%2Fevil.example":           "/",
		"/%5Cevil.example":          "/",
		"/a/%2E%2E//evil.example":   "/",
		"/\t/evil.example":          "/",
		"/\n/evil.example":          "/",
		"\t//evil.example":          "/",
		" //evil.example":           "/",
		"http://evil.example/":      "/",
		"https:evil.example":        "/",
		"javascript:alert(1)":       "/",
		"data:text/html,x":          "/",
		"//user@evil.example/":      "/",
		"//@/":                      "/",
		"/%09/evil.example":         "/",
		"/%0a/evil.example":         "/",
		"/%00/evil.example":         "/",
		"/%20/evil.example":         "/",
		"?next=//evil.example":      "/",
		"/%zz":                      "/",
		"/\u0000/evil.example":      "/",
		"http:///evil.example":      "/",
		"/a\r\nSet-Cookie: session": "/",
		`/#/../\evil.example`:       "/",
		`/#\evil.example`:           "/",
		"/#/..//evil.example":       "/",
		"/a#/../../b":               "/",
	} {
		if got := account.Next(next); got != want {
			t.Errorf("Next(%q): got %q, want %q", next, got, want)
		}
	}
}

// FuzzNext: if a login page sends its visitor to the result of Next, by any
// means, a browser stays on the site.
func FuzzNext(f *testing.F) {
	for _, seed := range []string{"/orders?a=b", "//evil", `/\evil`, "/.//evil", `/a/../\evil`, "/%2f/evil", "/\t/evil", "/a//../..//evil", "//@/", "/%09/evil.example", "/%0d%2fevil"} {
		f.Add(seed)
	}
	site, err := url.Parse("https://shop.example/login")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, next string) {
		got := account.Next(next)
		if got != "/" && got != next {
			t.Fatalf("Next(%q) made up %q", next, got)
		}
		w := httptest.NewRecorder()
		http.Redirect(w, httptest.NewRequest("GET", "/login", nil), got, http.StatusSeeOther)
		decoded, err := url.Parse(got)
		if err != nil {
			t.Fatalf("Next(%q): %v", next, err)
		}
		// Some routers redirect to the path that they have decoded.
		for _, location := range []string{got, w.Result().Header.Get("Location"), decoded.Path} {
			browser := browsers.Replace(strings.Trim(location, whitespace))
			if path, _, _ := strings.Cut(browser, "?"); !strings.HasPrefix(path, "/") || strings.HasPrefix(strings.ReplaceAll(path, `\`, "/"), "//") {
				t.Errorf("Next(%q): a browser takes Location %q for another host", next, location)
			}
			u, err := site.Parse(location)
			if err == nil && u.Host != site.Host {
				t.Errorf("Next(%q): Location %q leads to %s", next, location, u.Host)
			}
		}
	})
}

// What browsers drop, at the ends and everywhere (WHATWG URL, basic parser).
var (
	whitespace = "\x00\x01\x02\x03\x04\x05\x06\x07\x08\t\n\v\f\r\x0e\x0f\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f "
	browsers   = strings.NewReplacer("\t", "", "\n", "", "\r", "")
)
