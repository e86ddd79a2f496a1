package memory_test

import (
	"fmt"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	session "github.com/gostateful/session/core"
	"github.com/gostateful/session/memory"
)

// TestAllShowsEachOnce: while so many sessions come and go that each shard
// grows and shrinks, each session that stays is shown exactly once.
func TestAllShowsEachOnce(t *testing.T) {
	const many, passing = 20_000, 60_000
	s := memory.New(nil)
	want := map[session.ID]bool{}
	for range many {
		want[create(t, s, record("")).ID] = true
	}
	crowd := make([]session.Record, passing)
	for i := range crowd {
		crowd[i] = create(t, s, record(fmt.Sprint("subject ", i%100)))
	}
	seen := map[session.ID]int{}
	steps := 0
	for r, err := range s.All(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		seen[r.ID]++
		switch steps++; {
		case steps%many < many/4 && len(crowd) > 0: // it shrinks
			for _, r := range crowd[:min(len(crowd), 12)] {
				if err := s.Delete(t.Context(), r.ID); err != nil {
					t.Fatal(err)
				}
			}
			crowd = crowd[min(len(crowd), 12):]
		case steps < 2*many: // it grows
			create(t, s, record("bob"))
		}
	}
	for id := range want {
		if seen[id] != 1 {
			t.Fatalf("a session that lived throughout was shown %d times, want once", seen[id])
		}
	}
	check(t, s)
}

// TestAllTakesSmallSteps: the first session is there before the store has copied
// much, however many there are.
func TestAllTakesSmallSteps(t *testing.T) {
	const many, most = 200_000, 16 << 10
	s := memory.New(nil)
	for range many {
		create(t, s, record(""))
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for _, err := range s.All(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		break
	}
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; took > most {
		t.Errorf("All allocated %d bytes before it showed the first of %d sessions, want at most %d: a lock is held for as long as that takes", took, many, most)
	}
}

// TestAllShowsWhatIsThen: a session is shown as it is at that moment, not as it
// was when its page was read.
func TestAllShowsWhatIsThen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := memory.New(nil)
		for range 1000 {
			create(t, s, record("alice"))
		}
		shown := 0
		for _, err := range s.All(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			if shown++; shown == 3 {
				time.Sleep(time.Hour)
			}
		}
		if shown != 3 {
			t.Errorf("all sessions expired after 3 had been shown: got %d shown", shown)
		}
	})
}
