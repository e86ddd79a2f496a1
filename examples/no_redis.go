//go:build !redis && !all

package main

import (
	"context"
	"fmt"
	"net/url"
)

func openRedis(_ context.Context, u *url.URL) (*backend, error) {
	return nil, fmt.Errorf("cannot use -store %s: %w", shown(u), errLeftOut)
}
