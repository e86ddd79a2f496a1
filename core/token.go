package session

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
)

// tokenLen is the length of a token in characters: 48 bytes are a whole number
// of base64 groups, so a token has no padding and exactly one spelling.
const tokenLen = 64

// A token is what the cookie carries: base64url(ID || secret). The ID finds the
// record, the secret opens it. No log, error or event holds a token. A type that
// holds one and may be printed, such as Session, has a String method.
type token struct {
	id     ID
	secret [32]byte // proof of possession: 256 bits, ASVS 7.2.3 asks for 128
}

// A digest is the SHA-256 of a secret. Only the digest is stored. The secret is
// random and long, so it needs no salt and no slow hash.
type digest [sha256.Size]byte

func newToken(id ID) token {
	t := token{id: id}
	rand.Read(t.secret[:]) // never fails, since Go 1.24
	return t
}

func (t *token) digest() digest { return sha256.Sum256(t.secret[:]) }

func (t *token) encode() string {
	text := t.text()
	return string(text[:])
}

func (t *token) text() (text [tokenLen]byte) {
	var b [48]byte
	copy(b[:16], t.id[:])
	copy(b[16:], t.secret[:])
	base64.RawURLEncoding.Encode(text[:], b[:])
	return text
}

// decodeToken refuses what encode cannot have written. So junk costs no call of
// the store (law 12).
func decodeToken(s string) (token, bool) {
	if len(s) != tokenLen {
		return token{}, false
	}
	var text [tokenLen]byte
	var b [48]byte
	copy(text[:], s)
	// Decode skips line breaks. The count shows that there were none.
	if n, err := base64.RawURLEncoding.Decode(b[:], text[:]); err != nil || n != len(b) {
		return token{}, false
	}
	t := token{id: ID(b[:16]), secret: [32]byte(b[16:])}
	return t, !t.id.IsZero()
}
