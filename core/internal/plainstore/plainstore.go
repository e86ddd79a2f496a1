// Package plainstore has the simplest session.Store that keeps the contract.
// The tests of core watch it, make it fail and break it.
package plainstore

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"maps"
	"slices"
	"sync"
	"time"

	session "github.com/gostateful/session/core"
)

// A Store keeps records in a map.
type Store struct {
	// Around, if set, is called in place of each method. It gets the method's name,
	// and the ID if there is one. It decides whether and when to run call, which
	// does the work of the method, and what the method returns.
	Around func(ctx context.Context, method string, id session.ID, call func() error) error

	Mu      sync.Mutex // guards the fields below
	Records map[session.ID]session.Record
	Late    bool // records that have expired are still found
}

// New returns an empty store.
func New() *Store { return &Store{Records: map[session.ID]session.Record{}} }

func (s *Store) do(ctx context.Context, method string, id session.ID, act func() error) error {
	call := func() error { return s.Locked(ctx, act) }
	if s.Around == nil {
		return call()
	}
	return s.Around(ctx, method, id, call)
}

// Locked runs act alone, unless the context is done.
func (s *Store) Locked(ctx context.Context, act func() error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.Mu.Lock()
	defer s.Mu.Unlock()
	return act()
}

// Live returns a live record. The caller of Live, Put and Of holds Mu.
func (s *Store) Live(id session.ID) (session.Record, error) {
	r, ok := s.Records[id]
	if !ok || !s.Late && !time.Now().Before(r.ExpiresAt) {
		return session.Record{}, session.ErrNotFound
	}
	return r, nil
}

// Put keeps a record, and replaces any that is there.
func (s *Store) Put(r session.Record) { s.Records[r.ID] = r }

// Of returns the live records of a subject, newest first.
func (s *Store) Of(subject string) (records []session.Record) {
	for id := range s.Records {
		if r, err := s.Live(id); err == nil && subject != "" && r.Subject == subject {
			records = append(records, r)
		}
	}
	slices.SortFunc(records, func(a, b session.Record) int { return bytes.Compare(b.ID[:], a.ID[:]) })
	return records
}

// Load implements session.Store, as do the other methods.
func (s *Store) Load(ctx context.Context, id session.ID) (r session.Record, err error) {
	err = s.do(ctx, "Load", id, func() error { r, err = s.Live(id); return err })
	if err != nil {
		return session.Record{}, err
	}
	return r, nil
}

func (s *Store) Create(ctx context.Context, r session.Record) error {
	return s.do(ctx, "Create", r.ID, func() error {
		if r.ID.IsZero() {
			return errors.New("the zero ID names no session")
		}
		if _, err := s.Live(r.ID); err == nil {
			return session.ErrExists
		}
		s.Put(r)
		return nil
	})
}

func (s *Store) Update(ctx context.Context, r session.Record) error {
	return s.do(ctx, "Update", r.ID, func() error {
		old, err := s.Live(r.ID)
		if err != nil {
			return err
		}
		if old.Version != r.Version {
			return session.ErrConflict
		}
		if r.ExpiresAt.IsZero() {
			r.ExpiresAt = old.ExpiresAt
		}
		r.Version++
		s.Put(r)
		return nil
	})
}

func (s *Store) Touch(ctx context.Context, id session.ID, at time.Time) error {
	return s.do(ctx, "Touch", id, func() error {
		r, err := s.Live(id)
		if err == nil && at.After(r.ExpiresAt) {
			r.ExpiresAt = at
			s.Put(r)
		}
		return err
	})
}

func (s *Store) Versions(ctx context.Context, ids []session.ID) (versions map[session.ID]uint64, err error) {
	err = s.do(ctx, "Versions", session.ID{}, func() error {
		versions = make(map[session.ID]uint64, len(ids))
		for _, id := range ids {
			if r, err := s.Live(id); err == nil {
				versions[id] = r.Version
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return versions, nil
}

func (s *Store) Delete(ctx context.Context, id session.ID) error {
	return s.do(ctx, "Delete", id, func() error { delete(s.Records, id); return nil })
}

func (s *Store) List(ctx context.Context, subject string) (records []session.Record, err error) {
	err = s.do(ctx, "List", session.ID{}, func() error { records = s.Of(subject); return nil })
	return records, err
}

func (s *Store) DeleteAll(ctx context.Context, subject string, except ...session.ID) (n int, err error) {
	err = s.do(ctx, "DeleteAll", session.ID{}, func() error {
		for _, r := range s.Of(subject) {
			if !slices.Contains(except, r.ID) {
				delete(s.Records, r.ID)
				n++
			}
		}
		return nil
	})
	return n, err
}

// All implements session.Iterable. Each record comes once.
func (s *Store) All(ctx context.Context) iter.Seq2[session.Record, error] {
	return func(yield func(session.Record, error) bool) {
		var ids []session.ID
		err := s.do(ctx, "All", session.ID{}, func() error { ids = slices.Collect(maps.Keys(s.Records)); return nil })
		if err != nil {
			yield(session.Record{}, err)
			return
		}
		for _, id := range ids {
			var r session.Record
			err := s.Locked(ctx, func() (err error) { r, err = s.Live(id); return err })
			if errors.Is(err, session.ErrNotFound) {
				continue
			}
			if !yield(r, err) || err != nil {
				return
			}
		}
	}
}
