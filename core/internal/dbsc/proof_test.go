package dbsc

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"strings"
	"testing"
)

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// A device signs proofs as a browser does.
type device struct {
	algorithm string
	jwk       map[string]string
	sign      func(hash []byte) []byte
}

func newEC(t testing.TB, curve elliptic.Curve) *device {
	t.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	point, err := key.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	size := (len(point) - 1) / 2
	return &device{es256, map[string]string{"kty": "EC", "crv": curve.Params().Name, "x": b64(point[1 : 1+size]), "y": b64(point[1+size:])}, func(hash []byte) []byte {
		r, s, err := ecdsa.Sign(rand.Reader, key, hash)
		if err != nil {
			t.Fatal(err)
		}
		return append(r.FillBytes(make([]byte, size)), s.FillBytes(make([]byte, size))...)
	}}
}

// rsaKeys are made once: that takes long.
var rsaKeys = map[int]*rsa.PrivateKey{}

func newRSA(t testing.TB, bits int) *device {
	t.Helper()
	key := rsaKeys[bits]
	if key == nil {
		var err error
		if key, err = rsa.GenerateKey(rand.Reader, bits); err != nil {
			t.Fatal(err)
		}
		rsaKeys[bits] = key
	}
	e := big.NewInt(int64(key.E)).Bytes()
	return &device{rs256, map[string]string{"kty": "RSA", "n": b64(key.N.Bytes()), "e": b64(e)}, func(hash []byte) []byte {
		signature, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, hash)
		if err != nil {
			t.Fatal(err)
		}
		return signature
	}}
}

// proof makes a JWT of a header and claims.
func (d *device) proof(t testing.TB, header, claims map[string]any) string {
	t.Helper()
	var parts []string
	for _, part := range []map[string]any{header, claims} {
		text, err := json.Marshal(part)
		if err != nil {
			t.Fatal(err)
		}
		parts = append(parts, b64(text))
	}
	signed := strings.Join(parts, ".")
	hash := sha256.Sum256([]byte(signed))
	return signed + "." + b64(d.sign(hash[:]))
}

func (d *device) registration(t testing.TB, challenge string) string {
	t.Helper()
	return d.proof(t, map[string]any{"alg": d.algorithm, "typ": "dbsc+jwt", "jwk": d.jwk}, map[string]any{"jti": challenge})
}

func (d *device) refresh(t testing.TB, challenge string) string {
	t.Helper()
	return d.proof(t, map[string]any{"alg": d.algorithm, "typ": "dbsc+jwt"}, map[string]any{"jti": challenge})
}

func parse(t testing.TB, text string) Proof {
	t.Helper()
	p, err := ParseProof(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return p
}

// A registration is verified by the key that it brings, and a refresh by the
// stored key. No other key verifies it, and no change of it is accepted.
func TestVerify(t *testing.T) {
	for name, pair := range map[string][2]*device{
		"ES256":         {newEC(t, elliptic.P256()), newEC(t, elliptic.P256())},
		"RS256, 2048":   {newRSA(t, 2048), newRSA(t, 3072)},
		"RS256, 4096":   {newRSA(t, 4096), newRSA(t, 2048)},
		"of two kinds":  {newEC(t, elliptic.P256()), newRSA(t, 2048)},
		"of two kinds2": {newRSA(t, 2048), newEC(t, elliptic.P256())},
	} {
		t.Run(name, func(t *testing.T) {
			own, other := pair[0], pair[1]
			r := parse(t, own.registration(t, "first"))
			if r.Challenge != "first" || !r.Verify(r.Key) {
				t.Fatalf("the registration %+v does not verify", r)
			}
			kept, others := r.Key, parse(t, other.registration(t, "first")).Key
			text := own.refresh(t, "second")
			p := parse(t, text)
			if p.Challenge != "second" || p.Key != nil || !p.Verify(kept) {
				t.Errorf("the refresh %+v does not verify", p)
			}
			for what, key := range map[string][]byte{
				"another key": others, "no key": nil, "an empty key": {}, "half a key": kept[:len(kept)/2], "a key of another kind": append([]byte{3 - kept[0]}, kept[1:]...), "an unknown kind": append([]byte{9}, kept[1:]...),
			} {
				if p.Verify(key) {
					t.Errorf("it verifies with %s", what)
				}
			}
			for i := range len(text) {
				changed := []byte(text)
				if changed[i] == '.' {
					continue
				}
				changed[i] = 'A' + (changed[i]-'A'+1)%26
				if string(changed) == text {
					continue
				}
				if p, err := ParseProof(string(changed)); err == nil && p.Verify(kept) {
					t.Errorf("it verifies with %q at %d", changed[i], i)
				}
			}
		})
	}
}

// Only the two algorithms are accepted, with keys of the right kind and size.
func TestProofRefused(t *testing.T) {
	ec := newEC(t, elliptic.P256())
	good := map[string]any{"alg": es256, "typ": "dbsc+jwt", "jwk": ec.jwk}
	with := func(name string, value any) map[string]any {
		header := map[string]any{}
		for n, v := range good {
			header[n] = v
		}
		header[name] = value
		return header
	}
	key := func(name, value string) map[string]any {
		jwk := map[string]string{}
		for n, v := range ec.jwk {
			jwk[n] = v
		}
		jwk[name] = value
		return with("jwk", jwk)
	}
	claims := map[string]any{"jti": "c"}
	whole := ec.proof(t, good, claims)
	parse(t, whole)
	rsaKey := func(n, e []byte) string {
		return ec.proof(t, map[string]any{"alg": rs256, "typ": "dbsc+jwt", "jwk": map[string]string{"kty": "RSA", "n": b64(n), "e": b64(e)}}, claims)
	}
	modulus, exponent := rsaKeysOf(t, 2048)
	for name, text := range map[string]string{
		"nothing": "", "one part": "a", "two parts": "a.b", "four parts": whole + ".a", "empty parts": "..",
		"no base64": "!." + whole, "no JSON": b64([]byte("{")) + "." + b64([]byte("{}")) + ".", "an array": b64([]byte("[]")) + "." + b64([]byte("{}")) + ".",
		"padding": whole + "=", "a line break": whole[:10] + "\n" + whole[10:], "too long": whole + strings.Repeat("A", maxProof),
		"no algorithm":      ec.proof(t, with("alg", ""), claims),
		"none":              ec.proof(t, with("alg", "none"), claims),
		"HS256":             ec.proof(t, with("alg", "HS256"), claims),
		"ES384":             newEC(t, elliptic.P384()).proof(t, with("alg", "ES384"), claims),
		"RS256 with EC":     ec.proof(t, with("alg", rs256), claims),
		"another type":      ec.proof(t, with("typ", "jwt"), claims),
		"no type":           ec.proof(t, with("typ", ""), claims),
		"a challenge of 1":  ec.proof(t, good, map[string]any{"jti": 1}),
		"another curve":     newEC(t, elliptic.P384()).proof(t, with("jwk", newEC(t, elliptic.P384()).jwk), claims),
		"an empty key":      ec.proof(t, with("jwk", map[string]string{}), claims),
		"no point":          ec.proof(t, key("x", b64(make([]byte, 32))), claims),
		"a short point":     ec.proof(t, key("x", b64(make([]byte, 31))), claims),
		"an RSA key as EC":  ec.proof(t, with("jwk", newRSA(t, 2048).jwk), claims),
		"1024 bits":         newRSA(t, 1024).registration(t, "c"),
		"8192 bits":         rsaKey(append(modulus, make([]byte, 256*3)...), exponent),
		"an even modulus":   rsaKey(append(modulus[:255:255], modulus[255]&^1), exponent),
		"exponent 1":        rsaKey(modulus, []byte{1}),
		"an even exponent":  rsaKey(modulus, []byte{4}),
		"a huge exponent":   rsaKey(modulus, []byte{1, 0, 0, 0, 1}),
		"exponent 2^32 - 1": rsaKey(modulus, []byte{255, 255, 255, 255}),
		"no exponent":       rsaKey(modulus, nil),
	} {
		if p, err := ParseProof(text); err == nil {
			t.Errorf("%s: got %+v, want an error", name, p)
		}
	}
}

func rsaKeysOf(t *testing.T, bits int) (modulus, exponent []byte) {
	newRSA(t, bits)
	key := rsaKeys[bits]
	return key.N.Bytes(), big.NewInt(int64(key.E)).Bytes()
}

// FuzzProof: no input panics, a proof is verified only by its own key, and a
// key that is accepted can be stored.
func FuzzProof(f *testing.F) {
	ec, key := newEC(f, elliptic.P256()), newRSA(f, 2048)
	for _, d := range []*device{ec, key} {
		f.Add(d.registration(f, "c"))
		f.Add(d.refresh(f, "c"))
	}
	f.Add("..")
	f.Add("e30.e30.AA")
	stranger := parse(f, newEC(f, elliptic.P256()).registration(f, "c")).Key
	f.Fuzz(func(t *testing.T, text string) {
		p, err := ParseProof(text)
		if err != nil {
			return
		}
		if p.Verify(stranger) {
			t.Error("a stranger's key verifies it")
		}
		if p.Key != nil {
			p.Verify(p.Key)
			if len(p.Key) > 600 {
				t.Errorf("the key has %d bytes", len(p.Key))
			}
		}
	})
}
