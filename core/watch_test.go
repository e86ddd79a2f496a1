package session_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	session "github.com/gostateful/session/core"
)

// peek is a request that looks at the session, and does not use it.
func (si *site) peek(b *browser) session.Info[cart] {
	si.t.Helper()
	r := si.begin(b)
	info, err := si.Peek(r)
	if err != nil {
		si.t.Fatalf("Peek: %v", err)
	}
	if _, err := r.respond(); err != nil {
		si.t.Fatalf("Commit: %v", err)
	}
	if err := r.Finish(); err != nil {
		si.t.Fatalf("Finish: %v", err)
	}
	return info
}

// watched starts to watch the session of a browser.
func (si *site) watched(b *browser) (context.Context, context.CancelFunc) {
	si.t.Helper()
	return si.Watch(si.t.Context(), si.peek(b))
}

// awaitEnd waits until a watcher is told of the end.
func awaitEnd(t *testing.T, ctx context.Context, patience time.Duration) {
	t.Helper()
	select {
	case <-ctx.Done():
	case <-time.After(patience):
		t.Fatalf("the watcher has been told nothing for %v", patience)
	}
}

// oneByOne hides the Versions of a store.
type oneByOne struct{ session.Store }

// TestWatch: a watcher is told within a second that the session has ended,
// whoever ended it. It is told of nothing else.
func TestWatch(t *testing.T) {
	opts := &session.Options{IdleTimeout: time.Hour, Lifetime: 3 * time.Hour}
	destroy := func(s *session.Session[cart]) error { return s.Destroy() }
	ends := map[string]func(si *site, b *browser) error{
		"a logout":     func(si *site, b *browser) error { si.visit(b, destroy); return nil },
		"a revocation": func(si *site, b *browser) error { return si.Revoke(t.Context(), si.peek(b).ID) },
		"a revocation of all": func(si *site, _ *browser) error {
			_, err := si.RevokeAll(t.Context(), "alice")
			return err
		},
		"a login of somebody else": func(si *site, b *browser) error {
			si.visit(b, func(s *session.Session[cart]) error { return s.Login("bob", nil) })
			return nil
		},
		"too many logins": func(si *site, _ *browser) error {
			for range 2 {
				time.Sleep(2 * time.Minute)
				si.visit(&browser{}, loggedIn)
			}
			return nil
		},
		"IdleTimeout": func(si *site, _ *browser) error { time.Sleep(opts.IdleTimeout); return nil },
		"Lifetime": func(si *site, b *browser) error {
			for range 6 {
				si.visit(b, look)
				time.Sleep(30 * time.Minute)
			}
			return nil
		},
	}
	for name, end := range ends {
		for _, where := range []string{"here", "elsewhere", "one by one"} {
			t.Run(name+" "+where, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					opts := *opts
					if name == "too many logins" {
						opts.MaxPerSubject = 2
					}
					si, b := newSite(t, &opts), &browser{}
					other := si
					switch where {
					case "elsewhere":
						other = newSiteOn(t, si.store, &opts)
					case "one by one":
						m, err := session.New[cart](oneByOne{si.store}, &opts)
						if err != nil {
							t.Fatal(err)
						}
						si.Manager = m
						other = newSiteOn(t, si.store, &opts)
					}
					si.visit(b, loggedIn)
					ctx, stop := si.watched(b)
					defer stop()
					time.Sleep(time.Second) // past the first look
					if err := end(other, b); err != nil {
						t.Fatal(err)
					}
					ended := time.Now()
					awaitEnd(t, ctx, time.Minute)
					soon := where == "here" && name != "IdleTimeout" && name != "Lifetime"
					if took := time.Since(ended); took > time.Second || soon && took > 100*time.Millisecond {
						t.Errorf("was told after %v", took)
					}
					want := session.ErrNotFound
					if name == "a login of somebody else" {
						want = session.ErrSuperseded
					}
					if !errors.Is(context.Cause(ctx), want) {
						t.Errorf("the cause is %v, want %v", context.Cause(ctx), want)
					}
				})
			})
		}
	}
}

// TestWatchGoesOn: what does not end a session does not end its watchers.
func TestWatchGoesOn(t *testing.T) {
	for name, happen := range map[string]func(si *site, b *browser){
		"a change":        func(si *site, b *browser) { si.visit(b, incremented) },
		"a renewal":       func(si *site, b *browser) { si.visit(b, func(s *session.Session[cart]) error { return s.Renew() }) },
		"the same login":  func(si *site, b *browser) { si.visit(b, loggedIn) },
		"other sessions":  func(si *site, _ *browser) { si.visit(&browser{}, loggedIn) },
		"a day of uses":   func(si *site, b *browser) { use(si, b, 24*time.Hour) },
		"an outage":       func(si *site, _ *browser) { si.store.down(); time.Sleep(10 * time.Minute); si.store.hook(nil, nil) },
		"another revoked": func(si *site, _ *browser) { _, _ = si.RevokeAll(t.Context(), "bob") },
		"a failure to load it": func(si *site, b *browser) {
			si.visit(b, incremented)
			si.store.down("load")
			time.Sleep(time.Minute)
			si.store.hook(nil, nil)
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				si, b := newSite(t, &session.Options{Lifetime: 100 * time.Hour}), &browser{}
				si.visit(b, loggedIn)
				ctx, stop := si.watched(b)
				happen(si, b)
				time.Sleep(10 * time.Second)
				if ctx.Err() != nil {
					t.Errorf("it ended: %v", context.Cause(ctx))
				}
				stop()
				awaitEnd(t, ctx, time.Minute)
				if !errors.Is(context.Cause(ctx), context.Canceled) {
					t.Errorf("after stop the cause is %v", context.Cause(ctx))
				}
			})
		})
	}
}

// use uses a session every ten minutes.
func use(si *site, b *browser, during time.Duration) {
	for range during / (10 * time.Minute) {
		time.Sleep(10 * time.Minute)
		si.visit(b, look)
	}
}

// TestWatchOfNothing: a session that does not exist, or is not the caller's,
// counts as ended.
func TestWatchOfNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		si, b := newSite(t, nil), &browser{}
		si.visit(b, loggedIn)
		alices := si.peek(b).ID
		for name, c := range map[string]struct {
			si   *site
			info session.Info[cart]
			want string
		}{
			"no session":                    {si, session.Info[cart]{}, "zero ID"},
			"an unknown session":            {si, session.Info[cart]{ID: session.NewID()}, "not found"},
			"a session of another realm":    {newSiteOn(t, si.store, &session.Options{Realm: "staff"}), session.Info[cart]{ID: alices, Subject: "alice"}, "not found"},
			"a session of somebody else":    {si, session.Info[cart]{ID: alices, Subject: "bob"}, "another subject"},
			"what was shown before a login": {si, session.Info[cart]{ID: alices}, "another subject"},
		} {
			ctx, stop := c.si.Watch(t.Context(), c.info)
			awaitEnd(t, ctx, time.Minute)
			if got := context.Cause(ctx).Error(); !strings.Contains(got, c.want) {
				t.Errorf("%s: the cause is %q, want %q in it", name, got, c.want)
			}
			stop()
			for _, err := range c.si.Changes(t.Context(), c.info, 0) {
				if err == nil || !strings.Contains(err.Error(), c.want) {
					t.Errorf("%s: Changes: got %v, want %q in it", name, err, c.want)
				}
			}
		}
	})
}

// TestWatchLeft: a watcher whose context is done leaves nothing behind.
func TestWatchLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		si, b := newSite(t, nil), &browser{}
		si.visit(b, loggedIn)
		parent, cancel := context.WithCancelCause(t.Context())
		ctx, stop := si.Watch(parent, si.peek(b))
		defer stop()
		cancel(errDown)
		awaitEnd(t, ctx, time.Minute)
		if context.Cause(ctx) != errDown {
			t.Errorf("the cause is %v, want that of the parent", context.Cause(ctx))
		}
		synctest.Wait()
		si.store.took()
		time.Sleep(time.Minute)
		if got := si.store.took(); len(got) > 0 {
			t.Errorf("nobody watches any more, but the store was called: %v", got)
		}
	})
}

// TestWatchIsOneLook: while anybody watches, all sessions are looked at
// together.
func TestWatchIsOneLook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const many, looks = 2500, 10
		si := newSite(t, nil)
		var stops []context.CancelFunc
		for range many {
			b := &browser{}
			si.visit(b, incremented)
			_, stop := si.watched(b)
			stops = append(stops, stop)
		}
		time.Sleep(time.Second)
		si.store.took()
		time.Sleep(looks * 900 * time.Millisecond)
		synctest.Wait()
		if got := si.store.took(); len(got) != 3*looks || slices.Compact(got)[0] != "versions" {
			t.Errorf("%d sessions cost the calls %v, want 3 of Versions for each look", many, slices.Compact(got))
		}
		for _, stop := range stops {
			stop()
		}
		synctest.Wait()
		time.Sleep(time.Minute)
		if got := si.store.took(); len(got) > 0 {
			t.Errorf("nobody watches any more, but the store was called: %v", slices.Compact(got))
		}
	})
}

// TestWatchOfHotSession: a session that is written all the time is not looked
// at for each write.
func TestWatchOfHotSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const seconds = 3
		si, b := newSite(t, nil), &browser{}
		si.visit(b, incremented)
		_, stop := si.watched(b)
		defer stop()
		looks := 0
		for range seconds * 1000 {
			time.Sleep(time.Millisecond)
			si.visit(b, incremented)
			for _, call := range si.store.took() {
				if call == "versions" {
					looks++
				}
			}
		}
		if looks < seconds*10 || looks > seconds*25 {
			t.Errorf("%d writes made %d looks in %d seconds, want about 20 a second", seconds*1000, looks, seconds)
		}
	})
}

// TestWatchIsNoUse: a page that is open keeps no session alive.
func TestWatchIsNoUse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		si, b := newSite(t, nil), &browser{}
		si.visit(b, loggedIn)
		ctx, stop := si.watched(b)
		defer stop()
		synctest.Wait() // the first look loads the record
		si.store.took()
		started := time.Now()
		awaitEnd(t, ctx, 2*time.Hour)
		if lived := time.Since(started); lived < time.Hour-time.Second || lived > time.Hour+time.Second {
			t.Errorf("the session lived for %v, want IdleTimeout", lived)
		}
		if got := slices.Compact(slices.Sorted(slices.Values(si.store.took()))); !slices.Equal(got, []string{"versions"}) {
			t.Errorf("watching made the calls %v", got)
		}
	})
}

// TestWatchOutage: an outage is reported, and watchers are told afterwards what
// happened during it.
func TestWatchOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		si, b := newSite(t, nil), &browser{}
		si.visit(b, loggedIn)
		ctx, stop := si.watched(b)
		defer stop()
		time.Sleep(time.Second)
		si.kinds()
		si.store.down()
		time.Sleep(3 * time.Second)
		if got := slices.Compact(si.kinds()); !slices.Equal(got, []session.EventKind{session.EventError}) {
			t.Errorf("the outage made the events %v, want errors", got)
		}
		si.store.hook(func(m string, _ session.ID) error {
			if m == "versions" {
				return errDown
			}
			return nil
		}, nil)
		if _, err := si.RevokeAll(t.Context(), "alice"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(3 * time.Second)
		if ctx.Err() != nil {
			t.Errorf("it ended in the outage: %v", context.Cause(ctx))
		}
		si.store.hook(nil, nil)
		time.Sleep(time.Second)
		if !errors.Is(context.Cause(ctx), session.ErrNotFound) {
			t.Errorf("a second after the outage: got %v, want the end", context.Cause(ctx))
		}
	})
}

// TestWatchBesideBroken: a session that cannot be loaded does not disturb the
// watchers of others.
func TestWatchBesideBroken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		si, broken := newSite(t, nil), &browser{}
		elsewhere := newSiteOn(t, si.store, nil)
		si.visit(broken, loggedIn)
		kept, stop := si.watched(broken)
		defer stop()
		id := si.peek(broken).ID
		others, told := make([]*browser, 20), make([]context.Context, 20)
		for i := range others {
			others[i] = &browser{}
			si.visit(others[i], loggedIn)
			ctx, stop := si.watched(others[i])
			defer stop()
			told[i] = ctx
		}
		time.Sleep(time.Second) // past the first look
		for _, b := range append(others, broken) {
			elsewhere.visit(b, func(s *session.Session[cart]) error { return s.Login("bob", nil) })
		}
		si.store.hook(func(m string, called session.ID) error {
			if m == "load" && called == id {
				return errDown
			}
			return nil
		}, nil)
		time.Sleep(time.Second)
		for i, ctx := range told {
			if !errors.Is(context.Cause(ctx), session.ErrSuperseded) {
				t.Errorf("the watcher of session %d was told %v, want ErrSuperseded", i, context.Cause(ctx))
			}
		}
		if kept.Err() != nil {
			t.Errorf("the watcher of the broken one was told %v", context.Cause(kept))
		}
	})
}

// TestChanges: a page is shown the present state, and each later one that lasts.
func TestChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		si, b := newSite(t, nil), &browser{}
		job := newSiteOn(t, si.store, nil)
		si.visit(b, func(s *session.Session[cart]) error { return errors.Join(s.Login("alice", nil), s.Update(increment)) })
		tab := *b
		type state struct {
			n   int
			end error
		}
		states, seen := make(chan state, 100), si.peek(b)
		go func() {
			for info, err := range si.Changes(t.Context(), seen, 0) {
				if err == nil && info.Subject != "alice" {
					err = fmt.Errorf("got %+v", info)
				}
				states <- state{info.Data.N, err}
			}
			close(states)
		}()
		synctest.Wait()
		want := func(n int, what string) {
			t.Helper()
			time.Sleep(time.Second)
			synctest.Wait()
			select {
			case got := <-states:
				if got.end != nil || got.n != n {
					t.Errorf("%s: got %+v, want %d", what, got, n)
				}
			default:
				t.Errorf("%s: got nothing, want %d", what, n)
			}
			if len(states) > 0 {
				t.Errorf("%s: got %+v too", what, <-states)
			}
		}
		want(1, "the present state")
		si.visit(&tab, incremented)
		want(2, "another tab")
		if err := job.Update(t.Context(), seen.ID, increment); err != nil {
			t.Fatal(err)
		}
		want(3, "a job of another process")
		for range 5 {
			if err := job.Update(t.Context(), seen.ID, increment); err != nil {
				t.Fatal(err)
			}
		}
		want(8, "many changes at once")
		si.visit(&tab, func(s *session.Session[cart]) error { return s.Destroy() })
		time.Sleep(time.Second)
		synctest.Wait()
		select {
		case end := <-states:
			if !errors.Is(end.end, session.ErrNotFound) {
				t.Errorf("the loop ended with %+v, want ErrNotFound", end)
			}
		default:
			t.Error("the loop has not been told of the end")
		}
	})
}

// TestChangesLeft: a loop that is left leaves nothing behind.
func TestChangesLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		si, b := newSite(t, nil), &browser{}
		si.visit(b, incremented)
		for info, err := range si.Changes(t.Context(), si.peek(b), 0) {
			if err != nil || info.Data.N != 1 {
				t.Errorf("got %+v, %v", info, err)
			}
			break
		}
		synctest.Wait()
		si.store.took()
		time.Sleep(time.Minute)
		if got := si.store.took(); len(got) > 0 {
			t.Errorf("nobody watches any more, but the store was called: %v", got)
		}
	})
}

// TestChangesAgain: a stream gets the last state again and again, and never a
// wrong one.
func TestChangesAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		si, b := newSite(t, nil), &browser{}
		si.visit(b, incremented)
		started, times := time.Now(), 0
		for info, err := range si.Changes(t.Context(), si.peek(b), 10*time.Second) {
			if err != nil || info.Data.N != 1 {
				t.Fatalf("got %+v, %v", info, err)
			}
			if took := time.Since(started); took != time.Duration(times)*10*time.Second {
				t.Errorf("the state came after %v, want it every 10 seconds", took)
			}
			if times++; times == 5 {
				break
			}
		}
	})
}

// TestChangesUndecodable: data that cannot be read ends the loop of Changes,
// but not a Watch.
func TestChangesUndecodable(t *testing.T) {
	for name, damage := range map[string]func(data []byte) []byte{
		"the data":     func(data []byte) []byte { return slices.Concat(data, []byte("}")) },
		"the envelope": func([]byte) []byte { return []byte("\xff") },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				si, b := newSite(t, nil), &browser{}
				si.visit(b, incremented)
				ctx, stop := si.watched(b)
				defer stop()
				seen, states := si.peek(b), 0
				next := si.store.Records[seen.ID]
				for _, err := range si.Changes(t.Context(), seen, 0) {
					if states++; states == 1 {
						next.Data = damage(next.Data)
						if err := si.store.Update(t.Context(), next); err != nil {
							t.Error(err)
						}
						continue
					}
					if !errors.Is(err, session.ErrUndecodable) {
						t.Errorf("got %v, want ErrUndecodable", err)
					}
				}
				if states != 2 {
					t.Errorf("the loop had %d states, want the present one and the error", states)
				}
				time.Sleep(10 * time.Second)
				if ctx.Err() != nil {
					t.Errorf("the watcher was told %v", context.Cause(ctx))
				}
			})
		})
	}
}
