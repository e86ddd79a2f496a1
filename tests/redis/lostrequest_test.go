package redis_test

import (
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gostateful/session/core"
	"github.com/gostateful/session/redis"
	"github.com/gostateful/session/tests/servers"
)

// TestLostReplyOfRequest takes requests through the engine: what the visitor
// sees is what is stored, and each change is there once.
func TestLostReplyOfRequest(t *testing.T) {
	server := servers.Redis(t)
	p, client := behind(t, server)
	si := newSite(t, client)
	direct := sessionredis.New(connect(t, server), nil)
	for how, mute := range map[string]bool{"cut": false, "silent": true} {
		for name, cold := range map[string]bool{"": false, ", by digest": true} {
			t.Run(how+name, func(t *testing.T) {
				v := si.visitor()
				// post loses the reply to the request's write.
				post := func(target string) answer {
					t.Helper()
					teachScripts(t, connect(t, server), !cold)
					var a answer
					si.during(func() {
						p.lose("evalsha", 0, mute)
						a = v.post(target)
						require.Equal(t, 1, p.losses(), "replies lost in POST %s", target)
					})
					require.True(t, a.ok(), "POST %s: %d %s", target, a.status, a.body)
					return a
				}
				subject := fmt.Sprint("alice", how, cold)

				post("/count")
				assert.Equal(t, "1 ", v.post("/read").body, "after the first visit")
				for n := 2; n < 5; n++ {
					assert.Equal(t, fmt.Sprint(n, " "), post("/count").body)
					assert.Equal(t, fmt.Sprint(n, " "), v.post("/read").body)
				}

				before := v.token()
				post("/login?as=" + subject)
				assert.NotEqual(t, before, v.token(), "a login renews the secret")
				assert.Equal(t, "4 "+subject, v.post("/read").body)
				assert.NotEqual(t, "4 "+subject, si.with(before).post("/read").body, "the secret from before the login")
				list, err := direct.List(t.Context(), subject)
				require.NoError(t, err)
				assert.Len(t, list, 1)

				after, id := v.token(), v.id()
				post("/logout")
				assert.Empty(t, v.token(), "a logout removes the cookie")
				assert.Equal(t, "new", si.with(after).post("/read").body, "the secret from before the logout")
				_, err = direct.Load(t.Context(), id)
				require.ErrorIs(t, err, session.ErrNotFound)
			})
		}
	}
}

// TestLostRepliesOfRequests loses replies while requests of several tabs
// overlap. A request that fails says 503, and its change is there once or not
// at all; one that succeeds is there once.
func TestLostRepliesOfRequests(t *testing.T) {
	const tabs, each = 4, 25
	p, client := behind(t, servers.Redis(t))
	si := newSite(t, client)
	v := si.visitor()
	require.True(t, v.post("/count").ok())
	var succeeded, failed, lost atomic.Int64
	succeeded.Add(1)
	si.during(func() {
		var wg sync.WaitGroup
		for range tabs {
			wg.Go(func() {
				for range each {
					lost.Add(int64(p.losses()))
					p.lose("evalsha", 2, false)
					if a := v.post("/count"); a.ok() {
						succeeded.Add(1)
					} else {
						assert.Equal(t, http.StatusServiceUnavailable, a.status)
						failed.Add(1)
					}
				}
			})
		}
		wg.Wait()
	})
	p.lose("", 0, false)
	var n int64
	_, err := fmt.Sscan(v.post("/read").body, &n)
	require.NoError(t, err)
	t.Logf("%d replies lost, %d requests succeeded and %d failed, and the count is %d", lost.Load(), succeeded.Load(), failed.Load(), n)
	assert.NotZero(t, lost.Load())
	assert.GreaterOrEqual(t, n, succeeded.Load())
	assert.LessOrEqual(t, n, succeeded.Load()+failed.Load())
}
