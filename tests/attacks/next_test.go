package attacks

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gostateful/session/core/account"
)

// bypasses have gone around checks of other libraries, or are in lists of what may.
var bypasses = []string{
	"//evil.example", "///evil.example", "////evil.example", `/\evil.example`, `\/evil.example`, `\\evil.example`, `/\/evil.example`, `//\evil.example`, `\/\/evil.example`, "/\t/evil.example", "/\n/evil.example", "/\r/evil.example",
	"/ /evil.example", "/%09/evil.example", "/%0a/evil.example", "/%0d/evil.example", "/%5cevil.example", "/%5c%5cevil.example", "/%2f%2fevil.example", "/%2fevil.example", "/%252fevil.example", "/..//evil.example", "/../\\evil.example", "/.//evil.example",
	"/./\\evil.example", "/;@evil.example", "/@evil.example", "//@evil.example", "//evil.example@shop.example", "//shop.example@evil.example", "//shop.example:80@evil.example", "//shop.example\\@evil.example", "//shop.example#@evil.example", "//shop.example?@evil.example",
	"//evil.example%00.shop.example", "//evil.example%2eshop.example", "/\u3002/evil.example", "//evil\u3002example", "//evil\uff0eexample", "//evil\uff61example", "/\uff0fevil.example", "\uff0f\uff0fevil.example", "/\u2215evil.example", "/\u2044evil.example", "/\u29f8evil.example",
	"http:evil.example", "http:/evil.example", "http://evil.example", "http:///evil.example", "https:evil.example", "https:/evil.example", "https:///evil.example", `https:\\evil.example`, `https:\/\/evil.example`, "HtTpS://evil.example", "https://evil.example\\@shop.example",
	"javascript:alert(1)", "java\tscript:alert(1)", "java%0ascript:alert(1)", "\x01javascript:alert(1)", " javascript:alert(1)", "javascript://shop.example/%0aalert(1)", "data:text/html,x", "vbscript:x", "blob:https://shop.example/x", "about:blank", "file:///etc/passwd",
	"//1113982867", "//0x42660803", "//[::1]", "//[::ffff:1.1.1.1]", "//evil.example:443", "//evil.example:", "//.evil.example", "//evil.example.", "//%65vil.example", "//xn--evil", "/\\\t/evil.example", "/\t\\evil.example", "\t//evil.example", "\x00//evil.example", "\ufeff//evil.example", "\u00a0//evil.example", "\u2028//evil.example",
	"/#//evil.example", "/?//evil.example", "/#/../\\evil.example", "/?next=//evil.example", "/a/../..//evil.example", "/a/..\\..\\evil.example", "/.%2e//evil.example", "/%2e%2e//evil.example", "/%2e/%2fevil.example", "/..;//evil.example", "/..%2f/evil.example", "/..%5cevil.example",
	"?//evil.example", "#//evil.example", "//", "///", "/\\", "\\", "/.", "/..", "/./", "/../", "//@/", "//:80", "//?", "//#", "/[", "/]", "/:", "/:evil", "/://evil.example", "/http://evil.example", "/x:y", "//\u0000evil.example", "/\u007f/evil.example", "/\u0085/evil.example",
}

// alphabet is what generated paths are made of.
var alphabet = []string{
	"/", "/", "/", "/", "a", "b", "orders", "evil.example", "shop.example", ".", "..", "...", "/./", "/../", "//", `\`, `\`, "\t", "\n", "\r", " ", "@", ":", "?", "#", "&", "=", ";", "%", "%2f", "%2F", "%5c", "%5C", "%2e", "%2E", "%09", "%0a", "%0d", "%00", "%20", "%25", "%252f", "%3f", "%23", "%40", "%3a",
	"\u3002", "\uff0e", "\uff61", "\uff0f", "\uff3c", "\u2215", "\u2044", "\u2024", "\u2025", "\u00a0", "\u200b", "\u202e", "\ufeff", "\u2028", "\u0085", "\x00", "\x01", "\x1f", "\x7f", "\xff", "\xc0\xaf", "\xe2\x80", "é", "e\u0301", "\U0001f36a",
	"http:", "https:", "HTTPS:", "javascript:", "data:", "[", "]", "::1", "|", "^", "<", ">", `"`, "'", "`", "{", "}", "~", "*", "+", ",", "$", "!", "(", ")", "user:pass@", ":443", "xn--", "0x7f", "\u212a", "\u017f",
}

// wish is where a link of an attacker says the login page should lead.
func wish(dice *rand.Rand) string {
	text := ""
	switch dice.IntN(8) {
	case 0:
		text = pick(dice, bypasses)
	case 1:
	default:
		text = "/" + pick(dice, []string{"", "", "a", "orders", "orders/2026", "%C3%A9", "a?b", "a#b", "a?b#c"})
	}
	for range dice.IntN(7) {
		part := pick(dice, alphabet)
		if dice.IntN(3) > 0 { // at the end, or else anywhere
			text += part
		} else {
			at := dice.IntN(len(text) + 1)
			text = text[:at] + part + text[at:]
		}
	}
	return text
}

// sites are where a login page may be.
var sites = []string{"https://shop.example/login", "http://shop.example:8080/a/b/login?x=y#z"}

// TestNext: wherever Next sends a visitor, Go and a browser stay on the site. The
// parser of the WHATWG URL standard, which browsers have, is that of Node.
func TestNext(t *testing.T) {
	dice, browser := roll(t), startBrowser(t)
	n, passed := tries(5000, 1_000_000), map[string]bool{}
	check := func(next string) {
		t.Helper()
		got := account.Next(next)
		if got != next {
			require.Equal(t, "/", got, "Next(%q)", next)
			return
		}
		if passed[next] {
			return
		}
		passed[next] = true
		for _, site := range sites {
			for _, location := range locations(t, next) {
				requireOnSite(t, site, location)
				browser.wants(site, location)
			}
		}
	}
	for _, next := range bypasses {
		check(next)
	}
	for range n {
		check(wish(dice))
	}
	asked := browser.finish()
	t.Logf("%d inputs, and %d known bypasses: %d different ones pass Next; both parsers resolved %d locations", n, len(bypasses), len(passed), asked)
	assert.Greater(t, len(passed), n/20, "inputs that pass: with few of them the test shows nothing")
}

// locations are what a server may send for a path: as it is, as http.Redirect cleans
// it, and decoded, as some routers do.
func locations(t *testing.T, next string) []string {
	t.Helper()
	u, err := url.Parse(next)
	require.NoError(t, err, "Next(%q)", next)
	w := httptest.NewRecorder()
	http.Redirect(w, httptest.NewRequest("GET", "/login", nil), next, http.StatusSeeOther)
	return []string{next, w.Result().Header.Get("Location"), u.Path}
}

func requireOnSite(t *testing.T, site, location string) {
	t.Helper()
	base, err := url.Parse(site)
	require.NoError(t, err)
	u, err := base.Parse(location)
	if err != nil {
		return // nobody goes there: a decoded path need be no URL
	}
	require.Equal(t, base.Scheme+"://"+base.Host, u.Scheme+"://"+u.Host, "Go takes Location %q to %s", location, u)
	require.Nil(t, u.User, "Go takes Location %q to %s", location, u)
}

// A browser is Node, as far as it parses URLs. It is asked by lines, and answers those
// that lead elsewhere.
type browser struct {
	t      *testing.T
	cmd    *exec.Cmd
	lines  *bufio.Writer
	stdin  io.Closer
	output *strings.Builder
	asked  int
}

// script reads a site and a location in each line. Bytes beyond ASCII may be UTF-8 for
// the browser, or Latin-1.
const script = `
let asked = 0, elsewhere = [];
require('readline').createInterface({input: process.stdin}).on('line', line => {
	const [site, encoded] = line.split(' ');
	const bytes = Buffer.from(encoded || '', 'base64'), base = new URL(site);
	asked++;
	for (const encoding of ['utf8', 'latin1']) {
		let to;
		try { to = new URL(bytes.toString(encoding), base); } catch { continue; } // nobody goes there
		if (to.origin !== base.origin || to.protocol !== base.protocol || to.username !== '' || to.password !== '')
			elsewhere.push(site + ' ' + JSON.stringify(bytes.toString(encoding)) + ' -> ' + to.href);
	}
}).on('close', () => console.log([asked, ...elsewhere.slice(0, 20)].join('\n')));
`

func startBrowser(t *testing.T) *browser {
	t.Helper()
	b := &browser{t: t, cmd: exec.Command("node", "-e", script), output: new(strings.Builder)}
	b.cmd.Stdout, b.cmd.Stderr = b.output, b.output
	stdin, err := b.cmd.StdinPipe()
	require.NoError(t, err)
	b.lines, b.stdin = bufio.NewWriter(stdin), stdin
	require.NoError(t, b.cmd.Start(), "If there is no node, run: go run ./tools/check install")
	t.Cleanup(func() { // of a test that has failed
		_ = stdin.Close()
		_ = b.cmd.Wait()
	})
	return b
}

// wants wants a location to stay on the site.
func (b *browser) wants(site, location string) {
	b.t.Helper()
	b.asked++
	_, err := fmt.Fprintln(b.lines, site, base64.StdEncoding.EncodeToString([]byte(location)))
	require.NoError(b.t, err)
}

// finish waits for the answers, and returns how many questions there were.
func (b *browser) finish() int {
	b.t.Helper()
	require.NoError(b.t, b.lines.Flush())
	require.NoError(b.t, b.stdin.Close())
	require.NoError(b.t, b.cmd.Wait(), "%s", b.output)
	answered, elsewhere, _ := strings.Cut(strings.TrimSpace(b.output.String()), "\n")
	require.Equal(b.t, fmt.Sprint(b.asked), answered, "locations that the browser resolved")
	require.Empty(b.t, elsewhere, "locations that take the browser to another site")
	return b.asked
}

// TestNextOfAGuard: the address of a page that somebody has to log in for comes back
// from the login page as it was, for Go and for a browser, or not at all, and the login
// page is the site's own.
func TestNextOfAGuard(t *testing.T) {
	dice, browser := roll(t), startBrowser(t)
	a := newApp(t)
	n, with := tries(2000, 200_000), 0
	for range n {
		target := wish(dice)
		x := a.visit()
		refusal := account.Check(x, a.cookies, account.Guard{LoginURL: "/login?lang=en#form"}, account.Request{Method: "GET", Target: target, FetchMode: "navigate"})
		x.Discard()
		require.NotNil(t, refusal)
		location := refusal.Header.Get("Location")
		require.Equal(t, 303, refusal.Status)
		require.NotContains(t, location, "\n")
		u, err := url.Parse(location)
		require.NoError(t, err, "%q", target)
		require.Equal(t, "/login", u.Path, "%q", target)
		require.Equal(t, "form", u.Fragment, "%q", target)
		next := u.Query()["next"]
		if len(next) > 0 {
			require.Equal(t, []string{target}, next)
			require.Equal(t, target, account.Next(target))
			with++
		}
		requireOnSite(t, sites[0], location)
		browser.wants(sites[0], location)
	}
	browser.finish()
	t.Logf("%d pages, of which %d come back", n, with)
	assert.NotZero(t, with)
}
