package redis_test

import (
	"context"
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

// endings are the ways in which a session of alice ends, or becomes that of
// somebody else.
var endings = map[string]func(ctx context.Context, s *sessionredis.Store, r session.Record) error{
	"Delete": func(ctx context.Context, s *sessionredis.Store, r session.Record) error { return s.Delete(ctx, r.ID) },
	"DeleteAll": func(ctx context.Context, s *sessionredis.Store, _ session.Record) error {
		_, err := s.DeleteAll(ctx, "alice")
		return err
	},
	"logout": func(ctx context.Context, s *sessionredis.Store, r session.Record) error {
		r.Subject, r.ExpiresAt = "", in(time.Minute)
		return s.Update(ctx, r)
	},
	"logout that keeps the expiry": func(ctx context.Context, s *sessionredis.Store, r session.Record) error {
		r.Subject, r.ExpiresAt = "", time.Time{}
		return s.Update(ctx, r)
	},
	"Update to the past": func(ctx context.Context, s *sessionredis.Store, r session.Record) error {
		r.ExpiresAt = in(-time.Second)
		return s.Update(ctx, r)
	},
	"Update with another subject": func(ctx context.Context, s *sessionredis.Store, r session.Record) error {
		r.Subject = "bob"
		return s.Update(ctx, r)
	},
}

// TestEndedLeave: the set of a subject drops a session when it ends, so that a
// subject who logs in and out all day has a small set.
func TestEndedLeave(t *testing.T) {
	c := connect(t, servers.Redis(t))
	store := sessionredis.New(c, nil)
	ctx := t.Context()
	for name, end := range endings {
		t.Run(name, func(t *testing.T) {
			require.NoError(t, c.FlushDB(ctx).Err())
			for range 20 {
				require.NoError(t, end(ctx, store, create(t, store, record("alice"))))
				require.Zero(t, c.ZCard(ctx, alice).Val(), "entries of sessions that have ended")
			}
			if name == "DeleteAll" {
				return
			}
			stays := create(t, store, record("alice"))
			require.NoError(t, end(ctx, store, create(t, store, record("alice"))))
			list, err := store.List(ctx, "alice")
			require.NoError(t, err)
			assert.Equal(t, []session.Record{stays}, list)
		})
	}
}

// TestLeftForWhomItFails: a session ends even if its set cannot be told.
func TestLeftForWhomItFails(t *testing.T) {
	c := connect(t, servers.Redis(t))
	ctx := t.Context()
	for name, end := range endings {
		t.Run(name, func(t *testing.T) {
			r := create(t, sessionredis.New(c, nil), record("alice"))
			hooked := connectLike(t, c)
			hooked.AddHook(onTrip(func(cmds []redis.Cmder) error {
				if cmds[len(cmds)-1].Name() == "zremrangebyscore" && len(cmds) == 2 {
					return errKilled
				}
				return nil
			}))
			require.NoError(t, end(ctx, sessionredis.New(hooked, nil), r))
			assert.NotZero(t, lease(t, c, r), "the entry, which nobody could remove")
			list, err := sessionredis.New(c, nil).List(ctx, "alice")
			require.NoError(t, err)
			assert.Empty(t, list)
		})
	}
}

// TestEnteredMeanwhile: a session ends, or becomes bob's. Before the set of alice
// drops it, a session with this ID becomes hers again, with a shorter life. The
// entry then stays, wherever the other process is with it.
func TestEnteredMeanwhile(t *testing.T) {
	c := connect(t, servers.Redis(t))
	store := sessionredis.New(c, nil)
	ctx := t.Context()
	for name, end := range endings {
		for at := range int64(4) {
			t.Run(fmt.Sprint(name, " before round trip ", at+1), func(t *testing.T) {
				require.NoError(t, c.FlushDB(ctx).Err())
				longer := record("alice")
				longer.ExpiresAt = in(2 * time.Hour)
				create(t, store, longer)
				r := create(t, store, record("alice"))
				other := newRace(t, c, at+1, func(s *sessionredis.Store) error {
					again, err := s.Load(ctx, r.ID)
					again.ExpiresAt, again.Subject = in(time.Minute), "alice"
					if err != nil {
						again.ID, again.Version = r.ID, 1
						return s.Create(ctx, again)
					}
					return s.Update(ctx, again)
				})
				ending := connectLike(t, c)
				ending.AddHook(onTrip(func(cmds []redis.Cmder) error {
					if cmds[0].Name() == "eval" && cmds[0].Args()[3] == alice {
						other.begin()
					}
					return nil
				}))
				require.NoError(t, end(ctx, sessionredis.New(ending, nil), r))
				other.finish()
				requireNamed(t, c, "session:")
				list, err := store.List(ctx, "alice")
				require.NoError(t, err)
				assert.True(t, slices.ContainsFunc(list, func(got session.Record) bool { return got.ID == r.ID }), "got %v", list)
			})
		}
	}
}

// TestCreatedMeanwhile: a session ends while another process is about to create one
// with its ID, and has already entered that.
func TestCreatedMeanwhile(t *testing.T) {
	c := connect(t, servers.Redis(t))
	store := sessionredis.New(c, nil)
	ctx := t.Context()
	for _, name := range []string{"Delete", "DeleteAll", "Update to the past"} {
		t.Run(name, func(t *testing.T) {
			require.NoError(t, c.FlushDB(ctx).Err())
			r := create(t, store, record("alice"))
			again := r
			again.ExpiresAt = in(time.Minute)
			other := newRace(t, c, 2, func(s *sessionredis.Store) error { return s.Create(ctx, again) })
			other.begin()
			require.NoError(t, endings[name](ctx, store, r))
			other.finish()
			requireNamed(t, c, "session:")
			list, err := store.List(ctx, "alice")
			require.NoError(t, err)
			assert.Equal(t, []session.Record{again}, list)
		})
	}
}

// A race is a call of another process, which stops before one of its round trips.
type race struct {
	t        *testing.T
	call     func() error
	at, over chan struct{} // it is there, or has ended before
	on       chan struct{}
	result   chan error
}

func newRace(t *testing.T, c *redis.Client, trip int64, call func(s *sessionredis.Store) error) *race {
	t.Helper()
	r := &race{t: t, at: make(chan struct{}), over: make(chan struct{}), on: make(chan struct{}), result: make(chan error, 1)}
	stop, _ := beforeTrip(trip, func() { close(r.at); <-r.on })
	hooked := connectLike(t, c)
	hooked.AddHook(stop)
	store := sessionredis.New(hooked, nil)
	r.call = func() error { defer close(r.over); return call(store) }
	return r
}

// begin returns when the call has stopped, or has ended.
func (r *race) begin() {
	go func() { r.result <- r.call() }()
	select {
	case <-r.at:
	case <-r.over:
	}
}

// finish has the call go on, and returns when it has ended.
func (r *race) finish() {
	r.t.Helper()
	close(r.on)
	require.NoError(r.t, <-r.result)
}

// TestAbsentLeave: List and DeleteAll drop the entry of a session that is not
// there, if nobody can be about to create it.
func TestAbsentLeave(t *testing.T) {
	c := connect(t, servers.Redis(t))
	store := sessionredis.New(c, nil)
	ctx := t.Context()
	version4 := created(3 * time.Hour)
	version4[6] = version4[6]&0x0f | 0x40
	for name, test := range map[string]struct {
		id    session.ID
		stays bool
	}{
		"new":                  {session.NewID(), true},
		"an hour old":          {created(time.Hour), true},
		"three hours old":      {created(3 * time.Hour), false},
		"of a clock ahead":     {created(-time.Hour), true},
		"without a time in it": {version4, true},
	} {
		for what, look := range map[string]func() error{
			"List":      func() error { _, err := store.List(ctx, "alice"); return err },
			"DeleteAll": func() error { _, err := store.DeleteAll(ctx, "alice"); return err },
		} {
			t.Run(name+" "+what, func(t *testing.T) {
				require.NoError(t, c.FlushDB(ctx).Err())
				r := record("alice")
				r.ID = test.id
				require.NoError(t, c.ZAdd(ctx, alice, redis.Z{Score: float64(in(time.Hour).UnixMilli()), Member: r.ID.String()}).Err())
				require.NoError(t, look())
				assert.Equal(t, test.stays, !lease(t, c, r).IsZero(), "the entry is there")
			})
		}
	}
}

// TestOldIDCreatedMeanwhile: a session with an old ID is created while List takes
// its entry for a dead one. When Create returns, the set names the session.
func TestOldIDCreatedMeanwhile(t *testing.T) {
	c := connect(t, servers.Redis(t))
	ctx := t.Context()
	for lists := int64(1); lists <= 4; lists++ {
		for creates := int64(1); creates <= 4; creates++ {
			t.Run(fmt.Sprintf("List before %d, Create before %d", lists, creates), func(t *testing.T) {
				require.NoError(t, c.FlushDB(ctx).Err())
				r := record("alice")
				r.ID = created(3 * time.Hour)
				looks := newRace(t, c, lists, func(s *sessionredis.Store) error { _, err := s.List(ctx, "alice"); return err })
				creating := connectLike(t, c)
				at, trips := beforeTrip(creates, looks.begin)
				creating.AddHook(at)
				create(t, sessionredis.New(creating, nil), r)
				if trips.Load() < creates {
					looks.begin()
				}
				looks.finish()
				requireNamed(t, c, "session:")
			})
		}
	}
}
