//go:build !echo && !all

package main

import "fmt"

func onEcho(*site) (server, error) {
	return nil, fmt.Errorf("cannot use -adapter echo: %w", errLeftOut)
}
