package session_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	session "github.com/gostateful/session/core"
)

// A request keeps a bounded number of changes in memory.
func TestPendingChangesAreBounded(t *testing.T) {
	si, b := newSite(t, nil), &browser{}
	si.visit(b, incremented)
	r := si.begin(b)
	s := r.get()
	_, _ = r.respond()
	made := 0
	for made < 1e5 && s.Update(increment) == nil {
		made++
	}
	if made > 1000 {
		t.Fatalf("%d changes are pending", made)
	}
	if err := s.Update(increment); err == nil || !strings.Contains(err.Error(), "Commit") {
		t.Errorf("got %v, want an error that says what to do", err)
	}
	if err := errors.Join(s.Commit(t.Context()), s.Update(increment)); err != nil {
		t.Error(err)
	}
	if err := r.Finish(); err != nil || si.data(b).N != made+2 {
		t.Errorf("got %v and %d changes, want %d", err, si.data(b).N, made+2)
	}
}

// A visitor waits for writers of their own session only: while one flush of each
// of many sessions is in its queue, nobody waits.
func TestQueueIsPerSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		si, start := newSite(t, nil), time.Now()
		var all sync.WaitGroup
		si.store.hook(func(method string, _ session.ID) error {
			if method == "update" {
				return session.ErrConflict // each commit in a queue stays there until StoreTimeout
			}
			return nil
		}, nil)
		const sessions = 200
		for range sessions {
			b := &browser{}
			si.visit(b, incremented)
			r := si.begin(b)
			_ = r.get().Update(increment)
			all.Go(func() {
				if _, err := r.Commit(session.Response{}); !errors.Is(err, session.ErrConflict) {
					t.Errorf("got %v, want ErrConflict", err)
				}
			})
		}
		synctest.Wait() // each has lost once, and pauses before its second try
		si.store.took()
		time.Sleep(time.Second)
		if tries := len(si.store.took()); time.Since(start) != time.Second || tries < sessions*10 {
			t.Errorf("%d tries in a second by %d sessions: some wait for others", tries, sessions)
		}
		all.Wait()
	})
}

// A client that leaves before its session is loaded is no outage, and no event
// says so.
func TestClientLeftBeforeTheLoad(t *testing.T) {
	si, b := newSite(t, nil), &browser{}
	si.visit(b, incremented)
	for _, when := range []string{"before the load", "during the load"} {
		ctx, leave := context.WithCancel(t.Context())
		x := new(session.Exchange)
		x.Begin(ctx, si, b.lines())
		si.store.took()
		si.kinds()
		if when == "before the load" {
			leave()
		} else {
			si.store.once("load", leave)
			si.store.hook(func(string, session.ID) error { leave(); return ctx.Err() }, nil)
		}
		_, err := si.Get(x)
		if !errors.Is(err, context.Canceled) || errors.Is(err, session.ErrUnavailable) || session.HTTPStatus(err) != 499 {
			t.Errorf("%s: got %v, status %d", when, err, session.HTTPStatus(err))
		}
		if got := si.kinds(); len(got) > 0 {
			t.Errorf("%s: got the events %v", when, got)
		}
		si.store.hook(nil, nil)
	}
}

// Merging a newer program's data takes time in proportion to the data, because
// the depth to which two forms may differ is bounded.
func TestMergeIsBounded(t *testing.T) {
	type node struct {
		N    int   `json:"n"`
		Next *node `json:"next"`
	}
	for _, test := range []struct {
		depth int
		want  bool
	}{{30, true}, {9_000, false}} {
		si, b := newSite(t, nil), &browser{}
		si.visit(b, incremented)
		deep := strings.Repeat(`{"n":1,"next":`, test.depth) + `{"n":1,"later":1}` + strings.Repeat("}", test.depth)
		for id, r := range si.store.Records {
			r.Data = []byte(deep + strings.TrimPrefix(string(r.Data), `{"n":1}`))
			si.store.Records[id] = r
		}
		m, err := session.New[node](si.store, nil)
		if err != nil {
			t.Fatal(err)
		}
		x := new(session.Exchange)
		x.Begin(t.Context(), m, b.lines())
		s, err := m.Get(x)
		if err != nil {
			t.Fatal(err)
		}
		err = s.Update(func(n *node) error {
			for at := n; at != nil; at = at.Next {
				at.N++
			}
			return nil
		})
		if (err == nil) != test.want || err != nil && !strings.Contains(err.Error(), "levels deep") {
			t.Errorf("depth %d: got %v", test.depth, err)
		}
	}
}

// Law 20: failures that only the engine knows reach the default log.
func TestFailuresAreLoud(t *testing.T) { synctest.Test(t, failuresAreLoud) }

func failuresAreLoud(t *testing.T) {
	log := captureDefaultLog(t)
	m, store := newLoud(t)
	b := &browser{}
	visit := func(act func(*session.Session[cart]) error) error {
		x := new(session.Exchange)
		x.Begin(t.Context(), m, b.lines())
		s, err := m.Get(x)
		if err == nil {
			err = act(s)
		}
		if err != nil {
			return err
		}
		h, err := x.Commit(session.Response{})
		b.receive(t, h)
		return err
	}
	wants := func(what string, level string, parts ...string) {
		t.Helper()
		got := log()
		if !slices.ContainsFunc(got, func(line string) bool {
			for _, part := range append(parts, "level="+level) {
				if !strings.Contains(line, part) {
					return false
				}
			}
			return true
		}) {
			t.Errorf("%s: the default log has %q, want level %s and %q", what, got, level, parts)
		}
	}
	if err := visit(loggedIn); err != nil {
		t.Fatal(err)
	}
	if got := log(); len(got) > 0 {
		t.Errorf("an uneventful request logs %q", got)
	}
	store.down("update")
	_ = visit(incremented)
	wants("a failed commit", "ERROR", "event=error", "connection refused")
	store.down()
	time.Sleep(time.Second)
	_ = visit(look)
	wants("an outage", "ERROR", "event=error", "connection refused")
	store.hook(nil, nil)
	old := *b
	if err := visit(func(s *session.Session[cart]) error { return s.Renew() }); err != nil {
		t.Fatal(err)
	}
	time.Sleep(2 * time.Minute)
	b = &old
	_ = visit(look)
	wants("a reuse", "WARN", "event=reused")
}
