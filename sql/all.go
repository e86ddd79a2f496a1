package sessionsql

import (
	"context"
	"iter"
	"time"

	session "github.com/gostateful/session/core"
)

// page is how many rows All reads at once. They are all in memory then, and
// each may have a mebibyte of data.
const page = 250

// All implements session.Iterable. Each session that lives throughout comes
// exactly once. It reads 250 rows at a time, in the order of their IDs, and
// holds no connection while the caller works on them. A record is as it was
// when its page was read.
func (s *Store) All(ctx context.Context) iter.Seq2[session.Record, error] {
	return func(yield func(session.Record, error) bool) {
		var last session.ID // no record has the zero ID
		for {
			records, err := s.query(ctx, s.page, s.key(last))
			if err != nil {
				yield(session.Record{}, failed("all", s.name, err))
				return
			}
			for _, r := range records {
				if r.ExpiresAt.After(time.Now()) && !yield(r, nil) {
					return
				}
				last = r.ID
			}
			if len(records) < page {
				return
			}
		}
	}
}
