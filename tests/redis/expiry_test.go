package redis_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	session "github.com/gostateful/session/core"
	sessionredis "github.com/gostateful/session/redis"
	"github.com/gostateful/session/tests/support/servers"
	"github.com/gostateful/session/tests/support/stress"
)

// TestExpiredButThere: the clock of Redis is slow, so that a session whose time
// is over by ours is still there. It is absent all the same.
func TestExpiredButThere(t *testing.T) {
	c := connect(t, servers.Redis(t))
	store := sessionredis.New(c, nil)
	ctx := t.Context()
	// stale stores a session of alice whose time is over.
	stale := func() session.Record {
		r := record("alice")
		r.ExpiresAt = in(-time.Millisecond)
		aged(t, c, r, in(time.Hour))
		require.NoError(t, c.Persist(ctx, key(r)).Err())
		require.NoError(t, c.PExpire(ctx, key(r), time.Hour).Err())
		return r
	}
	r := stale()
	_, err := store.Load(ctx, r.ID)
	require.ErrorIs(t, err, session.ErrNotFound)
	require.ErrorIs(t, store.Touch(ctx, r.ID, in(time.Hour)), session.ErrNotFound)
	r.ExpiresAt = in(time.Hour)
	require.ErrorIs(t, store.Update(ctx, r), session.ErrNotFound)
	r.ExpiresAt = in(-time.Second)
	require.ErrorIs(t, store.Update(ctx, r), session.ErrNotFound)
	r.ExpiresAt = time.Time{}
	require.ErrorIs(t, store.Update(ctx, r), session.ErrNotFound, "an Update that keeps the expiry")
	list, err := store.List(ctx, "alice")
	require.NoError(t, err)
	assert.Empty(t, list)

	n, err := store.DeleteAll(ctx, "alice")
	require.NoError(t, err)
	assert.Zero(t, n, "live sessions that DeleteAll removed")
	assert.Zero(t, c.Exists(ctx, key(r)).Val())

	for _, subject := range []string{"", "alice"} { // as the store has seen it, but for the expiry
		r := create(t, store, record(subject))
		past := fmt.Sprintf("%013d", in(-time.Millisecond).UnixMilli())
		require.NoError(t, c.SetRange(ctx, key(r), 0, past).Err())
		require.ErrorIs(t, store.Update(ctx, r), session.ErrNotFound)
	}

	r = stale()
	r.ExpiresAt = in(time.Hour)
	require.NoError(t, store.Create(ctx, r))
	got, err := store.Load(ctx, r.ID)
	require.NoError(t, err)
	assert.Equal(t, r, got)
}

// TestFarthestExpiries: neither end of time is taken for the other.
func TestFarthestExpiries(t *testing.T) {
	c := connect(t, servers.Redis(t))
	store := sessionredis.New(c, nil)
	ctx := t.Context()
	past := map[string]time.Time{
		"a little after the zero time": time.Time{}.Add(1), "1970": time.UnixMilli(0), "before": time.UnixMilli(-1),
		"so early that its milliseconds overflow": time.Unix(-1e16, 0), "earliest": time.Unix(-1<<62, 0),
	}
	for name, at := range past {
		t.Run(name, func(t *testing.T) {
			r := record("alice")
			r.ExpiresAt = at
			require.NoError(t, store.Create(ctx, r))
			_, err := store.Load(ctx, r.ID)
			require.ErrorIs(t, err, session.ErrNotFound)

			r = create(t, store, record("alice"))
			require.NoError(t, store.Touch(ctx, r.ID, at))
			got, err := store.Load(ctx, r.ID)
			require.NoError(t, err)
			assert.Equal(t, r, got, "after a Touch, which never shortens")

			r.ExpiresAt = at
			require.NoError(t, store.Update(ctx, r))
			_, err = store.Load(ctx, r.ID)
			require.ErrorIs(t, err, session.ErrNotFound)
			requireTTL(t, c, "session:")
		})
	}
	future := map[string]time.Time{
		"too late": time.UnixMilli(10_000_000_000_000), "so late that its milliseconds overflow": time.Unix(1e16, 0), "latest": time.Unix(1<<62, 0),
	}
	for name, at := range future {
		t.Run(name, func(t *testing.T) {
			r := record("alice")
			r.ExpiresAt = at
			stress.RequireFailure(t, store.Create(ctx, r), "Create")
			_, err := store.Load(ctx, r.ID)
			require.ErrorIs(t, err, session.ErrNotFound)

			r = create(t, store, record("alice"))
			stress.RequireFailure(t, store.Touch(ctx, r.ID, at), "Touch")
			later := r
			later.ExpiresAt = at
			stress.RequireFailure(t, store.Update(ctx, later), "Update")
			got, err := store.Load(ctx, r.ID)
			require.NoError(t, err)
			assert.Equal(t, r, got)
		})
	}
	t.Run("the last", func(t *testing.T) {
		r := record("alice")
		r.ExpiresAt = time.UnixMilli(9_999_999_999_999).UTC()
		create(t, store, r)
		require.NoError(t, store.Update(ctx, r))
		r.Version++
		require.NoError(t, store.Touch(ctx, r.ID, r.ExpiresAt))
		got, err := store.Load(ctx, r.ID)
		require.NoError(t, err)
		assert.Equal(t, r, got)
		requireNamed(t, c, "session:")
		requireTTL(t, c, "session:")
	})
}

// TestKeptExpiry: an Update with a zero ExpiresAt moves neither the expiry nor
// the time to live of the key, whatever they are, and no session outlives its lease.
func TestKeptExpiry(t *testing.T) {
	c := connect(t, servers.Redis(t))
	store := sessionredis.New(c, nil)
	ctx := t.Context()
	keep := func(t *testing.T, r session.Record) {
		t.Helper()
		r.ExpiresAt = time.Time{}
		require.NoError(t, store.Update(ctx, r))
		requireNamed(t, c, "session:")
		requireTTL(t, c, "session:")
	}
	holds := func(t *testing.T, want session.Record) {
		t.Helper()
		got, err := store.Load(ctx, want.ID)
		require.NoError(t, err)
		assert.Equal(t, want, got)
	}
	for _, subject := range []string{"", "alice"} {
		t.Run("of the subject "+subject, func(t *testing.T) {
			r := create(t, store, record(subject))
			before := c.PExpireTime(ctx, key(r)).Val()
			r.Data = []byte("changed")
			keep(t, r)
			r.Version++
			holds(t, r)
			assert.Equal(t, before, c.PExpireTime(ctx, key(r)).Val(), "the end of the key")

			// Who read the session before a touch, which renewed the lease.
			r.ExpiresAt = in(100 * time.Hour)
			require.NoError(t, store.Touch(ctx, r.ID, r.ExpiresAt))
			before = c.PExpireTime(ctx, key(r)).Val()
			was := lease(t, c, r)
			keep(t, r)
			r.Version++
			holds(t, r)
			assert.Equal(t, before, c.PExpireTime(ctx, key(r)).Val(), "the end of the key, after a touch")
			assert.Equal(t, was, lease(t, c, r))

			// To a subject whose set does not name the session, and for so long.
			r.Subject = "bob"
			keep(t, r)
			r.Version++
			holds(t, r)
			assert.Equal(t, before, c.PExpireTime(ctx, key(r)).Val(), "the end of the key, of another subject")
			score, err := c.ZScore(ctx, bob, r.ID.String()).Result()
			require.NoError(t, err)
			assert.WithinDuration(t, in(200*time.Hour), time.UnixMilli(int64(score)), time.Minute, "a lease is twice as long as the life")

			r.Subject = ""
			keep(t, r)
			r.Version++
			holds(t, r)
		})
	}
	t.Run("touched between its round trips", func(t *testing.T) {
		r := create(t, store, record("alice"))
		touching := connectLike(t, c)
		r.Subject = "bob"
		life, until := 20*time.Hour, r.ExpiresAt
		times := 2
		touching.AddHook(onTrip(func(cmds []redis.Cmder) error {
			if cmds[0].Name() == "pexpire" && times > 0 { // the pipeline that enters it to a set
				times--
				life *= 10 // beyond the lease that is about to be given
				until = in(life)
				require.NoError(t, store.Touch(ctx, r.ID, until))
			}
			return nil
		}))
		kept := r
		kept.ExpiresAt = time.Time{}
		require.NoError(t, sessionredis.New(touching, nil).Update(ctx, kept))
		r.Version, r.ExpiresAt = r.Version+1, until
		holds(t, r)
		requireNamed(t, c, "session:")
		requireTTL(t, c, "session:")
	})
}
