package session

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"time"
)

// ID is the public name of a session. By default it is a UUID version 7
// (RFC 9562), which starts with the time of creation. It does not open the
// session, so logs, lists and URLs may show it. It never changes while the
// session lives. The zero ID is invalid everywhere.
type ID [16]byte

// NewID returns a UUID version 7: 48 bits of Unix time in milliseconds and 74
// bits from crypto/rand.
func NewID() ID {
	var id ID
	binary.BigEndian.PutUint64(id[:8], uint64(time.Now().UnixMilli())<<16)
	rand.Read(id[6:])         // never fails and fills all of it, since Go 1.24
	id[6] = id[6]&0x0f | 0x70 // version 7
	id[8] = id[8]&0x3f | 0x80 // variant of RFC 9562
	return id
}

// ParseID reads what [ID.String] writes, with letters of either case. Any other
// text is an error, and so is the zero ID.
func ParseID(s string) (ID, error) {
	var id ID
	if len(s) != 36 || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return ID{}, mistakef("session: an ID has the form 01234567-89ab-7def-8123-456789abcdef")
	}
	b := []byte(s[:8] + s[9:13] + s[14:18] + s[19:23] + s[24:])
	if _, err := hex.Decode(id[:], b); err != nil {
		return ID{}, mistakef("session: an ID has the form 01234567-89ab-7def-8123-456789abcdef: %w", err)
	}
	if id.IsZero() {
		return ID{}, errZeroID
	}
	return id, nil
}

// IsZero reports whether the ID is the invalid zero ID.
func (id ID) IsZero() bool { return id == ID{} }

// String returns the 36 characters of the ID in the form of RFC 9562.
func (id ID) String() string {
	var room [36]byte
	b, _ := id.AppendText(room[:0])
	return string(b)
}

// AppendText implements [encoding.TextAppender]. It never fails.
func (id ID) AppendText(b []byte) ([]byte, error) {
	b = hex.AppendEncode(b, id[0:4])
	b = hex.AppendEncode(append(b, '-'), id[4:6])
	b = hex.AppendEncode(append(b, '-'), id[6:8])
	b = hex.AppendEncode(append(b, '-'), id[8:10])
	b = hex.AppendEncode(append(b, '-'), id[10:16])
	return b, nil
}

// MarshalText implements [encoding.TextMarshaler]. It never fails.
func (id ID) MarshalText() ([]byte, error) { return id.AppendText(nil) }

// UnmarshalText implements [encoding.TextUnmarshaler], by [ParseID].
func (id *ID) UnmarshalText(text []byte) error {
	parsed, err := ParseID(string(text))
	if err != nil {
		return err
	}
	*id = parsed
	return nil
}
