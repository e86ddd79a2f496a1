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
	{law: "InputIsNotAliased", name: "keeps what Create is given", spoil: func(s *spoiled) {
		s.create = func(ctx context.Context, r session.Record) error {
			return s.Locked(ctx, func() error { s.Records[r.ID] = r; return nil })
		}
	}},
	{law: "InputIsNotAliased", name: "keeps what Update is given", spoil: func(s *spoiled) {
		s.update = func(ctx context.Context, r session.Record) error {
			return s.Locked(ctx, func() error { r.Version++; s.Records[r.ID] = r; return nil })
		}
	}},
	{law: "OutputIsNotAliased", name: "hands out its own data in Load", spoil: func(s *spoiled) {
		s.load = func(ctx context.Context, id session.ID) (session.Record, error) {
			return s.Records[id], ctx.Err()
		}
	}},
	{law: "OutputIsNotAliased", name: "hands out its own data in List", spoil: func(s *spoiled) {
		s.list = func(ctx context.Context, subject string) ([]session.Record, error) {
			records, err := s.reference.List(ctx, subject)
			for i := range records {
				records[i] = s.Records[records[i].ID]
			}
			return records, err
		}
	}},
	{law: "OutputIsNotAliased", name: "cuts what List returns from one buffer", spoil: func(s *spoiled) {
		s.list = func(ctx context.Context, subject string) ([]session.Record, error) {
			records, err := s.reference.List(ctx, subject)
			var all []byte
			for i := range records {
				all = append(all, records[i].Data...)
			}
			for i := range records {
				records[i].Data, all = all[:len(records[i].Data)], all[len(records[i].Data):]
			}
			return records, err
		}
	}},
	{law: "OutputIsNotAliased", name: "writes into what Load returned", spoil: func(s *spoiled) {
		last := map[session.ID][]byte{}
		s.load = func(ctx context.Context, id session.ID) (session.Record, error) {
			r, err := s.reference.Load(ctx, id)
			last[id] = r.Data
			return r, err
		}
		s.update = func(ctx context.Context, r session.Record) error {
			copy(last[r.ID], slices.Clone(r.Data))
			return s.reference.Update(ctx, r)
		}
	}},
}
