package stress

import (
	"encoding/base64"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	session "github.com/gostateful/session/core"
)

// A Visitor is a browser. It is safe for concurrent use, as by several tabs.
type Visitor struct {
	site   *Site
	client http.Client
}

// Visitor returns a new browser.
func (s *Site) Visitor() *Visitor {
	jar, err := cookiejar.New(nil)
	assert.NoError(s.t, err)
	return &Visitor{s, http.Client{Jar: jar, Transport: s.browser, Timeout: Patience + margin}}
}

// With returns a new browser that has a token.
func (s *Site) With(token string) *Visitor {
	v := s.Visitor()
	v.client.Jar.SetCookies(v.at(), []*http.Cookie{{Name: cookieName, Value: token, Secure: true, Path: "/"}})
	return v
}

const cookieName = "__Host-session"

func (v *Visitor) at() *url.URL {
	u, err := url.Parse(v.site.url)
	assert.NoError(v.site.t, err)
	return u
}

// Token is what the browser would send, or empty.
func (v *Visitor) Token() string {
	for _, c := range v.client.Jar.Cookies(v.at()) {
		return c.Value
	}
	return ""
}

// ID is the session that the browser asks for. There has to be one.
func (v *Visitor) ID() session.ID {
	b, err := base64.RawURLEncoding.DecodeString(v.Token())
	require.NoError(v.site.t, err)
	require.Len(v.site.t, b, 48)
	return session.ID(b)
}

// An Answer is a response.
type Answer struct {
	Status int
	Body   string
}

// OK is the answer of a success.
func OK(body string) Answer { return Answer{http.StatusOK, body} }

// OK tells whether the request was a success.
func (a Answer) OK() bool { return a.Status == http.StatusOK }

// Post sends a request. The body of a success is "new" for a session that is
// not stored, or the count, a space and who has logged in.
//
// Post checks what holds whatever happens to the backend: the answer is a
// success or a failure, 503, that came in time and sets no cookie, and it is a
// success if nothing was wrong meanwhile.
func (v *Visitor) Post(target string) Answer {
	t, start, epoch := v.site.t, time.Now(), v.site.epoch.Load()
	defer v.site.begin()()
	resp, err := v.client.Post(v.site.url+target, "", nil)
	if !assert.NoError(t, err) {
		return Answer{}
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	assert.NoError(t, err)
	a := Answer{resp.StatusCode, string(body)}
	if !a.OK() {
		limit := Patience
		if epoch%2 == 1 {
			limit = StoreTimeout
		}
		assert.Less(t, time.Since(start), limit+margin, "POST %s: a failure must not keep anybody waiting", target)
		assert.Empty(t, resp.Header["Set-Cookie"], "POST %s: the cookie of a failure", target)
		well := epoch%2 == 0 && v.site.epoch.Load() == epoch
		assert.False(t, well, "POST %s: %d %s, although nothing is wrong with the backend", target, a.Status, body)
		if a.Status == http.StatusConflict && strings.HasPrefix(target, "/count") {
			return a // it lost against another tab, and the time was over before it could try again
		}
		assert.Equal(t, v.site.Failure, a.Status, "POST %s: %s", target, body)
	}
	return a
}

// Hold sends a request, such as /count?hold, that has read when Hold returns,
// and writes after [Site.Release].
func (v *Visitor) Hold(target string) (answered <-chan Answer) {
	ended := make(chan Answer, 1)
	go func() { ended <- v.Post(target) }()
	select {
	case <-v.site.read:
	case a := <-ended:
		require.Fail(v.site.t, "it did not wait", "POST %s: %v", target, a)
	case <-time.After(Patience):
		require.Fail(v.site.t, "it does not read", "POST %s", target)
	}
	return ended
}
