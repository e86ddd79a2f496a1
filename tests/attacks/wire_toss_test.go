package attacks

import (
	"math/rand/v2"
	"regexp"
	"strings"

	"github.com/stretchr/testify/require"
)

// A toss is a request's header with cookies of an attacker in it.
type toss struct {
	method, target string
	lines          []string // of the header
	values         []string // of those that count
	odd            string   // bytes in one of them
}

// odds are bytes that may not be in a header, and those by which a line goes on in the
// next one, for which a server takes a space (RFC 9112, section 5.2).
var odds = []string{"\x00", "\x01", "\v", "\f", "\r", "\x1b", "\x7f", "\r\n ", "\r\n\t", "\n ", "\r\n  \t"}

// oddly puts odd bytes into a value, if it is long enough, and returns them too. The
// spaces at its ends are the server's to trim, so they are not put there.
func oddly(dice *rand.Rand, value string) (with, odd string) {
	first, end := len(value)-len(strings.TrimLeft(value, " \t")), len(strings.TrimRight(value, " \t"))
	if end-first < 2 {
		return value, ""
	}
	odd = pick(dice, odds)
	at := first + 1 + dice.IntN(end-first-1)
	return value[:at] + odd + value[at:], odd
}

// refuses reports whether all servers refuse an attack. In HTTP/2 no line goes on in
// the next one, and CONNECT has no path.
func (w *wire) refuses(to toss) bool {
	if w.two != nil {
		return to.odd != "" || to.method == "CONNECT"
	}
	return to.odd != "" && !strings.Contains(to.odd, "\n")
}

// reads is how the servers read the values. Those of HTTP/2 leave the spaces around
// them, which RFC 9113 forbids (section 8.2.1).
func (w *wire) reads(to toss) (values []string) {
	if w.two != nil {
		return to.values
	}
	for _, value := range to.values {
		values = append(values, strings.Trim(fold.ReplaceAllLiteralString(value, " "), " \t"))
	}
	return values
}

var fold = regexp.MustCompile(`[ \t]*\r?\n[ \t]+`)

var methods = []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"}

func pick[T any](dice *rand.Rand, of []T) T { return of[dice.IntN(len(of))] }

// throw sends attacks, checks what comes back, and counts whose session was opened.
func (w *wire) throw(a *app, n int, attack func() (toss, seen)) (opened map[string]int) {
	t := w.t
	t.Helper()
	a.store.calls()
	opened = map[string]int{}
	odd, refused := 0, 0
	for range n {
		to, want := attack()
		r := w.ask(to.method, to.target, to.lines...)
		loads, writes, _ := a.store.calls()
		require.Zero(t, writes, "writes by a read: %q", to)
		require.Equal(t, w.refuses(to), r.refused(), "status %d: %q", r.status, to)
		if to.odd != "" {
			odd++
		}
		if r.refused() {
			refused++
			require.True(t, r.status == 400 || r.reset, "status %d: %q", r.status, to)
			require.Zero(t, loads, "loads for what is refused: %q", to)
			continue
		}
		require.Equal(t, 200, r.status, "%q", to)
		require.Empty(t, r.header["Set-Cookie"], "%q", to)
		require.Empty(t, r.header["Session-Token"], "%q", to)
		require.Equal(t, want, seen{r.who, loads}, "what the handler saw, and the loads: %q", to)
		opened[r.who]++
	}
	t.Logf("%d requests, %d of them with odd bytes, %d refused; opened: %v", n, odd, refused, opened)
	return opened
}
