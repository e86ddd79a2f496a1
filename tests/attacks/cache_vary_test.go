package attacks

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5/middleware"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gostateful/session/adapters/nethttp"
	"github.com/gostateful/session/tests/support/servers"
)

// TestLateVary: a middleware that adds a Vary of its own with the answer, as chi's
// Compress does, hides the one of the sessions from no cache, if it is within the
// sessions. Around them it does from an nginx before 1.23, which heeds the last line
// alone.
func TestLateVary(t *testing.T) {
	house := theatre{newApp(t)}
	sessions, compress := nethttp.Middleware(house.cookies, nil), middleware.Compress(5)
	page := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html") // or it is not compressed
		house.ServeHTTP(w, r)
	})
	origins := []servers.Origin{
		{Prefix: "/within/", Addr: house.serve(sessions(compress(page)))},
		{Prefix: "/around/", Addr: house.serve(compress(sessions(page)))},
	}
	for cache, start := range caches {
		t.Run(cache, func(t *testing.T) {
			a := &audience{t: t, house: house, url: "http://" + start(t, origins...).Addr(), tokens: map[string]string{}}
			ann, bob := a.login("cookie", "ann"), a.login("cookie", "bob")
			for _, place := range []string{"within", "around"} {
				for _, scene := range []string{"plain", "public", "public-after-Get"} {
					path := "/" + place + "/" + scene
					_, all := a.fetch("cookie", "GET", path, ann)
					require.Contains(t, all, "owner=ann;", path)
					resp, all := a.fetch("cookie", "GET", path, bob)
					require.Contains(t, strings.Join(resp.Header["Vary"], ", "), "Accept-Encoding", "it is not compressed")
					want := "owner=bob;"
					if place == "around" && heedsLastVary(resp) {
						want = "owner=ann;" // as docs/operating.md says
					}
					assert.Contains(t, all, want, path)
				}
			}
		})
	}
}

// heedsLastVary reports whether an answer has come through an nginx before 1.23.
func heedsLastVary(resp *http.Response) bool {
	var major, minor int
	n, _ := fmt.Sscanf(resp.Header.Get("Server"), "nginx/%d.%d", &major, &minor)
	return n == 2 && (major < 1 || major == 1 && minor < 23)
}
