package memory_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	session "github.com/gostateful/session/core"
	"github.com/gostateful/session/memory"
)

// evictions collects what a store reports.
type evictions struct {
	mu      sync.Mutex
	records []session.Record
}

func (e *evictions) add(r session.Record) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.records = append(e.records, r)
}

// TestEvictsLeastRecentlyUsed compares the store with a list in the order of
// use.
func TestEvictsLeastRecentlyUsed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const most, steps = 50, 3000
		var reported evictions
		s := memory.New(&memory.Options{MaxSessions: most, Evicted: reported.add})
		random := rand.New(rand.NewPCG(1, 2))
		var kept, want []session.Record // the least recently used first
		for i := range steps {
			time.Sleep(time.Millisecond) // so that no two are used at once
			r := record([]string{"", fmt.Sprint("subject ", i%7)}[random.IntN(2)])
			r.ExpiresAt, r.Data = time.Now().Add(time.Hour+time.Duration(random.IntN(100))*time.Hour), fmt.Append(nil, "data ", i)
			if at := random.IntN(8); at < 4 && len(kept) > 0 {
				n := random.IntN(len(kept))
				r.ID, r.Version = kept[n].ID, kept[n].Version
				r = used(t, s, at, kept[n], r)
				kept = slices.Delete(kept, n, n+1)
			} else {
				if len(kept) == most {
					n := max(0, slices.IndexFunc(kept, func(r session.Record) bool { return r.Subject == "" }))
					want = append(want, kept[n])
					kept = slices.Delete(kept, n, n+1)
				}
				create(t, s, r)
			}
			kept = append(kept, r)
			if s.Len() != len(kept) {
				t.Fatalf("step %d: Len: got %d, want %d", i, s.Len(), len(kept))
			}
			check(t, s)
		}
		if len(want) < 100 || !slices.ContainsFunc(want, func(r session.Record) bool { return r.Subject != "" }) {
			t.Fatalf("got %d evictions, too few to tell", len(want))
		}
		if !slices.EqualFunc(reported.records, want, same) {
			t.Errorf("what was evicted is not what was used least recently, without a subject first: got %d reports, want %d", len(reported.records), len(want))
		}
		for _, r := range kept {
			if got, err := s.Load(t.Context(), r.ID); err != nil || !same(got, r) {
				t.Errorf("what was used later: got error %v and %v, want it kept as it was", err, got.ID)
			}
		}
	})
}

func same(a, b session.Record) bool {
	return a.ID == b.ID && a.Version == b.Version && a.Subject == b.Subject && a.ExpiresAt.UnixMilli() == b.ExpiresAt.UnixMilli() && bytes.Equal(a.Data, b.Data)
}

// used uses a session in one of several ways, and returns its new state.
func used(t *testing.T, s *memory.Store, how int, old, r session.Record) session.Record {
	t.Helper()
	var err error
	switch how {
	case 0:
		_, err = s.Load(t.Context(), old.ID)
		r = old
	case 1: // to a time that is not later: this is a use too
		err = s.Touch(t.Context(), old.ID, old.ExpiresAt.Add(-time.Minute))
		r = old
	case 2:
		r.ExpiresAt = old.ExpiresAt
		kept := r
		kept.ExpiresAt = time.Time{}
		err = s.Update(t.Context(), kept)
		r.Version++
	default:
		err = s.Update(t.Context(), r)
		r.Version++
	}
	if err != nil {
		t.Fatalf("a use: %v", err)
	}
	// List and All are no use.
	if _, err := s.List(t.Context(), "subject 1"); err != nil {
		t.Fatal(err)
	}
	for _, err := range s.All(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
	}
	return r
}

// TestStrangersPushOutNoUser: somebody who sends no cookie makes session after
// session. Users who are logged in stay, however idle, and so does a visitor
// who goes on, though all of these expire sooner than the new sessions.
func TestStrangersPushOutNoUser(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const most, strangers = 1000, 20_000
		s := memory.New(&memory.Options{MaxSessions: most})
		user, visitor, idle := create(t, s, record("alice")), create(t, s, record("")), record("")
		idle.ExpiresAt = idle.ExpiresAt.Add(1000 * time.Hour) // of a cookie that lasts for long
		create(t, s, idle)
		for i := range strangers {
			time.Sleep(time.Millisecond)
			r := record("")
			r.ExpiresAt = r.ExpiresAt.Add(time.Hour)
			create(t, s, r)
			if i%(most/2) == 0 {
				if _, err := s.Load(t.Context(), visitor.ID); err != nil {
					t.Fatalf("a visitor who goes on, after %d strangers: %v", i, err)
				}
			}
		}
		if _, err := s.Load(t.Context(), user.ID); err != nil {
			t.Errorf("a user, after %d strangers: %v", strangers, err)
		}
		if _, err := s.Load(t.Context(), idle.ID); err == nil {
			t.Error("a visitor who has been idle is kept, although sessions that were used later had to go")
		}
	})
}

// TestEvictsNoLiveSession while one that has expired is there.
func TestEvictsNoLiveSessionForExpired(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var reported evictions
		s := memory.New(&memory.Options{MaxSessions: 10, Evicted: reported.add})
		live := create(t, s, record("alice"))
		for range 9 {
			r := record("bob")
			r.ExpiresAt = time.Now().Add(time.Minute)
			create(t, s, r)
		}
		time.Sleep(time.Minute)
		for range 9 {
			create(t, s, record("carol"))
		}
		if n := len(reported.records); n != 0 {
			t.Errorf("with expired sessions to remove: got %d evictions reported, want 0", n)
		}
		time.Sleep(time.Millisecond)
		if _, err := s.Load(t.Context(), live.ID); err != nil {
			t.Errorf("with expired sessions to remove: a live one: got error %v, want it kept", err)
		}
		create(t, s, record("carol"))
		if n := len(reported.records); n != 1 || reported.records[0].Subject != "carol" {
			t.Errorf("with live sessions alone: got %d evictions reported, want 1, of one that was used least recently", n)
		}
	})
}

// TestOnlyCreateNeedsRoom: a call that adds no session evicts none.
func TestOnlyCreateNeedsRoom(t *testing.T) {
	var reported evictions
	s := memory.New(&memory.Options{MaxSessions: 2, Evicted: reported.add})
	a, b := create(t, s, record("alice")), create(t, s, record("bob"))
	if err := s.Create(t.Context(), a); err == nil {
		t.Error("Create over a live record: got no error, want ErrExists")
	}
	stale := record("carol")
	stale.ExpiresAt = time.Now().Add(-time.Hour)
	create(t, s, stale)
	if err := s.Create(t.Context(), session.Record{ExpiresAt: a.ExpiresAt}); err == nil {
		t.Error("Create of the zero ID: got no error, want it refused")
	}
	if err := s.Update(t.Context(), record("carol")); err == nil {
		t.Error("Update of an absent record: got no error, want ErrNotFound")
	}
	for _, r := range []session.Record{a, b} {
		if _, err := s.Load(t.Context(), r.ID); err != nil {
			t.Errorf("after what added no session: got error %v, want the session kept", err)
		}
	}
	if n := len(reported.records); n != 0 || s.Len() != 2 {
		t.Errorf("after what added no session: got %d evictions and %d sessions, want 0 and 2", n, s.Len())
	}
}

// TestKeepsWhatItCreates even if that expires before all others.
func TestKeepsWhatItCreates(t *testing.T) {
	s := memory.New(&memory.Options{MaxSessions: 1})
	create(t, s, record("alice"))
	r := record("bob")
	r.ExpiresAt = time.Now().Add(time.Minute)
	create(t, s, r)
	if _, err := s.Load(t.Context(), r.ID); err != nil {
		t.Errorf("Load of what was just created: got error %v, want the record", err)
	}
}

// TestEvictedHoldsNoLock: when Evicted is called, its session is gone, and the
// store can be used.
func TestEvictedHoldsNoLock(t *testing.T) {
	var s *memory.Store
	called := 0
	s = memory.New(&memory.Options{MaxSessions: 3, Evicted: func(r session.Record) {
		called++
		if _, err := s.Load(t.Context(), r.ID); err == nil {
			t.Error("Load of what was evicted: got no error, want ErrNotFound")
		}
		if called < 10 {
			create(t, s, record(r.Subject)) // evicts another
		}
		if _, err := s.DeleteAll(t.Context(), "nobody"); err != nil {
			t.Errorf("DeleteAll: %v", err)
		}
	}})
	for range 4 {
		create(t, s, record("alice"))
	}
	if called != 10 {
		t.Errorf("got %d evictions, want 10", called)
	}
	records, err := s.List(t.Context(), "alice")
	if err != nil || len(records) != 3 {
		t.Fatalf("List: got %d records and error %v, want 3", len(records), err)
	}
	check(t, s)
}

// TestEvictsWhileOthersGo: the first entry of a shard may be gone, or used,
// between the store's look and the removal. The next one in that shard was used
// later than entries of other shards.
func TestEvictsWhileOthersGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := memory.New(&memory.Options{MaxSessions: 10_000})
		var first []session.Record
		for range 3 {
			first = append(first, create(t, s, record("")))
			time.Sleep(time.Millisecond)
		}
		for range 1000 { // some in each shard
			create(t, s, record(""))
			create(t, s, record("bob"))
		}
		for what, do := range []func(){
			func() { _ = s.Delete(t.Context(), first[0].ID) },
			func() { _, _ = s.Load(t.Context(), first[1].ID) },
		} {
			if s.RemoveAfter(do) {
				t.Errorf("%d: the first was gone or used: got another of its shard removed, want another look at all shards", what)
			}
		}
		before := s.Len()
		if !s.RemoveAfter(func() {}) || s.Len() != before-1 {
			t.Error("the first was there: got nothing removed, want it removed")
		}
		if _, err := s.Load(t.Context(), first[2].ID); err == nil {
			t.Error("the first was removed: got it loaded")
		}
		check(t, s)
	})
}

func TestBoundHoldsUnderConcurrentUse(t *testing.T) {
	const most, callers, each = 100, 8, 500
	var evicted, deleted atomic.Int64
	s := memory.New(&memory.Options{MaxSessions: most, Evicted: func(session.Record) { evicted.Add(1) }})
	var wg sync.WaitGroup
	for caller := range callers {
		wg.Go(func() {
			random := rand.New(rand.NewPCG(uint64(caller), 0))
			for range each {
				r := record(fmt.Sprint("subject ", random.IntN(5)))
				r.ExpiresAt = r.ExpiresAt.Add(time.Duration(random.Int64N(int64(time.Hour))))
				if err := s.Create(t.Context(), r); err != nil {
					t.Errorf("Create: %v", err)
				}
				if n := s.Len(); n > most {
					t.Errorf("Len: got %d, want at most %d at any time", n, most)
				}
				switch random.IntN(20) {
				case 0:
					n, err := s.DeleteAll(t.Context(), r.Subject)
					if err != nil {
						t.Errorf("DeleteAll: %v", err)
					}
					deleted.Add(int64(n))
				case 1, 2, 3:
					_ = s.Touch(t.Context(), r.ID, r.ExpiresAt.Add(time.Hour))
				case 4, 5, 6: // may be gone
					r.Subject, r.ExpiresAt = "other", r.ExpiresAt.Add(-time.Minute)
					_ = s.Update(t.Context(), r)
				}
			}
		})
	}
	wg.Wait()
	check(t, s)
	if got, want := int64(s.Len())+evicted.Load()+deleted.Load(), int64(callers*each); got != want {
		t.Errorf("kept, evicted and deleted sessions together: got %d, want the %d created", got, want)
	}
}

func TestNoBound(t *testing.T) {
	for _, opts := range []*memory.Options{nil, {}, {MaxSessions: -1}} {
		s := memory.New(opts)
		for range 1000 {
			create(t, s, record(""))
		}
		if got := s.Len(); got != 1000 {
			t.Errorf("%+v: Len after 1000 sessions: got %d, want 1000", opts, got)
		}
	}
}
