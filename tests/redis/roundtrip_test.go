package redis_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
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

// A tally is a hook that counts round trips, but for those that open a
// connection. The commands of a pipeline travel together.
type tally struct {
	onTrip
	mu    sync.Mutex
	trips [][]redis.Cmder
}

func newTally() *tally {
	y := new(tally)
	y.onTrip = func(cmds []redis.Cmder) error {
		y.mu.Lock()
		defer y.mu.Unlock()
		y.trips = append(y.trips, cmds)
		return nil
	}
	return y
}

// take returns the round trips since it was called last.
func (y *tally) take() [][]redis.Cmder {
	y.mu.Lock()
	defer y.mu.Unlock()
	trips := y.trips
	y.trips = nil
	return trips
}

// oneKey wants a command of one key, which works in any slot of a Cluster.
func oneKey(t testing.TB, cmd redis.Cmder) {
	t.Helper()
	args := cmd.Args()
	switch cmd.Name() {
	case "get", "del":
		assert.Len(t, args, 2, "%v", args)
	case "getrange", "set":
	case "zadd", "zrange", "zremrangebyscore", "pexpire":
	case "eval", "evalsha":
		assert.Equal(t, 1, args[2], "keys of %v", args)
	default:
		t.Errorf("%v: keys unknown", args)
	}
}

func TestRoundTrips(t *testing.T) {
	client := connect(t, servers.Redis(t))
	store := sessionredis.New(client, nil)
	other := sessionredis.New(client, nil) // of another process
	ctx := t.Context()
	teachScripts(t, client, true)
	sent := newTally()
	client.AddHook(sent)

	for _, test := range []struct {
		name   string
		before session.Record // created by another process, if it has an ID
		do     func(r session.Record) error
		want   error
		trips  int
	}{
		{"load", record("alice"), func(r session.Record) error { _, err := store.Load(ctx, r.ID); return err }, nil, 1},
		{"load what is absent", session.Record{}, func(session.Record) error { _, err := store.Load(ctx, session.NewID()); return err }, session.ErrNotFound, 1},
		{"create", session.Record{}, func(session.Record) error { return store.Create(ctx, record("")) }, nil, 1},
		{"create what is there", record(""), func(r session.Record) error { return store.Create(ctx, r) }, session.ErrExists, 2},
		{"create with a subject", session.Record{}, func(session.Record) error { return store.Create(ctx, record("alice")) }, nil, 2},
		{"create what has expired", session.Record{}, func(session.Record) error {
			return store.Create(ctx, session.Record{ID: session.NewID(), Subject: "alice"})
		}, nil, 0},
		{"update", record(""), func(r session.Record) error { return store.Update(ctx, r) }, nil, 1},
		{"update another version", record("alice"), func(r session.Record) error { r.Version++; return store.Update(ctx, r) }, session.ErrConflict, 1},
		{"update what is absent", session.Record{}, func(session.Record) error { return store.Update(ctx, record("")) }, session.ErrNotFound, 1},
		{"update to the past", record("alice"), func(r session.Record) error { r.ExpiresAt = in(-time.Second); return store.Update(ctx, r) }, nil, 1},
		{"update that keeps the expiry", record("alice"), func(r session.Record) error { r.ExpiresAt = time.Time{}; return store.Update(ctx, r) }, nil, 1},
		{"update that keeps the expiry, of another process", record("alice"), func(r session.Record) error { r.ExpiresAt = time.Time{}; return other.Update(ctx, r) }, nil, 1},
		{"update with another subject that keeps the expiry", record("alice"), func(r session.Record) error {
			r.Subject, r.ExpiresAt = "bob", time.Time{}
			return store.Update(ctx, r)
		}, nil, 3},
		{"update without a subject any more that keeps the expiry", record("alice"), func(r session.Record) error {
			r.Subject, r.ExpiresAt = "", time.Time{}
			return store.Update(ctx, r)
		}, nil, 1},
		{"update within the lease", record("alice"), func(r session.Record) error { r.ExpiresAt = in(90 * time.Minute); return store.Update(ctx, r) }, nil, 1},
		{"update beyond the lease", record("alice"), func(r session.Record) error { r.ExpiresAt = in(10 * time.Hour); return store.Update(ctx, r) }, nil, 2},
		{"update beyond the lease, which it does not know", record("alice"), func(r session.Record) error {
			r.ExpiresAt = in(10 * time.Hour)
			return sessionredis.New(client, nil).Update(ctx, r)
		}, nil, 2},
		{"update with a first subject", record(""), func(r session.Record) error { r.Subject = "alice"; return store.Update(ctx, r) }, nil, 2},
		{"update with another subject", record("alice"), func(r session.Record) error { r.Subject = "bob"; return store.Update(ctx, r) }, nil, 2},
		{"update without a subject any more", record("alice"), func(r session.Record) error { r.Subject = ""; return store.Update(ctx, r) }, nil, 1},
		{"touch", record(""), func(r session.Record) error { return store.Touch(ctx, r.ID, in(10*time.Hour)) }, nil, 1},
		{"touch back", record("alice"), func(r session.Record) error { return store.Touch(ctx, r.ID, in(time.Minute)) }, nil, 1},
		{"touch what is absent", session.Record{}, func(session.Record) error { return store.Touch(ctx, session.NewID(), in(time.Hour)) }, session.ErrNotFound, 1},
		{"touch within the lease", record("alice"), func(r session.Record) error { return store.Touch(ctx, r.ID, in(90*time.Minute)) }, nil, 1},
		{"touch beyond the lease", record("alice"), func(r session.Record) error { return store.Touch(ctx, r.ID, in(10*time.Hour)) }, nil, 3},
		{"touch beyond the lease, and again", record("alice"), func(r session.Record) error {
			return errors.Join(store.Touch(ctx, r.ID, in(10*time.Hour)), store.Touch(ctx, r.ID, in(15*time.Hour)))
		}, nil, 3 + 1},
		{"delete", record("alice"), func(r session.Record) error { return store.Delete(ctx, r.ID) }, nil, 1},
		{"delete what is absent", session.Record{}, func(session.Record) error { return store.Delete(ctx, session.NewID()) }, nil, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			if !test.before.ID.IsZero() {
				create(t, other, test.before)
				_, err := store.Load(ctx, test.before.ID)
				require.NoError(t, err)
			}
			sent.take()
			err := test.do(test.before)
			trips := sent.take()
			require.ErrorIs(t, err, test.want)
			assert.Equal(t, test.trips, len(trips), "%v", trips)
			for _, cmds := range trips {
				for _, cmd := range cmds {
					oneKey(t, cmd)
				}
			}
		})
	}
}

// TestRoundTripsOfEngine: what a request or a job costs. The commands of a
// pipeline are one round trip.
func TestRoundTripsOfEngine(t *testing.T) {
	const entry = "pexpire+zadd+zadd+zremrangebyscore+pexpire+pexpire" // to the set of a subject
	want := map[string]string{
		"a visit":                   "",
		"a first change":            "set",
		"another visit":             "get",
		"a change":                  "get evalsha",
		"a login":                   "get " + entry + " evalsha",
		"a login without a session": entry + " set",
		"a call of Touch":           "get get evalsha",
		"a logout":                  "get evalsha",
		"a straggler of a logout":   "get",
		"Revoke after a logout":     "get",
		"a use after 20 minutes":    "get evalsha",
		"a use after 40 minutes, recorded by the load": "get evalsha",
		"a renewal":                       "get evalsha",
		"the first use of the new secret": "get evalsha",
		"another use of it":               "get",
		"Manager.Update":                  "get evalsha",
		"Revoke":                          "get del",
		"Revoke of what is absent":        "get",
	}
	one, nodes := servers.Redis(t), servers.RedisCluster(t)
	for name, client := range map[string]redis.UniversalClient{"one node": connect(t, one), "Cluster": connectCluster(t, nodes)} {
		t.Run(name, func(t *testing.T) {
			teachScripts(t, client, true)
			sent := newTally()
			client.AddHook(sent)
			assert.Equal(t, want, stress.Costs(t, sessionredis.New(client, nil), sent.words))
		})
	}
}

// words are the names of the commands since the last round trips were taken.
func (y *tally) words() string {
	var trips []string
	for _, cmds := range y.take() {
		var names []string
		for _, cmd := range cmds {
			names = append(names, cmd.Name())
		}
		trips = append(trips, strings.Join(names, "+"))
	}
	return strings.Join(trips, " ")
}

// TestRoundTripsOfMany: List takes one, and one more for every 256 sessions.
// DeleteAll takes one more to look at them, and one to empty the set.
func TestRoundTripsOfMany(t *testing.T) {
	client := connect(t, servers.Redis(t))
	store := sessionredis.New(client, nil)
	sent := newTally()
	client.AddHook(sent)
	ctx := t.Context()
	for n, want := range map[int]int{0: 1, 1: 2, 256: 2, 257: 3} {
		subject := fmt.Sprint("owner of ", n)
		var ids []session.ID
		for range n {
			ids = append(ids, create(t, store, record(subject)).ID)
		}
		sent.take()
		records, err := store.List(ctx, subject)
		require.NoError(t, err)
		assert.Len(t, records, n)
		trips := sent.take()
		assert.Equal(t, want, len(trips), "List of %d", n)

		kept, err := store.DeleteAll(ctx, subject, ids...)
		require.NoError(t, err)
		assert.Zero(t, kept)
		assert.Equal(t, 1, len(sent.take()), "DeleteAll of %d, except for all of them", n)

		removed, err := store.DeleteAll(ctx, subject)
		require.NoError(t, err)
		assert.Equal(t, n, removed)
		trips = append(trips, sent.take()...)
		looks, leaves := min(n, 1), min(n, 1)
		assert.Equal(t, 2*want+looks+leaves, len(trips), "List and DeleteAll of %d", n)
		for _, cmds := range trips {
			for _, cmd := range cmds {
				oneKey(t, cmd)
			}
		}
	}
	for name, do := range map[string]func() error{
		"List":      func() error { _, err := store.List(ctx, ""); return err },
		"DeleteAll": func() error { _, err := store.DeleteAll(ctx, ""); return err },
	} {
		require.NoError(t, do())
		assert.Empty(t, sent.take(), "%s of an empty subject, which owns nothing", name)
	}
}

// TestRoundTripsWhenCold: a server that has lost its scripts gets them again,
// at the price of one more for each.
func TestRoundTripsWhenCold(t *testing.T) {
	client := connect(t, servers.Redis(t))
	store := sessionredis.New(client, nil)
	sent := newTally()
	client.AddHook(sent)
	ctx := t.Context()
	for round := range 2 {
		r := record("")
		create(t, store, r)
		for _, step := range []struct {
			name string
			do   func() error
		}{
			{"update", func() error { return store.Update(ctx, r) }},
			{"touch", func() error { return store.Touch(ctx, r.ID, in(10*time.Hour)) }},
		} {
			sent.take()
			require.NoError(t, step.do(), step.name)
			assert.Equal(t, 2, len(sent.take()), "%s, cold in round %d", step.name, round)
			if step.name == "update" {
				r.Version++
			}
		}
		require.NoError(t, client.ScriptFlush(ctx).Err())
	}
}
