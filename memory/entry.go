package memory

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	session "github.com/gostateful/session/core"
)

// An entry is a session in its shard, whose lock guards it, but for the links:
// the lock of the owners of its subject guards these.
type entry struct {
	kept
	place int // in the heap of the shard

	previous, next *entry // of the same subject
}

// kept is what is kept of a record.
type kept struct {
	id      session.ID // never changes
	version uint64
	subject string
	expires int64  // in milliseconds since 1970
	data    []byte // replaced, never written to: so it can be read without the lock
}

// keep copies what the caller goes on owning. The subject is copied too: it
// may be part of a longer string, or of a buffer that a server uses again.
func keep(r session.Record) kept {
	return kept{
		id: r.ID, version: r.Version, subject: strings.Clone(r.Subject),
		expires: r.ExpiresAt.UnixMilli(), data: bytes.Clone(r.Data),
	}
}

// expired reports whether the session is absent. Both times are whole
// milliseconds, so it is to the millisecond.
func (k *kept) expired(now int64) bool { return k.expires <= now }

// record returns the session as a record, with data that the caller owns.
func (k *kept) record() session.Record {
	return session.Record{
		ID: k.id, Version: k.version, Subject: k.subject,
		ExpiresAt: time.UnixMilli(k.expires).UTC(), Data: bytes.Clone(k.data),
	}
}

func failed(doing string, err error) error { return fmt.Errorf("memory: %s: %w", doing, err) }
