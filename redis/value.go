package sessionredis

import (
	"bytes"
	"context"
	"errors"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/redis/go-redis/v9"

	session "github.com/gostateful/session/core"
)

// key returns the key of a session. All such keys of one prefix are equally
// long, so no other prefix yields the same key.
func (s *Store) key(id session.ID) string {
	b := make([]byte, 0, 64)
	b, _ = id.AppendText(append(b, s.prefix...)) // never fails
	return string(b)
}

// subjectKey returns the key of the set of a subject.
func (s *Store) subjectKey(subject string) string { return s.prefix + subjects + subject }

const subjects = "subject:"

// latest is the last time with 13 digits. All times have 13, so that scripts
// can compare them as text.
const latest = 9_999_999_999_999

// millis converts a time to milliseconds since 1970. Any earlier time gives
// zero: it is past too, and may be too long ago to be counted in milliseconds.
func millis(t time.Time) int64 {
	if t.Before(time.UnixMilli(0)) {
		return 0
	}
	return t.UnixMilli()
}

// appendDigits appends a number with at least width digits.
func appendDigits(b []byte, n uint64, width int) []byte {
	var text [20]byte
	digits := strconv.AppendUint(text[:0], n, 10)
	for range width - len(digits) {
		b = append(b, '0')
	}
	return append(b, digits...)
}

func digits(milliseconds int64) string {
	var text [13]byte
	return string(appendDigits(text[:0], uint64(milliseconds), len(text)))
}

// The positions of the fields of a value. The subject ends at a zero byte, and
// the data begins after it.
const (
	leaseAt   = 13 + 1
	versionAt = leaseAt + 13 + 1
	subjectAt = versionAt + 20 + 1

	headBytes = subjectAt + 255 + 1 // at most
)

// newValue returns the value of a session's key.
func newValue(r session.Record, lease int64) []byte {
	return appendValue(make([]byte, 0, subjectAt+len(r.Subject)+1+len(r.Data)), r, lease)
}

// change returns what an update expects to be stored between the expiry and the
// data, and the new value.
func change(r session.Record, expected, lease int64) (rest, value []byte) {
	b := make([]byte, 0, 2*(subjectAt+len(r.Subject)+1)+len(r.Data))
	b = appendRest(b, r.Version, expected, r.Subject)
	n := len(b)
	r.Version++
	b = appendValue(b, r, lease)
	return b[:n:n], b[n:]
}

func appendValue(b []byte, r session.Record, lease int64) []byte {
	b = appendDigits(b, uint64(millis(r.ExpiresAt)), 13)
	b = appendRest(b, r.Version, lease, r.Subject)
	return append(b, r.Data...)
}

// appendRest appends what is between the expiry and the data.
func appendRest(b []byte, version uint64, lease int64, subject string) []byte {
	b = appendDigits(append(b, ' '), uint64(lease), 13)
	b = appendDigits(append(b, ' '), version, 20)
	return append(append(append(b, ' '), subject...), 0)
}

// cut splits a value into its fields. ok is false if it is no session.
func cut(value []byte) (expires, lease, version, subject, data []byte, ok bool) {
	head, data, found := bytes.Cut(value, []byte{0})
	if !found || len(head) < subjectAt || head[leaseAt-1] != ' ' || head[versionAt-1] != ' ' || head[subjectAt-1] != ' ' {
		return nil, nil, nil, nil, nil, false
	}
	return head[:leaseAt-1], head[leaseAt : versionAt-1], head[versionAt : subjectAt-1], head[subjectAt:], data, true
}

// read returns the record in the reply to a GET.
func read(id session.ID, cmd get, now int64) (r session.Record, lease int64, err error) {
	value, err := cmd.Bytes() // the record may keep it
	switch {
	case errors.Is(err, redis.Nil):
		return session.Record{}, 0, session.ErrNotFound
	case err != nil:
		return session.Record{}, 0, err
	}
	return parse(id, value, now)
}

// parse reads a value, and keeps its bytes. It trusts nothing, because other
// programs may write to Redis too.
func parse(id session.ID, value []byte, now int64) (r session.Record, lease int64, err error) {
	until, leased, number, subject, data, ok := cut(value)
	expires, err1 := strconv.ParseUint(string(until), 10, 63)
	end, err2 := strconv.ParseUint(string(leased), 10, 63)
	version, err3 := strconv.ParseUint(string(number), 10, 64)
	if !ok || err1 != nil || err2 != nil || err3 != nil {
		return session.Record{}, 0, errNoSession
	}
	if int64(expires) <= now {
		return session.Record{}, 0, session.ErrNotFound // Redis is about to remove it
	}
	return session.Record{
		ID: id, Version: version, Subject: string(subject),
		ExpiresAt: time.UnixMilli(int64(expires)).UTC(), Data: data,
	}, int64(end), nil
}

var errNoSession = errors.New("what is stored there is no session: does another program use this prefix?")

// check refuses a record that cannot be kept.
func (s *Store) check(ctx context.Context, r session.Record) error {
	switch {
	case r.ID.IsZero():
		return errors.New("the zero ID names no session")
	case len(r.Subject) > 255 || strings.Contains(r.Subject, "\x00") || !utf8.ValidString(r.Subject):
		return errors.New("a subject is at most 255 bytes of UTF-8 without NUL")
	case s.ready(ctx) != nil:
		return s.ready(ctx)
	}
	return checkExpiry(r.ExpiresAt)
}

func checkExpiry(at time.Time) error {
	if at.After(time.UnixMilli(latest)) {
		return errors.New("an expiry after the year 2286 cannot be kept")
	}
	return nil
}
