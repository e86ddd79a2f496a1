package adaptertest

import (
	"strings"
	"testing"
	"time"

	session "github.com/gostateful/session/core"
)

func deviceLaws() []law { return []law{{"Device", deviceBinds}} }

// deviceBinds: a login asks the browser to register its device. Then the cookie is
// good for a time, another comes by the proof of the device, also without the cookie,
// and a copy of the old one opens nothing.
func deviceBinds(t *testing.T, on setup) {
	var answer session.DeviceAnswer // of the last registration or refresh; requests come one by one
	answered := func(r Request, got session.DeviceAnswer, err error) {
		if err != nil {
			t.Errorf("a device is refused: %v", err)
		}
		if answer = got; !got.Done {
			r.Respond(403, "sign "+got.Challenge)
			return
		}
		r.Respond(200, "done")
	}
	si := open(t, on, &session.Options{
		Device:          session.Device{Path: "/register", Interval: time.Second},
		StragglerWindow: time.Millisecond,
	}, routes{
		"/register": func(si *site, r Request) {
			_, challenge, _ := strings.Cut(r.Target, "?")
			got, err := session.RegisterDevice(r.Context, si.Manager, challenge, []byte("key"))
			answered(r, got, err)
		},
		"/refresh": func(si *site, r Request) {
			got, err := session.RefreshDevice(r.Context, si.Manager, answer.ID, answer.Challenge, func(key []byte) bool { return string(key) == "key" })
			answered(r, got, err)
		},
	})
	v := si.visitor()
	offer := v.get("/login").header.Get("Secure-Session-Registration")
	_, challenge, _ := strings.Cut(offer, `;challenge="`)
	challenge, _, ok := strings.Cut(challenge, `"`)
	if !ok {
		t.Fatalf("the response to a login has the offer %q", offer)
	}
	registered := v.get("/register?" + challenge)
	if lines := registered.cookies(cookieName); len(lines) != 1 || !strings.Contains(lines[0], "; Max-Age=1;") {
		t.Fatalf("the answer to a registration sets %q", lines)
	}
	copied := "Cookie: " + cookieName + "=" + registered.token()
	for began := time.Now(); si.raw("/read", copied).body == "0 alice"; {
		if time.Since(began) > patience {
			t.Fatal("a copy of the cookie opens the session for ever")
		}
		time.Sleep(10 * time.Millisecond)
	}
	refreshed := si.raw("/refresh")
	if refreshed.status == 403 { // the challenge that came with the cookie is too old
		refreshed = si.raw("/refresh")
	}
	refreshed.wants(t, 200, "done")
	if refreshed.token() == "" || len(refreshed.header["Secure-Session-Registration"]) != 0 {
		t.Fatalf("the answer to a refresh has the header %v", refreshed.header)
	}
	si.raw("/read", "Cookie: "+cookieName+"="+refreshed.token()).wants(t, 200, "0 alice")
	if got := si.raw("/read", copied).body; strings.Contains(got, "alice") {
		t.Errorf("after the refresh, the copy opens the session: %q", got)
	}
}
