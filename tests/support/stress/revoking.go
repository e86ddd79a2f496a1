package stress

import (
	"context"
	"errors"
	"sync/atomic"

	session "github.com/gostateful/session/core"
)

// A Revoking store revokes each session that the Store within fails to update,
// before anybody can look whether it was done.
type Revoking struct {
	session.Store
	Direct  session.Store // which does not fail
	Revoked atomic.Int64
}

// Update implements session.Store.
func (s *Revoking) Update(ctx context.Context, r session.Record) error {
	err := s.Store.Update(ctx, r)
	if err == nil || errors.Is(err, session.ErrConflict) || errors.Is(err, session.ErrNotFound) {
		return err
	}
	s.Revoked.Add(1)
	return errors.Join(err, s.Direct.Delete(context.WithoutCancel(ctx), r.ID))
}
