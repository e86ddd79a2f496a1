package processes

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gostateful/session/tests/support/stress"
)

// A crowd is visitors of all kinds, who go from process to process and remember
// what they were told.
type crowd struct {
	t         testing.TB
	sites     []string
	transport *http.Transport
	think     time.Duration // between two things that a visitor does
	window    time.Duration // the straggler's
	regulars  []*regular
	done      map[string]*atomic.Int64 // how often each kind did what it does

	mu     sync.Mutex
	over   []string        // tokens that must open nothing any more
	club   []string        // tokens of sessions that the next revocation has to end
	delays []time.Duration // of the answers

	requests int
}

// newCrowd lets those in who stay.
func newCrowd(t testing.TB, sites []string, think, window time.Duration) *crowd {
	c := &crowd{
		t: t, sites: sites, transport: &http.Transport{MaxIdleConnsPerHost: 100},
		think: think, window: window, done: map[string]*atomic.Int64{},
	}
	t.Cleanup(c.transport.CloseIdleConnections)
	for _, k := range kinds {
		c.done[k.name] = new(atomic.Int64)
	}
	for i := range regulars {
		n := &regular{browser: c.browser(), name: fmt.Sprint("regular", i)}
		n.wants("/login?as="+n.name, "0 "+n.name)
		c.regulars = append(c.regulars, n)
	}
	return c
}

// site is one of the processes.
func (c *crowd) site() string { return c.sites[rand.N(len(c.sites))] }

func (c *crowd) took(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.requests++
	c.delays = append(c.delays, d)
}

// ended takes note of tokens that must open nothing any more.
func (c *crowd) ended(tokens ...string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.over = append(c.over, tokens...)
}

// work lets everybody do what they do, until enough says that it is, and waits
// until they have ended.
func (c *crowd) work(enough func() bool) {
	c.t.Helper()
	leaving := make(chan struct{})
	var all sync.WaitGroup
	for _, k := range kinds {
		for i := range k.at {
			all.Go(func() {
				for !c.t.Failed() {
					select {
					case <-leaving:
						return
					case <-time.After(rand.N(2 * c.think)):
						k.do(c, i)
						c.done[k.name].Add(1)
					}
				}
			})
		}
	}
	for !enough() && !c.t.Failed() {
		time.Sleep(10 * time.Millisecond)
	}
	close(leaving)
	all.Wait()
	revokesClub(c, 0) // whoever joined since the last revocation
}

// least is how often the laziest kind did what it does.
func (c *crowd) least() int64 {
	least := int64(1 << 62)
	for _, n := range c.done {
		least = min(least, n.Load())
	}
	return least
}

// percentiles are those of the delays since the last call.
func (c *crowd) percentiles() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	slices.Sort(c.delays)
	n := len(c.delays)
	text := fmt.Sprintf("%d requests, 50%% in %v, 99%% in %v, the last in %v", n, c.delays[n/2], c.delays[n*99/100], c.delays[n-1])
	c.delays = nil
	return text
}

// opensNothing checks that what has ended is over.
func (c *crowd) opensNothing(over []string) {
	c.t.Helper()
	var next atomic.Int64
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(over)) && !c.t.Failed(); i = next.Add(1) - 1 {
				c.with(over[i]).wants("/read", "new")
			}
		})
	}
	all.Wait()
}

// awaitRegulars waits until the sessions of the regulars are the only ones, as each
// process sees it. They have what was counted, once.
func (c *crowd) awaitRegulars() {
	c.t.Helper()
	want := map[string]held{}
	for _, n := range c.regulars {
		require.Equal(c.t, n.tried.Load(), n.done.Load())
		want[n.id()] = held{n.name, int(n.done.Load())}
	}
	for _, site := range c.sites {
		var got map[string]held
		for end := time.Now().Add(stress.Patience); ; time.Sleep(passing / 10) { // visitors expire
			got = nil
			fetch(c.t, site+"/all", &got)
			if maps.Equal(got, want) || c.t.Failed() || time.Now().After(end) {
				break
			}
		}
		require.Equal(c.t, want, got, "the sessions that are live when all but the regulars have left (laws 1 and 2)")
	}
}

// fetch gets what a site tells of itself, on a connection of its own.
func fetch(t testing.TB, url string, v any) {
	t.Helper()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: stress.Patience}
	resp, err := client.Get(url)
	require.NoError(t, err)
	defer resp.Body.Close()
	require.Equal(t, http.StatusOK, resp.StatusCode, "GET %s", url)
	require.NoError(t, json.NewDecoder(resp.Body).Decode(v))
}
