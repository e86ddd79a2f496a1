package explore

import (
	"fmt"

	"github.com/gostateful/session/core"
)

func (w *world) newSecret() string {
	w.secrets++
	return fmt.Sprint("secret ", w.secrets)
}

// answered checks the cookie of a response and puts it on its way.
func (v *visit) answered(o *op, got answer, line string) {
	w := v.a.w
	defer func() { v.issuer, v.left = nil, false }()
	if line == "" {
		v.uncarried(got)
		return
	}
	token, err := parseCookie(line)
	if err != nil {
		w.fail("law 14: %q: %v", line, err)
	}
	c := claim{actor: v.a, held: v.held, at: o.start, elapsed: w.elapsed, login: v.loggedIn, clears: token == ""}
	if v.issuer == nil && v.last != nil {
		v.issuer, v.last.timed = v.last, true // it was renewed when the handler wrote
	}
	switch {
	case token == "" && v.ended == 0:
		w.fail("law 3: a request that ended no session takes the cookie away")
	case token == "":
		c.at = v.ended
	case v.issuer == nil:
		w.fail("law 4: a response hands out a token, and nothing was to be renewed")
	default:
		id := v.r.view().id
		if known, again := w.tokens[token]; again && known.secret != v.issuer.secret {
			w.fail("law 4: a secret is handed out twice")
		}
		c.at = max(v.issuer.wrote, v.issuer.start)
		w.tokens[token] = issue{id: id, browser: v.b.n, secret: v.issuer.secret, at: c.at}
	}
	w.claims = append(w.claims, c)
	sum := mix(v.a.seen, uint64(v.a.n))
	w.progress = mix(w.progress, sum)
	v.b.flight = append(v.b.flight, response{v.a.n, token, sum})
}

// uncarried checks a response without a cookie.
func (v *visit) uncarried(got answer) {
	w := v.a.w
	switch {
	case got != ok: // then no cookie is due
	case v.issuer != nil && v.issuer.kind == created:
		w.fail("law 1: a session was stored, and the response has no cookie for it")
	case v.issuer != nil && v.issuer.login != "":
		w.fail("law 4: a login was stored, and the response has no new secret")
	case v.left:
		w.fail("law 14: a logout leaves its cookie")
	}
}

// sessionOf is the session whose token a browser has, or none.
func (w *world) sessionOf(b *browser) (session.ID, bool) {
	i, known := w.tokens[b.token]
	return i.id, known
}
