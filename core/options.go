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

// Options for New. The zero value of each field, and a nil *Options, mean the
// safe default.
type Options struct {
	// IdleTimeout ends a session that is not used for so long; zero means one
	// hour. What counts as use is a request that asks for the session. It is
	// recorded at most every tenth of the timeout, or every minute.
	IdleTimeout time.Duration

	// Lifetime ends a session however much it is used; zero means 24 hours.
	// It counts from the last login, or from the creation before any login
	// (NIST SP 800-63B, reauthentication).
	Lifetime time.Duration

	Cookie Cookie

	// NewID makes the ID of a new session; nil means the function NewID, a
	// UUID version 7. It is called from many goroutines and must not repeat
	// itself; the ID need not be secret.
	NewID func() ID

	// Codec encodes the data; the zero value means JSON that keeps the fields
	// it does not know.
	Codec Codec

	// Schema numbers the present form of the data type. It is stored with the
	// data. Raise it when older data needs Migrate.
	Schema uint64

	// Migrate brings data that was written with a lower Schema, or with
	// another codec, into the present encoding. Nil leaves data of a lower
	// Schema to the Codec as it is and fails on another codec. The session is
	// stored in the new form with its next change. Called from many goroutines.
	Migrate func(old Encoded) ([]byte, error)

	// DiscardUndecodable starts a fresh session where the stored data cannot
	// be decoded, and reports EventDiscarded. By default this is an error, so
	// that a faulty deployment loses nobody's session.
	DiscardUndecodable bool

	// Logger gets a line for each event, with the ID and the duration and never
	// a token: failures at level Error, dropped changes and reused secrets at
	// Warn, all else at Debug. Nil means slog.Default() for Error and Warn, and
	// no other lines; slog.DiscardHandler silences them. At debug level the
	// engine also looks for data that was changed in place, outside Update, and
	// reports it as an error.
	Logger *slog.Logger

	// Observer, if set, is called with each event, from the goroutine of the
	// request and with its context: metrics and tracing hang here. It must
	// return soon. Nothing is locked while it runs.
	Observer func(ctx context.Context, e Event)

	// StoreTimeout bounds each load, and each commit with all its retries;
	// zero means three seconds.
	StoreTimeout time.Duration

	// MaxBytes bounds the encoded data of one session; zero means 1 MiB.
	MaxBytes int

	// RenewEvery replaces the secret of a session that has been in use for so
	// long; zero means only at Login and Renew. The previous secret stays good
	// until the new one has been used, and for StragglerWindow after that: a
	// browser that lost the response loses nothing, and is offered another
	// secret when the window is over.
	RenewEvery time.Duration

	// StragglerWindow is how long a request may be on its way; zero means one
	// minute. For so long after a Login, a Renew or a Destroy, a request with an
	// older secret of the session reads nothing and changes nothing but by Login:
	// it gets ErrSuperseded, and the client 409 with Retry-After. After that its
	// browser is a visitor without a session.
	StragglerWindow time.Duration

	// Realm separates the sessions in one store. Managers of different realms
	// see nothing of each other's sessions, by token, subject or ID. Managers of
	// one realm, such as the empty one, share the sessions of a subject: each can
	// list and revoke them, and each opens only the tokens of its own cookie.
	// Changing the realm logs everybody out. At most 64 bytes of UTF-8, without
	// NUL and without the unit separator U+001F.
	Realm string
}

// withDefaults returns the options with nothing left empty, or every fault.
func (o *Options) withDefaults() (Options, error) {
	var filled Options
	if o != nil {
		filled = *o
	}
	filled.setDefaults()
	var f faults
	filled.check(&f)
	return filled, errors.Join(f...)
}

func (o *Options) setDefaults() {
	o.Lifetime = cmp.Or(o.Lifetime, 24*time.Hour)
	o.IdleTimeout = cmp.Or(o.IdleTimeout, min(time.Hour, max(o.Lifetime, time.Millisecond)))
	o.StoreTimeout = cmp.Or(o.StoreTimeout, 3*time.Second)
	o.StragglerWindow = cmp.Or(o.StragglerWindow, time.Minute)
	o.MaxBytes = cmp.Or(o.MaxBytes, 1<<20)
	if o.NewID == nil {
		o.NewID = NewID
	}
	if c := &o.Codec; c.Name == "" && c.Marshal == nil && c.Unmarshal == nil && c.Merge == nil {
		*c = jsonCodec
	}
	o.Cookie.Former = slices.Clone(o.Cookie.Former) // which is the caller's
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
	forgotten := o.Cookie.Persistent && o.Lifetime > longestCookie && (o.RenewEvery == 0 || o.RenewEvery > longestCookie/2)
	f.add(forgotten, "Lifetime %v: browsers drop a persistent cookie after 400 days: set RenewEvery to at most 200 days, which sends it again, or shorten Lifetime", o.Lifetime)
	f.add(len(o.Realm) > 64 || !cleanText(o.Realm), "Realm %q: must be at most 64 bytes of UTF-8 without NUL and without the unit separator U+001F", o.Realm)
	f.add(o.MaxBytes < 0, "MaxBytes %d: must not be negative; zero means 1 MiB", o.MaxBytes)
	f.add(o.Codec.Name == "" || len(o.Codec.Name) > 64, "Codec.Name must have 1 to 64 characters: it is stored with the data")
	f.add(o.Codec.Marshal == nil || o.Codec.Unmarshal == nil, "Codec needs both Marshal and Unmarshal")
	o.Cookie.check(f)
	o.Cookie.checkFormer(f)
}

// faults are all that is wrong with the options, so that New can tell it at once.
type faults []error

func (f *faults) add(broken bool, format string, args ...any) {
	if broken {
		*f = append(*f, fmt.Errorf("session: "+format, args...))
	}
}

// longest is what every store can keep, with room for its arithmetic.
const longest = 100 * 365 * 24 * time.Hour

// cleanText reports whether a store can keep a text and tell realm from subject.
func cleanText(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsAny(text, "\x00"+realmSeparator)
}

// touchInterval is how much older than now a recorded use may be.
func (o *Options) touchInterval() time.Duration {
	return min(o.IdleTimeout/10, time.Minute)
}
