package session

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// Cookie says how the token travels. The zero value is the safest: a session
// cookie named "__Host-session" with Secure, HttpOnly, SameSite=Lax and
// Path=/, which browsers accept only over https (and over http from
// localhost) and which no other host, a sibling domain included, can set.
// HttpOnly is always set.
type Cookie struct {
	// Name is compared byte for byte. Empty means "__Host-session", or
	// "__Secure-session" where Domain or Path rule that out, or "session"
	// with Insecure. The prefixes are those of RFC 6265bis, section 4.1.3.
	Name string

	Path   string // empty means "/"
	Domain string // empty means this host alone, the safest

	// SameSite: zero means http.SameSiteLaxMode. http.SameSiteNoneMode sends
	// the cookie along with requests from foreign sites: the application then
	// needs a defense against cross-site request forgery.
	SameSite http.SameSite

	Partitioned bool // CHIPS: one cookie jar for each top-level site

	// Persistent keeps the cookie when the browser closes, for as long as
	// the session can last.
	Persistent bool

	// Former names cookies that the manager still reads, after the present one:
	// those of an earlier release with another Name, Path or Domain. A session
	// that came by one goes on, and at the next renewal or login moves to the
	// present cookie, while the old one is removed with its own attributes. In a
	// deployment that runs both releases at once, first list the coming cookie
	// here in all of them, and rename it with the next release.
	//
	// A former name without the prefix __Host- can be planted by a sibling
	// domain, as it could before. Drop it once the sessions of that time are
	// over. Only Name, Path, Domain, Partitioned and Insecure count.
	Former []Cookie

	// Insecure drops Secure, so that the cookie travels over plain http where
	// anyone on the way can take it. For tests on hosts other than localhost.
	Insecure bool
}

// maxTokens bounds how many cookies of our names cost a look into the store:
// a sibling domain can plant more of them than a browser shows.
const maxTokens = 3

// A presented token came in a cookie of a name.
type presented struct {
	token
	carrier string
}

// tokens collects the distinct tokens that the Cookie header lines carry under
// our names: first those under the present one, in their order.
func (c *Cookie) tokens(lines []string) (found [maxTokens]presented, n int) {
	n = collect(lines, c.Name, &found, 0)
	for i := range c.Former {
		if name := c.Former[i].Name; name != c.Name {
			n = collect(lines, name, &found, n)
		}
	}
	return found, n
}

func collect(lines []string, name string, found *[maxTokens]presented, n int) int {
	for _, line := range lines {
		for line != "" && n < maxTokens {
			var pair string
			pair, line, _ = strings.Cut(line, ";")
			value, ok := strings.CutPrefix(strings.Trim(pair, " \t"), name)
			if !ok || value == "" || value[0] != '=' {
				continue
			}
			t, ok := decodeToken(value[1:])
			for i := range n {
				ok = ok && (found[i].token != t || found[i].carrier != name)
			}
			if ok {
				found[n] = presented{t, name}
				n++
			}
		}
	}
	return n
}

// names are those of the cookies that are read.
func (c *Cookie) names() []string {
	names := []string{c.Name}
	for i := range c.Former {
		if name := c.Former[i].Name; !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// longestCookie is what browsers keep at most (RFC 6265bis, 5.5).
const longestCookie = 400 * 24 * time.Hour

// set returns the Set-Cookie lines that hand out a token and remove the former
// cookies. A persistent cookie is kept until lastsUntil, the end of the session's
// absolute lifetime, so that it need not be sent again each time the session is
// used.
func (c *Cookie) set(t *token, now, lastsUntil time.Time) []string {
	h := c.http()
	h.Value = t.encode()
	if c.Persistent {
		left := min(lastsUntil.Sub(now), longestCookie)
		h.MaxAge = max(1, int((left+time.Second-1)/time.Second))
	}
	return append([]string{h.String()}, c.removeFormer()...)
}

// remove returns the Set-Cookie lines that take the cookie and the former ones
// away: browsers match them by name, domain and path, and refuse them without
// the attributes that a prefix demands.
func (c *Cookie) remove() []string {
	return append([]string{c.removal()}, c.removeFormer()...)
}

func (c *Cookie) removeFormer() (lines []string) {
	for i := range c.Former {
		lines = append(lines, c.Former[i].removal())
	}
	return lines
}

func (c *Cookie) removal() string {
	h := c.http()
	h.MaxAge = -1
	h.Expires = time.Unix(0, 0)
	return h.String()
}

func (c *Cookie) http() *http.Cookie {
	return &http.Cookie{
		Name: c.Name, Path: c.Path, Domain: c.Domain, SameSite: c.SameSite,
		Secure: !c.Insecure, HttpOnly: true, Partitioned: c.Partitioned,
	}
}

// setDefaults fills in what is empty.
func (c *Cookie) setDefaults() {
	if c.Path == "" {
		c.Path = "/"
	}
	if c.SameSite == 0 || c.SameSite == http.SameSiteDefaultMode {
		c.SameSite = http.SameSiteLaxMode
	}
	if c.Name == "" {
		switch {
		case c.Insecure:
			c.Name = "session"
		case c.Domain != "" || c.Path != "/":
			c.Name = "__Secure-session"
		default:
			c.Name = "__Host-session"
		}
	}
	for i := range c.Former {
		c.Former[i].setDefaults()
	}
}

func (c *Cookie) check(f *faults) {
	// A name or path that net/http would drop or rewrite is refused instead.
	named := http.Cookie{Name: c.Name, Path: c.Path, Domain: c.Domain}
	if err := named.Valid(); err != nil {
		f.add(true, "Cookie: %w", err)
	}
	f.add(c.Path[0] != '/', "Cookie.Path %q must begin with a slash", c.Path)
	// Browsers compare the prefixes without regard to case (RFC 6265bis, 5.7).
	host, secure := hasPrefixFold(c.Name, "__Host-"), hasPrefixFold(c.Name, "__Secure-")
	f.add(host && c.Domain != "", "Cookie.Domain %q: a __Host- cookie belongs to one host; leave Domain empty or use the prefix __Secure-", c.Domain)
	f.add(host && c.Path != "/", "Cookie.Path %q: a __Host- cookie has the path /; use the prefix __Secure-", c.Path)
	f.add((host || secure) && c.Insecure, "Cookie.Insecure: browsers refuse the name %q without Secure; choose another name", c.Name)
	f.add(hasPrefixFold(c.Name, "__Http-") || hasPrefixFold(c.Name, "__Host-Http-"), "Cookie.Name %q: this prefix is not supported everywhere; use __Host-", c.Name)
	f.add(c.Partitioned && c.Insecure, "Cookie.Partitioned: browsers refuse a partitioned cookie without Secure")
	f.add(c.SameSite == http.SameSiteNoneMode && c.Insecure, "Cookie.SameSite: browsers refuse SameSite=None without Secure")
	f.add(c.SameSite < http.SameSiteDefaultMode || c.SameSite > http.SameSiteNoneMode, "Cookie.SameSite %d is none of the modes of net/http", c.SameSite)
}

func (c *Cookie) checkFormer(f *faults) {
	for i := range c.Former {
		former := &c.Former[i]
		former.check(f)
		f.add(len(former.Former) > 0, "Cookie.Former: a former cookie has no former ones itself; list them all beside it")
		f.add(former.same(c), "Cookie.Former: %q is the present cookie: name one with another Name, Path or Domain", former.Name)
		twice := slices.ContainsFunc(c.Former[:i], func(other Cookie) bool { return other.same(former) })
		f.add(twice, "Cookie.Former: %q is there twice", former.Name)
	}
}

// same reports whether a browser takes both for one cookie.
func (c *Cookie) same(other *Cookie) bool {
	return c.Name == other.Name && c.Path == other.Path && strings.EqualFold(strings.TrimPrefix(c.Domain, "."), strings.TrimPrefix(other.Domain, ".")) && c.Partitioned == other.Partitioned
}

func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}
