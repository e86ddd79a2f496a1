package redis_test

import (
	"testing"

	"github.com/redis/go-redis/v9"

	session "github.com/gostateful/session/core"
	sessionredis "github.com/gostateful/session/redis"
	"github.com/gostateful/session/tests/support/servers"
	"github.com/gostateful/session/tests/support/stress"
)

// connectFragile returns a client whose connections break all the time.
func connectFragile(t testing.TB, s *servers.Server) *redis.Client {
	t.Helper()
	return closed(t, redis.NewClient(&redis.Options{Addr: s.Addr(), ContextTimeoutEnabled: true, Dialer: stress.DialFragile}))
}

// TestHistoryOfStore checks what several clients of the store see of a record.
func TestHistoryOfStore(t *testing.T) {
	t.Parallel()
	server := servers.Redis(t)
	var stores []session.Store
	for range 4 {
		stores = append(stores, sessionredis.New(connectFragile(t, server), nil))
	}
	h := stress.RecordStore(t, stores...)
	h.AwaitUnknown(50)
	h.Await(500)
	h.Check()
}

// TestHistoryOfSite checks what several tabs of a browser see of a session.
func TestHistoryOfSite(t *testing.T) {
	t.Parallel()
	si := newSite(t, connectFragile(t, servers.Redis(t)))
	si.During(func() {
		h := stress.RecordSite(si)
		h.AwaitUnknown(30)
		h.Await(300)
		h.Check()
	})
}
