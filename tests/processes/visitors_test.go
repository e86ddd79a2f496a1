package processes

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/gostateful/session/tests/support/stress"
)

// kinds are what visitors do, and how many do it at once. Each knows which of them
// it is.
var kinds = []struct {
	name string
	at   int
	do   func(c *crowd, i int)
}{
	{"count", 8, func(c *crowd, i int) { c.regulars[i%len(c.regulars)].acts() }},
	{"come and go", 3, guest},
	{"join", 2, joins},
	{"revoke", 1, revokesClub},
	{"watch", 3, watches},
	{"devices", 2, hasDevices},
	{"bind", 2, binds},
	{"strangers", 2, stranger},
	{"expire", 2, expires},
}

const (
	regulars = 4                 // who count
	names    = 3 + 1 + 3 + 2 + 2 // by which the others log in; Redis keeps a set for each
)

// A regular is a visitor whose session nobody ends, and who counts in several tabs.
type regular struct {
	*browser
	name        string
	tried, done atomic.Int64

	// Tabs share a renewal by time, but one that was asked for refuses the requests
	// that are under way.
	renewing sync.RWMutex
}

func (n *regular) acts() {
	switch dice := rand.N(20); {
	case dice == 0:
		n.renewing.Lock()
		defer n.renewing.Unlock()
		before := n.token()
		n.wants("/renew", n.holds())
		n.ended(before)
	case dice < 12:
		n.renewing.RLock()
		defer n.renewing.RUnlock()
		n.tried.Add(1)
		if n.shows(n.post("/count")) {
			n.done.Add(1)
		}
	default:
		n.renewing.RLock()
		defer n.renewing.RUnlock()
		least := n.done.Load()
		body := n.post([]string{"/read", "/peek"}[rand.N(2)])
		text, _, _ := strings.Cut(body, " ")
		if got, _ := strconv.ParseInt(text, 10, 64); n.shows(body) {
			assert.GreaterOrEqual(n.t, got, least, "a change that was a success is lost (law 1)")
			assert.LessOrEqual(n.t, got, n.tried.Load(), "more changes than the visitor made (law 1)")
		}
	}
}

// shows tells whether an answer is about the session of the regular.
func (n *regular) shows(body string) bool {
	_, who, _ := strings.Cut(body, " ")
	return assert.Equal(n.t, n.name, who, "whose session it is: %q", body)
}

// holds is what the session has while nobody counts in it.
func (n *regular) holds() string { return fmt.Sprint(n.done.Load(), " ", n.name) }

// guest counts, logs in, counts on, renews and logs out.
func guest(c *crowd, i int) {
	b, name, began := c.browser(), fmt.Sprint("guest", i), time.Now()
	b.wants("/count", "1 ")
	before := b.token()
	b.wants("/login?as="+name, "1 "+name, "0 "+name)
	c.ended(before)
	n, body := 2, b.post("/count")
	// A session before its login does not last for long. Whoever is slow loses it, and
	// logs in to an empty one.
	if body == "1 "+name && time.Since(began) > passing/2 {
		n = 1
	}
	assert.Equal(c.t, fmt.Sprint(n, " ", name), body, "POST /count, after the login, %v after the guest came", time.Since(began))
	before = b.token()
	b.wants("/renew", fmt.Sprint(n, " ", name))
	assert.NotEqual(c.t, before, b.token(), "a renewal replaces the secret")
	b.wants("/read", fmt.Sprint(n, " ", name))
	c.ended(before, b.token())
	late, leaves := c.with(b.token()), time.Now()
	b.wants("/logout", "new")
	assert.Empty(c.t, b.token(), "after a logout")
	if a := late.send("POST", "/count"); time.Since(leaves) < c.window {
		assert.Equal(c.t, http.StatusConflict, a.status, "a change that comes after the logout (law 3): %s", a.body)
	}
}

const club = "club"

// joins logs in as one of many who have a name in common, and whose sessions are
// revoked all the time.
func joins(c *crowd, _ int) {
	b := c.browser()
	b.wants("/login?as="+club, "0 "+club)
	c.mu.Lock()
	c.club = append(c.club, b.token())
	c.mu.Unlock()
	b.wants("/count", "1 "+club, "1 ") // or as a visitor, if it is revoked by then
	b.wants("/read", "1 "+club, "0 "+club, "1 ", "new")
}

func revokesClub(c *crowd, _ int) {
	c.mu.Lock()
	members := c.club
	c.club = nil
	c.mu.Unlock()
	c.browser().post("/revoke?whose=" + club)
	c.ended(members...)
}

// watches follows a session on a stream, until it ends in another tab or is revoked.
func watches(c *crowd, i int) {
	b, name := c.browser(), fmt.Sprint("watcher", i)
	b.wants("/login?as="+name, "0 "+name)
	next, leave := b.stream()
	defer leave()
	assert.Equal(c.t, "0", next(), "the first line of a stream")
	b.wants("/count", "1 "+name)
	assert.Equal(c.t, "1", next(), "a stream, after a change")
	c.ended(b.token())
	if rand.N(2) == 0 {
		b.wants("/logout", "new")
	} else {
		c.browser().wants("/revoke?whose="+name, "1")
	}
	// A renewal by time is a state too. Whoever is slow is told of it, by the same count.
	last := next()
	for last == "1" {
		last = next()
	}
	assert.Equal(c.t, "over", last, "a stream, after its session has ended")
	assert.Empty(c.t, next(), "a stream that is over")
}

// hasDevices logs in with three browsers, and ends the sessions from one of them.
func hasDevices(c *crowd, i int) {
	name := fmt.Sprint("person", i)
	var all []*browser
	for range 3 {
		b := c.browser()
		b.wants("/login?as="+name, "0 "+name)
		c.ended(b.token())
		all = append(all, b)
	}
	me := all[0]
	other := me.devices(3)
	me.ends(other)
	me.devices(2)
	me.ends("others")
	me.devices(1)
	for _, b := range all[1:] {
		b.wants("/read", "new")
	}
	me.ends("all")
	me.wants("/read", "new")
}

// binds has a session that is bound to its device, and refreshes it.
func binds(c *crowd, i int) {
	b, name := c.browser(), fmt.Sprint("bound", i)
	login := b.send("POST", "/login?as="+name)
	assert.Equal(c.t, "0 "+name, login.body)
	first := b.token()
	ok, next := b.register(login)
	for n := 1; ok && n <= 3; n++ {
		b.wants("/count", fmt.Sprint(n, " ", name))
		if n == 2 {
			next = b.ask(next)
		}
		ok, next = b.refresh(next)
	}
	b.wants("/read", "3 "+name)
	c.ended(first, b.token())
	b.wants("/logout", "new")
}

// stranger has no session, or a token that nobody has issued, or leaves a session
// behind.
func stranger(c *crowd, _ int) {
	b := c.browser()
	b.wants("/read", "new")
	assert.Empty(c.t, b.token(), "a visitor who changes nothing gets no cookie (law 6)")
	for _, token := range []string{"junk", unknown()} {
		a := c.with(token).send("POST", "/read")
		assert.Equal(c.t, "new", a.body, "an unknown token")
		assert.Empty(c.t, a.header["Set-Cookie"], "an unknown token")
	}
	b.wants("/count", "1 ")
}

// expires stays away until the session has expired.
func expires(c *crowd, _ int) {
	b := c.browser()
	b.wants("/count", "1 ")
	for end := time.Now().Add(stress.Patience); b.post("/peek") != "new" && !c.t.Failed(); time.Sleep(passing / 10) {
		assert.False(c.t, time.Now().After(end), "a session that nobody uses goes on (law 15)")
	}
	b.wants("/read", "new")
	c.ended(b.token())
}
