package rpcstore_test

import (
	"context"
	"errors"
	"net"
	"net/rpc"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gostateful/session/core"
	"github.com/gostateful/session/core/storetest"
	"github.com/gostateful/session/memory"
	"github.com/gostateful/session/tests/rpcstore"
)

// connect serves a store and returns a client of it.
func connect(t *testing.T, store session.Store) *rpcstore.Store {
	t.Helper()
	l, err := net.Listen("unix", filepath.Join(t.TempDir(), "s"))
	require.NoError(t, err)
	served := make(chan error, 1)
	go func() { served <- rpcstore.Serve(l, store) }()
	client, err := rpc.Dial("unix", l.Addr().String())
	require.NoError(t, err)
	t.Cleanup(func() {
		assert.NoError(t, client.Close())
		assert.NoError(t, l.Close())
		assert.NoError(t, <-served)
	})
	return rpcstore.New(client)
}

func TestStore(t *testing.T) {
	storetest.Run(t,
		func(t *testing.T) session.Store { return connect(t, memory.New(nil)) },
		storetest.Down(func(t *testing.T) session.Store {
			ours, theirs := net.Pipe()
			require.NoError(t, theirs.Close())
			client := rpc.NewClient(ours)
			t.Cleanup(func() { _ = client.Close() }) // it has shut down by itself
			return rpcstore.New(client)
		}))
}

// A stuck store answers when its context is done, and says why it failed.
type stuck struct {
	session.Store
	asked chan struct{}
}

func (s *stuck) Load(ctx context.Context, _ session.ID) (session.Record, error) {
	close(s.asked)
	<-ctx.Done()
	return session.Record{}, ctx.Err()
}

func (s *stuck) Delete(context.Context, session.ID) error {
	return errors.New("the disk is full")
}

func TestContext(t *testing.T) {
	t.Run("cancelled during", func(t *testing.T) {
		backend := &stuck{asked: make(chan struct{})}
		store := connect(t, backend)
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			<-backend.asked
			cancel()
		}()
		_, err := store.Load(ctx, session.NewID())
		assert.ErrorIs(t, err, context.Canceled)
	})
	t.Run("the deadline travels", func(t *testing.T) {
		backend := &stuck{asked: make(chan struct{})}
		store := connect(t, backend)
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		_, err := store.Load(ctx, session.NewID())
		assert.ErrorIs(t, err, context.DeadlineExceeded)
	})
}

func TestOtherErrors(t *testing.T) {
	store := connect(t, &stuck{})
	err := store.Delete(t.Context(), session.NewID())
	assert.EqualError(t, err, "the disk is full")
	for _, named := range []error{session.ErrNotFound, session.ErrExists, session.ErrConflict} {
		assert.NotErrorIs(t, err, named)
	}
}
