package storetest_test

import (
	"encoding/base64"
	"encoding/hex"
	"strings"
)

// secretOf is the second part of what a token carries.
func secretOf(token string) []byte {
	raw, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		panic(err)
	}
	return raw[16:]
}

var brokenEngine = []breakage{
	{law: "SecretNeverReachesStore", name: "gets the token", leak: func(token string) string {
		return "token=" + token
	}},
	{law: "SecretNeverReachesStore", name: "gets the secret in hex", leak: func(token string) string {
		return hex.EncodeToString(secretOf(token))
	}},
	{law: "SecretNeverReachesStore", name: "gets the secret in upper-case hex", leak: func(token string) string {
		return strings.ToUpper(hex.EncodeToString(secretOf(token)))
	}},
	{law: "SecretNeverReachesStore", name: "gets the secret in base64", leak: func(token string) string {
		return base64.StdEncoding.EncodeToString(secretOf(token))
	}},
	{law: "SecretNeverReachesStore", name: "gets the secret in base64url", leak: func(token string) string {
		return base64.URLEncoding.EncodeToString(secretOf(token))
	}},
	{law: "SecretNeverReachesStore", name: "gets the token in other base64", leak: func(token string) string {
		return strings.NewReplacer("-", "+", "_", "/").Replace(token)
	}},
	{law: "EngineLosesNoChange", name: "ignores the version", spoil: func(s *spoiled) {
		lookThenUpdate(s)
	}},
	{law: "EngineLogoutWins", name: "inserts", spoil: upsert},
	{law: "EngineLogoutWins", name: "brings back what is updated", spoil: reviveOnUpdate},
}
