package adaptertest

import (
	"strings"
	"testing"
	"time"

	session "github.com/gostateful/session/core"
	"github.com/gostateful/session/core/internal/dbsc"
)

func deviceLaws() []law { return []law{{"Device", deviceBinds}, {"DeviceSkipped", deviceSkipped}} }

// deviceBinds: a login asks the browser to register its device. After that the
// cookie is good for a time. The proof of the device gets another one, even
// without the cookie, and a copy of the old one opens nothing.
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

// deviceSkipped: a browser that could not refresh its cookie is not taken for a
// visitor without a session.
func deviceSkipped(t *testing.T, on setup) {
	si := open(t, on, &session.Options{Device: session.Device{Path: "/device"}}, nil)
	of := func(cookie, reason string) string {
		return dbsc.Skipped + ": " + reason + `;session_identifier="` + dbsc.Identifier(cookie, "https://example.com", "") + `"`
	}
	skipped := func(reason string) string { return of(cookieName, reason) }
	si.raw("/read").wants(t, 200, "new")
	si.store.took()
	for _, reason := range []string{"unreachable", "server_error"} {
		if got := si.raw("/count", skipped(reason)); got.status != 503 || got.header.Get("Retry-After") == "" {
			t.Errorf("%s: got %v, want 503 and when to come again", reason, got)
		}
	}
	si.raw("/read", skipped("quota_exceeded")).wants(t, 200, "new")
	if got := si.raw("/count", skipped("quota_exceeded")); got.status != 409 || got.header.Get("Retry-After") == "" {
		t.Errorf("quota_exceeded: got %v, want 409 and when to come again", got)
	}
	if calls := si.store.took(); len(calls) > 0 {
		t.Errorf("they called the store: %v", calls)
	}
	if got := si.raw("/count", of("another-cookie", "unreachable")); got.status != 200 {
		t.Errorf("that of another cookie: got %v", got)
	}
	si.raw("/login", skipped("quota_exceeded")).wants(t, 200, "0 alice")
	known := si.known()
	if got := si.raw("/read", cookie(known.token()), skipped("unreachable")); got.body != "1" {
		t.Errorf("beside a cookie that opens a session: %v", got)
	}
}
