package sql_test

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	session "github.com/gostateful/session/core"
	sessionsql "github.com/gostateful/session/sql"
)

// BenchmarkCalls has the calls of a request made, with a deadline as the engine
// gives them:
//
//	go test ./tests/sql -run '^$' -bench Calls -benchmem
func BenchmarkCalls(b *testing.B) {
	for _, e := range engines {
		b.Run(e.name, func(b *testing.B) {
			s := e.migrated(b, e.open(b, e.start(b)), sessionsql.Options{})
			r := record("alice")
			r.Data = bytes.Repeat([]byte("d"), 700)
			require.NoError(b, s.Create(b.Context(), r))
			call := func(name string, call func(context.Context) error) {
				b.Run(name, func(b *testing.B) {
					b.ReportAllocs()
					for b.Loop() {
						ctx, cancel := context.WithTimeout(b.Context(), 10*time.Second)
						err := call(ctx)
						cancel()
						if err != nil {
							b.Fatal(err)
						}
					}
				})
			}
			call("Load", func(ctx context.Context) error {
				_, err := s.Load(ctx, r.ID)
				return err
			})
			call("Update", func(ctx context.Context) error {
				err := s.Update(ctx, r)
				r.Version++
				return err
			})
			call("Create", func(ctx context.Context) error {
				created := r
				created.ID = session.NewID()
				return s.Create(ctx, created)
			})
		})
	}
}
