//go:build !chi && !all

package main

import "fmt"

func onChi(*site) (server, error) {
	return nil, fmt.Errorf("cannot use -adapter chi: %w", errLeftOut)
}
