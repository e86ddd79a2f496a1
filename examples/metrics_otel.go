//go:build otel || all

package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"

	promclient "github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/sdk/metric"

	sessionotel "github.com/gostateful/session/otel"
)

// openMetrics serves metrics for Prometheus at an address of their own, which
// visitors do not reach.
func openMetrics(addr string) (telemetry, io.Closer, error) {
	registry := promclient.NewRegistry()
	exporter, err := prometheus.New(prometheus.WithRegisterer(registry), prometheus.WithoutScopeInfo())
	if err != nil {
		return nil, nil, err
	}
	provider := metric.NewMeterProvider(metric.WithReader(exporter))
	t, err := sessionotel.New(&sessionotel.Options{MeterProvider: provider})
	if err != nil {
		return nil, nil, err
	}
	listener, err := listen("metrics", addr)
	if err != nil {
		return nil, nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	srv := newServer(mux)
	go func() {
		if err := srv.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			fmt.Println("The metrics are served no longer:", err)
		}
	}()
	return t, srv, nil
}
