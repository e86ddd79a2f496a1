//go:build mysql || all

package main

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"net"
	"net/url"
	"strings"

	"github.com/go-sql-driver/mysql"

	sessionsql "github.com/gostateful/session/sql"
)

// openMySQL reads a URL as the driver would read its own DSN, in which a user
// and a password cannot hold everything, and gives them to it apart.
func openMySQL(ctx context.Context, u *url.URL) (*backend, error) {
	addr := net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), "3306"))
	database, params := url.PathEscape(strings.TrimPrefix(u.Path, "/")), strings.ReplaceAll(u.RawQuery, "/", "%2F")
	config, err := mysql.ParseDSN("tcp(" + addr + ")/" + database + "?" + params)
	if err != nil {
		return nil, fmt.Errorf("cannot read -store %s: %w", shown(u), err)
	}
	config.User = u.User.Username()
	config.Passwd, _ = u.User.Password()
	connector, err := mysql.NewConnector(config)
	if err != nil {
		return nil, fmt.Errorf("cannot read -store %s: %w", shown(u), err)
	}
	return openSQL(ctx, shown(u), sessionsql.MySQL, sql.OpenDB(connector))
}
