package redis_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	session "github.com/gostateful/session/core"
	sessionredis "github.com/gostateful/session/redis"
	"github.com/gostateful/session/tests/support/servers"
)

func deleteAll(ctx context.Context, s *sessionredis.Store) error {
	_, err := s.DeleteAll(ctx, "alice")
	return err
}

// TestEndedLeave: DeleteAll drops the entries of the sessions that it ends, and no
// other.
func TestEndedLeave(t *testing.T) {
	c := connect(t, servers.Redis(t))
	store := sessionredis.New(c, nil)
	ctx := t.Context()
	stays := create(t, store, record("alice"))
	for range 20 {
		create(t, store, record("alice"))
	}
	n, err := store.DeleteAll(ctx, "alice", stays.ID)
	require.NoError(t, err)
	assert.Equal(t, 20, n)
	assert.Equal(t, []string{stays.ID.String()}, c.ZRange(ctx, alice, 0, -1).Val(), "the set of the subject")
}

// TestLeftForWhomItFails: the sessions end even if their set cannot be told.
func TestLeftForWhomItFails(t *testing.T) {
	c := connect(t, servers.Redis(t))
	ctx := t.Context()
	r := create(t, sessionredis.New(c, nil), record("alice"))
	hooked := connectLike(t, c)
	hooked.AddHook(onTrip(func(cmds []redis.Cmder) error {
		if cmds[len(cmds)-1].Name() == "zremrangebyscore" && len(cmds) == 2 {
			return errKilled
		}
		return nil
	}))
	require.NoError(t, deleteAll(ctx, sessionredis.New(hooked, nil)))
	assert.NotZero(t, lease(t, c, r), "the entry, which nobody could remove")
	list, err := sessionredis.New(c, nil).List(ctx, "alice")
	require.NoError(t, err)
	assert.Empty(t, list)
}

// TestCreatedMeanwhile: a session ends. Before the set of alice drops it, another
// process creates one with this ID. The entry then stays, wherever that process is
// with it.
func TestCreatedMeanwhile(t *testing.T) {
	c := connect(t, servers.Redis(t))
	store := sessionredis.New(c, nil)
	ctx := t.Context()
	for at := range int64(4) {
		t.Run(fmt.Sprint("before round trip ", at+1), func(t *testing.T) {
			require.NoError(t, c.FlushDB(ctx).Err())
			longer := record("alice")
			longer.ExpiresAt = in(2 * time.Hour)
			create(t, store, longer)
			r := create(t, store, record("alice"))
			again := r
			again.ExpiresAt = in(time.Minute)
			other := newRace(t, c, at+1, func(s *sessionredis.Store) error { return s.Create(ctx, again) })
			ending := connectLike(t, c)
			ending.AddHook(onTrip(func(cmds []redis.Cmder) error {
				if cmds[0].Name() == "eval" && cmds[0].Args()[3] == alice {
					other.begin()
				}
				return nil
			}))
			require.NoError(t, deleteAll(ctx, sessionredis.New(ending, nil)))
			other.finish()
			requireNamed(t, c, "session:")
			list, err := store.List(ctx, "alice")
			require.NoError(t, err)
			assert.Equal(t, []session.Record{again}, list)
		})
	}
}

// TestEnteredMeanwhile: a session ends while another process is about to create one
// with its ID, and has already entered that.
func TestEnteredMeanwhile(t *testing.T) {
	c := connect(t, servers.Redis(t))
	store := sessionredis.New(c, nil)
	ctx := t.Context()
	r := create(t, store, record("alice"))
	again := r
	again.ExpiresAt = in(time.Minute)
	other := newRace(t, c, 2, func(s *sessionredis.Store) error { return s.Create(ctx, again) })
	other.begin()
	require.NoError(t, deleteAll(ctx, store))
	other.finish()
	requireNamed(t, c, "session:")
	list, err := store.List(ctx, "alice")
	require.NoError(t, err)
	assert.Equal(t, []session.Record{again}, list)
}

// A race is a call of another process, which stops before one of its round trips.
type race struct {
	t        *testing.T
	call     func() error
	once     sync.Once
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
	r.once.Do(func() {
		go func() { r.result <- r.call() }()
		select {
		case <-r.at:
		case <-r.over:
		}
	})
}

// finish has the call go on, and returns when it has ended.
func (r *race) finish() {
	r.t.Helper()
	r.begin() // if nothing else did
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
			"DeleteAll": func() error { return deleteAll(ctx, store) },
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
				at, _ := beforeTrip(creates, looks.begin)
				creating.AddHook(at)
				create(t, sessionredis.New(creating, nil), r)
				looks.finish()
				requireNamed(t, c, "session:")
			})
		}
	}
}
