package session

import (
	"context"
	"iter"
	"time"
)

// A Store keeps records and knows nothing of cookies, types or requests.
//
// Implementations are safe for concurrent use and start no goroutine. They
// neither open nor close the clients that they are given. The package storetest
// tests an implementation against this contract.
//
// Errors: each method returns one of the errors named for it, possibly wrapped,
// or any other error, which means that the backend failed. A failure must never
// look like [ErrNotFound]. A context that is done is a failure.
//
// [ErrExists], [ErrConflict] and [ErrNotFound] promise that this call wrote
// nothing. After a failure the outcome of a write is unknown, and the caller
// reads before it tries again. If a database client repeats writes by itself,
// the store must recognise its own write, or stop the client from repeating.
//
// Expiry: a record is absent from its ExpiresAt on, even if the backend has not
// removed it yet. A zero ExpiresAt is never forever: Create treats it as one that
// has passed, and Update keeps what is stored. Times are kept to the millisecond.
//
// Memory: Data never changes. Neither the store nor its caller writes to a slice
// that one has given to the other, or appends to it in place. So a store may keep
// the slice that it is given, and return it to every caller.
//
// Subjects: a Subject is at most 255 bytes of UTF-8 without NUL. It is compared
// byte for byte: case, trailing spaces and control characters count. A manager
// with a realm stores the realm, the unit separator U+001F and the subject. To a
// store this is one opaque text.
//
// A logout is an Update with an empty Subject and an ExpiresAt in the near
// future. The record that remains is like any other.
type Store interface {
	// Load returns the record, or ErrNotFound when it is absent or expired.
	Load(ctx context.Context, id ID) (Record, error)

	// Create stores a new record, with r.Version as its version. It returns
	// ErrExists if the ID is taken. Of several callers that race for one ID
	// exactly one succeeds.
	Create(ctx context.Context, r Record) error

	// Update replaces Subject, ExpiresAt and Data if the stored version is
	// r.Version. It stores r.Version+1 as the new version. It returns ErrConflict
	// if the stored version is another one, and ErrNotFound if the record is
	// absent or expired. The Subject may become empty, and ExpiresAt may be
	// earlier than the stored one.
	//
	// A zero ExpiresAt keeps the expiry that is stored at that moment. So no Touch
	// since the record was read is lost. Any other ExpiresAt that has passed
	// leaves the record absent: it is a conditional delete. This should need no
	// room, because a logout asks a full store for it.
	Update(ctx context.Context, r Record) error

	// Touch moves the expiry of a live record to expiresAt, if that is later than
	// the stored one. Otherwise it changes nothing, which is no error. It never
	// changes data or version. It returns ErrNotFound if the record is absent or
	// expired: a touch revives nothing.
	Touch(ctx context.Context, id ID, expiresAt time.Time) error

	// Delete removes the record. It is no error if there is none.
	Delete(ctx context.Context, id ID) error

	// List returns the live records of a subject, newest first: in descending
	// order of their IDs, which start with the time of creation. An empty subject
	// owns nothing.
	List(ctx context.Context, subject string) ([]Record, error)

	// DeleteAll removes the live records of a subject except those given, and
	// returns how many it removed. It must remove each record of the subject
	// whose Create or Update returned before the call. It removes them all at
	// once if the backend can. An empty subject owns nothing.
	DeleteAll(ctx context.Context, subject string, except ...ID) (int, error)
}

// An Iterable is a [Store] that can iterate over all its sessions, for
// [Manager.All].
type Iterable interface {
	Store

	// All iterates over the live records, in no order. It works in pages: no step
	// works on more than a small part of them. A record that is live throughout
	// comes at least once; the store says whether it can come twice. The first
	// error ends the iteration. A context that is done is an error. While the caller
	// works on a record, it and others may call the store: no lock and no connection
	// is held then.
	All(ctx context.Context) iter.Seq2[Record, error]
}

// A Record is what a Store keeps of one session.
type Record struct {
	ID        ID
	Version   uint64    // counts updates; Update compares it
	Subject   string    // whose session it is, with the realm before it; empty before login and after logout
	ExpiresAt time.Time // last use plus IdleTimeout; absent from this moment on, to the millisecond
	Data      []byte    // opaque to the store; nobody changes it
}
