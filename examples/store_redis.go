//go:build redis || all

package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/redis/go-redis/v9"

	session "github.com/gostateful/session/core"
	sessionredis "github.com/gostateful/session/redis"
)

func openRedis(ctx context.Context, u *url.URL) (*backend, error) {
	opts, err := redis.ParseURL(u.String())
	if err != nil {
		return nil, fmt.Errorf("cannot read -store %s: %w", shown(u), err)
	}
	opts.ContextTimeoutEnabled = true // as a session's calls have a time limit
	client := redis.NewClient(opts)
	store := sessionredis.New(client, nil)
	if err := reach(ctx, store); err != nil {
		return nil, errors.Join(fmt.Errorf("cannot use -store %s: %w", shown(u), err), client.Close())
	}
	return &backend{client, store, nil}, nil
}

// reach fails when the server does not answer, so that a wrong address is told at
// the start and not by the first visitor's error page.
func reach(ctx context.Context, store session.Store) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	_, err := store.Load(ctx, session.NewID())
	if errors.Is(err, session.ErrNotFound) {
		return nil
	}
	return err
}
