package sessionsql

import (
	"context"
	"math/bits"
	"slices"
	"strings"
	"time"

	session "github.com/gostateful/session/core"
)

// versionsAtOnce is the number of IDs in the largest statement of Versions.
const versionsAtOnce = 1024

// newVersions makes statements for 1, 2, 4 and so on IDs, because drivers
// prepare each text separately. In PostgreSQL one statement takes any number.
func (t *table) newVersions() (all []*statement) {
	if t.dialect == Postgres {
		return []*statement{t.expand(versionsPostgres)}
	}
	for n := 1; n <= versionsAtOnce; n *= 2 {
		all = append(all, t.expand(versionsText+"IN "+idList(n)))
	}
	return all
}

// Versions implements session.Watchable. It sends one statement for a thousand
// sessions.
func (s *Store) Versions(ctx context.Context, ids []session.ID) (map[session.ID]uint64, error) {
	versions := make(map[session.ID]uint64, len(ids))
	for some := range slices.Chunk(ids, versionsAtOnce) {
		st, keys := s.someVersions(some)
		records, err := s.query(ctx, st, keys...)
		if err != nil {
			return nil, failed("versions", s.name, err)
		}
		now := time.Now()
		for _, r := range records {
			if r.ExpiresAt.After(now) {
				versions[r.ID] = r.Version
			}
		}
	}
	return versions, nil
}

// someVersions returns the statement for some IDs, and its parameters. It fills
// the places that are left with the last ID.
func (s *Store) someVersions(ids []session.ID) (st *statement, keys []any) {
	if s.dialect == Postgres {
		texts := make([]string, len(ids))
		for i, id := range ids {
			texts[i] = id.String()
		}
		return s.versions[0], []any{"{" + strings.Join(texts, ",") + "}"}
	}
	size := bits.Len(uint(len(ids) - 1))
	keys = make([]any, 1<<size)
	for i := range keys {
		keys[i] = s.key(ids[min(i, len(ids)-1)])
	}
	return s.versions[size], keys
}
