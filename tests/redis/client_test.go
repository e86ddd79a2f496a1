package redis_test

import (
	"bytes"
	"context"
	"runtime"
	"runtime/debug"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	session "github.com/gostateful/session/core"
	sessionredis "github.com/gostateful/session/redis"
	"github.com/gostateful/session/tests/support/servers"
	"github.com/gostateful/session/tests/support/stress"
)

// methods are all of them.
var methods = map[string]func(ctx context.Context, s *sessionredis.Store, r session.Record) error{
	"Load": func(ctx context.Context, s *sessionredis.Store, r session.Record) error {
		_, err := s.Load(ctx, r.ID)
		return err
	},
	"Create": createOf,
	"Update": func(ctx context.Context, s *sessionredis.Store, r session.Record) error { return s.Update(ctx, r) },
	"Touch": func(ctx context.Context, s *sessionredis.Store, r session.Record) error {
		return s.Touch(ctx, r.ID, r.ExpiresAt)
	},
	"Delete":    func(ctx context.Context, s *sessionredis.Store, r session.Record) error { return s.Delete(ctx, r.ID) },
	"List":      listOf,
	"DeleteAll": deleteAllOf,
	"All":       func(ctx context.Context, s *sessionredis.Store, _ session.Record) error { return goThrough(ctx, s) },
}

// TestUnfit: a client that sessions would not be safe with is refused, and
// Redis is not even asked.
func TestUnfit(t *testing.T) {
	const replicas, cache = "reads from replicas", "a cache of its own"
	addrs := []string{"127.0.0.1:1"}
	for name, test := range map[string]struct {
		client redis.UniversalClient
		prefix string
		want   string
	}{
		"Ring":                     {redis.NewRing(&redis.RingOptions{Addrs: map[string]string{"a": addrs[0]}, HeartbeatFrequency: time.Hour}), "", "redis.Ring"},
		"ReadOnly":                 {redis.NewClusterClient(&redis.ClusterOptions{Addrs: addrs, ReadOnly: true}), "", replicas},
		"RouteByLatency":           {redis.NewClusterClient(&redis.ClusterOptions{Addrs: addrs, RouteByLatency: true}), "", replicas},
		"RouteRandomly":            {redis.NewClusterClient(&redis.ClusterOptions{Addrs: addrs, RouteRandomly: true}), "", replicas},
		"Sentinel, RouteRandomly":  {redis.NewFailoverClusterClient(&redis.FailoverOptions{MasterName: "main", SentinelAddrs: addrs, RouteRandomly: true}), "", replicas},
		"a cache":                  {redis.NewClient(&redis.Options{Addr: addrs[0], ClientSideCache: redis.NewLocalCache(redis.ClientSideCacheConfig{})}), "", cache},
		"a configured cache":       {redis.NewClient(&redis.Options{Addr: addrs[0], ClientSideCacheConfig: &redis.ClientSideCacheConfig{}}), "", cache},
		"prefix subject:":          {redis.NewClient(&redis.Options{Addr: addrs[0]}), "subject:", "Options.Prefix"},
		"prefix within another's":  {redis.NewClient(&redis.Options{Addr: addrs[0]}), "session:subject:x", "Options.Prefix"},
		"prefix and a Cluster too": {redis.NewClusterClient(&redis.ClusterOptions{Addrs: addrs}), "a:subject:", "Options.Prefix"},
	} {
		t.Run(name, func(t *testing.T) {
			sent := newTally()
			closed(t, test.client).AddHook(sent)
			store := sessionredis.New(test.client, &sessionredis.Options{Prefix: test.prefix})
			for name, do := range methods {
				err := do(t.Context(), store, record("alice"))
				stress.RequireFailure(t, err, name)
				assert.ErrorContains(t, err, "sessionredis: ")
				assert.ErrorContains(t, err, test.want)
			}
			assert.Empty(t, sent.take())
		})
	}
}

// ofStore is in the stack of a goroutine that the store has started.
const ofStore = "created by github.com/gostateful/session/redis."

// abandoned is how many of those there are, and how many of them wait for Redis.
func abandoned() (all, waiting int) {
	buf := make([]byte, 1<<20)
	for g := range bytes.SplitSeq(buf[:runtime.Stack(buf, true)], []byte("\n\n")) {
		if bytes.Contains(g, []byte(ofStore)) {
			all++
			if bytes.Contains(g, []byte("internal/poll.runtime_pollWait")) {
				waiting++
			}
		}
	}
	return all, waiting
}

// requireAbandoned waits until there are so many of them.
func requireAbandoned(t *testing.T, want int, when string) {
	t.Helper()
	require.Eventually(t, func() bool {
		all, waiting := abandoned()
		return all == want && waiting == want
	}, stress.Patience, 10*time.Millisecond, "%d goroutines, %s", want, when)
}

// frozen is a server that may be stopped. It goes on when the test is over.
func frozen(t *testing.T) (s *servers.Server, thaw func()) {
	t.Helper()
	s = servers.Redis(t)
	thaw = func() { require.NoError(t, s.Signal(syscall.SIGCONT)) }
	t.Cleanup(thaw)
	return s, thaw
}

// TestDeadline: no call outlasts its context, whatever the client does.
func TestDeadline(t *testing.T) {
	for name, punctual := range map[string]bool{"ContextTimeoutEnabled": true, "defaults": false} {
		t.Run(name, func(t *testing.T) {
			s, _ := frozen(t)
			const patience = time.Minute
			client := func(timeout time.Duration) *sessionredis.Store {
				c := closed(t, redis.NewClient(&redis.Options{
					Addr: s.Addr(), ContextTimeoutEnabled: punctual, ReadTimeout: timeout, MaxRetries: 1,
				}))
				c.AddHook(onTrip(func([]redis.Cmder) error {
					assert.Equal(t, !punctual, bytes.Contains(debug.Stack(), []byte(ofStore)), "a call in a goroutine of the store")
					return nil
				}))
				store := sessionredis.New(c, nil)
				stress.Await(t, func() bool { // the hasty one may be too hasty for a busy machine
					return exercise(t.Context(), store, "warm") == nil
				})
				return store
			}
			patient, hasty := client(patience), client(200*time.Millisecond)
			requireAbandoned(t, 0, "before")
			require.NoError(t, s.Signal(syscall.SIGSTOP))

			waiting := 0
			for name, do := range methods {
				ctx, cancel := context.WithCancel(t.Context())
				if punctual { // which it is about deadlines
					ctx, cancel = context.WithTimeout(ctx, 50*time.Millisecond)
				}
				defer cancel()
				start := time.Now()
				failed := make(chan error, 1)
				go func() { failed <- do(ctx, patient, record("alice")) }()
				if !punctual {
					waiting++
					requireAbandoned(t, waiting, "each with a call that the client waits for")
					cancel()
				}
				stress.RequireFailure(t, <-failed, name)
				assert.Less(t, time.Since(start), patience-10*time.Second, "%s, of a client that waits for a minute", name)
				stress.RequireFailure(t, do(ctx, patient, record("alice")), name+" when it is over")
			}
			requireAbandoned(t, waiting, "those of the client that does not keep to the context by itself")
			if punctual {
				return
			}
			for range 3 {
				ctx, cancel := context.WithCancel(t.Context())
				time.AfterFunc(50*time.Millisecond, cancel)
				stress.RequireFailure(t, methods["Load"](ctx, hasty, record("")), "Load that is cancelled")
			}
			requireAbandoned(t, len(methods), "after the timeouts of the client that waits for less")
		})
	}
}

// TestAbandonedCallKeepsNothing: the caller may use its slices and strings
// again when a call has returned, even though the client still works on it.
func TestAbandonedCallKeepsNothing(t *testing.T) {
	s, thaw := frozen(t)
	direct := sessionredis.New(connect(t, s), nil)
	r := create(t, direct, record("carol"))
	type call struct {
		name    string
		store   *sessionredis.Store
		r       session.Record
		subject []byte // that of r
	}
	var calls []call
	prepare := func(name string, subject []byte, size int) {
		c := closed(t, redis.NewClient(&redis.Options{
			Addr: s.Addr(), ReadTimeout: time.Minute, WriteTimeout: time.Minute,
			// Which ends with a second connection, on servers that know nothing of them.
			MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
		}))
		store := sessionredis.New(c, nil)
		require.NoError(t, exercise(t.Context(), store, "warm")) // a connection is ready
		used := session.Record{ID: r.ID, Version: r.Version, ExpiresAt: r.ExpiresAt, Data: bytes.Repeat([]byte("x"), size)}
		if len(subject) > 0 {
			used.Subject = unsafe.String(&subject[0], len(subject))
		}
		calls = append(calls, call{name, store, used, subject})
	}
	for name := range methods {
		prepare(name, []byte("alice"), 100)
	}
	const large = 1 << 25 // more than fits into a connection
	prepare("Create", nil, large)
	prepare("Update", nil, large)
	requireAbandoned(t, 0, "before")
	require.NoError(t, s.Signal(syscall.SIGSTOP))
	for n, call := range calls {
		ctx, cancel := context.WithCancel(t.Context())
		failed := make(chan error, 1)
		go func() { failed <- methods[call.name](ctx, call.store, call.r) }()
		requireAbandoned(t, n+1, "this one as soon as its context ends")
		cancel()
		stress.RequireFailure(t, <-failed, call.name)
		for i := 0; i < len(call.r.Data); i += 100 {
			call.r.Data[i] = '!' // for the race detector, too, which does not see clear
		}
		copy(call.subject, "mallo")
	}
	requireAbandoned(t, len(calls), "in the midst of their calls")
	thaw()
	requireAbandoned(t, 0, "after the server went on")
	if got, err := direct.Load(t.Context(), r.ID); err == nil { // it may have been deleted
		assert.NotContains(t, string(got.Data), "!")
		assert.NotEqual(t, "mallo", got.Subject)
	}
}
