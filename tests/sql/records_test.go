package sql_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	session "github.com/gostateful/session/core"
)

// record returns a record of a subject, with an hour to live.
func record(subject string) session.Record {
	return session.Record{
		ID: session.NewID(), Version: 1, Subject: subject,
		ExpiresAt: in(time.Hour), Data: []byte("the data"),
	}
}

// in is a time from now, as a store keeps it.
func in(d time.Duration) time.Time { return time.Now().Add(d).UTC().Truncate(time.Millisecond) }

// create stores a record, which is not what the test is about.
func create(t testing.TB, s session.Store, r session.Record) session.Record {
	t.Helper()
	require.NoError(t, s.Create(t.Context(), r))
	return r
}

// expired returns a record whose row is there, though its expiry has passed.
func expired(t testing.TB, s session.Store, subject string) session.Record {
	t.Helper()
	r := create(t, s, record(subject))
	r.ExpiresAt = in(-time.Second)
	require.NoError(t, s.Update(t.Context(), r))
	r.Version++
	return r
}

// requireHolds wants a record to be there as it is given.
func requireHolds(t testing.TB, s session.Store, want session.Record, when string) {
	t.Helper()
	got, err := s.Load(t.Context(), want.ID)
	require.NoError(t, err, when)
	require.Equal(t, want, got, when)
}

// requireAbsent wants there to be no such record.
func requireAbsent(t testing.TB, s session.Store, id session.ID, when string) {
	t.Helper()
	_, err := s.Load(t.Context(), id)
	require.ErrorIs(t, err, session.ErrNotFound, when)
}
