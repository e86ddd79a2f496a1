package stress

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A Crowd is visitors who keep a site busy and remember what it has told them:
// some count, each in two tabs of a browser; some log in and out again; and
// the sessions of the rest, who share a name, are revoked all the time.
//
// Its methods are for the goroutine of the test.
type Crowd struct {
	*Site

	// Counters are those who count.
	Counters []*Counter

	leaving chan struct{} // closed when the crowd has to go
	gone    sync.Once
	all     sync.WaitGroup

	served, refused atomic.Int64

	// revoking counts the beginnings and the ends of revocations.
	revoking atomic.Int64

	mu      sync.Mutex
	members []string          // tokens of sessions that the next revocation has to end
	over    map[string]string // tokens that must open nothing any more, and why
}

// NewCrowd lets a crowd in, while nothing is wrong with the backend. It stays until
// [Crowd.Leave], or until something is wrong that must not be.
func NewCrowd(s *Site) *Crowd {
	c := &Crowd{Site: s, leaving: make(chan struct{}), over: map[string]string{}}
	s.t.Cleanup(c.stop)
	for range 3 {
		c.Add()
	}
	for i := range 2 {
		name := fmt.Sprint("guest", i)
		c.all.Go(func() { c.each(func() { c.comesAndGoes(name) }) })
		c.all.Go(func() { c.each(c.joins) })
	}
	c.all.Go(func() { c.each(c.revokes) })
	return c
}

// Add lets one more in who counts, while nothing is wrong with the backend.
func (c *Crowd) Add() *Counter {
	n := &Counter{Visitor: c.Visitor(), crowd: c}
	require.True(c.t, n.count().OK())
	c.Counters = append(c.Counters, n)
	for range 2 {
		c.all.Go(func() { c.each(n.counts) })
	}
	return n
}

// each does something again and again until the crowd has to go.
func (c *Crowd) each(do func()) {
	for !c.t.Failed() {
		select {
		case <-c.leaving:
			return
		case <-time.After(time.Millisecond): // people think, and the machine has more to do
			do()
		}
	}
}

// note keeps count of the answers.
func (c *Crowd) note(a Answer) Answer {
	if a.OK() {
		c.served.Add(1)
	} else {
		c.refused.Add(1)
	}
	return a
}

// AwaitServed waits until so many requests more were a success.
func (c *Crowd) AwaitServed(more int64) {
	c.t.Helper()
	awaitMore(c.t, &c.served, more)
}

// AwaitRefused waits until so many requests more were a failure.
func (c *Crowd) AwaitRefused(more int64) {
	c.t.Helper()
	awaitMore(c.t, &c.refused, more)
}

// Refused is how many requests were a failure.
func (c *Crowd) Refused() int64 { return c.refused.Load() }

func (c *Crowd) comesAndGoes(name string) {
	v := c.Visitor()
	if !c.note(v.Post("/count")).OK() {
		assert.Empty(c.t, v.Token())
		return
	}
	before := v.Token()
	// After a login of which nobody knows whether it was done, the browser may
	// hold a secret that has been replaced. This one starts afresh.
	if !c.note(v.Post("/login?as=" + name)).OK() {
		return
	}
	c.end("replaced by a login", before)
	n := 1
	if c.note(v.Post("/count")).OK() {
		n++
	} else if a := c.note(v.Post("/read")); a.OK() {
		n, _ = strconv.Atoi(strings.Fields(a.Body)[0])
		assert.Contains(c.t, []int{1, 2}, n)
	} else {
		return
	}
	if a := c.note(v.Post("/read")); a.OK() {
		assert.Equal(c.t, fmt.Sprint(n, " ", name), a.Body)
	}
	token := v.Token()
	if !c.note(v.Post("/logout")).OK() {
		return
	}
	assert.Empty(c.t, v.Token(), "after a logout")
	c.end("logged out", token)
	c.opensNothing(token, "logged out")
}

const club = "club"

func (c *Crowd) joins() {
	v, before := c.Visitor(), c.revoking.Load()
	if !c.note(v.Post("/login?as=" + club)).OK() {
		assert.Empty(c.t, v.Token())
		return
	}
	c.mu.Lock()
	c.members = append(c.members, v.Token())
	c.mu.Unlock()
	if a := c.note(v.Post("/read")); a.OK() && before%2 == 0 && c.revoking.Load() == before {
		assert.Equal(c.t, "0 "+club, a.Body, "nobody has ended this session")
	}
}

func (c *Crowd) revokes() {
	c.mu.Lock()
	members := c.members
	c.members = nil
	c.mu.Unlock()
	c.revoking.Add(1)
	done := c.note(c.Visitor().Post("/revoke?whose=" + club)).OK()
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
func (c *Crowd) end(why string, tokens ...string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, token := range tokens {
		c.over[token] = why
	}
}

func (c *Crowd) opensNothing(token, why string) {
	if a := c.note(c.With(token).Post("/read")); a.OK() {
		assert.Equal(c.t, "new", a.Body, "a session that was %s is back", why)
	}
}

func (c *Crowd) stop() {
	c.gone.Do(func() { close(c.leaving) })
	c.all.Wait()
}

// Leave sends the crowd away, while nothing is wrong with the backend, and
// checks all that it was told: what was counted is there once, and what was
// ended is over.
func (c *Crowd) Leave() {
	c.t.Helper()
	c.stop()
	for _, n := range c.Counters {
		n.check()
		c.t.Logf("%d of %d increments were a success, and one session now has %s", n.done.Load(), n.tried.Load(), n.Post("/read").Body)
	}
	kinds := map[string]int{}
	for token, why := range c.over {
		c.opensNothing(token, why)
		kinds[why]++
	}
	for _, why := range []string{"replaced by a login", "logged out", "revoked"} {
		assert.NotZero(c.t, kinds[why], "sessions that were %s: the crowd was lazy", why)
	}
	c.t.Logf("%d requests served, %d refused; %v", c.served.Load(), c.refused.Load(), kinds)
}
