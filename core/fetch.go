package session

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// errExpired is an ErrNotFound of a record that is there and whose time is over.
var errExpired = fmt.Errorf("%w: it has expired", ErrNotFound)

// fetch loads a live record and opens its envelope: ErrNotFound, ErrUndecodable
// or ErrUnavailable, and with errExpired and ErrUndecodable the record.
func (c *config) fetch(ctx context.Context, id ID) (Record, envelope, error) {
	rec, err := c.store.Load(ctx, id)
	if errors.Is(err, ErrNotFound) {
		return Record{}, envelope{}, err
	}
	if err != nil {
		return Record{}, envelope{}, unavailable("load", err)
	}
	env, err := c.unseal(rec)
	return rec, env, err
}

// unseal opens the envelope of a record on which neither clock has run out
// (law 15): the store's own expiry is for cleaning up, and may be late.
func (c *config) unseal(rec Record) (envelope, error) {
	now := time.Now()
	if !now.Before(rec.ExpiresAt) {
		return envelope{}, errExpired
	}
	env, err := openEnvelope(rec.Data, c.opts.Codec.Name)
	if err != nil {
		return envelope{}, undecodable(rec.ID, err)
	}
	if !now.Before(env.startedAt().Add(c.opts.Lifetime)) {
		return env, errExpired
	}
	return env, nil
}

func undecodable(id ID, err error) error {
	return fmt.Errorf("%w: session %v: %w", ErrUndecodable, id, err)
}
