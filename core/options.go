package session

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Options for [New]. A nil *Options and the zero value of each field mean the
// safe default. Durations are at least a millisecond and at most 100 years,
// except RenewEvery.
type Options struct {
	// IdleTimeout ends a session after this long without use. Zero means one hour,
	// or Lifetime if that is shorter. A use is a request that calls [Manager.Get].
	// Not each use is written. The recorded one may lag by a tenth of IdleTimeout
	// or by one minute, whichever is less. A session may end that much early.
	IdleTimeout time.Duration

	// Lifetime ends a session however much it is used. Zero means 24 hours. It
	// counts from the last login, or from the creation if there was no login (NIST
	// SP 800-63B, reauthentication).
	Lifetime time.Duration

	// Remember holds the clocks of logins with LoginOptions.Remember. If its
	// IdleTimeout is zero, its Lifetime counts for both. A session keeps the clocks
	// that it was remembered with, and its cookie is persistent. With the zero
	// value, such a login is an error.
	Remember Clocks

	// MaxPerSubject is how many sessions a subject may keep. After a login, the
	// least recently used ones beyond that number end. The limit holds for
	// simultaneous logins too. If the store fails here, the login stands and too
	// many sessions remain. Zero means no limit.
	MaxPerSubject int

	// Cookie holds the attributes of the cookie.
	Cookie Cookie

	// Header carries the token in place of the cookie, if it has a Name. A manager
	// reads either the cookie or the header. A token that was issued for one opens
	// nothing through the other.
	Header TokenHeader

	// Device binds the sessions of users to the device of their browser. The zero
	// value binds none. It is experimental.
	Device Device

	// NewID makes the ID of a new session. Nil means the function [NewID]: a UUID
	// version 7. It must be safe for concurrent use and must not return an ID
	// twice. The ID need not be secret.
	NewID func() ID

	// Codec encodes the data. The zero value means JSON that keeps fields unknown
	// to this program.
	Codec Codec

	// Schema is the version of the data type. It is stored with the data. Raise
	// it when older data needs Migrate.
	Schema uint64

	// Migrate converts data of a lower Schema or another codec to the present
	// encoding. The session is stored in the new form with its next change. If
	// Migrate is nil, the Codec reads data of a lower Schema as it is, and data of
	// another codec is [ErrUndecodable]. Migrate must be safe for concurrent use.
	// It owns old.Data, and the Manager owns what it returns.
	Migrate func(old Encoded) ([]byte, error)

	// DiscardUndecodable starts a new session if the stored data cannot be
	// decoded, and reports [EventDiscarded]. The stored session stays as it is.
	// By default [Manager.Get] returns [ErrUndecodable], so that a faulty
	// deployment loses nobody's session.
	DiscardUndecodable bool

	// Logger gets a line for each event, with the ID, the subject and the
	// duration, and never with a token. Failures are at level Error, dropped
	// changes and reused secrets at Warn, all else at Debug.
	//
	// Nil means slog.Default(), for Error and Warn only, without the subject, and
	// at most one line a second of each kind. To silence all, set a logger with
	// slog.DiscardHandler.
	//
	// If the Logger logs at Debug, the Manager also looks for data that was
	// changed outside [Session.Update], and reports it as an error.
	Logger *slog.Logger

	// Observer, if set, gets each event, for metrics and tracing. It runs on the
	// goroutine of the caller, with the context of the request or of the call. It
	// must be safe for concurrent use and return soon. No lock is held while it
	// runs.
	Observer func(ctx context.Context, e Event)

	// StoreTimeout bounds each load, each commit with all its retries, and each
	// other call of the store. Zero means three seconds.
	StoreTimeout time.Duration

	// MaxBytes bounds the encoded data of one session. Zero means 1 MiB.
	MaxBytes int

	// RenewEvery is the maximum age of a secret. The next use after it replaces the
	// secret. Zero means that only Login and Renew do. It must be longer than
	// StragglerWindow.
	//
	// The previous secret stays good until the new one has been used, and for
	// StragglerWindow after that. So a browser that lost the response keeps its
	// session, and is offered another secret after the window.
	RenewEvery time.Duration

	// StragglerWindow is how long a request may be on its way. Zero means one
	// minute. For this long after a Login, a Renew or a Destroy, a request with an
	// older secret gets an empty session and can only log in. Its changes return
	// [ErrSuperseded] (409), and Retry-After in its response says when the window
	// ends. After the window its browser is a visitor without a session.
	StragglerWindow time.Duration

	// Realm separates the sessions in one store. Managers of different realms see
	// nothing of each other's sessions, by token, subject or ID. Managers of one
	// realm, such as the empty one, share the sessions of a subject. Each can list
	// and revoke them all, but opens only the tokens of its own cookie. A change of
	// the realm logs everybody out. A realm has at most 64 bytes of UTF-8, without
	// NUL and without the unit separator U+001F.
	Realm string
}

// Clocks are the two time limits of a session.
type Clocks struct {
	IdleTimeout time.Duration // without use
	Lifetime    time.Duration // since the last login, however much it is used
}

// touchInterval is how far the recorded use may lag.
func (c Clocks) touchInterval() time.Duration { return min(c.IdleTimeout/10, time.Minute) }

// sound reports whether every store can keep a session with these clocks, and
// both have an effect.
func (c Clocks) sound() bool {
	return c.IdleTimeout >= time.Millisecond && c.IdleTimeout <= c.Lifetime && c.Lifetime <= longest
}

// withDefaults returns the options with the defaults filled in, or every fault.
func (o *Options) withDefaults() (Options, error) {
	var filled Options
	if o != nil {
		filled = *o
	}
	cookie := !filled.Cookie.isZero()
	filled.setDefaults()
	var f faults
	filled.check(&f)
	filled.checkHeader(&f, cookie)
	return filled, errors.Join(f...)
}

func (o *Options) setDefaults() {
	o.Lifetime = cmp.Or(o.Lifetime, 24*time.Hour)
	o.IdleTimeout = cmp.Or(o.IdleTimeout, min(time.Hour, max(o.Lifetime, time.Millisecond)))
	o.Remember.IdleTimeout = cmp.Or(o.Remember.IdleTimeout, o.Remember.Lifetime)
	o.StoreTimeout = cmp.Or(o.StoreTimeout, 3*time.Second)
	o.StragglerWindow = cmp.Or(o.StragglerWindow, time.Minute)
	o.MaxBytes = cmp.Or(o.MaxBytes, 1<<20)
	if o.NewID == nil {
		o.NewID = NewID
	}
	if c := &o.Codec; c.Name == "" && c.Marshal == nil && c.Unmarshal == nil && c.Merge == nil {
		*c = jsonCodec
	}
	o.Header.setDefaults()
	o.setDeviceDefaults()
	o.Cookie.Former = slices.Clone(o.Cookie.Former) // the caller owns the original
	o.Cookie.setDefaults()
}

func (o *Options) check(f *faults) {
	for _, d := range []struct {
		name string
		time.Duration
	}{{"Lifetime", o.Lifetime}, {"IdleTimeout", o.IdleTimeout}, {"StoreTimeout", o.StoreTimeout}, {"StragglerWindow", o.StragglerWindow}} {
		f.add(d.Duration < time.Millisecond, "%s %v: must be at least a millisecond, or zero for the default", d.name, d.Duration)
		f.add(d.Duration > longest, "%s %v: must be at most 100 years, which every store can keep", d.name, d.Duration)
	}
	f.add(o.IdleTimeout > o.Lifetime, "IdleTimeout %v is longer than Lifetime %v and would never end a session", o.IdleTimeout, o.Lifetime)
	f.add(o.RenewEvery < 0, "RenewEvery %v: must not be negative; zero renews only at Login and Renew", o.RenewEvery)
	f.add(o.RenewEvery > 0 && o.StragglerWindow >= o.RenewEvery, "StragglerWindow %v must be shorter than RenewEvery %v", o.StragglerWindow, o.RenewEvery)
	o.checkRemember(f)
	f.add(o.Cookie.Persistent && o.forgets(o.Lifetime), forgotten, "Lifetime", o.Lifetime)
	f.add(o.MaxPerSubject < 0, "MaxPerSubject %d: must not be negative; zero means no limit", o.MaxPerSubject)
	f.add(len(o.Realm) > 64 || !cleanText(o.Realm), "Realm %q: must be at most 64 bytes of UTF-8 without NUL and without the unit separator U+001F", o.Realm)
	f.add(o.MaxBytes < 0, "MaxBytes %d: must not be negative; zero means 1 MiB", o.MaxBytes)
	f.add(o.Codec.Name == "" || len(o.Codec.Name) > 64, "Codec.Name must have 1 to 64 characters: it is stored with the data")
	f.add(o.Codec.Marshal == nil || o.Codec.Unmarshal == nil, "Codec needs both Marshal and Unmarshal")
	o.Cookie.check(f)
	o.Cookie.checkFormer(f)
	o.checkDevice(f)
}

func (o *Options) checkRemember(f *faults) {
	c := o.Remember
	switch {
	case c == Clocks{}:
		return
	case c.Lifetime < time.Millisecond || c.IdleTimeout < time.Millisecond:
		f.add(true, "Remember %v: needs a Lifetime, and an IdleTimeout or zero for the Lifetime, each of at least a millisecond", c)
	case c.Lifetime > longest || c.IdleTimeout > longest:
		f.add(true, "Remember %v: must be at most 100 years, which every store can keep", c)
	}
	f.add(c.IdleTimeout > c.Lifetime, "Remember.IdleTimeout %v is longer than Remember.Lifetime %v and would never end a session", c.IdleTimeout, c.Lifetime)
	f.add(o.forgets(c.Lifetime), forgotten, "Remember.Lifetime", c.Lifetime)
}

const forgotten = "%s %v: browsers drop a persistent cookie after 400 days: set RenewEvery to at most 200 days, which sends it again, or shorten the Lifetime"

// forgets reports whether browsers drop a persistent cookie before lifetime
// ends.
func (o *Options) forgets(lifetime time.Duration) bool {
	return lifetime > longestCookie && (o.RenewEvery == 0 || o.RenewEvery > longestCookie/2)
}

// faults collects all that is wrong with the options.
type faults []error

func (f *faults) add(broken bool, format string, args ...any) {
	if broken {
		*f = append(*f, fmt.Errorf("session: "+format, args...))
	}
}

// longest is a duration that every store can keep and calculate with.
const longest = 100 * 365 * 24 * time.Hour

// cleanText reports whether every store can keep a text, and whether it lacks
// the separator between realm and subject.
func cleanText(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsAny(text, "\x00"+realmSeparator)
}
