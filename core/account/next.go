package account

import (
	"net/url"
	"path"
	"strings"
	"unicode"
)

// Next returns where a login page sends its visitor after the login. next is
// the parameter that a [Guard] adds to LoginURL. If it is a path of this site,
// Next returns it, and otherwise "/". Anybody can make a link to the login page
// with another next in it. To follow it blindly would be an open redirect
// (CWE-601), for a visitor who has just trusted the page with a password.
func Next(next string) string {
	if !local(next) {
		return "/"
	}
	return next
}

// local reports whether a browser that is sent to target stays on this site.
// Browsers take a backslash for a slash, drop tabs and newlines anywhere, and
// go to another host after two slashes. Servers clean the path, which may bring
// two slashes to its beginning. So the path must be clean already, before and
// after decoding. [http.Redirect] cleans everything before a question mark,
// with the fragment: it turns /#/../\evil.example into /\evil.example.
func local(target string) bool {
	u, err := url.Parse(target)
	if err != nil || !strings.HasPrefix(target, "/") || strings.HasPrefix(target, "//") {
		return false
	}
	redirected, _, _ := strings.Cut(target, "?")
	return clean(u.Path) && clean(redirected)
}

func clean(p string) bool {
	return !strings.Contains(p, `\`) && !strings.ContainsFunc(p, unicode.IsControl) && !strings.HasPrefix(p, "/ ") &&
		strings.TrimSuffix(p, "/") == strings.TrimSuffix(path.Clean(p), "/")
}
