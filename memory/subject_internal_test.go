package memory

import (
	"slices"
	"testing"
	"time"

	session "github.com/gostateful/session/core"
)

// TestSubjectsOfOneHash: subjects whose hashes are equal share a list, and see
// nothing of each other.
func TestSubjectsOfOneHash(t *testing.T) {
	s := New(nil)
	var ids []session.ID
	for _, subject := range []string{"alice", "bob", "alice"} {
		r := session.Record{ID: session.NewID(), Version: 1, Subject: subject, ExpiresAt: time.Now().Add(time.Hour)}
		if err := s.Create(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, r.ID)
	}
	bobs := s.shards[s.index(ids[1])].entries.m[ids[1]]
	s.unlink(bobs)
	o, hash := s.ownersOf("alice") // as if it were bob's too
	bobs.next = o.first.m[hash]
	bobs.next.previous = bobs
	o.first.put(hash, bobs)

	if got := s.of("alice"); len(got) != 2 || slices.Contains(got, ids[1]) {
		t.Errorf("alice's sessions: got %v, want the first and the last of %v", got, ids)
	}
	if n, err := s.DeleteAll(t.Context(), "alice"); n != 2 || err != nil {
		t.Errorf("DeleteAll: got %d and %v, want 2", n, err)
	}
	if _, err := s.Load(t.Context(), ids[1]); err != nil {
		t.Errorf("bob's session after alice's have gone: %v", err)
	}
}
