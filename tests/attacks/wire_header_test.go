package attacks

import (
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var bearerExactly = regexp.MustCompile(`^(?i:bearer) +([A-Za-z0-9_-]{64})$`)

// ofHeader is what the laws say of the values of Authorization lines: a single one, of
// the scheme and a token, opens a session.
func (issued victims) ofHeader(lines []string) (s seen) {
	if len(lines) != 1 {
		return s
	}
	match := bearerExactly.FindStringSubmatch(lines[0])
	if match == nil || strings.HasPrefix(match[1], strings.Repeat("A", 21)) {
		return s
	}
	return seen{issued[match[1]], 1}
}

// authorized is an attack on a token in a header.
func authorized(dice *rand.Rand, tokens []string) toss {
	to := toss{method: pick(dice, methods), target: pick(dice, []string{"/bearer/who", "/bearer/who?asked"})}
	for range 1 + dice.IntN(5)/3 {
		token := pick(dice, tokens)
		switch dice.IntN(5) {
		case 0:
			token = pick(dice, spoiled(token))
		case 1:
			token = unknown(dice)
		}
		scheme := pick(dice, []string{"Bearer", "Bearer", "Bearer", "bearer", "BEARER", "bEaReR", "Bearer:", "Bearer,", "Bearer=", "Basic", "Token", "Bearer Bearer", "B\u0435arer", "Bearer\u00a0", "", `"Bearer"`})
		between := pick(dice, []string{" ", " ", " ", " ", "  ", "      ", "\t", " \t", "", ", ", " ,", "\u00a0"})
		after := pick(dice, []string{"", "", "", "", " ", "\t ", ",", ", Bearer " + pick(dice, tokens), " " + pick(dice, tokens), ";", " realm=x", "="})
		value := scheme + between + token + after
		if dice.IntN(3) == 0 {
			value = "Bearer " + token
		}
		if to.odd == "" && dice.IntN(10) == 0 {
			value, to.odd = oddly(dice, value)
		}
		name := pick(dice, []string{"Authorization", "Authorization", "Authorization", "authorization", "AUTHORIZATION", "aUTHORIZATION"})
		if dice.IntN(10) == 0 {
			name = pick(dice, []string{"Proxy-Authorization", "X-Authorization", "Authorization2", "Authorisation", "Cookie", "Session-Token"})
		} else {
			to.values = append(to.values, value)
		}
		to.lines = append(to.lines, name+": "+value)
	}
	return to
}

// TestHeaderTossing: with a token in a header, a session is opened by one line of the
// exact form alone, on every adapter and by every method.
func TestHeaderTossing(t *testing.T) {
	onBoth(t, func(t *testing.T, a *app) {
		w, dice := a.dial(), roll(t)
		login := func(name string) string {
			token := w.ask("POST", "/bearer/login?as="+name).header.Get("Session-Token")
			require.Len(t, token, 64)
			return token
		}
		ann, eve := login("ann"), login("eve")
		issued := victims{ann: "user ann", eve: "user eve"}
		opened := w.throw(a, tries(1000, 100_000), func() (to toss, want seen) {
			to = authorized(dice, []string{ann, ann, eve})
			return to, issued.ofHeader(w.reads(to))
		})
		assert.NotZero(t, opened["user ann"])
		assert.NotZero(t, opened["user eve"])

		// The one carrier never opens what was issued for the other.
		cookies := w.login("ann")
		for _, asked := range []reply{
			w.ask("GET", "/who", cookie(ann)), w.ask("GET", "/who", "Authorization: Bearer "+cookies),
			w.ask("GET", "/bearer/who", cookie(cookies)), w.ask("GET", "/bearer/who", "Authorization: Bearer "+cookies),
			w.ask("GET", "/bearer/who", cookie(ann), "Authorization: Bearer "+cookies),
		} {
			assert.Empty(t, asked.who)
		}
	})
}
