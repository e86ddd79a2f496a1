package storetest_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"time"

	session "github.com/gostateful/session/core"
)

var brokenAll = []breakage{
	{law: "AllIsComplete", name: "shows one page", spoil: changeAll(func(records []session.Record) []session.Record {
		return records[:min(len(records), 1000)]
	})},
	{law: "AllIsComplete", name: "leaves out who has not logged in", spoil: changeAll(func(records []session.Record) []session.Record {
		return slices.DeleteFunc(records, func(r session.Record) bool { return r.Subject == "" })
	})},
	{law: "AllIsComplete", name: "leaves out the data", spoil: changeAll(func(records []session.Record) []session.Record {
		for i := range records {
			records[i].Data = nil
		}
		return records
	})},
	{law: "AllMissesNothing", name: "goes by offset", spoil: func(s *spoiled) {
		s.pages(func(a, b session.Record) int { return bytes.Compare(a.ID[:], b.ID[:]) },
			func(records []session.Record, shown int, _ session.Record) []session.Record {
				return records[min(shown, len(records)):]
			})
	}},
	{law: "AllMissesNothing", name: "goes by the expiry", spoil: func(s *spoiled) {
		s.pages(func(a, b session.Record) int { return b.ExpiresAt.Compare(a.ExpiresAt) },
			func(records []session.Record, shown int, last session.Record) []session.Record {
				return slices.DeleteFunc(records, func(r session.Record) bool { return shown > 0 && !r.ExpiresAt.Before(last.ExpiresAt) })
			})
	}},
	{law: "AllMissesNothing", name: "ends when something has changed", spoil: func(s *spoiled) {
		s.all = func(ctx context.Context) iter.Seq2[session.Record, error] {
			return func(yield func(session.Record, error) bool) {
				calls := s.calls.Load()
				for r, err := range s.reference.All(ctx) {
					if s.calls.Load() > calls+100 || !yield(r, err) {
						return
					}
				}
			}
		}
	}},
	{law: "AllShowsLiveOnly", name: "shows what has expired", spoil: func(s *spoiled) {
		s.snapshot(func(session.Record) bool { return true })
	}},
	{law: "AllShowsLiveOnly", name: "shows what was deleted", spoil: func(s *spoiled) {
		removed := s.tombs()
		s.all = func(ctx context.Context) iter.Seq2[session.Record, error] {
			return func(yield func(session.Record, error) bool) {
				for r, err := range s.reference.All(ctx) {
					if !yield(r, err) {
						return
					}
				}
				for _, r := range removed {
					if !past(r.ExpiresAt) && !yield(r, nil) {
						return
					}
				}
			}
		}
	}},
	{law: "ShownDataIsNotChanged", name: "uses one buffer for all", spoil: func(s *spoiled) {
		s.all = func(ctx context.Context) iter.Seq2[session.Record, error] {
			return func(yield func(session.Record, error) bool) {
				buffer := make([]byte, 1<<10)
				for r, err := range s.reference.All(ctx) {
					r.Data = buffer[:copy(buffer, r.Data)]
					if !yield(r, err) {
						return
					}
				}
			}
		}
	}},
	{law: "AllLetsOthersIn", name: "holds the only connection", spoil: func(s *spoiled) { s.pool(1, true) }},
	{law: "AllLetsOthersIn", name: "fails when a record has gone", spoil: func(s *spoiled) {
		s.all = func(ctx context.Context) iter.Seq2[session.Record, error] {
			return func(yield func(session.Record, error) bool) {
				for _, id := range s.ids() {
					if r, err := s.reference.Load(ctx, id); !yield(r, err) || err != nil {
						return
					}
					if _, err := s.reference.Load(ctx, id); err != nil {
						yield(session.Record{}, fmt.Errorf("where was I? %w", err))
						return
					}
				}
			}
		}
	}},
	{law: "AllEndsEarly", name: "keeps a connection when it is left", spoil: func(s *spoiled) { s.pool(10, false) }},
	{law: "AllCancelledBefore", name: "does not look at the context of All", spoil: func(s *spoiled) {
		s.all = func(ctx context.Context) iter.Seq2[session.Record, error] {
			return s.reference.All(context.WithoutCancel(ctx))
		}
	}},
	{law: "AllCancelledBefore", name: "shows nothing and says nothing", spoil: func(s *spoiled) { s.quietly() }},
	{law: "AllCancelledBefore", name: "finds nothing in All", spoil: func(s *spoiled) { s.failing(session.ErrNotFound) }},
	{law: "AllCancelledMidway", name: "ends as if that were all", spoil: func(s *spoiled) { s.quietly() }},
	{law: "AllCancelledMidway", name: "takes a cancellation for absence in All", spoil: func(s *spoiled) { s.failing(session.ErrNotFound) }},
	{law: "EngineShowsAll", name: "shows a page of Manager.All", spoil: changeAll(func(records []session.Record) []session.Record {
		return records[:min(len(records), 1000)]
	})},
	{law: "EngineShowsAll", name: "gives all the subject of the first", spoil: changeAll(func(records []session.Record) []session.Record {
		for i := range records {
			records[i].Subject = records[0].Subject
		}
		return records
	})},
	{law: "AllCancelledMidway", name: "goes on after an error", spoil: func(s *spoiled) {
		s.all = func(ctx context.Context) iter.Seq2[session.Record, error] {
			return func(yield func(session.Record, error) bool) {
				for _, id := range s.ids() {
					r, err := s.reference.Load(ctx, id)
					if !yield(r, err) {
						return
					}
				}
			}
		}
	}},
}

func changeAll(change func(records []session.Record) []session.Record) func(s *spoiled) {
	return func(s *spoiled) {
		s.all = func(ctx context.Context) iter.Seq2[session.Record, error] {
			return func(yield func(session.Record, error) bool) {
				var records []session.Record
				for r, err := range s.reference.All(ctx) {
					if err != nil {
						yield(r, err)
						return
					}
					records = append(records, r)
				}
				for _, r := range change(records) {
					if !yield(r, nil) {
						return
					}
				}
			}
		}
	}
}

// ids are those of all that is kept, in their order.
func (s *spoiled) ids() []session.ID {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	return slices.SortedFunc(maps.Keys(s.Records), func(a, b session.ID) int { return bytes.Compare(a[:], b[:]) })
}

// snapshot shows what is kept, as it is kept.
func (s *spoiled) snapshot(show func(r session.Record) bool) {
	s.all = func(ctx context.Context) iter.Seq2[session.Record, error] {
		return func(yield func(session.Record, error) bool) {
			for _, id := range s.ids() {
				s.Mu.Lock()
				r, ok := s.Records[id]
				s.Mu.Unlock()
				if ok && show(r) && !yield(r, ctx.Err()) {
					return
				}
			}
		}
	}
}

// pages shows small pages of what is kept in an order, each from a new look.
func (s *spoiled) pages(
	order func(a, b session.Record) int, rest func(records []session.Record, shown int, last session.Record) []session.Record,
) {
	s.all = func(ctx context.Context) iter.Seq2[session.Record, error] {
		return func(yield func(session.Record, error) bool) {
			var last session.Record
			for shown := 0; ; {
				s.Mu.Lock()
				records := slices.SortedFunc(maps.Values(s.Records), order)
				s.Mu.Unlock()
				records = rest(records, shown, last)
				for _, r := range records[:min(len(records), 50)] {
					if !yield(r, ctx.Err()) {
						return
					}
					last = r
					shown++
				}
				if len(records) == 0 {
					return
				}
			}
		}
	}
}

// pool lets so many calls in at once. All gives its place back only at the end.
func (s *spoiled) pool(size int, whenLeft bool) {
	places := make(chan struct{}, size)
	s.before = func(ctx context.Context, method string) error {
		select {
		case places <- struct{}{}:
		case <-time.After(time.Minute):
			return errors.New("no connection is free")
		case <-ctx.Done():
			return errors.New("no connection is free")
		}
		if method != "All" {
			<-places
		}
		return nil
	}
	s.all = func(ctx context.Context) iter.Seq2[session.Record, error] {
		return func(yield func(session.Record, error) bool) {
			if whenLeft {
				defer func() { <-places }()
			}
			for r, err := range s.reference.All(ctx) {
				if !yield(r, err) {
					return
				}
			}
			if !whenLeft {
				<-places
			}
		}
	}
}

// quietly ends an All whose context has ended as if it had shown everything.
func (s *spoiled) quietly() {
	s.all = func(ctx context.Context) iter.Seq2[session.Record, error] {
		return func(yield func(session.Record, error) bool) {
			for r, err := range s.reference.All(ctx) {
				if err != nil || !yield(r, nil) {
					return
				}
			}
		}
	}
}

// failing gives an All that fails another error.
func (s *spoiled) failing(as error) {
	s.all = func(ctx context.Context) iter.Seq2[session.Record, error] {
		return func(yield func(session.Record, error) bool) {
			for r, err := range s.reference.All(ctx) {
				if err != nil {
					err = as
				}
				if !yield(r, err) {
					return
				}
			}
		}
	}
}
