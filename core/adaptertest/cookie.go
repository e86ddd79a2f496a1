package adaptertest

import (
	"slices"
	"strings"
	"testing"

	session "github.com/gostateful/session/core"
)

func cookieLaws() []law {
	return []law{
		{"JunkCookie", junkCookie},
		{"NameByteForByte", nameByteForByte},
		{"ThreeTokens", threeTokens},
		{"DuplicateCookies", duplicateCookies},
		{"CookieLines", cookieLines},
		{"CookieAttributes", cookieAttributes},
		{"CookieRemoval", cookieRemoval},
		{"OneSetCookie", oneSetCookie},
		{"OtherCookies", otherCookies},
	}
}

// junkCookie: a cookie that is not a token reaches no store.
func junkCookie(t *testing.T, on setup) {
	si := open(t, on, nil, nil)
	good := si.known().token()
	for name, value := range map[string]string{
		"Empty":          "",
		"Short":          good[:63],
		"Long":           good + "A",
		"Padded":         good[:63] + "=",
		"PaddedOnTop":    good + "=",
		"OtherAlphabet":  good[:63] + "+",
		"Slash":          good[:63] + "/",
		"SpaceBefore":    " " + good,
		"SpaceWithin":    good[:32] + " " + good[32:],
		"SpaceInstead":   good[:32] + " " + good[33:],
		"Quoted":         `"` + good + `"`,
		"PercentEncoded": "%" + "41" + good[1:],
		"NonASCII":       good[:62] + "é",
		"Control":        good[:63] + "\x7f",
		"ZeroID":         strings.Repeat("A", 64),
		"Huge":           strings.Repeat(good, 40),
	} {
		t.Run(name, func(t *testing.T) {
			a := si.raw("/read", "Cookie: "+cookieName+"="+value)
			// A server may refuse such a request before the adapter sees it.
			if a.status != 400 {
				a.wants(t, 200, "new")
			}
			a.wantsNoCookie(t, "nothing was changed")
			if calls := si.store.took(); calls != "" {
				t.Errorf("the store saw %q, want nothing: the cookie has no token, so hand on its bytes as they came", calls)
			}
		})
	}
}

// nameByteForByte: a cookie with a similar name is ignored.
func nameByteForByte(t *testing.T, on setup) {
	si := open(t, on, nil, nil)
	good := si.known().token()
	for _, name := range []string{
		strings.ToLower(cookieName), strings.ToUpper(cookieName), "session", "x" + cookieName, cookieName + "x",
		"__Host%2Dsession", `"` + cookieName + `"`, "=" + cookieName, cookieName + " ",
	} {
		si.raw("/read", "Cookie: "+name+"="+good).wants(t, 200, "new")
		if calls := si.store.took(); calls != "" {
			t.Errorf("the store saw %q for a cookie of the name %q, want nothing: names match byte for byte", calls, name)
		}
	}
}

// threeTokens: of many cookies with the right name, the first three are tried.
func threeTokens(t *testing.T, on setup) {
	si := open(t, on, nil, nil)
	good := si.known().token()
	for place := range 5 {
		pairs := make([]string, 5)
		for i := range pairs {
			pairs[i] = cookieName + "=" + someToken()
		}
		pairs[place] = cookieName + "=" + good
		body, calls := "1", strings.TrimSpace(strings.Repeat("Load ", min(place+1, 3)))
		if place >= 3 {
			body = "new"
		}
		si.raw("/read", "Cookie: "+strings.Join(pairs, "; ")).wants(t, 200, body)
		if got := si.store.took(); got != calls {
			t.Errorf("the good one of five cookies stood at place %d, and the store saw %q, want %q: hand on all that came, in its order", place, got, calls)
		}
	}
}

// duplicateCookies: a planted cookie in front of the good one hides nothing.
func duplicateCookies(t *testing.T, on setup) {
	si := open(t, on, nil, nil)
	good := si.known().token()
	for name, line := range map[string]string{
		"junk before":     cookie("junk") + "; " + cookieName + "=" + good,
		"unknown before":  cookie(someToken()) + "; theme=dark; " + cookieName + "=" + good,
		"unknown after":   cookie(good) + "; " + cookieName + "=" + someToken(),
		"others around":   "Cookie: a=b; " + cookieName + "=" + good + "; c=d",
		"no space":        "Cookie: a=b;" + cookieName + "=" + good,
		"broken before":   `Cookie: a="b; =; ;` + cookieName + "=" + good,
		"same name twice": cookie(good) + "; " + cookieName + "=" + good,
	} {
		if a := si.raw("/read", line); a.status != 200 || a.body != "1" {
			t.Errorf("%s: got %v, want the session of the good cookie", name, a)
		}
	}
}

// cookieLines: cookies in several header lines are read. HTTP/2 clients send
// them so, and some proxies pass them on so (RFC 9113, section 8.2.3).
func cookieLines(t *testing.T, on setup) {
	si := open(t, on, nil, nil)
	good := si.known().token()
	si.raw("/read", "Cookie: theme=dark", cookie(good)).wants(t, 200, "1")
	si.raw("/read", cookie(someToken()), cookie(good)).wants(t, 200, "1")
	si.raw("/read", cookie(good), cookie(someToken())).wants(t, 200, "1")
}

// wantsAttributes checks the attributes of a Set-Cookie line, in any order, but
// not the value.
func wantsAttributes(t *testing.T, lines []string, want ...string) {
	t.Helper()
	if len(lines) != 1 {
		t.Fatalf("got Set-Cookie %q, want one of the name %s", lines, cookieName)
	}
	got := strings.Split(lines[0], "; ")[1:]
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("the cookie has the attributes %q, want %q: add the line as Commit returned it", got, want)
	}
}

func cookieAttributes(t *testing.T, on setup) {
	si := open(t, on, nil, nil)
	a := si.raw("/count")
	wantsAttributes(t, a.cookies(cookieName), "Path=/", "HttpOnly", "Secure", "SameSite=Lax")
	if got := len(a.token()); got != 64 {
		t.Errorf("the cookie's value has %d characters, want 64", got)
	}
}

// cookieRemoval: a logout removes the cookie, with the attributes that a
// browser demands for that.
func cookieRemoval(t *testing.T, on setup) {
	si := open(t, on, nil, nil)
	v := si.known()
	token := v.token()
	a := v.get("/logout")
	a.wants(t, 200, "new")
	wantsAttributes(t, a.cookies(cookieName), "Path=/", "HttpOnly", "Secure", "SameSite=Lax", "Max-Age=0", "Expires=Thu, 01 Jan 1970 00:00:00 GMT")
	if a.token() != "" || v.token() != "" {
		t.Error("the browser kept a cookie after the logout")
	}
	if si.store.Len() != 0 {
		t.Error("the store kept the session after the logout")
	}
	si.raw("/read", cookie(token)).wants(t, 200, "new")
}

// oneSetCookie: whatever a handler does, the response sets one cookie of the
// session's name.
func oneSetCookie(t *testing.T, on setup) {
	update := func(s *session.Session[visit]) error { return s.Update(count) }
	login := func(s *session.Session[visit]) error { return s.Login("alice", nil) }
	renew := func(s *session.Session[visit]) error { return s.Renew() }
	logout := func(s *session.Session[visit]) error { return s.Destroy() }
	commit := func(s *session.Session[visit]) error { return s.Commit(t.Context()) }

	for name, steps := range map[string][]func(*session.Session[visit]) error{
		"UpdateTwice":       {update, update, login},
		"LoginRenew":        {login, renew, update},
		"CommitLogin":       {update, commit, login, commit, renew},
		"LogoutUpdate":      {logout, update},
		"LogoutCommitLogin": {logout, commit, update, login, commit},
		"LoginLogout":       {login, commit, logout},
	} {
		t.Run(name, func(t *testing.T) {
			si := open(t, on, nil, routes{"/steps": func(si *site, r Request) {
				s := si.session(r)
				if s == nil {
					return
				}
				for _, step := range steps {
					if err := step(s); err != nil {
						refuse(r, err)
						return
					}
				}
				r.Respond(200, state(s))
			}})
			v := si.known()
			a := v.get("/steps")
			if lines := a.cookies(cookieName); len(lines) != 1 {
				t.Errorf("got Set-Cookie %q, want one: Commit once, and add its line once (RFC 6265, section 4.1.1)", lines)
			}
			v.get("/read").wants(t, 200, a.body)
		})
	}
}

// otherCookies: a handler's own cookies stay beside the session's.
func otherCookies(t *testing.T, on setup) {
	si := open(t, on, nil, routes{"/theme": func(si *site, r Request) {
		if si.incremented(r) != nil {
			r.Header("Set-Cookie", "theme=dark")
			r.Respond(200, "hello")
		}
	}})
	a := si.raw("/theme")
	if got := a.cookies("theme"); len(got) != 1 {
		t.Errorf("got Set-Cookie %q of the handler's own, want theme=dark: ours is a line of its own beside it", got)
	}
	if got := a.cookies(cookieName); len(got) != 1 {
		t.Errorf("got Set-Cookie %q of the session, want one beside the handler's own", got)
	}
}
