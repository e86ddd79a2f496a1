package session

import (
	"testing"
	"time"
)

// Anybody who knows the old secret, such as from a copy of the old store, has
// to show it to the old library. Neither the old secret nor anything in a store
// makes a cookie of this one.
func TestImportedIsNoCookie(t *testing.T) {
	e := &engine{likely: envelope{carrier: "__Host-session"}}
	t1 := e.imported("Zk2vB0o8bJx5cQmT1nWq7YdR4hLpE9aS", "ann")
	env := envelope{previous: t1.digest(), previousUntil: untilUsed, renewed: time.Now().UnixMilli()}
	if p := env.prove(t1.digest(), time.Now(), time.Minute); p != earlier {
		t.Errorf("the import proves %v, want earlier", p)
	}
	asCookie := presented{token: t1.token, carrier: t1.carrier}
	if p := env.prove(asCookie.digest(), time.Now(), time.Minute); p.opens() {
		t.Errorf("the same as a cookie proves %v", p)
	}
	if got := e.imported("Zk2vB0o8bJx5cQmT1nWq7YdR4hLpE9aS", "ann"); got != t1 {
		t.Error("two servers make different tokens")
	}
	if v, r := t1.id[6]>>4, t1.id[8]>>6; v != 8 || r != 2 {
		t.Errorf("the ID %v is of version %d, variant %d: want a UUID of version 8", t1.id, v, r)
	}
}
