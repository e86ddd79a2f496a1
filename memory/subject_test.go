package memory_test

import (
	"errors"
	"slices"
	"testing"

	session "github.com/gostateful/session/core"
	"github.com/gostateful/session/memory"
)

// TestDeleteAllAtOnce looks at one session after the other while they are
// deleted. When one is gone, all are gone.
func TestDeleteAllAtOnce(t *testing.T) {
	const many = 500
	for round := range 20 {
		s := memory.New(nil)
		var ids []session.ID
		for range many {
			ids = append(ids, create(t, s, record("alice")).ID)
		}
		if round%2 == 0 { // in the order of the store, whichever that is
			slices.Reverse(ids)
		}
		deleted := make(chan error, 1)
		go func() {
			_, err := s.DeleteAll(t.Context(), "alice")
			deleted <- err
		}()
		gone := -1
		for gone < 0 {
			for i, id := range ids {
				_, err := s.Load(t.Context(), id)
				if err != nil && !errors.Is(err, session.ErrNotFound) {
					t.Fatalf("Load: %v", err)
				}
				if err != nil && gone < 0 {
					gone = i
				}
				if err == nil && gone >= 0 {
					t.Fatalf("session %d was gone, and then session %d is still there; want all gone at once", gone, i)
				}
			}
		}
		if err := <-deleted; err != nil {
			t.Fatalf("DeleteAll: %v", err)
		}
		check(t, s)
	}
}

// TestListCostsItsOwnSubject: the sessions of others cost nothing.
func TestListCostsItsOwnSubject(t *testing.T) {
	s := memory.New(nil)
	create(t, s, record("alice"))
	list := func() float64 {
		return testing.AllocsPerRun(10, func() {
			if records, err := s.List(t.Context(), "alice"); len(records) != 1 || err != nil {
				t.Fatalf("List: got %d records and error %v, want 1", len(records), err)
			}
		})
	}
	alone := list()
	for range 2000 {
		create(t, s, record("bob"))
	}
	if got := list(); got != alone {
		t.Errorf("List among 2000 sessions of another: got %v allocations, want the %v without them", got, alone)
	}
}
