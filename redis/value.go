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

// key is where a session is. All such keys of one prefix are equally long, so
// no other prefix yields the same one.
func (s *Store) key(id session.ID) string {
	b := make([]byte, 0, 64)
	b, _ = id.AppendText(append(b, s.prefix...)) // never fails
	return string(b)
}

// subjectKey is where the set of a subject is.
func (s *Store) subjectKey(subject string) string { return s.prefix + subjects + subject }

const subjects = "subject:"

// Times have 13 digits, so that a script can write over one in its place.
const latest = 9_999_999_999_999

// millis is a time in milliseconds since 1970. All that is before is as much in
// the past as 1970, and may be too long ago to be counted in milliseconds.
func millis(t time.Time) int64 {
	if t.Before(time.UnixMilli(0)) {
		return 0
	}
	return t.UnixMilli()
}

func digits(milliseconds int64) string {
	s := strconv.FormatInt(milliseconds, 10)
	return "0000000000000"[len(s):] + s
}

// value is what a key holds of a session.
func value(r session.Record, lease int64) []byte {
	b := make([]byte, 0, 64+len(r.Subject)+len(r.Data))
	b = append(append(b, digits(millis(r.ExpiresAt))...), ' ')
	b = append(append(b, digits(lease)...), ' ')
	b = append(strconv.AppendUint(b, r.Version, 10), ' ')
	b = append(append(b, r.Subject...), 0)
	return append(b, r.Data...)
}

// headBytes is how long what stands before the data may be.
const headBytes = 2*14 + 20 + 1 + 255 + 1

// headOf returns the subject by the beginning of a value, unless there is no
// session there.
func headOf(value string) (subject string, ok bool) {
	head, _, found := strings.Cut(value, "\x00")
	if !found || len(head) < 30 || head[13] != ' ' || head[27] != ' ' {
		return "", false
	}
	_, subject, found = strings.Cut(head[28:], " ")
	return subject, found
}

// read makes the record of the reply to a GET.
func read(id session.ID, cmd get, now int64) (session.Record, error) {
	value, err := cmd.Bytes() // ours to keep
	switch {
	case errors.Is(err, redis.Nil):
		return session.Record{}, session.ErrNotFound
	case err != nil:
		return session.Record{}, err
	}
	return parse(id, value, now)
}

// parse takes over the bytes of a value. Other programs may write to Redis too,
// so it trusts nothing.
func parse(id session.ID, value []byte, now int64) (session.Record, error) {
	head, data, found := bytes.Cut(value, []byte{0})
	if !found || len(head) < 30 || head[13] != ' ' || head[27] != ' ' {
		return session.Record{}, errNoSession
	}
	number, subject, found := bytes.Cut(head[28:], []byte{' '})
	expires, err1 := strconv.ParseUint(string(head[:13]), 10, 63)
	_, err2 := strconv.ParseUint(string(head[14:27]), 10, 63)
	version, err3 := strconv.ParseUint(string(number), 10, 64)
	if !found || err1 != nil || err2 != nil || err3 != nil {
		return session.Record{}, errNoSession
	}
	if int64(expires) <= now {
		return session.Record{}, session.ErrNotFound // and Redis is about to remove it
	}
	return session.Record{
		ID: id, Version: version, Subject: string(subject),
		ExpiresAt: time.UnixMilli(int64(expires)).UTC(), Data: data,
	}, nil
}

var errNoSession = errors.New("what is stored there is no session: does another program use this prefix?")

// check refuses what cannot be kept.
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
