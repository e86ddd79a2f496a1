package main

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"strings"

	session "github.com/gostateful/session/core"
	"github.com/gostateful/session/memory"
)

const stores = `memory, memory:FILE, sqlite:FILE, postgres://USER:PASSWORD@HOST:PORT/DATABASE, mysql://USER:PASSWORD@HOST:PORT/DATABASE,
redis://HOST:PORT, rediss://USER:PASSWORD@HOST:PORT`

// A backend is what -store opens. It is to be closed when the site is.
type backend struct {
	io.Closer
	store fullStore

	// users, unless nil, keeps the users in the same database.
	users func(ctx context.Context, opts *session.Options) (users, error)
}

// openStore opens the store that the flag names.
func openStore(ctx context.Context, name string) (*backend, error) {
	if name == "memory" {
		return &backend{io.NopCloser(nil), memory.New(nil), nil}, nil
	}
	if file, ok := strings.CutPrefix(name, "memory:"); ok && file != "" {
		return openMemory(file)
	}
	if file, ok := strings.CutPrefix(name, "sqlite:"); ok && file != "" {
		return openSQLite(ctx, file)
	}
	u, err := url.Parse(name)
	if err != nil || u.Opaque != "" {
		return nil, fmt.Errorf("cannot read -store; it takes: %s", stores) // err and u may show a password
	}
	switch u.Scheme {
	case "postgres", "postgresql":
		return openPostgres(ctx, u)
	case "mysql":
		return openMySQL(ctx, u)
	case "redis", "rediss":
		return openRedis(ctx, u)
	}
	return nil, fmt.Errorf("there is no store %q; -store takes: %s", shown(u), stores)
}

// shown is a URL without what may be a password.
func shown(u *url.URL) string {
	bare := *u
	bare.RawQuery = ""
	return bare.Redacted()
}

// shownName is the flag's value without what may be a password.
func shownName(name string) string {
	u, err := url.Parse(name)
	if err != nil || u.Host == "" {
		return name // a file
	}
	return shown(u)
}
