package memory

import (
	"fmt"
	"strings"
	"time"

	session "github.com/gostateful/session/core"
)

// An entry is a session in its shard, whose lock guards it, but for the links to
// others of the same subject: the lock of the owners of its subject guards these.
type entry struct {
	kept
	place int // in the heap of the shard

	previous, next *entry // of the same subject

	// In a store with a bound: when it was last used, and its neighbours in the
	// list of the shard that is in this order.
	used         int64
	older, newer *entry
}

// kept is what is kept of a record.
type kept struct {
	id      session.ID // never changes
	version uint64
	subject string
	expires int64 // in milliseconds since 1970
	data    string
}

// keep copies what the caller goes on owning. The subject is copied too: it
// may be part of a longer string, or of a buffer that a server uses again.
func keep(r session.Record) kept {
	return kept{
		id: r.ID, version: r.Version, subject: strings.Clone(r.Subject),
		expires: r.ExpiresAt.UnixMilli(), data: string(r.Data),
	}
}

// expired reports whether the session is absent. Both times are whole
// milliseconds, so it is to the millisecond.
func (k *kept) expired(now int64) bool { return k.expires <= now }

// record returns the session as a record, with data that the caller owns.
func (k *kept) record() session.Record {
	return session.Record{
		ID: k.id, Version: k.version, Subject: k.subject,
		ExpiresAt: time.UnixMilli(k.expires).UTC(), Data: []byte(k.data),
	}
}

func failed(doing string, err error) error { return fmt.Errorf("memory: %s: %w", doing, err) }
