//go:build !fiber && !all

package main

import "fmt"

func onFiber(*site) (server, error) {
	return nil, fmt.Errorf("cannot use -adapter fiber: %w", errLeftOut)
}
