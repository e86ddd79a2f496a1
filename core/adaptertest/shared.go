package adaptertest

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	session "github.com/gostateful/session/core"
)

func sharedLaws() []law {
	return []law{
		{"LateGet", lateGet},
		{"LateGetOfPrivatePage", lateGetOfPrivatePage},
		{"OneCookieForTwo", oneCookieForTwo},
		{"CookiesApart", cookiesApart},
		{"Former", former},
	}
}

// lateGet: a response that has begun without the session lacks Vary: Cookie, so
// a cache may give it to others. It must show nothing of a session, so the
// first Get is refused. If the framework buffers responses, Get may still be in
// time, and the response then has Vary.
func lateGet(t *testing.T, on setup) {
	for _, way := range featuresOf(t, on).ways {
		t.Run(way, func(t *testing.T) {
			results := make(chan error, 1)
			si := open(t, on, nil, routes{"/late": func(si *site, r Request) {
				r.Header("Cache-Control", "public, max-age=3600")
				r.respond(r.query(), "hello")
				_, err := si.Get(r.Context)
				results <- err
			}})
			a := si.known().get("/late?" + url.QueryEscape(way))
			a.wants(t, 200, "hello")
			switch err := receive(t, results); {
			case err == nil && a.header.Get("Vary") != "Cookie":
				t.Error("a first Get after the response had begun was not refused, and the response has no Vary: Cookie, so that a cache may hand it to others: tell Commit, by Response.Header, of the header as it is sent")
			case err != nil && !errors.Is(err, session.ErrHeadersSent):
				t.Errorf("a first Get after the response had begun: got the error %v, want ErrHeadersSent", err)
			case err != nil:
				if calls := si.store.took(); calls != "" {
					t.Errorf("a first Get was refused, and the store saw %q, want nothing", calls)
				}
			}
		})
	}
}

// lateGetOfPrivatePage: if the header that was sent keeps shared caches away,
// the session can be read and changed, however late.
func lateGetOfPrivatePage(t *testing.T, on setup) {
	for _, header := range [][2]string{
		{"Cache-Control", "private"},
		{"Cache-Control", "max-age=60, Private"},
		{"Cache-Control", "no-store"},
		{"Vary", "Cookie"},
		{"Vary", "Accept, cookie"},
		{"Vary", "*"},
	} {
		results := make(chan error, 1)
		si := open(t, on, nil, routes{"/late": func(si *site, r Request) {
			r.Header(header[0], header[1])
			r.Respond(200, "hello")
			s, err := si.Get(r.Context)
			if err == nil {
				err = s.Update(count)
			}
			results <- err
		}})
		v := si.known()
		v.get("/late").wants(t, 200, "hello")
		if err := receive(t, results); err != nil {
			t.Errorf("a first Get after the header, which says %s: %s: got the error %v, want the session: tell Commit, by Response.Header, of the header as it is sent", header[0], header[1], err)
		} else if !eventually(func() bool { return v.get("/read").body == "2" }) {
			t.Error("a change of a session that was asked for late is lost: call Finish when the handler has returned")
		}
	}
}

// oneCookieForTwo: two managers with one cookie name would overwrite each
// other's sessions. The inner one refuses, and says what to do.
func oneCookieForTwo(t *testing.T, on setup) {
	inner := newSite(t, on, nil, nil)
	si := newSite(t, on, nil, routes{"/both": func(si *site, r Request) {
		s := si.incremented(r)
		if s == nil {
			return
		}
		if _, err := inner.Get(r.Context); err == nil || !strings.Contains(err.Error(), "Cookie.Name") {
			si.t.Errorf("Get of a second manager with the cookie name of the first: got the error %v, want one that tells to name another: make the Exchange on the context of the middleware around", err)
		}
		r.Respond(200, state(s))
	}})
	si.serve(on.start, asItIs, si.Manager, inner.Manager)
	v := si.visitor()
	for _, body := range []string{"1", "2"} {
		a := v.get("/both")
		a.wants(t, 200, body)
		if got := len(a.cookies(cookieName)); body == "1" && got != 1 || got > 1 {
			t.Errorf("got %d cookies of the name %s, want one, of the outer manager", got, cookieName)
		}
	}
	if n := inner.store.Len(); n != 0 {
		t.Errorf("the inner manager has stored %d sessions whose cookie nobody can keep", n)
	}
}

// cookiesApart: on one store, a token opens its session only under the name of
// the cookie that it was issued for.
func cookiesApart(t *testing.T, on setup) {
	first := newSite(t, on, nil, nil)
	second := newSiteOver(t, first.store, &session.Options{Cookie: session.Cookie{Name: otherName}}, nil)
	first.routes = routes{"/begin": func(_ *site, r Request) {
		if first.incremented(r) != nil && second.incremented(r) != nil {
			r.Respond(200, "hello")
		}
	}, "/both": func(_ *site, r Request) {
		if one, two := first.session(r), second.session(r); one != nil && two != nil {
			r.Respond(200, state(one)+", "+state(two))
		}
	}}
	first.serve(on.start, asItIs, first.Manager, second.Manager)
	a := first.raw("/begin")
	one, two := a.tokenOf(cookieName), a.tokenOf(otherName)
	for _, c := range []struct{ one, two, body string }{
		{one, two, "1, 1"},
		{one, "", "1, new"},
		{"", two, "new, 1"},
		{two, one, "new, new"},
		{two, "", "new, new"},
		{"", one, "new, new"},
	} {
		if got := first.raw("/both", fmt.Sprintf("Cookie: %s=%s; %s=%s", cookieName, c.one, otherName, c.two)); got.body != c.body {
			t.Errorf("two managers on one store, with the tokens 1=%s, 2=%s: got the first cookie with token %s and the second with %s answered %v, want %q: a token is good for its own manager alone",
				one, two, c.one, c.two, got, c.body)
		}
	}
}

// former: a session in the cookie of an earlier release goes on. At the next
// renewal it moves to the present cookie, and the old cookie is removed.
func former(t *testing.T, on setup) {
	attributes := func(c session.Cookie, more ...string) string {
		lines := append([]string{"Path=" + max(c.Path, "/"), "HttpOnly", "Secure", "SameSite=Lax"}, more...)
		slices.Sort(lines)
		return c.Name + ": " + strings.Join(lines, "; ")
	}
	removed := []string{"Max-Age=0", "Expires=Thu, 01 Jan 1970 00:00:00 GMT"}
	for name, cookies := range map[string][2]session.Cookie{
		"Name": {{Name: cookieName}, {Name: otherName}},
		"Path": {{Name: "__Secure-shop", Path: "/shop"}, {Name: "__Secure-shop"}},
	} {
		t.Run(name, func(t *testing.T) {
			was, is := cookies[0], cookies[1]
			before := open(t, on, &session.Options{Cookie: was}, nil)
			old := before.raw("/count").tokenOf(was.Name)
			line := "Cookie: " + was.Name + "=" + old

			removedWas := attributes(was, removed...)
			wantsLines := func(doing string, a answer, want ...string) {
				t.Helper()
				got := a.setCookies()
				slices.Sort(got)
				slices.Sort(want)
				if !slices.Equal(got, want) {
					t.Errorf("%s: got the cookies\n%q\nwant\n%q\nadd each line of SetCookie as it is: there is one for each name, domain and path", doing, got, want)
				}
			}
			present := is
			is.Former = []session.Cookie{was}
			si := newSiteOver(t, before.store, &session.Options{Cookie: is}, nil)
			si.serve(on.start, asItIs, si.Manager)
			a := si.raw("/read", line)
			a.wants(t, 200, "1")
			wantsLines("a read by the former cookie", a)
			a = si.raw("/login", line)
			a.wants(t, 200, "1 alice")
			wantsLines("a login by the former cookie", a, attributes(present), removedWas)
			both := line + "; " + is.Name + "=" + a.tokenOf(is.Name)
			si.raw("/read", both).wants(t, 200, "1 alice")
			si.raw("/read", line).wants(t, 200, "new")
			a = si.raw("/logout", both)
			a.wants(t, 200, "new")
			wantsLines("a logout", a, attributes(present, removed...), removedWas)
		})
	}
}

// setCookies returns the cookies of a response, each with its attributes in
// order and without its value.
func (a answer) setCookies() (lines []string) {
	for _, line := range a.header["Set-Cookie"] {
		parts := strings.Split(line, "; ")
		name, _, _ := strings.Cut(parts[0], "=")
		slices.Sort(parts[1:])
		lines = append(lines, name+": "+strings.Join(parts[1:], "; "))
	}
	return lines
}
