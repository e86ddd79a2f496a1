package adaptertest

import (
	"bufio"
	"crypto/rand"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// An answer is a response. err says why there is none, or why it ended early.
type answer struct {
	status int
	header http.Header
	body   string
	err    error
}

func (a answer) String() string {
	if a.err != nil {
		return fmt.Sprintf("status %d, body %q, then: %v", a.status, a.body, a.err)
	}
	return fmt.Sprintf("status %d, body %q", a.status, a.body)
}

// failed reports whether the client can tell that the request failed.
func (a answer) failed() bool { return a.err != nil || a.status >= 500 }

// cookies returns the Set-Cookie lines of a name.
func (a answer) cookies(name string) (lines []string) {
	for _, line := range a.header["Set-Cookie"] {
		if n, _, _ := strings.Cut(line, "="); n == name {
			lines = append(lines, line)
		}
	}
	return lines
}

// token returns the token that the response hands out, or "".
func (a answer) token() string { return a.tokenOf(cookieName) }

// tokenOf returns the token that the response hands out under a name, or "".
func (a answer) tokenOf(name string) string {
	for _, line := range a.cookies(name) {
		if value, _, _ := strings.Cut(line[len(name)+1:], ";"); value != "" {
			return value
		}
	}
	return ""
}

// wants checks status and body.
func (a answer) wants(t *testing.T, status int, body string) {
	t.Helper()
	if a.err != nil || a.status != status || a.body != body {
		t.Errorf("got %v, want status %d, body %q", a, status, body)
	}
}

// wantsNoCookie checks that the response leaves the browser's cookie alone.
func (a answer) wantsNoCookie(t *testing.T, why string) {
	t.Helper()
	if lines := a.cookies(cookieName); len(lines) > 0 {
		t.Errorf("got Set-Cookie %q, want none: %s", lines, why)
	}
}

// A visitor is a browser: it keeps its cookies in a jar.
type visitor struct {
	si     *site
	client http.Client
	jar    *cookiejar.Jar
}

// visitor makes a browser that opens a connection for each request. So if a
// connection is cut, its request is not sent again over another one.
func (si *site) visitor() *visitor {
	si.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		si.t.Fatal(err)
	}
	direct := &http.Transport{DisableKeepAlives: true, DisableCompression: true}
	si.t.Cleanup(direct.CloseIdleConnections)
	transport := http.RoundTripper(direct)
	if si.inHeader {
		transport = headerTransport{direct}
	}
	return &visitor{si: si, jar: jar, client: http.Client{
		Transport:     transport,
		Jar:           jar,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Timeout:       patience + 25*time.Second,
	}}
}

// known makes a visitor that has been there once: its session counts 1.
func (si *site) known() *visitor {
	si.t.Helper()
	v := si.visitor()
	v.get("/count").wants(si.t, 200, "1")
	if v.token() == "" {
		si.t.Fatal("a response that begins a session has no cookie that a browser keeps")
	}
	si.store.took()
	return v
}

func (v *visitor) get(target string) answer {
	resp, err := v.client.Get(v.si.url + target)
	if err != nil {
		return answer{err: err}
	}
	return read(resp)
}

// at returns the URL of the site.
func (v *visitor) at() *url.URL {
	u, err := url.Parse(v.si.url + "/")
	if err != nil {
		v.si.t.Fatalf("Start returned the URL %q: %v", v.si.url, err)
	}
	return u
}

// token returns the token that the browser would send.
func (v *visitor) token() string {
	for _, c := range v.jar.Cookies(v.at()) {
		if c.Name == cookieName {
			return c.Value
		}
	}
	return ""
}

// cookie returns a Cookie header line that carries a token.
func cookie(token string) string { return "Cookie: " + cookieName + "=" + token }

func read(resp *http.Response) answer {
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return answer{resp.StatusCode, resp.Header, string(body), err}
}

// A conn is a connection on which a law controls every byte.
type conn struct {
	net.Conn
	r        *bufio.Reader
	inHeader bool
}

// send opens a connection and sends a GET request with these header lines, and
// with the others that a request needs.
func (si *site) send(target string, lines ...string) *conn {
	si.t.Helper()
	scheme, host, _ := strings.Cut(si.url, "://")
	c, err := net.DialTimeout("tcp", host, patience)
	if err != nil {
		si.t.Fatalf("Start returned the URL %q: %v", si.url, err)
	}
	if scheme == "https" {
		c = tls.Client(c, &tls.Config{InsecureSkipVerify: true}) // the suite made the certificate
	}
	si.t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(patience))
	if !slices.ContainsFunc(lines, func(line string) bool { return strings.HasPrefix(line, "Host: ") }) {
		lines = append([]string{"Host: " + host}, lines...)
	}
	if si.inHeader {
		for i := range lines {
			lines[i] = toHeader(lines[i])
		}
	}
	lines = append([]string{"GET " + target + " HTTP/1.1", "Connection: close"}, lines...)
	if _, err := io.WriteString(c, strings.Join(lines, "\r\n")+"\r\n\r\n"); err != nil {
		si.t.Fatal(err)
	}
	return &conn{c, bufio.NewReader(c), si.inHeader}
}

// next reads the head of the next response, which may have a status of 1xx.
func (c *conn) next() (*http.Response, error) {
	resp, err := http.ReadResponse(c.r, nil)
	if err == nil && c.inHeader {
		toCookie(resp.Header)
	}
	return resp, err
}

// raw sends a request and reads the response.
func (si *site) raw(target string, lines ...string) answer {
	si.t.Helper()
	resp, err := si.send(target, lines...).next()
	if err != nil {
		return answer{err: err}
	}
	return read(resp)
}

// someToken returns a token that no server issued.
func someToken() string {
	b := make([]byte, 48)
	rand.Read(b)
	return base64.RawURLEncoding.EncodeToString(b)
}
