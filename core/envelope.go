package session

import (
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"time"
)

// An envelope is what the engine seals into Record.Data. Its first byte names
// the format; all that follows in format 1:
//
//	32 bytes  SHA-256 of the secret
//	 8 bytes  write: a random mark of the write that stored this envelope
//	 1 byte   flags: 1 = a previous secret follows
//	32 bytes  SHA-256 of the previous secret, if flagged
//	varint    until when the previous secret is still good, if flagged
//	varint    created, authenticated, renewed: three times
//	uvarint   schema version
//	uvarint   length of the codec's name, then the name
//	the rest  the encoded data
//
// A time is in milliseconds since 1970; zero stands for never.
type envelope struct {
	secret        digest
	write         [8]byte
	hasPrevious   bool
	previous      digest
	previousUntil int64
	created       int64
	authenticated int64
	renewed       int64
	schema        uint64
	codec         string
	data          []byte
}

const (
	envelopeFormat = 1
	flagPrevious   = 1
)

func (e *envelope) seal() []byte {
	b := make([]byte, 0, 160+len(e.codec)+len(e.data))
	b = append(b, envelopeFormat)
	b = append(b, e.secret[:]...)
	b = append(b, e.write[:]...)
	if e.hasPrevious {
		b = append(b, flagPrevious)
		b = append(b, e.previous[:]...)
		b = binary.AppendVarint(b, e.previousUntil)
	} else {
		b = append(b, 0)
	}
	b = binary.AppendVarint(b, e.created)
	b = binary.AppendVarint(b, e.authenticated)
	b = binary.AppendVarint(b, e.renewed)
	b = binary.AppendUvarint(b, e.schema)
	b = binary.AppendUvarint(b, uint64(len(e.codec)))
	b = append(b, e.codec...)
	return append(b, e.data...)
}

var (
	errEnvelopeFormat = errors.New("unknown envelope format: a newer release of this library wrote it")
	errEnvelopeBroken = errors.New("broken envelope: something else wrote it")
)

// openEnvelope reads what seal wrote; data aliases b. codec is the name that is
// most likely in it, which then need not be copied.
func openEnvelope(b []byte, codec string) (envelope, error) {
	if len(b) == 0 {
		return envelope{}, errEnvelopeBroken
	}
	if b[0] != envelopeFormat {
		return envelope{}, errEnvelopeFormat
	}
	var e envelope
	r := reader{b: b[1:]}
	copy(e.secret[:], r.bytes(uint64(len(e.secret))))
	copy(e.write[:], r.bytes(uint64(len(e.write))))
	switch flags := r.bytes(1); {
	case r.failed:
	case flags[0] == flagPrevious:
		e.hasPrevious = true
		copy(e.previous[:], r.bytes(uint64(len(e.previous))))
		e.previousUntil = r.varint()
	case flags[0] != 0:
		return envelope{}, errEnvelopeFormat
	}
	e.created, e.authenticated, e.renewed = r.varint(), r.varint(), r.varint()
	e.schema = r.uvarint()
	if name := r.bytes(r.uvarint()); string(name) == codec {
		e.codec = codec
	} else {
		e.codec = string(name)
	}
	if r.failed {
		return envelope{}, errEnvelopeBroken
	}
	e.data = r.b
	return e, nil
}

// A reader takes values off the front of b until one is not there.
type reader struct {
	b      []byte
	failed bool
}

func (r *reader) bytes(n uint64) []byte {
	if r.failed || n > uint64(len(r.b)) {
		r.failed = true
		return nil
	}
	taken := r.b[:n]
	r.b = r.b[n:]
	return taken
}

func (r *reader) varint() int64 {
	v, n := binary.Varint(r.b)
	r.skip(n)
	return v
}

func (r *reader) uvarint() uint64 {
	v, n := binary.Uvarint(r.b)
	r.skip(n)
	return v
}

func (r *reader) skip(n int) {
	if n <= 0 {
		r.failed = true
		return
	}
	r.b = r.b[n:]
}

// What a presented secret is to an envelope.
type possession int

const (
	foreign  possession = iota // never issued for this session, or long replaced
	replaced                   // the one before the last renewal, no longer good
	graced                     // the one before the last renewal, still good
	current
)

// check compares in constant time and in the same time for each outcome.
func (e *envelope) check(d digest, now time.Time) possession {
	isCurrent := subtle.ConstantTimeCompare(e.secret[:], d[:]) == 1
	isPrevious := subtle.ConstantTimeCompare(e.previous[:], d[:]) == 1 && e.hasPrevious
	switch {
	case isCurrent:
		return current
	case isPrevious && now.UnixMilli() < e.previousUntil:
		return graced
	case isPrevious:
		return replaced
	}
	return foreign
}

// startedAt is where the absolute lifetime counts from: the last login, or
// the creation of a session that has seen none.
func (e *envelope) startedAt() time.Time { return fromMilli(max(e.created, e.authenticated)) }

// fromMilli is the time of a stamp; zero stands for never.
func fromMilli(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
