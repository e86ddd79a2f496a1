package redis_test

import (
	"errors"
	"fmt"
	"slices"
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

// TestServerCommands: what the server does for each method, by its own count. It
// is one thread, so this is time of all its clients. Commands of a script count
// like others, beside the evalsha that ran it.
func TestServerCommands(t *testing.T) {
	client := connect(t, servers.Redis(t))
	store := sessionredis.New(client, nil)
	ctx := t.Context()
	teachScripts(t, client, true)
	keep := func(r session.Record) error { r.ExpiresAt = time.Time{}; return store.Update(ctx, r) }
	for _, test := range []struct {
		name    string
		before  session.Record // created and loaded, if it has an ID
		do      func(r session.Record) error
		failure error
		want    string
	}{
		{"Load", record("alice"), func(r session.Record) error { _, err := store.Load(ctx, r.ID); return err }, nil, "get=1"},
		{"Create", session.Record{}, func(session.Record) error { return store.Create(ctx, record("")) }, nil, "set=1"},
		{"Create with a subject", session.Record{}, func(session.Record) error { return store.Create(ctx, record("alice")) }, nil, "pexpire=3 set=1 zadd=2 zremrangebyscore=1"},
		{"Create of what is there", record(""), func(r session.Record) error { return store.Create(ctx, r) }, session.ErrExists, "evalsha=1 getrange=1 set=1"},
		{"Update", record(""), func(r session.Record) error { return store.Update(ctx, changed(r)) }, nil, "evalsha=1 getrange=1 set=1"},
		{"Update with a subject", record("alice"), func(r session.Record) error { return store.Update(ctx, changed(r)) }, nil, "evalsha=1 getrange=1 set=1"},
		{"Update twice", record("alice"), func(r session.Record) error {
			err := store.Update(ctx, changed(r))
			r.Version++
			return errors.Join(err, store.Update(ctx, changed(r)))
		}, nil, "evalsha=2 getrange=2 set=2"},
		{"Update that keeps the expiry", record("alice"), keep, nil, "evalsha=1 getrange=1 set=1"},
		{"Update to the past", record("alice"), func(r session.Record) error { r.ExpiresAt = in(-time.Second); return store.Update(ctx, r) }, nil, "del=1 evalsha=1 getrange=1"},
		{"Update without a subject any more", record("alice"), func(r session.Record) error { r.Subject = ""; return store.Update(ctx, r) }, nil, "evalsha=1 getrange=2 set=1"},
		{"Update with another subject", record("alice"), func(r session.Record) error { r.Subject = "bob"; return store.Update(ctx, r) }, nil, "evalsha=1 getrange=2 pexpire=3 set=1 zadd=2 zremrangebyscore=1"},
		{"Update of another version", record("alice"), func(r session.Record) error { r.Version++; return store.Update(ctx, r) }, session.ErrConflict, "evalsha=1 getrange=2"},
		{"Update of what is absent", session.Record{}, func(session.Record) error { return store.Update(ctx, record("")) }, session.ErrNotFound, "evalsha=1 getrange=2"},
		{"Touch", record("alice"), func(r session.Record) error { return store.Touch(ctx, r.ID, in(90*time.Minute)) }, nil, "evalsha=1 get=1 set=1"},
		{"Touch back", record("alice"), func(r session.Record) error { return store.Touch(ctx, r.ID, in(time.Minute)) }, nil, "evalsha=1 get=1"},
		{"Delete", record("alice"), func(r session.Record) error { return store.Delete(ctx, r.ID) }, nil, "del=1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if !test.before.ID.IsZero() {
				create(t, store, test.before)
				_, err := store.Load(ctx, test.before.ID)
				require.NoError(t, err)
			}
			require.NoError(t, client.ConfigResetStat(ctx).Err())
			require.ErrorIs(t, test.do(test.before), test.failure)
			assert.Equal(t, test.want, serverCommands(t, client))
		})
	}
}

// serverCommands are the commands that a server has done since it began to count,
// but for those that open a connection.
func serverCommands(t testing.TB, client *redis.Client) string {
	t.Helper()
	info, err := client.Info(t.Context(), "commandstats").Result()
	require.NoError(t, err)
	var all []string
	for line := range strings.Lines(info) {
		name, stats, found := strings.Cut(strings.TrimPrefix(line, "cmdstat_"), ":calls=")
		first, _, _ := strings.Cut(name, "|")
		if found && !slices.Contains([]string{"config", "hello", "client"}, first) {
			calls, _, _ := strings.Cut(stats, ",")
			all = append(all, fmt.Sprint(name, "=", calls))
		}
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}

// TestUnexpected: a session is not as the process that updates it has seen it
// last, but of the version that it expects. Nothing that it has not seen is lost.
func TestUnexpected(t *testing.T) {
	c := connect(t, servers.Redis(t))
	other := sessionredis.New(c, nil)
	ctx := t.Context()
	for name, meanwhile := range map[string]func(r *session.Record) error{
		"a longer lease": func(r *session.Record) error {
			r.ExpiresAt = in(10 * time.Hour)
			return other.Touch(ctx, r.ID, r.ExpiresAt)
		},
		"a shorter lease": func(r *session.Record) error {
			aged(t, c, *r, in(90*time.Minute))
			return nil
		},
		"no lease that it knows of": func(*session.Record) error { return nil },
		"another subject": func(r *session.Record) error {
			moved := *r
			moved.Subject = "bob"
			r.Version++
			return other.Update(ctx, moved)
		},
	} {
		t.Run(name, func(t *testing.T) {
			store := sessionredis.New(c, nil)
			r := record("alice")
			r.Version = 7
			create(t, other, r)
			if name != "no lease that it knows of" {
				_, err := store.Load(ctx, r.ID)
				require.NoError(t, err)
			}
			require.NoError(t, meanwhile(&r))
			before := lease(t, c, r)

			r.ExpiresAt = in(100 * time.Minute)
			require.NoError(t, store.Update(ctx, r))
			r.Version++
			got, err := store.Load(ctx, r.ID)
			require.NoError(t, err)
			assert.Equal(t, r, got)
			assert.False(t, lease(t, c, r).Before(before), "the lease of the set")
			head := c.GetRange(ctx, key(r), 14, 26).Val()
			assert.Equal(t, fmt.Sprint(lease(t, c, r).UnixMilli()), head, "the lease of the session, and of the set")
			requireNamed(t, c, "session:")
			requireTTL(t, c, "session:")
		})
	}
}
