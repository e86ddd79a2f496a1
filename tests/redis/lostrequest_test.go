package redis_test

import (
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	session "github.com/gostateful/session/core"
	sessionredis "github.com/gostateful/session/redis"
	"github.com/gostateful/session/tests/support/servers"
	"github.com/gostateful/session/tests/support/stress"
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
				v := si.Visitor()
				// post loses the reply to the request's write, which is this command.
				post := func(target, command string) stress.Answer {
					t.Helper()
					teachScripts(t, connect(t, server), !cold)
					var a stress.Answer
					si.During(func() {
						p.Lose(command, 0, mute)
						a = v.Post(target)
						require.Equal(t, 1, p.Losses(), "replies lost in POST %s", target)
					})
					require.True(t, a.OK(), "POST %s: %d %s", target, a.Status, a.Body)
					return a
				}
				subject := fmt.Sprint("alice", how, cold)

				post("/count", "\r\nset\r\n")
				assert.Equal(t, "1 ", v.Post("/read").Body, "after the first visit")
				for n := 2; n < 5; n++ {
					assert.Equal(t, fmt.Sprint(n, " "), post("/count", "evalsha").Body)
					assert.Equal(t, fmt.Sprint(n, " "), v.Post("/read").Body)
				}

				before := v.Token()
				post("/login?as="+subject, "evalsha")
				assert.NotEqual(t, before, v.Token(), "a login renews the secret")
				assert.Equal(t, "4 "+subject, v.Post("/read").Body)
				assert.NotEqual(t, "4 "+subject, si.With(before).Post("/read").Body, "the secret from before the login")
				list, err := direct.List(t.Context(), subject)
				require.NoError(t, err)
				assert.Len(t, list, 1)

				after, id := v.Token(), v.ID()
				post("/logout", "evalsha")
				assert.Empty(t, v.Token(), "a logout removes the cookie")
				assert.Equal(t, "new", si.With(after).Post("/read").Body, "the secret from before the logout")
				_, err = si.Sessions.Find(t.Context(), id)
				require.ErrorIs(t, err, session.ErrNotFound)
			})
		}
	}
}

// TestLostReplyAndRevoked: nobody can tell whether a change was done whose reply
// was lost, once the session has been revoked.
func TestLostReplyAndRevoked(t *testing.T) {
	server := servers.Redis(t)
	p, client := behind(t, server)
	revoking := &stress.Revoking{Store: sessionredis.New(client, nil), Direct: sessionredis.New(connect(t, server), nil)}
	si := stress.NewSite(t, revoking)
	teachScripts(t, connect(t, server), true)
	for how, mute := range map[string]bool{"cut": false, "silent": true} {
		t.Run(how, func(t *testing.T) {
			v := si.Visitor()
			require.True(t, v.Post("/count").OK())
			var a stress.Answer
			si.During(func() {
				p.Lose("evalsha", 0, mute)
				a = v.Post("/count")
				require.Equal(t, 1, p.Losses(), "replies lost")
			})
			assert.Equal(t, http.StatusServiceUnavailable, a.Status, "%s", a.Body)
			assert.Equal(t, stress.OK("new"), v.Post("/read"))
		})
	}
	assert.EqualValues(t, 2, revoking.Revoked.Load(), "sessions revoked")
}

// TestLostRepliesOfRequests loses replies while requests of several tabs
// overlap. A request that fails says 503, and its change is there once or not
// at all; one that succeeds is there once.
func TestLostRepliesOfRequests(t *testing.T) {
	const tabs, each = 4, 25
	p, client := behind(t, servers.Redis(t))
	si := newSite(t, client)
	v := si.Visitor()
	require.True(t, v.Post("/count").OK())
	var succeeded, failed, lost atomic.Int64
	succeeded.Add(1)
	si.During(func() {
		var wg sync.WaitGroup
		for range tabs {
			wg.Go(func() {
				for range each {
					lost.Add(int64(p.Losses()))
					p.Lose("evalsha", 2, false)
					if a := v.Post("/count"); a.OK() {
						succeeded.Add(1)
					} else {
						assert.Equal(t, http.StatusServiceUnavailable, a.Status)
						failed.Add(1)
					}
				}
			})
		}
		wg.Wait()
	})
	p.Lose("", 0, false)
	var n int64
	_, err := fmt.Sscan(v.Post("/read").Body, &n)
	require.NoError(t, err)
	t.Logf("%d replies lost, %d requests succeeded and %d failed, and the count is %d", lost.Load(), succeeded.Load(), failed.Load(), n)
	assert.NotZero(t, lost.Load())
	assert.GreaterOrEqual(t, n, succeeded.Load())
	assert.LessOrEqual(t, n, succeeded.Load()+failed.Load())
}
