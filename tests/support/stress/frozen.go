package stress

import (
	"fmt"
	"sync"
	"syscall"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Freeze stops the backend with a SIGSTOP, so that it still takes connections and
// commands and executes them when it goes on, and checks what visitors of the
// site get: a failure in time, and what they did meanwhile once or not at all.
func (s *Site) Freeze(signal func(syscall.Signal) error) {
	s.t.Helper()
	t := s.t
	count, leave, enter := s.Visitor(), s.Visitor(), s.Visitor()
	require.True(t, count.Post("/count").OK())
	require.True(t, leave.Post("/login?as=alice").OK())
	require.True(t, enter.Post("/count").OK())
	first := s.Visitor()
	before := enter.Token()

	s.During(func() {
		var held []<-chan Answer // on connections that are in the pool then
		for _, r := range []struct {
			*Visitor
			target string
		}{{count, "/count?hold"}, {leave, "/logout?hold"}, {enter, "/login?as=bob&hold"}, {first, "/count?hold"}} {
			held = append(held, r.Hold(r.target))
		}
		require.NoError(t, signal(syscall.SIGSTOP))
		s.Release()
		var all sync.WaitGroup
		for i := range 40 { // more than there are connections in the pool
			target := []string{"/count", "/read", "/login?as=carol", "/logout", "/revoke?whose=carol"}[i%5]
			all.Go(func() { assert.False(t, count.Post(target).OK(), "POST %s, while the server is frozen", target) })
		}
		all.Wait()
		for _, answered := range held {
			assert.False(t, (<-answered).OK(), "a change that had begun before")
		}
		require.NoError(t, signal(syscall.SIGCONT))
	})

	n := 1
	_, err := fmt.Sscan(count.Post("/read").Body, &n)
	assert.NoError(t, err, "the first request after it goes on")
	assert.Contains(t, []int{1, 2}, n, "one increment that was a success, and one that may have been done late")
	assert.True(t, count.Post("/count").OK())
	assert.Equal(t, OK(fmt.Sprint(n+1, " ")), count.Post("/read"), "what is executed late does no harm")

	assert.Contains(t, []Answer{OK("0 alice"), OK("new")}, leave.Post("/read"), "logged out, or not")
	assert.Contains(t, []Answer{OK("1 "), OK("new")}, enter.Post("/read"), "logged in with a cookie that nobody got, or not")
	assert.Equal(t, before, enter.Token())
	assert.Empty(t, first.Token())
	assert.Equal(t, OK("new"), first.Post("/read"))
}
