package attacks

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestPipelining: of many requests that are on their way at once, on several
// connections, each is answered with the session of its own cookie, in its order.
func TestPipelining(t *testing.T) {
	onEach(t, func(t *testing.T, a *app) {
		w, dice := a.dial(), roll(t)
		issued, ann, eve, bob := w.victims()
		tokens, counts := map[string]string{"user ann": ann, "user eve": eve, "visitor bob": bob, "": ""}, map[string]int{}
		names := slices.Sorted(maps.Keys(tokens))
		conns := make([]*wire, 8)
		for i := range conns {
			conns[i] = a.dial()
		}
		type sent struct{ method, target, by string }
		n := 0
		for range tries(10, 1000) {
			pending := make([][]sent, len(conns))
			for i, conn := range conns {
				var bytes strings.Builder
				for range 20 {
					n++
					s := sent{pick(dice, []string{"GET", "HEAD", "POST", "PUT", "OPTIONS"}), fmt.Sprintf("/who?n=%d", n), pick(dice, names)}
					if i == 0 && dice.IntN(3) == 0 && s.by != "" { // the others do not count, so that it has an order
						s.target = fmt.Sprintf("/count?n=%d", n)
					}
					bytes.WriteString(pipelined(dice, s.method, s.target, s.by, tokens[s.by]))
					pending[i] = append(pending[i], s)
				}
				conn.send(bytes.String())
			}
			for i, conn := range conns {
				for _, s := range pending[i] {
					r := conn.receive(s.method)
					require.Equal(t, 200, r.status, "%+v", s)
					require.Equal(t, s, sent{s.method, r.target, r.who}, "whose session answers which request")
					require.Equal(t, s.by, r.by)
					require.Equal(t, s.by, issued.ofCookies([]string{r.cookies}).who)
					if strings.HasPrefix(s.target, "/count") {
						counts[s.by]++
						require.Equal(t, counts[s.by], r.count, "%+v", s)
					}
				}
			}
		}
		t.Logf("%d requests on %d connections; counted: %v", n, len(conns), counts)
	})
}

// pipelined is a request with a body, or without.
func pipelined(dice *rand.Rand, method, target, by, token string) string {
	text := method + " " + target + " HTTP/1.1\r\nHost: " + host + "\r\nX-By: " + by + "\r\n"
	if token != "" {
		text += cookie(token) + "\r\n"
	}
	body := strings.Repeat("x", dice.IntN(200))
	switch {
	case method != "POST" && method != "PUT":
		return text + "\r\n"
	case body != "" && dice.IntN(2) == 0:
		return text + fmt.Sprintf("Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", len(body), body)
	}
	return text + fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(body), body)
}

// smuggled is a request within another one. It is not whole: it takes the first line
// of the next one for the value of a header, and so the host and the cookie.
const (
	smuggled = "GET /smuggled HTTP/1.1\r\nX-By: smuggler\r\nX-Ignore: "
	whole    = smuggled + "x\r\nHost: " + host + "\r\n\r\n"
)

// shapes are requests of nobody by which a server and what is in front of it may find
// different ends (RFC 9112, section 11.2), or whose header they may read differently.
func shapes(ann string) map[string]string {
	open := "POST /who HTTP/1.1\r\nHost: " + host + "\r\nX-By: nobody\r\n"
	framed := func(body string, lines ...string) string {
		return open + strings.Join(append(lines, ""), "\r\n") + "\r\n" + body
	}
	chunk := func(data string) string { return fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(data), data) }
	length := func(of string) string { return fmt.Sprintf("Content-Length: %d", len(of)) }
	const chunked = "Transfer-Encoding: chunked"
	ended := "0\r\n\r\n" + smuggled
	return map[string]string{
		"a body that is a request":                    framed(whole, length(whole)),
		"a chunk that is a request":                   framed(chunk(whole), chunked),
		"no length, and a body":                       framed(whole),
		"a GET with a body":                           strings.Replace(framed(whole, length(whole)), "POST", "GET", 1),
		"a GET with chunks":                           strings.Replace(framed(chunk(whole), chunked), "POST", "GET", 1),
		"a length, then chunks":                       framed(ended, length(ended), chunked),
		"chunks, then a length":                       framed(chunk(whole), chunked, "Content-Length: 4"),
		"two lengths, the shorter first":              framed(whole, "Content-Length: 0", length(whole)),
		"two lengths, the longer first":               framed(whole, length(whole), "Content-Length: 0"),
		"two equal lengths":                           framed(whole, length(whole), length(whole)),
		"a list of lengths":                           framed(whole, length(whole)+", 0"),
		"a length with a plus":                        framed(whole, fmt.Sprintf("Content-Length: +%d", len(whole))),
		"a length with a minus":                       framed(whole, "Content-Length: -1"),
		"a hexadecimal length":                        framed(whole, fmt.Sprintf("Content-Length: 0x%x", len(whole))),
		"an empty length":                             framed(whole, "Content-Length:"),
		"a length in quotes":                          framed(whole, fmt.Sprintf("Content-Length: %q", fmt.Sprint(len(whole)))),
		"a length with a space before the colon":      framed(whole, fmt.Sprintf("Content-Length : %d", len(whole))),
		"a length of other digits":                    framed(whole, "Content-Length: \u0661\u0662"),
		"a length that is too long":                   framed(whole, "Content-Length: 18446744073709551616"),
		"a coding that nobody knows":                  framed(ended, "Transfer-Encoding: xchunked"),
		"chunks of other cases":                       framed(chunk(whole), "transfer-encoding: ChUnKeD"),
		"chunks, and then identity":                   framed(ended, "Transfer-Encoding: chunked, identity"),
		"identity, and then chunks":                   framed(ended, "Transfer-Encoding: identity, chunked"),
		"identity with a length":                      framed(whole, "Transfer-Encoding: identity", length(whole)),
		"two lines of codings":                        framed(ended, chunked, "Transfer-Encoding: identity", length(ended)),
		"chunks twice":                                framed(ended, chunked, chunked, length(ended)),
		"a coding with a parameter":                   framed(ended, "Transfer-Encoding: chunked;q=1", length(ended)),
		"a coding with a space before the colon":      framed(ended, "Transfer-Encoding : chunked", length(ended)),
		"a coding with a tab before the colon":        framed(ended, "Transfer-Encoding\t: chunked", length(ended)),
		"a coding with a vertical tab":                framed(ended, "Transfer-Encoding: \vchunked", length(ended)),
		"a coding with a NUL":                         framed(ended, "Transfer-Encoding: chunked\x00", length(ended)),
		"a coding after a fold":                       framed(ended, "Transfer-Encoding:\r\n chunked", length(ended)),
		"a coding in a folded line":                   framed(ended, "X-Fold: a\r\n Transfer-Encoding: chunked", length(ended)),
		"a coding after a bare CR":                    framed(ended, "X-Bare: a\rTransfer-Encoding: chunked", length(ended)),
		"a coding after a bare LF":                    framed(ended, "X-Bare: a\nTransfer-Encoding: chunked", length(ended)),
		"a coding in quotes":                          framed(ended, `Transfer-Encoding: "chunked"`, length(ended)),
		"chunks in HTTP/1.0":                          strings.Replace(framed(ended, chunked, length(ended)), "HTTP/1.1", "HTTP/1.0", 1),
		"a chunk with an extension":                   framed("1;x=y\r\nz\r\n0\r\n\r\n", chunked),
		"an extension with a bare LF":                 framed("1;x\nz\r\n0\r\n\r\n"+whole+"0\r\n\r\n", chunked),
		"a size with a plus":                          framed("+1\r\nz\r\n0\r\n\r\n", chunked),
		"a size with 0x":                              framed("0x1\r\nz\r\n0\r\n\r\n", chunked),
		"a size with spaces":                          framed(" 1 \r\nz\r\n0\r\n\r\n", chunked),
		"a size that is too long":                     framed("10000000000000001\r\nz\r\n0\r\n\r\n", chunked),
		"a chunk that ends by LF":                     framed("1\nz\n0\n\n", chunked),
		"a chunk that is longer than it says":         framed("1\r\nzGET\r\n0\r\n\r\n", chunked),
		"a trailer that is a cookie":                  framed("1\r\nz\r\n0\r\n"+cookie(ann)+"\r\n\r\n", chunked),
		"a trailer that is declared, and a cookie":    framed("1\r\nz\r\n0\r\n"+cookie(ann)+"\r\n\r\n", chunked, "Trailer: Cookie"),
		"a cookie that the server would set":          framed("", "Set-Cookie: "+cookieName+"="+ann, "Content-Length: 0"),
		"a cookie in a body":                          framed(cookie(ann)+"\r\n\r\n", length(cookie(ann)+"\r\n\r\n")),
		"a cookie in a folded line":                   framed("", "X-Fold: a\r\n "+cookie(ann), "Content-Length: 0"),
		"a cookie after a bare CR":                    framed("", "X-Bare: a\r"+cookie(ann), "Content-Length: 0"),
		"a cookie with a space before the colon":      framed("", "Cookie : "+cookieName+"="+ann, "Content-Length: 0"),
		"a cookie with a NUL in its name":             framed("", "Coo\x00kie: "+cookieName+"="+ann, "Content-Length: 0"),
		"a cookie of the first line":                  "GET /who\r\n" + cookie(ann) + " HTTP/1.1\r\nHost: " + host + "\r\n\r\n",
		"a cookie in the target":                      "GET /who?" + cookieName + "=" + ann + ";Cookie:" + cookieName + "=" + ann + " HTTP/1.1\r\nHost: " + host + "\r\nX-By: nobody\r\n\r\n",
		"two hosts":                                   framed("", "Host: evil.example", "Content-Length: 0"),
		"a host with a cookie":                        strings.Replace(framed("", "Content-Length: 0"), host, host+" "+cookie(ann), 1),
		"a target with a host":                        strings.Replace(framed("", "Content-Length: 0"), "/who", "http://evil.example/who", 1),
		"a target with a user":                        strings.Replace(framed("", "Content-Length: 0"), "/who", "http://ann@"+host+"/who", 1),
		"no host":                                     "GET /who HTTP/1.1\r\nX-By: nobody\r\n\r\n",
		"HTTP/1.0, kept alive":                        "GET /who HTTP/1.0\r\nX-By: nobody\r\nConnection: keep-alive\r\n\r\n",
		"HTTP/0.9":                                    "GET /who\r\n",
		"the preface of HTTP/2":                       "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
		"an upgrade to h2c":                           framed("", "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA", "Content-Length: 0"),
		"a body that waits for 100":                   framed(whole, "Expect: 100-continue", length(whole)),
		"an expectation that nobody knows":            framed(whole, "Expect: 200-ok", length(whole)),
		"a header that the connection takes along":    framed("", "Connection: keep-alive, Cookie, X-By", "Content-Length: 0"),
		"a line that goes on before the first header": "POST /who HTTP/1.1\r\n " + cookie(ann) + "\r\nHost: " + host + "\r\nX-By: nobody\r\nContent-Length: 0\r\n\r\n",
		"a line without a colon":                      framed("", "Cookie", "Content-Length: 0"),
		"a line without a name":                       framed("", ": "+cookieName+"="+ann, "Content-Length: 0"),
		"lines that end by LF":                        strings.ReplaceAll(framed("", "Content-Length: 0"), "\r\n", "\n"),
		"lines that end by CR":                        strings.ReplaceAll(framed("", "Content-Length: 0"), "\r\n", "\r"),
		"empty lines before":                          "\r\n\r\n" + framed("", "Content-Length: 0"),
		"OPTIONS of all":                              "OPTIONS * HTTP/1.1\r\nHost: " + host + "\r\nX-By: nobody\r\n\r\n",
		"CONNECT":                                     "CONNECT " + host + ":443 HTTP/1.1\r\nHost: " + host + ":443\r\nX-By: nobody\r\n\r\n",
		"TRACE":                                       "TRACE /who HTTP/1.1\r\nHost: " + host + "\r\nX-By: nobody\r\n\r\n",
	}
}

// knownFramings are the shapes in which the servers, net/http and fasthttp alike, find the
// end where another may not: they take chunks for it if there is a length too (RFC 9112,
// section 6.3), and accept folds and lines that end by LF.
var knownFramings = []string{"no length, and a body", "a length, then chunks", "a coding after a fold", "a coding after a bare LF"}

// TestSmuggling: whatever a request of nobody looks like, the one before it and those
// behind it on the connection are answered with the session of their own cookie or not
// at all, and its own answer shows nobody's. Where servers find an end is theirs, see
// taken: what is in front of them must refuse these shapes too.
func TestSmuggling(t *testing.T) {
	onEach(t, func(t *testing.T, a *app) {
		w, dice := a.dial(), roll(t)
		issued, ann, eve, _ := w.victims()
		all := shapes(ann)
		names := slices.Sorted(maps.Keys(all))
		var requests, refused int
		taken := map[string]bool{}
		attack := func(name, shape string) {
			t.Helper()
			conn := a.dial()
			defer conn.close()
			conn.send(head("GET", "/who", "X-By: user ann", cookie(ann)) + shape + head("GET", "/who", "X-By: user eve", cookie(eve)) +
				head("GET", "/who", "X-By: nobody") + strings.Repeat(head("GET", "/last"), 4))
			for {
				r := conn.receive("GET")
				if r.status == 0 || r.target == "/last" {
					return
				}
				requests++
				if r.target == "/smuggled" {
					taken[name] = true
				}
				if r.refused() {
					refused++
				}
				require.Equal(t, issued.ofCookies([]string{r.cookies}).who, r.who, "%s: %q: the session of the request's own cookie: %+v", name, shape, r)
				switch {
				case r.refused():
				case r.by == "user ann" || r.by == "user eve":
					require.Equal(t, r.by, r.who, "%s: %q: %+v", name, shape, r)
				case r.by == "nobody" && all[name] == shape:
					require.Empty(t, r.who, "%s: %q: %+v", name, shape, r)
				case r.by == "smuggler":
					require.NotContains(t, r.cookies, ann, "%s: %q: the cookie of an earlier request", name, shape)
				}
				if r.last {
					return
				}
			}
		}
		for _, name := range names {
			attack(name, all[name])
		}
		framings := slices.Sorted(maps.Keys(taken))
		assert.Subset(t, knownFramings, framings, "shapes in which the request within was answered")
		names = slices.DeleteFunc(names, func(name string) bool { return strings.HasSuffix(name, "too long") }) // one digit less is not
		n := tries(300, 30_000)
		for range n {
			name := pick(dice, names)
			attack(name+", changed", changed(dice, all[name]))
		}
		t.Logf("%d shapes, %d changed ones: %d answers, %d of them refused; smuggled requests were answered in %q", len(all), n, requests, refused, framings)
		assert.NotZero(t, requests-refused)
	})
}

// changed is a text with some bytes more or less. No digit comes in: the server would
// wait for a body that is not there.
func changed(dice *rand.Rand, text string) string {
	for range 1 + dice.IntN(3) {
		at := dice.IntN(len(text))
		switch dice.IntN(3) {
		case 0:
			text = text[:at] + pick(dice, []string{"\r", "\n", "\r\n", " ", "\t", "\x00", ":", ";", ",", "\v", "\xff", "GET"}) + text[at:]
		case 1:
			text = text[:at] + text[at+1:]
		default:
			more := text[at:min(len(text), at+1+dice.IntN(8))]
			if !strings.ContainsAny(more, "0123456789") {
				text = text[:at] + more + text[at:]
			}
		}
	}
	return text
}
