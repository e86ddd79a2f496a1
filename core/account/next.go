package account

import (
	"net/url"
	"path"
	"strings"
	"unicode"
)

// Next is where a login page sends its visitor afterwards: to next, the
// parameter that a Guard adds to LoginURL, if that is a path of this site, and
// else to "/". Anybody can make a link to the login page, with another next in
// it: sending a visitor there unseen, who has just trusted the page with a
// password, would be an open redirect (CWE-601).
func Next(next string) string {
	if !local(next) {
		return "/"
	}
	return next
}

// local reports whether a browser that is sent to target stays on this site.
// Browsers take a backslash for a slash, drop tabs and newlines wherever they
// are, and go to another host by two slashes. Servers clean the path, which may
// bring these to its beginning: so it has to be clean already, also when it is
// decoded. And http.Redirect cleans all that is before a question mark, with
// the fragment: of /#/../\evil.example it makes /\evil.example.
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
