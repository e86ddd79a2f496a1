package session

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Cookie holds the attributes of the cookie that carries the token. The zero
// value is the safest: a session cookie named "__Host-session" with Secure,
// HttpOnly, SameSite=Lax and Path=/. Browsers accept it only over https; most
// also accept it over http from localhost. No other host can set it, not even a
// sibling domain. HttpOnly is always set.
type Cookie struct {
	// Name is compared byte for byte. Empty means "__Host-session". It means
	// "__Secure-session" if Domain or a Path other than "/" is set, and "session"
	// if Insecure is. The prefixes are those of RFC 6265bis, section 4.1.3.
	Name string

	Path   string // as it stands in requests, such as "/my%20shop"; empty means "/"
	Domain string // empty means this host alone, the safest

	// SameSite is http.SameSiteLaxMode if zero. With http.SameSiteNoneMode
	// browsers send the cookie with requests from other sites too. The
	// application then needs a defense against cross-site request forgery.
	SameSite http.SameSite

	Partitioned bool // CHIPS: one cookie jar for each top-level site

	// Persistent keeps the cookie when the browser closes. It lasts until Lifetime
	// ends the session, not IdleTimeout. Browsers keep no cookie longer than 400
	// days. The cookie of a remembered login is always persistent.
	Persistent bool

	// Former lists cookies that the manager still reads after the present one:
	// those of earlier releases, with another Name, Path or Domain. A session goes
	// on under its former cookie. At the next renewal or login it moves to the
	// present cookie, and the former one is removed with its own attributes.
	//
	// To rename a cookie while old and new servers run side by side, use two
	// releases. The first lists the coming cookie here, and the second renames.
	//
	// A sibling domain can plant a former cookie whose name lacks the prefix
	// __Host-, as it could before. Remove a former cookie from this list when its
	// sessions are over. Only Name, Path, Domain, Partitioned and Insecure of a
	// former cookie count.
	Former []Cookie

	// Insecure drops the attribute Secure, for tests on hosts other than
	// localhost. The cookie then travels over plain http, where anyone on the way
	// can take it.
	Insecure bool
}

// maxTokens bounds how many cookies of one request are looked up in the store. A
// sibling domain can plant many under our names.
const maxTokens = 3

// A presented token is one that a request carried.
type presented struct {
	token
	carrier  string // the name of that cookie, or TokenHeader.carrier
	imported bool   // made by Import: no request carried it
}

// digest returns what the envelope stores of the secret. The secret of an
// imported token is stored as it is: no cookie could carry a secret with that
// hash.
func (t *presented) digest() digest {
	if t.imported {
		return t.secret
	}
	return t.token.digest()
}

// tokens collects the distinct tokens that the Cookie header lines carry under
// our names, those of the present name first. It puts them into found, and returns
// their number.
func (c *Cookie) tokens(lines []string, found *[maxTokens]presented) (n int) {
	n = collect(lines, c.Name, found, 0)
	for i := range c.Former {
		if name := c.Former[i].Name; name != c.Name {
			n = collect(lines, name, found, n)
		}
	}
	return n
}

// tokens collects the tokens that a request carries in the header lines that
// RequestHeader names. It puts them into found, and returns their number.
func (o *Options) tokens(lines []string, found *[maxTokens]presented) (n int) {
	if o.Header.Name != "" {
		return o.Header.token(lines, found)
	}
	return o.Cookie.tokens(lines, found)
}

// carriers returns the carriers that are read, as envelopes name them, the present
// one first.
func (o *Options) carriers() []string {
	if o.Header.Name != "" {
		return []string{o.Header.carrier()}
	}
	return o.Cookie.names()
}

// collect adds the tokens under one name to the n that were found. It returns
// the new count.
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
				found[n] = presented{token: t, carrier: name}
				n++
			}
		}
	}
	return n
}

// names returns the names of the cookies that are read, the present one first.
func (c *Cookie) names() []string {
	names := []string{c.Name}
	for i := range c.Former {
		if name := c.Former[i].Name; !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// longestCookie is the longest that browsers keep a cookie (RFC 6265bis, 5.5).
const longestCookie = 400 * 24 * time.Hour

// Browsers drop a cookie whose name and value are longer, and ignore an attribute
// that is (RFC 6265bis, 5.6).
const (
	maxPair      = 4096
	maxAttribute = 1024
)

// A cookieLine is the Set-Cookie line of a cookie as net/http writes it, without
// what differs from one response to the next. New makes it once.
type cookieLine struct{ name, scope, flags string }

func (c *Cookie) line() cookieLine {
	h := c.http()
	h.MaxAge = 1
	scope, flags, _ := strings.Cut(strings.TrimPrefix(h.String(), c.Name+"="), "; Max-Age=1")
	return cookieLine{c.Name, scope, flags}
}

// carrying returns the line that hands out a token. lasts is as in
// Cookie.carrying.
func (l *cookieLine) carrying(t *token, lasts time.Duration) string {
	text, age := t.text(), ""
	if seconds := maxAge(lasts); seconds != 0 {
		age = "; Max-Age=" + strconv.Itoa(seconds)
	}
	return l.name + "=" + string(text[:]) + l.scope + age + l.flags
}

// carrying returns the cookie that carries a token. If lasts is zero, the
// cookie lasts until the browser closes.
func (c *Cookie) carrying(t *token, lasts time.Duration) *http.Cookie {
	h := c.http()
	h.Value, h.MaxAge = t.encode(), maxAge(lasts)
	return h
}

// maxAge returns the Max-Age of a cookie, or zero if it has none.
func maxAge(lasts time.Duration) int {
	if lasts == 0 {
		return 0
	}
	return max(1, int((min(lasts, longestCookie)+time.Second-1)/time.Second))
}

// remove returns the Set-Cookie lines that remove the cookie and the former
// ones. They repeat the attributes, because browsers match a cookie by name,
// domain and path, and refuse a line without the attributes that its prefix
// demands.
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

// warnOfPlain warns once that browsers drop a Secure cookie that comes over
// plain http.
func (e *engine) warnOfPlain(ctx context.Context, host string) {
	if e.opts.Header.Name != "" || e.opts.Cookie.Insecure || trustworthy(host) || e.warned.Swap(true) {
		return
	}
	logger := e.opts.Logger
	if logger == nil {
		logger = slog.Default()
	}
	logger.WarnContext(ctx, "session: a cookie with Secure was sent over plain http: browsers drop it, and each visit begins a new session. Serve https, or let the proxy that serves it set X-Forwarded-Proto. For tests on hosts other than localhost, set Options.Cookie.Insecure.", "host", host, "cookie", e.opts.Cookie.Name)
}

// trustworthy reports whether browsers may keep a cookie with Secure from a host
// that they have reached over plain http.
func trustworthy(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.ToLower(strings.Trim(host, "[]."))
	if ip := net.ParseIP(host); ip != nil {
		return ip.IsLoopback()
	}
	// example.com is the host of httptest.NewRequest.
	return host == "" || host == "localhost" || strings.HasSuffix(host, ".localhost") || host == "example.com"
}

func (c *Cookie) isZero() bool {
	return c.same(&Cookie{}) && c.SameSite == 0 && !c.Persistent && !c.Insecure && len(c.Former) == 0
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
	f.add(len(c.Name)+tokenLen > maxPair, "Cookie.Name has %d bytes: browsers drop a cookie whose name and value have more than %d; choose a short one", len(c.Name), maxPair)
	f.add(c.Path[0] != '/', "Cookie.Path %q must begin with a slash", c.Path)
	f.add(len(c.Path) > maxAttribute, "Cookie.Path has %d bytes: browsers ignore a path of more than %d", len(c.Path), maxAttribute)
	f.add(!requested(c.Path), "Cookie.Path %q: browsers send no such path, and never this cookie: write it as it stands in a request, without dot segments, and with a space and any of \"#<>?\\^`{} as %%20 and the like", c.Path)
	f.add(strings.HasSuffix(c.Domain, "."), "Cookie.Domain %q: browsers refuse a domain that ends with a dot", c.Domain)
	// Browsers compare the prefixes without regard to case (RFC 6265bis, 5.7).
	host, secure := hasPrefixFold(c.Name, "__Host-"), hasPrefixFold(c.Name, "__Secure-")
	f.add(host && c.Domain != "", "Cookie.Domain %q: a __Host- cookie belongs to one host; leave Domain empty or use the prefix __Secure-", c.Domain)
	f.add(host && c.Path != "/", "Cookie.Path %q: a __Host- cookie has the path /; use the prefix __Secure-", c.Path)
	f.add((host || secure) && c.Insecure, "Cookie.Insecure: browsers refuse the name %q without Secure; choose another name", c.Name)
	f.add(hasPrefixFold(c.Name, "__Http-") || hasPrefixFold(c.Name, "__Host-Http-"), "Cookie.Name %q: this prefix is not supported everywhere; use __Host-", c.Name)
	f.add(c.Partitioned && c.Insecure, "Cookie.Partitioned: browsers refuse a partitioned cookie without Secure")
	f.add(c.SameSite == http.SameSiteNoneMode && c.Insecure, "Cookie.SameSite: browsers refuse SameSite=None without Secure")
	f.add(c.SameSite < http.SameSiteDefaultMode || c.SameSite > http.SameSiteNoneMode, "Cookie.SameSite %d is not a mode of net/http", c.SameSite)
}

// requested reports whether a request of a browser can have a path: it resolves dots
// and encodes some characters (WHATWG URL, 4.4).
func requested(path string) bool {
	for segment := range strings.SplitSeq(path, "/") {
		switch strings.ReplaceAll(strings.ToLower(segment), "%2e", ".") {
		case ".", "..":
			return false
		}
	}
	return !strings.ContainsAny(path, " \"#<>?\\^`{}")
}

func (c *Cookie) checkFormer(f *faults) {
	for i := range c.Former {
		former := &c.Former[i]
		former.check(f)
		f.add(len(former.Former) > 0, "Cookie.Former: a former cookie has no former ones itself; list them all beside it")
		f.add(former.same(c), "Cookie.Former: %q is the present cookie: name one with another Name, Path or Domain", former.Name)
		twice := slices.ContainsFunc(c.Former[:i], func(other Cookie) bool { return other.same(former) })
		f.add(twice, "Cookie.Former: %q is listed twice", former.Name)
	}
}

// same reports whether a browser treats both as one cookie.
func (c *Cookie) same(other *Cookie) bool {
	return c.Name == other.Name && c.Path == other.Path && strings.EqualFold(strings.TrimPrefix(c.Domain, "."), strings.TrimPrefix(other.Domain, ".")) && c.Partitioned == other.Partitioned
}

func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}
