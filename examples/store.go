package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	session "github.com/gostateful/session/core"
	"github.com/gostateful/session/memory"
	sessionredis "github.com/gostateful/session/redis"
)

const stores = `memory, memory:FILE, sqlite:FILE, postgres://USER:PASSWORD@HOST:PORT/DATABASE, mysql://USER:PASSWORD@HOST:PORT/DATABASE,
redis://HOST:PORT, rediss://USER:PASSWORD@HOST:PORT`

// openStore opens the store that the flag names. What it opened for it is to be
// closed when the shop is.
func openStore(ctx context.Context, name string) (session.Store, io.Closer, error) {
	if name == "memory" {
		return memory.New(nil), io.NopCloser(nil), nil
	}
	if file, ok := strings.CutPrefix(name, "memory:"); ok && file != "" {
		return openMemory(file)
	}
	if file, ok := strings.CutPrefix(name, "sqlite:"); ok && file != "" {
		return openSQLite(ctx, file)
	}
	u, err := url.Parse(name)
	if err != nil || u.Opaque != "" {
		return nil, nil, fmt.Errorf("cannot read -store; it takes: %s", stores) // err and u may show a password
	}
	switch u.Scheme {
	case "postgres", "postgresql":
		return openPostgres(ctx, u)
	case "mysql":
		return openMySQL(ctx, u)
	case "redis", "rediss":
		return openRedis(ctx, u)
	}
	return nil, nil, fmt.Errorf("there is no store %q; -store takes: %s", shown(u), stores)
}

// shown is a URL without what may be a password.
func shown(u *url.URL) string {
	bare := *u
	bare.RawQuery = ""
	return bare.Redacted()
}

// patience is how long the backend of a store may take to answer at the start.
const patience = 5 * time.Second

func openRedis(ctx context.Context, u *url.URL) (session.Store, io.Closer, error) {
	opts, err := redis.ParseURL(u.String())
	if err != nil {
		return nil, nil, fmt.Errorf("cannot read -store %s: %w", shown(u), err)
	}
	opts.ContextTimeoutEnabled = true // as a session's calls have a time limit
	client := redis.NewClient(opts)
	store := sessionredis.New(client, nil)
	if err := reach(ctx, store); err != nil {
		return nil, nil, errors.Join(fmt.Errorf("cannot use -store %s: %w", shown(u), err), client.Close())
	}
	return store, client, nil
}

// reach fails when the backend of a store does not answer, so that a wrong
// address is told at the start and not by the first visitor's error page.
func reach(ctx context.Context, store session.Store) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	_, err := store.Load(ctx, session.NewID())
	if errors.Is(err, session.ErrNotFound) {
		return nil
	}
	return err
}
