package account_test

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	session "github.com/gostateful/session/core"
	"github.com/gostateful/session/core/account"
)

// mount is how Devices is mounted at a path, with a slash at the end or without.
func mount(path string, h http.Handler) http.Handler { return http.StripPrefix(path, h) }

// TestMounted: Devices works wherever it is mounted.
func TestMounted(t *testing.T) {
	si := newSite(t, nil)
	h := account.Devices(si.Manager, account.Guard{}, described)
	si.Handle("/devices", mount("/devices", h))
	si.Handle("/devices/", mount("/devices", h))
	si.Handle("/users/{user}/devices/", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mount("/users/"+r.PathValue("user")+"/devices", h).ServeHTTP(w, r)
	}))
	inner := http.NewServeMux()
	inner.Handle("/mine/", mount("/mine", h))
	si.Handle("/me/", mount("/me", inner))
	si.Handle("devices.example/", h) // all of a host
	ann := si.login("ann", "Firefox")
	for _, path := range []string{"/devices", "/devices/", "/users/ann/devices/", "/me/mine/", "http://devices.example/"} {
		phone := si.login("ann", "Safari")
		id := phone.id(path)
		base := strings.TrimSuffix(path, "/") + "/"
		if got := ann.do("DELETE", base+id); got.status != 204 {
			t.Errorf("DELETE %s: got status %d, want 204", base+id, got.status)
		}
		si.login("ann", "Safari")
		if got := ann.do("DELETE", base+"others"); got.status != 204 || len(si.store.Records) != 1 {
			t.Errorf("DELETE %sothers: got status %d, and %d sessions are left, want 204, 1", base, got.status, len(si.store.Records))
		}
	}
}

// TestPaths: a path that only looks like one of its own is 404 with any method.
// A wrong method is 405, with the right ones in Allow. A router may pass all of
// these: only http.ServeMux cleans paths.
func TestPaths(t *testing.T) {
	si := newSite(t, nil)
	h := mount("/devices", account.Devices(si.Manager, account.Guard{}, described))
	si.login("ann", "Firefox")
	si.login("ann", "Safari")
	before := slices.Collect(maps.Keys(si.store.Records))
	id := before[0].String()
	for _, path := range []string{
		"anything", "anything/", "others/", "x/others", "x%2Fothers", "%2Fothers", "/others", "//others", "./others", "../others", "x/../others",
		"others/x", "Others", "%6Fthers", "All", "all/", "x/all", "%61ll", "others%00", "others%20", "others%2F", "others;x", "..", "%2F", "/", "devices/others",
		id + "/", "x/" + id, "x%2F" + id, "/" + id, id + "/others", id[1:], "{" + id + "}", "%30" + id[1:], "00000000-0000-0000-0000-000000000000",
	} {
		for _, method := range []string{"GET", "HEAD", "POST", "DELETE"} {
			if got := si.direct(h, method, "/devices/"+path); got.Code != 404 || got.Header().Get("Cache-Control") != "no-store" {
				t.Errorf("%s /devices/%s: got status %d, Cache-Control %q, want 404, no-store", method, path, got.Code, got.Header().Get("Cache-Control"))
			}
		}
	}
	for path, allow := range map[string]string{"": "GET, HEAD", "/": "GET, HEAD", "/others": "DELETE", "/all": "DELETE", "/" + id: "DELETE"} {
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "delete"} {
			if slices.Contains(strings.Split(allow, ", "), method) {
				continue
			}
			got := si.direct(h, method, "/devices"+path)
			if got.Code != 405 || got.Header().Get("Allow") != allow || got.Header().Get("Cache-Control") != "no-store" {
				t.Errorf("%s /devices%s: got status %d and the headers %v, want 405, Allow: %s, no-store", method, path, got.Code, got.Header(), allow)
			}
		}
	}
	for _, id := range before {
		if _, ok := si.store.Records[id]; !ok {
			t.Errorf("session %v has ended", id)
		}
	}

	// If its mount is not stripped, any path is possible. If too much is stripped,
	// with the slash, //others would be others.
	h = account.Devices(si.Manager, account.Guard{}, described)
	for _, request := range [][2]string{{"GET", "/devices"}, {"GET", "/devices/"}, {"DELETE", "/devices/others"}, {"DELETE", "/devices/" + id}} {
		if got := si.direct(h, request[0], request[1]); got.Code != 404 {
			t.Errorf("without StripPrefix, %s %s: got status %d, want 404", request[0], request[1], got.Code)
		}
		if request[0] == "GET" {
			continue
		}
		if got := si.direct(mount("/devices/", h), request[0], request[1]); got.Code != 404 {
			t.Errorf("without its slash, %s %s: got status %d, want 404", request[0], request[1], got.Code)
		}
	}
}

// direct asks a handler without a router, for a user who is logged in.
func (si *site) direct(h http.Handler, method, target string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, nil)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r.WithContext(si.NewContext(r.Context(), session.Info[visit]{Subject: "ann"})))
	return w
}

// TestCrossOrigin: another origin's page cannot revoke, unless it is trusted.
func TestCrossOrigin(t *testing.T) {
	si := newDevices(t, account.Guard{})
	protection := http.NewCrossOriginProtection()
	if err := protection.AddTrustedOrigin("https://app.example"); err != nil {
		t.Fatal(err)
	}
	si.Handle("/trusting/", mount("/trusting", account.Devices(si.Manager, account.Guard{}, &account.DevicesOptions[visit]{CrossOrigin: protection})))
	for _, test := range []struct {
		path, site, origin string
		want               int
	}{
		{"/devices/others", "cross-site", "https://app.example", 403},
		{"/devices/others", "same-site", "https://app.example", 403},
		{"/devices/others", "", "https://evil.example", 403},
		{"/devices/others", "same-origin", "https://example.com", 204},
		{"/trusting/others", "same-site", "https://app.example", 204},
		{"/trusting/others", "cross-site", "https://evil.example", 403},
	} {
		si.login("ann", "Safari")
		ann := si.login("ann", "Firefox")
		before := len(si.store.Records)
		headers := []string{"Origin", test.origin}
		if test.site != "" {
			headers = append(headers, "Sec-Fetch-Site", test.site)
		}
		got := ann.do("DELETE", test.path, headers...)
		if revoked := len(si.store.Records) < before; got.status != test.want || revoked != (test.want == 204) {
			t.Errorf("%+v: got status %d, revoked: %t", test, got.status, revoked)
		}
		if cache := got.Values("Cache-Control"); !slices.Equal(cache, []string{"no-store"}) {
			t.Errorf("%+v: got Cache-Control %q, want no-store", test, cache)
		}
	}
}
