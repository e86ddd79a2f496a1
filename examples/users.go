package main

import (
	"context"
	"sync"

	"golang.org/x/crypto/bcrypt"

	session "github.com/gostateful/session/core"
)

// users know the passwords.
type users interface {
	check(ctx context.Context, name, password string) (bool, error)

	// change sets the password of a user and ends the user's sessions but one. It
	// returns how many it ended.
	change(ctx context.Context, name string, hash []byte, except session.ID) (ended int, err error)
}

// passwords are those at the first start, which the login page shows. The robot is
// the visitor of the proofs.
var passwords = map[string]string{"ann": "green-tea", "admin": "black-tea", "robot": "beep-beep"}

// memoryUsers forget a new password when the program ends.
type memoryUsers struct {
	sessions *session.Manager[visitor]
	mu       sync.Mutex // guards hashes
	hashes   map[string][]byte
}

func newMemoryUsers(sessions *session.Manager[visitor]) (*memoryUsers, error) {
	u := &memoryUsers{sessions: sessions, hashes: map[string][]byte{}}
	for name, password := range passwords {
		hash, err := firstHash(password)
		if err != nil {
			return nil, err
		}
		u.hashes[name] = hash
	}
	return u, nil
}

func (u *memoryUsers) check(_ context.Context, name, password string) (bool, error) {
	u.mu.Lock()
	hash := u.hashes[name]
	u.mu.Unlock()
	return matches(hash, password), nil
}

func (u *memoryUsers) change(ctx context.Context, name string, hash []byte, except session.ID) (int, error) {
	u.mu.Lock()
	u.hashes[name] = hash // first, so that nobody logs in with the old one after RevokeAll
	u.mu.Unlock()
	return u.sessions.RevokeAll(ctx, name, except)
}

// firstHash is cheap: everybody can read these passwords on the login page.
func firstHash(password string) ([]byte, error) {
	return bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
}

func matches(hash []byte, password string) bool {
	return bcrypt.CompareHashAndPassword(hash, []byte(password)) == nil
}
