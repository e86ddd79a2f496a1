package attacks

import (
	"bufio"
	"encoding/base64"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	session "github.com/gostateful/session/core"
	"github.com/gostateful/session/tests/support/stress"
)

// A wire is a connection to an application, over which bytes go as they are. It is
// made anew when the server has closed it.
type wire struct {
	t    testing.TB
	addr string
	conn net.Conn
	in   *bufio.Reader
	two  *duplex // asks over HTTP/2, if the application speaks it
}

func (a *app) dial() *wire {
	w := &wire{t: a.t, addr: a.addr}
	if a.http2 {
		w.two = &duplex{t: a.t, addr: a.addr}
		a.t.Cleanup(w.two.close)
	}
	a.t.Cleanup(w.close)
	return w
}

func (w *wire) close() {
	if w.conn != nil {
		w.conn.Close()
		w.conn = nil
	}
}

// A reply is the answer to a request. Its status is 0 if the server said nothing.
type reply struct {
	status     int
	target, by string // of the request that is answered
	who        string // whose session the handler saw
	cookies    string // that the handler could see
	count      int
	header     http.Header
	body       string
	last       bool // the server closes the connection
	reset      bool // the server has reset the stream
}

// read reads what the application says in the header.
func (r *reply) read() {
	r.target, r.by, r.who = r.quoted("X-Target"), r.quoted("X-By"), r.quoted("X-Who")
	r.cookies = r.quoted("X-Cookies")
	r.count, _ = strconv.Atoi(r.header.Get("X-Count"))
}

func (r *reply) quoted(name string) string {
	text, _ := strconv.Unquote(r.header.Get(name))
	return text
}

// refused reports whether the server, and not the application, has answered.
func (r reply) refused() bool { return r.target == "" }

// send sends bytes. The server may have refused them before they are all there.
func (w *wire) send(bytes string) {
	w.t.Helper()
	if w.conn == nil {
		conn, err := net.Dial("tcp", w.addr)
		require.NoError(w.t, err)
		require.NoError(w.t, conn.SetDeadline(time.Now().Add(stress.Patience)))
		w.conn, w.in = conn, bufio.NewReader(conn)
	}
	_, _ = io.WriteString(w.conn, bytes)
}

// receive reads the next answer, to a request of the method.
func (w *wire) receive(method string) reply {
	w.t.Helper()
	resp, err := http.ReadResponse(w.in, &http.Request{Method: method})
	for err == nil && resp.StatusCode < 200 && resp.StatusCode != http.StatusSwitchingProtocols {
		resp, err = http.ReadResponse(w.in, &http.Request{Method: method})
	}
	if err != nil {
		if timeout, ok := err.(net.Error); ok && timeout.Timeout() {
			w.t.Fatalf("no answer for %v", stress.Patience)
		}
		w.close()
		return reply{last: true}
	}
	body, err := io.ReadAll(resp.Body)
	r := reply{status: resp.StatusCode, header: resp.Header, body: string(body), last: resp.Close || err != nil}
	r.read()
	if r.last {
		w.close()
	}
	return r
}

// ask sends a request of these header lines, and returns the answer.
func (w *wire) ask(method, target string, lines ...string) reply {
	w.t.Helper()
	if w.two != nil {
		return w.two.ask(fields(method, target, lines...))
	}
	w.send(head(method, target, lines...))
	return w.receive(method)
}

// host is that of each request.
const host = "shop.example"

func head(method, target string, lines ...string) string {
	lines = append([]string{method + " " + target + " HTTP/1.1", "Host: " + host, "Content-Length: 0"}, lines...)
	return strings.Join(lines, "\r\n") + "\r\n\r\n"
}

// cookie is a header line.
func cookie(token string) string { return "Cookie: " + cookieName + "=" + token }

// token is what the answer hands out by a cookie, or "".
func (r reply) token(t testing.TB) string {
	t.Helper()
	for _, line := range r.header["Set-Cookie"] {
		c, err := http.ParseSetCookie(line)
		require.NoError(t, err)
		if c.Name == cookieName && c.MaxAge >= 0 {
			return c.Value
		}
	}
	return ""
}

// begin has a new visitor store a page of theirs, and returns their token.
func (w *wire) begin(name string) string { return w.newToken("/begin?as=" + name) }

// login has a new browser log in, and returns its token.
func (w *wire) login(name string) string { return w.newToken("/login?as=" + name) }

func (w *wire) newToken(target string) string {
	w.t.Helper()
	r := w.ask("POST", target)
	token := r.token(w.t)
	require.Len(w.t, token, 64, "POST %s: got %+v, want a token", target, r)
	return token
}

// unknown is a token that nobody has issued.
func unknown(dice *rand.Rand) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	token := make([]byte, 64)
	for i := range token {
		token[i] = alphabet[dice.IntN(len(alphabet))]
	}
	return string(token)
}

// idOf is the ID that a token begins with.
func idOf(t testing.TB, token string) string {
	t.Helper()
	bytes, err := base64.RawURLEncoding.DecodeString(token)
	require.NoError(t, err)
	return session.ID(bytes[:16]).String()
}
