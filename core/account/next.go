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
// are, and go to another host by two slashes. Servers, http.Redirect among
// them, clean the path, which may bring these to its beginning: so it has to
// be clean already, also when it is decoded.
func local(target string) bool {
	u, err := url.Parse(target)
	if err != nil || !strings.HasPrefix(target, "/") || strings.HasPrefix(target, "//") || strings.Contains(u.Path, `\`) ||
		strings.ContainsFunc(u.Path, unicode.IsControl) || strings.HasPrefix(u.Path, "/ ") {
		return false
	}
	return strings.TrimSuffix(u.Path, "/") == strings.TrimSuffix(path.Clean(u.Path), "/")
}
