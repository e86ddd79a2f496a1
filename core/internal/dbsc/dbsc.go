// Package dbsc is the wire format of Device Bound Session Credentials, as the
// editor's draft of the W3C has it (https://w3c.github.io/webappsec-dbsc/, read in
// November 2026) and as Chromium 156 does it. The draft may still move. All that may
// move with it is in this file.
package dbsc

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"net/url"
	"strings"
)

// The names of the header fields.
const (
	Registration = "Secure-Session-Registration" // of a response: make a key, and register it
	Challenge    = "Secure-Session-Challenge"    // of a response: what to sign next
	Response     = "Secure-Session-Response"     // of a request: a proof
	SessionID    = "Sec-Secure-Session-Id"       // of a request: it is a refresh, of the session with this identifier
	Skipped      = "Secure-Session-Skipped"      // of a request: it comes without the cookie, as the refresh failed
)

// Offer is the value of Registration. Neither text may contain a quote, a backslash
// or anything but visible ASCII.
func Offer(path, challenge string) string {
	return `(ES256 RS256);path="` + path + `";challenge="` + challenge + `"`
}

// Ask is the value of Challenge for a session.
func Ask(challenge, identifier string) string { return `"` + challenge + `";id="` + identifier + `"` }

// Text reads the value of a header field that is one string, with quotes or without,
// and ignores its parameters. The string can be sent back in quotes.
func Text(value string) (text string, ok bool) {
	text = strings.Trim(value, " ")
	if rest, quoted := strings.CutPrefix(text, `"`); quoted {
		text, _, ok = strings.Cut(rest, `"`)
	} else {
		text, _, _ = strings.Cut(text, ";")
		ok = true
	}
	barred := func(c rune) bool { return c < ' ' || c >= 0x7f || c == '"' || c == '\\' }
	return text, ok && text != "" && !strings.ContainsFunc(text, barred)
}

// maxSkips bounds how many sessions of one request are looked at.
const maxSkips = 10

// A Skip says that a browser could not refresh a session.
type Skip struct {
	Reason     string // unreachable, server_error or quota_exceeded
	Identifier string
}

// Skips reads the lines of Skipped, and passes over what it cannot read.
func Skips(lines []string) (skips []Skip) {
	for _, line := range lines {
		for member := range strings.SplitSeq(line, ",") {
			if len(skips) == maxSkips {
				return skips
			}
			reason, parameters, _ := strings.Cut(strings.Trim(member, " "), ";")
			for parameter := range strings.SplitSeq(parameters, ";") {
				name, value, _ := strings.Cut(strings.Trim(parameter, " "), "=")
				if identifier := strings.Trim(value, `"`); name == "session_identifier" && identifier != "" {
					skips = append(skips, Skip{reason, identifier})
				}
			}
		}
	}
	return skips
}

// Identifier is the name that a browser gets for a session that it registers. It is the
// same for each login with one cookie at one origin, so that a registration replaces the
// one before: nobody is logged in again by the key of somebody else's login. Browsers
// have one list of names for a whole site, with all its hosts. So the origin is in it.
// Without one, or with an opaque one, it is a name for this session alone.
func Identifier(cookie, origin, id string) string {
	if origin == "" || origin == "null" {
		return cookie + "." + id
	}
	sum := sha256.Sum256([]byte(origin))
	return cookie + "." + base64.RawURLEncoding.EncodeToString(sum[:16])
}

// Cookie is the name of the cookie in an identifier, or "".
func Cookie(identifier string) string {
	cookie, _, _ := cutLast(identifier, ".")
	return cookie
}

// The query of a refresh names the session: the identifier does not.
const sessionParameter = "session"

// RefreshURL is where to refresh a session.
func RefreshURL(path, id string) string { return path + "?" + sessionParameter + "=" + id }

// Refreshed is the session that the query of a refresh names.
func Refreshed(query string) (id string, ok bool) {
	values, err := url.ParseQuery(query)
	if ids := values[sessionParameter]; err == nil && len(ids) == 1 {
		return ids[0], true
	}
	return "", false
}

// Instructions are what a browser has to know of a session that it has registered or
// refreshed, as JSON: which cookie to keep fresh, and where. attributes are those of
// the cookie, as in Set-Cookie.
func Instructions(identifier, refreshURL, cookie, attributes string) []byte {
	type credential struct {
		Type       string `json:"type"`
		Name       string `json:"name"`
		Attributes string `json:"attributes"`
	}
	type scope struct {
		IncludeSite   bool     `json:"include_site"`
		Specification []string `json:"scope_specification"`
	}
	text, err := json.Marshal(struct {
		SessionID   string       `json:"session_identifier"`
		RefreshURL  string       `json:"refresh_url"`
		Scope       scope        `json:"scope"`
		Credentials []credential `json:"credentials"`
	}{identifier, refreshURL, scope{false, []string{}}, []credential{{"cookie", cookie, attributes}}})
	if err != nil {
		panic(err) // it is made of strings
	}
	return text
}

// A Proof is a JWT that a browser has signed with the key of its device (RFC
// 7515, RFC 7519). Believe nothing in it before Verify.
type Proof struct {
	Challenge string // what was signed
	Key       []byte // the public key in its stored form, for a registration; else nil

	algorithm string
	signed    string
	signature []byte
}

// The algorithms, and the first byte of stored keys, which the draft does not move.
const (
	es256, es256Key = "ES256", 1 // then the point, uncompressed
	rs256, rs256Key = "RS256", 2 // then PKCS #1
)

const (
	maxProof = 4096 // bytes: an RSA key of 4096 bits and its signature are 1,400
	minRSA   = 2048 // bits
	maxRSA   = 4096
)

var errProof = errors.New("no proof of a device")

// ParseProof reads a proof, and checks all of it except the signature.
func ParseProof(text string) (Proof, error) {
	if len(text) > maxProof {
		return Proof{}, fmt.Errorf("%w: %d bytes are too many", errProof, len(text))
	}
	if strings.ContainsAny(text, "\r\n") {
		return Proof{}, fmt.Errorf("%w: it has a line break", errProof) // the decoder would skip it
	}
	signed, signature, _ := cutLast(text, ".")
	head, payload, ok := strings.Cut(signed, ".")
	if !ok {
		return Proof{}, fmt.Errorf("%w: it has not three parts", errProof)
	}
	var header struct {
		Algorithm string `json:"alg"`
		Type      string `json:"typ"`
		Key       *jwk   `json:"jwk"`
	}
	var claims struct {
		Challenge string `json:"jti"`
	}
	p := Proof{signed: signed}
	var err error
	if p.signature, err = base64.RawURLEncoding.Strict().DecodeString(signature); err != nil {
		return Proof{}, fmt.Errorf("%w: the signature: %w", errProof, err)
	}
	if err := errors.Join(decode(head, &header), decode(payload, &claims)); err != nil {
		return Proof{}, fmt.Errorf("%w: %w", errProof, err)
	}
	p.Challenge, p.algorithm = claims.Challenge, header.Algorithm
	switch {
	case header.Type != "dbsc+jwt":
		return Proof{}, fmt.Errorf("%w: its type is %q", errProof, header.Type)
	case header.Algorithm != es256 && header.Algorithm != rs256:
		return Proof{}, fmt.Errorf("%w: the algorithm %q is not taken", errProof, header.Algorithm)
	case header.Key != nil:
		if p.Key, err = header.Key.pack(header.Algorithm); err != nil {
			return Proof{}, fmt.Errorf("%w: the key: %w", errProof, err)
		}
	}
	return p, nil
}

func cutLast(text, separator string) (before, after string, found bool) {
	if i := strings.LastIndex(text, separator); i >= 0 {
		return text[:i], text[i+len(separator):], true
	}
	return text, "", false
}

func decode(part string, v any) error {
	text, err := base64.RawURLEncoding.Strict().DecodeString(part)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, v)
}

// A jwk is a public key (RFC 7517, RFC 7518).
type jwk struct {
	Type  string `json:"kty"`
	Curve string `json:"crv"`
	X     string `json:"x"`
	Y     string `json:"y"`
	N     string `json:"n"`
	E     string `json:"e"`
}

// pack returns the stored form of the key, if it fits the algorithm.
func (k *jwk) pack(algorithm string) ([]byte, error) {
	switch {
	case algorithm == es256 && k.Type == "EC" && k.Curve == "P-256":
		return k.packEC()
	case algorithm == rs256 && k.Type == "RSA":
		return k.packRSA()
	}
	return nil, fmt.Errorf("the type %q and the curve %q are not those of %s", k.Type, k.Curve, algorithm)
}

func (k *jwk) packEC() ([]byte, error) {
	point := []byte{4} // uncompressed (SEC 1, 2.3.3)
	for _, text := range []string{k.X, k.Y} {
		b, err := base64.RawURLEncoding.Strict().DecodeString(text)
		if err != nil || len(b) != 32 {
			return nil, errors.New("a coordinate has not 32 bytes")
		}
		point = append(point, b...)
	}
	if _, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point); err != nil {
		return nil, err
	}
	return append([]byte{es256Key}, point...), nil
}

func (k *jwk) packRSA() ([]byte, error) {
	n, errN := base64.RawURLEncoding.Strict().DecodeString(k.N)
	e, errE := base64.RawURLEncoding.Strict().DecodeString(k.E)
	if errN != nil || errE != nil || len(e) > 4 {
		return nil, errors.New("the modulus or the exponent cannot be read")
	}
	key := &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: int(new(big.Int).SetBytes(e).Int64())}
	switch bits := key.N.BitLen(); {
	case bits < minRSA || bits > maxRSA:
		return nil, fmt.Errorf("%d bits: %d to %d are taken", bits, minRSA, maxRSA)
	case key.N.Bit(0) == 0 || key.E < 3 || key.E%2 == 0 || key.E > 1<<31-1:
		return nil, errors.New("no RSA key has this modulus or exponent")
	}
	return append([]byte{rs256Key}, x509.MarshalPKCS1PublicKey(key)...), nil
}

// Verify reports whether a stored key has signed the proof.
func (p *Proof) Verify(key []byte) bool {
	if len(key) == 0 {
		return false
	}
	hash := sha256.Sum256([]byte(p.signed))
	switch {
	case key[0] == es256Key && p.algorithm == es256 && len(p.signature) == 64:
		public, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), key[1:])
		r, s := new(big.Int).SetBytes(p.signature[:32]), new(big.Int).SetBytes(p.signature[32:])
		return err == nil && ecdsa.Verify(public, hash[:], r, s)
	case key[0] == rs256Key && p.algorithm == rs256:
		public, err := x509.ParsePKCS1PublicKey(key[1:])
		return err == nil && rsa.VerifyPKCS1v15(public, crypto.SHA256, hash[:], p.signature) == nil
	}
	return false
}
