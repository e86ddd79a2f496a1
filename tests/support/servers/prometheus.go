package servers

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"
)

// Prometheus starts a Prometheus that reads /metrics of these addresses every
// second, as the job "site".
func Prometheus(t testing.TB, targets ...string) *Server {
	t.Helper()
	return Start(t, Program{
		Name:    "prometheus",
		Folders: []string{"/usr/local/bin", "/opt/homebrew/bin"},
		Install: "Prometheus 2.42 or later (Debian: prometheus)",
		User:    "prometheus",
		Args: func(s *Server) []string {
			return []string{
				"--config.file", filepath.Join(s.Dir, "prometheus.yml"),
				"--storage.tsdb.path", filepath.Join(s.Dir, "data"),
				"--web.listen-address", s.Addr(),
			}
		},
		Prepare: func(s *Server) error {
			config := "global: {scrape_interval: 1s}\nscrape_configs:\n- job_name: site\n  static_configs:\n"
			for _, target := range targets {
				config += fmt.Sprintf("  - targets: [%q]\n", target)
			}
			name := filepath.Join(s.Dir, "prometheus.yml")
			if err := os.WriteFile(name, []byte(config), 0o600); err != nil {
				return err
			}
			return s.own(name)
		},
		Ready: func(ctx context.Context, s *Server) error {
			request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.Addr()+"/-/ready", nil)
			if err != nil {
				return err
			}
			response, err := http.DefaultClient.Do(request)
			if err != nil {
				return err
			}
			defer response.Body.Close()
			if response.StatusCode != http.StatusOK {
				return fmt.Errorf("it answers %s", response.Status)
			}
			return s.Announced("Server is ready to receive web requests")
		},
	})
}
