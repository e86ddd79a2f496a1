package attacks

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	session "github.com/gostateful/session/core"
	"github.com/gostateful/session/memory"
)

// What an application may write into a Cookie, by mistake or because somebody else
// chooses it. The first ones of each are good.
var (
	cookieNames = []string{
		"sid", "__Host-sid", "__Secure-sid", "", "session.v2", "!#$%&'*+-.^_`|~", strings.Repeat("n", 4096-64),
		"__host-sid", "__SECURE-sid", "__HoSt-sid", "__Host", "__Host-", "__Secure-", "_Host-sid", "__Http-sid", "__http-sid", "__Host-Http-sid", "__HOST-HTTP-sid",
		"__Host-\u017fid", "__\u017fecure-sid", "__Ho\u017ft-sid", " __Host-sid", "\t__Secure-sid", "__Host-sid ", "=__Host-sid", "__Host-sid=x", "=", " ",
		"a=b", "a;b", "a; Secure", "a,b", `"a"`, "a b", "a\tb", "a\x00b", "a\r\nSet-Cookie: b", "a\nb", "\x7f", "\u00e4", "sid\u2028", "\xff", "\U0001f36a",
		"%00", "%3B", "$Version", "$Path", "Path", "Domain", "Expires", "Max-Age", "a\\b", "(a)", "{a}", "[a]", "<a>", "a/b", "a:b", "a?", "a@b",
		strings.Repeat("n", 4096-63), "__Secure-" + strings.Repeat("n", 4096), strings.Repeat("n", 1<<16),
	}
	cookiePaths = []string{
		"/", "/app", "", "/app/", "/a%20b", "/.well-known", "/...", "/a|b", "/[id]", "/a:b@c", "/*", "/a=b", "/a,b", "/~a'b()", "//", "/a//b", "/" + strings.Repeat("p", 1023),
		"app", " /", "/ ", "/a ", "/a b", "/a\t", "/a;b", "/;", "/a; Domain=evil.example", "/; Secure", `/a"b"`, `"/a"`, `/a\b`, `\`, `/\evil.example`, "/a?b", "/a#b", "/a^b", "/a`b", "/<a>", "/{id}",
		"/a/../b", "/..", "/.", "/a/.", "/%2E", "/%2e%2e/", "/a/.%2e", "/a%2e%2e", "/%", "/%3b", "/\x00", "/a\r\nX-Evil: 1", "/\n", "/\x1f", "/\x7f", "/\u00e4", "/\xff", "/\U0001f36a", "/\u2028",
		"/" + strings.Repeat("p", 1024), "/" + strings.Repeat("p", 1<<16), "https://shop.example/",
	}
	cookieDomains = []string{
		"", "shop.example", ".shop.example", "SHOP.Example", "localhost", "127.0.0.1", "xn--shp-sna.example", strings.Repeat("a", 63) + ".example", strings.Repeat("a.", 120) + "example",
		"..shop.example", "shop.example.", ".shop.example.", ".", "..", "-", "a..b", "-a.example", "a-.example", "a_b.example", "shop.example; Path=/x", "shop.example;", "shop example", " shop.example", "shop.example ",
		"shop,example", `"shop.example"`, "sh\u00f6p.example", "shop\u3002example", "127.0.0.1:80", "[::1]", "::1", ".127.0.0.1", "1.2.3", "shop.example:443", "*.example", "shop.example\r\nX-Evil: 1", "shop\x00.example", "shop\x7f", "\xff",
		"shop.example/", "user@shop.example", "%73hop.example", strings.Repeat("a", 64) + ".example", strings.Repeat("a.", 150) + "example", strings.Repeat("a", 1<<16),
	}
	cookieSites = []http.SameSite{0, http.SameSiteLaxMode, http.SameSiteStrictMode, http.SameSiteNoneMode, http.SameSiteDefaultMode, 5, -1}
)

// wellFormed is how many values at the beginning of each list are good.
var wellFormed = struct{ names, paths, domains, sites int }{7, 17, 9, 5}

// TestCookieOptions throws cookies of all kinds of names, paths, domains, switches and
// former cookies at New. What New accepts, a browser takes as it was meant, sends with
// the next request, and removes when it is told to. No byte leaves its attribute. And
// what a browser would take so, New accepts.
func TestCookieOptions(t *testing.T) {
	dice := roll(t)
	var tried, taken, moved int
	try := func(c session.Cookie) {
		t.Helper()
		tried++
		if tryCookie(t, c) {
			taken++
			moved += len(c.Former)
		}
	}
	for _, insecure := range []bool{false, true} {
		for _, name := range cookieNames {
			try(session.Cookie{Name: name, Insecure: insecure})
		}
		for _, path := range cookiePaths {
			try(session.Cookie{Name: "sid", Path: path, Insecure: insecure})
		}
		for _, domain := range cookieDomains {
			try(session.Cookie{Name: "sid", Domain: domain, Insecure: insecure})
		}
		for _, site := range cookieSites {
			try(session.Cookie{Name: "sid", SameSite: site, Insecure: insecure})
			try(session.Cookie{Name: "sid", SameSite: site, Partitioned: true, Insecure: insecure})
		}
	}
	for range tries(4000, 700_000) {
		c := session.Cookie{Partitioned: dice.IntN(3) == 0, Persistent: dice.IntN(3) == 0, Insecure: dice.IntN(4) == 0}
		of := func(all []string, good int) string {
			if dice.IntN(8) > 0 {
				all = all[:good]
			}
			return all[dice.IntN(len(all))]
		}
		draw := func(c *session.Cookie) {
			c.Name, c.Path, c.Domain = of(cookieNames, wellFormed.names), of(cookiePaths, wellFormed.paths), of(cookieDomains, wellFormed.domains)
		}
		draw(&c)
		if c.SameSite = cookieSites[dice.IntN(wellFormed.sites)]; dice.IntN(16) == 0 {
			c.SameSite = cookieSites[dice.IntN(len(cookieSites))]
		}
		for range max(0, dice.IntN(5)-2) { // former ones, many of which differ in one thing
			former := session.Cookie{Name: c.Name, Path: c.Path, Domain: c.Domain, Partitioned: c.Partitioned, Insecure: c.Insecure}
			switch dice.IntN(6) {
			case 0:
				former.Name = of(cookieNames, wellFormed.names)
			case 1:
				former.Path = of(cookiePaths, wellFormed.paths)
			case 2:
				former.Domain = of(cookieDomains, wellFormed.domains)
			case 3:
				former.Partitioned = !former.Partitioned
			case 4:
				former.Insecure = !former.Insecure
			default:
				draw(&former)
			}
			c.Former = append(c.Former, former)
		}
		try(c)
	}
	t.Logf("%d cookies, %d accepted, with %d former ones", tried, taken, moved)
	require.Greater(t, taken, tried/8, "cookies that New accepts")
	require.NotZero(t, moved, "former cookies")
}

// tryCookie reports whether New has accepted a cookie, and a browser too.
func tryCookie(t *testing.T, c session.Cookie) bool {
	t.Helper()
	store := memory.New(nil)
	m, err := session.New[int](store, &session.Options{Cookie: c})
	meant := meaning(c)
	if err != nil {
		if len(c.Former) == 0 && !strict(c) {
			kept, why := receive(naive(meant), meant.host())
			require.False(t, why == "" && kept.is(meant) && meant.sent(), "New refuses a cookie that browsers take as it is meant: %#v: %v", c, err)
		}
		return false
	}
	for _, partitions := range []bool{true, false} {
		b := jar{partitions: partitions}
		for _, former := range c.Former {
			old, err := session.New[int](store, &session.Options{Cookie: former})
			require.NoError(t, err, "a former cookie alone: %#v", former)
			b.visit(t, old, meaning(former), func(s *session.Session[int]) error { return s.Login("ann", nil) })
		}
		b.visit(t, m, meant, func(s *session.Session[int]) error { return s.Login("ann", nil) })
		got := b.at(meant.host())
		require.Len(t, got, 1, "cookies after a login, of %#v: got %#v", c, got)
		require.True(t, got[0].is(meant.seenBy(b)), "%#v became %#v", meant, got[0])
		require.Len(t, got[0].value, 64)
		b.visit(t, m, meant, func(s *session.Session[int]) error {
			require.Equal(t, "ann", s.Subject(), "the cookie comes back to %q: %#v", meant.path, got)
			return s.Destroy()
		})
		require.Empty(t, b.at(meant.host()), "cookies after a logout, of %#v", c)
	}
	return true
}

// strict reports whether New refuses a cookie by a rule that browsers do not have: the
// grammar of servers (RFC 6265bis, 4.1.1), host names, and prefixes that are new.
func strict(c session.Cookie) bool {
	const separators = "()<>@,;:\\\"/[]?={} \t"
	name := strings.ToLower(c.Name)
	return strings.ContainsFunc(c.Name, func(r rune) bool { return r <= ' ' || r >= 0x7f || strings.ContainsRune(separators, r) }) ||
		strings.HasPrefix(name, "__http-") || strings.HasPrefix(name, "__host-http-") ||
		strings.ContainsAny(c.Domain, "_*:[]/@%,\" ") || strings.Contains(c.Domain, "..") || strings.Contains(c.Domain, "-.") || strings.HasPrefix(c.Domain, "-") ||
		strings.Trim(c.Domain, "0123456789.") == "" && strings.Count(c.Domain, ".") != 3 || strings.HasPrefix(c.Domain, ".1") || // no host
		slices.ContainsFunc(strings.Split(c.Domain, "."), func(label string) bool { return len(label) > 63 }) || len(c.Domain) > 255 ||
		c.SameSite < 0 || c.SameSite > http.SameSiteNoneMode
}

// A kept cookie is what a browser keeps, or is meant to.
type kept struct {
	name, value, domain, path, sameSite             string
	hostOnly, secure, httpOnly, partitioned, expire bool
	attributes                                      string // what there is of them, in order
	removal                                         bool
}

// meaning is what an application wants of a browser.
func meaning(c session.Cookie) kept {
	k := kept{
		name: c.Name, path: c.Path, domain: strings.ToLower(strings.TrimPrefix(c.Domain, ".")), hostOnly: c.Domain == "",
		secure: !c.Insecure, httpOnly: true, partitioned: c.Partitioned, expire: c.Persistent,
	}
	if k.path == "" {
		k.path = "/"
	}
	if k.name == "" {
		k.name = "session"
		if k.secure && (k.domain != "" || k.path != "/") {
			k.name = "__Secure-session"
		} else if k.secure {
			k.name = "__Host-session"
		}
	}
	k.sameSite = map[http.SameSite]string{http.SameSiteStrictMode: "strict", http.SameSiteNoneMode: "none"}[c.SameSite]
	if k.sameSite == "" {
		k.sameSite = "lax"
	}
	if k.hostOnly {
		k.domain = k.host()
	}
	return k
}

// host is where the cookie is set. It may be any for a cookie of one host.
func (k kept) host() string {
	if k.domain != "" {
		return k.domain
	}
	return "shop.example"
}

// seenBy is the meaning for a browser that may know no partitions.
func (k kept) seenBy(b jar) kept {
	k.partitioned = k.partitioned && b.partitions
	return k
}

// is reports whether the browser has made of a line what it means, and nothing else.
func (k kept) is(meant kept) bool {
	attributes := "path"
	for _, may := range []struct {
		there bool
		name  string
	}{
		{!meant.hostOnly, "domain"}, {meant.expire, "max-age"}, {true, "httponly"}, {meant.secure, "secure"}, {true, "samesite"}, {meant.partitioned || strings.HasSuffix(k.attributes, "partitioned"), "partitioned"},
	} {
		if may.there {
			attributes += " " + may.name
		}
	}
	meant.value, meant.attributes = k.value, attributes
	return k == meant
}

// naive is a line as somebody writes it who checks nothing.
func naive(k kept) string {
	line := k.name + "=" + strings.Repeat("A", 64) + "; Path=" + k.path
	if !k.hostOnly {
		line += "; Domain=" + k.domain
	}
	if k.expire {
		line += "; Max-Age=86400"
	}
	line += "; HttpOnly"
	if k.secure {
		line += "; Secure"
	}
	line += "; SameSite=" + k.sameSite
	if k.partitioned {
		line += "; Partitioned"
	}
	return line
}

// receive does what a browser does with a Set-Cookie line from https://host/: RFC
// 6265bis, sections 5.6 and 5.7 (draft 20), and CHIPS. why is empty if the cookie is
// kept. Whether a domain is a public suffix, neither New nor this knows.
func receive(line, host string) (k kept, why string) {
	if strings.ContainsFunc(line, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) {
		return k, "a control character"
	}
	pair, rest, _ := strings.Cut(line, ";")
	name, value, found := strings.Cut(pair, "=")
	if !found {
		name, value = "", pair
	}
	k.name, k.value = strings.Trim(name, " \t"), strings.Trim(value, " \t")
	if len(k.name)+len(k.value) > 4096 {
		return k, "name and value are too long"
	}
	k.path, k.domain, k.hostOnly = "/", host, true
	domain, path := "", ""
	for rest != "" {
		var attribute string
		attribute, rest, _ = strings.Cut(rest, ";")
		name, value, _ := strings.Cut(attribute, "=")
		name, value = strings.ToLower(strings.Trim(name, " \t")), strings.Trim(value, " \t")
		k.attributes = strings.TrimLeft(k.attributes+" "+name, " ")
		if len(value) > 1024 {
			continue
		}
		switch name {
		case "max-age":
			k.expire, k.removal = true, strings.Trim(value, "0") == ""
		case "domain":
			domain = strings.ToLower(strings.TrimPrefix(value, "."))
		case "path":
			path = value
		case "secure":
			k.secure = true
		case "httponly":
			k.httpOnly = true
		case "samesite":
			k.sameSite = strings.ToLower(value)
		case "partitioned":
			k.partitioned = true
		}
	}
	if strings.HasPrefix(path, "/") {
		k.path = path
	}
	if domain != "" {
		k.domain, k.hostOnly = domain, false
	}
	return k, k.refused(host, path)
}

// refused is why a browser does not keep the cookie.
func (k kept) refused(host, path string) string {
	starts := func(prefix string) bool {
		return len(k.name) >= len(prefix) && strings.EqualFold(k.name[:len(prefix)], prefix)
	}
	ip := strings.Trim(host, "0123456789.") == ""
	switch {
	case k.name == "" && k.value == "":
		return "nothing"
	case strings.ContainsFunc(k.domain, func(r rune) bool { return r > 0x7f }):
		return "a domain that is not ASCII"
	case k.domain != host && (ip || !strings.HasSuffix(host, "."+k.domain)):
		return "another domain"
	case strings.HasSuffix(k.domain, "."): // what browsers send no request to, unless the user types the dot
		return "a domain with a dot at its end"
	case k.sameSite == "none" && !k.secure, k.partitioned && !k.secure:
		return "SameSite=None or Partitioned without Secure"
	case starts("__Secure-") && !k.secure, starts("__Host-") && !(k.secure && k.hostOnly && path == "/"):
		return "the rules of a prefix"
	case starts("__Http-") && !(k.secure && k.httpOnly), starts("__Host-Http-") && !k.httpOnly:
		return "the rules of a newer prefix"
	case k.name == "" && (strings.HasPrefix(strings.ToLower(k.value), "__secure-") || strings.HasPrefix(strings.ToLower(k.value), "__host-")):
		return "a prefix in the value of a cookie without a name"
	}
	return ""
}

// sent reports whether a browser sends the cookie with a request to its own path.
func (k kept) sent() bool {
	at := urlPath(k.path)
	return at == k.path || strings.HasPrefix(at, k.path) && (strings.HasSuffix(k.path, "/") || at[len(k.path)] == '/')
}

// urlPath is the path of the request to a URL with this path (WHATWG URL, 4.4).
func urlPath(path string) string {
	path, _, _ = strings.Cut(path, "#")
	path, _, _ = strings.Cut(path, "?")
	segments := strings.Split(strings.ReplaceAll(path, `\`, "/"), "/")[1:]
	var out []string
	for i, segment := range segments {
		last := i == len(segments)-1
		switch strings.ReplaceAll(strings.ToLower(segment), "%2e", ".") {
		case "..":
			out = out[:max(0, len(out)-1)]
			fallthrough
		case ".":
			if last {
				out = append(out, "")
			}
			continue
		}
		encoded := ""
		for _, c := range []byte(segment) {
			if c <= ' ' || c >= 0x7f || strings.IndexByte("\"#<>?^`{}", c) >= 0 {
				encoded += fmt.Sprintf("%%%02X", c)
			} else {
				encoded += string(rune(c))
			}
		}
		out = append(out, encoded)
	}
	return "/" + strings.Join(out, "/")
}

// A jar is the cookies of a browser.
type jar struct {
	partitions bool // it knows Partitioned: others ignore it
	cookies    []kept
}

// at is what a host gets of them, on one path or another.
func (b *jar) at(host string) (cookies []kept) {
	for _, k := range b.cookies {
		if k.domain == host || !k.hostOnly && strings.HasSuffix(host, "."+k.domain) {
			cookies = append(cookies, k)
		}
	}
	return cookies
}

// visit sends a request to the path of a cookie.
func (b *jar) visit(t *testing.T, m *session.Manager[int], at kept, do func(*session.Session[int]) error) {
	t.Helper()
	var pairs []string
	for _, k := range b.at(at.host()) {
		if k.path = strings.TrimSuffix(k.path, "/"); strings.HasPrefix(urlPath(at.path)+"/", k.path+"/") {
			pairs = append(pairs, k.name+"="+k.value)
		}
	}
	x := new(session.Exchange)
	x.Begin(t.Context(), m, []string{strings.Join(pairs, "; ")})
	s, err := m.Get(x)
	require.NoError(t, err)
	require.NoError(t, do(s))
	h, err := x.Commit(session.Response{})
	require.NoError(t, err)
	require.NoError(t, x.Finish())
	require.NotEmpty(t, h.SetCookie)
	for _, line := range h.SetCookie {
		b.receive(t, line, at.host())
	}
}

func (b *jar) receive(t *testing.T, line, host string) {
	t.Helper()
	k, why := receive(line, host)
	if why == "another domain" { // a former cookie of another site, which this one cannot remove
		return
	}
	require.Empty(t, why, "why a browser refuses %q", line)
	k.partitioned = k.partitioned && b.partitions
	b.cookies = slices.DeleteFunc(b.cookies, func(other kept) bool {
		return k.name == other.name && k.domain == other.domain && k.hostOnly == other.hostOnly && k.path == other.path && k.partitioned == other.partitioned
	})
	if !k.removal {
		b.cookies = append(b.cookies, k)
	}
}
