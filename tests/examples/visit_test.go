// Package examples drives the example as its visitors do.
package examples

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gostateful/session/tests/support/gotool"
	"github.com/gostateful/session/tests/support/servers"
)

// patience is how long a visitor waits, on a machine that does much else.
const patience = 2 * time.Minute

// built is the example with all that it can do, which the first test that needs it
// builds for all.
var built struct {
	sync.Once
	dir, binary string
}

func build(t *testing.T) (binary string) {
	t.Helper()
	built.Do(func() { built.binary = gotool.BuildIn(t, built.dir, "examples", "-tags=all") })
	require.NotEmpty(t, built.binary, "the example does not build: another test says why")
	return built.binary
}

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "session-example-")
	if err != nil {
		panic(err)
	}
	built.dir = dir
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// open starts the example, with more flags.
func open(t *testing.T, binary string, flags ...string) *servers.Server {
	t.Helper()
	return servers.Start(t, servers.Program{
		Name: binary,
		Args: func(s *servers.Server) []string { return append([]string{"-addr", s.Addr()}, flags...) },
		// It listens before it prints where.
		Ready: func(_ context.Context, s *servers.Server) error { return s.Announced("Open http://" + s.Addr()) },
	})
}

// A visitor is a browser.
type visitor struct {
	*testing.T
	client http.Client
	shop   string
}

func newVisitor(t *testing.T, s *servers.Server) *visitor {
	t.Helper()
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	return &visitor{t, http.Client{Jar: jar, Timeout: patience}, "http://" + s.Addr()}
}

// get returns the page; post submits a form and follows to the page.
func (v *visitor) get() string {
	v.Helper()
	return v.page(v.client.Get(v.shop + "/"))
}

func (v *visitor) post(path string, form ...string) string {
	v.Helper()
	values := url.Values{}
	for i := 0; i < len(form); i += 2 {
		values.Set(form[i], form[i+1])
	}
	return v.page(v.client.PostForm(v.shop+path, values))
}

func (v *visitor) page(resp *http.Response, err error) string {
	v.Helper()
	require.NoError(v, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	require.NoError(v, err)
	require.Equal(v, 200, resp.StatusCode, "%s", text)
	return string(text)
}

func (v *visitor) login() string {
	v.Helper()
	return v.post("/login", "name", "ann", "password", "green-tea")
}

func (v *visitor) secret() string {
	v.Helper()
	u, err := url.Parse(v.shop)
	require.NoError(v, err)
	cookies := v.client.Jar.Cookies(u)
	require.Len(v, cookies, 1)
	return cookies[0].Value
}

var adapters = []string{"nethttp", "chi", "fiber", "gin", "echo"}

func TestPage(t *testing.T) {
	binary := build(t)
	for _, adapter := range adapters {
		t.Run(adapter, func(t *testing.T) { visitPage(t, open(t, binary, "-adapter", adapter)) })
	}
}

func visitPage(t *testing.T, s *servers.Server) {
	ann, bob := newVisitor(t, s), newVisitor(t, s)

	assert.Contains(t, ann.get(), "You have no session yet")
	assert.Contains(t, ann.post("/cart/add", "goods", "Tea", "amount", "2"), "Added 2 × Tea.")
	page := ann.get()
	assert.NotContains(t, page, "Added", "the note is shown once")
	assert.Contains(t, page, `"name">2 × Tea<`)
	left := regexp.MustCompile(`data-clock="idle" data-left="(\d+)"`).FindStringSubmatch(page)
	require.NotNil(t, left, page)
	ms, err := strconv.Atoi(left[1])
	require.NoError(t, err)
	assert.InDelta(t, 30*time.Minute, time.Duration(ms)*time.Millisecond, float64(2*time.Minute), "time left")

	assert.Contains(t, ann.post("/cart/add", "goods", "<b>", "amount", "1"), "1 × &lt;b&gt;")
	assert.Contains(t, ann.post("/cart/less", "goods", "Tea"), `"name">1 × Tea<`)
	assert.NotContains(t, ann.post("/cart/remove", "goods", "Tea"), "× Tea")
	assert.Contains(t, bob.get(), "It is empty", "each visitor has a session of their own")

	before := ann.secret()
	page = ann.login()
	assert.Contains(t, page, "You are signed in as <strong>ann<")
	assert.Contains(t, page, "× &lt;b&gt;", "the cart survives the login")
	assert.NotEqual(t, before, ann.secret(), "a login changes the cookie")

	page = ann.post("/logout")
	assert.NotContains(t, page, "signed in as")
	assert.Contains(t, page, "It is empty")
	assert.Contains(t, page, "You have no session yet")
}

// TestShutdown: a SIGTERM ends the example when the requests that run are done.
func TestShutdown(t *testing.T) {
	binary := build(t)
	for _, adapter := range adapters {
		t.Run(adapter, func(t *testing.T) { shutDown(t, open(t, binary, "-adapter", adapter)) })
	}
}

func shutDown(t *testing.T, s *servers.Server) {
	conn, err := net.Dial("tcp", s.Addr())
	require.NoError(t, err)
	defer conn.Close()
	require.NoError(t, conn.SetDeadline(time.Now().Add(patience)))
	body, in := "goods=Tea&amount=1", bufio.NewReader(conn)

	// The server says 100 Continue when the handler asks for the body: from
	// then on the request runs, and waits for us.
	fmt.Fprintf(conn, "POST /cart/add HTTP/1.1\r\nHost: %s\r\nExpect: 100-continue\r\n"+
		"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n", s.Addr(), len(body))
	line, err := in.ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "HTTP/1.1 100 Continue", strings.TrimSpace(line))
	_, err = in.ReadString('\n')
	require.NoError(t, err)

	stopped := make(chan error, 1)
	go func() { stopped <- s.Stop() }()
	require.Eventually(t, func() bool {
		conn, err := net.Dial("tcp", s.Addr())
		if err == nil {
			conn.Close()
		}
		return errors.Is(err, syscall.ECONNREFUSED)
	}, patience, time.Millisecond, "it takes no new connections")

	_, err = io.WriteString(conn, body)
	require.NoError(t, err)
	resp, err := http.ReadResponse(in, nil)
	require.NoError(t, err, "the request that ran was cut off")
	assert.Equal(t, http.StatusSeeOther, resp.StatusCode)
	assert.NotEmpty(t, resp.Header.Get("Set-Cookie"), "its session is committed")
	assert.NoError(t, <-stopped, "it ends in order")
	assert.Equal(t, 0, s.ExitCode())
}
