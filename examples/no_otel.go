//go:build !otel && !all

package main

import "io"

func openMetrics(string) (telemetry, io.Closer, error) { return nil, nil, errLeftOut }
