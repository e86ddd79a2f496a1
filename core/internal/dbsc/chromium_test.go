package dbsc

import "testing"

// TestChromium: what Chromium 156 has sent, with a software key, in a registration and
// in two refreshes after it.
func TestChromium(t *testing.T) {
	const registration = "eyJhbGciOiJFUzI1NiIsImp3ayI6eyJjcnYiOiJQLTI1NiIsImt0eSI6IkVDIiwieCI6IlB0bHUxTlRaVUxJZzJtWmM3QzJQdGsyTlJTeElUV3p3N2U0WmRBbTVKcXciLCJ5Ijoid0tBbjlqQkFCV2VEa0JlRnBFLTNDYTNSeTF5ZUhjbGhacXljU3UxQ1lQYyJ9LCJ0eXAiOiJkYnNjK2p3dCJ9." +
		"eyJqdGkiOiJBYUlxQVVCWE16Um1OZkZyeVFkNG1jaFA2aW43SUFhSyJ9." +
		"H9ywihchx-QFCYjGqvshEebafPgYbdf-ngJPcl4-EyrYsz4_Y3GrKYk7DbOcR6mKKCEaZQu7MJDl0Xl0sltbzg"
	first := parse(t, registration)
	if first.Challenge != "AaIqAUBXMzRmNfFryQd4mchP6in7IAaK" || !first.Verify(first.Key) {
		t.Errorf("the registration does not verify: %+v", first)
	}
	for text, challenge := range map[string]string{
		"eyJhbGciOiJFUzI1NiIsInR5cCI6ImRic2Mrand0In0.eyJqdGkiOiJBYUlxQVVCZjltTllVdnFSZG9SZzVGVEdPQmFfcjlSVyJ9.CfYU7u_O4cHd6RWru8wOPm1n5lN3KUnEmpTUdS3T8p4bj5nDwZbwvZLLYkuU_Z5TawTJNkBPfviiMjxnAewSQg": "AaIqAUBf9mNYUvqRdoRg5FTGOBa_r9RW",
		"eyJhbGciOiJFUzI1NiIsInR5cCI6ImRic2Mrand0In0.eyJqdGkiOiJBYUlxQVVKV0dJZnEwSmhTcDBSd3ZSemluNmFFcUJvZCJ9.c80Uya4TxsXSXVYjt5dlccMi28tZxsdQF3Z_7shq7yeOWTSL0KECf9YDL9jbUYURc662qgHHShLgtZDQH9UjQQ": "AaIqAUJWGIfq0JhSp0RwvRzin6aEqBod",
	} {
		if p := parse(t, text); p.Challenge != challenge || p.Key != nil || !p.Verify(first.Key) {
			t.Errorf("the refresh does not verify: %+v", p)
		}
	}
	// The browser sends its ID bare. The draft has it in quotes.
	if id, ok := Text("01a22a01-4056-797a-b086-0e820e2cc5a9"); !ok || id != "01a22a01-4056-797a-b086-0e820e2cc5a9" {
		t.Errorf("the ID is %q", id)
	}
}
