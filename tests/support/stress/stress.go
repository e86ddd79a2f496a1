// Package stress is what the tests of any store need to put it under load
// and faults. A test starts a [Site] over its store, lets a [Crowd] of visitors
// in, does something to the backend and has the crowd check what it was told:
//
//	site := stress.NewSite(t, store)
//	crowd := stress.NewCrowd(site)
//	crowd.AwaitServed(300)
//	site.During(func() {
//		server.Kill()
//		crowd.AwaitRefused(10)
//		require.NoError(t, server.Start())
//	})
//	crowd.AwaitServed(300)
//	crowd.Leave()
//
// A [History] is stricter: it records what clients of a store, or the tabs of
// browsers, do to few sessions at once, and checks that it is linearizable. A
// [Storm] calls the store in any order whatever.
//
// [DialFragile] breaks connections at random, and a [Proxy] loses the reply to
// a certain command. Nothing here knows a backend.
package stress

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	session "github.com/gostateful/session/core"
)

const (
	// StoreTimeout is that of a Site while something is wrong with its backend:
	// less than the default, and what a store waits for its backend should be
	// less still.
	StoreTimeout = 2 * time.Second

	// Patience is how long a test waits for what has to happen, on a machine that
	// does much else.
	Patience = 2 * time.Minute

	// How late such a machine may let a timeout be.
	margin = 8 * time.Second
)

// Await waits until the condition holds, and fails the test at once when its
// patience is over.
func Await(t testing.TB, condition func() bool) {
	t.Helper()
	require.Eventually(t, condition, Patience, time.Millisecond)
}

// awaitMore waits for more of what is counted, or that the test fails.
func awaitMore(t testing.TB, count *atomic.Int64, more int64) {
	t.Helper()
	target := count.Load() + more
	Await(t, func() bool { return count.Load() >= target || t.Failed() })
	require.False(t, t.Failed(), "what was seen meanwhile")
}

// Within is a context such as the engine gives to a store, for a call that does
// not wait for its end.
func Within(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), Patience)
	t.Cleanup(cancel)
	return ctx
}

// Named returns which of session.ErrNotFound, ErrExists and ErrConflict an
// error is: they promise that a call wrote nothing. Else it returns nil.
func Named(err error) error {
	for _, n := range []error{session.ErrNotFound, session.ErrExists, session.ErrConflict} {
		if errors.Is(err, n) {
			return n
		}
	}
	return nil
}

// RequireFailure wants an error that is none of the named ones.
func RequireFailure(t testing.TB, err error, doing string) {
	t.Helper()
	require.Error(t, err, doing)
	require.NoError(t, Named(err), "%s: a failure of the backend must not look like an answer", doing)
}

// in is a time from now, as a store keeps it.
func in(d time.Duration) time.Time { return time.Now().Add(d).UTC().Truncate(time.Millisecond) }
