package redis_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gostateful/session/core"
	"github.com/gostateful/session/redis"
	"github.com/gostateful/session/tests/servers"
)

// A storm is what many processes do to few sessions at once.
type storm struct {
	subjects []string
	ids      []session.ID
	latest   time.Duration // how far the longest life reaches
}

func newStorm() *storm {
	st := &storm{subjects: []string{"", "alice", "bob", "carol"}, latest: 200 * time.Hour}
	for range 12 {
		st.ids = append(st.ids, session.NewID())
	}
	return st
}

// expiry is mostly soon, so that much expires; sometimes past or far.
func (st *storm) expiry(r *rand.Rand) time.Time {
	switch r.IntN(10) {
	case 0:
		return time.Time{}
	case 1:
		return in(-time.Second)
	case 2:
		return in(st.latest)
	case 3, 4:
		return in(time.Duration(r.IntN(20)) * time.Millisecond)
	}
	return in(time.Duration(r.Int64N(int64(time.Hour))))
}

// blow makes calls, whichever. No answer but the named ones is right.
func (st *storm) blow(ctx context.Context, t testing.TB, s *sessionredis.Store, seed uint64, calls int) {
	r := rand.New(rand.NewPCG(1, seed))
	for range calls {
		id, subject := st.ids[r.IntN(len(st.ids))], st.subjects[r.IntN(len(st.subjects))]
		var err error
		switch r.IntN(12) {
		case 0, 1, 2:
			err = s.Create(ctx, session.Record{ID: id, Version: 1, Subject: subject, ExpiresAt: st.expiry(r), Data: []byte("new")})
		case 3, 4, 5, 6:
			var rec session.Record
			if rec, err = s.Load(ctx, id); err == nil {
				rec.Subject, rec.ExpiresAt, rec.Data = subject, st.expiry(r), []byte("changed")
				err = s.Update(ctx, rec)
			}
		case 7, 8:
			err = s.Touch(ctx, id, st.expiry(r))
		case 9:
			err = s.Delete(ctx, id)
		case 10:
			_, err = s.List(ctx, subject)
		case 11:
			_, err = s.DeleteAll(ctx, subject, id)
		}
		if err != nil && !slices.ContainsFunc(named, func(n error) bool { return errors.Is(err, n) }) {
			assert.NoError(t, err)
			return
		}
	}
}

// missed is a script that returns the live sessions that the set of their
// subject does not name for as long as they live, at one moment. ARGV: prefix,
// now.
const missed = `
local all = {}
for _, key in ipairs(redis.call('KEYS', ARGV[1] .. '*')) do
  if redis.call('TYPE', key).ok == 'string' then
    local expires, subject = string.match(redis.call('GET', key), '^(%d+) %d+ %d+ ([^%z]*)%z')
    if subject ~= '' and tonumber(expires) > tonumber(ARGV[2]) then
      local set, id = ARGV[1] .. 'subject:' .. subject, string.sub(key, #ARGV[1] + 1)
      local score = redis.call('ZSCORE', set, id)
      if not score or tonumber(score) < tonumber(expires) then
        all[#all + 1] = key .. ' of ' .. subject .. ' until ' .. expires .. ', in the set until ' .. tostring(score)
      end
    end
  end
end
return all`

// requireNamed wants every live session in the set of its subject.
func requireNamed(t testing.TB, c *redis.Client, prefix string) {
	t.Helper()
	all, err := c.Eval(t.Context(), missed, nil, prefix, time.Now().UnixMilli()).StringSlice()
	require.NoError(t, err)
	require.Empty(t, all, "sessions that DeleteAll would miss")
}

// TestSubjectNamesItsSessions: at no moment of a storm is there a session that
// DeleteAll would miss.
func TestSubjectNamesItsSessions(t *testing.T) {
	server := servers.Redis(t)
	st := newStorm()
	var workers sync.WaitGroup
	for n := range uint64(4) {
		store := sessionredis.New(connect(t, server), nil) // of a process of its own
		workers.Go(func() { st.blow(t.Context(), t, store, n, 500) })
	}
	over := make(chan struct{})
	go func() { workers.Wait(); close(over) }()
	c := connect(t, server)
	looks := 0
	for calm := false; !calm; looks++ {
		select {
		case <-over:
			calm = true
		default:
		}
		requireNamed(t, c, "session:")
	}
	t.Logf("looked %d times", looks)
	assert.Greater(t, looks, 10)

	// And DeleteAll sees what is there, and no more.
	store := sessionredis.New(c, nil)
	owned := map[string][]string{}
	for _, id := range st.ids {
		if r, err := store.Load(t.Context(), id); err == nil && time.Until(r.ExpiresAt) > time.Second {
			owned[r.Subject] = append(owned[r.Subject], r.ID.String())
		}
	}
	for _, subject := range st.subjects[1:] {
		var listed []string
		list, err := store.List(t.Context(), subject)
		require.NoError(t, err)
		for _, r := range list {
			if time.Until(r.ExpiresAt) > time.Second {
				listed = append(listed, r.ID.String())
			}
		}
		assert.ElementsMatch(t, owned[subject], listed, "sessions of %s", subject)
		_, err = store.DeleteAll(t.Context(), subject)
		require.NoError(t, err)
	}
	keys, err := c.Keys(t.Context(), "session:0*").Result()
	require.NoError(t, err)
	for _, key := range keys {
		value, err := c.Get(t.Context(), key).Result()
		if !errors.Is(err, redis.Nil) { // it may expire any moment
			require.NoError(t, err)
			head, _, _ := strings.Cut(value, "\x00")
			assert.Len(t, strings.SplitN(head, " ", 4), 4)
			assert.True(t, strings.HasSuffix(head, " "), "after DeleteAll of all subjects: %s", head)
		}
	}
}
