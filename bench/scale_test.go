package bench

import (
	"bytes"
	"context"
	"crypto/rand"
	"flag"
	"fmt"
	mathrand "math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	session "github.com/gostateful/session/core"
)

var scale = flag.String("scale", "1000,100000", "how many sessions are in a store while BenchmarkScale measures, in rising order")

// BenchmarkScale is what a call of our stores takes, by how many sessions there are,
// and by how many of them are the subject's:
//
//	go test ./bench -run '^$' -bench Scale -benchtime 200x -scale 1000,100000,1000000
func BenchmarkScale(b *testing.B) {
	for _, s := range stores {
		b.Run("store="+s.name, func(b *testing.B) {
			p := &population{store: s.open(b).store()}
			for text := range strings.SplitSeq(*scale, ",") {
				n, err := strconv.Atoi(text)
				if err != nil {
					b.Fatal(err)
				}
				p.grow(b, n)
				b.Run("sessions="+text, p.measure)
			}
			for _, n := range []int{1, 10, 1000} {
				b.Run(fmt.Sprint("of-subject=", n), func(b *testing.B) { p.measureSubject(b, n) })
			}
		})
	}
}

// BenchmarkSize is how many bytes a session takes on the server, with its share of the
// indexes, when it is new and when it was changed once:
//
//	go test ./bench -run '^$' -bench Size -benchtime 100000x
func BenchmarkSize(b *testing.B) {
	for _, s := range stores {
		if s.name == "memory" {
			continue
		}
		for whose, subject := range map[string]func(i int) string{
			"visitors": func(int) string { return "" },
			"users":    func(i int) string { return fmt.Sprint("user ", i) },
		} {
			b.Run("store="+s.name+"/of="+whose, func(b *testing.B) {
				on := s.open(b)
				store, empty := on.store(), on.size()
				records := make([]session.Record, b.N)
				for i := range records {
					records[i] = fresh(subject(i))
					if err := store.Create(b.Context(), records[i]); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric((on.size()-empty)/float64(b.N), "B/new")
				for _, r := range records {
					if err := store.Update(b.Context(), r); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric((on.size()-empty)/float64(b.N), "B/changed")
			})
		}
	}
}

// A population is a store with many sessions.
type population struct {
	store  session.Store
	n      int
	sample []session.Record // some of them
}

func fresh(subject string) session.Record {
	return session.Record{ID: session.NewID(), Version: 1, Subject: subject, ExpiresAt: time.Now().Add(24 * time.Hour), Data: bytes.Clone(payload)}
}

func (p *population) grow(b *testing.B, n int) {
	const writers = 8
	missing := n - p.n
	var wg sync.WaitGroup
	var mu sync.Mutex
	for w := range writers {
		wg.Go(func() {
			for i := w; i < missing; i += writers {
				r := fresh("")
				if err := p.store.Create(context.Background(), r); err != nil {
					b.Error(err)
					return
				}
				if i%max(1, missing/10_000) == 0 {
					mu.Lock()
					p.sample = append(p.sample, r)
					mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
	p.n = n
}

func (p *population) measure(b *testing.B) {
	ctx := context.Background()
	some := func() *session.Record { return &p.sample[mathrand.IntN(len(p.sample))] }
	b.Run("op=load", func(b *testing.B) {
		for b.Loop() {
			if _, err := p.store.Load(ctx, some().ID); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("op=update", func(b *testing.B) {
		for b.Loop() {
			r := some()
			if err := p.store.Update(ctx, *r); err != nil {
				b.Fatal(err)
			}
			r.Version++
		}
	})
	b.Run("op=create", func(b *testing.B) {
		for b.Loop() {
			if err := p.store.Create(ctx, fresh("")); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// measureSubject has a subject's sessions listed, and revoked.
func (p *population) measureSubject(b *testing.B, n int) {
	ctx := context.Background()
	fill := func() (subject string) {
		subject = rand.Text()
		for range n {
			if err := p.store.Create(ctx, fresh(subject)); err != nil {
				b.Fatal(err)
			}
		}
		return subject
	}
	subject := fill()
	b.Run("op=list", func(b *testing.B) {
		for b.Loop() {
			if got, err := p.store.List(ctx, subject); err != nil || len(got) != n {
				b.Fatalf("got %d sessions and %v, want %d", len(got), err, n)
			}
		}
	})
	b.Run("op=revoke", func(b *testing.B) {
		var took time.Duration
		for range b.N {
			subject := fill()
			start := time.Now()
			got, err := p.store.DeleteAll(ctx, subject)
			took += time.Since(start)
			if err != nil || got != n {
				b.Fatalf("got %d sessions and %v, want %d", got, err, n)
			}
		}
		b.ReportMetric(float64(took.Nanoseconds())/float64(b.N), "ns/op")
	})
}
