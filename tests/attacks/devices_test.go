package attacks

import (
	"encoding/json"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	session "github.com/gostateful/session/core"
)

// of are the IDs of a user's sessions.
func (a *app) of(name string) (ids []string) {
	a.t.Helper()
	infos, err := a.cookies.List(a.t.Context(), name)
	require.NoError(a.t, err)
	for _, info := range infos {
		ids = append(ids, info.ID.String())
	}
	slices.Sort(ids)
	return ids
}

// loginWithID has a new browser log in, and also returns the ID of its session.
func (w *wire) loginWithID(name string) (token, id string) {
	w.t.Helper()
	token = w.login(name)
	return token, idOf(w.t, token)
}

// mayRevoke is what a browser says of where a request comes from, and whether it may
// revoke. Without Sec-Fetch-Site the Origin counts, and without that it is no browser.
func mayRevoke(site, origin string) bool {
	if site != "" {
		return site == "same-origin" || site == "none"
	}
	u, err := url.Parse(origin)
	return origin == "" || err == nil && u.Host == host
}

// TestDevicesOfOtherOrigins: a page of another origin ends no session, by whatever
// it names, on every adapter.
func TestDevicesOfOtherOrigins(t *testing.T) {
	origins := []string{
		"", "null", "http://" + host, "https://" + host, "http://" + host + ":8080", "http://evil.example", "http://" + host + ".evil.example", "http://evil" + host, "http://" + host + "@evil.example",
		"http://evil.example/" + host, "http://evil.example#" + host, "http://evil.example?" + host, `http://evil.example\` + host, "http://" + host + ".", host, "file://", "chrome-extension://abc",
	}
	sites := []string{"", "cross-site", "same-site", "same-origin", "none", "CROSS-SITE", "Same-Origin", "same-origin, cross-site", "x"}
	onEach(t, func(t *testing.T, a *app) {
		w, dice := a.dial(), roll(t)
		n, revoked := 0, 0
		for _, origin := range origins {
			for i, site := range sites {
				var lines []string
				if origin != "" {
					lines = append(lines, "Origin: "+origin)
				}
				if site != "" {
					lines = append(lines, pick(dice, []string{"Sec-Fetch-Site: ", "sec-fetch-site: ", "SEC-FETCH-SITE: "})+site)
				}
				_, phone := w.loginWithID("ann")
				laptop, _ := w.loginWithID("ann")
				before := a.of("ann")
				target := []string{"others", "all", phone}[i%3]
				r := w.ask("DELETE", "/devices/"+target, append(lines, cookie(laptop))...)
				n++
				if !mayRevoke(site, origin) {
					require.Equal(t, 403, r.status, "%q", lines)
					require.Equal(t, before, a.of("ann"), "%q", lines)
				} else {
					revoked++
					require.Equal(t, 204, r.status, "%q", lines)
					require.NotContains(t, a.of("ann"), phone, "%q", lines)
				}
				_, err := a.cookies.RevokeAll(t.Context(), "ann")
				require.NoError(t, err)
			}
		}
		t.Logf("%d requests, of which %d may revoke", n, revoked)

		// Of two lines the first counts, as in http.CrossOriginProtection. A browser
		// sends one, and no page can add another.
		laptop := w.login("ann")
		before := a.of("ann")
		for _, lines := range [][]string{
			{"Sec-Fetch-Site: cross-site", "Sec-Fetch-Site: same-origin"},
			{"Origin: http://evil.example", "Origin: http://" + host},
			{"Origin: http://evil.example", "X-Forwarded-Host: evil.example", "X-Forwarded-Proto: http"},
			{"Origin: http://evil.example", "Forwarded: host=evil.example"},
			{"Origin: http://evil.example", "X-Host: evil.example", "X-Original-Host: evil.example"},
			{"Origin: http://evil.example", "Referer: http://" + host + "/"},
		} {
			assert.Equal(t, 403, w.ask("DELETE", "/devices/all", append(lines, cookie(laptop))...).status, "%q", lines)
			assert.Equal(t, before, a.of("ann"), "%q", lines)
		}
	})
}

// TestDevicesOfOthers: what is no session of the caller's is 404, all alike, and
// stays: another user's, a visitor's, one of another realm, one that has ended.
func TestDevicesOfOthers(t *testing.T) {
	onEach(t, func(t *testing.T, a *app) {
		w, dice := a.dial(), roll(t)
		staff, err := session.New[page](a.store, &session.Options{Realm: "staff", Cookie: session.Cookie{Name: "__Host-staff"}, Logger: slog.New(slog.DiscardHandler)})
		require.NoError(t, err)
		inStaff := a.loginBy(staff, "ann")
		bobs, bob := w.loginWithID("bob")
		ended, gone := w.loginWithID("ann")
		require.Equal(t, 200, w.ask("POST", "/logout", cookie(ended)).status)
		visitors := w.begin("visitor")
		visitor := idOf(t, visitors)
		stale := w.begin("ann")
		laptop := w.ask("POST", "/login?as=ann", cookie(stale)).token(t)
		ann := a.of("ann")

		n := 0
		want := w.ask("DELETE", "/devices/"+session.NewID().String(), cookie(laptop))
		require.Equal(t, 404, want.status)
		for _, id := range []string{bob, inStaff.String(), gone, visitor, "00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"} {
			for _, lines := range [][]string{{cookie(laptop)}, {cookie(laptop) + "; " + cookieName + "=" + bobs}, {"Sec-Fetch-Site: same-origin", cookie(laptop)}, {"X-User: bob", "X-Forwarded-User: bob", cookie(laptop)}} {
				n++
				r := w.ask("DELETE", "/devices/"+id, lines...)
				require.Equal(t, 404, r.status, "%s, %q", id, lines)
				if id[0] != '0' || id[1] != '0' { // which is no ID, and so no path
					require.Equal(t, want.body, r.body, "%s, %q", id, lines)
				}
			}
		}
		// Nor does it end by way of who is not logged in, or by another's cookie.
		for _, lines := range [][]string{nil, {cookie(visitors)}, {cookie(ended)}, {cookie(unknown(dice))}, {cookie(laptop[:63])}, {cookie(stale)}, {"Authorization: Bearer " + laptop}} {
			for _, target := range append(ann, bob, "others", "all", "") {
				for _, method := range []string{"GET", "DELETE"} {
					n++
					r := w.ask(method, "/devices/"+target, lines...)
					require.Contains(t, []int{401, 405, 409}, r.status, "%s %s, %q", method, target, lines)
				}
			}
		}
		for _, id := range ann {
			n++
			require.Equal(t, 404, w.ask("DELETE", "/devices/"+id, cookie(bobs)).status)
			require.Equal(t, 404, w.ask("DELETE", "/devices/"+id, cookie(bobs)+"; "+cookieName+"="+laptop).status, "the first cookie says who asks")
		}
		t.Logf("%d requests", n)
		assert.Equal(t, ann, a.of("ann"))
		assert.Equal(t, []string{bob}, a.of("bob"))
		assert.Equal(t, "visitor visitor", w.ask("GET", "/who", cookie(visitors)).who)
		left, err := staff.List(t.Context(), "ann")
		require.NoError(t, err)
		assert.Len(t, left, 1)

		// A list shows the caller's own, and those of other managers in the realm.
		bearer := a.loginBy(a.bearers, "ann")
		var list []struct{ ID string }
		require.NoError(t, json.Unmarshal([]byte(w.ask("GET", "/devices", cookie(laptop)).body), &list))
		var shown []string
		for _, device := range list {
			shown = append(shown, device.ID)
		}
		assert.ElementsMatch(t, append(ann, bearer.String()), shown)
		assert.Equal(t, 204, w.ask("DELETE", "/devices/"+bearer.String(), cookie(laptop)).status)
		assert.Equal(t, ann, a.of("ann"))
		assert.Equal(t, 204, w.ask("DELETE", "/devices/all", cookie(laptop)).status)
		assert.Empty(t, a.of("ann"))
		assert.Equal(t, []string{bob}, a.of("bob"))
		left, err = staff.List(t.Context(), "ann")
		require.NoError(t, err)
		assert.Len(t, left, 1, "sessions of another realm, after all of the caller's have ended")
	})
}

// loginBy logs in without a server, and returns the ID of the session.
func (a *app) loginBy(m *session.Manager[page], name string) session.ID {
	a.t.Helper()
	x := new(session.Exchange)
	x.Begin(a.t.Context(), m, nil)
	s, err := m.Get(x)
	require.NoError(a.t, err)
	require.NoError(a.t, s.Login(name, nil))
	_, err = x.Commit(session.Response{})
	require.NoError(a.t, err)
	require.NoError(a.t, x.Finish())
	return s.ID()
}

// upper spells a name in the other case, but not an ID, which is the same (RFC 9562,
// section 4).
func upper(name string) string {
	if _, err := session.ParseID(name); err == nil {
		return name
	}
	return strings.ToUpper(name)
}

// TestDevicesByOtherMeans: DELETE of exact paths ends what the path names. No other
// method, no other spelling, no parameter and no header does.
func TestDevicesByOtherMeans(t *testing.T) {
	onEach(t, func(t *testing.T, a *app) {
		w := a.dial()
		_, phone := w.loginWithID("ann")
		laptop, current := w.loginWithID("ann")
		before := a.of("ann")
		n, statuses := 0, map[int]int{}
		ends := func(method, target string, lines ...string) {
			t.Helper()
			n++
			r := w.ask(method, target, append(lines, cookie(laptop))...)
			statuses[r.status]++
			require.NotEqual(t, 204, r.status, "%s %s, %q", method, target, lines)
			require.Equal(t, before, a.of("ann"), "%s %s, %q: status %d", method, target, lines, r.status)
		}
		for _, name := range []string{phone, current, "others", "all"} {
			for _, method := range append(slices.Clone(methods), "delete", "Delete", "DELETEX", "PURGE", "MOVE", "LINK", "PROPPATCH") {
				if method == "DELETE" {
					continue
				}
				ends(method, "/devices/"+name)
				ends(method, "/devices/"+name+"?_method=DELETE&method=DELETE", "X-HTTP-Method-Override: DELETE", "X-HTTP-Method: DELETE", "X-Method-Override: DELETE")
			}
			for _, target := range []string{
				name + "/", "/" + name, "./" + name, "x/" + name, "x/../" + name, "..//devices/" + name, name + "/.", name + "%2F", "%2F" + name, name + "%00", name + "%20", name + ";x", name + ",", name + ",all", name + "%3Fx",
				upper(name), "{" + name + "}", "urn:uuid:" + name, strings.ReplaceAll(name, "-", ""), "%" + "61" + name[1:], `\` + name, name + `\`, "*", "%2A", name + "*", name + "&id=all",
			} {
				if target != name {
					ends("DELETE", "/devices/"+target)
				}
			}
			ends("DELETE", "/Devices/"+name+"/")
			ends("DELETE", "/devices?id="+name)
			ends("DELETE", "/devices/?id="+name+"&"+name)
			ends("DELETE", "/devices/", "X-Original-URL: /devices/"+name, "X-Rewrite-URL: /devices/"+name)
		}
		t.Logf("%d requests that end nothing, by status: %v", n, statuses)

		// Parameters say nothing: what the path names ends.
		r := w.ask("DELETE", "/devices/"+phone+"?id="+current+"&id=others&all&name=all", "X-Original-URL: /devices/all", "X-HTTP-Method-Override: GET", cookie(laptop))
		assert.Equal(t, 204, r.status)
		assert.Equal(t, []string{current}, a.of("ann"))
	})
}
