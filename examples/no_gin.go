//go:build !gin && !all

package main

import "fmt"

func onGin(*site) (server, error) {
	return nil, fmt.Errorf("cannot use -adapter gin: %w", errLeftOut)
}
