package sql_test

import (
	"context"
	"database/sql"
	"fmt"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	session "github.com/gostateful/session/core"
	sessionsql "github.com/gostateful/session/sql"
	"github.com/gostateful/session/tests/support/stress"
)

// A distance is a database at the other end of a network.
type distance struct {
	engine
	dsn, addr string
}

// dial returns a pool whose connections a dialer makes.
func (b distance) dial(t testing.TB, dial func(ctx context.Context, network, addr string) (net.Conn, error)) *sql.DB {
	t.Helper()
	var db *sql.DB
	if b.dialect == sessionsql.Postgres {
		config, err := pgx.ParseConfig(b.dsn)
		require.NoError(t, err)
		config.DialFunc = dial
		db = stdlib.OpenDB(*config)
	} else {
		config, err := mysql.ParseDSN(b.dsn)
		require.NoError(t, err)
		config.DialFunc = dial
		connector, err := mysql.NewConnector(config)
		require.NoError(t, err)
		db = sql.OpenDB(connector)
	}
	t.Cleanup(func() { _ = db.Close() }) // reports connections that are dead
	return db
}

// sent is an ID as it goes over the network.
func (b distance) sent(id session.ID) string {
	if b.dialect == sessionsql.Postgres {
		return id.String()
	}
	return string(id[:])
}

// A loss is a call whose reply is lost.
type loss struct {
	call
	after    func(r session.Record) (session.Record, bool) // what is stored then
	fresh    bool                                          // the record is not stored before
	repeated bool                                          // the call succeeds when the connection ends
}

func same(r session.Record) (session.Record, bool)    { return r, true }
func nothing(r session.Record) (session.Record, bool) { return r, false }

func changed(r session.Record) session.Record {
	r.Data, r.ExpiresAt = []byte("changed"), r.ExpiresAt.Add(10*time.Minute)
	return r
}

func updated(r session.Record) (session.Record, bool) {
	r = changed(r)
	r.Version++
	return r, true
}

var losses = []loss{
	{call: calls[0], after: same, repeated: true},
	{call: call{"List", true, calls[4].do}, after: same, repeated: true},
	{call: call{"Create", false, func(ctx context.Context, s *sessionsql.Store, r session.Record) error {
		return s.Create(ctx, r)
	}}, after: same, fresh: true},
	{call: call{"Create over another", false, func(ctx context.Context, s *sessionsql.Store, r session.Record) error {
		return s.Create(ctx, changed(r))
	}}, after: same},
	{call: call{"Update", false, func(ctx context.Context, s *sessionsql.Store, r session.Record) error {
		return s.Update(ctx, changed(r))
	}}, after: updated},
	{call: call{"Update over another version", false, func(ctx context.Context, s *sessionsql.Store, r session.Record) error {
		r.Version += 7
		return s.Update(ctx, changed(r))
	}}, after: same},
	{call: call{"Update to the past", false, func(ctx context.Context, s *sessionsql.Store, r session.Record) error {
		r.ExpiresAt = in(-time.Second)
		return s.Update(ctx, r)
	}}, after: nothing},
	{call: call{"Update that keeps the expiry", false, func(ctx context.Context, s *sessionsql.Store, r session.Record) error {
		r.Data, r.ExpiresAt = []byte("changed"), time.Time{}
		return s.Update(ctx, r)
	}}, after: func(r session.Record) (session.Record, bool) {
		r.Version++
		r.Data = []byte("changed")
		return r, true
	}},
	{call: call{"Touch", false, calls[3].do}, after: func(r session.Record) (session.Record, bool) {
		r.ExpiresAt = r.ExpiresAt.Add(time.Minute)
		return r, true
	}},
	{call: call{"Delete", false, calls[5].do}, after: nothing},
	{call: call{"DeleteAll", false, calls[6].do}, after: nothing},
}

func TestLostReply(t *testing.T) {
	for _, b := range backends {
		t.Run(b.name, func(t *testing.T) {
			server := b.serve(t, b.hasty...)
			distance{b.engine, b.dsn(server, b.database), server.Addr()}.test(t)
		})
	}
	for _, e := range mySQLs {
		t.Run(e.name, func(t *testing.T) {
			dsn := e.start(t)
			config, err := mysql.ParseDSN(dsn)
			require.NoError(t, err)
			distance{e, dsn, config.Addr}.test(t)
		})
	}
}

func (b distance) test(t *testing.T) {
	t.Run("calls", b.loseReplies)
	t.Run("requests", b.loseRepliesOfRequests)
	t.Run("revoked", b.loseAndRevoke)
	t.Run("history", b.loseAtRandom)
}

// loseReplies loses the reply to each call: what was done is not done again, and
// the call does not say that somebody else did it.
func (b distance) loseReplies(t *testing.T) {
	proxy := stress.NewProxy(t, b.addr)
	db := b.dial(t, stress.DialThrough(proxy))
	control := b.migrated(t, b.pool(t, b.dsn, 20), sessionsql.Options{})
	store := sessionsql.New(db, b.dialect, &sessionsql.Options{Table: lastTable()})
	for _, l := range losses {
		for how, mute := range map[string]bool{"cut": false, "silent": true} {
			t.Run(l.name+"/"+how, func(t *testing.T) {
				requireAllWork(t, store, create(t, control, record("warm"))) // all is prepared
				r := record("subject of " + session.NewID().String())
				if !l.fresh {
					create(t, control, r)
				}
				needle := b.sent(r.ID)
				if l.name == "List" || l.name == "DeleteAll" {
					needle = r.Subject
				}
				proxy.Lose(needle, 0, mute)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if mute { // the caller gives up
					go func() {
						stress.Await(t, func() bool { return proxy.Losses() == 1 || ctx.Err() != nil })
						cancel()
					}()
				}
				err := l.do(ctx, store, r)
				require.Equal(t, 1, proxy.Losses(), "replies lost")
				if l.repeated && !mute {
					require.NoError(t, err)
				} else {
					stress.RequireFailure(t, err, l.name)
				}
				want, live := l.after(r)
				if !live {
					requireAbsent(t, control, r.ID, "in the end")
					return
				}
				requireHolds(t, control, want, "in the end")
			})
		}
	}
}

// loseRepliesOfRequests takes requests through the engine: what the visitor sees
// is what is stored, and each change is there once.
func (b distance) loseRepliesOfRequests(t *testing.T) {
	proxy := stress.NewProxy(t, b.addr)
	direct := b.migrated(t, b.pool(t, b.dsn, 20), sessionsql.Options{})
	si := stress.NewSite(t, sessionsql.New(b.dial(t, stress.DialThrough(proxy)), b.dialect, &sessionsql.Options{Table: lastTable()}))
	v := si.Visitor()
	require.Equal(t, stress.OK("new"), si.Visitor().Post("/login?as=warm")) // all is prepared
	// post loses the reply to the command that has the needle.
	post := func(target, needle string, skip int) stress.Answer {
		t.Helper()
		var a stress.Answer
		si.During(func() {
			proxy.Lose(needle, skip, false)
			a = v.Post(target)
			require.Equal(t, 1, proxy.Losses(), "replies lost in POST %s", target)
		})
		require.True(t, a.OK(), "POST %s: %d %s", target, a.Status, a.Body)
		return a
	}
	const data = `{"N":` // which only writes hold
	post("/count", data, 0)
	assert.Equal(t, stress.OK("1 "), v.Post("/read"), "after the first visit")
	for n := 2; n < 5; n++ {
		assert.Equal(t, fmt.Sprint(n, " "), post("/count", data, 0).Body)
		assert.Equal(t, stress.OK(fmt.Sprint(n, " ")), v.Post("/read"))
	}
	before := v.Token()
	post("/login?as=alice", data, 0)
	assert.Equal(t, stress.OK("4 alice"), v.Post("/read"))
	assert.NotEqual(t, stress.OK("4 alice"), si.With(before).Post("/read"), "the secret from before the login")
	list, err := direct.List(t.Context(), "alice")
	require.NoError(t, err)
	assert.Len(t, list, 1)

	after, id := v.Token(), v.ID()
	post("/logout", b.sent(id), 1) // the first one reads
	assert.Empty(t, v.Token(), "a logout removes the cookie")
	assert.Equal(t, stress.OK("new"), si.With(after).Post("/read"))
	_, err = si.Sessions.Find(t.Context(), id)
	require.ErrorIs(t, err, session.ErrNotFound, "after the logout")
}

// loseAndRevoke loses the reply to a change, and has the session revoked before
// the engine looks: nobody can tell whether the change was done.
func (b distance) loseAndRevoke(t *testing.T) {
	proxy := stress.NewProxy(t, b.addr)
	direct := b.migrated(t, b.pool(t, b.dsn, 20), sessionsql.Options{})
	distant := sessionsql.New(b.dial(t, stress.DialThrough(proxy)), b.dialect, &sessionsql.Options{Table: lastTable()})
	si := stress.NewSite(t, &stress.Revoking{Store: distant, Direct: direct})
	warm, v := si.Visitor(), si.Visitor()
	require.True(t, warm.Post("/count").OK())
	require.True(t, warm.Post("/count").OK()) // all is prepared
	require.True(t, v.Post("/count").OK())
	var a stress.Answer
	si.During(func() {
		proxy.Lose(`{"N":`, 0, false)
		a = v.Post("/count")
		require.Equal(t, 1, proxy.Losses(), "replies lost")
	})
	assert.Equal(t, http.StatusServiceUnavailable, a.Status, "%s", a.Body)
	assert.Equal(t, stress.OK("new"), v.Post("/read"))
}

// loseAtRandom breaks one in twenty reads and writes of the connections, before a
// command has left or when its reply is due.
func (b distance) loseAtRandom(t *testing.T) {
	b.migrated(t, b.pool(t, b.dsn, 20), sessionsql.Options{})
	store := sessionsql.New(b.dial(t, stress.DialFragile), b.dialect, &sessionsql.Options{Table: lastTable()})
	h := stress.RecordStore(t, store, store, store)
	h.Await(500)
	h.AwaitUnknown(20)
	h.Check()
}
