package adaptertest

import (
	"slices"
	"strings"
	"testing"
)

func headerLaws() []law {
	return []law{
		{"NoStore", noStore},
		{"CachingIsTheHandlers", cachingIsTheHandlers},
		{"Vary", vary},
		{"PlainResponse", plainResponse},
	}
}

// noStore: no cache keeps a response with a cookie, whatever the handler said
// about caches.
func noStore(t *testing.T, on setup) {
	si := open(t, on, nil, routes{"/public": func(si *site, r Request) {
		if si.incremented(r) != nil {
			r.Header("Cache-Control", "public, max-age=3600")
			r.Respond(200, "hello")
		}
	}})
	for why, a := range map[string]answer{
		"the handler said public":  si.visitor().get("/public"),
		"the handler said nothing": si.known().get("/login"),
		"it takes the cookie away": si.known().get("/logout"),
	} {
		if len(a.cookies(cookieName)) != 1 {
			t.Errorf("%s: got %v without a cookie", why, a)
		}
		if got := a.header["Cache-Control"]; !slices.Equal(got, []string{"no-store"}) {
			t.Errorf("a response with Set-Cookie (%s) has Cache-Control %q, want no-store in its place", why, got)
		}
	}
}

// cachingIsTheHandlers: without a cookie the handler's own headers for caches
// stay.
func cachingIsTheHandlers(t *testing.T, on setup) {
	si := open(t, on, nil, routes{"/private": func(si *site, r Request) {
		if si.session(r) != nil {
			r.Header("Cache-Control", "private, max-age=60")
			r.Respond(200, "hello")
		}
	}})
	if got := si.known().get("/private").header["Cache-Control"]; !slices.Equal(got, []string{"private, max-age=60"}) {
		t.Errorf("a response without Set-Cookie has Cache-Control %q, want what the handler set", got)
	}
}

// vary: a response for which the session was read says Vary: Cookie.
func vary(t *testing.T, on setup) {
	read := func(value string) func(*site, Request) {
		return func(si *site, r Request) {
			if si.session(r) != nil {
				r.Header("Vary", value)
				r.Respond(200, "hello")
			}
		}
	}
	si := open(t, on, nil, routes{
		"/accept": read("Accept-Encoding"),
		"/cookie": read("Cookie"),
		"/list":   read("Accept, cookie"),
	})
	v := si.known()
	for target, want := range map[string][]string{
		"/read":   {"cookie"},
		"/count":  {"cookie"},
		"/logout": {"cookie"},
		"/accept": {"accept-encoding", "cookie"},
		"/cookie": {"cookie"},
		"/list":   {"accept", "cookie"},
	} {
		for _, w := range []*visitor{v, si.visitor()} {
			if target == "/logout" {
				w = si.known()
			}
			var got []string
			for name := range strings.SplitSeq(strings.Join(w.get(target).header["Vary"], ","), ",") {
				got = append(got, strings.ToLower(strings.TrimSpace(name)))
			}
			slices.Sort(got)
			if !slices.Equal(got, want) {
				t.Errorf("%s: got Vary %q, want %q", target, got, want)
			}
		}
	}
	si.store.fail(down, everyMethod...)
	if got := v.get("/read").header["Vary"]; !slices.Equal(got, []string{"Cookie"}) {
		t.Errorf("the answer to a failed load has Vary %q, want Cookie: another visitor may not need the store", got)
	}
}

// plainResponse: a handler that does not ask for its session answers byte for
// byte as without the adapter.
func plainResponse(t *testing.T, on setup) {
	plain := routes{"/plain": func(_ *site, r Request) {
		r.Header("Cache-Control", "public, max-age=3600")
		r.Header("Content-Type", "text/hello")
		r.Header("Etag", `"hello"`)
		r.Header("Set-Cookie", "theme=dark")
		r.Header("Vary", "Accept")
		r.Respond(200, "hello")
	}, "/empty": func(*site, Request) {}}
	bare := newSite(t, on, nil, plain)
	bare.serve(on.start, asItIs)
	si := open(t, on, nil, plain)
	token := si.known().token()
	for _, target := range []string{"/plain", "/empty"} {
		want := bare.bytes(target, cookie(token))
		if got := si.bytes(target, cookie(token)); got != want {
			t.Errorf("a handler that does not ask for its session answered\n%s\nand without the adapter\n%s", got, want)
		}
		if calls := si.store.took(); calls != "" {
			t.Errorf("the store saw %q, want nothing: the handler did not ask for its session", calls)
		}
	}
}

// bytes returns a response as it came, without its date.
func (si *site) bytes(target string, lines ...string) string {
	si.t.Helper()
	var b strings.Builder
	if _, err := si.send(target, lines...).r.WriteTo(&b); err != nil {
		si.t.Error(err)
	}
	kept := strings.SplitAfter(b.String(), "\r\n")
	return strings.Join(slices.DeleteFunc(kept, func(line string) bool { return strings.HasPrefix(line, "Date:") }), "")
}
