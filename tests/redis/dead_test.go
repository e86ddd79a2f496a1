package redis_test

import (
	"context"
	"encoding/binary"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	session "github.com/gostateful/session/core"
	sessionredis "github.com/gostateful/session/redis"
	"github.com/gostateful/session/tests/support/servers"
)

// created returns an ID as NewID made it so long ago.
func created(age time.Duration) session.ID {
	id := session.NewID()
	var at [8]byte
	binary.BigEndian.PutUint64(at[:], uint64(time.Now().Add(-age).UnixMilli()))
	copy(id[:6], at[2:])
	return id
}

// bury enters so many sessions of alice that do not exist, and that were created so
// long ago. The lease of each is a step longer than that of the one before.
func bury(t *testing.T, c *redis.Client, dead int, age time.Duration, from time.Time, step time.Duration) {
	t.Helper()
	const each = 50_000 // in one run
	for at := 0; at < dead; at += each {
		n := min(dead-at, each)
		first := created(age) // the others differ from it in their ends
		err := buried.Run(t.Context(), c, []string{alice}, n, first.String()[:24], rand.Int64N(1<<40), from.UnixMilli(), step.Milliseconds()).Err()
		require.NoError(t, err)
		from = from.Add(time.Duration(n) * step)
	}
	require.NoError(t, c.ExpireAt(t.Context(), alice, from.Add(2*time.Hour)).Err())
}

// buried makes the entries in Redis, because a client takes longer for a million.
var buried = redis.NewScript(`
	for i = 0, ARGV[1] - 1 do
		redis.call("zadd", KEYS[1], ARGV[4] + i * ARGV[5], string.format("%s%012x", ARGV[2], ARGV[3] + i))
	end
	return "done"`)

// named has the set of alice name a session until then.
func named(t *testing.T, c *redis.Client, s *sessionredis.Store, lease time.Time) session.Record {
	t.Helper()
	r := record("alice")
	r.ExpiresAt = lease.Add(-time.Second)
	create(t, s, r)
	aged(t, c, r, lease)
	return r
}

// TestDeadEntries: of a million sessions that expired by themselves, the set of
// the subject still names each. The sessions that are alive end first. Each dead
// one costs one look, whoever looks first, and List and DeleteAll then cost by the
// sessions that are alive.
func TestDeadEntries(t *testing.T) {
	const dead, page = 1_000_000, 1024
	c := connect(t, servers.Redis(t))
	store := sessionredis.New(c, nil)
	ctx, start := t.Context(), in(time.Hour)
	bury(t, c, dead, 3*time.Hour, start, time.Millisecond)
	end := start.Add(dead * time.Millisecond)
	oldest, middle := named(t, c, store, start.Add(-time.Minute)), named(t, c, store, start.Add(dead/2*time.Millisecond))
	newest := []session.Record{named(t, c, store, end.Add(time.Minute)), named(t, c, store, end.Add(2*time.Minute)), named(t, c, store, end.Add(3*time.Minute))}
	sent := newTally()

	// A try that has no time for more.
	few, cancel := context.WithCancel(ctx)
	impatient := connectLike(t, c)
	last, _ := beforeTrip(12, cancel)
	impatient.AddHook(last)
	impatient.AddHook(sent)
	n, err := sessionredis.New(impatient, nil).DeleteAll(few, "alice")
	require.Error(t, err)
	assert.Equal(t, len(newest)+1, n, "sessions that ended within 12 round trips: those at both ends")
	require.Equal(t, "zrange getrange eval", firstWords(sent.take(), 3))
	left := c.ZCard(ctx, alice).Val()
	assert.LessOrEqual(t, left, int64(dead-2*page+10), "entries, after a try that looked at three pages")

	c.AddHook(sent)
	n, err = store.DeleteAll(ctx, "alice")
	require.NoError(t, err)
	assert.Equal(t, 1, n, "the one that was left")
	trips := sent.take()
	assert.LessOrEqual(t, len(trips), 3*(dead/page+10), "round trips")
	for _, r := range append([]session.Record{oldest, middle}, newest...) {
		_, err := store.Load(ctx, r.ID)
		require.ErrorIs(t, err, session.ErrNotFound)
	}

	want := []session.Record{create(t, store, record("alice")), create(t, store, record("alice"))}
	require.NoError(t, c.ConfigResetStat(ctx).Err())
	list, err := store.List(ctx, "alice")
	require.NoError(t, err)
	assert.ElementsMatch(t, want, list)
	assert.Equal(t, "get=2 zrange=1", serverCommands(t, c), "List of two, after a million have died")
	require.NoError(t, c.ConfigResetStat(ctx).Err())
	n, err = store.DeleteAll(ctx, "alice")
	require.NoError(t, err)
	assert.Equal(t, len(want), n)
	assert.Equal(t, "del=2 eval=3 getrange=4 zadd=1 zrange=2 zremrangebyscore=1", serverCommands(t, c), "DeleteAll of two, after a million have died")
}

// firstWords are the names of the first commands of some round trips.
func firstWords(trips [][]redis.Cmder, n int) string {
	var words []string
	for _, trip := range trips[:min(len(trips), n)] {
		words = append(words, trip[0].Name())
	}
	return strings.Join(words, " ")
}

// TestDeadEntriesAlike: as many have leases that end at the same moment.
func TestDeadEntriesAlike(t *testing.T) {
	const dead, page = 100_000, 1024
	c := connect(t, servers.Redis(t))
	store := sessionredis.New(c, nil)
	until := in(time.Hour)
	bury(t, c, dead, 0, until, 0)
	want := []session.Record{named(t, c, store, until), named(t, c, store, until), named(t, c, store, until.Add(time.Minute))}
	sent := newTally()
	c.AddHook(sent)
	list, err := store.List(t.Context(), "alice")
	require.NoError(t, err)
	assert.ElementsMatch(t, want, list)
	for _, trip := range sent.take() {
		require.Contains(t, []string{"zrange", "get"}, trip[0].Name(), "a command of List")
	}
	n, err := store.DeleteAll(t.Context(), "alice", want[0].ID)
	require.NoError(t, err)
	assert.Equal(t, 2, n)
	assert.Less(t, len(sent.take()), 20*dead/page, "round trips")
}

// TestEntryMovesMeanwhile: a use renews the lease of a session, whose entry moves
// to the other end of the set, while List and DeleteAll read it page by page.
func TestEntryMovesMeanwhile(t *testing.T) {
	c := connect(t, servers.Redis(t))
	store := sessionredis.New(c, nil)
	ctx := t.Context()
	for _, age := range []time.Duration{0, 3 * time.Hour} { // the entries of old sessions are dropped meanwhile
		for what, do := range map[string]func(s *sessionredis.Store) (found int, err error){
			"List":      func(s *sessionredis.Store) (int, error) { all, err := s.List(ctx, "alice"); return len(all), err },
			"DeleteAll": func(s *sessionredis.Store) (int, error) { return s.DeleteAll(ctx, "alice") },
		} {
			for at, moved := int64(1), true; moved; at++ {
				require.NoError(t, c.FlushDB(ctx).Err())
				bury(t, c, 2500, age, in(time.Hour), time.Second)
				r := named(t, c, store, in(time.Minute))
				moves, trips := beforeTrip(at, func() {
					if err := store.Touch(ctx, r.ID, in(200*time.Hour)); err != nil {
						require.ErrorIs(t, err, session.ErrNotFound, "a use of a session that may have ended")
					}
				})
				hooked := connectLike(t, c)
				hooked.AddHook(moves)
				n, err := do(sessionredis.New(hooked, nil))
				require.NoError(t, err)
				require.Equal(t, 1, n, "sessions of %s, of which one moves before its round trip %d", what, at)
				moved = trips.Load() >= at
			}
		}
	}
}
