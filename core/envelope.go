package session

import (
	"encoding/binary"
	"errors"
	"slices"
)

// An envelope is what the engine stores in Record.Data. It is not encrypted. The
// encoded data comes first, so that it need not be moved. After it come
//
//	 1 byte   the format, 1
//	32 bytes  SHA-256 of the secret
//	 8 bytes  a mark of the write that stored this envelope: random, or the start of a new secret's hash
//	varints   created, logged in, renewed: three times
//	uvarint   generation: how often Login or Renew has replaced the secret
//	text      the carrier: the name of the cookie that the token was issued for, or TokenHeader.carrier
//	uvarint   schema version of the data
//	text      name of the codec of the data
//	fields    each a tag of one byte and a text; tag 0 ends them and has none
//	 4 bytes  big-endian: how many bytes there are between the data and this length
//
// A text is its length as a uvarint, then its bytes. A time is in milliseconds
// since 1970. Zero means never.
//
// Fields hold what few sessions have, and what later releases add. A program
// refuses an envelope with an unknown field: it may be a limit or a proof, and
// a program that ignored it could open a session that should stay closed.
type envelope struct {
	secret        digest
	mark          [8]byte
	created       int64
	loggedIn      int64 // when Login was called last
	renewed       int64 // when the present secret was made
	generation    uint64
	carrier       string
	realm         string
	ended         int64  // when Destroy ended the session: this is a tombstone
	authenticated int64  // when the subject proved its identity: loggedIn, or earlier
	clocks        Clocks // of a remembered login; else zero
	device        binding

	previous      digest // of the previous secret; zero if there is none
	previousUntil int64  // when it stops being good, or untilUsed

	content
}

// content is the application's data as it is stored.
type content struct {
	schema uint64
	codec  string
	data   []byte
	page   *page // that holds the data, if there may be room behind it

	// fingerprint tells a program whether its own type has written the data: see
	// engine.fingerprint. It is zero if the type is not plain, or if the data holds
	// parts that the type did not know.
	fingerprint uint64
}

// untilUsed is the previousUntil of a secret that stays good until the present
// one has been used.
const untilUsed = -1

const (
	envelopeFormat = 1

	fieldPrevious      = 1 // 32 bytes SHA-256 of the previous secret, then previousUntil
	fieldEnded         = 2 // a time
	fieldRealm         = 3 // Options.Realm
	fieldAuthenticated = 4 // a time: when it differs from logged in
	fieldClocks        = 5 // IdleTimeout and Lifetime in milliseconds
	fieldFingerprint   = 6 // 8 bytes
	fieldDevice        = 7 // 16 bytes of salt, since, interval, a byte that is 1 if proven, the key
)

// A page is memory that data was encoded into, with room behind it. The first
// envelope that is sealed takes the room, if it is enough. Its record is then part
// of the page, and nobody may write to it any more.
type page struct {
	b     []byte
	taken bool
}

// pageRoom is what the envelope of a visitor needs behind the data. A store keeps
// the page, so it is not more.
const pageRoom = 96

// Write implements [io.Writer].
func (p *page) Write(b []byte) (int, error) {
	p.b = append(slices.Grow(p.b, len(b)+pageRoom), b...)
	return len(b), nil
}

func (e *envelope) seal() []byte {
	var room [256]byte // few envelopes have more behind their data
	b := append(room[:0], envelopeFormat)
	b = append(b, e.secret[:]...)
	b = append(b, e.mark[:]...)
	b = binary.AppendVarint(b, e.created)
	b = binary.AppendVarint(b, e.loggedIn)
	b = binary.AppendVarint(b, e.renewed)
	b = binary.AppendUvarint(b, e.generation)
	b = appendText(b, e.carrier)
	b = binary.AppendUvarint(b, e.schema)
	b = appendText(b, e.codec)
	if e.previous != (digest{}) {
		b = appendField(b, fieldPrevious, e.previous[:], e.previousUntil)
	}
	if e.ended != 0 {
		b = appendField(b, fieldEnded, nil, e.ended)
	}
	if e.realm != "" {
		b = appendText(append(b, fieldRealm), e.realm)
	}
	if e.authenticated != e.loggedIn {
		b = appendField(b, fieldAuthenticated, nil, e.authenticated)
	}
	if e.remembered() {
		b = appendField(b, fieldClocks, nil, e.clocks.IdleTimeout.Milliseconds(), e.clocks.Lifetime.Milliseconds())
	}
	if e.fingerprint != 0 {
		b = binary.BigEndian.AppendUint64(append(b, fieldFingerprint, 8), e.fingerprint)
	}
	if e.device != (binding{}) {
		b = e.device.seal(b)
	}
	b = append(b, 0)
	b = binary.BigEndian.AppendUint32(b, uint32(len(b)))
	if p := e.page; p != nil && !p.taken && len(e.data)+len(b) <= cap(p.b) {
		p.taken = true
		return append(p.b[:len(e.data)], b...)
	}
	return slices.Concat(e.data, b)
}

// appendField appends a field of bytes and varints, of less than 128 bytes.
func appendField(b []byte, tag byte, head []byte, numbers ...int64) []byte {
	b = append(b, tag, 0)
	start := len(b)
	b = append(b, head...)
	for _, n := range numbers {
		b = binary.AppendVarint(b, n)
	}
	b[start-1] = byte(len(b) - start)
	return b
}

func appendText(b []byte, text string) []byte {
	b = binary.AppendUvarint(b, uint64(len(text)))
	return append(b, text...)
}

var (
	errEnvelopeFormat = errors.New("unknown envelope format: a newer release of this library wrote it")
	errEnvelopeBroken = errors.New("broken envelope: something else wrote it")
)

// openEnvelope reads what seal wrote. The data aliases b. A text that equals the
// one in likely is not copied.
func openEnvelope(b []byte, likely *envelope) (envelope, error) {
	end := len(b) - 4
	if end < 0 {
		return envelope{}, errEnvelopeBroken
	}
	start := end - int(binary.BigEndian.Uint32(b[end:]))
	if start < 0 || start >= end {
		return envelope{}, errEnvelopeBroken
	}
	if b[start] != envelopeFormat {
		return envelope{}, errEnvelopeFormat
	}
	var e envelope
	r := reader{b: b[start+1 : end]}
	copy(e.secret[:], r.bytes(uint64(len(e.secret))))
	copy(e.mark[:], r.bytes(uint64(len(e.mark))))
	e.created, e.loggedIn, e.renewed = r.varint(), r.varint(), r.varint()
	e.authenticated = e.loggedIn
	e.generation = r.uvarint()
	e.carrier = r.text(likely.carrier)
	e.schema = r.uvarint()
	e.codec = r.text(likely.codec)
	if err := e.openFields(&r, likely); err != nil {
		return envelope{}, err
	}
	if r.failed || len(r.b) > 0 {
		return envelope{}, errEnvelopeBroken
	}
	e.data = b[:start:start]
	return e, nil
}

func (e *envelope) openFields(r *reader, likely *envelope) error {
	for {
		tag := r.bytes(1)
		if r.failed || tag[0] == 0 {
			return nil
		}
		if tag[0] == fieldRealm {
			e.realm = r.text(likely.realm)
			continue
		}
		field := reader{b: r.bytes(r.uvarint())}
		switch tag[0] {
		case fieldPrevious:
			copy(e.previous[:], field.bytes(uint64(len(e.previous))))
			e.previousUntil = field.varint()
		case fieldEnded:
			e.ended = field.varint()
		case fieldAuthenticated:
			e.authenticated = field.varint()
		case fieldClocks:
			e.clocks = Clocks{milliseconds(field.varint()), milliseconds(field.varint())}
			field.failed = field.failed || !e.clocks.sound()
		case fieldFingerprint:
			if b := field.bytes(8); b != nil {
				e.fingerprint = binary.BigEndian.Uint64(b)
			}
		case fieldDevice:
			e.device.open(&field)
		default:
			return errEnvelopeFormat
		}
		r.failed = r.failed || field.failed || len(field.b) > 0
	}
}

// A reader takes values off the front of b. It fails when a value is missing.
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

func (r *reader) text(likely string) string {
	if b := r.bytes(r.uvarint()); string(b) != likely {
		return string(b)
	}
	return likely
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
