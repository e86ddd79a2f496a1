package attacks

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/go-chi/chi/v5"
	"github.com/gofiber/fiber/v3"
	"github.com/labstack/echo/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	sessionchi "github.com/gostateful/session/adapters/chi"
	sessionecho "github.com/gostateful/session/adapters/echo"
	sessionfiber "github.com/gostateful/session/adapters/fiber"
	sessiongin "github.com/gostateful/session/adapters/gin"
	"github.com/gostateful/session/adapters/nethttp"
	session "github.com/gostateful/session/core"
	"github.com/gostateful/session/tests/support/servers"
	"github.com/gostateful/session/tests/support/stress"
)

// A stage is what a scene has to answer a request with, on every framework.
type stage struct {
	ctx      context.Context
	m        *session.Manager[page]
	match    string // If-None-Match
	set, add func(name, value string)
	del      func(name string)
	respond  func(status int, parts ...string)
	stream   func(parts func(send func(part string))) // the last thing that a scene calls
}

// get returns the session, and whose it is as a text to be answered.
func (st *stage) get() (s *session.Session[page], owner string) {
	s, err := st.m.Get(st.ctx)
	if err != nil {
		return nil, "none;"
	}
	return s, st.owner(s)
}

func (st *stage) owner(s *session.Session[page]) string { return "owner=" + s.Subject() + ";" }

// late answers in parts, and asks for the session after the first one.
func (st *stage) late() {
	st.stream(func(send func(string)) {
		send("first;")
		_, owner := st.get()
		send(owner)
	})
}

// scenes are handlers that do what they like with the caches between them and their
// visitors, by mistake or because they want other pages kept.
var scenes = map[string]func(*stage){
	"plain":            func(st *stage) { _, o := st.get(); st.respond(200, o) },
	"public":           func(st *stage) { public(st); _, o := st.get(); st.respond(200, o) },
	"public after Get": func(st *stage) { _, o := st.get(); public(st); st.respond(200, o) },
	"Vary deleted": func(st *stage) {
		_, o := st.get()
		st.del("Vary")
		st.respond(200, o)
		st.del("Vary")
	},
	"Vary replaced": func(st *stage) { _, o := st.get(); st.set("Vary", "Accept-Encoding"); public(st); st.respond(200, o) },
	"Vary added": func(st *stage) {
		st.add("Vary", "Accept-Encoding")
		st.add("Vary", "Accept")
		_, o := st.get()
		public(st)
		st.respond(200, o)
	},
	"a long Vary": func(st *stage) {
		st.set("Vary", strings.Repeat("X-Long, ", 40)+"Accept")
		_, o := st.get()
		st.respond(200, o)
	},
	"an empty Vary": func(st *stage) { st.set("Vary", ""); _, o := st.get(); st.respond(200, o) },
	"in parts":      func(st *stage) { public(st); _, o := st.get(); st.respond(200, "first;", o, "last;") },
	"no page":       func(st *stage) { public(st); _, o := st.get(); st.respond(404, o) },
	"an error":      func(st *stage) { public(st); _, o := st.get(); st.respond(500, o) },
	"a redirect":    func(st *stage) { public(st); _, o := st.get(); st.set("Location", "/"+o); st.respond(301) },
	"in a header":   func(st *stage) { public(st); _, o := st.get(); st.set("X-Whose", o); st.respond(204) },
	"an entity tag": func(st *stage) {
		public(st)
		st.set("ETag", `"same"`)
		_, o := st.get()
		if st.match == `"same"` {
			st.set("X-Whose", o)
			st.respond(304)
			return
		}
		st.respond(200, o)
	},
	"peeked": func(st *stage) {
		public(st)
		info, err := st.m.Peek(st.ctx)
		if err != nil {
			st.respond(200, "none;")
			return
		}
		st.respond(200, "owner="+info.Subject+";")
	},
	"renewed": func(st *stage) {
		public(st)
		s, o := st.get()
		_ = s.Renew()
		st.respond(200, o)
	},
	"changed": func(st *stage) {
		public(st)
		s, o := st.get()
		_ = s.Update(func(p *page) error { p.N++; return nil })
		public(st)
		st.respond(200, o)
	},
	"logged in":  func(st *stage) { public(st); s, o := st.get(); _ = s.Login("somebody", nil); st.respond(200, o) },
	"logged out": func(st *stage) { public(st); s, o := st.get(); _ = s.Destroy(); st.respond(200, o) },
	"discarded": func(st *stage) {
		public(st)
		s, o := st.get()
		_ = s.Login("somebody", nil)
		s.Discard()
		st.respond(200, o)
	},
	"a cookie of its own": func(st *stage) {
		public(st)
		s, o := st.get()
		st.add("Set-Cookie", "theme=dark")
		_ = s.Update(func(p *page) error { p.N++; return nil })
		st.respond(200, o)
	},
	"streamed": func(st *stage) {
		public(st)
		_, o := st.get()
		st.stream(func(send func(string)) { send("first;"); send(o) })
	},
	"asked late":                            func(st *stage) { st.late() },
	"asked late, public":                    func(st *stage) { public(st); st.late() },
	"asked late, with Vary":                 func(st *stage) { public(st); st.set("Vary", "Accept, Cookie, Authorization"); st.late() },
	"asked late, with another":              func(st *stage) { public(st); st.set("Vary", "Accept, X-Cookie"); st.late() },
	"asked late, private":                   func(st *stage) { st.set("Cache-Control", "private"); st.late() },
	"asked late, private but not for nginx": func(st *stage) { st.set("X-Accel-Expires", "600"); st.set("Cache-Control", "private"); st.late() },
	"asked late, private a field":           func(st *stage) { st.set("Cache-Control", `private="set-cookie"`); st.late() },
}

// public tells caches in every way to keep an answer.
func public(st *stage) {
	st.set("Cache-Control", "public, max-age=600, s-maxage=600, immutable")
	st.set("Expires", "Fri, 01 Jan 2100 00:00:00 GMT")
	st.set("X-Accel-Expires", "600")
	st.set("Surrogate-Control", "max-age=600")
	st.set("CDN-Cache-Control", "public, max-age=600")
}

// unused is a scene without a session. It shows that the caches keep what they may.
const unused = "unused"

// play plays the scene that a path ends with.
func (st *stage) play(path string) {
	name := path[strings.LastIndex(path, "/")+1:]
	if name == unused {
		st.respond(200, "unused;")
		return
	}
	for scene, act := range scenes {
		if strings.EqualFold(strings.NewReplacer(" ", "-", ",", "").Replace(scene), name) {
			act(st)
			return
		}
	}
	st.respond(400, "no such scene")
}

// A theatre plays the scenes for visitors with a cookie, and under /bearer for those with
// a token in a header.
type theatre struct {
	*app
}

// manager is that for a path.
func (th theatre) manager(path string) *session.Manager[page] {
	if strings.Contains(path, "/bearer/") {
		return th.bearers
	}
	return th.cookies
}

// ServeHTTP plays on what is built on net/http.
func (th theatre) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	write := func(part string) {
		_, _ = io.WriteString(w, part)
		_ = http.NewResponseController(w).Flush()
	}
	st := &stage{ctx: r.Context(), m: th.manager(r.URL.Path), match: r.Header.Get("If-None-Match"), set: h.Set, add: h.Add, del: h.Del}
	st.respond = func(status int, parts ...string) {
		w.WriteHeader(status)
		for _, part := range parts {
			write(part)
		}
	}
	st.stream = func(parts func(func(string))) { parts(write) }
	st.play(r.URL.Path)
}

// theatres are those of the adapters.
var theatres = map[string]func(theatre) (addr string){
	"nethttp": func(th theatre) string {
		return th.serve(nethttp.Middleware(th.cookies, nil)(nethttp.Middleware(th.bearers, nil)(th)))
	},
	"chi": func(th theatre) string {
		router := chi.NewRouter()
		router.Use(sessionchi.Middleware(th.cookies, nil), sessionchi.Middleware(th.bearers, nil))
		router.Handle("/*", th)
		return th.serve(router)
	},
	"gin": func(th theatre) string {
		router := gin.New()
		router.Use(sessiongin.Middleware(th.cookies, nil), sessiongin.Middleware(th.bearers, nil))
		router.NoRoute(gin.WrapH(th))
		return th.serve(router)
	},
	"echo": func(th theatre) string {
		e := echo.NewWithConfig(echo.Config{Logger: slog.New(slog.DiscardHandler)})
		e.Use(sessionecho.Middleware(th.cookies), sessionecho.Middleware(th.bearers))
		e.Any("/*", echo.WrapHandler(th))
		return th.serve(e)
	},
	"fiber": func(th theatre) string {
		router := fiber.New()
		router.Use(sessionfiber.Middleware(th.cookies, nil), sessionfiber.Middleware(th.bearers, nil))
		router.All("/*", func(c fiber.Ctx) (err error) {
			h := &c.Response().Header
			st := &stage{ctx: c, m: th.manager(c.Path()), match: strings.Clone(c.Get("If-None-Match")), set: c.Set, add: h.Add, del: h.Del}
			st.respond = func(status int, parts ...string) { err = c.Status(status).SendString(strings.Join(parts, "")) }
			st.stream = func(parts func(func(string))) {
				st.ctx = c.Context() // c is another request's by then
				err = c.SendStreamWriter(func(w *bufio.Writer) {
					parts(func(part string) {
						_, _ = w.WriteString(part)
						_ = w.Flush()
					})
				})
			}
			st.play(strings.Clone(c.Path()))
			return err
		})
		return th.serveFiber(router)
	},
}

// caches are those that the tests start.
var caches = map[string]func(testing.TB, ...servers.Origin) *servers.Server{"nginx": servers.Nginx, "Varnish": servers.Varnish}

// TestSharedCaches puts caches that keep what they may between the application and its
// visitors: nginx, with the path as the key and a minute for any status, and Varnish, also
// for requests with a cookie. Whatever a handler does, nobody gets what another's
// session has, nor the token of another, nor the removal of a cookie.
//
// What no header helps against is a cache that is told to ignore Vary or Set-Cookie, and
// a middleware around the sessions that takes them away, or hides them: TestLateVary.
func TestSharedCaches(t *testing.T) {
	var origins []servers.Origin
	houses := map[string]theatre{}
	for name, open := range theatres {
		house := theatre{newApp(t)}
		houses[name] = house
		origins = append(origins, servers.Origin{Prefix: "/" + name + "/", Addr: open(house)})
	}
	for cache, start := range caches {
		t.Run(cache, func(t *testing.T) {
			url := "http://" + start(t, origins...).Addr()
			for name, house := range houses {
				t.Run(name, func(t *testing.T) {
					a := &audience{t: t, house: house, url: url + "/" + name, tokens: map[string]string{}}
					for scene := range scenes {
						for _, carrier := range []string{"cookie", "bearer"} {
							for _, first := range []string{"GET", "HEAD"} {
								a.watch(carrier, first, strings.NewReplacer(" ", "-", ",", "").Replace(scene))
							}
						}
					}
					t.Logf("%d requests, %d answered from the cache, %d tokens handed out", a.requests, a.hits, len(a.tokens))
					assert.NotEmpty(t, a.tokens)
					a.hits = 0
					a.ask("cookie", "GET", "/cookie/GET/"+unused, "ann", "")
					a.ask("cookie", "GET", "/cookie/GET/"+unused, "bob", "")
					assert.Equal(t, 1, a.hits, "answers from the cache, of a page without a session")
				})
			}
		})
	}
}

// An audience visits the scenes on one adapter, through one cache.
type audience struct {
	t              *testing.T
	house          theatre
	url            string
	tokens         map[string]string // that were handed out, and to whom
	requests, hits int
	strangers      int
}

// watch has visitors come to one scene, one after the other. Each stranger is another.
func (a *audience) watch(carrier, first, scene string) {
	a.t.Helper()
	path := "/" + carrier + "/" + first + "/" + scene
	ann, bob := a.login(carrier, "ann"), a.login(carrier, "bob")
	a.ask(carrier, first, path, "ann", ann)
	a.ask(carrier, "GET", path, "ann", ann)
	a.ask(carrier, "GET", path, "bob", bob)
	a.ask(carrier, "HEAD", path, "bob", bob)
	for _, method := range []string{"GET", "GET", "HEAD", "GET"} {
		a.strangers++
		a.ask(carrier, method, path, fmt.Sprint("stranger ", a.strangers), "")
	}
}

func (a *audience) login(carrier, name string) (token string) {
	a.t.Helper()
	m := a.house.manager("/" + carrier + "/")
	token, err := m.NewToken(a.t.Context(), session.Info[page]{Subject: name})
	require.NoError(a.t, err)
	a.tokens[token] = name
	return token
}

func (a *audience) ask(carrier, method, path, name, token string) {
	a.t.Helper()
	resp, all := a.fetch(carrier, method, path, token)
	from := fmt.Sprintf("%s %s for %s, %s", method, path, name, resp.Header.Get("X-Cache"))
	for _, other := range []string{"ann", "bob", "somebody"} {
		if other != name {
			assert.NotContains(a.t, all, "owner="+other+";", "%s: the session of another is shown:\n%v", from, resp.Header)
		}
	}
	handed := slices.Clone(resp.Header["Session-Token"])
	for _, cookie := range resp.Cookies() {
		if cookie.Name == cookieName && cookie.MaxAge >= 0 {
			handed = append(handed, cookie.Value)
		} else if cookie.Name == cookieName {
			handed = append(handed, "")
		}
	}
	for _, token := range handed {
		if token == "" {
			assert.NotContains(a.t, name, "stranger", "%s: the end of another's session:\n%v", from, resp.Header)
			continue
		}
		to, twice := a.tokens[token]
		assert.False(a.t, twice, "%s: the token of %s:\n%v", from, to, resp.Header)
		a.tokens[token] = name
	}
}

// fetch sends a request through the cache. all is what the answer holds.
func (a *audience) fetch(carrier, method, path, token string) (resp *http.Response, all string) {
	a.t.Helper()
	ctx, cancel := context.WithTimeout(a.t.Context(), stress.Patience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, a.url+path, nil)
	require.NoError(a.t, err)
	switch {
	case token != "" && carrier == "cookie":
		r.Header.Set("Cookie", cookieName+"="+token)
	case token != "":
		r.Header.Set("Authorization", "Bearer "+token)
	case a.requests%2 == 0:
		r.Header.Set("If-None-Match", `"same"`)
	}
	resp, err = http.DefaultTransport.RoundTrip(r)
	require.NoError(a.t, err, path)
	body, err := io.ReadAll(resp.Body)
	require.NoError(a.t, err, path)
	require.NoError(a.t, resp.Body.Close())
	require.NotEqual(a.t, 400, resp.StatusCode, path)
	require.Less(a.t, resp.StatusCode, 501, "%s: %s", path, body)
	a.requests++
	if resp.Header.Get("X-Cache") == "HIT" {
		a.hits++
	}
	all = string(body)
	for _, values := range resp.Header {
		all += "\n" + strings.Join(values, "\n")
	}
	return resp, all
}
