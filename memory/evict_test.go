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

// TestEvictsWhatExpiresSoonest compares with a list that is sorted each time.
func TestEvictsWhatExpiresSoonest(t *testing.T) {
	const most, steps = 50, 3000
	var reported evictions
	s := memory.New(&memory.Options{MaxSessions: most, Evicted: reported.add})
	random := rand.New(rand.NewPCG(1, 2))
	start := time.Now().Truncate(time.Millisecond).Add(time.Hour).UTC()
	times := random.Perm(3 * steps) // no two alike
	next := func() time.Time {
		at := start.Add(time.Duration(times[0]) * time.Millisecond)
		times = times[1:]
		return at
	}
	var kept, want []session.Record
	for i := range steps {
		switch at := random.IntN(4); {
		case at == 0 && len(kept) > 0: // used, so it expires later
			r := &kept[random.IntN(len(kept))]
			if later := next(); later.After(r.ExpiresAt) {
				r.ExpiresAt = later
				if err := s.Touch(t.Context(), r.ID, later); err != nil {
					t.Fatalf("Touch: %v", err)
				}
			}
		case at == 1 && len(kept) > 0: // changed, be it later or earlier
			r := &kept[random.IntN(len(kept))]
			r.ExpiresAt = next()
			if err := s.Update(t.Context(), *r); err != nil {
				t.Fatalf("Update: %v", err)
			}
			r.Version++
		default:
			if len(kept) == most {
				slices.SortFunc(kept, func(a, b session.Record) int { return a.ExpiresAt.Compare(b.ExpiresAt) })
				want = append(want, kept[0])
				kept = kept[1:]
			}
			r := record(fmt.Sprint("subject ", i%7))
			r.ExpiresAt, r.Data = next(), fmt.Append(nil, "data ", i)
			kept = append(kept, create(t, s, r))
		}
		if s.Len() != len(kept) {
			t.Fatalf("step %d: Len: got %d, want %d", i, s.Len(), len(kept))
		}
	}
	if len(want) < 100 {
		t.Fatalf("got %d evictions, too few to tell", len(want))
	}
	same := func(a, b session.Record) bool {
		return a.ID == b.ID && a.Version == b.Version && a.Subject == b.Subject && a.ExpiresAt.Equal(b.ExpiresAt) && bytes.Equal(a.Data, b.Data)
	}
	if !slices.EqualFunc(reported.records, want, same) {
		t.Errorf("what was evicted is not what expires soonest: got %d reports, want %d", len(reported.records), len(want))
	}
	for _, r := range kept {
		if got, err := s.Load(t.Context(), r.ID); err != nil || !same(got, r) {
			t.Errorf("what expires later: got error %v and %v, want it kept as it was", err, got.ID)
		}
	}
	check(t, s)
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
		if _, err := s.Load(t.Context(), live.ID); err != nil {
			t.Errorf("with expired sessions to remove: a live one: got error %v, want it kept", err)
		}
		create(t, s, record("carol"))
		if n := len(reported.records); n != 1 || reported.records[0].ID != live.ID {
			t.Errorf("with live sessions alone: got %d evictions reported, want 1, of the one that expires soonest", n)
		}
	})
}

// TestOnlyCreateNeedsRoom: what adds no session removes none.
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

// TestEvictedHoldsNoLock: what it is given is gone, and the store can be used.
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
		clear(r.Data)
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
	for _, r := range records {
		if string(r.Data) != "data" {
			t.Errorf("after what was evicted was changed: got data %q, want it as created", r.Data)
		}
	}
	check(t, s)
}

// TestEvictsWhatExpiresSoonestWhileOthersGo: what is in front of a shard when
// the store looks may be gone when it removes. What is then in front there
// expires later than what is elsewhere.
func TestEvictsWhatExpiresSoonestWhileOthersGo(t *testing.T) {
	s := memory.New(nil)
	first := record("alice")
	first.ExpiresAt = first.ExpiresAt.Add(-time.Minute)
	for range 1000 { // some in each shard
		create(t, s, record("bob"))
	}
	create(t, s, first)
	removed := s.RemoveSoonestAfter(func() {
		if err := s.Delete(t.Context(), first.ID); err != nil {
			t.Fatalf("Delete: %v", err)
		}
	})
	if removed {
		t.Error("the soonest was gone: got another of its shard removed, want another look at all shards")
	}
	create(t, s, first)
	if !s.RemoveSoonestAfter(func() {}) {
		t.Error("the soonest was there: got nothing removed, want it removed")
	}
	if _, err := s.Load(t.Context(), first.ID); err == nil || s.Len() != 1000 {
		t.Errorf("the soonest was removed: got it loaded, or %d sessions, want the 1000 others", s.Len())
	}
	check(t, s)
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
