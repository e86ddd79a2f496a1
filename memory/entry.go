package memory

import (
	"fmt"
	"strings"
	"time"
	"unsafe"

	session "github.com/gostateful/session/core"
)

// An entry is a session in its shard. The shard's lock guards all of it but the
// links in owned. It takes 64 bytes: what not every session needs is kept
// apart.
type entry struct {
	id      session.ID // never changes
	version uint64
	expires int64 // in milliseconds since 1970
	data    string
	place   int // in the heap of the shard
	*rest       // nil for a session without a subject in a store without a bound
}

// rest has the last use of a session, in a store with a bound, and its
// neighbours in the list of the shard that is ordered by last use.
type rest struct {
	used         int64
	older, newer *entry
	*owned       // nil for a session without a subject
}

// owned has the subject of a session, and links it to others whose subjects
// have the same hash. While it is linked, the subject never changes, and the
// lock of the subject's owners guards the links.
type owned struct {
	subject        string // never empty
	previous, next *entry
}

// owner returns the subject of a session, or "".
func (e *entry) owner() string {
	if e.rest == nil || e.owned == nil {
		return ""
	}
	return e.subject
}

// newRest returns the rest of a session with this subject. It copies the
// subject, which may be part of a longer string, or of a buffer that a server
// reuses.
func (s *Store) newRest(subject string) *rest {
	if subject == "" {
		if s.max <= 0 {
			return nil
		}
		return &rest{}
	}
	return &rest{owned: &owned{subject: strings.Clone(subject)}}
}

func (s *Store) newEntry(k kept) *entry {
	return &entry{id: k.id, version: k.version, expires: k.expires, data: k.data, rest: s.newRest(k.subject)}
}

// expired reports whether the session is absent. Both times are whole
// milliseconds, so the answer is exact to the millisecond.
func (e *entry) expired(now int64) bool { return e.expires <= now }

// kept is what the store keeps of a record. It needs no lock.
type kept struct {
	id      session.ID
	version uint64
	subject string
	expires int64
	data    string
}

// keep shares the data of the record. newRest copies the subject.
func keep(r session.Record) kept {
	return kept{r.ID, r.Version, r.Subject, r.ExpiresAt.UnixMilli(), text(r.Data)}
}

func (e *entry) kept() kept { return kept{e.id, e.version, e.owner(), e.expires, e.data} }

// record returns the session as a record, which shares its data.
func (k *kept) record() session.Record {
	return session.Record{
		ID: k.id, Version: k.version, Subject: k.subject,
		ExpiresAt: time.UnixMilli(k.expires).UTC(), Data: unsafe.Slice(unsafe.StringData(k.data), len(k.data)),
	}
}

// text returns data as a string, which takes less room than a slice. Like a
// string, data never changes: session.Store says so.
func text(data []byte) string { return unsafe.String(unsafe.SliceData(data), len(data)) }

func failed(doing string, err error) error { return fmt.Errorf("memory: %s: %w", doing, err) }
