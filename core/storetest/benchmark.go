package storetest

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	session "github.com/gostateful/session/core"
)

// Benchmark measures each method of a store with 500 bytes of data, from one
// goroutine and from many. newStore is as for [Run].
func Benchmark(b *testing.B, newStore func(b *testing.B) session.Store) {
	for _, m := range []struct {
		name    string
		measure func(b *testing.B, s session.Store)
	}{
		{"Load", benchmarkLoad},
		{"LoadParallel", benchmarkLoadParallel},
		{"CreateDelete", benchmarkCreateDelete},
		{"Update", benchmarkUpdate},
		{"UpdateParallel", benchmarkUpdateParallel},
		{"Touch", benchmarkTouch},
		{"List10", benchmarkList},
	} {
		b.Run(m.name, func(b *testing.B) {
			b.ReportAllocs()
			m.measure(b, newStore(b))
		})
	}
}

func benchmarkRecord(subject string) session.Record {
	return session.Record{
		ID: session.NewID(), Version: 1, Subject: subject,
		ExpiresAt: in(time.Hour), Data: bytes.Repeat([]byte("x"), 500),
	}
}

func stored(b *testing.B, s session.Store, n int) []session.Record {
	b.Helper()
	subject := "storetest-" + session.NewID().String()
	records := make([]session.Record, n)
	for i := range records {
		records[i] = benchmarkRecord(fmt.Sprint(subject, "-", i/10))
		must(b, s.Create(b.Context(), records[i]))
	}
	return records
}

func must(b *testing.B, err error) {
	if err != nil {
		b.Helper()
		b.Fatal(err)
	}
}

func benchmarkLoad(b *testing.B, s session.Store) {
	r := stored(b, s, 1)[0]
	for b.Loop() {
		_, err := s.Load(b.Context(), r.ID)
		must(b, err)
	}
}

func benchmarkLoadParallel(b *testing.B, s session.Store) {
	records := stored(b, s, 1000)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for i := 0; pb.Next(); i++ {
			if _, err := s.Load(b.Context(), records[i%len(records)].ID); err != nil {
				b.Error(err)
				return
			}
		}
	})
}

func benchmarkCreateDelete(b *testing.B, s session.Store) {
	r := benchmarkRecord("")
	for b.Loop() {
		r.ID = session.NewID()
		must(b, s.Create(b.Context(), r))
		must(b, s.Delete(b.Context(), r.ID))
	}
}

func benchmarkUpdate(b *testing.B, s session.Store) {
	r := stored(b, s, 1)[0]
	for b.Loop() {
		must(b, s.Update(b.Context(), r))
		r.Version++
	}
}

func benchmarkUpdateParallel(b *testing.B, s session.Store) {
	b.RunParallel(func(pb *testing.PB) {
		r := benchmarkRecord("")
		if err := s.Create(b.Context(), r); err != nil {
			b.Error(err)
			return
		}
		for pb.Next() {
			if err := s.Update(b.Context(), r); err != nil {
				b.Error(err)
				return
			}
			r.Version++
		}
	})
}

func benchmarkTouch(b *testing.B, s session.Store) {
	r := stored(b, s, 1)[0]
	for b.Loop() {
		r.ExpiresAt = r.ExpiresAt.Add(time.Millisecond)
		must(b, s.Touch(b.Context(), r.ID, r.ExpiresAt))
	}
}

func benchmarkList(b *testing.B, s session.Store) {
	r := stored(b, s, 10)[0]
	for b.Loop() {
		records, err := s.List(b.Context(), r.Subject)
		must(b, err)
		if len(records) != 10 {
			b.Fatalf("got %d records, want 10", len(records))
		}
	}
}
