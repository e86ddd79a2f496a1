//go:build !mysql && !all

package main

import (
	"context"
	"fmt"
	"net/url"
)

func openMySQL(_ context.Context, u *url.URL) (*backend, error) {
	return nil, fmt.Errorf("cannot use -store %s: %w", shown(u), errLeftOut)
}
