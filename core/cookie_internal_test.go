package session

import (
	"net/http"
	"testing"
	"time"
)

// TestCookieLine: the line that New prepares becomes what net/http writes for the
// whole cookie.
func TestCookieLine(t *testing.T) {
	for name, c := range map[string]Cookie{
		"Default": {},
		"All":     {Path: "/my%20shop", Domain: "shop.example", SameSite: http.SameSiteNoneMode, Partitioned: true},
		"Few":     {Name: "s", Insecure: true, SameSite: http.SameSiteStrictMode},
	} {
		t.Run(name, func(t *testing.T) {
			c.setDefaults()
			line, issued := c.line(), newToken(NewID())
			for _, lasts := range []time.Duration{0, 1, time.Hour, 2 * longestCookie} {
				got, want := line.carrying(&issued, lasts), c.carrying(&issued, lasts).String()
				if got != want {
					t.Errorf("lasts %v: got %q, want %q", lasts, got, want)
				}
			}
		})
	}
}
