package attacks

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/http2/hpack"

	session "github.com/gostateful/session/core"
	"github.com/gostateful/session/tests/support/stress"
)

// TestCrumbs: however a client cuts its cookies into fields (RFC 9113, section 8.2.3),
// and its header into frames, they are the same cookies.
func TestCrumbs(t *testing.T) {
	onHTTP2(t, overHTTP2, func(t *testing.T, a *app) {
		w, dice := a.dial(), roll(t)
		issued, ann, eve, bob := w.victims()
		opened, n := map[string]int{}, 0
		for range tries(150, 15_000) {
			to := tossed(dice, []string{ann, ann, eve, bob})
			if len(to.values) == 0 || w.refuses(to) {
				continue
			}
			whole := strings.Join(to.values, "; ")
			want := issued.ofCookies([]string{whole})
			for _, crumbs := range [][]string{{whole}, to.values, strings.Split(whole, "; ")} {
				of := fields(to.method, to.target)
				for _, crumb := range crumbs {
					of = append(of, pairs("cookie", crumb)...)
				}
				n++
				a.store.calls()
				r := w.two.receive(w.two.begin(of, 1+dice.IntN(100)))
				loads, writes, _ := a.store.calls()
				require.Equal(t, 200, r.status, "%q", of)
				require.Equal(t, whole, r.cookies, "the cookies, as the handler sees them: %q", of)
				require.Equal(t, want, seen{r.who, loads}, "what the handler saw, and the loads: %q", of)
				require.Zero(t, writes, "writes by a read: %q", of)
				opened[r.who]++
			}
		}
		require.NotZero(t, opened["user ann"])
		t.Logf("%d requests; opened: %v", n, opened)
	})
}

// tricks are requests with a cookie where none belongs, and with pseudo-header fields
// that try to be a request of their own (RFC 9113, sections 8.2 and 8.3). A server may
// refuse them. own are their own Cookie lines.
func tricks(evil string, own ...string) map[string][]hpack.HeaderField {
	const smuggled = " HTTP/1.1\r\nCookie: "
	request := func(method, path string, more ...string) []hpack.HeaderField {
		return append(fields(method, path, own...), pairs(more...)...)
	}
	to := func(scheme, authority string) []hpack.HeaderField {
		of := request("GET", "/who")
		of[1].Value, of[2].Value = scheme, authority
		return of
	}
	return map[string][]hpack.HeaderField{
		"a name in upper case":           request("GET", "/who", "Cookie", evil),
		"a name in other case":           request("GET", "/who", "cooKie", evil),
		"a name and a space":             request("GET", "/who", "cookie ", evil),
		"a space and a name":             request("GET", "/who", " cookie", evil),
		"a name and a colon":             request("GET", "/who", "cookie:", evil),
		"a name and a zero":              request("GET", "/who", "cookie\x00", evil),
		"a name of other letters":        request("GET", "/who", "coo\u212aie", evil),
		"a name with a line":             request("GET", "/who", "x\r\ncookie", evil),
		"a name with an underscore":      request("GET", "/who", "_cookie", evil),
		"no name":                        request("GET", "/who", "", evil),
		"a value with a line":            request("GET", "/who", "x-by", "x\r\ncookie: "+evil),
		"a value with half a line":       request("GET", "/who", "x-by", "x\ncookie: "+evil),
		"a pseudo-header of a cookie":    request("GET", "/who", ":cookie", evil),
		"a protocol":                     append(pairs(":protocol", evil), request("GET", "/who")...),
		"a pseudo-header at the end":     request("GET", "/who", ":path", "/who?"+evil),
		"two paths":                      append(pairs(":path", "/who?"+evil), request("GET", "/who")...),
		"two methods":                    append(pairs(":method", "POST"), request("GET", "/who")...),
		"no path":                        request("GET", ""),
		"no method":                      request("", "/who"),
		"a path with a request":          request("GET", "/who"+smuggled+evil),
		"a path with a version":          request("GET", "/who HTTP/1.1"),
		"a path with another host":       request("GET", "https://evil.example/who"),
		"a path of two slashes":          request("GET", "//evil.example/who"),
		"a path that is none":            request("GET", "who"),
		"a star":                         request("OPTIONS", "*"),
		"a method with a request":        request("GET /who"+smuggled+evil+"\r\n", "/who"),
		"a method with a path":           request("POST /logout HTTP/1.1", "/who"),
		"a host beside the authority":    request("GET", "/who", "host", "evil.example"),
		"an authority with a cookie":     to("https", host+"\r\nCookie: "+evil),
		"an authority with a user":       to("https", "ann@"+host),
		"another scheme":                 to("ftp", host),
		"no encryption":                  to("http", host),
		"a field that ends with the hop": request("GET", "/who", "connection", "cookie"),
		"chunks":                         request("POST", "/who", "transfer-encoding", "chunked"),
		"an upgrade":                     request("GET", "/who", "upgrade", "h2c"),
		"a coding of the trailer":        request("GET", "/who", "te", "gzip"),
		"a declared trailer":             request("GET", "/who", "trailer", "cookie"),
		"a length of nothing":            request("POST", "/who", "content-length", "10"),
		"another cookie header":          request("GET", "/who", "set-cookie", evil, "cookie2", evil, "x-cookie", evil),
		"the other carrier":              request("GET", "/who", "authorization", "Bearer "+strings.TrimPrefix(evil, cookieName+"=")),
	}
}

// TestTricks: whatever the frames of HTTP/2 can say and a line of HTTP/1.1 cannot, a
// request opens the session of its own cookie, or is refused. The connection stays good,
// or a new one is.
func TestTricks(t *testing.T) {
	onHTTP2(t, overHTTP2, func(t *testing.T, a *app) {
		w := a.dial()
		_, ann, eve, _ := w.victims()
		evil, own := cookieName+"="+ann, cookie(eve)
		refused := 0
		a.store.calls()
		check := func(name, want string, r reply) {
			t.Helper()
			_, writes, _ := a.store.calls()
			require.Zero(t, writes, name)
			require.Empty(t, r.header["Set-Cookie"], name)
			if r.refused() {
				refused++
			} else {
				require.Equal(t, want, r.who, "%s: %+v", name, r)
			}
			require.Equal(t, "user eve", w.ask("GET", "/who", own).who, "after %s", name)
		}
		n := 0
		for want, lines := range map[string][]string{"user eve": {own}, "": nil} {
			for name, of := range tricks(evil, lines...) {
				n++
				check(name, want, w.two.ask(of))
			}
			// A cookie that comes after the header is in no header. If it comes after the
			// answer, the server closes the connection.
			two := a.dial().two
			stream := two.open()
			two.headers(stream, fields("POST", "/who", append(lines, "trailer: cookie")...), largest, false)
			two.headers(stream, pairs("cookie", evil), largest, true)
			check("a cookie in a trailer", want, two.receive(stream))
		}
		require.NotZero(t, refused)
		require.Less(t, refused, n, "nothing reaches the application")
		t.Logf("%d tricks, %d refused by the server", n, refused)
	})
}

// TestStreams: of many requests at once on one connection, each is answered with the
// session of its own cookie, and what they count is there once (law 1).
func TestStreams(t *testing.T) {
	onHTTP2(t, overHTTP2, func(t *testing.T, a *app) {
		w, dice := a.dial(), roll(t)
		_, ann, eve, bob := w.victims()
		tokens, counted := map[string]string{"user ann": ann, "user eve": eve, "visitor bob": bob, "": ""}, map[string]int{}
		names := slices.Sorted(maps.Keys(tokens))
		type sent struct{ target, by string }
		n := 0
		for range tries(5, 500) {
			under := map[uint32]sent{}
			for range 200 {
				n++
				s := sent{fmt.Sprintf("/who?n=%d", n), pick(dice, names)}
				if s.by != "" && dice.IntN(2) == 0 {
					s.target = fmt.Sprintf("/count?n=%d", n)
					counted[s.by]++
				}
				lines := []string{"X-By: " + s.by}
				if s.by != "" {
					lines = append(lines, cookie(tokens[s.by]))
				}
				under[w.two.begin(fields("POST", s.target, lines...), largest)] = s
			}
			for stream, s := range under {
				r := w.two.receive(stream)
				require.Equal(t, 200, r.status, "%+v", s)
				require.Equal(t, s, sent{r.target, r.who}, "whose session answers which request")
				require.Equal(t, s.by, r.by)
				require.Empty(t, r.header["Set-Cookie"], "%+v", s)
			}
			for by, count := range counted {
				require.Equal(t, count, w.ask("GET", "/who", cookie(tokens[by])).count, "what %s has counted", by)
			}
		}
		t.Logf("%d requests on one connection; counted: %v", n, counted)
	})
}

// heldUpdate holds the next update up: began is closed when it is there, and it
// goes on when resume is closed.
func (s *counted) heldUpdate() (began, resume chan struct{}) {
	began, resume = make(chan struct{}), make(chan struct{})
	var held atomic.Bool
	s.beforeUpdates(func(session.Record) error {
		if held.CompareAndSwap(false, true) {
			close(began)
			<-resume
		}
		return nil
	})
	return began, resume
}

// TestResetStreams: a client that takes back a request while the session is written
// cancels nothing (law 8), undoes nothing, and disturbs no other stream. A login whose
// answer it has refused can be repeated (law 19).
func TestResetStreams(t *testing.T) {
	onHTTP2(t, overHTTP2, func(t *testing.T, a *app) {
		w := a.dial()
		ann, bob := w.begin("ann"), w.begin("bob")
		reset := func(target, token string) {
			t.Helper()
			began, resume := a.store.heldUpdate()
			stream := w.two.begin(fields("POST", target, cookie(token)), largest)
			select {
			case <-began:
			case <-time.After(stress.Patience):
				require.Fail(t, "nothing is written", target)
			}
			w.two.cancel(stream)
			require.Equal(t, 200, w.ask("POST", "/count", cookie(bob)).status)
			close(resume)
		}
		const n = 10
		for i := range n {
			reset("/count", ann)
			stress.Await(t, func() bool { return w.ask("GET", "/who", cookie(ann)).count == i+1 })
		}
		require.Equal(t, n+1, w.ask("POST", "/count", cookie(ann)).count)
		reset("/login?as=ann", ann)
		stress.Await(t, func() bool { return w.ask("GET", "/who", cookie(ann)).who == "" })
		require.Equal(t, 409, w.ask("POST", "/count", cookie(ann)).status, "a change by the token from before the login (law 3)")
		again := w.ask("POST", "/login?as=ann", cookie(ann)).token(t)
		require.Equal(t, "user ann", w.ask("GET", "/who", cookie(again)).who)
		require.Equal(t, n+1, w.ask("GET", "/who", cookie(bob)).count, "what others have counted on the connection")
	})
}
