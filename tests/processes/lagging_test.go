package processes

import (
	"context"
	"iter"
	"time"

	session "github.com/gostateful/session/core"
)

// A lagging store goes by a clock that is an hour behind: it has what has expired for
// so long, and so the engine alone ends sessions (law 15).
type lagging struct{ whole }

// A whole store can do all that a store may.
type whole interface {
	session.Iterable
	session.Watchable
}

const lag = time.Hour

func (l *lagging) Load(ctx context.Context, id session.ID) (session.Record, error) {
	return behind(l.whole.Load(ctx, id))
}

func (l *lagging) Create(ctx context.Context, r session.Record) error {
	r.ExpiresAt = r.ExpiresAt.Add(lag)
	return l.whole.Create(ctx, r)
}

func (l *lagging) Update(ctx context.Context, r session.Record) error {
	if !r.ExpiresAt.IsZero() { // which keeps the one that is stored
		r.ExpiresAt = r.ExpiresAt.Add(lag)
	}
	return l.whole.Update(ctx, r)
}

func (l *lagging) Touch(ctx context.Context, id session.ID, expiresAt time.Time) error {
	return l.whole.Touch(ctx, id, expiresAt.Add(lag))
}

func (l *lagging) List(ctx context.Context, subject string) ([]session.Record, error) {
	records, err := l.whole.List(ctx, subject)
	for i := range records {
		records[i], _ = behind(records[i], nil)
	}
	return records, err
}

func (l *lagging) All(ctx context.Context) iter.Seq2[session.Record, error] {
	return func(yield func(session.Record, error) bool) {
		for r, err := range l.whole.All(ctx) {
			if !yield(behind(r, err)) {
				return
			}
		}
	}
}

func behind(r session.Record, err error) (session.Record, error) {
	r.ExpiresAt = r.ExpiresAt.Add(-lag)
	return r, err
}
