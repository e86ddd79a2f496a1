package session_test

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	session "github.com/gostateful/session/core"
)

// Law 1: requests that overlap on one session lose nothing.
func TestNoLostUpdate(t *testing.T) {
	t.Run("two overlap", func(t *testing.T) {
		si, b := newSite(t, nil), &browser{}
		si.visit(b, incremented)
		first, second := si.begin(b), si.begin(b)
		for _, r := range []*request{first, second} {
			if err := r.get().Update(add("x")); err != nil {
				t.Fatal(err)
			}
		}
		for _, r := range []*request{first, second} {
			if _, err := r.respond(); err != nil {
				t.Fatal(err)
			}
		}
		if got := si.data(b); got.N != 1 || len(got.Items) != 2 {
			t.Errorf("got %+v, want the counter as it was and both items", got)
		}
		if !si.saw(session.EventConflict) {
			t.Error("no event tells of the conflict")
		}
	})

	t.Run("200 overlap", func(t *testing.T) {
		si, b := newSite(t, nil), &browser{}
		si.visit(b, incremented)
		var read, done sync.WaitGroup
		read.Add(200)
		for range 200 {
			done.Go(func() {
				r := si.begin(b)
				s, err := si.Get(r)
				read.Done()
				if err != nil {
					t.Error(err)
					return
				}
				read.Wait() // nobody writes before everybody has read
				if err := s.Update(increment); err != nil {
					t.Error(err)
				}
				if _, err := r.Commit(session.Response{}); err != nil {
					t.Error(err)
				}
			})
		}
		done.Wait()
		if got := si.data(b).N; got != 201 {
			t.Errorf("got %d, want 201: updates were lost", got)
		}
	})

	// Over a network, losers would go on losing. So they take turns.
	t.Run("200 overlap on a slow store", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			si, b := newSite(t, nil), &browser{}
			si.visit(b, incremented)
			si.store.took()
			si.store.hook(func(string, session.ID) error { time.Sleep(time.Millisecond); return nil }, nil)
			for range 200 {
				go func() {
					r := si.begin(b)
					s, err := si.Get(r)
					if err == nil {
						err = s.Update(increment)
					}
					if err == nil {
						_, err = r.Commit(session.Response{})
					}
					if err != nil {
						t.Error(err)
					}
				}()
			}
			time.Sleep(3 * time.Second)
			calls := si.store.took()
			if got := si.data(b).N; got != 201 {
				t.Errorf("got %d, want 201", got)
			}
			if len(calls) > 4*200 {
				t.Errorf("%d calls of the store for 200 changes, want at most two loads and two updates for each", len(calls))
			}
		})
	})

	t.Run("a change that another made already", func(t *testing.T) {
		si, b := newSite(t, nil), &browser{}
		si.visit(b, incremented)
		five := func(s *session.Session[cart]) error {
			return s.Update(func(c *cart) error { c.N = 5; return nil })
		}
		r := si.begin(b)
		_ = five(r.get())
		si.visit(b, five)
		si.store.took()
		if _, err := r.respond(); err != nil {
			t.Error(err)
		}
		if got := si.store.took(); !slices.Equal(got, []string{"update", "load"}) {
			t.Errorf("the store got %v: what is stored needs no write", got)
		}
	})

	t.Run("replayed in order on the newer data", func(t *testing.T) {
		si, b := newSite(t, nil), &browser{}
		si.visit(b, incremented)
		r := si.begin(b)
		s := r.get()
		double := func(c *cart) error { c.N *= 2; return nil }
		if err := errors.Join(s.Update(increment), s.Update(double)); err != nil {
			t.Fatal(err)
		}
		si.visit(b, func(s *session.Session[cart]) error {
			return s.Update(func(c *cart) error { c.N = 10; return nil })
		})
		if _, err := r.respond(); err != nil {
			t.Fatal(err)
		}
		if got := si.data(b).N; got != 22 {
			t.Errorf("got %d, want (10+1)*2 = 22", got)
		}
		if got := s.Data().N; got != 22 {
			t.Errorf("after the commit the handle shows %d, want 22", got)
		}
	})

	t.Run("a replay that is refused is a conflict", func(t *testing.T) {
		si, b := newSite(t, nil), &browser{}
		si.visit(b, incremented)
		r := si.begin(b)
		errSoldOut := errors.New("sold out")
		err := r.get().Update(func(c *cart) error {
			if c.N > 1 {
				return errSoldOut
			}
			c.Items = []string{"last one"}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		si.visit(b, incremented)
		h, err := r.respond()
		if !errors.Is(err, session.ErrConflict) || !errors.Is(err, errSoldOut) {
			t.Errorf("got %v, want ErrConflict with the function's error", err)
		}
		if !isFailure(h) {
			t.Errorf("a failed commit adds %+v to the response", h)
		}
		if got := si.data(b); got.N != 2 || got.Items != nil {
			t.Errorf("got %+v, want the other request's change alone", got)
		}
	})

	t.Run("a refusal is one whatever the function's error", func(t *testing.T) {
		for _, err := range []error{session.ErrNotFound, session.ErrSuperseded} {
			si, b := newSite(t, nil), &browser{}
			si.visit(b, incremented)
			r := si.begin(b)
			_ = r.get().Update(func(c *cart) error {
				if c.N > 1 {
					return err
				}
				c.N = 9
				return nil
			})
			si.visit(b, incremented)
			if got := r.get().Commit(t.Context()); !errors.Is(got, session.ErrConflict) {
				t.Errorf("got %v, want ErrConflict", got)
			}
			if err := r.get().Update(add("x")); err != nil {
				t.Errorf("another Update: got %v: the session is there", err)
			}
			if _, err := r.respond(); err != nil {
				t.Error(err)
			}
		}
	})

	for _, how := range []string{"response", "Commit"} {
		t.Run("a replay that panics stores nothing, at the "+how, func(t *testing.T) {
			si, b := newSite(t, nil), &browser{}
			si.visit(b, incremented)
			r := si.begin(b)
			s := r.get()
			_ = s.Update(add("half"))
			_ = s.Update(func(c *cart) error {
				if c.N > 1 {
					panic("oh")
				}
				c.Items = append(c.Items, "other half")
				return nil
			})
			si.visit(b, incremented)
			func() {
				defer func() {
					if recover() == nil {
						t.Error("the panic does not go on")
					}
				}()
				if how == "Commit" {
					_ = s.Commit(t.Context())
				} else {
					_, _ = r.respond()
				}
			}()
			if h, err := r.respond(); err != nil || cookieOf(h) != "" { // of a handler that recovered
				t.Errorf("got %+v, %v", h, err)
			}
			_ = r.Finish()
			if got := si.data(b); got.Items != nil || got.N != 2 {
				t.Errorf("got %+v, want nothing of the changes", got)
			}
		})
	}

	t.Run("gives up when the time is over", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			si, b := newSite(t, nil), &browser{}
			si.visit(b, incremented)
			r := si.begin(b)
			s := r.get()
			if err := s.Update(increment); err != nil {
				t.Fatal(err)
			}
			si.store.hook(func(method string, id session.ID) error {
				if method == "update" {
					return session.ErrConflict // somebody is always faster
				}
				if method == "load" {
					si.store.Mu.Lock()
					rec := si.store.Records[id]
					rec.Version++
					si.store.Records[id] = rec
					si.store.Mu.Unlock()
				}
				return nil
			}, nil)
			start := time.Now()
			_, err := r.respond()
			if !errors.Is(err, session.ErrConflict) || session.HTTPStatus(err) != 409 {
				t.Errorf("got %v, want ErrConflict", err)
			}
			if took := time.Since(start); took < 3*time.Second || took > 4*time.Second {
				t.Errorf("gave up after %v, want about StoreTimeout, 3s", took)
			}
		})
	})
}

func TestUpdateErrorUndoes(t *testing.T) {
	si, b := newSite(t, nil), &browser{}
	si.visit(b, incremented)
	r := si.begin(b)
	s := r.get()
	if err := s.Update(add("kept")); err != nil {
		t.Fatal(err)
	}
	if err := s.Update(nil); err == nil {
		t.Error("an Update without a function succeeded")
	}
	errNo := errors.New("no")
	err := s.Update(func(c *cart) error {
		c.N, c.Items[0] = 99, "spoilt"
		return errNo
	})
	if err != errNo {
		t.Errorf("got %v, want the function's own error", err)
	}
	func() {
		defer func() { _ = recover() }()
		_ = s.Update(func(c *cart) error { c.N = 98; panic("oh") })
	}()
	if got := s.Data(); got.N != 1 || got.Items[0] != "kept" {
		t.Errorf("got %+v, want the data as before the failed functions", got)
	}
	if _, err := r.respond(); err != nil {
		t.Fatal(err)
	}
	if got := si.data(b); got.N != 1 || len(got.Items) != 1 || got.Items[0] != "kept" {
		t.Errorf("stored %+v, want the data without the failed functions' changes", got)
	}
}

func TestUpdateMayReadTheSession(t *testing.T) {
	si, b := newSite(t, nil), &browser{}
	si.visit(b, func(s *session.Session[cart]) error {
		return s.Update(func(c *cart) error { c.N = s.Data().N + len(s.Subject()) + 1; return nil })
	})
	if got := si.data(b).N; got != 1 {
		t.Errorf("got %d, want 1", got)
	}
}

// Data that could not be read back is not stored.
func TestUpdateRefusesWhatCannotBeDecoded(t *testing.T) {
	type odd struct{ V fmt.Stringer } // encodes, and does not decode
	store, b := newTestStore(), &browser{}
	m := program[odd](t, store, nil)
	err := visitOf(t, m, b, func(s *session.Session[odd]) error {
		return s.Update(func(d *odd) error { d.V = time.Second; return nil })
	})
	if err == nil || store.count() != 0 {
		t.Errorf("got %v and %d sessions, want an error and none", err, store.count())
	}
}

// Data that the encoding drops is not shown either.
func TestDataShowsWhatIsStored(t *testing.T) {
	type data struct{ N, n int }
	store, b := newTestStore(), &browser{}
	m := program[data](t, store, nil)
	err := visitOf(t, m, b, func(s *session.Session[data]) error {
		err := s.Update(func(d *data) error { d.N, d.n = 1, 2; return nil })
		if got := s.Data(); got != (data{N: 1}) {
			t.Errorf("got %+v, want what a later request will see", got)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// The result of Data belongs to the caller's request, and does not change
// later.
func TestDataIsASnapshot(t *testing.T) {
	si, b := newSite(t, nil), &browser{}
	si.visit(b, func(s *session.Session[cart]) error { return s.Update(add("a", "b")) })
	si.visit(b, func(s *session.Session[cart]) error {
		before := s.Data()
		err := s.Update(func(c *cart) error { c.Items[0] = "z"; return nil })
		if before.Items[0] != "a" {
			t.Errorf("an Update changed an earlier snapshot to %v", before.Items)
		}
		return err
	})
}

func TestTooLarge(t *testing.T) {
	si, b := newSite(t, &session.Options{MaxBytes: 40}), &browser{}
	si.visit(b, func(s *session.Session[cart]) error {
		err := s.Update(add("0123456789012345678901234567890123456789"))
		if !errors.Is(err, session.ErrTooLarge) {
			t.Errorf("got %v, want ErrTooLarge", err)
		}
		if s.Data().Items != nil {
			t.Error("the data that was too large stayed in the session")
		}
		return s.Update(add("short"))
	})
	if got := si.data(b).Items; len(got) != 1 {
		t.Errorf("got %q, want the short item", got)
	}
}

// After an unknown outcome the engine looks before it tries again: a change is
// never made twice.
func TestUnknownOutcome(t *testing.T) {
	for _, test := range []struct {
		name          string
		before, after string // the method whose first call fails before, or after, it did its work
		create        bool
		between       func(si *site, b *browser) // runs when the reply is lost
		wantErr       error
		want          int
	}{
		{name: "update done, reply lost", after: "update", want: 2},
		{name: "update not done", before: "update", want: 2},
		{
			name: "update not done, and another update after it", before: "update",
			between: func(si *site, b *browser) { si.visit(b, incremented) },
			want:    3,
		},
		{name: "create done, reply lost", after: "create", create: true, want: 1},
		{name: "create not done", before: "create", create: true, want: 1},
		{
			name: "update done, reply lost, and another update after that", after: "update",
			between: func(si *site, b *browser) { si.visit(b, incremented) },
			wantErr: session.ErrUnavailable, want: 3,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			si, b := newSite(t, nil), &browser{}
			if !test.create {
				si.visit(b, incremented)
			}
			r := si.begin(b)
			if err := r.get().Update(increment); err != nil {
				t.Fatal(err)
			}
			fail := func(method string) func(string, session.ID) error {
				return func(m string, _ session.ID) error {
					if m != method {
						return nil
					}
					si.store.hook(nil, nil)
					if test.between != nil {
						test.between(si, b)
					}
					return errDown
				}
			}
			si.store.hook(fail(test.before), fail(test.after))
			if _, err := r.respond(); !errors.Is(err, test.wantErr) {
				t.Errorf("got %v, want %v", err, test.wantErr)
			}
			if got := si.data(b).N; got != test.want {
				t.Errorf("the counter is %d, want %d", got, test.want)
			}
			if got := si.store.count(); got != 1 {
				t.Errorf("the store has %d sessions, want 1", got)
			}
		})
	}
}

func TestStoreThatOnlyReads(t *testing.T) {
	t.Run("a new session", func(t *testing.T) {
		si, b := newSite(t, nil), &browser{}
		r := si.begin(b)
		_ = r.get().Update(increment)
		si.store.down("create")
		if _, err := r.respond(); !errors.Is(err, session.ErrUnavailable) || b.cookie != "" {
			t.Errorf("got %v and the cookie %q, want ErrUnavailable alone", err, b.cookie)
		}
		if got := si.store.took(); !slices.Equal(got, []string{"create", "load", "create"}) {
			t.Errorf("the store got %v: one more try is enough", got)
		}
	})

	si, b := newSite(t, nil), &browser{}
	si.visit(b, incremented)
	r := si.begin(b)
	_ = r.get().Update(increment)
	si.store.took()
	si.store.down("update")
	if _, err := r.respond(); !errors.Is(err, session.ErrUnavailable) {
		t.Errorf("got %v, want ErrUnavailable", err)
	}
	if got := si.store.took(); !slices.Equal(got, []string{"update", "load", "update"}) {
		t.Errorf("the store got %v: one more try is enough", got)
	}
}
