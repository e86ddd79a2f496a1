package session

import (
	"context"
	"time"
)

// A Store keeps records and knows nothing of cookies, types or requests.
//
// Implementations are safe for concurrent use, neither open nor close the
// clients that they are given, and start no goroutine. The package storetest
// holds an implementation to this contract.
//
// Each method returns one of the errors named for it, possibly wrapped, or an
// error that means that the backend failed. A failure of the backend must
// never look like ErrNotFound, and a context that is done is a failure. After
// a failure the outcome of a write is unknown, and the caller reads before it
// tries again; ErrExists, ErrConflict and ErrNotFound on the other hand are
// promises that this call wrote nothing. A store whose client repeats a write
// by itself therefore has to recognise its own write, or stop the client from
// repeating.
//
// A record is absent from the moment of its ExpiresAt on, whatever the
// backend does about removing it, and a zero ExpiresAt has passed. Times are
// kept to the millisecond. The store takes no ownership of a slice that it is
// given and the caller owns each slice that it gets: neither aliases the other.
//
// A Subject is at most 255 bytes of UTF-8 without NUL, and compared byte for
// byte: neither case nor trailing spaces may be folded, and control characters
// count. A manager with a realm stores the realm, the unit separator U+001F and
// the subject, and a store makes nothing of that.
//
// What a logout leaves is a record like any other: an Update with an empty
// Subject and an ExpiresAt that is near.
type Store interface {
	// Load returns the record, or ErrNotFound when it is absent or expired.
	Load(ctx context.Context, id ID) (Record, error)

	// Create stores a record that is not there yet; of several callers that
	// race for one ID exactly one succeeds, and the others get ErrExists. The
	// stored Version is r.Version as given.
	Create(ctx context.Context, r Record) error

	// Update replaces Subject, ExpiresAt and Data of the record whose stored
	// version is r.Version, and stores r.Version+1 with them. It returns
	// ErrConflict over any other version, ErrNotFound when the record is
	// absent or expired; then nothing is written. The Subject may become empty,
	// and ExpiresAt may be earlier than the stored one. An ExpiresAt that has
	// passed leaves the record absent: so it is a conditional delete. It should
	// need no room, since a store that is full is asked for it at a logout.
	Update(ctx context.Context, r Record) error

	// Touch moves the expiry of a live record to expiresAt, if that is later
	// than what is stored; else it changes nothing and reports no error. It
	// never changes data or version. ErrNotFound when the record is absent or
	// expired: a touch revives nothing.
	Touch(ctx context.Context, id ID, expiresAt time.Time) error

	// Delete removes the record. That it was absent is no error.
	Delete(ctx context.Context, id ID) error

	// List returns the live records of a subject, the newest first: in
	// descending order of their IDs, which start with the time of creation.
	// An empty subject owns nothing.
	List(ctx context.Context, subject string) ([]Record, error)

	// DeleteAll removes the live records of a subject, but for those in
	// except, and returns how many it removed. It removes each session of the
	// subject whose Create or Update had returned before the call, at once
	// where the backend can. An empty subject owns nothing.
	DeleteAll(ctx context.Context, subject string, except ...ID) (int, error)
}

// A Record is what a Store keeps of one session.
type Record struct {
	ID        ID
	Version   uint64    // counts updates; what Update compares
	Subject   string    // whose session it is, with the realm before it; empty before login and after logout
	ExpiresAt time.Time // last use plus IdleTimeout; absent from this moment on, to the millisecond
	Data      []byte    // opaque to the store: the engine's envelope
}
