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

// milli is a time in milliseconds since 1970. All that is before is as much in
// the past as 1970, and may be too long ago to be counted in milliseconds.
func milli(t time.Time) int64 { return max(t.Unix(), 0)*1000 + int64(t.Nanosecond())/1e6 }

// newExpiry is the expiry that an Update gives: NULL keeps what is stored.
func newExpiry(at time.Time) any {
	if at.IsZero() {
		return nil
	}
	return milli(at)
}

// clock is a parameter: the time at which a statement is sent, after it has
// waited for a connection, and anew when it is sent again.
type clock struct{}

// Value implements driver.Valuer.
func (clock) Value() (driver.Value, error) { return milli(time.Now()), nil }

// key is an ID as the column takes it.
func (t *table) key(id session.ID) any {
	if t.dialect == Postgres {
		return id.String() // as pgx and pq want it
	}
	return id[:]
}

// owner is a subject as the column takes it: NULL owns nothing.
func (t *table) owner(subject string) any {
	switch {
	case subject == "":
		return nil
	case t.dialect == MySQL:
		return []byte(subject) // or interpolateParams would have it converted from the connection's charset
	}
	return subject
}

// blob is data as the column takes it, to which nil is NULL.
func blob(data []byte) []byte {
	if data == nil {
		return []byte{}
	}
	return data
}

// scan makes a record of the columns that the statements select. id is what they
// leave out, or zero.
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

// check refuses what cannot be kept.
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
