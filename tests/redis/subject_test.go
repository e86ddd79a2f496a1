package redis_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	session "github.com/gostateful/session/core"
	sessionredis "github.com/gostateful/session/redis"
	"github.com/gostateful/session/tests/support/servers"
)

const (
	alice = "session:subject:alice"
	bob   = "session:subject:bob"
)

func key(r session.Record) string { return "session:" + r.ID.String() }

// aged rewrites a session of alice as if its lease had been given long ago: it
// ends when it says, and its life goes on until then.
func aged(t *testing.T, c *redis.Client, r session.Record, lease time.Time) {
	t.Helper()
	value := fmt.Sprintf("%013d %013d %020d %s\x00%s", r.ExpiresAt.UnixMilli(), lease.UnixMilli(), r.Version, r.Subject, r.Data)
	require.NoError(t, c.Set(t.Context(), key(r), value, time.Until(r.ExpiresAt)).Err())
	require.NoError(t, c.ZAdd(t.Context(), alice, redis.Z{Score: float64(lease.UnixMilli()), Member: r.ID.String()}).Err())
}

// lease is until when the set of alice names a session, or the zero time.
func lease(t *testing.T, c *redis.Client, r session.Record) time.Time {
	t.Helper()
	score, err := c.ZScore(t.Context(), alice, r.ID.String()).Result()
	if errors.Is(err, redis.Nil) {
		return time.Time{}
	}
	require.NoError(t, err)
	return time.UnixMilli(int64(score))
}

var errKilled = errors.New("the process is dead")

// killAfter ends a process: nothing that it sends after so many round trips
// arrives.
func killAfter(trips int) onTrip {
	return func([]redis.Cmder) error {
		if trips--; trips < 0 {
			return errKilled
		}
		return nil
	}
}

// TestCrashBetween: a process dies when it has written the set of a subject,
// and not yet the session.
func TestCrashBetween(t *testing.T) {
	c := connect(t, servers.Redis(t))
	store := sessionredis.New(c, nil)
	for _, test := range []struct {
		name   string
		before string // whose session it is; "none": there is none
		trips  int    // that the process lives to make, of which the last writes the set
		do     func(ctx context.Context, s *sessionredis.Store, r session.Record) error
	}{
		{"Create", "none", 1, func(ctx context.Context, s *sessionredis.Store, r session.Record) error {
			return s.Create(ctx, r)
		}},
		{"Update with a first subject", "", 1, func(ctx context.Context, s *sessionredis.Store, r session.Record) error {
			r.Subject = "alice"
			return s.Update(ctx, r)
		}},
		{"Update with another subject", "bob", 1, func(ctx context.Context, s *sessionredis.Store, r session.Record) error {
			r.Subject = "alice"
			return s.Update(ctx, r)
		}},
		{"Update beyond the lease", "alice", 1, func(ctx context.Context, s *sessionredis.Store, r session.Record) error {
			r.ExpiresAt = in(10 * time.Hour)
			return s.Update(ctx, r)
		}},
		{"Touch beyond the lease", "alice", 2, func(ctx context.Context, s *sessionredis.Store, r session.Record) error {
			return s.Touch(ctx, r.ID, in(10*time.Hour))
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			ctx := t.Context()
			require.NoError(t, c.FlushDB(ctx).Err())
			require.NoError(t, exercise(ctx, store, "warm"))
			other, r := create(t, store, record("alice")), record(test.before)
			if test.before == "none" {
				r.Subject = "alice"
			} else {
				create(t, store, r)
			}
			was := lease(t, c, r)

			dying := connectLike(t, c)
			dying.AddHook(killAfter(test.trips))
			require.ErrorIs(t, test.do(ctx, sessionredis.New(dying, nil), r), errKilled)
			entered := lease(t, c, r)
			require.True(t, entered.After(was), "it died before it wrote the set; so there is nothing to see")

			// The session is as it was, and nobody sees anything.
			owned := []session.Record{other}
			switch test.before {
			case "none":
				_, err := store.Load(ctx, r.ID)
				require.ErrorIs(t, err, session.ErrNotFound)
			default:
				got, err := store.Load(ctx, r.ID)
				require.NoError(t, err)
				assert.Equal(t, r, got)
				if r.Subject == "alice" {
					owned = append(owned, r)
				}
			}
			list, err := store.List(ctx, "alice")
			require.NoError(t, err)
			assert.ElementsMatch(t, owned, list)
			requireTTL(t, c, "session:")
			requireNamed(t, c, "session:")

			n, err := store.DeleteAll(ctx, "alice")
			require.NoError(t, err)
			assert.Equal(t, len(owned), n)
			if r.Subject != "alice" {
				got, err := store.Load(ctx, r.ID)
				require.NoError(t, err, "the session of somebody else, after DeleteAll")
				assert.Equal(t, r, got)
			}

			// What is left goes when its time is over and alice comes back.
			require.NoError(t, c.ZAddXX(ctx, alice, redis.Z{Score: float64(in(-2 * time.Hour).UnixMilli()), Member: r.ID.String()}).Err())
			create(t, store, record("alice"))
			assert.Zero(t, lease(t, c, r), "an entry whose lease is over")
		})
	}
}

// connectLike returns a client of the same server, with hooks of its own.
func connectLike(t testing.TB, c *redis.Client) *redis.Client {
	t.Helper()
	return closed(t, redis.NewClient(&redis.Options{Addr: c.Options().Addr, ContextTimeoutEnabled: true}))
}

// TestLease: what outlives its lease renews it, and what does not, leaves it.
func TestLease(t *testing.T) {
	c := connect(t, servers.Redis(t))
	store := sessionredis.New(c, nil)
	ctx := t.Context()
	for name, use := range map[string]func(r session.Record, until time.Time) error{
		"Touch":  func(r session.Record, until time.Time) error { return store.Touch(ctx, r.ID, until) },
		"Update": func(r session.Record, until time.Time) error { r.ExpiresAt = until; return store.Update(ctx, r) },
	} {
		t.Run(name, func(t *testing.T) {
			r := create(t, store, record("alice"))
			assert.WithinDuration(t, in(2*time.Hour), lease(t, c, r), time.Minute, "a lease is twice as long as the life")

			until := r.ExpiresAt.Add(time.Hour / 2)
			aged(t, c, r, until)
			_, err := store.Load(ctx, r.ID)
			require.NoError(t, err)
			require.NoError(t, use(r, until))
			assert.Equal(t, until.UnixMilli(), lease(t, c, r).UnixMilli(), "after a use within the lease")

			got, err := store.Load(ctx, r.ID)
			require.NoError(t, err)
			until = until.Add(time.Hour)
			require.NoError(t, use(got, until))
			assert.WithinDuration(t, until.Add(time.Until(until)), lease(t, c, r), time.Minute, "after a use beyond the lease")
			got, err = store.Load(ctx, r.ID)
			require.NoError(t, err)
			assert.Equal(t, until, got.ExpiresAt)
			requireNamed(t, c, "session:")
			requireTTL(t, c, "session:")
		})
	}
}

// TestLeaseOfAnother: a lease is one with the set of one subject, and no write
// shortens it.
func TestLeaseOfAnother(t *testing.T) {
	c := connect(t, servers.Redis(t))
	store := sessionredis.New(c, nil)
	ctx := t.Context()
	long := record("alice")
	long.ExpiresAt = in(10 * time.Hour)
	create(t, store, long)

	// Another process is late, and enters the session before it finds that out.
	late := long
	late.Version, late.ExpiresAt = 7, in(time.Hour)
	require.ErrorIs(t, sessionredis.New(c, nil).Update(ctx, late), session.ErrConflict)
	requireNamed(t, c, "session:")

	moved := long
	moved.Subject, moved.ExpiresAt = "bob", in(time.Hour)
	require.NoError(t, store.Update(ctx, moved))
	require.NoError(t, store.Touch(ctx, long.ID, in(10*time.Hour)))
	requireNamed(t, c, "session:")
	requireTTL(t, c, "session:")
}

// TestPruning: an entry whose lease is over goes when the subject's next
// session comes; any other stays, and so does one whose lease is over by the
// clock of a process that is a little fast.
func TestPruning(t *testing.T) {
	c := connect(t, servers.Redis(t))
	store := sessionredis.New(c, nil)
	left := map[time.Duration]session.Record{}
	for _, d := range []time.Duration{-100 * time.Hour, -61 * time.Minute, -59 * time.Minute, -time.Second, time.Minute, time.Hour} {
		left[d] = record("alice")
		left[d] = session.Record{ID: left[d].ID, Version: 1, Subject: "alice", ExpiresAt: in(time.Hour), Data: []byte("the data")}
		aged(t, c, left[d], in(d))
	}
	live := create(t, store, record("alice"))
	next := create(t, store, record("alice"))
	for d, r := range left {
		if d < -time.Hour {
			assert.Zero(t, lease(t, c, r), "an entry whose lease ended %v ago", -d)
		} else {
			assert.NotZero(t, lease(t, c, r), "an entry whose lease ends in %v", d)
		}
	}
	for _, r := range []session.Record{live, next} {
		assert.True(t, lease(t, c, r).After(r.ExpiresAt))
	}
}

func TestManySessions(t *testing.T) { testManySessions(t, connect(t, servers.Redis(t))) }

// testManySessions has more of them than one pipeline holds.
func testManySessions(t *testing.T, c redis.UniversalClient) {
	store := sessionredis.New(c, nil)
	var want []session.Record
	for range 600 {
		want = append(want, create(t, store, record("alice")))
	}
	slices.SortFunc(want, func(a, b session.Record) int { return slices.Compare(b.ID[:], a.ID[:]) })
	list, err := store.List(t.Context(), "alice")
	require.NoError(t, err)
	require.Equal(t, want, list)

	kept := want[300]
	n, err := store.DeleteAll(t.Context(), "alice", kept.ID)
	require.NoError(t, err)
	assert.Equal(t, 599, n)
	list, err = store.List(t.Context(), "alice")
	require.NoError(t, err)
	assert.Equal(t, []session.Record{kept}, list)
}

// TestInCluster is what may differ where the keys are on several servers.
func TestInCluster(t *testing.T) {
	c := connectCluster(t, servers.RedisCluster(t))
	t.Run("many sessions", func(t *testing.T) { testManySessions(t, c) })
	t.Run("strange names", func(t *testing.T) { testStrangeNames(t, c) })
	t.Run("hash tag", func(t *testing.T) { testHashTag(t, c) })
}
