//go:build postgres || all

package main

import (
	"context"
	"fmt"
	"net/url"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	sessionsql "github.com/gostateful/session/sql"
)

func openPostgres(ctx context.Context, u *url.URL) (*backend, error) {
	config, err := pgx.ParseConfig(u.String())
	if err != nil {
		return nil, fmt.Errorf("cannot read -store %s: %w", shown(u), err)
	}
	return openSQL(ctx, shown(u), sessionsql.Postgres, stdlib.OpenDB(*config))
}
