package device_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	session "github.com/gostateful/session/core"
	"github.com/gostateful/session/core/device"
	"github.com/gostateful/session/core/internal/plainadapter"
	"github.com/gostateful/session/core/internal/plainstore"
)

// visit is the data of the tests' sessions.
type visit struct{ N int }

// A site is an application with a login, whose sessions are bound.
type site struct {
	*session.Manager[visit]
	*http.ServeMux
	t    *testing.T
	down bool // the store

	beside func() // runs once, before the next update of the store
}

func newSite(t *testing.T, opts *session.Options) *site {
	t.Helper()
	si := &site{ServeMux: http.NewServeMux(), t: t}
	store := plainstore.New()
	store.Around = func(_ context.Context, op string, _ session.ID, call func() error) error {
		if beside := si.beside; beside != nil && op == "Update" {
			si.beside = nil
			beside()
		}
		if si.down {
			return errors.New("connection refused to redis.internal")
		}
		return call()
	}
	m, err := session.New[visit](store, opts)
	if err != nil {
		t.Fatal(err)
	}
	si.Manager = m
	si.Handle("/device", device.Handler(m))
	si.HandleFunc("POST /login", func(_ http.ResponseWriter, r *http.Request) {
		if err := si.session(r).Login("ann", nil); err != nil {
			t.Error(err)
		}
	})
	si.HandleFunc("POST /renew", func(_ http.ResponseWriter, r *http.Request) {
		if err := si.session(r).Renew(); err != nil {
			t.Error(err)
		}
	})
	si.HandleFunc("GET /who", func(w http.ResponseWriter, r *http.Request) {
		s := si.session(r)
		_, _ = io.WriteString(w, s.Subject()+" "+string(s.Binding()))
	})
	return si
}

func (si *site) session(r *http.Request) *session.Session[visit] {
	s, err := si.Get(r.Context())
	if err != nil {
		si.t.Fatal(err)
	}
	return s
}

func (si *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	plainadapter.Wrap(si.t, si.Manager, si.ServeMux).ServeHTTP(w, r)
}

// A browser has a cookie, and a key of its device.
type browser struct {
	*site
	key       *ecdsa.PrivateKey
	cookie    string
	origin    string
	path      string // of the offer, and then of the instructions, with the query
	name      string // that it has for the session
	challenge string
}

func (si *site) browser() *browser {
	si.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		si.t.Fatal(err)
	}
	return &browser{site: si, key: key, origin: "https://shop.test"}
}

// send sends a request with the cookie and headers: names and values in turn.
func (b *browser) send(method, path string, headers ...string) *httptest.ResponseRecorder {
	b.t.Helper()
	r := httptest.NewRequest(method, path, nil)
	if b.cookie != "" {
		r.Header.Set("Cookie", b.cookie)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	b.site.ServeHTTP(w, r)
	for _, c := range w.Result().Cookies() {
		b.cookie = c.Name + "=" + c.Value
	}
	if found := regexp.MustCompile(`^"([\w-]+)";id="([\w.-]+)"$`).FindStringSubmatch(w.Header().Get("Secure-Session-Challenge")); found != nil {
		b.challenge, b.name = found[1], found[2]
	}
	if told := instructed(b.t, w); told.URL != "" {
		b.path = told.URL
	}
	return w
}

// Instructions are what a browser is told of a session that it has registered.
type instructions struct {
	Name        string `json:"session_identifier"`
	URL         string `json:"refresh_url"`
	Credentials []struct{ Type, Name, Attributes string }
}

func instructed(t *testing.T, w *httptest.ResponseRecorder) (told instructions) {
	t.Helper()
	if w.Header().Get("Content-Type") != "application/json" {
		return told
	}
	if err := json.Unmarshal(w.Body.Bytes(), &told); err != nil || len(told.Credentials) != 1 {
		t.Fatalf("%v: %s", err, w.Body)
	}
	return told
}

// id is the session that the browser has registered.
func (b *browser) id() session.ID {
	b.t.Helper()
	_, id, _ := strings.Cut(b.path, "?session=")
	parsed, err := session.ParseID(id)
	if err != nil {
		b.t.Fatal(err)
	}
	return parsed
}

// of makes the path that of another session.
func (b *browser) of(id string) *browser {
	path, _, _ := strings.Cut(b.path, "?")
	b.path = path + "?session=" + id
	return b
}

// logIn logs in, and learns what the response offers.
func (b *browser) logIn() {
	b.t.Helper()
	offer := b.send("POST", "/login").Header().Get("Secure-Session-Registration")
	found := regexp.MustCompile(`^\(ES256 RS256\);path="(/\w+)";challenge="([\w-]+)"$`).FindStringSubmatch(offer)
	if found == nil {
		b.t.Fatalf("the offer is %q", offer)
	}
	b.path, b.challenge = found[1], found[2]
}

func encode(v any) string {
	text, _ := json.Marshal(v)
	return base64.RawURLEncoding.EncodeToString(text)
}

// proof signs the challenge. A registration brings the key.
func (b *browser) proof(registration bool) string {
	b.t.Helper()
	header := map[string]any{"alg": "ES256", "typ": "dbsc+jwt"}
	if registration {
		point, err := b.key.PublicKey.Bytes()
		if err != nil {
			b.t.Fatal(err)
		}
		raw := base64.RawURLEncoding.EncodeToString
		header["jwk"] = map[string]string{"kty": "EC", "crv": "P-256", "x": raw(point[1:33]), "y": raw(point[33:])}
	}
	signed := encode(header) + "." + encode(map[string]string{"jti": b.challenge})
	hash := sha256.Sum256([]byte(signed))
	r, s, err := ecdsa.Sign(rand.Reader, b.key, hash[:])
	if err != nil {
		b.t.Fatal(err)
	}
	return signed + "." + base64.RawURLEncoding.EncodeToString(append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...))
}

func (b *browser) register() *httptest.ResponseRecorder {
	b.t.Helper()
	return b.send("POST", b.path, "Origin", b.origin, "Secure-Session-Response", b.proof(true))
}

func (b *browser) refresh() *httptest.ResponseRecorder {
	b.t.Helper()
	return b.send("POST", b.path, "Sec-Secure-Session-Id", `"`+b.name+`"`, "Secure-Session-Response", `"`+b.proof(false)+`"`)
}

// ask asks for a challenge.
func (b *browser) ask() *httptest.ResponseRecorder {
	b.t.Helper()
	return b.send("POST", b.path, "Sec-Secure-Session-Id", b.name)
}

// bound returns a browser whose session is bound.
func (si *site) bound() *browser {
	si.t.Helper()
	b := si.browser()
	b.logIn()
	if w := b.register(); w.Code != 200 {
		si.t.Fatalf("the registration is answered by %d: %s", w.Code, w.Body)
	}
	return b
}

func (b *browser) who() string { return b.send("GET", "/who").Body.String() }

var binds = &session.Options{Device: session.Device{Path: "/device"}}

func TestHandler(t *testing.T) {
	b := newSite(t, binds).browser()
	b.logIn()
	w := b.register()
	if w.Code != 200 || w.Header().Get("Content-Type") != "application/json" || w.Header().Get("Cache-Control") != "no-store" {
		t.Fatalf("the registration is answered by %d with %v: %s", w.Code, w.Header(), w.Body)
	}
	told := instructed(t, w)
	credential := told.Credentials[0]
	set := w.Header().Get("Set-Cookie")
	if told.Name != b.name || told.URL != "/device?session="+b.id().String() || credential.Type != "cookie" ||
		!strings.HasPrefix(set, credential.Name+"=") || strings.Replace(set, "; Max-Age=600", "", 1) != credential.Name+"="+strings.TrimPrefix(b.cookie, credential.Name+"=")+"; "+credential.Attributes {
		t.Errorf("the cookie is %q, and the instructions are %s", set, w.Body)
	}
	if got := b.who(); got != "ann bound" {
		t.Errorf("got %q", got)
	}
	for range 3 { // by the challenge that came with the last answer
		before := b.cookie
		if w := b.refresh(); w.Code != 200 || b.cookie == before || w.Body.String() == "" {
			t.Fatalf("the refresh is answered by %d: %s", w.Code, w.Body)
		}
	}
	b.cookie = "" // it is gone, as are challenges that are kept
	b.challenge = "none"
	if w := b.ask(); w.Code != 403 || b.challenge == "none" || b.cookie != "" {
		t.Fatalf("without a proof: %d, %v", w.Code, w.Header())
	}
	if w := b.refresh(); w.Code != 200 || b.who() != "ann bound" {
		t.Errorf("the refresh is answered by %d: %s", w.Code, w.Body)
	}
}

// The browser gives up what is no session of its device, and is told nothing else.
func TestRefused(t *testing.T) {
	si := newSite(t, binds)
	b, thief, visitor := si.bound(), si.browser(), si.browser()
	thief.path, thief.name, thief.challenge = b.path, b.name, b.challenge
	visitor.path, visitor.challenge = b.path, b.challenge
	at := func(id string) *browser { copied := *b; return copied.of(id) }
	robbing := *thief
	robbing.cookie = b.cookie
	unknown, zero, junk, two := *thief, at(session.ID{}.String()), at("junk"), at(b.id().String()+"&session="+b.id().String())
	unknown.of(session.NewID().String())
	answers := map[string]*httptest.ResponseRecorder{
		"the thief refreshes":        thief.refresh(),
		"a session that is none":     unknown.refresh(),
		"the thief registers":        robbing.register(),
		"the browser, once more":     b.register(),
		"a visitor registers":        visitor.register(),
		"nothing":                    b.send("POST", "/device"),
		"junk as a proof":            b.send("POST", "/device", "Secure-Session-Response", "junk"),
		"a registration, no key":     b.send("POST", "/device", "Secure-Session-Response", b.proof(false)),
		"junk as an ID":              junk.ask(),
		"junk as an ID, signed":      junk.refresh(),
		"the zero ID":                zero.ask(),
		"two IDs":                    two.ask(),
		"no ID":                      b.send("POST", "/device", "Sec-Secure-Session-Id", b.name),
		"no name":                    b.send("POST", b.path),
		"two names":                  b.send("POST", b.path, "Sec-Secure-Session-Id", b.name, "Sec-Secure-Session-Id", b.name),
		"a name in no quotes":        b.send("POST", b.path, "Sec-Secure-Session-Id", `a"b`),
		"a refresh, junk as a proof": b.send("POST", b.path, "Sec-Secure-Session-Id", b.name, "Secure-Session-Response", "junk"),
	}
	for name, w := range answers {
		if w.Code != 400 || w.Body.String() != answers["nothing"].Body.String() || w.Header().Get("Set-Cookie") != "" || w.Header().Get("Secure-Session-Challenge") != "" {
			t.Errorf("%s: got %d with %v: %s", name, w.Code, w.Header(), w.Body)
		}
	}
	if w := b.send("GET", "/device"); w.Code != 405 || w.Header().Get("Allow") != "POST" {
		t.Errorf("GET: %d, %v", w.Code, w.Header())
	}
	known, none := b.ask(), unknown.ask()
	if known.Code != 403 || none.Code != 403 || known.Body.String() != none.Body.String() || len(b.challenge) != len(unknown.challenge) || b.name != unknown.name {
		t.Errorf("one can tell a session that is there, %d, from one that is not, %d", known.Code, none.Code)
	}
	if w := b.refresh(); w.Code != 200 {
		t.Errorf("after all that, the browser's refresh is answered by %d", w.Code)
	}
}

// A script that was injected into a page cannot bind its session to a key of its own,
// and so carry it away.
func TestScriptRefused(t *testing.T) {
	b := newSite(t, binds).browser()
	b.logIn()
	for _, mode := range []string{"cors", "same-origin", "navigate", "websocket"} {
		if w := b.send("POST", b.path, "Secure-Session-Response", b.proof(true), "Sec-Fetch-Mode", mode); w.Code != 400 || w.Header().Get("Set-Cookie") != "" {
			t.Errorf("in the mode %s: %d, %v", mode, w.Code, w.Header())
		}
	}
	if w := b.send("POST", b.path, "Secure-Session-Response", b.proof(true), "Sec-Fetch-Mode", "no-cors"); w.Code != 200 {
		t.Errorf("the browser itself: %d", w.Code)
	}
}

// A login in the same browser takes the place of the one before: its registration has
// the same name. Another host of the site, which has the same list of names, keeps its
// own.
func TestOneNamePerCookie(t *testing.T) {
	si := newSite(t, binds)
	ann := si.bound()
	bob := *ann
	bob.cookie = ""
	bob.logIn()
	if w := bob.register(); w.Code != 200 || bob.name != ann.name || bob.id() == ann.id() {
		t.Errorf("the second login: %d, %q of %v, and the first has %q of %v", w.Code, bob.name, bob.id(), ann.name, ann.id())
	}
	for name, origin := range map[string]string{"another host": "https://blog.test", "no origin": "", "an opaque origin": "null"} {
		other := si.browser()
		other.origin = origin
		other.logIn()
		if w := other.register(); w.Code != 200 || other.name == ann.name {
			t.Errorf("%s: %d, %q", name, w.Code, other.name)
		}
		if w := other.refresh(); w.Code != 200 || instructed(t, w).Name != other.name {
			t.Errorf("%s: the refresh: %d, %s", name, w.Code, w.Body)
		}
	}
	for _, b := range []*browser{&bob, ann} { // each name of the browser's is its own
		b.cookie, b.name = "", "another.name"
		if w := b.refresh(); w.Code != 200 || instructed(t, w).Name != "another.name" {
			t.Errorf("the refresh: %d, %s", w.Code, w.Body)
		}
	}
}

// A refresh that a login has overtaken is no end: the browser has one name for both.
func TestOvertaken(t *testing.T) {
	si := newSite(t, binds)
	old := si.bound()
	newer := si.browser()
	newer.cookie = old.cookie
	newer.logIn()
	if w := newer.register(); w.Code != 200 || newer.name != old.name {
		t.Fatalf("the newer login: %d, %q and %q", w.Code, newer.name, old.name)
	}
	old.cookie = newer.cookie
	if w := old.refresh(); w.Code != 503 || w.Header().Get("Retry-After") != "1" || w.Header().Get("Set-Cookie") != "" || w.Header().Get("Secure-Session-Challenge") != "" {
		t.Errorf("the old refresh: %d, %v", w.Code, w.Header())
	}
	if w := newer.refresh(); w.Code != 200 {
		t.Errorf("the newer one's: %d", w.Code)
	}
	old.cookie = ""
	if w := old.refresh(); w.Code != 400 {
		t.Errorf("the old one, without the cookie: %d", w.Code)
	}
}

// A session that is over is given up, and what may pass is no end.
func TestOverAndDown(t *testing.T) {
	si := newSite(t, binds)
	b := si.bound()
	si.down = true
	for name, w := range map[string]*httptest.ResponseRecorder{
		"refresh": b.refresh(), "without a proof": b.ask(),
	} {
		if w.Code != 503 || w.Header().Get("Retry-After") != "1" || strings.Contains(w.Body.String(), "redis") {
			t.Errorf("%s while the store is down: %d, %v, %s", name, w.Code, w.Header(), w.Body)
		}
	}
	si.down = false
	if w := b.refresh(); w.Code != 200 {
		t.Errorf("after it: %d", w.Code)
	}
	if err := si.Revoke(t.Context(), b.id()); err != nil {
		t.Fatal(err)
	}
	if w := b.ask(); w.Code != 403 {
		t.Errorf("a session that is over, without a proof: %d", w.Code)
	}
	if w := b.refresh(); w.Code != 400 {
		t.Errorf("a session that is over: %d", w.Code)
	}
}

// A refresh that another tab's Renew was faster than is no end: the browser signs
// again, and would give up after a 409.
func TestRefreshBesideRenew(t *testing.T) {
	si := newSite(t, binds)
	b := si.bound()
	if got := b.who(); got != "ann bound" {
		t.Fatalf("got %q", got)
	}
	other := *b
	si.beside = func() { other.send("POST", "/renew") }
	if w := b.refresh(); w.Code != 403 || si.beside != nil {
		t.Errorf("the refresh is answered by %d with %v", w.Code, w.Header())
	}
	if w := b.refresh(); w.Code != 200 || b.who() != "ann bound" {
		t.Errorf("the browser comes again: %d", w.Code)
	}
}

// Mounted in the wrong place, it says so in no answer, but does not tell the browser
// to give up either.
func TestMisplaced(t *testing.T) {
	si := newSite(t, nil)
	b := si.browser()
	b.path, b.name = "/device?session="+session.NewID().String(), "name"
	for name, w := range map[string]*httptest.ResponseRecorder{"register": b.register(), "refresh": b.refresh()} {
		if w.Code != 500 {
			t.Errorf("%s without Options.Device: %d", name, w.Code)
		}
	}
	w := httptest.NewRecorder()
	r := httptest.NewRequest("POST", b.path, nil)
	r.Header.Set("Sec-Secure-Session-Id", b.name)
	device.Handler(newSite(t, binds).Manager).ServeHTTP(w, r)
	if w.Code != 500 {
		t.Errorf("outside the middleware: %d", w.Code)
	}
}
