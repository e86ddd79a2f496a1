package session

import (
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
	var faults []error
	fault := func(broken bool, format string, args ...any) {
		if broken {
			faults = append(faults, fmt.Errorf("session: "+format, args...))
		}
	}
	duration := func(name string, d *time.Duration, standard time.Duration) {
		fault(*d != 0 && *d < time.Millisecond, "%s %v: must be at least a millisecond, or zero for %v", name, *d, standard)
		fault(*d > longest, "%s %v: must be at most 100 years, which every store can keep", name, *d)
		if *d == 0 {
			*d = standard
		}
	}
	duration("Lifetime", &filled.Lifetime, 24*time.Hour)
	duration("IdleTimeout", &filled.IdleTimeout, min(time.Hour, max(filled.Lifetime, time.Millisecond)))
	duration("StoreTimeout", &filled.StoreTimeout, 3*time.Second)
	duration("StragglerWindow", &filled.StragglerWindow, time.Minute)
	fault(filled.IdleTimeout > filled.Lifetime, "IdleTimeout %v is longer than Lifetime %v and would never end a session", filled.IdleTimeout, filled.Lifetime)
	fault(filled.RenewEvery < 0, "RenewEvery %v: must not be negative; zero renews only at Login and Renew", filled.RenewEvery)
	fault(filled.RenewEvery > 0 && filled.StragglerWindow >= filled.RenewEvery, "StragglerWindow %v must be shorter than RenewEvery %v", filled.StragglerWindow, filled.RenewEvery)
	forgotten := filled.Cookie.Persistent && filled.Lifetime > longestCookie && (filled.RenewEvery == 0 || filled.RenewEvery > longestCookie/2)
	fault(forgotten, "Lifetime %v: browsers drop a persistent cookie after 400 days: set RenewEvery to at most 200 days, which sends it again, or shorten Lifetime", filled.Lifetime)
	fault(len(filled.Realm) > 64 || !cleanText(filled.Realm), "Realm %q: must be at most 64 bytes of UTF-8 without NUL and without the unit separator U+001F", filled.Realm)
	fault(filled.MaxBytes < 0, "MaxBytes %d: must not be negative; zero means 1 MiB", filled.MaxBytes)
	if filled.MaxBytes == 0 {
		filled.MaxBytes = 1 << 20
	}
	if filled.NewID == nil {
		filled.NewID = NewID
	}

	c := &filled.Codec
	if c.Name == "" && c.Marshal == nil && c.Unmarshal == nil && c.Merge == nil {
		*c = jsonCodec
	}
	fault(c.Name == "" || len(c.Name) > 64, "Codec.Name must have 1 to 64 characters: it is stored with the data")
	fault(c.Marshal == nil || c.Unmarshal == nil, "Codec needs both Marshal and Unmarshal")

	filled.Cookie.Former = slices.Clone(filled.Cookie.Former) // which is the caller's
	if err := filled.Cookie.setDefaults(); err != nil {
		faults = append(faults, err)
	}
	return filled, errors.Join(faults...)
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
