package storetest_test

import (
	"context"
	"iter"
	"runtime"
	"sync/atomic"
	"time"

	session "github.com/gostateful/session/core"
)

// spoiled is the reference with some methods replaced.
type spoiled struct {
	*reference
	calls  atomic.Int64
	before func(ctx context.Context, method string) error // fails the call

	load      func(ctx context.Context, id session.ID) (session.Record, error)
	create    func(ctx context.Context, r session.Record) error
	update    func(ctx context.Context, r session.Record) error
	touch     func(ctx context.Context, id session.ID, at time.Time) error
	delete    func(ctx context.Context, id session.ID) error
	list      func(ctx context.Context, subject string) ([]session.Record, error)
	deleteAll func(ctx context.Context, subject string, except ...session.ID) (int, error)
	all       func(ctx context.Context) iter.Seq2[session.Record, error]
	versions  func(ctx context.Context, ids []session.ID) (map[session.ID]uint64, error)
}

func newSpoiled() *spoiled {
	s := &spoiled{reference: newReference()}
	s.before = func(context.Context, string) error { return nil }
	s.load, s.create, s.update, s.touch = s.reference.Load, s.reference.Create, s.reference.Update, s.reference.Touch
	s.delete, s.list, s.deleteAll = s.reference.Delete, s.reference.List, s.reference.DeleteAll
	s.all, s.versions = s.reference.All, s.reference.Versions
	return s
}

func (s *spoiled) Load(ctx context.Context, id session.ID) (session.Record, error) {
	s.calls.Add(1)
	if err := s.before(ctx, "Load"); err != nil {
		return session.Record{}, err
	}
	return s.load(ctx, id)
}

func (s *spoiled) Create(ctx context.Context, r session.Record) error {
	s.calls.Add(1)
	if err := s.before(ctx, "Create"); err != nil {
		return err
	}
	return s.create(ctx, r)
}

func (s *spoiled) Update(ctx context.Context, r session.Record) error {
	s.calls.Add(1)
	if err := s.before(ctx, "Update"); err != nil {
		return err
	}
	return s.update(ctx, r)
}

func (s *spoiled) Touch(ctx context.Context, id session.ID, at time.Time) error {
	s.calls.Add(1)
	if err := s.before(ctx, "Touch"); err != nil {
		return err
	}
	return s.touch(ctx, id, at)
}

func (s *spoiled) Delete(ctx context.Context, id session.ID) error {
	s.calls.Add(1)
	if err := s.before(ctx, "Delete"); err != nil {
		return err
	}
	return s.delete(ctx, id)
}

func (s *spoiled) List(ctx context.Context, subject string) ([]session.Record, error) {
	s.calls.Add(1)
	if err := s.before(ctx, "List"); err != nil {
		return nil, err
	}
	return s.list(ctx, subject)
}

func (s *spoiled) DeleteAll(ctx context.Context, subject string, except ...session.ID) (int, error) {
	s.calls.Add(1)
	if err := s.before(ctx, "DeleteAll"); err != nil {
		return 0, err
	}
	return s.deleteAll(ctx, subject, except...)
}

func (s *spoiled) All(ctx context.Context) iter.Seq2[session.Record, error] {
	s.calls.Add(1)
	if err := s.before(ctx, "All"); err != nil {
		return func(yield func(session.Record, error) bool) { yield(session.Record{}, err) }
	}
	return s.all(ctx)
}

func (s *spoiled) Versions(ctx context.Context, ids []session.ID) (map[session.ID]uint64, error) {
	s.calls.Add(1)
	if err := s.before(ctx, "Versions"); err != nil {
		return nil, err
	}
	return s.versions(ctx, ids)
}

// onLoad changes what Load and List return.
func (s *spoiled) onRead(change func(r *session.Record)) {
	s.load = func(ctx context.Context, id session.ID) (session.Record, error) {
		r, err := s.reference.Load(ctx, id)
		if err == nil {
			change(&r)
		}
		return r, err
	}
	s.list = func(ctx context.Context, subject string) ([]session.Record, error) {
		records, err := s.reference.List(ctx, subject)
		for i := range records {
			change(&records[i])
		}
		return records, err
	}
}

// onWrite changes what Create and Update are given.
func (s *spoiled) onWrite(change func(r *session.Record)) {
	s.create = func(ctx context.Context, r session.Record) error {
		change(&r)
		return s.reference.Create(ctx, r)
	}
	s.update = func(ctx context.Context, r session.Record) error {
		change(&r)
		return s.reference.Update(ctx, r)
	}
}

// onUpdate lets change have the stored record, live or not or never there, and
// the given one, before the reference updates it.
func (s *spoiled) onUpdate(change func(old, r *session.Record)) {
	s.update = func(ctx context.Context, r session.Record) error {
		err := s.Locked(ctx, func() error {
			old := s.Records[r.ID]
			change(&old, &r)
			if old.ID == r.ID {
				s.Records[r.ID] = old
			}
			return nil
		})
		if err != nil {
			return err
		}
		return s.reference.Update(ctx, r)
	}
}

// onTouch replaces Touch of a record that is there, expired or not.
func (s *spoiled) onTouch(change func(r *session.Record, at time.Time) error) {
	s.touch = func(ctx context.Context, id session.ID, at time.Time) error {
		return s.Locked(ctx, func() error {
			r, ok := s.Records[id]
			if !ok {
				return session.ErrNotFound
			}
			err := change(&r, at)
			s.Records[id] = r
			return err
		})
	}
}

// tombs keeps what Delete and DeleteAll remove.
func (s *spoiled) tombs() map[session.ID]session.Record {
	removed := map[session.ID]session.Record{}
	bury := func() {
		s.Mu.Lock()
		defer s.Mu.Unlock()
		for id, r := range s.Records {
			removed[id] = r
		}
	}
	s.delete = func(ctx context.Context, id session.ID) error {
		bury()
		return s.reference.Delete(ctx, id)
	}
	s.deleteAll = func(ctx context.Context, subject string, except ...session.ID) (int, error) {
		bury()
		return s.reference.DeleteAll(ctx, subject, except...)
	}
	return removed
}

// gap lets others run between a look and a write that belong together: until
// two of them have called the store, if there are any.
func (s *spoiled) gap() {
	for before, n := s.calls.Load(), 0; s.calls.Load() < before+2 && n < 20_000; n++ {
		runtime.Gosched()
	}
}

// past reports whether a time has come.
func past(at time.Time) bool { return !time.Now().Before(at) }
