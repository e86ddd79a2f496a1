package sessionsql

import (
	"context"
	"math/rand/v2"
	"time"
)

// Sweep removes up to 1000 expired sessions, and returns how many. It locks
// only these, for as long as one statement takes, and never removes one that is
// extended meanwhile. Any number of processes may sweep.
//
// Nothing depends on Sweep: for all methods an expired session is absent, swept
// or not.
func (s *Store) Sweep(ctx context.Context) (int, error) {
	n, err := s.sweepSome(ctx)
	return int(n), failed("sweep", s.name, err)
}

func (s *Store) sweepSome(ctx context.Context) (int64, error) {
	hour := milli(time.Now()) / time.Hour.Milliseconds()
	find, remove := []any{clock{}}, removeFoundMySQL
	switch s.dialect {
	case Postgres:
		return affected(s.exec(ctx, s.sweep, clock{}, hour, clock{}))
	case SQLite:
		find, remove = []any{hour, clock{}}, removeFoundSQLite
	}
	found, err := s.query(ctx, s.sweep, find...)
	if err != nil || len(found) == 0 {
		return 0, err
	}
	args := []any{clock{}}
	for _, r := range found {
		args = append(args, s.key(r.ID))
	}
	return affected(s.exec(ctx, s.naming(remove, len(found), ""), args...))
}

// SweepEvery sweeps again and again, and returns when the context ends. Each
// time it removes all expired sessions, batch by batch. After each batch it
// pauses for as long as the batch took, so that the application has the
// database for at least half of the time. It waits between half the interval
// and one and a half of it, so that the processes of an application do not all
// sweep at once. An interval of one to ten minutes suits most applications. One
// that is not positive means a minute.
//
// Each time, report gets how many sessions were removed, and the error that
// ended the sweep, if any. SweepEvery goes on after an error. A nil report is
// not called.
//
//	go store.SweepEvery(ctx, time.Minute, nil)
func (s *Store) SweepEvery(ctx context.Context, interval time.Duration, report func(removed int, err error)) {
	if interval <= 0 {
		interval = time.Minute
	}
	interval = min(interval, 365*24*time.Hour) // or the sum below overflows
	for sleep(ctx, interval/2+rand.N(interval)) {
		removed, err := s.sweepAll(ctx)
		if report != nil && ctx.Err() == nil {
			report(removed, err)
		}
	}
}

func (s *Store) sweepAll(ctx context.Context) (removed int, err error) {
	for {
		started := time.Now()
		n, err := s.Sweep(ctx)
		removed += n
		if err != nil || n < batch || !sleep(ctx, time.Since(started)) {
			return removed, err
		}
	}
}

// sleep waits, and returns false if the context ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
