package stress

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	session "github.com/gostateful/session/core"
)

// A Storm is what many processes do to few sessions at once, without any fault:
// they create, change, touch, end, list and revoke the same ones, some of
// which expire, in any order.
type Storm struct {
	Subjects []string // of the sessions; the first is empty
	IDs      []session.ID
	Latest   time.Duration // how far the longest life reaches
}

// NewStorm returns one on sessions of its own.
func NewStorm() *Storm {
	s := &Storm{Subjects: []string{"", "alice", "bob", "carol"}, Latest: 200 * time.Hour}
	for range 12 {
		s.IDs = append(s.IDs, session.NewID())
	}
	return s
}

// expiry is mostly soon, so that much expires; sometimes past or far.
func (s *Storm) expiry(r *rand.Rand) time.Time {
	switch r.IntN(10) {
	case 0:
		return time.Time{}
	case 1:
		return in(-time.Second)
	case 2:
		return in(s.Latest)
	case 3, 4:
		return in(time.Duration(r.IntN(20)) * time.Millisecond)
	}
	return in(time.Duration(r.Int64N(int64(time.Hour))))
}

// Blow makes so many calls, which the seed chooses. No answer but the named
// ones is right. It is safe for concurrent use.
func (s *Storm) Blow(ctx context.Context, t testing.TB, store session.Store, seed uint64, calls int) {
	r := rand.New(rand.NewPCG(1, seed))
	for range calls {
		id, subject := s.IDs[r.IntN(len(s.IDs))], s.Subjects[r.IntN(len(s.Subjects))]
		var err error
		switch r.IntN(12) {
		case 0, 1, 2:
			err = store.Create(ctx, session.Record{ID: id, Version: 1, Subject: subject, ExpiresAt: s.expiry(r), Data: []byte("new")})
		case 3, 4, 5, 6:
			var rec session.Record
			if rec, err = store.Load(ctx, id); err == nil {
				rec.Subject, rec.ExpiresAt, rec.Data = subject, s.expiry(r), []byte("changed")
				err = store.Update(ctx, rec)
			}
		case 7, 8:
			err = store.Touch(ctx, id, s.expiry(r))
		case 9:
			err = store.Delete(ctx, id)
		case 10:
			_, err = store.List(ctx, subject)
		case 11:
			_, err = store.DeleteAll(ctx, subject, id)
		}
		if err != nil && Named(err) == nil {
			assert.NoError(t, err)
			return
		}
	}
}

// Check looks when the storm is over: what it has ended can be created again,
// List finds the live sessions of each subject and no other, and after
// DeleteAll there are none.
func (s *Storm) Check(t testing.TB, store session.Store) {
	t.Helper()
	for i, id := range s.IDs {
		r := session.Record{ID: id, Version: 1, Subject: s.Subjects[i%len(s.Subjects)], ExpiresAt: in(time.Hour), Data: []byte("late")}
		_, err := store.Load(t.Context(), id)
		if Named(err) != nil {
			err = store.Create(t.Context(), r)
		}
		require.NoError(t, err)
	}
	owned := map[string][]session.Record{}
	for _, r := range s.live(t, store) {
		owned[r.Subject] = append(owned[r.Subject], r)
	}
	for _, subject := range s.Subjects[1:] {
		list, err := store.List(t.Context(), subject)
		require.NoError(t, err)
		assert.ElementsMatch(t, owned[subject], lasting(list), "sessions of %s", subject)
		_, err = store.DeleteAll(t.Context(), subject)
		require.NoError(t, err)
	}
	for _, r := range s.live(t, store) {
		assert.Empty(t, r.Subject, "after DeleteAll of all subjects: %v", r.ID)
	}
}

// live returns the sessions that are there.
func (s *Storm) live(t testing.TB, store session.Store) (all []session.Record) {
	t.Helper()
	for _, id := range s.IDs {
		r, err := store.Load(t.Context(), id)
		if Named(err) == nil {
			require.NoError(t, err)
			all = append(all, r)
		}
	}
	return lasting(all)
}

// lasting leaves out what may expire any moment.
func lasting(all []session.Record) (lasting []session.Record) {
	for _, r := range all {
		if time.Until(r.ExpiresAt) > time.Second {
			lasting = append(lasting, r)
		}
	}
	return lasting
}
