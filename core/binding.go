package session

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"time"
)

// A binding is the part of an envelope about a device. It is zero if the
// browser was never asked to register.
type binding struct {
	salt     [16]byte // random and secret; challenges are made with it
	key      string   // the public key, in the form of package dbsc; empty if the browser was only asked
	since    int64    // when the browser was asked, or last signed
	interval int64    // how long a secret is good, in milliseconds
	proven   bool     // the browser has used the secret of its registration, or has refreshed
}

func (b *binding) bound() bool { return b.key != "" }

// seal appends the binding as a field.
func (b *binding) seal(to []byte) []byte {
	field := make([]byte, 0, 64+len(b.key))
	field = append(field, b.salt[:]...)
	field = binary.AppendVarint(field, b.since)
	field = binary.AppendVarint(field, b.interval)
	if b.proven {
		field = append(field, 1)
	} else {
		field = append(field, 0)
	}
	field = append(field, b.key...)
	return appendText(append(to, fieldDevice), string(field))
}

func (b *binding) open(r *reader) {
	copy(b.salt[:], r.bytes(uint64(len(b.salt))))
	b.since, b.interval = r.varint(), r.varint()
	if proven := r.bytes(1); proven != nil {
		b.proven = proven[0] == 1
	}
	b.key = string(r.b)
	r.b = nil
	r.failed = r.failed || b.bound() && milliseconds(b.interval) == 0
}

// secretEnds returns when the present secret of a bound session stops being
// good. window allows for requests that were sent before. The time counts from
// the last proof of the device, not from the last renewal: a thief who makes a
// handler call Renew must not gain time.
func (e *envelope) secretEnds(window time.Duration) time.Time {
	return fromMilli(e.device.since).Add(milliseconds(e.device.interval)).Add(window)
}

// overdue reports whether the session is bound, and its present secret past its
// time.
func (e *envelope) overdue(now time.Time, window time.Duration) bool {
	return e.device.bound() && !now.Before(e.secretEnds(window))
}

// newSecret gives the session a new secret and returns its token. If somebody is
// logged in, the response with it asks the browser to register.
//
// If the session has a salt, half of its secret is a code of the other half. So
// an old copy of the cookie can be told from a guess, however old it is.
func (e *engine) newSecret(env *envelope, s *state, now time.Time) token {
	t := newToken(s.id)
	d := &env.device
	if e.opts.Device.Path != "" && s.subject != "" && d.salt == [16]byte{} {
		rand.Read(d.salt[:])
		d.since = now.UnixMilli()
	}
	if d.salt != [16]byte{} {
		code := d.secretCode(&t)
		copy(t.secret[16:], code[:])
	}
	env.secret = t.digest()
	return t
}

// secretCode returns the second half of a secret, which follows from the first.
// Everything that is hashed with the salt has a fixed length, and its first
// byte separates the uses of the salt.
func (b *binding) secretCode(t *token) (code [16]byte) {
	text := [1 + 16 + 16]byte{'s'}
	copy(text[1:], b.salt[:])
	copy(text[17:], t.secret[:16])
	sum := sha256.Sum256(text[:])
	copy(code[:], sum[:])
	return code
}

// issued reports whether a token is one that the session has had since its
// browser was asked.
func (b *binding) issued(t *token) bool {
	code := b.secretCode(t)
	return b.salt != [16]byte{} && subtle.ConstantTimeCompare(t.secret[16:], code[:]) == 1
}

// A challenge is a stamp, and a code that can be made only with the salt. It is
// good for one state of the session: the refresh that it serves replaces the
// secret, and so ends the challenge. So a challenge need not be stored, and can
// be used only once.
const challengeLen = 8 + 16

// stamp returns the time in milliseconds, and 16 random bits. Without the bits,
// challenges of one moment would be equal for a session, and differ where there
// is none.
func stamp(now time.Time) []byte {
	b := make([]byte, 8)
	binary.BigEndian.PutUint64(b, uint64(now.UnixMilli())<<16)
	rand.Read(b[6:])
	return b
}

// challenge returns a challenge that is good from now on.
func (e *envelope) challenge(id ID, now time.Time) string {
	b := stamp(now)
	code := e.challengeCode(id, b)
	return base64.RawURLEncoding.EncodeToString(append(b, code[:]...))
}

func (e *envelope) challengeCode(id ID, at []byte) (code [16]byte) {
	text := [1 + 16 + 8 + 16 + 32]byte{'c'}
	copy(text[1:], e.device.salt[:])
	copy(text[17:], at)
	copy(text[25:], id[:])
	copy(text[41:], e.secret[:])
	sum := sha256.Sum256(text[:])
	copy(code[:], sum[:])
	return code
}

// answers reports whether a challenge belongs to this state of the session, and
// is not too old.
func (e *envelope) answers(id ID, challenge string, now time.Time, lasts time.Duration) bool {
	b, err := base64.RawURLEncoding.DecodeString(challenge)
	if err != nil || len(b) != challengeLen || e.device.salt == [16]byte{} {
		return false
	}
	made := time.UnixMilli(int64(binary.BigEndian.Uint64(b[:8]) >> 16))
	code := e.challengeCode(id, b[:8])
	right := subtle.ConstantTimeCompare(b[8:], code[:]) == 1
	return right && now.Sub(made) < lasts && !made.After(now.Add(time.Minute))
}

// falseChallenge returns what looks like a challenge, but belongs to no
// session.
func falseChallenge() string {
	var code [16]byte
	rand.Read(code[:])
	return base64.RawURLEncoding.EncodeToString(append(stamp(time.Now()), code[:]...))
}
