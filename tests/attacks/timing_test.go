package attacks

import (
	"math"
	"math/rand/v2"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	session "github.com/gostateful/session/core"
	"github.com/gostateful/session/memory"
)

// BenchmarkWrongSecret compares how long a refusal takes if the first byte of a secret is
// wrong, and if the last one is, in turns. t is Welch's: beyond 4.5 in each of several
// runs, the time tells where the guess is wrong. For numbers that mean something:
//
//	go test -run '^$' -bench WrongSecret -benchtime 300000x ./tests/attacks
func BenchmarkWrongSecret(b *testing.B) {
	opts := session.Options{Device: session.Device{Path: "/device"}}
	m, err := session.New[int](memory.New(nil), &opts)
	require.NoError(b, err)
	cookie := &http.Cookie{Name: cookieName}
	var offered string
	do := func(value string, act func(*session.Exchange, *session.Session[int])) session.Header {
		x := new(session.Exchange)
		x.Begin(b.Context(), m, []string{cookie.Name + "=" + value})
		s, err := m.Get(x)
		require.NoError(b, err)
		act(x, s)
		h, err := x.Commit(session.Response{})
		require.NoError(b, err)
		require.NoError(b, x.Finish())
		if len(h.SetCookie) > 0 {
			cookie, err = http.ParseSetCookie(h.SetCookie[0])
			require.NoError(b, err)
		}
		if h.Registration != "" {
			offered = regexp.MustCompile(`challenge="([^"]+)"`).FindStringSubmatch(h.Registration)[1]
		}
		return h
	}
	var id session.ID
	do("", func(_ *session.Exchange, s *session.Session[int]) {
		require.NoError(b, s.Login("ann", nil))
		id = s.ID()
	})
	old := cookie.Value
	ask := func(value string) {
		x := new(session.Exchange)
		x.Begin(b.Context(), m, []string{cookie.Name + "=" + value})
		_, _ = m.Get(x)
	}
	// The ID and the secret meet within a character, and the last one is whole.
	b.Run("present", func(b *testing.B) { welch(b, ask, wrong(cookie.Value, 22), wrong(cookie.Value, 63)) })
	do(cookie.Value, func(x *session.Exchange, _ *session.Session[int]) {
		_, err := session.RegisterDevice(x, m, offered, []byte("\x01a key"))
		require.NoError(b, err)
	})
	b.Run("previous", func(b *testing.B) { welch(b, ask, wrong(old, 22), wrong(old, 63)) })
	b.Run("code of a bound session", func(b *testing.B) { welch(b, ask, wrong(cookie.Value, 43), wrong(cookie.Value, 63)) })

	var answer session.DeviceAnswer
	refresh := func(challenge string) {
		x := new(session.Exchange)
		x.Begin(b.Context(), m, nil)
		answer, _ = session.RefreshDevice(x, m, id, challenge, func([]byte) bool { return true })
	}
	refresh("")
	challenge := answer.Challenge
	b.Run("challenge", func(b *testing.B) { welch(b, refresh, wrong(challenge, 11), wrong(challenge, 31)) })
}

// wrong is a text with another character at a place.
func wrong(text string, at int) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	next := alphabet[strings.IndexByte(alphabet, text[at])^1]
	return text[:at] + string(next) + text[at+1:]
}

// welch reports the t of two kinds of calls. Those that took very long were
// interrupted, and do not count.
func welch(b *testing.B, call func(string), one, two string) {
	var took [2][]float64
	dice := rand.New(rand.NewPCG(1, 2))
	texts := [2]string{one, two}
	for b.Loop() {
		first := dice.IntN(2)
		for _, i := range []int{first, 1 - first} {
			start := time.Now()
			call(texts[i])
			if d := time.Since(start); d < 50*time.Microsecond {
				took[i] = append(took[i], float64(d))
			}
		}
	}
	mean, variance := [2]float64{}, [2]float64{}
	for i := range took {
		n := float64(len(took[i]))
		for _, d := range took[i] {
			mean[i] += d / n
		}
		for _, d := range took[i] {
			variance[i] += (d - mean[i]) * (d - mean[i]) / (n - 1) / n
		}
	}
	b.ReportMetric((mean[0]-mean[1])/math.Sqrt(variance[0]+variance[1]), "t")
	b.ReportMetric(mean[0]-mean[1], "ns-apart")
}
