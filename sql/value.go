package sessionsql

import (
	"database/sql"
	"database/sql/driver"
	"errors"
	"math"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	session "github.com/gostateful/session/core"
)

// milli converts a time to milliseconds since 1970. Any earlier time gives zero
// or little more: it is past too, and may be too long ago to be counted in
// milliseconds.
func milli(t time.Time) int64 { return max(t.Unix(), 0)*1000 + int64(t.Nanosecond())/1e6 }

// newExpiry returns the expiry that an Update sets. NULL keeps the stored one.
func newExpiry(at time.Time) any {
	if at.IsZero() {
		return nil
	}
	return milli(at)
}

// clock is a parameter: the time when a statement is sent, after it has waited
// for a connection. A statement that is sent again has a new time.
type clock struct{}

// Value implements driver.Valuer.
func (clock) Value() (driver.Value, error) { return milli(time.Now()), nil }

// key converts an ID to the type of its column.
func (t *table) key(id session.ID) any {
	if t.dialect == Postgres {
		return id.String() // pgx and pq want text
	}
	return id[:]
}

// owner converts a subject to the type of its column. No subject is NULL.
func (t *table) owner(subject string) any {
	switch {
	case subject == "":
		return nil
	case t.dialect == MySQL:
		return []byte(subject) // with a string, interpolateParams would convert it from the connection's charset
	}
	return subject
}

// blob converts data to the type of its column, in which nil would be NULL.
func blob(data []byte) []byte {
	if data == nil {
		return []byte{}
	}
	return data
}

// scan makes a record of the columns that the statements select. id is the ID
// that they leave out, or zero.
func scan(rows *sql.Rows, id session.ID) (session.Record, error) {
	var c struct { // one allocation
		id               uuid.UUID
		version, expires int64
		subject          sql.NullString
		data             []byte
	}
	columns := []any{&c.id, &c.version, &c.expires, &c.subject, &c.data}
	if !id.IsZero() {
		c.id, columns = uuid.UUID(id), columns[1:]
	}
	err := rows.Scan(columns...)
	return session.Record{
		ID: session.ID(c.id), Version: uint64(c.version), Subject: c.subject.String,
		ExpiresAt: time.UnixMilli(c.expires).UTC(), Data: c.data,
	}, err
}

// check refuses a record that cannot be kept.
func check(r session.Record) error {
	switch {
	case r.ID.IsZero():
		return errors.New("the zero ID names no session")
	case r.Version > math.MaxInt64:
		return errors.New("a version is at most 9223372036854775807")
	case len(r.Subject) > 255 || strings.Contains(r.Subject, "\x00") || !utf8.ValidString(r.Subject):
		return errors.New("a subject is at most 255 bytes of UTF-8 without NUL")
	}
	return checkExpiry(r.ExpiresAt)
}

func checkExpiry(at time.Time) error {
	if at.Year() > 9999 {
		return errors.New("an expiry after the year 9999 cannot be kept")
	}
	return nil
}
