package account_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/gostateful/session/core/account"
)

// TestMounted: it works wherever it is mounted, and by routers that take the
// prefix off and those that do not.
func TestMounted(t *testing.T) {
	si := newSite(t, nil)
	h := account.Devices(si.Manager, account.Guard{}, browser)
	si.Handle("/whole/", h)
	si.Handle("/whole", h)
	si.Handle("/stripped/", http.StripPrefix("/stripped", h))
	si.Handle("/bare/", http.StripPrefix("/bare/", h))
	si.Handle("/me/account/devices/", h)
	ann := si.login("ann", "Firefox")
	for _, path := range []string{"/whole", "/whole/", "/stripped/", "/bare/", "/me/account/devices/"} {
		phone := si.login("ann", "Safari")
		id := phone.id(path)
		base := strings.TrimSuffix(path, "/") + "/"
		if got := ann.do("DELETE", base+id); got.status != 204 {
			t.Errorf("DELETE %s: got status %d, want 204", base+id, got.status)
		}
		si.login("ann", "Safari")
		if got := ann.do("DELETE", base+"others/"); got.status != 204 || len(si.store.Records) != 1 { // for routers that ignore the slash
			t.Errorf("DELETE %sothers/: got status %d, and %d sessions are left, want 204, 1", base, got.status, len(si.store.Records))
		}
	}
}

// TestMethods: a method that a path does not know is 405 with those that it does.
func TestMethods(t *testing.T) {
	si := newDevices(t, account.Guard{})
	ann := si.login("ann", "Firefox")
	id := ann.id("/devices/")
	for _, test := range [][3]string{
		{"POST", "/devices/", "GET, HEAD"},
		{"PUT", "/devices/", "GET, HEAD"},
		{"GET", "/devices/" + id, "DELETE"},
		{"GET", "/devices/others", "DELETE"},
		{"POST", "/devices/others", "DELETE"},
	} {
		got := ann.do(test[0], test[1])
		if got.status != 405 || got.Get("Allow") != test[2] || !ann.in() {
			t.Errorf("%s %s: got status %d, Allow %q, want 405, %q", test[0], test[1], got.status, got.Get("Allow"), test[2])
		}
	}
}

// TestCrossOrigin: another origin's page cannot revoke, unless it is trusted.
func TestCrossOrigin(t *testing.T) {
	si := newDevices(t, account.Guard{})
	protection := http.NewCrossOriginProtection()
	if err := protection.AddTrustedOrigin("https://app.example"); err != nil {
		t.Fatal(err)
	}
	si.Handle("/trusting/", account.Devices(si.Manager, account.Guard{CrossOrigin: protection}, nil))
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
	}
}
