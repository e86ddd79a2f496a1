package memory_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	session "github.com/gostateful/session/core"
	"github.com/gostateful/session/memory"
)

// TestReturnsMemory fills a store and empties it, in every way.
func TestReturnsMemory(t *testing.T) {
	const many, subjects = 40_000, 5000
	name := func(i int) string { return fmt.Sprint("subject ", i%subjects) }
	for how, empty := range map[string]func(t *testing.T, s *memory.Store, records []session.Record){
		"Delete": func(t *testing.T, s *memory.Store, records []session.Record) {
			for _, r := range records {
				if err := s.Delete(t.Context(), r.ID); err != nil {
					t.Fatal(err)
				}
			}
		},
		"DeleteAll": func(t *testing.T, s *memory.Store, _ []session.Record) {
			for i := range subjects {
				if _, err := s.DeleteAll(t.Context(), name(i)); err != nil {
					t.Fatal(err)
				}
			}
		},
		"Update": func(t *testing.T, s *memory.Store, records []session.Record) {
			for _, r := range records {
				r.ExpiresAt = time.Now().Add(-time.Hour)
				if err := s.Update(t.Context(), r); err != nil {
					t.Fatal(err)
				}
			}
		},
		"expiry": func(t *testing.T, s *memory.Store, records []session.Record) {
			time.Sleep(time.Hour)
			for s.Len() > 0 {
				_, _ = s.Load(t.Context(), records[0].ID)
			}
		},
	} {
		t.Run(how, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				records := make([]session.Record, many)
				before := heapInUse()
				s := memory.New(nil)
				for i := range records {
					records[i] = create(t, s, record(name(i)))
				}
				full := heapInUse()
				empty(t, s, records)
				check(t, s)
				if s.Len() != 0 {
					t.Fatalf("Len: got %d, want 0", s.Len())
				}
				if got := s.Places(); got > memory.PlacesAtLeast {
					t.Errorf("memory for %d entries is held, want at most %d", got, memory.PlacesAtLeast)
				}
				clear(records)
				held := heapInUse()
				if took, holds := full-before, held-before; holds > took/10 {
					t.Errorf("of %d KiB for %d sessions %d KiB are held, want less than a tenth", took>>10, many, holds>>10)
				}
				runtime.KeepAlive(s)
				runtime.KeepAlive(records)
			})
		})
	}
}

// TestReturnsDataAtOnce: nothing holds the data of a removed session, even if
// the store is still so full that its maps and heaps keep their size.
func TestReturnsDataAtOnce(t *testing.T) {
	const many, size = 4000, 8 << 10
	ids := make([]session.ID, many)
	before := heapInUse()
	s := memory.New(nil)
	for i := range ids {
		r := record("alice")
		ids[i], r.Data = r.ID, make([]byte, size)
		create(t, s, r)
	}
	full := heapInUse()
	for _, id := range ids[:many/2] {
		if err := s.Delete(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	held := heapInUse()
	if took, holds := full-before, held-before; holds > took*6/10 {
		t.Errorf("after half of the sessions were deleted: of %d KiB %d KiB are held, want half", took>>10, holds>>10)
	}
	runtime.KeepAlive(s)
}

func heapInUse() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// TestPartsAgree makes random calls, many of them at once, and then checks the
// insides.
func TestPartsAgree(t *testing.T) {
	t.Run("one after the other", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := memory.New(&memory.Options{MaxSessions: 60})
			random := rand.New(rand.NewPCG(3, 4))
			ids := manyIDs(90)
			for range 5000 {
				anything(t, s, random, ids)
				time.Sleep(time.Duration(random.IntN(1000)) * time.Microsecond)
				check(t, s)
			}
		})
	})
	t.Run("at once", func(t *testing.T) {
		for _, opts := range []*memory.Options{nil, {MaxSessions: 60}} {
			s := memory.New(opts)
			ids := manyIDs(90)
			var wg sync.WaitGroup
			for caller := range 6 {
				wg.Go(func() {
					random := rand.New(rand.NewPCG(5, uint64(caller)))
					for range 3000 {
						anything(t, s, random, ids)
					}
				})
			}
			wg.Wait()
			check(t, s)
		}
	})
}

func manyIDs(n int) []session.ID {
	ids := make([]session.ID, n)
	for i := range ids {
		ids[i] = session.NewID()
	}
	return ids
}

func anything(t *testing.T, s *memory.Store, random *rand.Rand, ids []session.ID) {
	subjects := []string{"", "alice", "bob", "carol"}
	r := record(subjects[random.IntN(len(subjects))])
	r.ID = ids[random.IntN(len(ids))]
	r.ExpiresAt = time.Now().Add(time.Duration(random.IntN(200)-5) * time.Millisecond)
	ctx := t.Context()
	switch random.IntN(16) {
	case 0, 1, 2, 3:
		_ = s.Create(ctx, r)
	case 4, 5, 6, 7, 8:
		if old, err := s.Load(ctx, r.ID); err == nil {
			r.Version = old.Version
			_ = s.Update(ctx, r)
		}
	case 9, 10:
		_ = s.Touch(ctx, r.ID, r.ExpiresAt)
	case 11:
		_ = s.Delete(ctx, r.ID)
	case 12:
		_, _ = s.DeleteAll(ctx, r.Subject, r.ID)
	default:
		records, err := s.List(ctx, r.Subject)
		if err != nil {
			t.Errorf("List: %v", err)
		}
		for _, l := range records {
			if l.Subject != r.Subject || l.Subject == "" {
				t.Errorf("List(%q): shows a record of %q", r.Subject, l.Subject)
			}
		}
	}
}

// TestSpreads keeps IDs of an application's own making from meeting in one shard.
func TestSpreads(t *testing.T) {
	s := memory.New(nil)
	const many = 6400
	for i := range many {
		r := record("")
		r.ID = session.ID{0: 1, 14: byte(i >> 8), 15: byte(i)} // a counter
		create(t, s, r)
	}
	if most := s.Fullest(); most > 2*many/64 {
		t.Errorf("of %d sessions with IDs that count up, %d are in one shard of 64, want about %d", many, most, many/64)
	}
}
