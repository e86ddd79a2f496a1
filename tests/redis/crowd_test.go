package redis_test

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A crowd is visitors who keep a site busy and remember what it has told them:
// some count, each in two tabs of a browser; some log in and out again; and
// the sessions of the rest, who share a name, are revoked all the time.
type crowd struct {
	*site
	leaving chan struct{} // closed when the crowd has to go
	gone    sync.Once
	all     sync.WaitGroup

	served, refused atomic.Int64

	counters []*counter

	// revoking counts the beginnings and the ends of revocations.
	revoking atomic.Int64

	mu      sync.Mutex
	members []string          // tokens of sessions that the next revocation has to end
	over    map[string]string // tokens that must open nothing any more, and why
}

// A counter is a browser whose session nobody ends.
type counter struct {
	*visitor
	tried, done, refused atomic.Int64 // increments
}

// newCrowd lets a crowd in.
func newCrowd(t testing.TB, si *site) *crowd {
	t.Helper()
	c := &crowd{site: si, leaving: make(chan struct{}), over: map[string]string{}}
	t.Cleanup(c.stop)
	for range 3 {
		c.add(t)
	}
	for i := range 2 {
		name := fmt.Sprint("guest", i)
		c.all.Go(func() { c.each(func() { c.comesAndGoes(name) }) })
		c.all.Go(func() { c.each(c.joins) })
	}
	c.all.Go(func() { c.each(c.revokes) })
	return c
}

// add lets one more in who counts.
func (c *crowd) add(t testing.TB) *counter {
	t.Helper()
	n := &counter{visitor: c.visitor()}
	require.True(t, n.count(c).ok())
	c.counters = append(c.counters, n)
	for range 2 {
		c.all.Go(func() { c.each(func() { c.counts(n) }) })
	}
	return n
}

// each does something again and again until the crowd has to go.
func (c *crowd) each(do func()) {
	for !c.Failed() {
		select {
		case <-c.leaving:
			return
		case <-time.After(time.Millisecond): // people think, and the machine has more to do
			do()
		}
	}
}

// note keeps count of the answers.
func (c *crowd) note(a answer) answer {
	if a.ok() {
		c.served.Add(1)
	} else {
		c.refused.Add(1)
	}
	return a
}

// wait waits until so many requests more have been served or refused.
func (c *crowd) wait(t testing.TB, kind *atomic.Int64, more int64) {
	t.Helper()
	target := kind.Load() + more
	require.Eventually(t, func() bool { return kind.Load() >= target || c.Failed() }, patience, time.Millisecond, "the crowd is stuck")
	require.False(t, c.Failed(), "what the crowd saw")
}

func (n *counter) count(c *crowd) answer {
	n.tried.Add(1)
	a := c.note(n.post("/count"))
	if a.ok() {
		n.done.Add(1)
	} else {
		n.refused.Add(1)
	}
	return a
}

// check reads what has been counted: never less than what the visitor was told
// of before, nor more than what the visitor tried.
func (n *counter) check(c *crowd) {
	least := n.done.Load()
	a := c.note(n.post("/read"))
	if !a.ok() {
		return
	}
	got, err := strconv.ParseInt(strings.TrimSpace(a.body), 10, 64)
	assert.NoError(n, err, "%q, for a visitor whose session counts %d", a.body, least)
	assert.GreaterOrEqual(n, got, least, "a change that was a success is lost")
	assert.LessOrEqual(n, got, n.tried.Load(), "more changes than the visitor made")
}

func (c *crowd) counts(n *counter) {
	if rand.N(3) > 0 {
		n.count(c)
	} else {
		n.check(c)
	}
}

func (c *crowd) comesAndGoes(name string) {
	v := c.visitor()
	if !c.note(v.post("/count")).ok() {
		assert.Empty(v, v.token())
		return
	}
	before := v.token()
	// After a login of which nobody knows whether it was done, the browser may
	// hold a secret that has been replaced. This one starts afresh.
	if !c.note(v.post("/login?as=" + name)).ok() {
		return
	}
	c.end("replaced by a login", before)
	n := 1
	if c.note(v.post("/count")).ok() {
		n++
	} else if a := c.note(v.post("/read")); a.ok() {
		n, _ = strconv.Atoi(strings.Fields(a.body)[0])
		assert.Contains(v, []int{1, 2}, n)
	} else {
		return
	}
	if a := c.note(v.post("/read")); a.ok() {
		assert.Equal(v, fmt.Sprint(n, " ", name), a.body)
	}
	token := v.token()
	if !c.note(v.post("/logout")).ok() {
		return
	}
	assert.Empty(v, v.token(), "after a logout")
	c.end("logged out", token)
	c.opensNothing(token, "logged out")
}

const club = "club"

func (c *crowd) joins() {
	v, before := c.visitor(), c.revoking.Load()
	if !c.note(v.post("/login?as=" + club)).ok() {
		assert.Empty(v, v.token())
		return
	}
	c.mu.Lock()
	c.members = append(c.members, v.token())
	c.mu.Unlock()
	if a := c.note(v.post("/read")); a.ok() && before%2 == 0 && c.revoking.Load() == before {
		assert.Equal(v, "0 "+club, a.body, "nobody has ended this session")
	}
}

func (c *crowd) revokes() {
	c.mu.Lock()
	members := c.members
	c.members = nil
	c.mu.Unlock()
	c.revoking.Add(1)
	done := c.note(c.visitor().post("/revoke?whose=" + club)).ok()
	c.revoking.Add(1)
	if done {
		c.end("revoked", members...)
	} else {
		c.mu.Lock() // some may be gone; the next one has to end the others
		c.members = append(c.members, members...)
		c.mu.Unlock()
	}
}

// end takes note that tokens must never open anything again.
func (c *crowd) end(why string, tokens ...string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, token := range tokens {
		c.over[token] = why
	}
}

func (c *crowd) opensNothing(token, why string) {
	if a := c.note(c.with(token).post("/read")); a.ok() {
		assert.Equal(c, "new", a.body, "a session that was %s is back", why)
	}
}

func (c *crowd) stop() {
	c.gone.Do(func() { close(c.leaving) })
	c.all.Wait()
}

// leave sends the crowd away and checks all that it was told.
func (c *crowd) leave(t testing.TB) {
	t.Helper()
	c.stop()
	for _, n := range c.counters {
		n.check(c)
		t.Logf("%d of %d increments were a success, and one session now has %s", n.done.Load(), n.tried.Load(), n.post("/read").body)
	}
	kinds := map[string]int{}
	for token, why := range c.over {
		c.opensNothing(token, why)
		kinds[why]++
	}
	for _, why := range []string{"replaced by a login", "logged out", "revoked"} {
		assert.NotZero(t, kinds[why], "sessions that were %s: the crowd was lazy", why)
	}
	t.Logf("%d requests served, %d refused; %v", c.served.Load(), c.refused.Load(), kinds)
}
