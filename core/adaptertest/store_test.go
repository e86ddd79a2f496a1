package adaptertest_test

import (
	"errors"
	"testing"

	session "github.com/gostateful/session/core"
	"github.com/gostateful/session/core/adaptertest"
	"github.com/gostateful/session/core/storetest"
)

// The store that adapters are tested with keeps the contract.
func TestStore(t *testing.T) {
	storetest.Run(t, func(*testing.T) session.Store { return adaptertest.NewStore() }, storetest.FakeClock)
}

// TestLen: Len counts a session once, whoever else tries to create it, and also
// while the store is lost and each call fails.
func TestLen(t *testing.T) {
	st := adaptertest.NewStore()
	m, err := session.New[int](st, nil)
	if err != nil {
		t.Fatal(err)
	}
	login := func() error {
		var x session.Exchange
		x.Begin(t.Context(), m, nil)
		s, err := m.Get(&x)
		if err == nil {
			err = s.Login("alice", nil)
		}
		if err == nil {
			_, err = x.Commit(session.Response{})
		}
		return err
	}
	if err := login(); err != nil || st.Len() != 1 {
		t.Fatalf("got %v and %d sessions, want 1", err, st.Len())
	}
	records, err := st.List(t.Context(), "alice")
	if err != nil || len(records) != 1 {
		t.Fatalf("got %v, %v, want one record", records, err)
	}
	if err := st.Create(t.Context(), records[0]); !errors.Is(err, session.ErrExists) || st.Len() != 1 {
		t.Errorf("Create of a session that is there: got %v and %d sessions, want ErrExists and 1", err, st.Len())
	}
	st.Lose()
	if session.HTTPStatus(login()) != 503 || st.Len() != 1 {
		t.Errorf("the store that is lost has %d sessions, want the 1 that it had, and an error", st.Len())
	}
	if _, err := m.RevokeAll(t.Context(), "alice"); session.HTTPStatus(err) != 503 {
		t.Errorf("RevokeAll of a store that is lost: got %v, want ErrUnavailable", err)
	}
}
