package processes

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"time"

	"github.com/stretchr/testify/assert"

	session "github.com/gostateful/session/core"
	"github.com/gostateful/session/tests/support/proof"
	"github.com/gostateful/session/tests/support/stress"
)

// A browser has cookies, and a key when it binds its session to its device. What
// goes wrong fails the test, and the rest of what its visitor does is of no account.
type browser struct {
	*crowd
	client http.Client
	key    *ecdsa.PrivateKey
}

func (c *crowd) browser() *browser {
	jar, err := cookiejar.New(nil)
	assert.NoError(c.t, err)
	return &browser{crowd: c, client: http.Client{Jar: jar, Transport: c.transport}}
}

// with returns a browser that has a token, whoever made it.
func (c *crowd) with(token string) *browser {
	b := c.browser()
	b.client.Jar.SetCookies(b.at(), []*http.Cookie{{Name: "__Host-session", Value: token, Secure: true, Path: "/"}})
	return b
}

// unknown is a token that nobody has issued.
func unknown() string {
	var token [48]byte
	_, _ = rand.Read(token[:])
	return base64.RawURLEncoding.EncodeToString(token[:])
}

// at is any of the sites: cookies do not tell ports apart.
func (b *browser) at() *url.URL {
	u, err := url.Parse(b.sites[0])
	assert.NoError(b.t, err)
	return u
}

// token is what the browser would send, or empty.
func (b *browser) token() string {
	for _, c := range b.client.Jar.Cookies(b.at()) {
		return c.Value
	}
	return ""
}

// id is that of the session that the browser asks for.
func (b *browser) id() string {
	token, err := base64.RawURLEncoding.DecodeString(b.token())
	assert.NoError(b.t, err)
	if !assert.Len(b.t, token, 48, "the cookie of somebody who has a session") {
		return ""
	}
	return session.ID(token).String()
}

// An answer is a response.
type answer struct {
	status int
	body   string
	header http.Header
}

// send sends a request to one of the processes, with headers: names and values in turn.
func (b *browser) send(method, target string, headers ...string) answer {
	ctx, cancel := context.WithTimeout(b.t.Context(), stress.Patience)
	defer cancel()
	started := time.Now()
	resp, err := b.open(ctx, method, target, headers...)
	if !assert.NoError(b.t, err) {
		return answer{}
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	assert.NoError(b.t, err)
	b.took(time.Since(started))
	return answer{resp.StatusCode, string(body), resp.Header}
}

func (b *browser) open(ctx context.Context, method, target string, headers ...string) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, method, b.site()+target, nil)
	if err != nil {
		return nil, err
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return b.client.Do(r)
}

// post sends a request that has to be a success, and returns its body.
func (b *browser) post(target string) string {
	a := b.send("POST", target)
	assert.Equal(b.t, http.StatusOK, a.status, "POST %s: %s", target, a.body)
	return a.body
}

// wants posts, and wants one of these bodies.
func (b *browser) wants(target string, bodies ...string) {
	assert.Contains(b.t, bodies, b.post(target), "POST %s", target)
}

// stream opens /watch. next returns its next line, and "" when it has ended.
func (b *browser) stream() (next func() string, leave func()) {
	ctx, cancel := context.WithTimeout(b.t.Context(), stress.Patience)
	resp, err := b.open(ctx, "GET", "/watch")
	if !assert.NoError(b.t, err) {
		return func() string { return "" }, cancel
	}
	assert.Equal(b.t, http.StatusOK, resp.StatusCode, "GET /watch")
	lines := bufio.NewScanner(resp.Body)
	next = func() string {
		if lines.Scan() {
			return lines.Text()
		}
		assert.NoError(b.t, lines.Err(), "GET /watch")
		return ""
	}
	return next, func() { cancel(); resp.Body.Close() }
}

// devices wants so many sessions in the list of the visitor's, and returns the ID of
// one that is not the browser's, if there is one.
func (b *browser) devices(many int) (other string) {
	a := b.send("GET", "/devices/")
	var list []struct {
		ID      string
		Current bool
	}
	assert.NoError(b.t, json.Unmarshal([]byte(a.body), &list), "GET /devices/: %d %s", a.status, a.body)
	assert.Len(b.t, list, many, "the sessions of somebody")
	for _, d := range list {
		if !d.Current {
			other = d.ID
		}
	}
	return other
}

// ends ends sessions of the visitor's.
func (b *browser) ends(which string) {
	a := b.send("DELETE", "/devices/"+which)
	assert.Equal(b.t, http.StatusNoContent, a.status, "DELETE /devices/%s: %s", which, a.body)
}

var (
	offer = regexp.MustCompile(`;path="([^"]+)";challenge="([^"]+)"`)
	asked = regexp.MustCompile(`^"([^"]+)"`)
)

// register makes a key, and binds the session as the response to a login has asked.
func (b *browser) register(login answer) (bound bool, next refresh) {
	found := offer.FindStringSubmatch(login.header.Get("Secure-Session-Registration"))
	if !assert.Len(b.t, found, 3, "the response to a login does not ask for a device: %v", login.header) {
		return false, next
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if !assert.NoError(b.t, err) {
		return false, next
	}
	b.key = key
	return b.binds(b.send("POST", found[1], "Secure-Session-Response", b.proof(found[2], true)))
}

// A refresh is what a browser knows of the next one.
type refresh struct{ url, id, challenge string }

// refresh replaces the cookie. A challenge that is too old is answered by another.
func (b *browser) refresh(r refresh) (bound bool, next refresh) {
	a := b.send("POST", r.url, "Sec-Secure-Session-Id", r.id, "Secure-Session-Response", b.proof(r.challenge, false))
	return b.binds(a)
}

// ask asks for a challenge, without a proof.
func (b *browser) ask(r refresh) refresh {
	a := b.send("POST", r.url, "Sec-Secure-Session-Id", r.id)
	assert.Equal(b.t, http.StatusForbidden, a.status, "a refresh without a proof: %s", a.body)
	if found := asked.FindStringSubmatch(a.header.Get("Secure-Session-Challenge")); assert.Len(b.t, found, 2, "%v", a.header) {
		r.challenge = found[1]
	}
	return r
}

// binds reads what the answer to a proof says.
func (b *browser) binds(a answer) (bound bool, next refresh) {
	if !assert.Equal(b.t, http.StatusOK, a.status, "the answer to a proof: %s", a.body) {
		return false, next
	}
	var instructions struct {
		ID  string `json:"session_identifier"`
		URL string `json:"refresh_url"`
	}
	assert.NoError(b.t, json.Unmarshal([]byte(a.body), &instructions))
	found := asked.FindStringSubmatch(a.header.Get("Secure-Session-Challenge"))
	if !assert.Len(b.t, found, 2, "the answer to a proof has no challenge: %v", a.header) {
		return false, next
	}
	return true, refresh{instructions.URL, instructions.ID, found[1]}
}

// proof signs a challenge. A registration brings the key.
func (b *browser) proof(challenge string, registration bool) string {
	signed, err := proof.Sign(b.key, challenge, registration)
	assert.NoError(b.t, err)
	return signed
}
