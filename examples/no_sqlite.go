//go:build !sqlite && !all

package main

import (
	"context"
	"fmt"
)

func openSQLite(_ context.Context, file string) (*backend, error) {
	return nil, fmt.Errorf("cannot use -store %s: %w", "sqlite:"+file, errLeftOut)
}
