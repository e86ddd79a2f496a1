package account_test

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	session "github.com/gostateful/session/core"
	"github.com/gostateful/session/core/account"
)

var described = &account.DevicesOptions[visit]{Describe: func(info session.Info[visit]) any { return info.Data.Browser }}

// A listed session is one of the JSON array.
type listed struct {
	ID              string
	Current         bool
	CreatedAt       time.Time
	AuthenticatedAt time.Time
	LastUsedAt      time.Time
	ExpiresAt       time.Time
	Device          any
}

// devices lists the visitor's sessions.
func (v *visitor) devices(path string) []listed {
	v.t.Helper()
	got := v.do("GET", path)
	var list []listed
	if err := json.Unmarshal([]byte(got.body), &list); err != nil || got.status != 200 {
		v.t.Fatalf("GET %s: got status %d, body %q: %v", path, got.status, got.body, err)
	}
	return list
}

// id is the id of the visitor's present session.
func (v *visitor) id(path string) string {
	v.t.Helper()
	list := v.devices(path)
	i := slices.IndexFunc(list, func(l listed) bool { return l.Current })
	if i < 0 {
		v.t.Fatalf("no current session in %+v", list)
	}
	return list[i].ID
}

// in reports whether the visitor is logged in.
func (v *visitor) in() bool {
	v.t.Helper()
	return v.do("GET", "/devices/").status == 200
}

func newDevices(t *testing.T, g account.Guard) *site {
	si := newSite(t, nil)
	si.Handle("/devices/", mount("/devices", account.Devices(si.Manager, g, described)))
	return si
}

// TestList: the caller sees their own sessions, and of the data only what
// Describe returns.
func TestList(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		si := newDevices(t, account.Guard{})
		si.Handle("/silent/", mount("/silent", account.Devices(si.Manager, account.Guard{}, nil)))
		si.login("bob", "Lynx")
		start := time.Now().UTC()
		phone := si.login("ann", "Safari")
		time.Sleep(time.Minute)
		laptop := si.login("ann", "Firefox")

		list := laptop.devices("/devices/")
		if len(list) != 2 {
			t.Fatalf("got %+v, want ann's two sessions", list)
		}
		want := []listed{
			{list[0].ID, true, start.Add(time.Minute), start.Add(time.Minute), start.Add(time.Minute), start.Add(61 * time.Minute), "Firefox"},
			{list[1].ID, false, start, start, start, start.Add(time.Hour), "Safari"},
		}
		for i := range want {
			if list[i] != want[i] {
				t.Errorf("got  %+v\nwant %+v", list[i], want[i])
			}
			if _, err := session.ParseID(list[i].ID); err != nil {
				t.Error(err)
			}
		}
		if got := phone.id("/devices/"); got != list[1].ID {
			t.Errorf("the phone takes %s for its own session, want %s", got, list[1].ID)
		}

		got := laptop.do("GET", "/devices/")
		if strings.Contains(got.body, "1234") {
			t.Errorf("the list shows data that describe did not tell: %s", got.body)
		}
		if got.Get("Content-Type") != "application/json" || got.Get("Cache-Control") != "no-store" || !slices.Contains(got.Values("Vary"), "Cookie") {
			t.Errorf("got the headers %v, want JSON that no cache keeps", got.Header)
		}
		if got := laptop.do("GET", "/silent/"); strings.Contains(got.body, "Firefox") || strings.Contains(got.body, "device") {
			t.Errorf("without describe the list shows %s", got.body)
		}
		if got := laptop.do("HEAD", "/devices/"); got.status != 200 {
			t.Errorf("HEAD: got status %d, want 200", got.status)
		}
	})
}

// TestRevoke: a caller ends one of their own sessions, or all others.
func TestRevoke(t *testing.T) {
	si := newDevices(t, account.Guard{})
	bob := si.login("bob", "Lynx")
	phone, tablet, laptop := si.login("ann", "Safari"), si.login("ann", "Chrome"), si.login("ann", "Firefox")

	lost := phone.id("/devices/")
	if got := laptop.do("DELETE", "/devices/"+lost); got.status != 204 || got.body != "" || got.Get("Cache-Control") != "no-store" {
		t.Errorf("got status %d, body %q, want 204 and none", got.status, got.body)
	}
	if phone.in() || !tablet.in() || !laptop.in() || !bob.in() {
		t.Errorf("logged in: phone %t, tablet %t, laptop %t, bob %t; want all but the phone", phone.in(), tablet.in(), laptop.in(), bob.in())
	}
	if got := laptop.do("DELETE", "/devices/"+lost); got.status != 404 {
		t.Errorf("once more: got status %d, want 404", got.status)
	}
	si.login("ann", "Opera")
	if got := laptop.do("DELETE", "/devices/others"); got.status != 204 {
		t.Errorf("others: got status %d, want 204", got.status)
	}
	if list := laptop.devices("/devices/"); len(list) != 1 || !list[0].Current || tablet.in() || !bob.in() {
		t.Errorf("after others: got %+v; bob is logged in: %t", list, bob.in())
	}
}

// TestRevokeForeign: a session that is not the caller's is 404, and nothing
// tells whether it is another user's.
func TestRevokeForeign(t *testing.T) {
	si := newDevices(t, account.Guard{})
	bob, ann := si.login("bob", "Lynx"), si.login("ann", "Firefox")
	foreign := ann.do("DELETE", "/devices/"+bob.id("/devices/"))
	none := ann.do("DELETE", "/devices/"+session.NewID().String())
	if none.status != 404 || none.body != foreign.body {
		t.Errorf("none: got status %d, body %q, want 404, and the body of a foreign one, %q", none.status, none.body, foreign.body)
	}
	if foreign.status != 404 || !bob.in() {
		t.Errorf("a foreign session: got status %d, and bob is logged in: %t; want 404, true", foreign.status, bob.in())
	}
}

// TestRevokeHandedOver: if another user logs in with a browser while its owner
// revokes its session, that user has to log in once more, and no other session
// of theirs ends.
func TestRevokeHandedOver(t *testing.T) {
	si := newDevices(t, account.Guard{})
	bob, shared, ann := si.login("bob", "Lynx"), si.login("ann", "Chrome"), si.login("ann", "Firefox")
	id, plain := shared.id("/devices/"), si.store.Around
	si.store.Around = func(ctx context.Context, method string, of session.ID, call func() error) error {
		if method == "Delete" && of.String() == id {
			si.store.Around = plain
			shared.again("bob", "Chrome")
		}
		return call()
	}
	if got := ann.do("DELETE", "/devices/"+id); got.status != 204 || shared.in() || !bob.in() || !ann.in() {
		t.Errorf("got status %d; logged in: shared %t, bob %t, ann %t; want 204 and all but the shared one", got.status, shared.in(), bob.in(), ann.in())
	}
	if shared.again("bob", "Chrome"); !shared.in() {
		t.Error("bob cannot log in once more")
	}
}

// TestRevokeCurrent is a logout: the record is gone, and so is the cookie.
func TestRevokeCurrent(t *testing.T) {
	si := newDevices(t, account.Guard{})
	ann := si.login("ann", "Firefox")
	got := ann.do("DELETE", "/devices/"+ann.id("/devices/"))
	if cookies := got.Values("Set-Cookie"); got.status != 204 || len(cookies) != 1 || ann.cookie != "" {
		t.Errorf("got status %d, cookies %q, want 204 and the cookie removed", got.status, cookies)
	}
	if infos, err := si.List(t.Context(), "ann"); err != nil || len(infos) != 0 {
		t.Errorf("got %d sessions (%v), want none", len(infos), err)
	}
}

// TestSignOutEverywhere: all of the caller's sessions end, and the cookie is removed.
func TestSignOutEverywhere(t *testing.T) {
	si := newDevices(t, account.Guard{})
	bob, phone, ann := si.login("bob", "Lynx"), si.login("ann", "Safari"), si.login("ann", "Firefox")
	got := ann.do("DELETE", "/devices/all")
	if cookies := got.Values("Set-Cookie"); got.status != 204 || len(cookies) != 1 || ann.cookie != "" {
		t.Errorf("got status %d, cookies %q, want 204 and the cookie removed", got.status, cookies)
	}
	if infos, err := si.List(t.Context(), "ann"); err != nil || len(infos) != 0 || phone.in() || !bob.in() {
		t.Errorf("got %d sessions of ann's (%v), and bob is logged in: %t; want none, true", len(infos), err, bob.in())
	}
}

// TestUndecodable: a session that cannot be decoded is listed and can be revoked.
func TestUndecodable(t *testing.T) {
	si := newDevices(t, account.Guard{})
	old, other, ann := si.login("ann", "Mosaic"), si.login("ann", "Chrome"), si.login("ann", "Firefox")
	id := old.id("/devices/")
	si.spoil(old)
	list := ann.devices("/devices/")
	if i := slices.IndexFunc(list, func(l listed) bool { return l.ID == id }); len(list) != 3 || i < 0 || list[i].Device != "" || list[i].ExpiresAt.IsZero() {
		t.Errorf("got %+v, want three, with %s", list, id)
	}
	if got := ann.do("DELETE", "/devices/"+id); got.status != 204 || len(ann.devices("/devices/")) != 2 || !other.in() {
		t.Errorf("got status %d, want 204, and only that one gone", got.status)
	}
	si.spoil(other)
	if got := ann.do("DELETE", "/devices/others"); got.status != 204 || len(si.store.Records) != 1 {
		t.Errorf("others: got status %d, and %d sessions are left, want 204, 1", got.status, len(si.store.Records))
	}
}

// TestDevicesGuard: both need a login, and revoking a recent one.
func TestDevicesGuard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		si := newDevices(t, account.Guard{LoginURL: "/login", Within: 5 * time.Minute})
		nobody := &visitor{site: si}
		if got := nobody.do("GET", "/devices/", page...); got.status != 303 || got.Get("Location") != "/login?next=%2Fdevices%2F" {
			t.Errorf("a page: got status %d, Location %q, want 303, the login page", got.status, got.Get("Location"))
		}
		for _, request := range [][2]string{{"GET", "/devices/"}, {"DELETE", "/devices/others"}, {"DELETE", "/devices/" + session.NewID().String()}} {
			if got := nobody.do(request[0], request[1]); got.status != 401 || got.Get("WWW-Authenticate") != "Cookie" {
				t.Errorf("%v: got status %d, challenge %q, want 401, Cookie", request, got.status, got.Get("WWW-Authenticate"))
			}
		}
		phone, ann := si.login("ann", "Safari"), si.login("ann", "Firefox")
		id, own := phone.id("/devices/"), ann.id("/devices/")
		time.Sleep(6 * time.Minute)
		for _, name := range []string{id, own, "others"} {
			if got := ann.do("DELETE", "/devices/"+name); got.status != 401 || !strings.Contains(got.Get("WWW-Authenticate"), "insufficient_user_authentication") {
				t.Errorf("%s, 6m after the login: got status %d, challenge %q, want 401", name, got.status, got.Get("WWW-Authenticate"))
			}
		}
		if list := ann.devices("/devices/"); len(list) != 2 {
			t.Errorf("6m after the login: got %+v, want both", list)
		}
		ann.again("ann", "Firefox")
		if got := ann.do("DELETE", "/devices/"+id); got.status != 204 {
			t.Errorf("after another login: got status %d, want 204", got.status)
		}
	})
}

// TestDevicesFail: a failure of the store is 503, and the answer does not show
// its text.
func TestDevicesFail(t *testing.T) {
	for _, test := range []struct{ method, of, failing string }{
		{"GET", "", "Load"},
		{"GET", "", "List"},
		{"DELETE", "others", "Load"},
		{"DELETE", "others", "DeleteAll"},
		{"DELETE", "all", "DeleteAll"},
		{"DELETE", "phone", "List"},
		{"DELETE", "phone", "Delete"},
		{"DELETE", "laptop", "Update"},
	} {
		si := newDevices(t, account.Guard{LoginURL: "/login"})
		phone, laptop := si.login("ann", "Safari"), si.login("ann", "Firefox")
		name := map[string]string{"phone": phone.id("/devices/"), "laptop": laptop.id("/devices/"), "others": "others", "all": "all"}[test.of]
		si.failing = test.failing
		got := laptop.do(test.method, "/devices/"+name)
		si.failing = ""
		if !si.failed || got.status != 503 || strings.Contains(got.body, "redis") || got.Get("Set-Cookie") != "" {
			t.Errorf("%+v (called: %t): got status %d, body %q, want 503 and nothing of what the store said", test, si.failed, got.status, got.body)
		}
		if !laptop.in() || !phone.in() {
			t.Errorf("%+v: a session is gone, and the answer said that it failed", test)
		}
	}
}

// TestDescribeFails: if JSON cannot hold what Describe returns, the answer is
// 500.
func TestDescribeFails(t *testing.T) {
	si := newSite(t, nil)
	si.Handle("/devices/", mount("/devices", account.Devices(si.Manager, account.Guard{}, &account.DevicesOptions[visit]{Describe: func(session.Info[visit]) any { return func() {} }})))
	if got := si.login("ann", "Firefox").do("GET", "/devices/"); got.status != 500 || got.body != "Internal Server Error\n" {
		t.Errorf("got status %d, body %q, want 500 and no more", got.status, got.body)
	}
}
