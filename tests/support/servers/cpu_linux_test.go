package servers

import "testing"

// TestCPU: it grows while the server works.
func TestCPU(t *testing.T) {
	t.Parallel()
	s := Redis(t)
	before := s.CPU()
	for range 1000 {
		cli(t, s, "EVAL", "local n = 0; for i = 1, 1000000 do n = n + i end; return n", "0")
		if s.CPU() > before {
			return
		}
	}
	t.Errorf("after a billion additions the server has worked for %v, as before", before)
}
