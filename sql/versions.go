package sessionsql

import (
	"context"
	"math/bits"
	"time"

	session "github.com/gostateful/session/core"
)

// Versions implements session.Watchable, by one statement.
func (s *Store) Versions(ctx context.Context, ids []session.ID) (map[session.ID]uint64, error) {
	versions := make(map[session.ID]uint64, len(ids))
	if len(ids) == 0 {
		return versions, s.ready(ctx)
	}
	// The number of IDs is a power of two, as drivers prepare each text of a statement
	// apart. The last one comes more than once.
	keys := make([]any, 1<<bits.Len(uint(len(ids)-1)))
	for i := range keys {
		keys[i] = s.key(ids[min(i, len(ids)-1)])
	}
	records, err := s.query(ctx, s.naming(versionsText, len(keys), ""), keys...)
	if err != nil {
		return nil, failed("versions", s.name, err)
	}
	now := time.Now()
	for _, r := range records {
		if r.ExpiresAt.After(now) {
			versions[r.ID] = r.Version
		}
	}
	return versions, nil
}
