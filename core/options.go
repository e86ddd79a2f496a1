package session

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"
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

	// Logger, if set, gets one debug line for each event, with the ID and the
	// duration and never a token. At debug level the engine also looks for
	// data that was changed in place, outside Update, and reports it as an error.
	Logger *slog.Logger

	// Observer, if set, is called with each event, from the goroutine of the
	// request and with its context: metrics and tracing hang here. It must
	// return soon and not use the session.
	Observer func(ctx context.Context, e Event)

	// StoreTimeout bounds each load, and each commit with all its retries;
	// zero means three seconds.
	StoreTimeout time.Duration

	// MaxBytes bounds the encoded data of one session; zero means 1 MiB.
	MaxBytes int

	// RenewEvery replaces the secret of a session each time that it has been
	// in use for so long; zero means only at Login and Renew. RenewGrace is
	// for how long the previous secret then stays good, for the requests that
	// are on their way; zero means one minute. A secret that Login or Renew
	// replaced is refused at once. A browser that gets no response that
	// carries the new secret, until the grace is over, has lost the session,
	// and so has one whose renewal the store made without being able to say so.
	// Login and Renew with the previous secret get ErrSuperseded in the grace.
	RenewEvery time.Duration
	RenewGrace time.Duration
}

// Encoded is stored data and what it was written with.
type Encoded struct {
	Codec  string // Codec.Name
	Schema uint64 // Options.Schema
	Data   []byte
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
		if *d == 0 {
			*d = standard
		}
	}
	duration("Lifetime", &filled.Lifetime, 24*time.Hour)
	duration("IdleTimeout", &filled.IdleTimeout, min(time.Hour, max(filled.Lifetime, time.Millisecond)))
	duration("StoreTimeout", &filled.StoreTimeout, 3*time.Second)
	duration("RenewGrace", &filled.RenewGrace, time.Minute)
	fault(filled.IdleTimeout > filled.Lifetime, "IdleTimeout %v is longer than Lifetime %v and would never end a session", filled.IdleTimeout, filled.Lifetime)
	fault(filled.RenewEvery < 0, "RenewEvery %v: must not be negative; zero renews only at Login and Renew", filled.RenewEvery)
	fault(filled.RenewEvery > 0 && filled.RenewGrace >= filled.RenewEvery, "RenewGrace %v must be shorter than RenewEvery %v", filled.RenewGrace, filled.RenewEvery)
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

	if err := filled.Cookie.setDefaults(); err != nil {
		faults = append(faults, err)
	}
	return filled, errors.Join(faults...)
}

// touchInterval is how much older than now a recorded use may be.
func (o *Options) touchInterval() time.Duration {
	return min(o.IdleTimeout/10, time.Minute)
}
