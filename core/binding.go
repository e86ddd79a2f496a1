package session

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"time"
)

// A binding is what an envelope has of a device. The zero binding is that of a
// session whose browser was not asked.
type binding struct {
	salt     [16]byte // random, and told to nobody: of the challenges
	key      string   // the public key, in the form of package dbsc; empty if the browser was only asked
	since    int64    // when it was asked, or has signed last
	interval int64    // milliseconds that a secret is good
	proven   bool     // the browser has used the secret that it got for its key, or has refreshed it
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

// secretEnds is when the present secret of a bound session stops being good. A
// request that was sent before may be on its way for the straggler's window. It counts
// from the last proof of the device, not from the last renewal: a thief who gets a
// handler to call Renew must not have more time.
func (e *envelope) secretEnds(window time.Duration) time.Time {
	return fromMilli(e.device.since).Add(milliseconds(e.device.interval)).Add(window)
}

// overdue reports whether the present secret is one of a bound session, and past
// its time.
func (e *envelope) overdue(now time.Time, window time.Duration) bool {
	return e.device.bound() && !now.Before(e.secretEnds(window))
}

// newSecret gives the session a new secret and returns its token. If somebody is
// logged in, the response with it asks the browser to register.
//
// Half of the secret of such a session is a code of the other half. So a copy of the
// cookie is told from a guess, however old it is.
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

// secretCode is the half of a secret that follows from the other half. All that is
// hashed with the salt has a fixed length, and the first byte tells one use of it from
// the other.
func (b *binding) secretCode(t *token) (code [16]byte) {
	text := [1 + 16 + 16]byte{'s'}
	copy(text[1:], b.salt[:])
	copy(text[17:], t.secret[:16])
	sum := sha256.Sum256(text[:])
	copy(code[:], sum[:])
	return code
}

// issued reports whether a token is a copy of one that the session had since its
// browser was asked.
func (b *binding) issued(t *token) bool {
	code := b.secretCode(t)
	return b.salt != [16]byte{} && subtle.ConstantTimeCompare(t.secret[16:], code[:]) == 1
}

// A challenge is a stamp and a code that only who knows the salt can make. It is
// good for one state of the session: the refresh that it serves replaces the secret,
// and with it the challenge. So a challenge need not be stored, and is used once.
const challengeLen = 8 + 16

// stamp is the time in milliseconds and 16 random bits. Without these, challenges of
// one moment would be the same if there is a session, and differ if there is none.
func stamp(now time.Time) []byte {
	b := make([]byte, 8)
	binary.BigEndian.PutUint64(b, uint64(now.UnixMilli())<<16)
	rand.Read(b[6:])
	return b
}

// challenge returns one that is good from now on.
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

// answers reports whether a challenge is one of this state of the session, and not
// older than a secret may become.
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

// falseChallenge looks like a challenge, and is one of no session.
func falseChallenge() string {
	var code [16]byte
	rand.Read(code[:])
	return base64.RawURLEncoding.EncodeToString(append(stamp(time.Now()), code[:]...))
}
