//go:build all

package main

import (
	"path/filepath"
	"testing"

	"golang.org/x/crypto/bcrypt"

	session "github.com/gostateful/session/core"
)

// TestPasswordInOneTransaction: the new password and the end of the other sessions
// are both there, or neither.
func TestPasswordInOneTransaction(t *testing.T) {
	opened, err := openStore(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "shop.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer opened.Close()
	seen := &events{}
	s, err := newSite(t.Context(), opened, newOptions(seen), seen, nil)
	if err != nil {
		t.Fatal(err)
	}
	keep, ends := s.stored(t, "ann"), s.stored(t, "ann")
	hash, err := bcrypt.GenerateFromPassword([]byte("white-tea"), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	wants := func(password string, sessions int) {
		t.Helper()
		if right, err := s.users.check(t.Context(), "ann", password); !right || err != nil {
			t.Errorf("%s is right: got %t and %v", password, right, err)
		}
		if list, err := s.sessions.List(t.Context(), "ann"); len(list) != sessions || err != nil {
			t.Errorf("got %d sessions and %v, want %d", len(list), err, sessions)
		}
	}
	wants("green-tea", 2)

	// A trigger refuses to end the session, after the password was written.
	db := opened.Closer.(*openDB).db
	if _, err := db.Exec("CREATE TRIGGER refuse BEFORE DELETE ON sessions BEGIN SELECT RAISE(ABORT, 'refused'); END"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.users.change(t.Context(), "ann", hash, keep); err == nil {
		t.Error("got no error, want that of the trigger")
	}
	wants("green-tea", 2)

	if _, err := db.Exec("DROP TRIGGER refuse"); err != nil {
		t.Fatal(err)
	}
	if n, err := s.users.change(t.Context(), "ann", hash, keep); n != 1 || err != nil {
		t.Errorf("got %d sessions ended and %v, want 1", n, err)
	}
	wants("white-tea", 1)
	if _, err := s.sessions.Find(t.Context(), ends); err == nil {
		t.Error("the other session goes on")
	}
}

// TestUsersStay: a second start finds the users as they are, and MySQL's ANN is not ann.
func TestUsersStay(t *testing.T) {
	file := "sqlite:" + filepath.Join(t.TempDir(), "shop.db")
	for range 2 {
		opened, err := openStore(t.Context(), file)
		if err != nil {
			t.Fatal(err)
		}
		u, err := opened.users(t.Context(), &session.Options{})
		if err != nil {
			t.Fatal(err)
		}
		for name, want := range map[string]bool{"ann": true, "ANN": false, "nobody": false} {
			if got, err := u.check(t.Context(), name, "green-tea"); got != want || err != nil {
				t.Errorf("%s: got %t and %v, want %t", name, got, err, want)
			}
		}
		if err := opened.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
