package storetest_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/gostateful/session/core"
)

// reference is the plainest correct store. The broken stores are made of it.
type reference struct {
	mu      sync.Mutex
	records map[session.ID]session.Record
}

func newReference() *reference {
	return &reference{records: map[session.ID]session.Record{}}
}

// locked runs act alone, unless the context is done.
func (s *reference) locked(ctx context.Context, act func() error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return act()
}

func (s *reference) live(id session.ID) (session.Record, error) {
	r, ok := s.records[id]
	if !ok || !time.Now().Before(r.ExpiresAt) {
		return session.Record{}, session.ErrNotFound
	}
	r.Data = bytes.Clone(r.Data)
	return r, nil
}

func (s *reference) put(r session.Record) {
	r.Data = bytes.Clone(r.Data)
	s.records[r.ID] = r
}

func (s *reference) Load(ctx context.Context, id session.ID) (r session.Record, err error) {
	err = s.locked(ctx, func() error { r, err = s.live(id); return err })
	return r, err
}

func (s *reference) Create(ctx context.Context, r session.Record) error {
	return s.locked(ctx, func() error {
		if r.ID.IsZero() {
			return errors.New("the zero ID is invalid")
		}
		if _, err := s.live(r.ID); err == nil {
			return session.ErrExists
		}
		s.put(r)
		return nil
	})
}

func (s *reference) Update(ctx context.Context, r session.Record) error {
	return s.locked(ctx, func() error {
		old, err := s.live(r.ID)
		if err != nil {
			return err
		}
		if old.Version != r.Version {
			return session.ErrConflict
		}
		r.Version++
		s.put(r)
		return nil
	})
}

func (s *reference) Touch(ctx context.Context, id session.ID, at time.Time) error {
	return s.locked(ctx, func() error {
		r, err := s.live(id)
		if err == nil && at.After(r.ExpiresAt) {
			r.ExpiresAt = at
			s.put(r)
		}
		return err
	})
}

func (s *reference) Delete(ctx context.Context, id session.ID) error {
	return s.locked(ctx, func() error { delete(s.records, id); return nil })
}

// of returns the live records that a List of the subject shows.
func (s *reference) of(subject string) (records []session.Record) {
	for id := range s.records {
		if r, err := s.live(id); err == nil && subject != "" && r.Subject == subject {
			records = append(records, r)
		}
	}
	slices.SortFunc(records, func(a, b session.Record) int { return bytes.Compare(b.ID[:], a.ID[:]) })
	return records
}

func (s *reference) List(ctx context.Context, subject string) (records []session.Record, err error) {
	err = s.locked(ctx, func() error { records = s.of(subject); return nil })
	return records, err
}

func (s *reference) DeleteAll(ctx context.Context, subject string, except ...session.ID) (n int, err error) {
	err = s.locked(ctx, func() error {
		for _, r := range s.of(subject) {
			if !slices.Contains(except, r.ID) {
				delete(s.records, r.ID)
				n++
			}
		}
		return nil
	})
	return n, err
}
