// Package proof signs for the device of a browser, by a library that knows nothing of
// this project.
package proof

import (
	"crypto/ecdsa"
	"encoding/base64"

	"github.com/golang-jwt/jwt/v5"
)

// Sign returns the proof of the device that has a key on P-256: the challenge, signed.
// A registration brings the public key.
func Sign(key *ecdsa.PrivateKey, challenge string, registration bool) (string, error) {
	token := jwt.NewWithClaims(jwt.SigningMethodES256, jwt.MapClaims{"jti": challenge})
	token.Header["typ"] = "dbsc+jwt"
	if registration {
		point, err := key.PublicKey.Bytes()
		if err != nil {
			return "", err
		}
		encode := base64.RawURLEncoding.EncodeToString
		token.Header["jwk"] = map[string]string{"kty": "EC", "crv": "P-256", "x": encode(point[1:33]), "y": encode(point[33:])}
	}
	return token.SignedString(key)
}
