package storetest_test

import (
	"bytes"
	"context"
	"errors"
	"slices"

	session "github.com/gostateful/session/core"
)

var brokenData = []breakage{
	{law: "EmptyData", name: "takes empty data for absence", spoil: func(s *spoiled) {
		s.load = func(ctx context.Context, id session.ID) (session.Record, error) {
			r, err := s.reference.Load(ctx, id)
			if err == nil && len(r.Data) == 0 {
				err = session.ErrNotFound
			}
			return r, err
		}
	}},
	{law: "EmptyData", name: "refuses NULL", spoil: func(s *spoiled) {
		s.create = func(ctx context.Context, r session.Record) error {
			if r.Data == nil {
				return errors.New("null value violates not-null constraint")
			}
			return s.reference.Create(ctx, r)
		}
	}},
	{law: "EmptyData", name: "keeps the old data on Update to none", spoil: func(s *spoiled) {
		s.onUpdate(func(old, r *session.Record) {
			if len(r.Data) == 0 {
				r.Data = old.Data
			}
		})
	}},
	{law: "BinaryData", name: "keeps text", spoil: func(s *spoiled) {
		s.onWrite(func(r *session.Record) { r.Data = bytes.ToValidUTF8(r.Data, []byte("\ufffd")) })
	}},
	{law: "BinaryData", name: "ends at a NUL", spoil: func(s *spoiled) {
		s.onRead(func(r *session.Record) { r.Data, _, _ = bytes.Cut(r.Data, []byte{0}) })
	}},
	{law: "BinaryData", name: "trims spaces", spoil: func(s *spoiled) {
		s.onWrite(func(r *session.Record) { r.Data = bytes.TrimSpace(r.Data) })
	}},
	{law: "BinaryData", name: "reads escapes in List", spoil: func(s *spoiled) {
		s.list = func(ctx context.Context, subject string) ([]session.Record, error) {
			records, err := s.reference.List(ctx, subject)
			for i := range records {
				records[i].Data = bytes.ReplaceAll(records[i].Data, []byte(`\'`), []byte("'"))
			}
			return records, err
		}
	}},
	{law: "LargeData", name: "cuts at 64 KiB", spoil: func(s *spoiled) {
		s.onWrite(func(r *session.Record) { r.Data = r.Data[:min(len(r.Data), 1<<16-1)] })
	}},
	{law: "LargeData", name: "refuses it in Update", spoil: func(s *spoiled) {
		s.update = func(ctx context.Context, r session.Record) error {
			if len(r.Data) > 1<<19 {
				return errors.New("packet too large")
			}
			return s.reference.Update(ctx, r)
		}
	}},
	{law: "GivenDataIsNotChanged", name: "clears what Create was given", spoil: func(s *spoiled) {
		s.create = func(ctx context.Context, r session.Record) error {
			defer clear(r.Data)
			kept := r
			kept.Data = slices.Clone(r.Data)
			return s.reference.Create(ctx, kept)
		}
	}},
	{law: "GivenDataIsNotChanged", name: "writes an update over what it was given before", spoil: func(s *spoiled) {
		last := map[session.ID][]byte{}
		s.update = func(ctx context.Context, r session.Record) error {
			s.Mu.Lock()
			data := last[r.ID]
			last[r.ID] = r.Data
			s.Mu.Unlock()
			if len(data) >= len(r.Data) {
				copy(data, r.Data)
			}
			return s.reference.Update(ctx, r)
		}
	}},
	{law: "ReturnedDataIsNotChanged", name: "returns all data in one buffer", spoil: func(s *spoiled) {
		var buffer [1 << 10]byte
		s.load = func(ctx context.Context, id session.ID) (session.Record, error) {
			r, err := s.reference.Load(ctx, id)
			s.Mu.Lock()
			defer s.Mu.Unlock()
			r.Data = buffer[:copy(buffer[:], r.Data)]
			return r, err
		}
	}},
	{law: "ReturnedDataIsNotChanged", name: "returns the data of a List in one buffer", spoil: func(s *spoiled) {
		var buffer [1 << 10]byte
		s.list = func(ctx context.Context, subject string) ([]session.Record, error) {
			records, err := s.reference.List(ctx, subject)
			s.Mu.Lock()
			defer s.Mu.Unlock()
			for i := range records {
				records[i].Data = buffer[:copy(buffer[:], records[i].Data)]
			}
			return records, err
		}
	}},
	{law: "ReturnedDataIsNotChanged", name: "writes an update over what Load returned", spoil: func(s *spoiled) {
		last := map[session.ID][]byte{}
		s.load = func(ctx context.Context, id session.ID) (session.Record, error) {
			r, err := s.reference.Load(ctx, id)
			s.Mu.Lock()
			defer s.Mu.Unlock()
			last[id] = r.Data
			return r, err
		}
		s.update = func(ctx context.Context, r session.Record) error {
			s.Mu.Lock()
			copy(last[r.ID], r.Data)
			s.Mu.Unlock()
			return s.reference.Update(ctx, r)
		}
	}},
}
