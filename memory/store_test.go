package memory_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"
	"unsafe"

	session "github.com/gostateful/session/core"
	"github.com/gostateful/session/core/storetest"
	"github.com/gostateful/session/memory"
)

func TestStore(t *testing.T) {
	storetest.Run(t, func(*testing.T) session.Store { return memory.New(nil) }, storetest.FakeClock)
}

// TestBoundedStore shows that a bound that is not reached changes nothing.
func TestBoundedStore(t *testing.T) {
	newStore := func(*testing.T) session.Store { return memory.New(&memory.Options{MaxSessions: 10_000}) }
	storetest.Run(t, newStore, storetest.FakeClock)
}

func BenchmarkStore(b *testing.B) {
	storetest.Benchmark(b, func(*testing.B) session.Store { return memory.New(nil) })
}

// BenchmarkFullStore measures what a Create costs that has to make room.
func BenchmarkFullStore(b *testing.B) {
	s := memory.New(&memory.Options{MaxSessions: 10_000})
	b.ReportAllocs()
	for b.Loop() {
		if err := s.Create(b.Context(), record("")); err != nil {
			b.Fatal(err)
		}
	}
}

// record returns a record of a subject, with an hour to live.
func record(subject string) session.Record {
	return session.Record{
		ID: session.NewID(), Version: 1, Subject: subject,
		ExpiresAt: time.Now().Add(time.Hour), Data: []byte("data"),
	}
}

func create(t *testing.T, s *memory.Store, r session.Record) session.Record {
	t.Helper()
	if err := s.Create(t.Context(), r); err != nil {
		t.Fatalf("Create: %v", err)
	}
	return r
}

func check(t *testing.T, s *memory.Store) {
	t.Helper()
	if err := s.Check(); err != nil {
		t.Fatalf("the parts of the store disagree: %v", err)
	}
}

func TestErrorsOfContext(t *testing.T) {
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	late, cancel := context.WithTimeout(t.Context(), -time.Second)
	defer cancel()
	s := memory.New(nil)
	for _, c := range []struct {
		ctx  context.Context
		want error
	}{{cancelled, context.Canceled}, {late, context.DeadlineExceeded}} {
		_, load := s.Load(c.ctx, session.NewID())
		_, list := s.List(c.ctx, "alice")
		_, deleteAll := s.DeleteAll(c.ctx, "alice")
		for doing, err := range map[string]error{
			"load": load, "list": list, "delete all": deleteAll,
			"create": s.Create(c.ctx, record("")), "update": s.Update(c.ctx, record("")),
			"touch":  s.Touch(c.ctx, session.NewID(), time.Now()),
			"delete": s.Delete(c.ctx, session.NewID()),
		} {
			if !errors.Is(err, c.want) || !strings.HasPrefix(fmt.Sprint(err), "memory: "+doing+": ") {
				t.Errorf("%s: got error %v, want one of memory that wraps %v", doing, err, c.want)
			}
		}
	}
}

// TestSubjectIsCopied: fiber hands out strings whose bytes it uses again.
func TestSubjectIsCopied(t *testing.T) {
	s := memory.New(nil)
	for name, store := range map[string]func(subject string) session.Record{
		"Create": func(subject string) session.Record { return create(t, s, record(subject)) },
		"Update": func(subject string) session.Record {
			r := create(t, s, record("before"))
			r.Subject = subject
			if err := s.Update(t.Context(), r); err != nil {
				t.Fatalf("Update: %v", err)
			}
			return r
		},
	} {
		buffer := []byte("alice")
		r := store(unsafe.String(&buffer[0], len(buffer)))
		copy(buffer, "mallo")
		got, err := s.Load(t.Context(), r.ID)
		if err != nil || got.Subject != "alice" {
			t.Errorf("%s: after the subject's bytes were used again: got subject %q and error %v, want alice", name, got.Subject, err)
		}
		if n, err := s.DeleteAll(t.Context(), "alice"); n != 1 || err != nil {
			t.Errorf("%s: DeleteAll: got %d and error %v, want 1", name, n, err)
		}
	}
	check(t, s)
}

func TestLoadAllocatesNothing(t *testing.T) {
	s := memory.New(nil)
	r := create(t, s, record("alice"))
	ctx := t.Context()
	got := testing.AllocsPerRun(100, func() {
		if _, err := s.Load(ctx, r.ID); err != nil {
			t.Fatal(err)
		}
	})
	if got != 0 {
		t.Errorf("Load: got %v allocations, want none", got)
	}
}

func TestNoGoroutine(t *testing.T) {
	before := runtime.NumGoroutine()
	s := memory.New(&memory.Options{MaxSessions: 10, Evicted: func(session.Record) {}})
	for range 100 {
		r := create(t, s, record("alice"))
		if _, err := s.Load(t.Context(), r.ID); err != nil {
			t.Fatal(err)
		}
	}
	if after := runtime.NumGoroutine(); after > before {
		t.Errorf("after 100 sessions: got %d goroutines, want the %d from before", after, before)
	}
	runtime.KeepAlive(s)
}
